"""A command on a terminal of its own, as a person has it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

TIMEOUT = 60


class Terminal:
    def __init__(self, command, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.text = b""
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True, preexec_fn=self.take)

    def take(self):
        # A session leader gets the terminal it opens first as its own.
        os.close(os.open(os.ttyname(self.slave), os.O_RDWR))

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys)

    def wait_for(self, text, timeout=TIMEOUT):
        """What was printed up to `text`, which is not looked at again."""
        end = time.monotonic() + timeout
        while text not in self.text:
            assert time.monotonic() < end, (text, self.text)
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 4096)
        before, _, self.text = self.text.partition(text)
        return before

    def finish(self, timeout=TIMEOUT):
        """The exit status; the rest of what was printed is in `text`."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 4096)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
