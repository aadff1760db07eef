"""A machine of QEMU's TCG, with emulated AMD-V, in which programs meet a KVM like real hardware's.

Its kernel is Debian's cloud kernel, and its init runs a list of steps and reports each one's output
and exit status over the serial console.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import initramfs

CACHE = pathlib.Path(os.environ.get("BULKHEAD_CACHE", os.path.expanduser("~/.cache/bulkhead")))
CLOUD_KERNEL = CACHE / "kernel" / "cloud"
QEMU = "qemu-system-x86_64"

# In this order: each needs those before it.
MODULES = ("irqbypass", "kvm", "kvm-amd")

# Without XSAVE: TCG 7.2 does not let KVM intercept XSETBV, so that a guest's XCR0 is lost whenever
# KVM leaves the guest, and the next AVX instruction raises #UD.
CPU = "max,-xsave"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /tmp /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
for module in {modules}; do insmod /modules/$module.ko || echo "@@broken insmod $module"; done
ls -l /dev/kvm
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

Step = collections.namedtuple("Step", "status output")


def missing():
    """Why such a machine cannot be started here, or None."""
    if shutil.which(QEMU) is None:
        return f"{QEMU} is not installed (Debian package qemu-system-x86)"
    if shutil.which("busybox") is None:
        return "busybox is not installed (Debian package busybox-static)"
    if not (CLOUD_KERNEL / "vmlinuz").exists():
        return f"{CLOUD_KERNEL}/vmlinuz is missing (run guest/kernel/fetch_cloud.sh)"
    for module in MODULES:
        if not (CLOUD_KERNEL / "modules" / f"{module}.ko").exists():
            return f"{CLOUD_KERNEL}/modules/{module}.ko is missing (run guest/kernel/fetch_cloud.sh)"
    return None


class OuterMachine:
    """Add files and steps, then run() once."""

    def __init__(self, memory_mib=2048, cpus=2):
        self.files = initramfs.Initramfs()
        self._steps = []
        self._memory_mib = memory_mib
        self._cpus = cpus
        self.console = ""

    def step(self, name, command):
        """`command` is a line of shell; `name` has no spaces."""
        self._steps.append(f"step {name} {command}")

    def run(self, seconds=300):
        """Returns a dictionary of Step by name; the whole console is in self.console."""
        with tempfile.TemporaryDirectory(prefix="bulkhead-nested-") as folder:
            archive = pathlib.Path(folder) / "initramfs.cpio.gz"
            archive.write_bytes(self._archive())
            command = [QEMU, "-M", "microvm,accel=tcg", "-cpu", CPU, "-m", str(self._memory_mib),
                       "-smp", str(self._cpus), "-nodefaults", "-no-user-config", "-nographic",
                       "-serial", "stdio", "-no-reboot", "-kernel", str(CLOUD_KERNEL / "vmlinuz"),
                       "-initrd", str(archive), "-append",
                       "console=ttyS0 reboot=t panic=-1 tsc_early_khz=%d quiet" % tsc_khz()]
            with open(pathlib.Path(folder) / "console", "w+b") as console:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console,
                                           stderr=subprocess.STDOUT)
                try:
                    process.wait(timeout=seconds)
                except subprocess.TimeoutExpired:
                    pass
                finally:
                    process.kill()
                    process.wait()
                console.seek(0)
                self.console = console.read().decode(errors="replace").replace("\r", "")
        return self._parse()

    def _archive(self):
        for folder in ("proc", "sys", "dev", "tmp"):
            self.files.folder(folder)
        self.files.program(shutil.which("busybox"), "bin/busybox")
        for module in MODULES:
            self.files.copy(CLOUD_KERNEL / "modules" / f"{module}.ko", f"modules/{module}.ko")
        self.files.file("init", INIT.format(modules=" ".join(MODULES)).encode(), 0o755)
        self.files.file("steps", "\n".join(self._steps).encode() + b"\n")
        return self.files.archive()

    def _parse(self):
        steps = {}
        pattern = re.compile(r"^@@begin (\S+)\n(.*?)^@@end \1 (\d+)$", re.M | re.S)
        for name, output, status in pattern.findall(self.console):
            steps[name] = Step(int(status), output)
        return steps


def tsc_khz():
    """The TSC's frequency, which TCG passes through: told, because measuring it under load fails."""
    for line in open("/proc/cpuinfo", encoding="ascii"):
        if line.startswith("cpu MHz"):
            return int(float(line.split(":")[1]) * 1000)
    return 2000000
