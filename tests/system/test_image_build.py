"""`bulkhead image build`: a package is installed and used, on both isolations, and again from the cache."""

import json
import os
import pathlib
import subprocess

import pytest

TIMEOUT = 600

pytestmark = [pytest.mark.usefixtures("kernels", "vmm"), pytest.mark.slow]

DOCKERFILE = """\
FROM debian:12 AS build
ARG WHO=world
ENV GREETING="hello $WHO"
COPY greeter.deb /opt/
RUN apt-get install -y --no-install-recommends /opt/greeter.deb
WORKDIR /job
RUN greeter > said && ln said also-said && chown nobody said && mkdir -m 1777 drop
RUN rm -r /usr/share/doc /etc/motd && mkdir /usr/share/doc && id -u > /tmp/who

FROM busybox
LABEL of=greetings
COPY --from=build /job/said /tmp/who /srv/
USER nobody
RUN cat /srv/said > /tmp/seen
CMD ["cat", "/tmp/seen", "/srv/who"]
"""
GREETER = '#!/bin/sh\necho "$GREETING from $(uname -s)"\n'
CONTROL = """\
Package: greeter
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Depends: base-files
Description: Says hello
"""


@pytest.fixture(scope="module")
def images(store, bulkhead, debian):
    """`bulkhead image` with a Debian and a busybox image."""
    def images(command, *words, **options):
        return subprocess.run([bulkhead, "image", command, "--root", store, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT, **options)

    done = images("import", debian, "debian:12")
    assert done.returncode == 0, done.stderr
    images.root = store
    return images


@pytest.fixture
def context(tmp_path):
    folder = tmp_path / "context"
    package = tmp_path / "greeter"
    program = package / "usr/bin/greeter"
    program.parent.mkdir(parents=True)
    program.write_text(GREETER)
    program.chmod(0o755)
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN/control").write_text(CONTROL)
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", package, folder / "greeter.deb"],
                   check=True, capture_output=True)
    return folder


def newest_file(images, name, path):
    """A file as the topmost layer that has it shows it."""
    layers = images("unpack", name).stdout.splitlines()
    return next(file for layer in reversed(layers) if os.path.lexists(file := pathlib.Path(layer) / path))


@pytest.mark.parametrize("isolation", ["microvm", "container"])
def test_a_package_is_installed_and_used(images, bulkhead, context, isolation):
    words = ["--isolation", isolation, "--build-arg", "WHO=you"]
    name = f"greeted:{isolation}"
    done = images("build", *words, "--tag", name, context)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Setting up greeter (1.0)" in done.stdout

    ran = subprocess.run([bulkhead, "run", "--root", images.root, "--isolation", isolation, name],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.replace("\r\n", "\n") == "hello you from Linux\n0\n"

    again = images("build", *words, "--tag", name, context)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("Using cache") == 7

    stage = f"stage:{isolation}"
    assert images("build", *words, "--target", "build", "--tag", stage, context).returncode == 0
    said = newest_file(images, stage, "job/said").stat()
    assert (said.st_uid, said.st_nlink) == (65534, 2)
    assert newest_file(images, stage, "job/drop").stat().st_mode & 0o7777 == 0o1777
    listed = subprocess.run([bulkhead, "run", "--root", images.root, "--isolation", "container", stage,
                             "ls", "/usr/share/doc", "/etc/motd"], capture_output=True, text=True, timeout=TIMEOUT)
    assert listed.stdout.strip() == "/usr/share/doc:", "what was removed is hidden"
    assert "/etc/motd" in listed.stderr
    shown = json.loads(images("inspect", name).stdout)[0]["Config"]
    assert shown["Labels"] == {"of": "greetings"} and shown["User"] == "nobody"


def test_a_command_that_fails_in_a_microvm_says_its_line(images, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN true\nRUN exit 3\n")
    done = images("build", "--isolation", "microvm", tmp_path)
    assert done.returncode == 2
    assert "line 3: the command ended with status 3" in done.stderr
    assert not list((images.root / "images" / "build").glob("*disk*"))


def test_a_kernel_that_is_none_is_named(images, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN true\n")
    done = images("build", "--isolation", "microvm", "--no-cache", "--kernel", tmp_path / "none", tmp_path)
    assert done.returncode == 2
    assert "none" in done.stderr and "line 2" in done.stderr
