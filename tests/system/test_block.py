"""Drives and the entropy device, with file systems made by the host."""

import hashlib
import os
import re
import subprocess

import pytest

from harness import machines

TIMEOUT = 120
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


def make_ext4(folder, contents=None, size=32 * MIB):
    """An ext4 image with `contents`, {name: bytes}."""
    source, image = folder / "source", folder / "image"
    source.mkdir()
    for name, data in (contents or {}).items():
        (source / name).write_bytes(data)
    with open(image, "wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", source, image], check=True)
    return image


def drive(path, name="data", root=False, **more):
    return {"drive_id": name, "path_on_host": str(path), "is_root_device": root, **more}


def run(script, folder, drives, **more):
    guest = machines.Guest(("sh", "-c", "mkdir -p /mnt; " + script), devices={"drives": drives}, arguments="quiet", **more)
    with machines.start_vmm(guest, folder, options=("--level", "Warning")) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.console[-3000:] + outcome.errors
    return outcome


def checksum(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kernel, vcpus, io_engine", [("tuned", 1, "Sync"), ("tuned", 2, "Async")])
def test_a_guest_reads_what_the_host_wrote_and_the_other_way_round(kernel, vcpus, io_engine, tmp_path):
    data = os.urandom(5 * MIB + 3)
    image = make_ext4(tmp_path, {"from_host": data})
    outcome = run("set -e; mount -t ext4 /dev/vda /mnt; sha256sum /mnt/from_host; "
                  "cat /mnt/from_host /mnt/from_host > /mnt/from_guest; umount /mnt",
                  tmp_path, [drive(image, cache_type="Writeback", io_engine=io_engine)], kernel=kernel, vcpus=vcpus)
    assert checksum(data) in outcome.console
    assert outcome.errors == ""
    subprocess.run(["e2fsck", "-fn", image], check=True, capture_output=True)
    read = subprocess.run(["debugfs", "-R", "cat from_guest", image], capture_output=True, check=True).stdout
    assert checksum(read) == checksum(data + data)


def test_every_drive_has_its_options(tmp_path):
    images = []
    for name in ("a", "b", "c"):
        path = tmp_path / name
        path.write_bytes(name.encode() * 4 * MIB)
        images.append(path)
    outcome = run(
        "for d in vda vdb vdc; do echo $d $(cat /sys/block/$d/ro /sys/block/$d/size) "
        "$(ls /sys/block/$d/mq | wc -l) $(head -c 1 /dev/$d) serial=$(cat /sys/block/$d/serial) "
        "cache=$(cat /sys/block/$d/queue/write_cache | tr ' ' _); done; "
        "echo x > /dev/vda 2> /dev/null && echo written || echo refused",
        tmp_path, [drive(images[0], "a", is_read_only=True), drive(images[1], "b", num_queues=2),
                   drive(images[2], "c", cache_type="Writeback")], vcpus=2)
    rows = re.findall(r"^(vd.) (\d) (\d+) (\d+) (.) serial=(\d+) cache=(\w+)", outcome.console, re.MULTILINE)
    assert [row[:5] for row in rows] == [("vda", "1", "8192", "1", "a"), ("vdb", "0", "8192", "2", "b"),
                                         ("vdc", "0", "8192", "1", "c")]
    assert len({row[5] for row in rows}) == 3
    assert [row[6] for row in rows] == ["write_through", "write_through", "write_back"]
    assert "refused" in outcome.console


def test_discarded_and_zeroed_blocks_give_the_hosts_room_back(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"x" * 16 * MIB)
    before = image.stat().st_blocks
    # BLKDISCARD and BLKZEROOUT of a range.
    calls = ("import fcntl, struct; disk = open('/dev/vda', 'rb+'); "
             "fcntl.ioctl(disk, 0x1277, struct.pack('QQ', 0, 8 << 20)); "
             "fcntl.ioctl(disk, 0x127f, struct.pack('QQ', 8 << 20, 4 << 20))")
    run(f'python3 -c "{calls}"', tmp_path, [drive(image)], initrd="debian", memory_mib=512)
    after = image.read_bytes()
    assert after[:12 * MIB] == bytes(12 * MIB)
    assert after[12 * MIB:] == b"x" * 4 * MIB
    # Zeros without the flag to unmap keep their room.
    assert image.stat().st_blocks <= before - 8 * MIB // 512


def test_two_machines_share_an_image_that_stays_as_it_is(tmp_path):
    image = make_ext4(tmp_path, {"etc": b"shared\n"})
    before = checksum(image.read_bytes())
    script = ("set -e; mkdir -p /mnt; mount -t ext4 /dev/vda /mnt; cat /mnt/etc; dd if=/dev/urandom of=/mnt/own bs=1M count=4; sync; "
              "echo mine-{0} > /mnt/etc; umount /mnt; mount -t ext4 /dev/vda /mnt; cat /mnt/etc; echo ready-{0}; "
              "read line; ls /mnt")
    running = []
    for number in (0, 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        guest = machines.Guest(("sh", "-c", script.format(number) + "; exit 7"), arguments="quiet",
                               devices={"drives": [drive(image, overlay="Ephemeral")]})
        running.append(machines.start_vmm(guest, folder, options=("--level", "Warning")))
    for number, machine in enumerate(running):
        with machine:
            machine.wait_for(f"ready-{number}", TIMEOUT)
            assert f"shared\nmine-{number}\n" in re.sub(r"^\d\+\d.*\n", "", machine.console, flags=re.MULTILINE)
    assert checksum(image.read_bytes()) == before


def test_a_guest_boots_from_its_root_drive(tmp_path):
    """Without an initrd: the root is busybox and a script that is its first process."""
    root = tmp_path / "source"
    for name in ("bin", "dev", "proc", "mnt", "etc"):
        (root / name).mkdir(parents=True)
    subprocess.run(["cp", "/bin/busybox", root / "bin"], check=True)
    (root / "init").write_text("#!/bin/busybox sh\n/bin/busybox mount -t proc proc /proc\n"
                               "/bin/busybox grep ' / ' /proc/mounts; echo root=$(/bin/busybox cat /etc/name)\n"
                               "/bin/busybox reboot -f\n")
    (root / "init").chmod(0o755)
    (root / "etc" / "name").write_text("from-the-drive\n")
    image = tmp_path / "image"
    subprocess.run(["mksquashfs", root, image, "-quiet", "-no-progress"], check=True, capture_output=True)
    guest = machines.Guest((), arguments="quiet init=/init",
                           devices={"drives": [drive(image, "rootfs", True, is_read_only=True)]})
    with machines.start_vmm(guest, tmp_path, initrd=False) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.console + outcome.errors
    assert "/dev/root / squashfs ro" in outcome.console
    assert "root=from-the-drive" in outcome.console


def test_the_rate_limiter_holds_a_drive_back(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(8 * MIB))
    limit = {"bandwidth": {"size": MIB, "refill_time": 500}}
    outcome = run("read up rest < /proc/uptime; cat /dev/vda > /dev/null; read now rest < /proc/uptime; echo took $up $now",
                  tmp_path, [drive(image, rate_limiter=limit)])
    up, now = map(float, re.search(r"took ([\d.]+) ([\d.]+)", outcome.console).groups())
    # One MiB at once, seven at 2 MiB/s.
    assert 2.5 < now - up < 15


def test_the_guest_gets_random_bytes_from_the_host(tmp_path):
    guest = machines.Guest(("sh", "-c", "cat /sys/class/misc/hw_random/rng_current; head -c 100000 /dev/hwrng | sha256sum"),
                           devices={"entropy": {}}, arguments="quiet")
    with machines.start_vmm(guest, tmp_path) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0
    assert "virtio_rng.0" in outcome.console
    assert checksum(bytes(100000)) not in outcome.console


def test_a_drive_that_is_not_there_is_named(tmp_path):
    guest = machines.Guest(("true",), devices={"drives": [drive("/nowhere")]})
    with machines.start_vmm(guest, tmp_path) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 152
    assert "drive data: open /nowhere: No such file or directory" in outcome.errors
