"""A machine's process with its console, read with deadlines."""

import dataclasses
import os
import pathlib
import re
import selectors
import subprocess
import time


# A line of /proc/PID/smaps that begins a mapping; and the one of guest RAM, ours and QEMU's.
MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")
GUEST_RAM = re.compile(r"/memfd:(guest-ram|memory-backend-memfd)")


class TimedOut(Exception):
    """The guest did not do in time what was waited for; the message ends with its console."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int      # The process's exit status; negative for a signal.
    console: str     # What the guest printed.
    errors: str      # What the monitor printed to standard error.
    seconds: float   # From the start to the end of the process.


class Running:
    """A started process. Leaving its `with` block ends it."""

    def __init__(self, command, folder, stdin=subprocess.DEVNULL, most_bytes=1 << 26):
        self._errors_path = pathlib.Path(folder) / "stderr"
        self._most_bytes = most_bytes
        self._output = bytearray()
        self.started = time.monotonic()
        with open(self._errors_path, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=errors,
                                            cwd=folder)
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._selector.close()
        self.process.stdout.close()

    @property
    def console(self):
        return self._output.decode(errors="replace").replace("\r\n", "\n")

    @property
    def errors(self):
        return self._errors_path.read_text(errors="replace")

    def _read(self, deadline):
        """Reads what there is; False at the end of output."""
        if not self._selector.select(max(0.0, deadline - time.monotonic())):
            raise TimedOut(f"no more output after {time.monotonic() - self.started:.0f} s\n"
                           f"{self.console[-3000:]}\n{self.errors[-2000:]}")
        data = self.process.stdout.read(1 << 16)
        self._output += data
        # A guest may print without end; the last part is what a test looks at.
        del self._output[:-self._most_bytes]
        return bool(data)

    def wait_for(self, text, timeout):
        """Seconds from the start until `text` stands on the console."""
        deadline = time.monotonic() + timeout
        while text.encode() not in self._output:
            if not self._read(deadline):
                raise TimedOut(f"ended without {text!r}\n{self.console[-3000:]}\n{self.errors[-2000:]}")
        return time.monotonic() - self.started

    def finish(self, timeout):
        """Waits for the end of the process."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        status = self.process.wait(max(1.0, deadline - time.monotonic()))
        return Outcome(status, self.console, self.errors, time.monotonic() - self.started)

    def own_memory_kib(self):
        """Resident memory in KiB without the guest's RAM, which is a memfd in every monitor. Pages of other memfds,
        which a monitor may have mapped twice (to write code and to run it), count once."""
        total = 0
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            if MAPPING.match(line):
                counted = "Pss:" if "/memfd:" in line else "Rss:"
                if GUEST_RAM.search(line):
                    counted = None
            elif counted is not None and line.startswith(counted):
                total += int(line.split()[1])
        return total
