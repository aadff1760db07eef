"""`bulkhead run IMAGE -- COMMAND` does the same in a microVM and in a container."""

import os
import platform
import subprocess

import pytest

TIMEOUT = 120

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture(params=["microvm", "container"])
def run(request, store, bulkhead, vmm):
    if request.param == "container" and os.geteuid() != 0:
        pytest.skip("containers of images need root")

    def run(*words):
        done = subprocess.run([bulkhead, "run", "--root", store, "--isolation", request.param, "--code-cache", "none",
                               *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)
        done.stdout = done.stdout.replace("\r\n", "\n")
        return done

    run.isolation = request.param
    return run


def test_each_isolation_has_its_kernel_and_the_commands_status(run):
    done = run("busybox", "--", "sh", "-c", "uname -r; exit 7")
    assert done.returncode == 7, done.stdout + done.stderr
    own = done.stdout.strip() == platform.release()
    assert own == (run.isolation == "container")


def test_the_command_is_who_and_where_it_was_told_to_be(run):
    done = run("-e", "FOO=b r", "-w", "/made/for-it", "-u", "1000:5", "--hostname", "web", "busybox",
               "sh", "-c", "mkdir /tmp/x && id -u && id -g && pwd && hostname && echo $FOO && ls /sys/class/net")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[:5] == ["1000", "5", "/made/for-it", "web", "b r"]


def test_a_machine_talks_to_itself(run):
    done = run("busybox", "ping", "-c", "1", "127.0.0.1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_machine_writes_is_gone_with_it(run):
    assert run("busybox", "sh", "-c", "echo changed > /bin/mark && cat /bin/mark").stdout == "changed\n"
    assert run("busybox", "cat", "/bin/mark").returncode == 1


def test_a_program_that_is_not_there_is_127(run):
    done = run("busybox", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stdout + done.stderr


def test_an_image_that_is_not_there_is_named(run):
    done = run("--pull", "never", "no-such-image")
    assert done.returncode == 125
    assert "no-such-image" in done.stderr


def test_nothing_stays_mounted(run, store):
    run("busybox", "true")
    with open("/proc/self/mountinfo") as mounts:
        assert str(store) not in mounts.read()
    assert not list((store / "images" / "build").glob("step*"))
