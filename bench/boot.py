#!/usr/bin/python3
"""Time from the start of the monitor to a line of the first process, and the monitor's own memory:
bulkhead-vmm on its soft engine against qemu-system-x86_64 -M microvm,accel=tcg, same kernel and initrd. Warm is
with the code cache of an earlier boot.
"""

import argparse
import functools
import pathlib
import tempfile

from common import in_turns, median, ratio

from harness import machines, paths

READY = "bulkhead-ready"
TIMEOUT = 300


def boot(start, guest):
    """(seconds to the line, KiB resident without guest RAM) of one boot."""
    with tempfile.TemporaryDirectory() as folder, start(guest, folder) as machine:
        seconds = machine.wait_for(READY, TIMEOUT)
        return seconds, machine.own_memory_kib()


def fill_code_cache(cache, kernel, vcpus):
    # A guest that ends by itself: a monitor that is killed keeps nothing.
    guest = machines.Guest(("sh", "-c", f"echo {READY}"), kernel=kernel, vcpus=vcpus, arguments="quiet")
    with tempfile.TemporaryDirectory() as folder, machines.start_vmm(
            guest, folder, options=("--code-cache", cache)) as machine:
        machine.finish(TIMEOUT)


def compare(kernel, vcpus, rounds, cache):
    # The command waits, so that memory is read of a machine that runs.
    guest = machines.Guest(("sh", "-c", f"echo {READY}; exec sleep 1000"), kernel=kernel, vcpus=vcpus,
                           arguments="quiet")
    fill_code_cache(cache, kernel, vcpus)
    start_warm = functools.partial(machines.start_vmm, options=("--code-cache", cache))
    results = in_turns(rounds, ours=lambda: boot(machines.start_vmm, guest), warm=lambda: boot(start_warm, guest),
                       peer=lambda: boot(machines.start_qemu, guest))
    seconds = {name: median([r[0] for r in runs]) for name, runs in results.items()}
    memory = {name: median([r[1] for r in runs]) for name, runs in results.items()}
    name = f"{kernel}_{vcpus}cpu"
    print(f"boot {name}: ours {seconds['ours']:.2f} s, warm {seconds['warm']:.2f} s, QEMU TCG {seconds['peer']:.2f} s; "
          f"memory without guest RAM: ours {memory['ours'] / 1024:.1f} MiB, warm {memory['warm'] / 1024:.1f} MiB, QEMU {memory['peer'] / 1024:.1f} MiB")
    ratio(f"boot_seconds_{name}", seconds["ours"], seconds["peer"])
    ratio(f"boot_seconds_warm_{name}", seconds["warm"], seconds["peer"])
    ratio(f"boot_memory_{name}", memory["ours"], memory["peer"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kernel", choices=sorted(paths.KERNELS), action="append")
    parser.add_argument("--vcpus", type=int, action="append")
    options = parser.parse_args()
    for kernel in options.kernel or paths.KERNELS:
        for vcpus in options.vcpus or (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                compare(kernel, vcpus, options.rounds, pathlib.Path(folder) / "code")


if __name__ == "__main__":
    main()
