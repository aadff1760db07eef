"""`run -it`, `exec -it` and `attach` give a person a working terminal, on both isolations."""

import signal
import termios
import time

import pytest

from harness.terminal import Terminal
from test_machines import machines  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")

# Not what the terminal echoes of the line that makes it.
PROMPT = b"# "


def ask(terminal, line):
    """What a command prints, without its echo."""
    terminal.type(line.encode() + b"\necho do''ne\n")
    text = terminal.wait_for(b"\r\ndone\r\n").decode()
    terminal.wait_for(PROMPT)
    return text


@pytest.mark.parametrize("how", ["run", "exec", "attach"])
def test_a_shell_on_a_terminal(machines, how):  # noqa: F811
    if how == "run":
        words = machines.words("run", "-it", "--rm", "busybox", "sh")
    else:
        # A shell that waits for somebody, and one beside it.
        machines("run", "-dit", "--name", "web", "busybox", "sh")
        words = machines.words("attach", "web") if how == "attach" else machines.words("exec", "-it", "web", "sh")
    with Terminal(words, rows=33, columns=101) as terminal:
        if how == "attach":
            terminal.type(b"\n")
        terminal.wait_for(PROMPT)
        if how == "attach":
            terminal.type(b"\n")
            terminal.wait_for(PROMPT)
        assert "/dev/pts/" in ask(terminal, "tty")
        assert "33 101" in ask(terminal, "stty size")
        terminal.resize(40, 120)
        terminal.process.send_signal(signal.SIGWINCH)
        for _ in range(50):
            if "40 120" in ask(terminal, "stty size"):
                break
        else:
            pytest.fail("the new size does not arrive")
        terminal.type(b"echo st''art; sleep 100\n")
        terminal.wait_for(b"start\r\n")
        time.sleep(0.5)  # Until sleep runs; the shell loses a key before that.
        terminal.type(b"\x03")
        terminal.wait_for(PROMPT)
        assert "=130" in ask(terminal, "echo =$?")
        ask(terminal, "sleep 100 &")
        assert "sleep 100" in ask(terminal, "jobs")
        assert "xterm" in ask(terminal, "echo $TERM") or how != "run"
        terminal.type(b"exit 9\n")
        assert terminal.finish() == 9
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_person_can_leave_and_come_back(machines):  # noqa: F811
    machines("run", "-dit", "--name", "web", "busybox", "sh")
    with Terminal(machines.words("attach", "web")) as terminal:
        terminal.type(b"\n")
        terminal.wait_for(PROMPT)
        ask(terminal, "mark=here")
        terminal.type(b"\x10\x11")
        assert terminal.finish() == 0
        assert termios.tcgetattr(terminal.slave) == terminal.before
    assert machines.state("web")["status"] == "running"
    with Terminal(machines.words("attach", "web")) as terminal:
        terminal.type(b"\n")
        terminal.wait_for(PROMPT)
        assert "here" in ask(terminal, "echo $mark")
