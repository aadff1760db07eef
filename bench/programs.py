#!/usr/bin/python3
"""Ordinary programs of a busybox initrd on input made in the guest: natively, in bulkhead-vmm on its soft engine and
in qemu-system-x86_64 -M microvm,accel=tcg. Each result is compared with the native one. Ratios are of
rates: more is better."""

import argparse
import os
import pathlib
import re
import subprocess
import tempfile

from common import geometric_mean, in_turns, median, ratio

from harness import machines, paths

TIMEOUT = 900
BUSYBOX = "/bin/busybox"

# Lines of numbers that look random, and words, without a generator that would be measured too.
MAKE_INPUT = r"""
awk 'BEGIN { x = 1; for (i = 0; i < 60000; i++) { x = (x * 69069 + 5) % 4294967296
  printf "%d line %d of text %x\n", x, i, x * 7 } }' >input
"""
# Name -> a command of the shell whose output is its result. Sizes are such that each takes a second or so in QEMU.
PROGRAMS = {
    "gzip": "gzip -c input | gzip -dc | md5sum",
    "sha256sum": "for i in 1 2 3 4 5 6 7 8; do cat input; done | sha256sum",
    "sort": "sort -n input | md5sum",
    "awk": """awk '{ n[$1 % 97] += $3; t = t + length($0) } END { for (i = 0; i < 97; i++) s = s " " n[i]; print t s }' input | md5sum""",
    "sh_loop": "i=0; s=0; while [ $i -lt 60000 ]; do i=$((i + 1)); s=$(((s * 31 + i) % 65521)); done; echo $s",
    "sh_spawn": "i=0; while [ $i -lt 300 ]; do /bin/busybox true || echo wrong; i=$((i + 1)); done; echo spawned $i",
}



def script(names):
    """Runs each program twice, the first time to warm what is cold anywhere, and prints the second's start, end and
    result."""
    lines = ['set -e', 'now() { set -- $(echo | ts %.s); echo $1; }', 'cd "$1"', MAKE_INPUT]
    for name in names:
        lines += [f"run() {{ {PROGRAMS[name]}\n}}", "run >result", "before=$(now)", "run >result", "after=$(now)",
                  f'echo "program {name} $before $after $(cat result)"']
    return "\n".join(lines) + "\n"


RESULT = re.compile(r"^program (\w+) ([\d.]+) ([\d.]+) (.+)$", re.MULTILINE)


def results_of(text):
    """{name: (runs a second, what was printed)}"""
    return {name: (1 / (float(after) - float(before)), printed.strip())
            for name, before, after, printed in RESULT.findall(text)}


def natively(names):
    with tempfile.TemporaryDirectory() as folder:
        applets = pathlib.Path(folder) / "bin"
        applets.mkdir()
        subprocess.run([BUSYBOX, "--install", "-s", applets], check=True)
        # One processor, as the guests have.
        cpu = str(max(os.sched_getaffinity(0)))
        done = subprocess.run(["/usr/bin/taskset", "--cpu-list", cpu, BUSYBOX, "sh", "-s", folder], check=True,
                              input=script(names), env={"PATH": str(applets)}, capture_output=True, text=True)
        return results_of(done.stdout)


def in_machine(start, names):
    guest = machines.Guest(("sh", "/programs.sh", "/tmp"), arguments="quiet",
                           files={"programs.sh": script(names).encode()})
    with tempfile.TemporaryDirectory() as folder, start(guest, folder) as machine:
        outcome = machine.finish(TIMEOUT)
    found = results_of(outcome.console)
    if set(found) != set(names):
        raise SystemExit(f"not all ran in {start.__name__}:\n{outcome.console[-2000:]}{outcome.errors[-2000:]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=PROGRAMS)
    options = parser.parse_args()
    names = options.only or list(PROGRAMS)
    if not pathlib.Path(BUSYBOX).exists():
        raise SystemExit(f"{BUSYBOX} is missing; install busybox-static")

    results = in_turns(options.rounds, native=lambda: natively(names),
                       ours=lambda: in_machine(machines.start_vmm, names),
                       peer=lambda: in_machine(machines.start_qemu, names))
    wrong = [f"{where}: {name} printed {run[name][1]}, not {results['native'][0][name][1]}"
             for where, runs in results.items() for run in runs for name in names
             if run[name][1] != results["native"][0][name][1]]
    rates = {name: {where: median([run[name][0] for run in runs]) for where, runs in results.items()}
             for name in names}
    print(f"{'program':12} {'native':>9} {'ours':>9} {'QEMU TCG':>9} {'ours/TCG':>9} {'ours/native':>11}  seconds a run")
    for name, rate in rates.items():
        print(f"{name:12} {1 / rate['native']:9.3f} {1 / rate['ours']:9.3f} {1 / rate['peer']:9.3f} "
              f"{rate['ours'] / rate['peer']:9.2f} {rate['ours'] / rate['native']:11.2f}")
    for whom in ("peer", "native"):
        for name, rate in rates.items():
            ratio(f"program_{name}", rate["ours"], rate[whom], whom)
        ratio("program_geometric_mean", geometric_mean([r["ours"] / r[whom] for r in rates.values()]), 1, whom)
    if wrong:
        raise SystemExit("\n".join(["wrong results:", *wrong]))


if __name__ == "__main__":
    main()
