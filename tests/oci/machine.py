"""A small machine of QEMU's TCG with cgroup v2 alone, in which these same tests run again.

Its kernel is Debian's cloud kernel. Its root is a tmpfs that holds the interpreter of this very process,
pytest, busybox, the runtime and the tests; its first process is a script, or systemd.
"""

import io
import pathlib
import re
import shutil
import subprocess
import sysconfig
import tarfile

import pytest

from harness import bundles, cpio, paths
from harness.console import Running, TimedOut
from harness.machines import host_tsc_khz

QEMU = "qemu-system-x86_64"
KERNEL = paths.KERNELS["cloud"]
PYTHON = pathlib.Path("/usr/bin/python3").resolve()
SYSTEMD = pathlib.Path("/lib/systemd/systemd")
SECONDS = 240
START_SECONDS = 60

# What no test imports, and what is large.
LEFT_OUT = re.compile(r"^usr/lib/python3[^/]*/(test|idlelib|lib2to3|tkinter|turtledemo|ensurepip|pydoc_data|distutils|"
                      r"config-3[^/]*|sqlite3)(/|$)|\.opt-[12]\.pyc$|_sqlite3|_codecs_")
PACKAGES = ("_pytest", "pytest", "py", "py.py", "py-*", "pluggy", "iniconfig", "packaging", "attr", "attrs", "pytest-*", "pluggy-*",
            "iniconfig-*", "packaging-*", "attrs-*")

# Programs whose options busybox does not have.
LARGER = ("nsenter", "setpriv")

# The first archive's init only makes a root that can be pivoted away from, which the kernel's own cannot.
FIRST = """#!/bin/busybox sh
/bin/busybox mkdir -p /root
/bin/busybox mount -t tmpfs -o mode=755 root /root
/bin/busybox tar -C /root -xf /root.tar && /bin/busybox rm /root.tar
exec /bin/busybox switch_root /root {init}
"""

# Paths of the machine that a script as first process mounts itself, and systemd has mounted.
MOUNTS = """mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mount -t cgroup2 cgroup /sys/fs/cgroup
"""

TESTS = """#!/bin/sh
export PATH=/bin:/usr/bin HOME=/ PYTHONDONTWRITEBYTECODE=1 BULKHEAD_BUILD=/release BULKHEAD_SLOWNESS=6
dmesg -n 1
echo "@@first $(cat /proc/1/comm)"
cd /source && python3 -m pytest -p no:cacheprovider -p no:unraisableexception -q -ra --color=no {arguments} 2>&1
echo "@@status $?"
reboot -f
"""

SERVICE = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/tests
StandardOutput=tty
TTYPath=/dev/ttyS0
"""


class NotStarted(Exception):
    """The kernel has not come up, as happens to a translated machine under load once in a while."""


def missing():
    """Why such a machine cannot be started here, or None."""
    for program, package in ((QEMU, "qemu-system-x86"), ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian package {package})"
    if not KERNEL.exists():
        return f"{KERNEL} is missing; run ./dev system"
    return None


def libraries(*programs):
    """The shared libraries that the programs are linked with."""
    found = set()
    for program in programs:
        listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        found |= set(re.findall(r"(/\S+) \(0x", listing))
    return found


class Root:
    """A tar archive that becomes the root of the machine."""

    def __init__(self):
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w", dereference=True)
        self._names = set()

    def path(self, source, name=None):
        """A file or folder of this host, at the same place or at `name`."""
        name = (name or str(source)).lstrip("/")
        self._tar.add(source, name, filter=lambda entry: None if LEFT_OUT.search(entry.name) else entry)

    def program(self, source, name=None):
        """A program and its libraries."""
        self.path(source, name)
        for library in libraries(source) - self._names:
            self._names.add(library)
            self.path(library)

    def text(self, name, text, mode=0o755):
        self._entry(name, mode, text.encode())

    def folder(self, name):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        self._tar.addfile(entry)

    def link(self, name, target):
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)

    def _entry(self, name, mode, content):
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = mode, len(content)
        self._tar.addfile(entry, io.BytesIO(content))

    def archive(self):
        self._tar.close()
        return self._bytes.getvalue()


def add_tests(root, arguments):
    stdlib = pathlib.Path(sysconfig.get_path("stdlib", vars={"base": "/usr", "installed_base": "/usr"}))
    root.program(PYTHON, "/bin/python3")
    root.path(stdlib)
    for library in sorted(libraries(*(stdlib / "lib-dynload").glob("*.so"))):
        root.path(library)
    for pattern in PACKAGES:
        for package in pathlib.Path("/usr/lib/python3/dist-packages").glob(pattern):
            root.path(package)
    root.path(bundles.OCI, "/release/src/bulkhead-oci")
    root.path(paths.TOP / "tests/oci", "/source/tests/oci")
    root.path(paths.TOP / "tests/harness", "/source/tests/harness")
    root.text("tests", TESTS.format(arguments=arguments))


def add_busybox(root):
    busybox = shutil.which("busybox")
    root.path(busybox, "/bin/busybox")
    for name in LARGER:
        root.program(shutil.which(name), f"/bin/{name}")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(names) - {"busybox", *LARGER}:
        root.link(f"bin/{name}", "busybox")
    for name in ("proc", "sys", "dev", "run", "tmp", "etc", "usr/bin"):
        root.folder(name)
    root.text("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0o644)
    root.text("etc/group", "root:x:0:\n", 0o644)
    root.text("etc/hostname", "outside-of-all\n", 0o644)


def add_script(root):
    root.text("init", "#!/bin/sh\nexport PATH=/bin\n" + MOUNTS + "exec /tests\n")
    return "/init"


def add_systemd(root):
    """systemd with one service, which is all that it starts."""
    root.program(SYSTEMD, "/lib/systemd/systemd")
    for name in ("systemd-executor", "systemd-shutdown", "systemd-cgroups-agent"):
        if (SYSTEMD.parent / name).exists():
            root.program(SYSTEMD.parent / name, f"/lib/systemd/{name}")
    for name in ("system.slice", "slices.target", "-.slice"):
        if (SYSTEMD.parent / "system" / name).exists():
            root.path(SYSTEMD.parent / "system" / name, f"/lib/systemd/system/{name}")
    root.program(shutil.which("systemctl"), "/bin/systemctl")
    root.text("etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0o644)
    root.text("etc/os-release", "ID=test\nVERSION_ID=1\n", 0o644)
    root.text("lib/systemd/system/tests.service", SERVICE, 0o644)
    root.text("lib/systemd/system/default.target",
              "[Unit]\nRequires=tests.service\nDefaultDependencies=no\n", 0o644)
    return "/lib/systemd/systemd"


def run(folder, first, arguments):
    """What pytest with these arguments prints in a machine whose first process is "script" or "systemd"."""
    if (why := missing()) is not None:
        pytest.skip(why)
    if first == "systemd" and not SYSTEMD.exists():
        pytest.skip(f"{SYSTEMD} is not installed (Debian package systemd)")
    root = Root()
    add_busybox(root)
    add_tests(root, arguments)
    init = add_systemd(root) if first == "systemd" else add_script(root)
    busybox = pathlib.Path(shutil.which("busybox")).read_bytes()
    archive = folder / "root.cpio"
    archive.write_bytes(cpio.archive({"bin/busybox": busybox, "init": FIRST.format(init=init).encode(),
                                      "root.tar": root.archive()}))
    command = [QEMU, "-M", "microvm,accel=tcg", "-cpu", "max", "-m", "1024", "-smp", "2", "-nodefaults",
               "-no-user-config", "-nographic", "-serial", "stdio", "-no-reboot", "-kernel", KERNEL, "-initrd", archive,
               "-append", "console=ttyS0 reboot=t panic=-1 quiet systemd.show_status=0 systemd.unified_cgroup_hierarchy=1 "
               f"tsc_early_khz={host_tsc_khz()}"]
    try:
        return start(command, folder)
    except NotStarted:
        return start(command, folder)
    finally:
        archive.unlink()


def start(command, folder):
    with Running(command, folder) as machine:
        try:
            machine.wait_for("@@first ", START_SECONDS)
        except TimedOut as error:
            raise NotStarted from error
        machine.wait_for("@@status ", SECONDS)
        return machine.finish(30).console
