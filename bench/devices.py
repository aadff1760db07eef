#!/usr/bin/python3
"""What devices carry: a drive (1 MiB in sequence, 4 KiB at random places, one at a time, past the guest's cache), a network in
user space and one through a tap (both ways, and the time of a ping), a shared folder; each against qemu-system-x86_64 -M
microvm,accel=tcg with the same guest, file and library. QEMU's folder is 9p, since its virtio-fs is another process's. vsock has
no peer: QEMU's needs a kernel with vhost. And what the API costs, and what the monitor needs of memory.
"""

import argparse
import functools
import os
import pathlib
import re
import signal
import socket
import tempfile
import time

from common import in_turns, median, ratio

from harness import machines, network

TIMEOUT = 300
FILE_MIB = 256
REQUESTS = 8000
RANDOM_REQUESTS = 4000
NET_MIB = 16
CALLS = 2000
PINGS = 500
FILES = 300
VSOCK_MIB = 64

TIMED = """
t() { read up r < /proc/uptime; "$@" > /dev/null 2>&1; read now r < /proc/uptime; echo "$up $now"; }
"""
# Places in no order that is the same for everybody.
RANDOM = f"""
import os, sys, random
flags = os.O_DIRECT | (os.O_WRONLY if sys.argv[1] == "w" else os.O_RDONLY)
disk = os.open("/dev/vda", flags)
import mmap
page = mmap.mmap(-1, 4096)
random.seed(1)
for i in range({RANDOM_REQUESTS}):
    os.lseek(disk, random.randrange({FILE_MIB} * 256) * 4096, 0)
    os.writev(disk, [page]) if sys.argv[1] == "w" else os.readv(disk, [page])
"""
BLOCK = TIMED + f"""
echo = read_random_4k {RANDOM_REQUESTS} $(t python3 /random.py r)
echo = write_random_4k {RANDOM_REQUESTS} $(t python3 /random.py w)
echo = read_1m {FILE_MIB} $(t dd if=/dev/vda of=/dev/null bs=1M count={FILE_MIB} iflag=direct)
echo = write_1m {FILE_MIB} $(t dd if=/dev/zero of=/dev/vda bs=1M count={FILE_MIB} oflag=direct)
echo = read_4k {REQUESTS} $(t dd if=/dev/vda of=/dev/null bs=4k count={REQUESTS} iflag=direct)
echo = write_4k {REQUESTS} $(t dd if=/dev/zero of=/dev/vda bs=4k count={REQUESTS} oflag=direct)
"""
NET = TIMED + f"""
up() {{ (printf 'PUT /up HTTP/1.0\\r\\nContent-Length: {NET_MIB << 20}\\r\\n\\r\\n'; head -c {NET_MIB << 20} /dev/zero) | nc HOST PORT; }}
host=HOST; ip addr add GUEST/24 dev eth0; ip link set eth0 up; ip route add default via HOST; ping -c 1 $host
echo = KIND_down {NET_MIB} $(t wget -q -O /dev/null http://$host:PORT/down)
echo = KIND_up {NET_MIB} $(t up)
echo = KIND_ping {PINGS} $(t ping -A -c {PINGS} $host)
"""
FS = TIMED + f"""
mkdir /mnt; mount MOUNT home /mnt; cd /mnt; mkdir d
make() {{ for i in $(seq {FILES}); do echo $i > d/f$i; done; }}
echo = fs_make {FILES} $(t make)
echo = fs_list {2 * FILES} $(t ls -lR tree)
echo = fs_cat {2 * FILES} $(t sh -c 'cat tree/*')
echo = fs_read_1m {FILE_MIB // 2} $(t dd if=big of=/dev/null bs=1M)
echo = fs_write_1m {FILE_MIB // 2} $(t dd if=/dev/zero of=out bs=1M count={FILE_MIB // 2})
"""
VSOCK = f"""
import socket, time
host = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
host.connect((2, 1000))
piece, start = bytes(65536), time.monotonic()
for i in range({VSOCK_MIB} * 16): host.sendall(piece)
host.recv(1)
up, start = {VSOCK_MIB} / (time.monotonic() - start), time.monotonic()
got = 0
while got < {VSOCK_MIB} << 20: got += len(host.recv(65536))
down, start = {VSOCK_MIB} / (time.monotonic() - start), time.monotonic()
for i in range({PINGS}): host.sendall(b"x"); host.recv(1)
print(f"vsock: to the host {{up:.0f}} MiB/s, from it {{down:.0f}} MiB/s, "
      f"a round trip {{(time.monotonic() - start) / {PINGS} * 1e6:.0f}} us", flush=True)
"""


def rates(machine):
    """{name: so many a second} of the lines that begin with =."""
    console = machine.finish(TIMEOUT).console
    found = re.findall(r"^= (\w+) (\d+) ([\d.]+) ([\d.]+)", console, re.MULTILINE)
    return {name: int(count) / max(float(now) - float(up), 0.01) for name, count, up, now in found}


def run_ours(guest, prefix):
    with tempfile.TemporaryDirectory() as folder, machines.start_vmm(
            guest, folder, options=("--level", "Off"), prefix=prefix) as machine:
        return rates(machine)


def run_qemu(guest, options, prefix):
    with tempfile.TemporaryDirectory() as folder, machines.start_qemu(guest, folder, options, prefix) as machine:
        return rates(machine)


def compare(rounds, script, devices, qemu, prefix=(), their_script=None, **more):
    ours = machines.Guest(("sh", "-c", script), arguments="quiet", devices=devices, **more)
    theirs = machines.Guest(("sh", "-c", their_script or script), arguments="quiet", **more)
    results = in_turns(rounds, ours=functools.partial(run_ours, ours, prefix),
                       peer=functools.partial(run_qemu, theirs, qemu, prefix))
    for name in results["ours"][0]:
        here, there = (median([run[name] for run in results[who]]) for who in ("ours", "peer"))
        unit = "MiB/s" if name.endswith(("1m", "down", "up")) else "a second"
        print(f"{name}: ours {here:.0f} {unit}, QEMU TCG {there:.0f} {unit}")
        ratio(name, here, there)


def block(rounds, folder):
    image = pathlib.Path(folder) / "image"
    image.write_bytes(os.urandom(1 << 20) * FILE_MIB)
    compare(rounds, BLOCK,
            {"drives": [{"drive_id": "a", "path_on_host": str(image), "is_root_device": False}]},
            ("-drive", f"id=a,file={image},format=raw,if=none,cache=unsafe,aio=threads",
             "-device", "virtio-blk-device,drive=a"),
            initrd="debian", memory_mib=512, files={"random.py": RANDOM.encode()})


def net(rounds, folder):
    with open(pathlib.Path(folder) / "down", "wb") as file:
        file.truncate(NET_MIB << 20)
    script = NET.replace("HOST", "10.0.2.2").replace("GUEST", "10.0.2.15").replace("KIND", "user")
    with network.web_server(folder, "127.0.0.1", 0) as port:
        compare(rounds, script.replace("PORT", str(port)),
                {"network-interfaces": [{"iface_id": "eth0", "host_dev_name": "", "backend": "User", "host_loopback": True}]},
                ("-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n"))


def tap(rounds, folder):
    if os.geteuid() != 0:
        return print("tap: needs root")
    with open(pathlib.Path(folder) / "down", "wb") as file:
        file.truncate(NET_MIB << 20)
    script = NET.replace("HOST", "172.16.0.1").replace("GUEST", "172.16.0.2").replace("KIND", "tap")
    with network.Namespace() as namespace, network.web_server(folder, prefix=namespace.prefix) as port:
        compare(rounds, script.replace("PORT", str(port)),
                {"network-interfaces": [{"iface_id": "eth0", "host_dev_name": namespace.tap}]},
                ("-netdev", f"tap,id=n,ifname={namespace.tap},script=no,downscript=no,vnet_hdr=on",
                 "-device", "virtio-net-device,netdev=n"), namespace.prefix)


def shared(rounds, folder):
    path = pathlib.Path(folder) / "shared"
    (path / "tree").mkdir(parents=True)
    for number in range(2 * FILES):
        (path / "tree" / f"f{number}").write_text(str(number))
    (path / "big").write_bytes(os.urandom(1 << 20) * (FILE_MIB // 2))
    script = FS + "rm -rf /mnt/d /mnt/out"
    compare(rounds, script.replace("MOUNT", "-t virtiofs"), {"shares": [{"tag": "home", "path_on_host": str(path)}]},
            ("-fsdev", f"local,id=s,path={path},security_model=none", "-device", "virtio-9p-device,fsdev=s,mount_tag=home"),
            their_script=script.replace("MOUNT", "-t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose"))


def vsock(_rounds, folder):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"{folder}/v_1000")
    listener.listen()
    guest = machines.Guest(("python3", "/vsock.py"), arguments="quiet", initrd="debian", memory_mib=512,
                           files={"vsock.py": VSOCK.encode()},
                           devices={"vsock": {"guest_cid": 3, "uds_path": f"{folder}/v"}})
    with machines.start_vmm(guest, folder, options=("--level", "Off")) as machine:
        listener.settimeout(TIMEOUT)
        client, _ = listener.accept()
        got = 0
        while got < VSOCK_MIB << 20:
            got += len(client.recv(1 << 16))
        client.sendall(b".")
        client.sendall(bytes(VSOCK_MIB << 20))
        for _ in range(PINGS):
            client.sendall(client.recv(1))
        print(re.search("^vsock:.*", machine.finish(TIMEOUT).console, re.MULTILINE)[0])


def memory(rounds, _folder):
    def wait_and_look(start, **more):
        guest = machines.Guest(("sh", "-c", "echo ready; read line"), arguments="quiet", memory_mib=128, **more)
        with tempfile.TemporaryDirectory() as folder, start(guest, folder) as machine:
            machine.wait_for("ready", TIMEOUT)
            return machine.own_memory_kib() / 1024

    results = in_turns(rounds, ours=functools.partial(wait_and_look, machines.start_vmm),
                       peer=functools.partial(wait_and_look, machines.start_qemu))
    ours, peer = median(results["ours"]), median(results["peer"])
    print(f"memory beside 128 MiB of guest RAM, soft engine: ours {ours:.1f} MiB, QEMU TCG {peer:.1f} MiB")
    ratio("memory", ours, peer)


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def api(rounds, _folder):
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


KINDS = {"block": block, "net": net, "tap": tap, "fs": shared, "vsock": vsock, "memory": memory, "api": api}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("what", nargs="*", default=list(KINDS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for what in options.what:
            KINDS[what](options.rounds, folder)


if __name__ == "__main__":
    main()
