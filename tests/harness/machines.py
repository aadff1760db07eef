"""One guest in different machines: ours, and QEMU's microvm as the peer."""

import dataclasses
import json
import pathlib
import re

from harness import api, cpio, paths
from harness.console import Running

# Where a guest writes its exit status, in our machine and in QEMU's isa-debug-exit.
EXIT_PORT = 0xF4


@dataclasses.dataclass(frozen=True)
class Guest:
    """What runs, whatever machine it runs in."""

    command: tuple
    kernel: str | pathlib.Path = "tuned"  # A name of paths.KERNELS, or a file.
    initrd: str = "busybox"
    vcpus: int = 1
    memory_mib: int = 256
    layers: tuple = ()  # Names of paths.LAYERS, unpacked over the initrd.
    files: dict = dataclasses.field(default_factory=dict)  # Path in the guest -> bytes.
    arguments: str = ""  # More of the kernel's command line.
    devices: dict = dataclasses.field(default_factory=dict)  # More of the configuration file.

    def kernel_path(self):
        return str(paths.KERNELS.get(self.kernel, self.kernel))

    def kernel_arguments(self):
        return f"console=ttyS0 reboot=t panic=-1 {self.arguments}".strip()

    def write_initrd(self, folder):
        path = pathlib.Path(folder) / "initrd"
        archives = [paths.INITRDS[self.initrd], *(paths.LAYERS[name] for name in self.layers)]
        base = b"".join(cpio.padded(archive.read_bytes()) for archive in archives)
        path.write_bytes(cpio.initrd(base, self.command, self.files))
        return path


def start_vmm(guest, folder, engine="soft", options=(), initrd=True, prefix=()):
    """bulkhead-vmm with a configuration file; `prefix` is a command that runs it."""
    config = {
        "boot-source": {
            "kernel_image_path": guest.kernel_path(),
            "initrd_path": str(guest.write_initrd(folder)) if initrd else None,
            "boot_args": guest.kernel_arguments(),
        },
        "machine-config": {"vcpu_count": guest.vcpus, "mem_size_mib": guest.memory_mib},
        **guest.devices,
    }
    config_path = pathlib.Path(folder) / "vm.json"
    config_path.write_text(json.dumps(config))
    return Running([*prefix, paths.VMM, "--config-file", config_path, "--no-api", "--engine", engine, *options],
                   folder)


def start_api(folder, engine="soft", options=()):
    """bulkhead-vmm that is told by its API what to do, and the socket."""
    path = pathlib.Path(folder) / "api.sock"
    running = Running([paths.VMM, "--api-sock", path, "--engine", engine, *options], folder)
    try:
        api.wait_for_socket(path)
    except BaseException:
        running.__exit__()
        raise
    return running, api.Api(path)


def host_tsc_khz():
    """The rate QEMU's TSC has. Given on the command line, since a stock kernel's own measurement of it
    against the emulated PIT can fail under load and then hang the boot."""
    return round(float(re.search(r"cpu MHz\s*: ([\d.]+)", pathlib.Path("/proc/cpuinfo").read_text())[1]) * 1000)


def start_qemu(guest, folder, options=(), prefix=()):
    """QEMU's microvm machine on its translator, with the same kernel, initrd and command line."""
    memory = f"{guest.memory_mib}M"
    return Running([
        *prefix, "qemu-system-x86_64", "-M", "microvm,accel=tcg,memory-backend=ram", "-cpu", "max", "-m", memory,
        # A file of memory of its own, as ours: resident memory then tells guest RAM from the rest.
        "-object", f"memory-backend-memfd,id=ram,size={memory}",
        "-smp", str(guest.vcpus), "-nodefaults", "-no-user-config", "-nographic", "-serial", "stdio",
        "-no-reboot", "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=1",
        "-kernel", guest.kernel_path(), "-initrd", guest.write_initrd(folder),
        "-append", f"{guest.kernel_arguments()} tsc_early_khz={host_tsc_khz()}", *options,
    ], folder)


def qemu_status(status):
    """The status a guest gave isa-debug-exit, which QEMU returns as 2 * status + 1."""
    return status >> 1
