"""What the benchmarks share: repeating in turns, medians, and the lines that carry a result."""

import math
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))


def progress(text):
    """One line that moves on a terminal; nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def in_turns(rounds, **measurements):
    """Calls each measurement `rounds` times, one after the other so that all meet the same noise.
    Returns {name: [results]}."""
    results = {name: [] for name in measurements}
    for number in range(rounds):
        for name, measure in measurements.items():
            progress(f"  round {number + 1} of {rounds}: {name}")
            results[name].append(measure())
    progress("")
    return results


def median(values):
    return statistics.median(values)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio(name, ours, peer, whom="peer"):
    """The one line a script or a person looks for."""
    print(f"ratio {name} ours/{whom} {ours / peer:.2f}", flush=True)
