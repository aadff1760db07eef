"""Why a machine ended is known afterwards."""

import os
import signal

import pytest

from test_machines import Machines, machines, processes_of  # noqa: F401  (fixtures)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


@pytest.fixture
def containers(store, bulkhead):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("containers of images need root")
    return Machines(bulkhead, store, "container")


def test_the_oom_killer_is_named(containers):
    containers("run", "--name", "greedy", "-m", "16", "busybox", "tail", "/dev/zero", status=137)
    state = containers.state("greedy")
    assert state["reason"] == "oom" and "16777216" in state["detail"]
    containers("rm", "greedy")


def test_a_guests_kernel_that_gives_up_is_named(store, bulkhead):  # noqa: F811
    microvms = Machines(bulkhead, store, "microvm")
    microvms("run", "--name", "panic", "--append", "rdinit=/nowhere", "busybox", "true", status=1)
    state = microvms.state("panic")
    assert state["reason"] == "guest panic" and "Kernel panic" in state["detail"]
    microvms("rm", "panic")


def test_what_cannot_start_is_told_at_once(store, bulkhead):  # noqa: F811
    microvms = Machines(bulkhead, store, "microvm")
    done = microvms("run", "-d", "--name", "bad", "--kernel", "/etc/passwd", "busybox", status=125)
    assert "vmlinux" in done.stderr
    state = microvms.state("bad")
    assert (state["status"], state["reason"]) == ("failed", "not started")
    microvms("rm", "bad")


def test_an_engine_that_is_killed_is_a_signal(machines):  # noqa: F811
    machines("run", "-d", "--name", "web", "--restart", "on-failure:1", "busybox", "sleep", "100")
    machine = machines.inspect("web")["id"]
    for expected in (1, 1):
        for pid, line in processes_of(machine):
            if "bulkhead-vmm" in line or "bulkhead-oci" in line:
                os.kill(pid, signal.SIGKILL)
        machines.wait_for(lambda: machines.state("web")["restarts"] == expected, "it starts again")
        if machines.state("web")["status"] != "running":
            break
    machines.wait_for(lambda: machines.state("web")["pid"] == 0, "it gives up")
    state = machines.state("web")
    assert (state["exit_status"], state["reason"], state["restarts"]) == (137, "signalled", 1)
