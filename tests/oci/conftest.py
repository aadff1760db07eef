"""Fixtures of the tests of bulkhead-oci, which run real containers and need root."""

import ctypes
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import bundles  # noqa: E402  (needs the path above)

NUMBERS = itertools.count()
# How many times slower than the hosts that the time limits were chosen for: an emulated machine is.
SLOWNESS = int(os.environ.get("BULKHEAD_SLOWNESS", "1"))
TIMEOUT = 30 * SLOWNESS
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET; MS_REC | MS_SLAVE.
NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000
REC_SLAVE = 0x4000 | 0x80000
ESCAPES = {}


def refusal():
    """errno of a process that tries to have namespaces of its own and to mount in them; 0 if it can."""
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        can = (libc.unshare(NAMESPACES) == 0 and libc.mount(None, b"/", None, REC_SLAVE, None) == 0
               and libc.mount(b"probe", b"/", b"tmpfs", 0, None) == 0)
        os._exit(0 if can else ctypes.get_errno() or 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def obstacle():
    """Why this host cannot have containers with all their parts whatever the runtime does, or None."""
    if os.geteuid() != 0:
        return "containers with all their parts need root"
    if not bundles.BUSYBOX.exists():
        return f"{bundles.BUSYBOX} is not installed (Debian package busybox-static)"
    if (error := refusal()) != 0:
        return "this host allows no namespaces or mounts: " + os.strerror(error)
    lines = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    groups = [line[4] for line in lines if line[line.index("-") + 1].startswith("cgroup")]
    if not groups:
        return "this host has no control groups mounted"
    for group in groups:
        probe = pathlib.Path(group, f"bh-probe-{os.getpid()}")
        try:
            probe.mkdir()
            probe.rmdir()
        except OSError as error:
            return f"this host lets nobody make control groups: {error}"
    return None


def pytest_collection_modifyitems(items):
    if (reason := obstacle()) is None:
        return
    for item in items:
        item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_logreport(report):
    if "test_escapes.py" not in report.nodeid or (report.when == "teardown" and report.passed):
        return
    way = report.nodeid.split("::")[1].removeprefix("test_").split("[")[0].replace("_", " ")
    ESCAPES.setdefault(way, []).append(report.outcome)


def pytest_terminal_summary(terminalreporter):
    """The list of ways out that were tried, with the verdict of each."""
    if ESCAPES:
        terminalreporter.section("ways out of a container")
    for way, outcomes in ESCAPES.items():
        verdict = "OPEN" if "failed" in outcomes else "skipped" if "skipped" in outcomes else "closed"
        terminalreporter.write_line(f"{verdict:8}{way}")


class Box:
    """A bundle whose config.json a test changes, and the runtime's commands for its container."""

    def __init__(self, folder, runtime):
        self.folder = folder
        self.rootfs = folder / "rootfs"
        self.runtime = runtime
        self.id = f"bh-test-{os.getpid()}-{next(NUMBERS)}"
        self.config = bundles.config()
        self.process = self.config["process"]
        self.linux = self.config["linux"]

    def oci(self, *words, **options):
        """The runtime with its state in this test's own folder."""
        options = {"stdin": subprocess.DEVNULL, "timeout": TIMEOUT} | options
        return subprocess.run([self.runtime, "--root", self.folder / "state", *map(str, words)],
                              capture_output=True, text=True, cwd=self.folder, **options)

    def write(self):
        bundles.write_config(self.folder, self.config)

    def run(self, *arguments, flags=(), **options):
        """`run` with these arguments of the process, or those of the config."""
        if arguments:
            self.process["args"] = list(arguments)
        self.write()
        return self.oci("run", *flags, self.id, **options)

    def sh(self, script, **options):
        """What a shell script in the container prints; it must end well."""
        done = self.run("sh", "-c", script, **options)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()

    def refused(self, *arguments):
        """The one line of complaint of a container that cannot be."""
        done = self.run(*arguments)
        assert done.returncode == 1, done
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        self.left_nothing()
        return lines[0]

    def start(self, script="while :; do sleep 1; done"):
        """A container that runs on in the background."""
        self.process["args"] = ["sh", "-c", script]
        self.write()
        for words in (("create", self.id), ("start", self.id)):
            assert self.background(*words) == 0, (self.folder / "output").read_text()
        return self.state()["pid"]

    def background(self, *words):
        """The runtime with its output in a file: a pipe would end only with the container."""
        with open(self.folder / "output", "a") as output:
            return subprocess.run([self.runtime, "--root", self.folder / "state", *map(str, words)],
                                  timeout=TIMEOUT, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=output).returncode

    def exec(self, *words, flags=(), **options):
        return self.oci("exec", *flags, self.id, *words, **options)

    def state(self):
        return json.loads(self.oci("state", self.id).stdout)

    def wait_until(self, condition, seconds=10):
        end = time.monotonic() + seconds * SLOWNESS
        while not condition():
            assert time.monotonic() < end, "this has not come about"
            time.sleep(0.01)

    def lives(self, pid):
        """Whether there is such a process that has not ended, waited for or not."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def groups(self):
        """The folders of control groups with this container's name."""
        return [pathlib.Path(top) / self.id for top, folders, _ in os.walk("/sys/fs/cgroup")
                if self.id in folders]

    def group_file(self, name):
        """The text of a file of the container's control groups."""
        found = [group / name for group in self.groups() if (group / name).exists()]
        if not found:
            pytest.skip(f"this host has no {name}")
        return found[0].read_text().strip()

    def left_nothing(self):
        assert self.groups() == []
        state = self.folder / "state"
        assert not state.exists() or list(state.iterdir()) == []

    def add_mount(self, destination, kind, source, *options):
        self.config["mounts"].append({"destination": destination, "type": kind, "source": str(source),
                                      "options": list(options)})

    def add_user_namespace(self, first=100000, count=65536):
        self.linux["namespaces"].append({"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            self.linux[name] = [{"containerID": 0, "hostID": first, "size": count}]

    def grant(self, *capabilities):
        for name in ("bounding", "effective", "permitted"):
            self.process["capabilities"][name] = [*self.process["capabilities"][name], *capabilities]


@pytest.fixture
def runtime():
    if not bundles.OCI.exists():
        pytest.fail(f"{bundles.OCI} is missing; run ./dev build")
    return bundles.OCI


@pytest.fixture
def box(tmp_path, runtime):
    # A user namespace's root must be able to come here.
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    bundles.make_rootfs(tmp_path / "rootfs")
    box = Box(tmp_path, runtime)
    yield box
    box.oci("delete", "--force", box.id)
    box.left_nothing()
    shutil.rmtree(box.rootfs, ignore_errors=True)
