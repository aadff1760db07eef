"""process of config.json, a field a test."""

import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import array

import pytest


def status_of(box, name):
    """A line of /proc/self/status inside the container."""
    return re.search(rf"^{name}:\s*(.*)$", box.sh("cat /proc/self/status"), re.M)[1]


def test_args_and_the_exit_status_are_the_programs(box):
    assert box.run("sh", "-c", "echo one $0; exit 7", "two").returncode == 7
    # The first process of a PID namespace does not take its own signals.
    box.linux["namespaces"].remove({"type": "pid"})
    assert box.run("sh", "-c", "kill -9 $$").returncode == 137


def test_env_is_what_config_says_and_a_home(box):
    box.process["env"] += ["A=b c", "EMPTY="]
    assert set(box.sh("env").splitlines()) == {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "A=b c", "EMPTY=", "HOME=/root", "PWD=/", "SHLVL=1"}


def test_home_comes_from_the_containers_passwd(box):
    box.process["user"]["uid"] = 1000
    assert box.sh("echo $HOME") == "/home/user"


def test_cwd_is_made_when_it_is_missing(box):
    box.process["cwd"] = "/a/b"
    assert box.sh("pwd") == "/a/b"


def test_user_groups_and_umask(box):
    box.process["user"] = {"uid": 12, "gid": 34, "umask": 0o27, "additionalGids": [56, 78]}
    assert box.sh("id -u; id -g; id -G; umask").split() == ["12", "34", "34", "56", "78", "0027"]


def test_no_capability_is_inherited(box):
    sets = box.sh("grep ^Cap /proc/self/status")
    wanted = f"{1 << 29 | 1 << 5 | 1 << 10:016x}"
    assert dict(re.findall(r"Cap(\w+):\s*(\w+)", sets)) == {
        "Inh": "0" * 16, "Prm": wanted, "Eff": wanted, "Bnd": wanted, "Amb": "0" * 16}


def test_the_five_capability_sets(box):
    box.process["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
                                   "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN"],
                                   "ambient": ["CAP_CHOWN"]}
    box.process["user"]["uid"] = 1000
    sets = dict(re.findall(r"Cap(\w+):\s*(\w+)", box.sh("grep ^Cap /proc/self/status")))
    assert {name: int(value, 16) for name, value in sets.items()} == {
        "Inh": 1, "Prm": 1, "Eff": 1, "Bnd": 33, "Amb": 1}


def test_without_capabilities_there_are_none(box):
    del box.process["capabilities"]
    assert set(re.findall(r"Cap\w+:\s*(\w+)", box.sh("grep ^Cap /proc/self/status"))) == {"0" * 16}


def test_capabilities_nobody_can_give_are_left_out_with_a_warning(box):
    ours = int(re.search(r"CapBnd:\s*(\w+)", pathlib.Path("/proc/self/status").read_text())[1], 16)
    missing = [number for number in range(41) if not ours >> number & 1]
    names = {24: "CAP_SYS_RESOURCE"}
    wanted = ["CAP_KILL", "CAP_OF_TOMORROW", *(names[n] for n in missing if n in names)]
    for name in ("bounding", "effective", "permitted"):
        box.process["capabilities"][name] = wanted
    box.process["args"] = ["grep", "CapEff", "/proc/self/status"]
    box.write()
    done = box.oci("--log", "log", "--log-format", "json", "run", box.id)
    assert done.returncode == 0 and done.stdout.split()[1] == f"{1 << 5:016x}", done.stderr
    warning = json.loads((box.folder / "log").read_text())
    assert warning["level"] == "warning" and all(name in warning["msg"] for name in wanted[1:])
    box.start()
    assert "CAP_OF_TOMORROW" in box.exec("true").stderr


@pytest.mark.parametrize("wanted", [True, False])
def test_no_new_privileges(box, wanted):
    box.process["noNewPrivileges"] = wanted
    assert status_of(box, "NoNewPrivs") == str(int(wanted))


def test_rlimits(box):
    box.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                              {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    assert box.sh("ulimit -Sn; ulimit -Hn; ulimit -c").split() == ["100", "200", "0"]


def test_a_limit_over_the_hard_one_says_what_that_is(box):
    box.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2 ** 40}]
    assert "the hard limit is" in box.refused()


def test_oom_score_adj(box):
    box.process["oomScoreAdj"] = 321
    assert box.sh("cat /proc/self/oom_score_adj") == "321"


def test_scheduler(box):
    box.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7}
    fields = box.sh("cat /proc/self/stat").rsplit(")", 1)[1].split()
    assert (fields[16], fields[38]) == ("7", "3")


def test_io_priority(box):
    box.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    assert box.sh("ionice -p $$") == "best-effort: prio 6"


def test_personality(box):
    box.linux["personality"] = {"domain": "LINUX32"}
    assert box.sh("uname -m") == "i686"


def test_memory_policy(box):
    box.linux["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    done = box.run("cat", "/proc/self/numa_maps")
    if "Function not implemented" in done.stderr or "numa_maps: No such" in done.stderr:
        pytest.skip("this kernel has no NUMA")
    assert "bind=static:0" in done.stdout, done.stderr
    box.linux["memoryPolicy"] = {"mode": "MPOL_SOME"}
    assert "linux.memoryPolicy: mode" in box.refused()


def test_the_program_is_searched_in_path_and_must_be_one(box):
    assert "executable file not found in $PATH" in box.refused("nothing-of-this-name")
    assert "no such file or directory" in box.refused("/bin/nothing")
    assert "permission denied" in box.refused("/etc/passwd")
    assert "is a directory" in box.refused("/etc")


def test_a_profile_of_apparmor(box):
    enabled = pathlib.Path("/sys/module/apparmor/parameters/enabled")
    if not enabled.exists() or enabled.read_text().strip() != "Y":
        pytest.skip("this kernel has no AppArmor")
    box.process["apparmorProfile"] = "unconfined"
    assert box.sh("cat /proc/self/attr/current") == "unconfined"
    box.process["apparmorProfile"] = "not-loaded"
    done = box.run("true")
    assert done.returncode == 1 and "attr" in done.stderr


def test_labels_of_security_modules_are_refused_where_there_are_none(box):
    if pathlib.Path("/sys/module/apparmor/parameters/enabled").exists():
        pytest.skip("this host has AppArmor")
    box.process["apparmorProfile"] = "some"
    assert "no AppArmor" in box.refused()
    box.process["apparmorProfile"] = ""
    box.process["selinuxLabel"] = "system_u:object_r:x_t:s0"
    assert "without SELinux" in box.refused()


def receive_terminal(listener):
    """The descriptor that comes through a console socket."""
    connection, _ = listener.accept()
    _, control, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
    return array.array("i", control[0][2])[0]


def test_a_terminal_is_sent_through_the_console_socket(box):
    box.process["terminal"] = True
    box.process["consoleSize"] = {"height": 11, "width": 22}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(box.folder / "console"))
    listener.listen()
    box.process["args"] = ["sh", "-c", "tty; stty size; ls -l /dev/console; read line; echo got $line"]
    box.write()
    assert box.background("create", "--console-socket", box.folder / "console", box.id) == 0
    terminal = receive_terminal(listener)
    assert box.oci("start", box.id).returncode == 0
    os.write(terminal, b"typed\n")
    output = b""
    while b"got typed" not in output:
        output += os.read(terminal, 1000)
    assert b"/dev/pts/0" in output and b"11 22" in output and b"136," in output


def test_a_terminal_in_the_foreground_is_ours(box):
    box.process["terminal"] = True
    box.process["args"] = ["sh", "-c", "tty; exit 4"]
    box.write()
    master, slave = pty.openpty()
    done = subprocess.Popen([box.runtime, "--root", box.folder / "state", "run", box.id], cwd=box.folder,
                            stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    assert done.wait(10) == 4
    assert b"/dev/pts/0" in os.read(master, 1000)


def test_a_console_socket_and_a_terminal_go_together(box):
    box.write()
    assert "process.terminal is not true" in box.oci("create", "--console-socket", "x", box.id).stderr
    box.process["terminal"] = True
    box.write()
    assert "needs --console-socket" in box.oci("create", box.id).stderr


def test_exec_has_a_terminal_of_the_container(box):
    box.start()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(box.folder / "console"))
    listener.listen()
    process = box.process | {"terminal": True, "args": ["sh", "-c", "tty; read line; echo got $line"]}
    (box.folder / "p.json").write_text(json.dumps(process))
    assert box.background("exec", "--process", "p.json", "--detach", "--console-socket", box.folder / "console",
                          box.id) == 0
    terminal = receive_terminal(listener)
    os.write(terminal, b"typed\n")
    output = b""
    while b"got typed" not in output:
        output += os.read(terminal, 1000)
    assert b"/dev/pts/0" in output


def test_exec_in_the_foreground_has_our_terminal(box):
    box.start()
    master, slave = pty.openpty()
    done = subprocess.Popen([box.runtime, "--root", box.folder / "state", "exec", "--tty", box.id, "sh", "-c",
                             "tty; exit 5"], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    assert done.wait(10) == 5
    assert b"/dev/pts/0" in os.read(master, 1000)
