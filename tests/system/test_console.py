"""The console carries everything, holds little, and leaves the terminal as it was."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

TIMEOUT = 60

# Kernels of a few instructions: ELF files entered in long mode.
GUESTS = {
    # Prints 200,000 letters and ends with status 7.
    "print": """
        mov $0x3f8, %dx
        mov $200000, %ecx
        mov $'x', %al
    1:  out %al, %dx
        dec %ecx
        jnz 1b
        mov $7, %al
        out %al, $0xf4
    """,
    # Prints for ever.
    "flood": """
        mov $0x3f8, %dx
        mov $'x', %al
    1:  out %al, %dx
        jmp 1b
    """,
    # Says "!", then prints back what is typed, and ends with status 0 at a Q.
    "echo": """
        mov $0x3fc, %dx
        mov $0x0b, %al
        out %al, %dx
        mov $0x3f8, %dx
        mov $'!', %al
        out %al, %dx
    1:  mov $0x3fd, %dx
        in %dx, %al
        test $1, %al
        jz 1b
        mov $0x3f8, %dx
        in %dx, %al
        out %al, %dx
        cmp $'Q', %al
        jne 1b
        mov $0, %al
        out %al, $0xf4
    """,
    # Tells the boot timer by its port, then resets.
    "booted": """
        mov $0x3f0, %dx
        mov $123, %al
        out %al, %dx
        mov $0xfe, %al
        out %al, $0x64
    """,
}


@pytest.fixture(scope="session")
def guests(tmp_path_factory):
    """Configuration files by guest name."""
    folder = tmp_path_factory.mktemp("guests")
    configs = {}
    for name, code in GUESTS.items():
        source, kernel, config = (folder / f"{name}{suffix}" for suffix in (".S", "", ".json"))
        source.write_text(f".globl _start\n_start:{code}\n9: jmp 9b\n")
        subprocess.run(["gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x1000000,--build-id=none", source, "-o", kernel],
                       check=True)
        config.write_text(json.dumps({"boot-source": {"kernel_image_path": str(kernel)},
                                      "machine-config": {"vcpu_count": 1, "mem_size_mib": 64}}))
        configs[name] = config
    return configs


@pytest.fixture
def command(vmm, guests):
    return lambda name, level="Error", options=(): [str(vmm), "--config-file", str(guests[name]), "--no-api",
                                                    "--engine", "soft", "--level", level, *map(str, options)]


def test_a_slow_reader_gets_all_that_was_printed(command):
    with subprocess.Popen(command("print"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        time.sleep(1)
        assert process.poll() is None
        assert len(process.stdout.read()) == 200_000
        assert process.wait(TIMEOUT) == 7


def test_a_file_gets_all_that_was_printed(command, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        assert subprocess.run(command("print"), stdin=subprocess.DEVNULL, stdout=out, timeout=TIMEOUT).returncode == 7
    assert (tmp_path / "out").stat().st_size == 200_000


def test_the_machine_ends_when_its_reader_is_gone(command):
    with subprocess.Popen(command("flood"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        process.stdout.read(5)
        process.stdout.close()
        assert process.wait(TIMEOUT) == 155


def test_piped_input_arrives_whole_and_in_order(command):
    sent = b"".join(b"%d " % number for number in range(20_000)) + b"Q"
    assert len(sent) > 64 * 1024
    result = subprocess.run(command("echo"), input=sent, stdout=subprocess.PIPE, timeout=TIMEOUT)
    assert result.returncode == 0
    assert result.stdout == b"!" + sent


def test_input_from_a_file_arrives_whole(command, tmp_path):
    sent = b"x" * 100_000 + b"Q"
    (tmp_path / "in").write_bytes(sent)
    with open(tmp_path / "in", "rb") as file:
        result = subprocess.run(command("echo"), stdin=file, stdout=subprocess.PIPE, timeout=TIMEOUT)
    assert result.returncode == 0
    assert result.stdout == b"!" + sent


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_a_machine_runs_without_input(command, redirection):
    line = 'exec "$@" ' + redirection
    result = subprocess.run(["sh", "-c", line, "sh", *command("print")], stdout=subprocess.PIPE, timeout=TIMEOUT)
    assert result.returncode == 7
    assert len(result.stdout) == 200_000


def test_the_log_tells_when_the_guest_has_booted(command, tmp_path):
    log = tmp_path / "log"
    result = subprocess.run(command("booted", level="Info", options=("--boot-timer", "--log-path", log)),
                            stdin=subprocess.DEVNULL, timeout=TIMEOUT)
    assert result.returncode == 0
    line = r"\S+ \[anonymous-instance:vcpu 0\] Guest-boot-time = +\d+ us \d+ ms, +\d+ CPU us \d+ CPU ms\n"
    assert re.search(line, log.read_text())


class Terminal:
    """A machine on a terminal of its own."""

    def __init__(self, command):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=self.take_terminal)
        self.text = b""

    def take_terminal(self):
        # A session leader gets the terminal it opens first as its own.
        os.close(os.open(os.ttyname(self.slave), os.O_RDWR))

    def type(self, keys):
        os.write(self.master, keys)

    def wait_for(self, text):
        end = time.monotonic() + TIMEOUT
        while text not in self.text:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 4096)

    def mode(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(command):
    """The echoing machine, which has taken over its terminal."""
    opened = Terminal(command("echo"))
    opened.wait_for(b"!")
    yield opened
    opened.close()


def test_keys_go_to_the_guest_as_they_are(terminal):
    terminal.type(b"a\x03\x1a\x04b\r")
    terminal.wait_for(b"a\x03\x1a\x04b\r")
    assert terminal.process.poll() is None


def test_the_escape_ends_the_machine(terminal):
    assert terminal.mode() != terminal.before
    terminal.type(b"\x01\x01")
    terminal.wait_for(b"\x01")
    terminal.type(b"\x01x")
    assert terminal.process.wait(TIMEOUT) == 0
    assert terminal.mode() == terminal.before


@pytest.mark.parametrize("number, status", [
    (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGQUIT, 131), (signal.SIGHUP, 156), (signal.SIGSEGV, 150),
    (signal.SIGBUS, 149), (signal.SIGXCPU, 154),
])
def test_signals_end_the_machine_and_put_the_terminal_back(terminal, number, status):
    assert terminal.mode() != terminal.before
    terminal.process.send_signal(number)
    assert terminal.process.wait(TIMEOUT) == status
    assert terminal.mode() == terminal.before


def test_the_guests_own_end_puts_the_terminal_back(terminal):
    terminal.type(b"Q")
    assert terminal.process.wait(TIMEOUT) == 0
    assert terminal.mode() == terminal.before
