"""Folders of the host in a guest, as virtio-fs."""

import ctypes
import hashlib
import os
import threading

import pytest

from harness import machines

TIMEOUT = 120
MIB = 1 << 20
AT_FDCWD, RENAME_EXCHANGE = -100, 2

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


def share(tag, path, **more):
    return {"tag": tag, "path_on_host": str(path), **more}


def start(script, folder, shares, **more):
    guest = machines.Guest(("sh", "-c", script), devices={"shares": shares}, arguments="quiet", **more)
    return machines.start_vmm(guest, folder, options=("--level", "Warning"))


def run(script, folder, shares, **more):
    with start(script, folder, shares, **more) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.console[-3000:] + outcome.errors
    assert outcome.errors == ""
    return outcome.console


@pytest.fixture
def shared(tmp_path):
    """The folder; what lies beside it is not for the guest."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (tmp_path / "secret").write_text("not for the guest\n")
    return folder


def test_a_guest_and_the_host_share_a_folder(shared, tmp_path):
    data = os.urandom(5 * MIB + 3)
    (shared / "from_host").write_bytes(data)
    (shared / "old").mkdir()
    for number in range(200):
        (shared / "old" / f"file{number}").write_text(str(number))
    console = run(
        "set -e; mkdir /mnt; mount -t virtiofs home /mnt; cd /mnt; sha256sum from_host; "
        "cat from_host from_host > from_guest; echo line >> log; echo more >> log; "
        "mv old new; ls new | wc -l; cat new/file* | wc -c; rm new/file1*; "
        "mkdir -p a/b; ln -s from_host a/link; ln from_host a/same; mv a/same a/b/again; chmod 640 log; "
        "truncate -s 100 a/b/again; touch -d '2001-02-03 04:05:06' log; stat -c %s a/b/again; "
        "(exec 3<>gone; rm gone; echo still >&3; cat /proc/self/fd/3); df . | tail -1; "
        "cp /bin/busybox a/; a/busybox echo ran from the share; cd /; umount /mnt; mount -t virtiofs home /mnt; ls /mnt",
        tmp_path, [share("home", shared)], vcpus=2)
    assert hashlib.sha256(data).hexdigest() in console
    assert "\n200\n" in console and "\n490\n" in console
    assert "\n100\n" in console and "ran from the share" in console
    assert (shared / "from_guest").read_bytes() == data + data
    assert (shared / "log").read_text() == "line\nmore\n"
    assert (shared / "log").stat().st_mode & 0o777 == 0o640
    assert (shared / "log").stat().st_mtime == 981173106
    assert len(list((shared / "new").iterdir())) == 200 - 111
    assert os.readlink(shared / "a" / "link") == "from_host"
    assert (shared / "a" / "b" / "again").stat().st_size == 100
    assert not (shared / "gone").exists()


def exchange(one, other):
    libc = ctypes.CDLL(None)
    libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)


def test_nothing_leads_out_of_the_folder(shared, tmp_path):
    """Links, names, and a folder that is exchanged with a link while the guest goes through it."""
    (shared / "to_secret").symlink_to("../secret")
    (shared / "to_top").symlink_to(tmp_path)
    (shared / "swapped").mkdir()
    (shared / "swapped" / "secret").write_text("harmless\n")
    (shared / "other").symlink_to(tmp_path)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            exchange(shared / "swapped", shared / "other")

    # Mounted anew in each round: the guest's kernel remembers for a second what a name was.
    script = ("mkdir /mnt; mount -t virtiofs home /mnt; cd /mnt; cat to_secret to_top/secret ../secret; ls ../..; echo ready; "
              "cd /; umount /mnt; i=0; while [ $i -lt 300 ]; do mount -t virtiofs home /mnt; cat /mnt/swapped/secret; "
              "echo changed > /mnt/swapped/secret; echo made > /mnt/swapped/made; umount /mnt; i=$((i+1)); done 2> /dev/null "
              "| sort | uniq -c; mount -t virtiofs home /mnt; cd /mnt; "
              "mknod disk b 8 0 || echo refused; cp /bin/busybox setuid; chmod 4755 setuid; stat -c %a setuid; exit 0")
    with start(script, tmp_path, [share("home", shared)]) as machine:
        machine.wait_for("ready", TIMEOUT)
        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            outcome = machine.finish(TIMEOUT)
        finally:
            stop.set()
            swapper.join()
    assert outcome.status == 0, outcome.console[-3000:] + outcome.errors
    assert "not for the guest" not in outcome.console
    assert "changed" in outcome.console
    assert "refused" in outcome.console and "\n755\n" in outcome.console
    assert (tmp_path / "secret").read_text() == "not for the guest\n"
    assert not (tmp_path / "made").exists()


def test_a_share_can_be_read_only_and_map_its_users(shared, tmp_path):
    (shared / "kept").write_text("kept\n")
    mapped = tmp_path / "mapped"
    mapped.mkdir()
    (mapped / "owned").write_text("")
    own = os.getuid()
    uid_map = [{"guest": 1000, "host": own, "count": 1}]
    console = run(
        "mkdir /ro /map; mount -t virtiofs ro /ro && mount -t virtiofs map /map; cat /ro/kept; "
        "for try in 'touch /ro/new' 'rm /ro/kept' 'mkdir /ro/d' 'mv /ro/kept /ro/k' 'chmod 0 /ro/kept' 'sh -c :>/ro/kept'; do "
        "$try 2> /dev/null && echo changed; done; echo x 2> /dev/null > /ro/kept && echo changed; "
        "stat -c 'owner %u' /map/owned; touch /map/new 2> /dev/null || echo not for root; "
        "chown 1000 /map/owned && echo same owner; exit 0",
        tmp_path, [share("ro", shared, is_read_only=True), share("map", mapped, uid_map=uid_map)])
    assert "kept" in console and "changed" not in console
    assert "owner 1000" in console and "same owner" in console and "not for root" in console
    assert sorted(path.name for path in shared.iterdir()) == ["kept"]
    assert (shared / "kept").read_text() == "kept\n"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with start("true", tmp_path, [share("home", "/nowhere")]) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status != 0
    assert "share home: open /nowhere: No such file or directory" in outcome.errors
