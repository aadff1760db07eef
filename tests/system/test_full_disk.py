"""A disk that is full: each command says so and what to do, and leaves nothing half-made."""

import io
import os
import subprocess
import tarfile

import pytest

TIMEOUT = 120
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


class Disk:
    """A file system of 8 MiB with a store."""

    def __init__(self, folder, program):
        self.folder = folder
        self.root = folder / "store"
        self.program = program

    def __call__(self, *words):
        """A command: its first word or two, then the others."""
        count = 2 if words[0] in ("image", "network", "volume") else 1
        return subprocess.run([self.program, *words[:count], "--root", self.root, *words[count:]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)

    def refused(self, *words):
        done = self(*words)
        assert done.returncode in (1, 125), done
        assert "free some: bulkhead image prune" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr

    def fill(self):
        with open(self.folder / "fill", "wb", buffering=0) as out:
            with pytest.raises(OSError):
                while True:
                    out.write(bytes(64 * 1024))

    def empty(self):
        (self.folder / "fill").unlink()

    def files(self):
        return sorted(path.relative_to(self.root) for path in self.root.rglob("*"))


@pytest.fixture
def disk(tmp_path, bulkhead):
    if os.geteuid() != 0:
        pytest.skip("to mount a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield Disk(folder, bulkhead)
    subprocess.run(["umount", folder], check=True)


def make_tar(path, megabytes):
    """A root file system of busybox and a file that nothing makes smaller."""
    with tarfile.open(path, "w") as out:
        out.add("/bin/busybox", "bin/busybox")
        info = tarfile.TarInfo("bytes")
        info.size = megabytes * MEBIBYTE
        out.addfile(info, io.BytesIO(os.urandom(info.size)))
    return path


def test_an_image_that_does_not_fit_leaves_nothing(disk, tmp_path):
    small = make_tar(tmp_path / "small.tar", 1)
    assert disk("image", "import", small, "small").returncode == 0
    before = disk.files()
    disk.refused("image", "import", make_tar(tmp_path / "large.tar", 9), "large")
    assert disk.files() == before
    assert "large" not in disk("image", "ls").stdout


@pytest.mark.parametrize("isolation", ["microvm", "container"])
def test_an_image_that_cannot_be_unpacked_runs_when_it_can(disk, tmp_path, isolation):
    assert disk("image", "import", make_tar(tmp_path / "image.tar", 1), "image").returncode == 0
    run = ("run", "--isolation", isolation, "--code-cache", "none", "image", "/bin/busybox", "echo", "here")
    disk.fill()
    disk.refused(*run)
    disk.empty()
    done = disk(*run)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "here"


def test_what_is_kept_is_there_whole_or_not_at_all(disk, tmp_path):
    assert disk("image", "import", make_tar(tmp_path / "image.tar", 1), "image").returncode == 0
    disk.fill()
    disk.refused("create", "--name", "one", "image", "/bin/busybox")
    disk.refused("run", "-d", "--name", "two", "image", "/bin/busybox")
    disk.refused("volume", "create", "data")
    disk.refused("network", "create", "front")
    disk.empty()
    for words in (("ps", "--all", "--quiet"), ("volume", "ls", "--quiet"), ("network", "ls", "--quiet")):
        assert disk(*words).stdout == "", words
    assert disk("create", "--name", "one", "image", "/bin/busybox").returncode == 0
