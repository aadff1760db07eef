"""Machines leave nothing behind, also when our own processes are killed at any moment."""

import concurrent.futures
import glob
import os
import random
import re
import signal
import subprocess
import time

import pytest

from test_joined_networks import JoinedMachines, assert_nothing_left
from test_machines import TIMEOUT, processes_of

pytestmark = pytest.mark.usefixtures("kernels", "vmm")

CONTAINERS, MICROVMS = 42, 8


def processes(text):
    return dict(processes_of(text))


def mounts(text):
    """Processes that see a mount with `text` in it."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/mountinfo"):
        try:
            with open(path) as file:
                if text in file.read():
                    found.add(path)
        except OSError:
            continue
    return found


def groups():
    return {folder for folder, *_ in os.walk("/sys/fs/cgroup") if "/bulkhead-" in folder}


def strays():
    """Where programs put what shall go with them."""
    return {name for name in glob.glob("/tmp/*") if re.match(r"/tmp/(b|bulkhead-run|step)-", name)}


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def harm(machines, name, chance):
    """Starts a machine and kills something of it, at any moment."""
    # Every third is in a network, and publishes a port there.
    number = int(name[1:])
    joined = ("--network", "front", "-p", f"{20000 + number}:80") if number % 3 == 0 else ()
    command = machines.words("run", "-d", "--name", name, *joined, "busybox", "sleep", "1000")
    starter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kind = chance.choice(["starter", "supervisor early", "supervisor", "engine", "any one", "nobody", "rm"])
    if kind == "starter":
        time.sleep(chance.random() * 0.05)
        starter.kill()
    elif kind == "supervisor early":
        end = time.monotonic() + 2
        while time.monotonic() < end and starter.poll() is None:
            for pid, line in processes(str(machines.root)).items():
                if "bulkhead-supervise" in line and chance.random() < 0.3:
                    kill(pid)
    starter.wait(TIMEOUT)
    found = machines("inspect", name, status=None)
    programs = {"supervisor": "bulkhead-supervise", "engine": "bulkhead-[vo]", "any one": "bulkhead-"}
    if found.returncode == 0 and kind in programs:
        state = machines.inspect(name)
        victims = [pid for pid, line in processes(state["id"]).items() if re.search(programs[kind], line.split(" ")[0])]
        if kind == "any one":
            victims = chance.sample(victims, min(1, len(victims)))
        for pid in victims:
            kill(pid)
    if kind == "rm":
        machines("rm", "-f", name, status=None)


def test_fifty_machines_leave_nothing(store, bulkhead, host, worker_count=4):  # noqa: F811
    names = ("--names",) if os.access("/usr/sbin/dnsmasq", os.X_OK) else ()
    JoinedMachines(bulkhead, store, "container", host).network("create", "front", "--subnet", "10.88.1.0/24", *names)
    before = processes(str(store)), mounts(str(store)), groups(), strays(), sorted(os.listdir(store))
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    print("seed", seed)
    kinds = ["container"] * CONTAINERS + ["microvm"] * MICROVMS
    chance.shuffle(kinds)
    with concurrent.futures.ThreadPoolExecutor(worker_count) as workers:
        jobs = [workers.submit(harm, JoinedMachines(bulkhead, store, kind, host), f"m{number}", random.Random(chance.random()))
                for number, kind in enumerate(kinds)]
        for job in jobs:
            job.result()
    machines = JoinedMachines(bulkhead, store, "container", host)
    # A starter that was killed may have left a supervisor that is about to start.
    end = time.monotonic() + TIMEOUT
    while left := machines("ps", "-aq").stdout.split():
        assert time.monotonic() < end, left
        machines("rm", "-f", *left, status=None)
    while processes(str(store)) and time.monotonic() < end:
        time.sleep(0.1)
    machines("ps", "-a")
    assert_nothing_left(machines)
    assert (store / "machines").is_dir() and not os.listdir(store / "machines")
    after = processes(str(store)), mounts(str(store)), groups(), strays(), sorted(os.listdir(store))
    new = {"machines", "state.db", "state.db-shm", "state.db-wal"}
    assert [name for name in after[4] if name not in new] == [name for name in before[4] if name not in new]
    assert after[:4] == before[:4]
