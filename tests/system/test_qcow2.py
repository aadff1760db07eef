"""qcow2 images made by qemu-img, used by a guest, and looked at by qemu-img again."""

import hashlib
import os
import shutil
import subprocess

import pytest

from harness import machines

TIMEOUT = 120
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


@pytest.fixture(scope="module", autouse=True)
def qemu_img():
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed (Debian package qemu-utils)")


def image_tool(*arguments):
    return subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def checksum(data):
    return hashlib.sha256(data).hexdigest()


def drive(path, **more):
    return {"drive_id": path.name.split(".")[0], "path_on_host": str(path), "is_root_device": False, "format": "Qcow2",
            "cache_type": "Writeback", **more}


def run(script, folder, drives):
    guest = machines.Guest(("sh", "-c", "mkdir -p /mnt; " + script), devices={"drives": drives}, arguments="quiet")
    with machines.start_vmm(guest, folder, options=("--level", "Warning")) as machine:
        return machine.finish(TIMEOUT)


@pytest.fixture
def file_system(tmp_path):
    """An ext4 file system as a raw image, and the bytes of its file from_host."""
    source, raw = tmp_path / "source", tmp_path / "raw"
    source.mkdir()
    data = os.urandom(MIB) + b"compressible " * 300_000
    (source / "from_host").write_bytes(data)
    with open(raw, "wb") as file:
        file.truncate(48 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", source, raw], check=True)
    return raw, data


def test_a_guest_writes_images_that_qemu_finds_sound(file_system, tmp_path):
    raw, data = file_system
    base, top, zstd, old, small = (tmp_path / f"{name}.qcow2" for name in ("base", "top", "zstd", "old", "small"))
    image_tool("convert", "-c", "-O", "qcow2", raw, base)
    image_tool("create", "-f", "qcow2", "-b", base.name, "-F", "qcow2", top, "64M")
    image_tool("convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", raw, zstd)
    image_tool("convert", "-O", "qcow2", "-o", "compat=0.10", raw, old)
    image_tool("convert", "-O", "qcow2", "-o", "cluster_size=4k,lazy_refcounts=on", raw, small)
    before = checksum(base.read_bytes())
    images = (top, zstd, old, small)
    outcome = run(
        "set -e; for d in vda vdb vdc vdd; do mount -t ext4 /dev/$d /mnt; sha256sum /mnt/from_host; "
        "cat /mnt/from_host /mnt/from_host > /mnt/from_guest; rm /mnt/from_host; mkdir /mnt/d; echo $d > /mnt/d/name; "
        "sync; fstrim /mnt || true; umount /mnt; done; "
        # Over the end of the backing file, and zeros there.
        "dd if=/dev/urandom of=/dev/vda bs=512 seek=120000 count=77 2> /dev/null; dd if=/dev/vda bs=512 skip=120000 count=77 2> /dev/null | sha256sum",
        tmp_path, [drive(top, allow_backing_file=True), *(drive(image) for image in images[1:])])
    assert outcome.status == 0, outcome.console[-3000:] + outcome.errors
    assert outcome.errors == ""
    assert outcome.console.count(checksum(data)) == 4
    assert checksum(base.read_bytes()) == before
    for image in images:
        assert "No errors were found" in image_tool("check", image)
        after = tmp_path / "after"
        image_tool("convert", "-O", "raw", image, after)
        # Beyond the file system lies what the guest wrote last.
        subprocess.run(["e2fsck", "-fn", after], check=True, capture_output=True)
        read = subprocess.run(["debugfs", "-R", "cat from_guest", after], capture_output=True, check=True).stdout
        assert checksum(read) == checksum(data + data)
        if image == top:
            assert checksum(after.read_bytes()[120000 * 512:120077 * 512]) in outcome.console


def test_an_image_that_is_shared_needs_an_overlay(file_system, tmp_path):
    image = tmp_path / "image.qcow2"
    image_tool("convert", "-O", "qcow2", file_system[0], image)
    before = checksum(image.read_bytes())
    outcome = run("set -e; for d in vda vdb; do mount -t ext4 /dev/$d /mnt; echo x > /mnt/new; umount /mnt; done", tmp_path,
                  [drive(image, overlay="Ephemeral"), {**drive(image, overlay="Ephemeral"), "drive_id": "b"}])
    assert outcome.status == 0, outcome.console[-3000:] + outcome.errors
    assert checksum(image.read_bytes()) == before
    outcome = run("true", tmp_path, [drive(image), {**drive(image), "drive_id": "b"}])
    assert "another machine uses the image" in outcome.errors


def test_what_is_not_supported_is_refused_in_words(file_system, tmp_path):
    raw, _ = file_system
    base, top, secret = (tmp_path / name for name in ("base.qcow2", "top.qcow2", "secret.qcow2"))
    image_tool("convert", "-O", "qcow2", raw, base)
    image_tool("create", "-f", "qcow2", "-b", base, "-F", "qcow2", top)
    # Not by qemu-img, which gives up measuring its own CPU time on a busy host: crypt_method 2 is LUKS.
    header = bytearray(base.read_bytes())
    header[32:36] = (2).to_bytes(4, "big")
    secret.write_bytes(header)
    for image, more, words in ((top, {}, "allow_backing_file"), (secret, {}, "encryption: not supported"),
                               (raw, {}, "not a qcow2 image")):
        outcome = run("true", tmp_path, [drive(image, **more)])
        assert outcome.status != 0 and words in outcome.errors, outcome.errors
    image_tool("snapshot", "-c", "one", base)
    outcome = run("true", tmp_path, [drive(base)])
    assert "internal snapshots" in outcome.errors
