"""What machines see of an image: overlay folders and the disk image agree with each other and with a peer."""

import contextlib
import os
import pathlib
import shutil
import subprocess

import layers
import pytest

CAPABILITY = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

LOWER = layers.tar(
    layers.folder("./", mode=0o755),
    layers.folder("bin", mode=0o755),
    layers.file("bin/tool", "tool", mode=0o4755),
    layers.hardlink("bin/same", "bin/tool"),
    layers.file("bin/granted", "x", attributes=[("security.capability", CAPABILITY), ("user.note", "hello")]),
    layers.symlink("lib", "usr/lib"),
    layers.folder("etc"),
    layers.file("etc/kept", "kept"),
    layers.file("etc/gone", "gone"),
    layers.file("etc/changed", "old"),
    layers.folder("data"),
    layers.file("data/hidden", "hidden"),
    layers.folder("data/deep"),
    layers.file("data/deep/hidden", "hidden"),
    layers.folder("removed"),
    layers.file("removed/x", "x"),
    layers.file("big", bytes(range(256)) * 4096),
    layers.file("odd", b"o" * 10_001, owner=(1000, 100), mode=0o640),
    layers.file("empty"),
    layers.file("caf\u00e9", "name"),
    layers.folder("many"),
    *[layers.file(f"many/file-{number:05}", str(number)) for number in range(3000)])
UPPER = layers.tar(
    layers.folder("etc", mode=0o700),
    layers.file("etc/.wh.gone"),
    layers.file("etc/changed", "new"),
    layers.folder("data"),
    layers.file("data/.wh..wh..opq"),
    layers.file("data/new", "new"),
    layers.file(".wh.removed"),
    layers.file("bin/.wh.tool"))
TOP = layers.tar(
    layers.folder("removed"),
    layers.file("removed/again", "again"),
    layers.file("etc/kept/.wh..wh.x"),
    layers.file(".wh.lib"),
    layers.folder("lib"),
    layers.file("lib/real", "real"))


@contextlib.contextmanager
def mounted(folder, *words):
    folder.mkdir()
    subprocess.run(["mount", *map(str, words), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def tree(folder):
    """All that can be seen below a folder, but for sizes and link counts of folders."""
    seen = {}
    for top, folders, files in os.walk(folder):
        for path in (pathlib.Path(top), *(pathlib.Path(top, name) for name in files + folders)):
            info = path.lstat()
            kind = info.st_mode >> 12
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
            names = [name for name in os.listxattr(path, follow_symlinks=False) if "overlay" not in name]
            seen[str(path.relative_to(folder))] = (
                oct(info.st_mode), info.st_uid, info.st_gid, info.st_mtime_ns if kind != 4 else None, content,
                info.st_nlink if kind == 8 else None,
                {name: os.getxattr(path, name, follow_symlinks=False) for name in names})
    return seen


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="to mount what was unpacked needs root")


def can_mount(kind):
    return kind in pathlib.Path("/proc/filesystems").read_text().split()


@pytest.fixture
def both(images, tmp_path):
    """The same image as (overlay, disk), mounted."""
    for kind in ("overlay", "erofs"):
        if not can_mount(kind):
            pytest.skip(f"this kernel has no {kind}")
    layers.layout(tmp_path / "layout", LOWER, UPPER, TOP)
    images("load", tmp_path / "layout")
    folders = images("unpack", "localhost/test:1").splitlines()
    disk = images("unpack", "--as", "disk", "localhost/test:1")
    lower = ":".join(reversed(folders))
    with (mounted(tmp_path / "overlay", "-t", "overlay", "-o", f"ro,lowerdir={lower}", "overlay") as overlay,
          mounted(tmp_path / "disk", "-t", "erofs", "-o", "ro,loop", disk) as image):
        yield overlay, image


@needs_root
def test_layers_and_disk_show_the_same(both):
    overlay, disk = (tree(folder) for folder in both)
    assert disk.keys() == overlay.keys()
    for name in overlay:
        # The root is our folder's in one and the image's in the other; a hard link's other name is hidden.
        if name in (".", "bin/same"):
            continue
        assert disk[name] == overlay[name], name


@needs_root
def test_what_is_seen_is_what_the_layers_say(both):
    for root in both:
        assert not (root / "etc/gone").exists()
        assert (root / "etc/changed").read_text() == "new"
        assert (root / "etc").stat().st_mode & 0o777 == 0o700
        assert os.listdir(root / "data") == ["new"]
        assert os.listdir(root / "removed") == ["again"]
        assert os.listdir(root / "lib") == ["real"]
        assert not (root / "lib").is_symlink()
        assert not (root / "bin/tool").exists()
        assert (root / "bin/same").read_text() == "tool"
        assert (root / "bin/same").stat().st_mode & 0o7777 == 0o4755
        assert os.getxattr(root / "bin/granted", "user.note") == b"hello"
        assert os.getxattr(root / "bin/granted", "security.capability") == CAPABILITY.encode()
        assert (root / "odd").stat().st_uid == 1000 and (root / "odd").read_bytes() == b"o" * 10_001
        assert (root / "big").read_bytes() == bytes(range(256)) * 4096
        assert len(os.listdir(root / "many")) == 3000


def test_the_disk_image_is_made_without_root_and_passes_fsck(images, tmp_path):
    layers.layout(tmp_path / "layout", LOWER, UPPER, TOP)
    images("load", tmp_path / "layout")
    disk = images("unpack", "--as", "disk", "localhost/test:1")
    if shutil.which("fsck.erofs") is None:
        pytest.skip("fsck.erofs is not installed")
    done = subprocess.run(["fsck.erofs", disk], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_root
def test_a_peer_unpacks_the_same(both, images, tmp_path):
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed")
    plain = layers.Layout(tmp_path / "tagged")
    plain.name(plain.manifest([LOWER, UPPER]), "1")
    images("load", "--name", "localhost/two:1", plain.path)
    subprocess.run(["umoci", "unpack", "--image", f"{plain.path}:1", tmp_path / "bundle"], check=True,
                   capture_output=True)
    disk = images("unpack", "--as", "disk", "localhost/two:1")
    with mounted(tmp_path / "two", "-t", "erofs", "-o", "ro,loop", disk) as ours:
        mine, theirs = tree(ours), tree(tmp_path / "bundle" / "rootfs")
    assert mine.keys() == theirs.keys()
    for name in mine:
        assert mine[name][:3] == theirs[name][:3] and mine[name][4:] == theirs[name][4:], name


def test_two_programs_unpack_one_layer_once(images, tmp_path):
    layers.layout(tmp_path / "layout", LOWER)
    images("load", tmp_path / "layout")
    several = [images.start("unpack", "localhost/test:1") for _ in range(4)]
    answers = {one.communicate(timeout=60)[0] for one in several}
    assert len(answers) == 1 and all(one.returncode == 0 for one in several)
    assert len(list((images.root / "images" / "layers").iterdir())) == 1
