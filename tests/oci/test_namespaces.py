"""Namespaces: made, joined, mapped."""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess

import pytest

CLONE_NEWNET = 0x40000000
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


@pytest.fixture
def device():
    """A network device with addresses, in a network namespace made for this test."""
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed (Debian package iproute2)")
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as own:
        assert libc.unshare(CLONE_NEWNET) == 0
        try:
            for words in ("link add bh0 type veth peer name bh1", "addr add 192.0.2.1/24 dev bh0",
                          "-6 addr add 2001:db8::1/64 dev bh0", "link set bh0 mtu 1400"):
                done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
                if done.returncode != 0:
                    pytest.skip("this host has no such devices: " + done.stderr.strip())
            yield "bh0"
        finally:
            assert libc.setns(own.fileno(), CLONE_NEWNET) == 0


def test_a_network_device_moves_in_with_its_addresses(box, device):
    box.linux["netDevices"] = {device: {"name": "inside0"}}
    shown = box.sh("ip addr show inside0")
    assert "inet 192.0.2.1/24" in shown and "inet6 2001:db8::1/64" in shown and "mtu 1400" in shown
    assert re.search("<[A-Z,_-]*UP", shown)


def test_a_network_device_comes_back_when_the_container_cannot_start(box, device):
    box.linux["netDevices"] = {device: {}}
    assert "not-there" in box.refused("/not-there")
    assert device in subprocess.run(["ip", "link"], capture_output=True, text=True).stdout
    box.linux["netDevices"] = {"no-such-device": {}}
    assert "no-such-device" in box.refused("true")


def test_a_network_device_moves_into_a_user_namespace(box, device):
    box.add_user_namespace()
    box.linux["netDevices"] = {device: {"name": "inside0"}}
    assert "inet 192.0.2.1/24" in box.sh("ip addr show inside0")
