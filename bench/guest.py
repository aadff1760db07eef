#!/usr/bin/python3
"""guest-bench natively, in bulkhead-vmm on its soft engine, and in qemu-system-x86_64 -M microvm,accel=tcg:
the same static program, kernel and initrd. Rates: more is better."""

import argparse
import os
import re
import subprocess
import tempfile

from common import geometric_mean, in_turns, median, ratio

from harness import machines, paths

TIMEOUT = 900
METRIC = re.compile(r"^metric (\S+) ([\d.e+-]+) (\S+)$", re.MULTILINE)


def metrics(text):
    return {name: float(value) for name, value, _ in METRIC.findall(text)}


def natively(words):
    # One processor, as the guests have: what two wake each other for would be another measurement on two.
    command = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0))), paths.GUEST_BENCH, *words]
    return metrics(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def in_machine(start, words):
    guest = machines.Guest(("/guest-bench", *words), arguments="quiet",
                           files={"guest-bench": paths.GUEST_BENCH.read_bytes()})
    with tempfile.TemporaryDirectory() as folder, start(guest, folder) as machine:
        outcome = machine.finish(TIMEOUT)
    found = metrics(outcome.console)
    if not found or "guest-bench:" in outcome.console:
        raise SystemExit(f"guest-bench failed in {start.__name__}:\n{outcome.console[-2000:]}{outcome.errors[-2000:]}")
    return found


def listed():
    """{metric: (unit, group)}, in the order they are shown."""
    lines = subprocess.run([paths.GUEST_BENCH, "--list"], check=True, capture_output=True, text=True).stdout
    return {name: (unit, group) for _, name, unit, group in map(str.split, lines.splitlines())}


def show_table(rates, known):
    print(f"{'group':15} {'metric':16} {'native':>10} {'ours':>10} {'QEMU TCG':>10} "
          f"{'ours/TCG':>9} {'ours/native':>11}  unit")
    for name, rate in rates.items():
        unit, group = known[name]
        print(f"{group:15} {name:16} {rate['native']:10.4g} {rate['ours']:10.4g} {rate['peer']:10.4g} "
              f"{rate['ours'] / rate['peer']:9.2f} {rate['ours'] / rate['native']:11.2f}  {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", default="0.2", help="how long each metric is measured")
    parser.add_argument("--only", action="append", default=[], help="a metric, a group, or a beginning as in sse_")
    options = parser.parse_args()
    words = ["--seconds", options.seconds, *(word for name in options.only for word in ("--only", name))]

    results = in_turns(options.rounds, native=lambda: natively(words),
                       ours=lambda: in_machine(machines.start_vmm, words),
                       peer=lambda: in_machine(machines.start_qemu, words))
    known = listed()
    rates = {name: {where: median([run[name] for run in runs]) for where, runs in results.items()}
             for name in results["native"][0]}
    show_table(rates, known)
    for name, rate in rates.items():
        ratio(f"guest_{name}", rate["ours"], rate["peer"])
    for name, rate in rates.items():
        ratio(f"guest_{name}", rate["ours"], rate["native"], "native")
    for whom in ("peer", "native"):
        # As listed: a group's mean is of what was measured of it.
        for group in dict.fromkeys(known[name][1] for name in rates):
            of_group = [rate["ours"] / rate[whom] for name, rate in rates.items() if known[name][1] == group]
            ratio(f"guest_{group}", geometric_mean(of_group), 1, whom)
        ratio("guest_geometric_mean", geometric_mean([r["ours"] / r[whom] for r in rates.values()]), 1, whom)


if __name__ == "__main__":
    main()
