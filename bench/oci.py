#!/usr/bin/python3
"""Containers: bulkhead-oci against Debian's crun and runc, on one bundle, in turns. Needs root.

Each runtime is started by a worker process of its own. That of crun lives in a mount namespace without
/sys/fs/cgroup/unified, since crun does not start on hosts with both versions of control groups.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from common import in_turns, median, ratio

from harness import bundles

UNIFIED = "/sys/fs/cgroup/unified"


def started(words, folder):
    return subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def timed(words, folder):
    """Milliseconds of a command that must end well."""
    begin = time.perf_counter()
    status = started(words, folder).wait()
    milliseconds = (time.perf_counter() - begin) * 1000
    if status != 0:
        raise RuntimeError(f"{words} ended with {status}")
    return milliseconds


def memory(words, folder):
    """The KiB that a command of the floor program prints."""
    return int(subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)


def at_once(words, folder, count):
    begin = time.perf_counter()
    processes = [started([*words[:-1], f"{words[-1]}-{i}"], folder) for i in range(count)]
    if any(process.wait() for process in processes):
        raise RuntimeError(f"one of {count} of {words} failed")
    return (time.perf_counter() - begin) * 1000


def serve():
    """The worker: a line of JSON in, a line out."""
    for line in sys.stdin:
        kind, *arguments = json.loads(line)
        print(json.dumps({"timed": timed, "memory": memory, "at_once": at_once}[kind](*arguments)), flush=True)


def config(*arguments):
    """What every version of the runtimes takes."""
    spec = bundles.config() | {"ociVersion": "1.0.2"}
    spec["process"]["args"] = list(arguments)
    return spec


class Runtime:
    """One runtime, with its worker, its folder of states and a bundle."""

    def __init__(self, name, program, bundle, home):
        self.runtime = name
        self.words = [str(program), "--root", str(home / name)]
        self.bundle = str(bundle)
        self.number = 0
        worker = [sys.executable, __file__, "--worker"]
        if name == "crun" and os.path.ismount(UNIFIED):
            worker = ["unshare", "-m", "sh", "-c", f'umount {UNIFIED} && exec "$@"', "sh", *worker]
        self.worker = subprocess.Popen(worker, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *question):
        self.worker.stdin.write(json.dumps(question) + "\n")
        self.worker.stdin.flush()
        line = self.worker.stdout.readline()
        if not line:
            raise RuntimeError(f"{question} failed")
        return json.loads(line)

    def call(self, *words):
        return self.ask("timed", [*self.words, *words], self.bundle)

    def name(self):
        self.number += 1
        return f"bench-{os.getpid()}-{self.runtime}-{self.number}"

    def run(self):
        return self.call("run", self.name())

    def create_start_delete(self):
        name = self.name()
        total = sum(self.call(verb, name) for verb in ("create", "start"))
        time.sleep(0.02)  # The program has ended: what is measured is not the killing of it.
        return total + self.call("delete", name)

    def exec(self, name):
        return self.call("exec", name, "true")

    def memory(self, floor):
        return self.ask("memory", [str(floor), "--memory", *self.words, "run", self.name()], self.bundle)

    def at_once(self, count):
        return self.ask("at_once", [*self.words, "run", self.name()], self.bundle, count)

    def close(self):
        self.worker.stdin.close()
        self.worker.wait()


def compare(what, results, unit="ms"):
    medians = {name: median(values) for name, values in results.items()}
    print(f"{what}: " + ", ".join(f"{name} {value:.2f} {unit}" for name, value in medians.items())
          + "; least: " + ", ".join(f"{name} {min(values):.2f}" for name, values in results.items()))
    for peer in medians:
        if peer != "ours":
            ratio(what.replace(" ", "_"), medians["ours"], medians[peer], peer)


def build_floor(home):
    program = home / "floor"
    source = pathlib.Path(__file__).with_name("oci_floor.cpp")
    subprocess.run(["g++", "-O2", "-static", "-o", program, source], check=True)
    return program


def measure(runtimes, floor, rounds, count):
    bundle = runtimes["ours"].bundle
    runs = {name: runtime.run for name, runtime in runtimes.items()}
    if os.path.ismount(UNIFIED):
        runs["floor"] = lambda: runtimes["ours"].ask(
            "timed", [str(floor), bundle, runtimes["ours"].name()], bundle)
    compare("oci run", in_turns(rounds, **runs))
    compare("oci memory", in_turns(5, **{name: lambda one=one: one.memory(floor) for name, one in runtimes.items()}),
            "KiB")
    compare("oci create start delete",
            in_turns(rounds // 2, **{name: one.create_start_delete for name, one in runtimes.items()}))
    compare("oci at once",
            in_turns(3, **{name: lambda one=one: one.at_once(count) for name, one in runtimes.items()}))


def measure_exec(runtimes, rounds):
    running = {name: one.name() for name, one in runtimes.items()}
    bundles.write_config(runtimes["ours"].bundle, config("sleep", "1000"))
    for name, one in runtimes.items():
        one.call("create", running[name])
        one.call("start", running[name])
    try:
        compare("oci exec", in_turns(rounds, **{
            name: lambda name=name, one=one: one.exec(running[name]) for name, one in runtimes.items()}))
    finally:
        for name, one in runtimes.items():
            one.call("delete", "--force", running[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--count", type=int, default=100, help="how many containers at once")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return serve()
    if os.geteuid() != 0:
        sys.exit("bench/oci.py needs root")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    programs = {"ours": bundles.OCI} | {name: shutil.which(name) for name in ("crun", "runc") if shutil.which(name)}
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        bundle = bundles.make_bundle(home / "bundle", config("true"))
        floor = build_floor(home)
        runtimes = {name: Runtime(name, program, bundle, home) for name, program in programs.items()}
        try:
            measure(runtimes, floor, options.rounds, options.count)
            measure_exec(runtimes, options.rounds // 2)
        finally:
            for runtime in runtimes.values():
                runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
