"""A machine of QEMU's TCG, with emulated AMD-V, in which programs meet a KVM like real hardware's.

Its kernel is Debian's cloud kernel, and its init runs a list of steps and reports each one's output
and exit status over the serial console.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import cpio, paths
from harness.console import Running, TimedOut
from harness.machines import host_tsc_khz

QEMU = "qemu-system-x86_64"
KERNEL = paths.KERNELS["cloud"]

# In this order: each needs those before it.
MODULES = ("irqbypass", "kvm", "kvm-amd")

# Without XSAVE: TCG 7.2 does not let KVM intercept XSETBV, so that a guest's XCR0 is lost whenever
# KVM leaves the guest, and the next AVX instruction raises #UD.
CPU = "max,-xsave"

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
# What the kernel has to say goes between other programs' lines otherwise.
dmesg -n 1
for module in {modules}; do insmod /modules/$module.ko; done
step() {{
  name=$1
  shift
  echo "@@begin $name"
  "$@" </dev/null 2>&1
  echo "@@end $name $?"
}}
. /steps
echo "@@done"
reboot -f
"""


@dataclasses.dataclass(frozen=True)
class Step:
    status: int
    output: str


def module_path(name):
    return KERNEL.parent / "modules" / f"{name}.ko"


def missing():
    """Why such a machine cannot be started here, or None."""
    for program, package in ((QEMU, "qemu-system-x86"), ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian package {package})"
    for path in (KERNEL, *map(module_path, MODULES)):
        if not path.exists():
            return f"{path} is missing; run ./dev system"
    return None


class OuterMachine:
    """Add files and steps, then run() once."""

    def __init__(self, memory_mib=2048, cpus=2):
        self._files = {}
        self._steps = []
        self._memory_mib = memory_mib
        self._cpus = cpus
        self.console = ""

    def file(self, path, content):
        self._files[path] = content

    def program(self, source, path):
        """A program, without its symbols, and the shared libraries it is linked with."""
        # strip replaces what -o names, so it is a file of our own, never /dev/stdout.
        with tempfile.TemporaryDirectory() as folder:
            stripped = pathlib.Path(folder) / "program"
            subprocess.run(["strip", "-o", stripped, source], check=True)
            self.file(path, stripped.read_bytes())
        listing = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listing):
            with open(library, "rb") as file:
                self.file(library.lstrip("/"), file.read())

    def step(self, name, command):
        """`command` is a line of shell; `name` has no spaces."""
        self._steps.append(f"step {name} {command}\n")

    def run(self, folder, seconds):
        """Step by name. Those that did not end in time are not in it; self.console has everything."""
        archive = folder / "outer.cpio"
        archive.write_bytes(self._archive())
        command = [QEMU, "-M", "microvm,accel=tcg", "-cpu", CPU, "-m", str(self._memory_mib),
                   "-smp", str(self._cpus), "-nodefaults", "-no-user-config", "-nographic",
                   "-serial", "stdio", "-no-reboot", "-kernel", KERNEL, "-initrd", archive,
                   "-append", f"console=ttyS0 reboot=t panic=-1 quiet tsc_early_khz={host_tsc_khz()}"]
        with Running(command, folder) as machine:
            try:
                machine.finish(seconds)
            except TimedOut:
                pass
            self.console = machine.console + machine.errors
        pattern = re.compile(r"^@@begin (\S+)\n(.*?)^@@end \1 (\d+)$", re.MULTILINE | re.DOTALL)
        return {name: Step(int(status), output)
                for name, output, status in pattern.findall(self.console)}

    def _archive(self):
        with open(shutil.which("busybox"), "rb") as busybox:
            self.file("bin/busybox", busybox.read())
        for module in MODULES:
            self.file(f"modules/{module}.ko", module_path(module).read_bytes())
        self.file("init", INIT.format(modules=" ".join(MODULES)).encode())
        self.file("steps", "".join(self._steps).encode())
        return cpio.archive(self._files)
