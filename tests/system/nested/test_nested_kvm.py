"""The KVM engine on a KVM with hardware virtualization, though that hardware is QEMU's TCG.

The host's own /dev/kvm may be missing, or may not run an ordinary kernel; in here it does. One outer
machine runs everything; the tests look at what it reported. Times in it mean nothing.
"""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import pytest

import outer_machine
from harness import cpio, paths

LIBSLIRP = "/usr/lib/x86_64-linux-gnu/libslirp.so.0"
GUEST_TEST = paths.RELEASE / "tests" / "guests" / "guest_test"
BOOTS = [(kernel, vcpus, engine) for kernel in ("tuned", "cloud") for vcpus in (1, 2)
         for engine in ("auto", "kvm")]

# The same bytes everywhere: arithmetic, text, pipes and processes.
DIGEST = "seq 1 20000 | awk '{ s += $1 * $1; print s, s / 7 }' | sort -r | md5sum"

TOUR = f"""
echo [uname]; uname -r
echo [processors]; grep -c ^processor /proc/cpuinfo
echo [ids]; grep -w apicid /proc/cpuinfo
echo [hypervisor]; dmesg | grep -i 'hypervisor detected'
echo [digest]; {DIGEST}
echo [devices]
if [ -b /dev/vda ]; then
  sha256sum < /dev/vda; head -c 1000 /dev/hwrng | wc -c
  printf written | dd of=/dev/vda conv=notrunc,fsync 2> /dev/null; echo 3 > /proc/sys/vm/drop_caches; head -c 7 /dev/vda; echo
  grep -c virtio /proc/interrupts
  mkdir -p /mnt; mount -t virtiofs outer /mnt; cat /mnt/hello; echo from the inner guest > /mnt/answer; cat /mnt/answer
  ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; host=10.0.2.2; wget -q -O - http://$host/hello
  ip addr add 172.16.0.2/24 dev eth1; ip link set eth1 up; host=172.16.0.1; wget -q -O - http://$host/hello
  wget -q -O - http://$host/big | sha256sum
  /vsock_probe call 1000
fi
echo [interrupts]; grep -E 'LOC|RES|CAL' /proc/interrupts
echo [trouble]; dmesg | grep -iE 'BUG:|Oops|call trace|WARNING:|soft lockup|rcu.*stall|unhandled|MSR access error'
echo [end]
exit 42
"""

DISK = b"a drive of the outer machine".ljust(1 << 20, b".")
BIG = bytes(range(251)) * 20000
DEVICES = {
    "drives": [{"drive_id": "data", "path_on_host": "/disk", "is_root_device": False, "cache_type": "Writeback"}],
    "entropy": {}, "balloon": {"amount_mib": 4, "deflate_on_oom": True},
    "vsock": {"guest_cid": 3, "uds_path": "/vsock"},
    "shares": [{"tag": "outer", "path_on_host": "/www"}],
    "network-interfaces": [{"iface_id": "eth0", "host_dev_name": "", "backend": "User", "host_loopback": True},
                           {"iface_id": "eth1", "host_dev_name": "tap0"}],
}

# Makes a machine by the API, changes it while it runs, and ends it.
API_SCRIPT = """#!/bin/sh
call() { curl -sS --max-time 20 -o /tmp/body -w '%{http_code} ' --unix-socket /api -X $1 http://localhost$2 ${3:+-d "$3"}; cat /tmp/body; echo; }
bulkhead-vmm --api-sock /api --engine kvm > /tmp/console 2>&1 &
while [ ! -S /api ]; do sleep 0.1; done
call PUT /boot-source '{"kernel_image_path": "/kernels/tuned", "initrd_path": "/waiting.initrd", "boot_args": "console=ttyS0 reboot=t panic=-1 quiet"}'
call PUT /machine-config '{"vcpu_count": 1, "mem_size_mib": 128}'
call PUT /cpu-config '{"cpuid_modifiers": [{"leaf": "0x1", "subleaf": "0x0", "flags": 0, "modifiers": [{"register": "ecx", "bitmap": "0b0xxxxxxxxxxxxxxxxxxxx"}]}]}'
call PUT /drives/data '{"drive_id": "data", "path_on_host": "/disk", "is_root_device": false, "io_engine": "Async"}'
call PUT /balloon '{"amount_mib": 0, "deflate_on_oom": true, "stats_polling_interval_s": 1}'
call PUT /actions '{"action_type": "InstanceStart"}'
call PUT /boot-source '{"kernel_image_path": "/kernels/tuned"}'
while ! grep -q waiting /tmp/console; do sleep 0.1; done
awk '/^[0-9a-f]+-/ {ram = /memfd:guest-ram/} /^Rss:/ && !ram {own += $2} END {print "own", own}' /proc/$!/smaps
call PATCH /vm '{"state": "Paused"}'
call GET /
call PATCH /vm '{"state": "Resumed"}'
call PATCH /balloon '{"amount_mib": 16}'
call GET /balloon
call PATCH /drives/data '{"drive_id": "data", "path_on_host": "/other-disk"}'
wait $!
status=$?
tail -n 20 /tmp/console
exit $status
"""
WAITING = "grep -c sse4_2 /proc/cpuinfo; echo waiting; while [ $(cat /sys/block/vda/size) != 4096 ]; do sleep 0.1; done; echo saw the other disk; exit 7"

# What Firecracker allows itself. Mostly code of libraries, which all monitors of a host share.
MOST_OWN_KIB = 5 * 1024

pytestmark = pytest.mark.slow


def boot_name(kernel, vcpus, engine):
    return f"{kernel}-{vcpus}-{engine}"


def section(console, name):
    """What a guest printed between [name] and the next such line."""
    console = console.replace("\r", "")
    found = re.search(rf"^\[{name}\]\n(.*?)^\[\w+\]$", console, re.MULTILINE | re.DOTALL)
    assert found, f"no [{name}] in\n{console[-3000:]}"
    return found[1].strip()


def add_boot(machine, kernel, vcpus, engine, name=None, devices=None):
    name = name or boot_name(kernel, vcpus, engine)
    config = {
        "boot-source": {"kernel_image_path": f"/kernels/{kernel}", "initrd_path": "/inner.initrd",
                        "boot_args": "console=ttyS0 reboot=t panic=-1 quiet"},
        "machine-config": {"vcpu_count": vcpus, "mem_size_mib": 256},
        **(devices or {}),
    }
    machine.file(f"configs/{name}.json", json.dumps(config).encode())
    machine.step(name, f"bulkhead-vmm --config-file /configs/{name}.json --no-api"
                       f" --engine {engine}")


@pytest.fixture(scope="module")
def vsock_probe(tmp_path_factory):
    """A program of C alone, for machines without an interpreter."""
    program = tmp_path_factory.mktemp("vsock") / "vsock_probe"
    subprocess.run(["gcc", "-static", "-O1", "-o", program, pathlib.Path(__file__).with_name("vsock_probe.c")], check=True)
    return program


@pytest.fixture(scope="module")
def outer(vsock_probe, tmp_path_factory, vmm, kernels, initrds):
    if (why := outer_machine.missing()) is not None:
        pytest.skip(why)
    machine = outer_machine.OuterMachine()
    machine.program(vmm, "bin/bulkhead-vmm")
    machine.step("probe", "bulkhead-vmm --probe")
    if GUEST_TEST.exists():
        machine.program(GUEST_TEST, "bin/guest_test")
        machine.step("guests", "env BULKHEAD_GUESTS_ON_TCG=1 guest_test --gtest_filter='*kvm_*' "
                               "--gtest_color=no")
    for kernel, path in kernels.items():
        machine.file(f"kernels/{kernel}", path.read_bytes())
    machine.file("inner.initrd", cpio.initrd(initrds["busybox"].read_bytes(), ("sh", "-c", TOUR),
                                                    {"vsock_probe": vsock_probe.read_bytes()}))
    for boot in BOOTS:
        add_boot(machine, *boot)
    machine.file("disk", DISK)
    machine.file("other-disk", bytes(2 << 20))
    machine.file("www/hello", b"hello from the outer machine\n")
    machine.file("www/big", BIG)
    machine.program(vsock_probe, "bin/vsock_probe")
    machine.program(LIBSLIRP, LIBSLIRP.lstrip("/"))
    machine.step("server", "sh -c 'ifconfig lo 127.0.0.1 up; httpd -p 80 -h /www; "
                           "tunctl -t tap0; ifconfig tap0 172.16.0.1 up; vsock_probe serve /vsock_1000'", in_each=True)
    add_boot(machine, "tuned", 2, "kvm", "devices", DEVICES)
    machine.program(shutil.which("curl"), "bin/curl")
    machine.file("waiting.initrd", cpio.initrd(initrds["busybox"].read_bytes(), ("sh", "-c", WAITING)))
    machine.file("api.sh", API_SCRIPT.encode())
    machine.step("api", "sh /api.sh")
    steps = machine.run(tmp_path_factory.mktemp("outer"))
    assert "probe" in steps, machine.console[-3000:]
    return machine, steps


@pytest.fixture
def step(outer):
    """Looks up a step by name; one that did not end fails with the end of the console."""
    machine, steps = outer

    def look_up(name):
        assert name in steps, f"{name} did not end\n{machine.console[-3000:]}"
        return steps[name]

    return look_up


def test_the_probe_measures_hardware_speed_and_picks_kvm(step):
    probe = step("probe")
    assert probe.status == 0
    assert "engine auto: kvm: KVM is usable" in probe.output, probe.output
    assert "FAILED" not in probe.output, probe.output


def test_the_small_guests_pass_on_kvm(step):
    if not GUEST_TEST.exists():
        pytest.skip(f"{GUEST_TEST} is not built")
    guests = step("guests")
    assert guests.status == 0, guests.output[-4000:]
    assert guests.output.count("[       OK ]") >= 20, guests.output
    # Only what TCG does not do exactly may be left out.
    for line in re.findall(r"guest_\w+\.cpp:\d+: Skipped\n(.*)", guests.output):
        assert "BULKHEAD_GUESTS_ON_TCG" in line


@pytest.mark.parametrize("kernel, vcpus, engine", BOOTS)
def test_a_kernel_boots_on_kvm_and_computes_as_the_host_does(kernel, vcpus, engine, step):
    boot = step(boot_name(kernel, vcpus, engine))
    assert boot.status == 42, boot.output[-3000:]
    assert section(boot.output, "uname").startswith("6.1.")
    assert section(boot.output, "processors") == str(vcpus)
    ids = re.findall(r"^apicid\s*: (\d+)$", section(boot.output, "ids"), re.MULTILINE)
    assert ids == [str(number) for number in range(vcpus)]
    host = subprocess.run(["busybox", "sh", "-c", DIGEST], capture_output=True, text=True, check=True)
    assert section(boot.output, "digest") == host.stdout.strip()
    assert section(boot.output, "trouble") == ""


@pytest.mark.parametrize("kernel", ["tuned", "cloud"])
def test_the_guest_knows_that_kvm_is_below_it(kernel, step):
    boot = step(boot_name(kernel, 1, "kvm"))
    assert "KVM" in section(boot.output, "hypervisor")


def test_devices_work_on_kvm(step):
    lines = section(step("devices").output, "devices").splitlines()
    assert lines[0].split()[0] == hashlib.sha256(DISK).hexdigest()
    assert lines[1:3] == ["1000", "written"]
    assert int(lines[3]) == 7
    assert lines[4:8] == ["hello from the outer machine", "from the inner guest",
                          "hello from the outer machine", "hello from the outer machine"]
    assert lines[8].split()[0] == hashlib.sha256(BIG).hexdigest()
    assert lines[9:] == ["the host answered over vsock"]


def test_the_api_drives_a_machine_on_kvm(step):
    api = step("api")
    answers = re.findall(r"^(\d{3}) (.*)$", api.output.replace("\r", ""), re.MULTILINE)
    assert [status for status, _ in answers] == ["204"] * 6 + ["400", "204", "200"] + ["204"] * 2 + ["200", "204"], api.output
    assert '"Paused"' in answers[8][1] and '"amount_mib":16' in answers[11][1].replace(" ", "")
    # As Firecracker measures it: what is resident outside the guest's RAM, with one processor and 128 MiB.
    own = int(re.search(r"^own (\d+)", api.output, re.MULTILINE)[1])
    assert 0 < own <= MOST_OWN_KIB, own
    assert "0\nwaiting" in api.output.replace("\r", "") and "saw the other disk" in api.output
    assert api.status == 7
