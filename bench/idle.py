#!/usr/bin/python3
"""What guests that wait for nothing cost: the CPU time of many bulkhead-vmm on the soft engine, each with a booted
guest whose only process sleeps, in percent of one core for all of them together."""

import argparse
import contextlib
import pathlib
import tempfile
import time

from common import progress

from harness import machines

READY = "bulkhead-ready"
TIMEOUT = 300
# Of free memory, for one guest: its RAM and its monitor.
KIB_EACH = 96 * 1024


def free_kib():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    raise SystemExit("no MemAvailable in /proc/meminfo")


def tasks(machine):
    return pathlib.Path(f"/proc/{machine.process.pid}/task").iterdir()


def cpu_seconds(machine):
    # In nanoseconds: what runs for less than a tick of the clock is not seen elsewhere.
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks(machine)) / 1e9


def switches(machine):
    """How often the threads of a monitor went to sleep."""
    return sum(int(line.split()[1]) for task in tasks(machine) for line in (task / "status").read_text().splitlines()
               if line.startswith("voluntary_ctxt_switches:"))


def measure(running, seconds):
    """(percent of a core, sleeps a second) of all of `running`."""
    before, slept = sum(map(cpu_seconds, running)), sum(map(switches, running))
    start = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - start
    return (100 * (sum(map(cpu_seconds, running)) - before) / elapsed,
            (sum(map(switches, running)) - slept) / elapsed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--settle", type=float, default=10, help="seconds between the last boot and the measurement")
    parser.add_argument("--vcpus", type=int, default=1)
    parser.add_argument("--kernel", default="tuned")
    parser.add_argument("--peer", action="store_true", help="QEMU TCG instead, to compare by hand")
    options = parser.parse_args()
    count = min(options.guests, free_kib() // KIB_EACH)
    if count < options.guests:
        print(f"idle: {count} guests only: free memory is {free_kib() // 1024} MiB")
    start = machines.start_qemu if options.peer else machines.start_vmm
    guest = machines.Guest(("sh", "-c", f"echo {READY}; exec sleep 10000"), kernel=options.kernel, vcpus=options.vcpus,
                           memory_mib=64, arguments="quiet")
    with contextlib.ExitStack() as stack:
        running = []
        for number in range(count):
            progress(f"  starting guest {number + 1} of {count}")
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            running.append(stack.enter_context(start(guest, folder)))
            running[-1].wait_for(READY, TIMEOUT)
        progress("  waiting until they are quiet")
        time.sleep(options.settle)
        percent, sleeps = measure(running, options.seconds)
        if any(machine.process.poll() is not None for machine in running):
            raise SystemExit("a guest ended while it was to sleep")
        own = sorted(machine.own_memory_kib() for machine in running)[count // 2]
    print(f"idle: {count} guests of 64 MiB and {options.vcpus} processor: {percent:.2f} % of one core, "
          f"{sleeps / count:.1f} wake-ups a second each, {own / 1024:.1f} MiB each without guest RAM")
    print(f"idle_percent_of_a_core {percent:.2f}", flush=True)


if __name__ == "__main__":
    main()
