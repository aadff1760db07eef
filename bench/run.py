#!/usr/bin/python3
"""`bulkhead run IMAGE -- true`: containers against podman with crun and with runc, on one image, in turns; and where the time of
a microVM goes. Containers need root.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from common import in_turns, median, ratio

from harness import paths, rootless
from harness.podman import Podman

UNIFIED = "/sys/fs/cgroup/unified"
# crun does not start on hosts with both versions of control groups. This takes some 2 ms.
WITHOUT_UNIFIED = ["unshare", "--mount", "sh", "-c", f'umount -l {UNIFIED} && exec "$@"', "sh"]
IMAGE = "docker.io/library/busybox:latest"

# Stands where bulkhead-vmm is looked for: notes when it is started, and lets it log.
MONITOR = """#!/bin/sh
for word; do
  shift
  [ "$word" != Error ] || word=Info
  set -- "$@" "$word"
done
date +%s%N > "$0.started"
exec '{monitor}' "$@" --boot-timer --log-path "$0.log"
"""
STAGES = ("image", "engine", "kernel", "init and command", "end")


def timed(words, **options):
    """Seconds of a command that must end well."""
    begin = time.perf_counter()
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
    return seconds


def containers(folder, ours, rounds):
    def run_ours():
        return timed([paths.BULKHEAD, "run", "--root", ours, "--isolation", "container", "busybox", "true"])

    def run_podman(podman, runtime):
        prefix = WITHOUT_UNIFIED if runtime == "crun" and os.path.ismount(UNIFIED) else []
        words = [*prefix, *podman.words, "run", "--rm", "--network=none", IMAGE, "true"]
        return lambda: timed(words, env=podman.environment)

    archive = folder / "busybox.tar"
    timed([paths.BULKHEAD, "image", "save", "--root", ours, "--output", archive, "busybox"])
    ways = {"ours": run_ours}
    for runtime in ("crun", "runc"):
        if shutil.which("podman") is None or shutil.which(runtime) is None:
            print(f"podman with {runtime}: not installed")
            continue
        home = folder / runtime
        home.mkdir()
        podman = Podman(home, runtime)
        timed([*podman.words, "load", "--quiet", "--input", archive], env=podman.environment)
        ways[f"podman_{runtime}"] = run_podman(podman, runtime)
        try:
            ways[f"podman_{runtime}"]()
        except RuntimeError as error:
            print(f"podman with {runtime} does not run here: {error}")
            del ways[f"podman_{runtime}"]
    results = {name: median(values) for name, values in in_turns(rounds, **ways).items()}
    print("container run: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in results.items()))
    for peer in results:
        if peer != "ours":
            ratio("run_container", results["ours"], results[peer], peer)


def rootless_containers(rounds):
    """The same by somebody who is not root, where podman has no group to make either."""
    if (reason := rootless.obstacle()) is not None:
        print(f"containers without root: {reason}")
        return
    user = rootless.User()
    leave = []
    try:
        # podman wants short paths.
        root, home = user.new_folder("store"), user.new_folder("p")
        timed(user.words(user.bulkhead, "image", "bootstrap", "--root", root, "busybox"))
        timed(user.words(user.bulkhead, "image", "save", "--root", root, "--output", home / "busybox.tar", "busybox"))
        ways = {"ours": lambda: timed(user.words(user.bulkhead, "run", "--root", root, "--isolation", "container",
                                                 "busybox", "true"))}
        if shutil.which("podman") is not None and shutil.which("crun") is not None:
            (home / "run").mkdir(mode=0o700)
            os.chown(home / "run", rootless.USER, rootless.USER)
            podman = Podman(home, "crun")
            prefix = WITHOUT_UNIFIED if os.path.ismount(UNIFIED) else []
            own = ["env", f"XDG_RUNTIME_DIR={home / 'run'}", *podman.words, "--storage-driver", "overlay"]

            def podman_words(*words):
                return [*prefix, *user.words(*own, *words)]

            # It leaves a process that keeps its namespaces.
            leave = podman_words("system", "migrate")
            timed(podman_words("load", "--quiet", "--input", home / "busybox.tar"), env=podman.environment)
            words = podman_words("run", "--rm", "--network=none", "--cgroups=disabled", IMAGE, "true")
            ways["podman_crun"] = lambda: timed(words, env=podman.environment)
        for way in ways.values():
            way()
        results = {name: median(values) for name, values in in_turns(rounds, **ways).items()}
        print("container run without root: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in results.items()))
        if "podman_crun" in results:
            ratio("run_rootless", results["ours"], results["podman_crun"], "podman_crun")
    finally:
        if leave:
            subprocess.run(list(map(str, leave)), env=podman.environment, capture_output=True)
        user.close()


def stamp(line):
    return datetime.datetime.fromisoformat(line.split()[0][:26]).replace(tzinfo=datetime.timezone.utc).timestamp()


class Microvm:
    """`bulkhead run` with a monitor that tells when things happened."""

    def __init__(self, folder, ours):
        self.program = folder / "bulkhead"
        self.monitor = folder / "bulkhead-vmm"
        self.root = ours
        # The programs are looked for beside this one.
        shutil.copy(paths.BULKHEAD, self.program)
        self.monitor.write_text(MONITOR.format(monitor=paths.VMM))
        self.monitor.chmod(0o755)
        self.words = [self.program, "run", "--root", ours, "--init", paths.INIT, "busybox"]

    def __call__(self):
        """Seconds of each stage."""
        log = pathlib.Path(f"{self.monitor}.log")
        log.unlink(missing_ok=True)
        begin = time.time()
        timed([*self.words, "true"])
        end = time.time()
        started = int(pathlib.Path(f"{self.monitor}.started").read_text()) / 1e9
        lines = log.read_text().splitlines()
        chosen = stamp(next(line for line in lines if " engine " in line))
        booted = stamp(next(line for line in lines if "Guest-boot-time" in line))
        ended = stamp(next(line for line in lines if " ends: " in line))
        marks = (begin, started, chosen, booted, ended, end)
        return [after - before for before, after in zip(marks, marks[1:])]


def microvms(folder, ours, rounds):
    microvm = Microvm(folder, ours)
    microvm()  # Makes the disk image and the code cache.
    runs = in_turns(rounds, run=microvm)["run"]
    stages = [median(values) for values in zip(*runs)]
    total = median([sum(run) for run in runs])
    print(f"microVM run: {1000 * total:.0f} ms: "
          + ", ".join(f"{name} {1000 * value:.0f}" for name, value in zip(STAGES, stages)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="b") as name:
        folder = pathlib.Path(name)
        ours = folder / "ours"
        timed([paths.BULKHEAD, "image", "bootstrap", "--root", ours, "busybox"])
        microvms(folder, ours, options.rounds)
        if os.geteuid() == 0:
            containers(folder, ours, options.rounds)
            rootless_containers(options.rounds)
        else:
            print("containers: need root")
        # podman mounts its store over itself.
        subprocess.run(["umount", "--recursive", *map(str, folder.glob("*/root/overlay"))], capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
