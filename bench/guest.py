#!/usr/bin/python3
"""guest-bench natively, in bulkhead-vmm on its soft engine, and in qemu-system-x86_64 -M microvm,accel=tcg:
the same static program, kernel and initrd. Rates: more is better."""

import argparse
import math
import re
import subprocess
import tempfile

from common import in_turns, median, ratio

from harness import machines, paths

TIMEOUT = 900
METRIC = re.compile(r"^metric (\S+) ([\d.e+-]+) (\S+)$", re.MULTILINE)


def metrics(text):
    return {name: float(value) for name, value, _ in METRIC.findall(text)}


def natively(words):
    return metrics(subprocess.run([paths.GUEST_BENCH, *words], check=True, capture_output=True, text=True).stdout)


def in_machine(start, words):
    guest = machines.Guest(("/guest-bench", *words), arguments="quiet",
                           files={"guest-bench": paths.GUEST_BENCH.read_bytes()})
    with tempfile.TemporaryDirectory() as folder, start(guest, folder) as machine:
        found = metrics(machine.finish(TIMEOUT).console)
    if not found:
        raise SystemExit(f"guest-bench printed no metric in {start.__name__}")
    return found


def units():
    listed = subprocess.run([paths.GUEST_BENCH, "--list"], check=True, capture_output=True, text=True).stdout
    return dict(line.split()[1:3] for line in listed.splitlines())


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", default="0.2", help="how long each metric is measured")
    parser.add_argument("--only", action="append", default=[], help="a metric, or a group as in sse_")
    options = parser.parse_args()
    words = ["--seconds", options.seconds, *(word for name in options.only for word in ("--only", name))]

    results = in_turns(options.rounds, native=lambda: natively(words),
                       ours=lambda: in_machine(machines.start_vmm, words),
                       peer=lambda: in_machine(machines.start_qemu, words))
    unit_of = units()
    rates = {name: {where: median([run[name] for run in runs if name in run] or [math.nan])
                    for where, runs in results.items()} for name in results["native"][0]}
    print(f"{'metric':22} {'native':>10} {'ours':>10} {'QEMU TCG':>10}  unit")
    for name, rate in rates.items():
        print(f"{name:22} {rate['native']:10.4g} {rate['ours']:10.4g} {rate['peer']:10.4g}  {unit_of[name]}")
    for name, rate in rates.items():
        ratio(f"guest_{name}", rate["ours"], rate["peer"])
    for name, rate in rates.items():
        ratio(f"guest_{name}", rate["ours"], rate["native"], "native")
    for whom in ("peer", "native"):
        ratio("guest_geometric_mean", geometric_mean([r["ours"] / r[whom] for r in rates.values()]), 1, whom)


if __name__ == "__main__":
    main()
