"""`image build`: two stages, what the second sees of the first, the cache, and what is refused."""

import functools
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import tarfile
import threading

import pytest
from harness import bundles, paths

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
    "FROM busybox\nRUN --mount=type=ssh x": "type=ssh is not supported",
    "FROM busybox\nRUN <<EOF\nx": "has no end",
    "FROM busybox\nONBUILD FROM x": "ONBUILD takes one instruction",
    "FROM busybox\nADD https://localhost/x.git /": "Git",
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


def build(images, context, dockerfile, *words, name="made"):
    (context / "Dockerfile").write_text(dockerfile)
    return images("build", *words, "--tag", name, context)


def test_here_documents_are_scripts_and_files(images, context):
    build(images, context, """\
FROM busybox
ARG WHO=you
RUN <<EOF
set -e
# A comment of the script.
echo "script $WHO" > /script
EOF
RUN cat <<-A > /cat; cat >> /cat <<'B'
\tfirst $WHO
\tA
second $WHO
B
COPY --chmod=640 <<one.txt <<"two" /srv/
one $WHO
one.txt
two $WHO
two
COPY <<EOF /single
single
EOF
""")
    for path, content in [("script", "script you\n"), ("cat", "first you\nsecond $WHO\n"), ("srv/one.txt", "one you\n"),
                          ("srv/two", "two $WHO\n"), ("single", "single\n")]:
        assert file_of(images, "made", path).read_text() == content, path
    assert file_of(images, "made", "srv/two").stat().st_mode & 0o777 == 0o640
    assert build(images, context, (context / "Dockerfile").read_text()).count("Using cache") == 4


def test_copies_leave_out_what_they_are_told_to(images, context):
    (context / "sub" / "c.o").write_text("c")
    (context / "b.o").write_text("b")
    build(images, context, "FROM busybox\nCOPY --exclude=**/*.o --exclude=a.txt . /all/\n"
                           "FROM busybox\nCOPY --from=0 --exclude=all/sub /all /again/\n")
    layer = layers_of(images, "made")[-1]
    assert sorted(str(path.relative_to(layer)) for path in layer.rglob("*")) == ["again"]
    build(images, context, (context / "Dockerfile").read_text(), "--target", "0", name="first")
    layer = layers_of(images, "first")[-1]
    assert sorted(path.name for path in layer.rglob("*") if path.is_file()) == ["b.txt"]


def test_onbuild_is_done_by_who_begins_with_the_image(images, context):
    build(images, context, 'FROM busybox\nONBUILD COPY a.txt /app/\nONBUILD RUN echo "$PWD" > /told\nWORKDIR /app\n',
          name="base")
    (context / "a.txt").write_text("later")
    build(images, context, "FROM base\nRUN cat /app/a.txt /told > /seen\n")
    assert (layers_of(images, "made")[-1] / "seen").read_text() == "later/app\n"
    build(images, context, "FROM made\nRUN echo >> /told\n", name="after")
    assert len(layers_of(images, "after")) == len(layers_of(images, "made")) + 1
    build(images, context, "FROM busybox\nONBUILD RUN exit 3\n", name="failing")
    (context / "Dockerfile").write_text("FROM failing\n")
    assert 'line 1: ONBUILD of "failing"' in images.run("build", context).stderr


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
def test_add_takes_local_archives_apart(images, context, form):
    source = context.parent / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_text("from the archive")
    (source / "link").symlink_to("deep/file")
    tar = ["tar", "--create", "--owner=7", "--group=8", "--directory", source, "."]
    if form == "tar.zst":
        subprocess.run(["zstd", "-q", "-o", context / "some.tar.zst"], check=True,
                       input=subprocess.run(tar, check=True, capture_output=True).stdout)
    else:
        subprocess.run([*tar, "--file", context / f"some.{form}", *(["--gzip"] if form == "tar.gz" else [])], check=True)
    (context / "no-tar.gz").write_bytes(gzip.compress(b"a text alone"))
    text = f"FROM busybox\nADD some.{form} no-tar.gz a.txt /out/\nADD some.{form} /named\nCOPY some.{form} /kept/\n"
    build(images, context, text)
    kept, named, out = [pathlib.Path(line) for line in images("unpack", "made").splitlines()][-1:-4:-1]
    assert (out / "out" / "link").read_text() == "from the archive"
    assert ((out / "out" / "deep" / "file").stat().st_uid, (out / "out" / "deep" / "file").stat().st_gid) == (7, 8)
    assert gzip.decompress((out / "out" / "no-tar.gz").read_bytes()) == b"a text alone"
    assert (out / "out" / "a.txt").read_text() == "a"
    assert (named / "named" / "deep" / "file").exists()
    assert (kept / "kept" / f"some.{form}").is_file()


def test_add_of_an_archive_stays_in_its_folder(images, context, tmp_path):
    with tarfile.open(context / "bad.tar", "w") as tar:
        link = tarfile.TarInfo("etc")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("etc/escaped"))
    (context / "Dockerfile").write_text("FROM busybox\nADD bad.tar /\n")
    images.run("build", context)
    assert not (tmp_path / "escaped").exists()
    with tarfile.open(context / "bad.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("etc/.wh.passwd"))
    done = images.run("build", context)
    assert done.returncode != 0 and "it is a layer" in done.stderr


def test_add_fetches_addresses(images, context):
    content = b"fetched\n" * 1000
    (context / "served").mkdir()
    (context / "served" / "file.txt").write_bytes(content)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=context / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/file.txt"
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        build(images, context, f"FROM busybox\nADD --checksum={digest} --chmod=644 {address}?x=1 /a/\nADD {address} /b\n")
        assert file_of(images, "made", "a/file.txt").read_bytes() == content
        assert file_of(images, "made", "b").stat().st_mode & 0o777 == 0o600
        for line, expected in [(f"ADD --checksum=sha256:{'0' * 64} {address} /a", "has the digest"),
                               (f"ADD {address}x /a", "status 404"), (f"ADD {address} a.txt /a/", "an instruction for each"),
                               (f"ADD --checksum={digest} a.txt /a", "--checksum is for"),
                               (f"ADD http://127.0.0.1:{server.server_address[1]}/ /a/", "names no file"),
                               ("ADD https://example.org/x.git /a", "Git")]:
            (context / "Dockerfile").write_text(f"FROM busybox\n{line}\n")
            complaint = images.refused("build", context)
            assert expected in complaint and "line 2" in complaint, (line, complaint)
        server.shutdown()
    assert not list((images.root / "images" / "build.work").iterdir())


@pytest.mark.parametrize("isolation", ["container", "microvm"])
def test_mounts_of_run_are_in_no_layer(images, context, isolation):
    if isolation == "microvm" and not all(path.exists() for path in paths.KERNELS.values()):
        pytest.skip("no guest kernel; run ./dev system")
    (context / "token").write_text("correct-horse-9f31")
    dockerfile = """\
FROM busybox AS base
RUN echo stage > /of-stage
FROM busybox
RUN --mount=type=cache,target=/cache,id=c --mount=type=tmpfs,target=/scratch \\
    echo x >> /cache/file && echo y > /scratch/y && wc -l < /cache/file > /count
RUN --mount=target=/ctx --mount=from=base,source=/,target=/deep/base cat /ctx/a.txt /deep/base/of-stage > /seen; touch /ctx/new || true
RUN --mount=type=secret,id=token,mode=0444 --mount=type=secret,id=token,env=TOKEN --mount=type=secret,id=other \\
    test $(md5sum < /run/secrets/token | cut -c 1-32) = MD5 && test "$TOKEN" = "$(cat /run/secrets/token)" && \\
    test ! -e /run/secrets/other && stat -c %a /run/secrets/token > /mode
"""
    dockerfile = dockerfile.replace("MD5", hashlib.md5((context / "token").read_bytes()).hexdigest())
    words = ("--isolation", isolation, "--secret", f"id=token,src={context}/token")
    build(images, context, dockerfile, *words)
    assert file_of(images, "made", "seen").read_text() == "astage\n"
    assert file_of(images, "made", "mode").read_text() == "444\n"
    first = int(file_of(images, "made", "count").read_text())
    assert build(images, context, dockerfile, *words).count("Using cache") == 4
    build(images, context, dockerfile, "--no-cache", *words)
    assert int(file_of(images, "made", "count").read_text()) == first + 1
    for layer in layers_of(images, "made")[1:]:
        left = [path for path in layer.rglob("*") if path.is_file() and path.name not in ("count", "seen", "mode")]
        assert not left, left
        if isolation == "container":
            assert not [path for path in layer.rglob("*") if path.is_dir() and path.name in ("cache", "scratch", "ctx", "deep")]
    assert not (context / "new").exists()
    held = [path for path in images.root.rglob("*") if path.is_file() and b"correct-horse" in path.read_bytes()]
    assert not held, held
    (context / "a.txt").write_text("changed")
    assert build(images, context, dockerfile, *words).count("Using cache") < 4
    images("prune")
    assert not (images.root / "images" / "cache").exists()


def test_secrets_of_builds_may_be_those_of_machines(images, context):
    made = subprocess.run([images.program, "secret", "create", "--root", images.root, "token", "-"], input="kept\n", text=True)
    assert made.returncode == 0
    build(images, context, "FROM busybox\nRUN --mount=type=secret,id=token,target=/t,required=true test $(cat /t) = kept\n",
          "--secret", "id=token")
    for words, expected in [((), "there is no secret"), (("--secret", "id=none"), "secret ls"), (("--secret", "src=x"), "id"),
                            (("--secret", f"id=token,src={context}/none"), "none")]:
        assert expected in images.refused("build", "--no-cache", *words, context)
