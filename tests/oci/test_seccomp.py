"""linux.seccomp: every action, arguments, flags, and the listener of notifications."""

import array
import json
import socket

import pytest


def profile(box, names, action, **more):
    box.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                            "syscalls": [{"names": names, "action": action, **more}]}


@pytest.fixture(params=[True, False], ids=["no_new_privileges", "privileges"])
def nnp(box, request):
    box.process["noNewPrivileges"] = request.param


@pytest.mark.parametrize("number, words", [(None, "Operation not permitted"), (28, "No space left")])
def test_errno(box, nnp, number, words):
    profile(box, ["mkdir", "mkdirat", "call_of_the_future"], "SCMP_ACT_ERRNO",
            **({} if number is None else {"errnoRet": number}))
    assert words in box.run("mkdir", "/dev/shm/x").stderr


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"])
def test_kill(box, action):
    profile(box, ["mkdir", "mkdirat"], action)
    assert box.run("mkdir", "/dev/shm/x").returncode == 159


@pytest.mark.parametrize("action", ["SCMP_ACT_LOG", "SCMP_ACT_ALLOW"])
def test_let_through(box, action):
    profile(box, ["mkdir", "mkdirat"], action)
    assert box.run("mkdir", "/dev/shm/x").returncode == 0


def test_trace_without_a_tracer_is_refused(box):
    profile(box, ["mkdir", "mkdirat"], "SCMP_ACT_TRACE", errnoRet=7)
    assert "Function not implemented" in box.run("mkdir", "/dev/shm/x").stderr


@pytest.mark.parametrize("operator, value, refused", [
    ("SCMP_CMP_EQ", 0o700, True), ("SCMP_CMP_EQ", 0o701, False), ("SCMP_CMP_NE", 0o701, True),
    ("SCMP_CMP_LT", 0o701, True), ("SCMP_CMP_LE", 0o677, False), ("SCMP_CMP_GT", 0o677, True),
    ("SCMP_CMP_GE", 0o701, False)])
def test_arguments(box, operator, value, refused):
    profile(box, ["chmod"], "SCMP_ACT_ERRNO", args=[{"index": 1, "value": value, "op": operator}])
    done = box.run("sh", "-c", "touch /dev/shm/x; chmod 700 /dev/shm/x")
    assert ("not permitted" in done.stderr) == refused, done.stderr


def test_masked_arguments(box):
    profile(box, ["chmod"], "SCMP_ACT_ERRNO",
            args=[{"index": 1, "value": 0o700, "valueTwo": 0o400, "op": "SCMP_CMP_MASKED_EQ"}])
    done = box.run("sh", "-c", "touch /dev/shm/x; chmod 700 /dev/shm/x")
    assert "not permitted" not in done.stderr


def test_a_default_that_refuses(box):
    box.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
        {"names": ["execve", "exit_group", "exit", "brk", "arch_prctl", "mmap", "munmap", "mprotect", "read", "write",
                   "close", "fstat", "newfstatat", "prlimit64", "readlink", "readlinkat", "getrandom", "set_tid_address",
                   "set_robust_list", "rseq", "uname", "prctl", "getuid", "getcwd", "chdir", "setresuid", "setresgid",
                   "setgroups", "capset", "rt_sigprocmask", "rt_sigaction", "close_range", "fcntl", "umask", "seccomp",
                   "sendmsg", "open", "openat", "geteuid", "setuid", "setgid"],
         "action": "SCMP_ACT_ALLOW"}]}
    assert "Function not implemented" in box.run("mkdir", "/dev/shm/x").stderr


def test_flags(box):
    profile(box, ["mkdir"], "SCMP_ACT_LOG")
    box.linux["seccomp"]["flags"] = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
    assert box.run("true").returncode == 0


@pytest.mark.parametrize("change, words", [
    ({"defaultAction": "SCMP_ACT_X"}, "is no seccomp action"),
    ({"architectures": ["SCMP_ARCH_X"]}, "is no seccomp architecture"),
    ({"flags": ["X"]}, "is no seccomp flag"),
    ({"syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}, "needs a listenerPath")])
def test_mistakes_are_named(box, change, words):
    box.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"} | change
    assert words in box.refused()


def test_the_listener_gets_a_descriptor_and_the_state(box, nnp):
    profile(box, ["mkdir", "mkdirat"], "SCMP_ACT_NOTIFY")
    box.linux["seccomp"] |= {"listenerPath": str(box.folder / "listener"), "listenerMetadata": "meta"}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(box.folder / "listener"))
    listener.listen()
    box.start("sleep 100")
    connection, _ = listener.accept()
    text, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
    state = json.loads(text)
    assert state["fds"] == ["seccompFd"] and state["metadata"] == "meta"
    assert state["pid"] == box.state()["pid"] == state["state"]["pid"] and state["state"]["id"] == box.id
    assert array.array("i", control[0][2])[0] > 0
