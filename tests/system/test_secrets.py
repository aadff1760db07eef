"""Secrets: values that a machine gets in memory, the same on microVMs and containers, and that nobody else is shown."""

import json
import os
import pathlib
import stat
import subprocess

import pytest

from test_machines import machines  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")

VALUE = "correct-horse-9f31\nbattery-staple-77aa\n"
MARKS = (b"correct-horse-9f31", b"battery-staple-77aa")


@pytest.fixture
def token(machines):  # noqa: F811
    """The id of a secret `token`."""
    # Another user's program cannot read files of the test.
    yield machines("secret", "create", "token", "-", input=VALUE).stdout.strip()
    left = machines("ps", "-aq").stdout.split()
    if left:
        machines("rm", "-f", *left)
    machines("secret", "rm", "-a")
    assert not list((machines.root / "secrets").iterdir())


def found_in_files(root):
    """Files below a folder that have a part of the value."""
    found = []
    for folder, _, names in os.walk(root):
        for path in (pathlib.Path(folder) / name for name in names):
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            if any(mark in data for mark in MARKS):
                found.append(path)
    return found


def found_in_processes():
    """Processes of the host whose words have it."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if any(mark in text for mark in MARKS):
            found.append(text)
    return found


def test_a_machine_has_it_in_memory_and_nobody_else(machines, token):  # noqa: F811
    machines("create", "--name", "web", "--secret", "token", "--secret", "token,target=other,uid=7,gid=8,mode=0400",
             "--secret", "token,target=/etc/deep/token", "--secret", "token,type=env,target=TOKEN", "-v", "/srv",
             "busybox", "sleep", "1000")
    machines("start", "web")
    names = "/run/secrets/token /run/secrets/other /etc/deep/token"
    assert machines("exec", "web", "sh", "-c", f"cat {names}").stdout == VALUE * 3
    assert machines("exec", "web", "sh", "-c", f"stat -c '%u %g %a' {names}").stdout == "0 0 444\n7 8 400\n0 0 444\n"
    assert machines("exec", "web", "sh", "-c", 'echo -n "$TOKEN"').stdout == VALUE
    assert machines("exec", "web", "stat", "-f", "-c", "%T", "/run/secrets").stdout == "tmpfs\n"
    for name in names.split():
        machines("exec", "web", "sh", "-c", f"echo x > {name}", status=1)
    machines("exec", "-u", "9:9", "web", "cat", "/run/secrets/other", status=1)
    assert machines("exec", "-u", "7:9", "web", "cat", "/run/secrets/other").stdout == VALUE
    machines("exec", "web", "sh", "-c", "echo written > /file; sync")

    kept = machines.root / "secrets" / token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert found_in_files(machines.root) == [kept]
    assert found_in_processes() == []
    for text in (machines("inspect", "web").stdout, machines("logs", "web").stdout,
                 machines("events", "--no-stream", "--json").stdout, machines("secret", "inspect", "token").stdout):
        assert "correct-horse" not in text
    uses = machines.inspect("web")["definition"]["secrets"]
    assert [use["target"] for use in uses] == ["/run/secrets/token", "/run/secrets/other", "/etc/deep/token", "TOKEN"]
    if machines.isolation == "microvm":
        assert "correct-horse" not in machines("exec", "web", "cat", "/proc/cmdline").stdout

    # The next start has it again, and what was written before has it not.
    machines("stop", "-t", "0", "web")
    assert found_in_files(machines.root) == [kept]
    machines("start", "web")
    assert machines("exec", "web", "cat", "/file", "/run/secrets/token").stdout == "written\n" + VALUE


def test_one_run_has_it_and_the_command_finds_it_at_once(machines, token):  # noqa: F811
    done = machines("run", "--secret", "token", "--secret", "token,type=env", "busybox", "sh", "-c",
                    'cat /run/secrets/token; echo -n "$token"; exit 7', status=7)
    assert done.stdout == VALUE * 2
    assert machines("run", "--secret", "token", "--read-only", "-u", "9", "busybox", "cat",
                    "/run/secrets/token").stdout == VALUE
    assert machines("ps", "-aq").stdout == ""


def test_a_new_value_is_there_with_the_next_start(machines, token):  # noqa: F811
    machines("run", "-d", "--name", "web", "--secret", "token", "busybox", "sleep", "1000")
    assert "--replace" in machines("secret", "create", "token", "-", input="x", status=1).stderr
    machines("secret", "create", "--replace", "token", "-", input="new\n")
    assert machines("exec", "web", "cat", "/run/secrets/token").stdout == VALUE
    machines("restart", "-t", "0", "web")
    assert machines("exec", "web", "cat", "/run/secrets/token").stdout == "new\n"
    assert len(list((machines.root / "secrets").iterdir())) == 1


def test_one_in_use_stays(machines, token):  # noqa: F811
    machines("create", "--name", "web", "--secret", "token", "busybox", "true")
    assert "bulkhead rm web" in machines("secret", "rm", "token", status=1).stderr
    assert machines("secret", "rm", "-a").stdout == ""
    shown = json.loads(machines("secret", "inspect", "token").stdout)[0]
    assert (shown["name"], shown["machines"]) == ("token", ["web"]) and "data" not in shown
    assert json.loads(machines("secret", "ls", "--json").stdout) == [shown]
    assert json.loads(machines("secret", "inspect", "--showsecret", shown["id"]).stdout)[0]["data"] == VALUE
    assert machines("secret", "ls", "-q").stdout == shown["id"] + "\n"
    machines("rm", "web")
    assert machines("secret", "rm", "token").stdout == shown["id"] + "\n"


def test_large_and_binary_values_are_whole(machines, token):  # noqa: F811
    value = os.urandom(512_000)
    (machines.root / "large").write_bytes(value)
    machines("secret", "create", "large", machines.root / "large")
    done = subprocess.run(machines.words("run", "--secret", "large", "busybox", "cat", "/run/secrets/large"),
                          capture_output=True, timeout=60)
    assert done.stdout == value, done.stderr
    assert "no text" in machines("secret", "inspect", "--showsecret", "large", status=1).stderr
    assert "type=mount" in machines("run", "--secret", "large,type=env", "busybox", "true", status=125).stderr


def test_a_killed_supervisor_leaves_nothing(machines, token):  # noqa: F811
    machines("run", "-d", "--name", "web", "--secret", "token", "--secret", "token,type=env", "busybox", "sleep", "1000")
    os.kill(machines.state("web")["pid"], 9)
    machines("ps")
    assert found_in_files(machines.root) == [machines.root / "secrets" / token]
    assert machines.state("web")["reason"] == "supervisor lost"
    assert not [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if str(machines.root) in line]


def test_mistakes_name_the_next_step(machines, token):  # noqa: F811
    for words, expected in [(("none",), "bulkhead secret ls"), (("token,type=disk",), "mount or env"),
                            (("token,target=/",), "root"), (("token,target=/proc/x",), "kernel"),
                            (("token,mode=9",), "octal"), (("token,uid=-1",), "number"), (("token,x=1",), "type, target"),
                            (("token,mode",), "KEY=VALUE"), (("token,type=env,target=a b",), "variable"),
                            (("token,type=env,uid=1",), "type=mount"), (("../token",), "letter"),
                            (("token", "--secret", "token"), "two secrets"),
                            (("token", "-v", "x:/run/secrets"), "mount at")]:
        done = machines("run", "--secret", *words, "busybox", "true", status=125)
        assert expected in done.stderr, (words, done)
    (machines.root / "value").write_text("x")
    (machines.root / "empty").touch()
    (machines.root / "huge").write_bytes(bytes(512_001))
    for words, expected in [(("new", machines.root / "empty"), "1 to 512000"), (("new", machines.root / "huge"), "huge"),
                            (("new", machines.root / "none"), "none"), (("a b", machines.root / "value"), "letter"),
                            (("new", "--env", "NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE")]:
        done = machines("secret", "create", *words, status=None)
        assert done.returncode != 0 and expected in done.stderr, (words, done)
    assert "secret ls" in machines("secret", "rm", "none", status=1).stderr
    machines("secret", "rm", "-i", "none")
    assert machines("ps", "-aq").stdout == ""
