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
MODULES = ("irqbypass", "kvm", "kvm-amd", "tun")

# Without XSAVE: TCG 7.2 does not let KVM intercept XSETBV, so that a guest's XCR0 is lost whenever
# KVM leaves the guest, and the next AVX instruction raises #UD.
CPU = "max,-xsave"

# Once in some 40 starts of an inner machine the outer one stops as a whole, with every process in it.
# A command that is only slow is ended by `timeout`, so a step that outlasts that is such a stop, and
# what is left is tried in a new machine. Rarer still an inner guest is lost without a word in the middle of
# its work, which we have never seen outside of TCG. None of ours ends so by itself: it is tried again as well.
STARTS = 3
LOST_GUEST = "ends: the guest reset itself by a triple fault"
COMMAND_SECONDS = 120
STEP_SECONDS = COMMAND_SECONDS + 30

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
    name: str
    command: str
    in_each: bool  # Of the machines: what others need.


@dataclasses.dataclass(frozen=True)
class Outcome:
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
    """Add files and steps, then run()."""

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

    def step(self, name, command, in_each=False):
        """`command` is a program's command line; `name` has no spaces."""
        self._steps.append(Step(name, command, in_each))

    def run(self, folder):
        """Runs all steps and returns them by name; self.console has everything. Those that are not
        there did not end in STARTS machines; those that lost their guest did so in each."""
        done = {}
        for start in range(STARTS):
            left = {name for name in (step.name for step in self._steps)
                    if name not in done or LOST_GUEST in done[name].output}
            if not left:
                break
            done |= self._start(folder / f"start{start}", [step for step in self._steps if step.in_each or step.name in left])
        return done

    def _start(self, folder, steps):
        folder.mkdir()
        archive = folder / "outer.cpio"
        archive.write_bytes(self._archive(steps))
        command = [QEMU, "-M", "microvm,accel=tcg", "-cpu", CPU, "-m", str(self._memory_mib),
                   "-smp", str(self._cpus), "-nodefaults", "-no-user-config", "-nographic",
                   "-serial", "stdio", "-no-reboot", "-kernel", KERNEL, "-initrd", archive,
                   "-append", f"console=ttyS0 reboot=t panic=-1 quiet tsc_early_khz={host_tsc_khz()}"]
        with Running(command, folder) as machine:
            try:
                for step in steps:
                    machine.wait_for(f"@@end {step.name} ", STEP_SECONDS)
                # The last step's status comes after its name.
                machine.wait_for("@@done", STEP_SECONDS)
            except TimedOut:
                pass
            console = machine.console + machine.errors
        archive.unlink()
        self.console += console
        pattern = re.compile(r"^@@begin (\S+)\n(.*?)^@@end \1 (\d+)$", re.MULTILINE | re.DOTALL)
        return {name: Outcome(int(status), output)
                for name, output, status in pattern.findall(console)}

    def _archive(self, steps):
        with open(shutil.which("busybox"), "rb") as busybox:
            self.file("bin/busybox", busybox.read())
        for module in MODULES:
            self.file(f"modules/{module}.ko", module_path(module).read_bytes())
        self.file("init", INIT.format(modules=" ".join(MODULES)).encode())
        lines = (f"step {step.name} timeout {COMMAND_SECONDS} {step.command}\n" for step in steps)
        self.file("steps", "".join(lines).encode())
        return cpio.archive(self._files)
