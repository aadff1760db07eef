#!/usr/bin/python3
"""What devices carry: a drive (1 MiB in sequence and 4 KiB requests, one at a time, past the guest's cache), a network in
user space (both ways), each against qemu-system-x86_64 -M microvm,accel=tcg with the same guest,
file and library; and what the API costs.
"""

import argparse
import functools
import os
import pathlib
import re
import signal
import tempfile
import time

from common import in_turns, median, ratio

from harness import machines, network

TIMEOUT = 300
FILE_MIB = 256
REQUESTS = 8000
NET_MIB = 16
CALLS = 2000

BLOCK = f"""
t() {{ read up r < /proc/uptime; "$@" > /dev/null 2>&1; read now r < /proc/uptime; echo "$up $now"; }}
echo = read_1m {FILE_MIB} $(t dd if=/dev/vda of=/dev/null bs=1M count={FILE_MIB} iflag=direct)
echo = write_1m {FILE_MIB} $(t dd if=/dev/zero of=/dev/vda bs=1M count={FILE_MIB} oflag=direct)
echo = read_4k {REQUESTS} $(t dd if=/dev/vda of=/dev/null bs=4k count={REQUESTS} iflag=direct)
echo = write_4k {REQUESTS} $(t dd if=/dev/zero of=/dev/vda bs=4k count={REQUESTS} oflag=direct)
"""
NET = f"""
t() {{ read up r < /proc/uptime; "$@" > /dev/null 2>&1; read now r < /proc/uptime; echo "$up $now"; }}
up() {{ (printf 'PUT /up HTTP/1.0\\r\\nContent-Length: {NET_MIB << 20}\\r\\n\\r\\n'; head -c {NET_MIB << 20} /dev/zero) | nc 10.0.2.2 PORT; }}
host=10.0.2.2; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
echo = net_down {NET_MIB} $(t wget -q -O /dev/null http://$host:PORT/down)
echo = net_up {NET_MIB} $(t up)
"""


def rates(machine):
    """{name: so many a second} of the lines that begin with =."""
    console = machine.finish(TIMEOUT).console
    found = re.findall(r"^= (\w+) (\d+) ([\d.]+) ([\d.]+)", console, re.MULTILINE)
    return {name: int(count) / max(float(now) - float(up), 0.01) for name, count, up, now in found}


def run_ours(guest):
    with tempfile.TemporaryDirectory() as folder, machines.start_vmm(
            guest, folder, options=("--level", "Off")) as machine:
        return rates(machine)


def run_qemu(guest, options):
    with tempfile.TemporaryDirectory() as folder, machines.start_qemu(guest, folder, options) as machine:
        return rates(machine)


def compare(rounds, script, devices, qemu):
    ours = machines.Guest(("sh", "-c", script), arguments="quiet", devices=devices)
    theirs = machines.Guest(("sh", "-c", script), arguments="quiet")
    results = in_turns(rounds, ours=functools.partial(run_ours, ours),
                       peer=functools.partial(run_qemu, theirs, qemu))
    for name in results["ours"][0]:
        here, there = (median([run[name] for run in results[who]]) for who in ("ours", "peer"))
        unit = "a second" if name.endswith("4k") else "MiB/s"
        print(f"{name}: ours {here:.0f} {unit}, QEMU TCG {there:.0f} {unit}")
        ratio(name, here, there)


def block(rounds, folder):
    image = pathlib.Path(folder) / "image"
    image.write_bytes(os.urandom(1 << 20) * FILE_MIB)
    compare(rounds, BLOCK,
            {"drives": [{"drive_id": "a", "path_on_host": str(image), "is_root_device": False}]},
            ("-drive", f"id=a,file={image},format=raw,if=none,cache=unsafe,aio=threads",
             "-device", "virtio-blk-device,drive=a"))


def net(rounds, folder):
    with open(pathlib.Path(folder) / "down", "wb") as file:
        file.truncate(NET_MIB << 20)
    with network.web_server(folder, "127.0.0.1", 0) as port:
        compare(rounds, NET.replace("PORT", str(port)),
                {"network-interfaces": [{"iface_id": "eth0", "host_dev_name": "", "backend": "User", "host_loopback": True}]},
                ("-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n"))


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def api(rounds):
    ready, calls, resident = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            running, client = machines.start_api(folder, options=("--level", "Off"))
            with running:
                ready.append(time.monotonic() - start)
                before = cpu_seconds(running.process)
                for _ in range(CALLS):
                    client.put("/machine-config", {"vcpu_count": 1, "mem_size_mib": 128})
                    client.get("/vm/config")
                calls.append((cpu_seconds(running.process) - before) / CALLS / 2)
                resident.append(running.own_memory_kib())
                client.close()
                running.process.send_signal(signal.SIGTERM)
    print(f"api: socket ready after {median(ready) * 1000:.0f} ms (measured every 10 ms), a call costs "
          f"{median(calls) * 1e6:.0f} us of CPU, resident before the start {median(resident) / 1024:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("what", nargs="*", default=["block", "net", "api"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for what in options.what:
            if what == "block":
                block(options.rounds, folder)
            elif what == "net":
                net(options.rounds, folder)
            else:
                api(options.rounds)


if __name__ == "__main__":
    main()
