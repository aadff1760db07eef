"""Real kernels reach user space on the soft engine, and real programs give right results there."""

import pathlib
import re
import subprocess

import pytest

from harness import machines

BOOT_TIMEOUT = 240
PROGRAM_TIMEOUT = 900
MACHINES = [(kernel, vcpus) for kernel in ("tuned", "cloud") for vcpus in (1, 2)]
SCRIPTS = pathlib.Path(__file__).parent / "programs"

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


def run(guest, folder, timeout, **options):
    with machines.start_vmm(guest, folder, **options) as machine:
        return machine.finish(timeout)


def section(console, name):
    """What a guest printed between [name] and the next such line."""
    return re.search(rf"^\[{name}\]\n(.*?)^\[\w+\]$", console, re.MULTILINE | re.DOTALL)[1].strip()


TOUR = """
echo [uname]; uname -a
echo [processors]; grep -c ^processor /proc/cpuinfo
echo [cpuinfo]; cat /proc/cpuinfo
echo [dmesg]; dmesg | tail -n 5
echo [trouble]; dmesg | grep -iE 'BUG:|Oops|call trace|WARNING:|soft lockup|rcu.*stall|unhandled|MSR access error'
echo [clocksource]; cat /sys/devices/system/clocksource/clocksource0/current_clocksource
echo [end]
exit 42
"""


@pytest.mark.parametrize("kernel, vcpus", MACHINES)
def test_a_kernel_reaches_user_space_and_the_exit_status_comes_back(kernel, vcpus, tmp_path):
    guest = machines.Guest(("sh", "-c", TOUR), kernel=kernel, vcpus=vcpus)
    outcome = run(guest, tmp_path, BOOT_TIMEOUT)
    assert outcome.status == 42, outcome.console[-2000:] + outcome.errors
    assert re.fullmatch(r"Linux bulkhead 6\.1\.\S+ #.* x86_64 GNU/Linux", section(outcome.console, "uname"))
    assert section(outcome.console, "processors") == str(vcpus)
    assert re.search(r"^flags\s*:.*\blm\b", section(outcome.console, "cpuinfo"), re.MULTILINE)
    assert len(section(outcome.console, "dmesg").splitlines()) == 5
    assert section(outcome.console, "trouble") == ""


def test_guest_time_runs_as_fast_as_the_hosts(tmp_path):
    guest = machines.Guest(("sh", "-c", "echo first; sleep 3; echo second"), arguments="quiet")
    with machines.start_vmm(guest, tmp_path) as machine:
        first = machine.wait_for("first", BOOT_TIMEOUT)
        second = machine.wait_for("second", BOOT_TIMEOUT)
    # Busy neighbours make a guest late, never early.
    assert 2.9 < second - first < 8


GZIP = "seq 1 7000000 | head -c 50000000 | gzip -1 -n | sha256sum"


@pytest.mark.slow
def test_fifty_megabytes_through_gzip_and_sha256sum_are_what_the_host_makes_of_them(tmp_path):
    guest = machines.Guest(("bash", "-c", GZIP), initrd="debian", vcpus=2, memory_mib=512, arguments="quiet")
    outcome = run(guest, tmp_path, PROGRAM_TIMEOUT)
    host = subprocess.run(["bash", "-c", GZIP], capture_output=True, text=True, check=True).stdout
    assert outcome.status == 0, outcome.console[-2000:] + outcome.errors
    assert host.strip() in outcome.console


@pytest.mark.parametrize("kernel, vcpus", [("tuned", 1), ("cloud", 2)])
@pytest.mark.parametrize("interpreter, script", [("perl", "answers.pl"), ("python3", "answers.py")])
def test_a_script_gives_the_answers_it_gives_on_the_host(interpreter, script, kernel, vcpus, tmp_path):
    program = SCRIPTS / script
    host = subprocess.run([f"/usr/bin/{interpreter}", program], capture_output=True, text=True, check=True).stdout
    guest = machines.Guest((interpreter, f"/{script}"), initrd="debian", kernel=kernel, vcpus=vcpus,
                           memory_mib=512, files={script: program.read_bytes()}, arguments="quiet")
    outcome = run(guest, tmp_path, PROGRAM_TIMEOUT)
    assert outcome.status == 0, outcome.console[-2000:] + outcome.errors
    assert len(host.splitlines()) > 5
    assert host in outcome.console


def test_both_processors_work_at_once(tmp_path):
    """Four busy processes on two processors, which count in turns through a pipe each."""
    script = """
    for n in 1 2 3 4; do
      ( i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; echo done $n $i ) &
    done
    wait
    awk '/^cpu[01] / {print "busy", $1, ($2 + $4 > 0)}' /proc/stat
    """
    guest = machines.Guest(("sh", "-c", script), vcpus=2, arguments="quiet")
    outcome = run(guest, tmp_path, BOOT_TIMEOUT)
    assert outcome.status == 0, outcome.console[-2000:] + outcome.errors
    for number in range(1, 5):
        assert f"done {number} 3000" in outcome.console
    assert "busy cpu0 1" in outcome.console and "busy cpu1 1" in outcome.console


def test_bulkhead_run_prints_what_the_command_prints_and_ends_with_its_status(bulkhead, kernels, initrds):
    result = subprocess.run(
        [bulkhead, "run", "--engine", "soft", "--kernel", kernels["tuned"], "--initrd", initrds["busybox"],
         "--", "sh", "-c", "echo two words: \"$0\"; exit 3", "a  b"],
        capture_output=True, text=True, timeout=BOOT_TIMEOUT, stdin=subprocess.DEVNULL)
    assert "two words: a  b" in result.stdout.splitlines()
    assert result.returncode == 3, result.stderr
