"""`image build`: two stages, what the second sees of the first, the cache, and what is refused."""

import json
import os
import pathlib

import pytest
from harness import bundles

DOCKERFILE = """\
ARG BASE=busybox
FROM $BASE AS build
ARG NAME=world
ENV GREETING="hello $NAME"
WORKDIR /src
COPY . .
RUN echo "$GREETING" > out && mkdir -p deep/er && \\
    rm /etc/shadow
RUN ["sh", "-c", "echo more >> out"]

FROM busybox
COPY --from=build --chown=nobody:nogroup /src/out /srv/
COPY --from=build /src/deep /deep
COPY --from=build --chmod=755 /src/a.txt /srv/b.txt
USER nobody
RUN test "$(id -u)" = 65534 && cat /srv/out > /tmp/seen
WORKDIR /srv
LABEL who="me and you"
EXPOSE 80
CMD ["cat", "out"]
"""


@pytest.fixture
def context(images, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("to build images needs root")
    if not bundles.BUSYBOX.exists():
        pytest.skip(f"{bundles.BUSYBOX} is not installed (Debian package busybox-static)")
    if not bundles.OCI.exists():
        pytest.fail(f"{bundles.OCI} is missing; run ./dev build")
    images("bootstrap", "busybox")
    folder = tmp_path / "context"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("b")
    (folder / "left.out").write_text("x")
    (folder / ".dockerignore").write_text("*.out\nDockerfile\n.dockerignore\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def layers_of(images, name):
    return [pathlib.Path(line) for line in images("unpack", name).splitlines()]


def file_of(images, name, path):
    """A file as the topmost layer that has it shows it."""
    return next(layer / path for layer in reversed(layers_of(images, name)) if (layer / path).exists())


def test_two_stages_make_an_image(images, context):
    printed = images("build", "--tag", "made:1", "--build-arg", "NAME=you", context)
    assert "Successfully tagged made:1" in printed
    config = json.loads(images("inspect", "made:1"))[0]["Config"]
    assert config["Cmd"] == ["cat", "out"] and config["User"] == "nobody"
    assert config["WorkingDir"] == "/srv" and config["Labels"] == {"who": "me and you"}
    assert "80/tcp" in config["ExposedPorts"]
    out = file_of(images, "made:1", "srv/out")
    assert out.read_text() == "hello you\nmore\n"
    assert (out.stat().st_uid, out.stat().st_gid) == (65534, 65534)
    assert file_of(images, "made:1", "srv/b.txt").stat().st_mode & 0o777 == 0o755
    assert file_of(images, "made:1", "deep/er").is_dir()
    assert file_of(images, "made:1", "tmp/seen").read_text() == "hello you\nmore\n"
    for layer in layers_of(images, "made:1"):
        assert not (layer / "src").exists() and not (layer / "etc/resolv.conf").exists()


def test_what_a_step_removes_is_hidden(images, context):
    images("build", "--target", "build", "--tag", "stage:1", context)
    top = layers_of(images, "stage:1")
    hidden = [layer / "etc/shadow" for layer in top[1:] if os.path.lexists(layer / "etc/shadow")]
    assert len(hidden) == 1 and hidden[0].is_char_device()
    copied = next(layer for layer in top if (layer / "src/a.txt").exists())
    assert sorted(path.name for path in (copied / "src").iterdir()) == ["a.txt", "sub"]


def test_a_second_build_does_nothing_again_until_something_changes(images, context):
    first = images("build", "--tag", "made:1", context)
    assert "Using cache" not in first
    again = images("build", "--tag", "made:2", context)
    steps = again.count("Using cache")
    assert steps == 9
    (context / "a.txt").write_text("changed")
    changed = images("build", "--tag", "made:3", context)
    assert 0 < changed.count("Using cache") < steps
    assert "Using cache" not in images("build", "--no-cache", "--tag", "made:4", context)
    images("rm", "made:1", "made:2", "made:3", "made:4")
    assert images("build", "--tag", "made:5", context).count("Using cache") == steps
    images("prune", "--all")
    assert images.blobs() == set()


def test_builds_leave_nothing_mounted(images, context):
    images("build", "--tag", "made:1", context)
    assert str(images.root) not in pathlib.Path("/proc/mounts").read_text()
    assert list((images.root / "images" / "build.work").iterdir()) == []


REFUSED = {
    "FROM busybox\nRUN exit 3": "line 2: the command ended with status 3",
    "FROM busybox\nCOPY nothing /": "line 2: \"nothing\" is not there",
    "FROM busybox\nCOPY ../../etc/shadow /": "leads out",
    "FROM busybox\nCOPY left.out /": ".dockerignore",
    "FROM busybox\nRUN --mount=type=cache x": "--mount is not supported",
    "FROM busybox\nONBUILD RUN x": "ONBUILD is not supported",
    "FROM busybox\nADD http://localhost/x /": "ADD of a URL",
    "FROM busybox\nUSER nobody-known\nRUN true": "is not in the image's /etc/passwd",
    "FROM scratch\nENV A=b": "without any files",
    "FROB x": "\"FROB\" is no instruction",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_built_is_said_with_its_line(images, context, text):
    (context / "Dockerfile").write_text(text)
    assert REFUSED[text] in images.run("build", context).stderr.strip().splitlines()[-1]


def test_links_of_an_image_lead_nowhere_outside_of_it(images, context, tmp_path):
    (tmp_path / "victim").mkdir()
    (context / "Dockerfile").write_text(
        f"FROM busybox\nRUN ln -s {tmp_path}/victim /out\nCOPY a.txt /out/a.txt\n")
    images.run("build", "--tag", "made:1", context)
    assert list((tmp_path / "victim").iterdir()) == []
