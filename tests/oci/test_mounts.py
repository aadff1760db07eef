"""Mounts, their options, masked and read-only paths, devices, the root."""

import os
import pathlib
import re

import pytest


def options_of(box, path, script="true"):
    """The options of the last mount at `path` inside, as mountinfo has them."""
    lines = box.sh(f"{script}; cat /proc/self/mountinfo").splitlines()
    found = [line.split() for line in lines if f" {path} " in line]
    return set(found[-1][5].split(","))


@pytest.fixture
def shared(box):
    folder = box.folder / "shared"
    folder.mkdir()
    (folder / "file").write_text("content\n")
    (folder / "file").chmod(0o755)
    return folder


@pytest.mark.parametrize("option", ["nosuid", "nodev", "noexec", "ro", "noatime", "nodiratime", "nosymfollow"])
def test_an_attribute_of_a_bind_mount(box, shared, option):
    box.add_mount("/mnt", "bind", shared, "bind", option)
    assert option in options_of(box, "/mnt")


@pytest.mark.parametrize("option", ["ro", "nosuid", "nodev", "noexec", "noatime"])
def test_an_attribute_of_a_file_system(box, option):
    box.add_mount("/mnt", "tmpfs", "tmpfs", option, "size=64k")
    assert option in options_of(box, "/mnt")


def test_a_tmpfs_has_its_size_and_mode(box):
    box.add_mount("/mnt", "tmpfs", "tmpfs", "size=64k", "mode=1700")
    assert box.sh("stat -c %a /mnt; df -k /mnt | tail -1").split()[:3] == ["1700", "tmpfs", "64"]


def test_a_file_is_bound_over_a_file_that_is_made(box, shared):
    box.add_mount("/new/place", "bind", shared / "file", "bind")
    assert box.sh("cat /new/place") == "content"


def test_bind_leaves_out_what_is_mounted_below_and_rbind_takes_it(box, shared):
    (shared / "below").mkdir()
    os.system(f"mount -t tmpfs below {shared}/below && touch {shared}/below/deep")
    try:
        box.add_mount("/one", "bind", shared, "bind")
        box.add_mount("/two", "bind", shared, "rbind", "rro")
        assert box.sh("ls /one/below /two/below; touch /two/below/x 2>/dev/null || echo refused").split() == [
            "/one/below:", "/two/below:", "deep", "refused"]
    finally:
        os.system(f"umount {shared}/below")


def test_an_idmapped_mount(box, shared):
    os.chown(shared / "file", 1000, 1000)
    box.add_mount("/mnt", "bind", shared, "bind")
    for name in ("uidMappings", "gidMappings"):
        box.config["mounts"][-1][name] = [{"containerID": 1000, "hostID": 3000, "size": 1}]
    done = box.run("stat", "-c", "%u:%g", "/mnt/file")
    if "does this file system support it" in done.stderr:
        pytest.skip("this file system cannot be mapped: " + done.stderr.strip())
    assert done.stdout.strip() == "3000:3000"


def test_a_tmpfs_copies_up(box):
    (box.rootfs / "data/sub").mkdir(parents=True)
    (box.rootfs / "data/sub/file").write_text("kept")
    (box.rootfs / "data/link").symlink_to("sub/file")
    os.chown(box.rootfs / "data/sub/file", 5, 6)
    box.add_mount("/data", "tmpfs", "tmpfs", "tmpcopyup", "size=1m")
    assert box.sh("cat /data/link; stat -c ' %u:%g' /data/sub/file; echo x >/data/new").split() == ["kept", "5:6"]
    assert not (box.rootfs / "data/new").exists()


@pytest.mark.parametrize("option, mark", [("private", None), ("slave", "master"), ("shared", "shared"),
                                          ("unbindable", "unbindable")])
def test_propagation(box, shared, option, mark):
    os.system(f"mount --bind {shared} {shared} && mount --make-shared {shared}")
    try:
        box.add_mount("/mnt", "bind", shared, "rbind", option)
        line = [li for li in box.sh("cat /proc/self/mountinfo").splitlines() if " /mnt " in li][0]
        tags = line.split(" - ")[0].split()[6:]
        assert [tag.split(":")[0] for tag in tags] == ([mark] if mark else [])
    finally:
        os.system(f"umount {shared}")


@pytest.mark.parametrize("option, reaches_in, reaches_out", [("rslave", True, False), ("rshared", True, True),
                                                             ("rprivate", False, False)])
def test_mounts_spread_as_the_option_says(box, shared, option, reaches_in, reaches_out):
    os.system(f"mount --bind {shared} {shared} && mount --make-shared {shared}")
    for name in ("host", "inside"):
        (shared / name).mkdir()
    try:
        box.add_mount("/mnt", "bind", shared, "rbind", option)
        box.grant("CAP_SYS_ADMIN")
        box.start()
        os.system(f"mount -t tmpfs host {shared}/host")
        assert box.exec("mount", "-t", "tmpfs", "inside", "/mnt/inside").returncode == 0
        seen = box.exec("cut", "-d ", "-f5", "/proc/self/mountinfo").stdout.split()
        assert ("/mnt/host" in seen) == reaches_in
        ours = [line.split()[4] for line in open("/proc/self/mountinfo")]
        assert (str(shared / "inside") in ours) == reaches_out
        assert box.oci("delete", "--force", box.id).returncode == 0
    finally:
        os.system(f"umount -l {shared}/inside {shared}/host 2>/dev/null; umount -l {shared}")


@pytest.mark.parametrize("word, mark", [("shared", "shared"), ("private", None), ("unbindable", "unbindable")])
def test_the_propagation_of_the_root(box, word, mark):
    box.linux["rootfsPropagation"] = word
    line = [li for li in box.sh("cat /proc/self/mountinfo").splitlines() if " / / " in li or li.split()[4] == "/"][0]
    assert [tag.split(":")[0] for tag in line.split(" - ")[0].split()[6:]] == ([mark] if mark else [])


def test_an_overlay(box):
    if "overlay" not in pathlib.Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no overlayfs")
    for name in ("low", "up", "work"):
        (box.folder / name).mkdir()
    (box.folder / "low/file").write_text("low")
    box.add_mount("/mnt", "overlay", "overlay", f"lowerdir={box.folder}/low", f"upperdir={box.folder}/up",
                  f"workdir={box.folder}/work")
    assert box.sh("cat /mnt/file; echo high >/mnt/file") == "low"
    assert (box.folder / "up/file").read_text() == "high\n"


def test_remount_changes_the_options(box, shared):
    box.add_mount("/mnt", "bind", shared, "bind")
    box.add_mount("/mnt", "bind", shared, "bind", "remount", "ro")
    assert "ro" in options_of(box, "/mnt")


def test_a_wrong_option_is_named(box):
    box.add_mount("/mnt", "tmpfs", "tmpfs", "sizes=64k")
    complaint = box.refused()
    assert "mount tmpfs on /mnt" in complaint and "sizes=64k" in complaint


def test_a_missing_source_is_named(box):
    box.add_mount("/mnt", "bind", "/no/such/source", "bind")
    assert "/no/such/source" in box.refused()


def test_the_root_is_read_only_or_not(box):
    assert "Read-only" in box.run("touch", "/x").stderr
    box.config["root"]["readonly"] = False
    assert box.run("touch", "/x").returncode == 0


def test_masked_paths_read_as_nothing(box):
    (box.rootfs / "secret").write_text("x")
    (box.rootfs / "folder").mkdir()
    (box.rootfs / "folder/secret").write_text("x")
    box.linux["maskedPaths"] += ["/secret", "/folder", "/not/there"]
    assert box.sh("wc -c </secret; ls /folder | wc -l; touch /folder/x 2>&1 | grep -c Read-only").split() == [
        "0", "0", "1"]


def test_readonly_paths_cannot_be_written(box):
    box.config["root"]["readonly"] = False
    box.linux["readonlyPaths"] += ["/tmp", "/not/there"]
    assert "Read-only" in box.sh("touch /tmp/x 2>&1; echo 1 >/proc/sys/kernel/domainname; true 2>&1")


def test_every_container_has_its_devices_and_links(box):
    lines = box.sh("cd /dev; stat -c '%n %F %t:%T' null zero full random urandom tty; readlink fd; readlink stdin; readlink ptmx")
    assert re.findall(r"(\w+):(\w+)", lines)[:6] == [("1", "3"), ("1", "5"), ("1", "7"), ("1", "8"), ("1", "9"),
                                                     ("5", "0")]
    assert lines.split()[-3:] == ["/proc/self/fd", "/proc/self/fd/0", "pts/ptmx"]


def test_devices_of_config(box):
    box.linux["devices"] = [
        {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 3, "gid": 4},
        {"path": "/dev/sub/pipe", "type": "p"}]
    assert box.sh("stat -c '%a %u %g %t:%T' /dev/mine; stat -c %F /dev/sub/pipe").split("\n") == [
        "640 3 4 1:5", "fifo"]


def test_a_device_that_no_rule_allows_cannot_be_opened(box):
    box.linux["devices"] = [{"path": "/dev/mem0", "type": "c", "major": 10, "minor": 229}]
    box.grant("CAP_MKNOD", "CAP_DAC_OVERRIDE")
    assert "Operation not permitted" in box.run("sh", "-c", "cat /dev/mem0").stderr
    box.linux["resources"]["devices"].append({"allow": True, "type": "c", "major": 10, "minor": 229, "access": "r"})
    assert "Operation not permitted" not in box.run("sh", "-c", "head -c 0 /dev/mem0").stderr


def test_no_path_of_the_host_is_left(box):
    mounts = box.sh("cut -d' ' -f5 /proc/self/mountinfo").split()
    assert all(path == "/" or path.startswith(("/proc", "/dev", "/sys")) for path in mounts)
