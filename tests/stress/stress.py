#!/usr/bin/python3
"""Guests under load for as long as one likes: kinds of guest-stress and a compiler, in turns, with other numbers of
vCPUs. Each tells of a wrong result with the seed that shows it again; any ends the run.

  ./dev stress            an hour
  ./dev stress 21600      six hours
"""

import argparse
import itertools
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from harness import machines, paths, workloads

KINDS = ("fork_storm", "signal_storm", "mapping_churn", "lock_free", "written_code")
COMPILE = workloads.script("compile_some.sh")
# How much longer than asked for a guest may take on a busy host before it counts as hung.
PATIENCE = 8


def load(kind, vcpus, seconds, seed):
    """The guest of one turn, and the word its lines of success begin with."""
    if kind == "compiler":
        loop = f"while\n({COMPILE}) || exit 1\n[ $(cut -d. -f1 /proc/uptime) -lt {seconds} ]\ndo :; done"
        return workloads.guest("compiler", loop, vcpus), "made"
    command = ("/guest-stress", kind, "--seconds", str(seconds), "--seed", str(seed))
    return machines.Guest(command, vcpus=vcpus, memory_mib=512, arguments="quiet",
                          files={"guest-stress": paths.GUEST_STRESS.read_bytes()}), "stress"


def is_right(kind, found):
    if kind != "compiler":
        return len(found) == 1
    with tempfile.TemporaryDirectory() as folder:
        once = workloads.on_host(folder, "compiler", COMPILE, "made")
    return found == once * (len(found) // len(once)) != []


def turn(kind, vcpus, seconds, seed, options=()):
    """Runs one guest; returns the lines it printed, or ends the program with what was wrong."""
    guest, word = load(kind, vcpus, seconds, seed)
    with tempfile.TemporaryDirectory() as folder, machines.start_vmm(guest, folder, options=options) as machine:
        outcome = machine.finish(60 + PATIENCE * seconds)
    found = workloads.lines(outcome.console, word)
    if outcome.status != 0 or not is_right(kind, found):
        raise SystemExit(f"stress: {kind}, {vcpus} vCPUs, seed {seed}: status {outcome.status}\n"
                         f"{outcome.console[-3000:]}{outcome.errors[-3000:]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("total", type=int, nargs="?", default=3600, help="seconds (%(default)s)")
    parser.add_argument("--turn", type=int, default=60, help="seconds of one guest (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--kind", choices=(*KINDS, "compiler"), action="append")
    options = parser.parse_args()

    start = time.monotonic()
    turns = 0
    for number in itertools.count():
        if time.monotonic() - start >= options.total:
            break
        kinds = options.kind or (*KINDS, "compiler")
        kind = kinds[number % len(kinds)]
        # The kinds meet each number of vCPUs in time; a lock-free program needs two at least.
        vcpus = (2, 4, 1)[(number // len(kinds)) % 3]
        seconds = min(options.turn, options.total)
        found = turn(kind, vcpus, seconds, options.seed + 1_000_000 * number)
        turns += 1
        print(f"{time.monotonic() - start:7.0f} s  {kind:14} {vcpus} vCPUs  {found[-1]}", flush=True)
    print(f"stress: {turns} turns in {time.monotonic() - start:.0f} s, no wrong result")


if __name__ == "__main__":
    main()
