"""A Debian root file system boots to a login on a drive, with a network, as its user would want it."""

import os
import pathlib
import shutil
import subprocess

import pytest

from harness import machines, network, paths

BOOT_TIMEOUT = 400

pytestmark = [pytest.mark.usefixtures("vmm", "kernels"), pytest.mark.slow]

# Runs once when the system is up, and prints to the console.
SELF_TEST = """#!/bin/sh
exec > /dev/console 2>&1
echo "[self-test] $(cat /etc/debian_version) $(ps -o comm= -p 1)"
apt-get --version | head -n 1
curl -sS -o /tmp/got http://$server/hello && echo "[got] $(cat /tmp/got)"
fio --name=t --filename=/var/tmp/t --size=8M --rw=randrw --bs=4k --time_based=0 --minimal > /dev/null && echo "[fio] ok"
[ -z "$iperf" ] || iperf3 -c ${server%:*} -t 2 | tail -n 3 | head -n 1
echo "[done]"
"""
UNIT = """[Unit]
After=network-online.target multi-user.target
[Service]
Type=oneshot
EnvironmentFile=/etc/self-test
ExecStart=/usr/local/bin/self-test
[Install]
WantedBy=multi-user.target
"""


def make_image(archive, folder, server, address, gateway, iperf=False):
    tree, image = folder / "tree", folder / "root.ext4"
    tree.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", tree], check=True)
    network_file = (f"[Match]\nName=e*\n[Network]\nAddress={address}\nGateway={gateway}\n"
                    if address else "[Match]\nName=e*\n[Network]\nDHCP=ipv4\n")
    files = {"etc/hostname": "debian\n", "etc/systemd/network/10-eth.network": network_file,
             "etc/self-test": f"server={server}\niperf={'1' if iperf else ''}\n",
             "etc/systemd/system/self-test.service": UNIT, "usr/local/bin/self-test": SELF_TEST,
             "etc/fstab": "/dev/vda / ext4 defaults 0 1\n"}
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tree / "usr/local/bin/self-test").chmod(0o755)
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    for unit in ("self-test.service", "../../../../lib/systemd/system/systemd-networkd.service"):
        name = pathlib.Path(unit).name
        if not (wants / name).exists():
            (wants / name).symlink_to(f"/etc/systemd/system/{name}" if name == unit else f"/lib/systemd/system/{name}")
    with open(image, "wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, image], check=True)
    shutil.rmtree(tree)
    return image


def boot(image, folder, interface, prefix=()):
    guest = machines.Guest((), vcpus=2, memory_mib=512, arguments="quiet systemd.show_status=1", devices={
        "drives": [{"drive_id": "rootfs", "path_on_host": str(image), "is_root_device": True}],
        "network-interfaces": [{"iface_id": "eth0", **interface}], "entropy": {}})
    return machines.start_vmm(guest, folder, initrd=False, prefix=prefix, options=("--level", "Warning"))


def check(machine):
    machine.wait_for("login:", BOOT_TIMEOUT)
    machine.wait_for("[done]", BOOT_TIMEOUT)
    console = machine.console
    assert "[self-test] 12" in console and "systemd" in console
    assert "apt 2.6" in console
    assert "[got] from the host" in console, console[-3000:]
    assert "[fio] ok" in console
    assert machine.errors == ""


def test_debian_boots_to_a_login_with_a_tap(debian, tmp_path):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun is not there or may not be opened")
    (tmp_path / "hello").write_text("from the host")
    with network.Namespace() as namespace, network.web_server(tmp_path, prefix=namespace.prefix) as port:
        # What the guest reaches lies behind address translation, as it would on a host.
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        image = make_image(debian, tmp_path, f"10.99.0.1:{port}", "172.16.0.2/24", "172.16.0.1", iperf=True)
        iperf = subprocess.Popen([*namespace.prefix, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
        try:
            with boot(image, tmp_path, {"host_dev_name": "tap0", "guest_mac": "06:00:ac:10:00:02"},
                      namespace.prefix) as machine:
                check(machine)
                assert "bits/sec" in machine.console
        finally:
            iperf.kill()
            iperf.wait()


def test_debian_boots_to_a_login_with_a_user_network(debian, tmp_path):
    (tmp_path / "hello").write_text("from the host")
    with network.web_server(tmp_path, "127.0.0.1", 0) as port:
        image = make_image(debian, tmp_path, f"10.0.2.2:{port}", None, None)
        with boot(image, tmp_path, {"host_dev_name": "", "backend": "User", "host_loopback": True}) as machine:
            check(machine)
