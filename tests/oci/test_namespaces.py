"""Namespaces: made, joined, mapped."""

import os
import pathlib

import pytest

KINDS = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup",
         "user": "user", "time": "time"}


def inside(box):
    """{name of the file: namespace} of the container's process."""
    return dict(line.split("=") for line in box.sh(
        'for n in cgroup ipc mnt net pid time user uts; do echo $n=$(readlink /proc/self/ns/$n); done').split())


def outside(pid="self"):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in KINDS.values()}


def test_namespaces_of_config_are_new_and_others_are_ours(box):
    ours, theirs = outside(), inside(box)
    assert {name for name in ours if ours[name] != theirs[name]} == {"pid", "net", "ipc", "uts", "mnt", "cgroup"}
    box.linux["namespaces"] = [{"type": "mount"}, {"type": "pid"}]
    del box.config["hostname"]
    theirs = inside(box)
    assert {name for name in ours if ours[name] != theirs[name]} == {"pid", "mnt"}


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup", "user", "time"])
def test_a_namespace_is_joined_by_its_path(box, kind, tmp_path_factory, runtime):
    from conftest import Box, bundles
    folder = tmp_path_factory.mktemp("other")
    folder.chmod(0o755)
    other = Box(folder, runtime)
    bundles.make_rootfs(folder / "rootfs")
    other.add_user_namespace()
    other.linux["namespaces"].append({"type": "time"})
    pid = other.start()
    try:
        file = KINDS[kind]
        rest = [n for n in box.linux["namespaces"] if n["type"] != kind]
        if kind == "user":
            # What is joined decides the rights: the rest is made below it.
            box.linux["resources"] = {}
        box.linux["namespaces"] = [*rest, {"type": kind, "path": f"/proc/{pid}/ns/{file}"}]
        if kind == "uts":
            del box.config["hostname"]
        wanted = outside(pid)[file]
        assert box.sh(f"readlink /proc/self/ns/{file}") == wanted
    finally:
        other.oci("delete", "--force", other.id)


def test_a_path_that_is_no_namespace_of_that_kind_is_refused(box):
    box.linux["namespaces"] = [{"type": "mount"}, {"type": "network", "path": "/proc/self/ns/pid"}]
    del box.config["hostname"]
    assert "is a namespace of type pid" in box.refused()
    box.linux["namespaces"][1]["path"] = "/etc/passwd"
    assert "is not a namespace" in box.refused()


def test_a_user_namespace_maps_ids(box):
    box.add_user_namespace(200000, 1000)
    assert box.sh("cat /proc/self/uid_map; id -u").split() == ["0", "200000", "1000", "0"]
    pid = box.start()
    assert os.stat(f"/proc/{pid}/cwd/").st_uid == 0
    uids = pathlib.Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[:4]
    assert uids == ["200000"] * 4


def test_devices_are_there_in_a_user_namespace(box):
    box.add_user_namespace()
    assert box.sh("echo x >/dev/null && head -c 2 /dev/zero | wc -c") == "2"


def test_an_unmapped_user_is_refused(box):
    box.add_user_namespace(200000, 10)
    box.process["user"]["uid"] = 10
    assert "uidMappings" in box.refused()


def test_time_offsets(box):
    box.linux["namespaces"].append({"type": "time"})
    box.linux["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 5}}
    here = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    assert float(box.sh("cat /proc/uptime").split()[0]) > here + 999000


def test_host_and_domain_name(box):
    box.config |= {"hostname": "one", "domainname": "two"}
    assert box.sh("hostname; cat /proc/sys/kernel/domainname").split() == ["one", "two"]
    assert os.uname().nodename != "one"


def test_sysctl_of_its_namespaces(box):
    box.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "4096", "fs.mqueue.msg_max": "11"}
    assert box.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max"
                  ).split() == ["1", "4096", "11"]


def test_the_cgroup_namespace_hides_the_path(box):
    assert {line.split(":")[2] for line in box.sh("grep -e memory -e ^0: /proc/self/cgroup").split()} == {"/"}
