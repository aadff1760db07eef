"""Machines that are kept do the same as microVMs and as containers."""

import json
import os
import re
import subprocess
import time

import pytest

from harness import rootless

TIMEOUT = 60

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


class Machines:
    """`bulkhead` on one store, making machines of one isolation."""

    def __init__(self, bulkhead, root, isolation):
        self.bulkhead, self.root, self.isolation = bulkhead, root, isolation

    def words(self, command, *words):
        commands = [command]
        if command in ("image", "volume", "secret"):
            commands.append(words[0])
            words = words[1:]
        own = ["--root", str(self.root)]
        if command in ("run", "create"):
            own += ["--isolation", self.isolation, "--code-cache", "none"]
        return [str(self.bulkhead), *commands, *own, *map(str, words)]

    def __call__(self, command, *words, status=0, stdin=subprocess.DEVNULL, **more):
        if "input" in more:
            stdin = None
        done = subprocess.run(self.words(command, *words), stdin=stdin, capture_output=True, text=True,
                              timeout=TIMEOUT, **more)
        assert status is None or done.returncode == status, (command, words, done)
        return done

    def outside(self, number):
        """Who the host takes a user of a machine for."""
        return number or os.geteuid()

    def hand_over(self, path):
        """Gives a file of the test to who runs the machines."""

    def inspect(self, name):
        return json.loads(self("inspect", name).stdout)[0]

    def state(self, name):
        return self.inspect(name)["state"]

    def wait_for(self, condition, why):
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end, why
            time.sleep(0.05)


class RootlessMachines(Machines):
    """Containers of somebody who is not root."""

    def __init__(self, user, root, ids=True):
        super().__init__(user.bulkhead, root, "container")
        self.user, self.ids = user, ids

    def words(self, command, *words):
        return self.user.words(*super().words(command, *words), ids=self.ids)

    def outside(self, number):
        return rootless.outside(number)

    def hand_over(self, path):
        os.chown(path, rootless.USER, rootless.USER)


@pytest.fixture(params=["microvm", "container", "rootless"])
def machines(request, bulkhead):
    if request.param == "rootless":
        if "tmp_path" in request.fixturenames:
            request.getfixturevalue("user").own(request.getfixturevalue("tmp_path"))
        machines = RootlessMachines(request.getfixturevalue("user"), request.getfixturevalue("user_store"))
    else:
        if request.param == "container" and os.geteuid() != 0:
            pytest.skip("containers of images without a user of the test's need root")
        machines = Machines(bulkhead, request.getfixturevalue("store"), request.param)
    yield machines
    left = machines("ps", "-aq").stdout.split()
    if left:
        machines("rm", "-f", *left)
    assert not list((machines.root / "machines").iterdir())


def need_groups(machines):
    """Limits and pauses are control groups, which a host gives to root."""
    if isinstance(machines, RootlessMachines):
        pytest.skip("control groups of containers need root")


def need_builds(machines):
    if isinstance(machines, RootlessMachines) or os.geteuid() != 0:
        pytest.skip("builds need root")


def test_a_machine_lives_until_it_is_removed(machines):
    machines("create", "--name", "web", "--label", "tier=front", "busybox", "sh", "-c",
             "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done")
    assert machines.state("web")["status"] == "created"
    machines("start", "web")
    machines.wait_for(lambda: machines("logs", "web").stdout == "up\n", "it prints")
    listed = json.loads(machines("ps", "--json").stdout)
    assert [(one["name"], one["state"], one["isolation"], one["labels"]) for one in listed] == [
        ("web", "running", machines.isolation, {"tier": "front"})]
    assert machines("stop", "web").stdout == "web\n"
    state = machines.state("web")
    assert (state["status"], state["exit_status"], state["reason"]) == ("exited", 5, "exited")
    assert machines("ps", "-q").stdout == ""
    machines("start", "web")
    machines.wait_for(lambda: machines("logs", "web").stdout == "up\nup\n", "it prints again")
    machines("kill", "web")
    assert machines("wait", "web").stdout == "137\n"
    assert machines.state("web")["reason"] == "signalled"
    machines("rm", "web")
    assert machines("ps", "-aq").stdout == ""
    actions = [json.loads(line)["action"] for line in machines("events", "--no-stream", "--json").stdout.splitlines()
               if '"name":"web"' in line]
    assert actions[-6:] == ["create", "start", "end", "start", "end", "remove"]


def test_what_a_machine_writes_is_there_again(machines):
    machines("run", "--name", "web", "busybox", "sh", "-c", "cat /mark; echo kept >> /mark; rm -f /bin/yes", status=0)
    for _ in range(2):
        assert "kept\n" in machines("start", "-a", "web").stdout
    assert machines("logs", "web").stdout == "kept\n" * 3


def test_the_foreground_has_streams_and_status(machines):
    done = machines("run", "--rm", "-i", "--name", "one", "busybox", "sh", "-c", "cat; echo oops >&2; exit 7",
                    input="hello\n", status=7)
    assert (done.stdout, done.stderr) == ("hello\n", "oops\n")
    assert machines("ps", "-aq").stdout == ""


def test_much_output_arrives_whole(machines):
    done = machines("run", "--rm", "--name", "one", "busybox", "sh", "-c",
                    "i=0; while [ $i -lt 2000 ]; do echo $i-0123456789012345678901234567890123456789; i=$((i+1)); done")
    assert [line.split("-")[0] for line in done.stdout.splitlines()] == [str(i) for i in range(2000)]


def test_signals_of_the_foreground_reach_the_command(machines):
    with subprocess.Popen(machines.words("run", "--rm", "--name", "one", "busybox", "sh", "-c",
                                         "trap 'echo got; exit 9' TERM; echo up; while :; do sleep 0.1; done"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.stdout.read() == "got\n"
        assert process.wait(TIMEOUT) == 9


def test_commands_run_beside_the_first(machines):
    machines("run", "-d", "--name", "web", "-e", "A=1", "-w", "/tmp", "busybox", "sleep", "100")
    done = machines("exec", "web", "sh", "-c", "echo $A $B; pwd; id -u; echo oops >&2; exit 3", status=3)
    assert (done.stdout, done.stderr) == ("1\n/tmp\n0\n", "oops\n")
    done = machines("exec", "-e", "B=2", "-w", "/etc", "-u", "7:8", "web", "sh", "-c", "echo $A $B; pwd; id -u; id -g")
    assert done.stdout.split() == ["1", "2", "/etc", "7", "8"]
    assert machines("exec", "-i", "web", "wc", "-c", input="x" * 300_000).stdout.strip() == "300000"
    done = machines("exec", "web", "head", "-c", "3000000", "/dev/zero")
    assert done.stdout == "\0" * 3_000_000
    assert "no-such" in machines("exec", "web", "no-such", status=127).stderr


def test_exec_ends_with_the_signal_that_it_got(machines):
    machines("run", "-d", "--name", "web", "busybox", "sleep", "100")
    with subprocess.Popen(machines.words("exec", "web", "sh", "-c", "echo up; exec sleep 100"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.wait(TIMEOUT) == 143


def test_restart_policies(machines):
    machines("run", "-d", "--name", "twice", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 4")
    machines.wait_for(lambda: machines.state("twice")["pid"] == 0, "it gives up")
    state = machines.state("twice")
    assert (state["status"], state["exit_status"], state["restarts"]) == ("exited", 4, 2)
    assert machines("logs", "twice").stdout == "run\n" * 3
    machines("run", "-d", "--name", "always", "--restart", "always", "busybox", "true")
    machines.wait_for(lambda: machines.state("always")["restarts"] >= 2, "it starts again")
    machines("stop", "always")
    assert machines.state("always")["pid"] == 0


def test_pause_holds_the_machine(machines):
    need_groups(machines)
    machines("run", "-d", "--name", "web", "busybox", "sh", "-c", "while :; do echo x; sleep 0.05; done")
    machines("pause", "web")
    assert machines.state("web")["status"] == "paused"
    before = len(machines("logs", "web").stdout)
    time.sleep(0.5)
    assert len(machines("logs", "web").stdout) - before <= 2
    assert "resume" in machines("exec", "web", "true", status=125).stderr
    machines("resume", "web")
    machines.wait_for(lambda: len(machines("logs", "web").stdout) > before + 10, "it goes on")


def test_logs_have_streams_times_and_an_end(machines):
    machines("run", "-d", "--name", "web", "busybox", "sh", "-c",
             "for i in 1 2 3; do echo $i; echo e$i >&2; sleep 0.2; done")
    done = machines("logs", "-f", "web")
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "e1\ne2\ne3\n")
    done = machines("logs", "--tail", "2", "-t", "web")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z 3\n", done.stdout)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z e3\n", done.stderr)


def test_a_log_has_the_size_it_may_have(machines):
    machines("run", "--name", "web", "--log-opt", "max-size=4k", "--log-opt", "max-file=2", "busybox", "sh", "-c",
             "for i in $(seq 500); do echo 0123456789012345678901234567890123456789-$i; done")
    log = machines.root / "machines" / machines.inspect("web")["id"]
    assert sorted(path.name for path in log.glob("console.log*")) == ["console.log", "console.log.1"]
    assert all(path.stat().st_size <= 4096 for path in log.glob("console.log*"))
    assert machines("logs", "web").stdout.splitlines()[-1].endswith("-500")
    assert "max-size" in machines("run", "--log-opt", "max-size=1", "busybox", status=125).stderr


def test_names_change_and_filters_find(machines):
    machine = machines("create", "--label", "a=b", "busybox", "true").stdout.strip()
    assert re.fullmatch("[0-9a-f]{12}", machine)
    machines("rename", machine[:5], "other")
    assert machines.inspect("other")["id"] == machine
    for wanted in ("name=oth", "label=a", "label=a=b", "status=created", f"isolation={machines.isolation}"):
        assert machines("ps", "-aq", "--filter", wanted).stdout.split() == [machine]
    for other in ("name=x", "label=a=c", "status=running", "exited=0"):
        assert machines("ps", "-aq", "--filter", other).stdout == ""


def test_a_machine_is_measured(machines):
    limit = () if isinstance(machines, RootlessMachines) else ("-m", "128")
    machines("run", "-d", "--name", "busy", *limit, "busybox", "sh", "-c", "while :; do :; done")
    usage = json.loads(machines("stats", "--no-stream", "--json", "busy").stdout)[0]
    assert usage["cpu_percent"] > 5 and usage["memory"] > 0 and usage["processes"] > 0
    assert usage["memory_limit"] == (128 << 20 if limit else 0)


def test_limits_and_policies_change(machines):
    need_groups(machines)
    machines("run", "-d", "--name", "web", "-m", "128", "busybox", "sh", "-c", "sleep 0.5; exit 4")
    done = machines("update", "-m", "160", "--restart", "on-failure:1", "--label", "a=b", "web")
    live = machines.isolation == "container"
    assert ("bulkhead restart web" in done.stderr) != live
    definition = machines.inspect("web")["definition"]
    assert (definition["memory_mib"], definition["restart"], definition["labels"]) == (160, "on-failure:1", {"a": "b"})
    machines.wait_for(lambda: machines.state("web")["restarts"] == 1, "the policy holds at once")
    assert machines("update", "web", status=None).returncode == 2


def test_what_cannot_run_says_so(machines):
    done = machines("run", "--name", "bad", "busybox", "no-such-program", status=127)
    assert "no-such-program" in done.stderr
    machines("rm", "bad")


def test_mistakes_name_the_next_step(machines):
    machines("create", "--name", "web", "busybox", "true")
    for words, expected in [
            (("stop", "nobody"), "bulkhead ps -a"), (("create", "--name", "web", "busybox"), "bulkhead rm web"),
            (("exec", "web", "true"), "bulkhead start web"), (("pause", "web"), "bulkhead start web"),
            (("kill", "web"), "bulkhead start web"), (("attach", "web"), "bulkhead start web"),
            (("create", "--name", "a/b", "busybox"), "letters"), (("kill", "-s", "NONE", "web"), "TERM"),
            (("run", "-d", "--restart", "often", "busybox"), "unless-stopped"),
            (("run", "-d", "--rm", "--restart", "always", "busybox"), "--restart"),
            (("ps", "--filter", "colour=red"), "label="), (("logs", "--tail", "x", "web"), "number"),
            (("rename", "web", "_x"), "letter"), (("run", "-d", "--pull", "never", "no-such-image"), "no-such-image")]:
        done = machines(*words, status=None)
        assert done.returncode != 0 and expected in done.stderr, (words, done)
    assert machines("run", "-d", "--name", "web", "busybox", status=125).stdout == ""
    assert machines("exec", "nobody", "true", status=125).stdout == ""
    assert machines("start", "nobody", status=1).stdout == ""
    machines("start", "web")
    done = machines("rm", "web", status=None)
    assert done.returncode == 0 or "rm -f" in done.stderr


def test_its_supervisor_takes_a_machine_with_it(machines):
    machines("run", "-d", "--name", "web", "busybox", "sleep", "100")
    supervisor = machines.state("web")["pid"]
    marker = f"machines/{machines.inspect('web')['id']}".encode()
    os.kill(supervisor, 9)
    state = machines.state("web")
    assert (state["status"], state["reason"], state["pid"]) == ("failed", "supervisor lost", 0)
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and marker in mounts_of(pid)]
    machines("start", "web")
    assert machines("exec", "web", "echo", "again").stdout == "again\n"


def processes_of(text):
    """Numbers and command lines of those that have `text` on theirs."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            yield int(pid), line


def mounts_of(pid):
    try:
        with open(f"/proc/{pid}/mountinfo", "rb") as mounts:
            return mounts.read()
    except OSError:
        return b""
