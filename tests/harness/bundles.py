"""OCI bundles around a busybox, for the tests and benchmarks of bulkhead-oci."""

import copy
import json
import pathlib
import shutil
import subprocess

from . import paths

OCI = paths.RELEASE / "src" / "bulkhead-oci"
BUSYBOX = pathlib.Path("/bin/busybox")
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]

CONFIG = {
    "ociVersion": "1.2.0",
    "process": {
        "user": {"uid": 0, "gid": 0}, "args": ["true"], "env": [PATH, "TERM=xterm"], "cwd": "/",
        "capabilities": {name: CAPABILITIES for name in ("bounding", "effective", "permitted")},
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "box",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
         "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
    ],
    "linux": {
        "namespaces": [{"type": name} for name in NAMESPACES],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
                        "/proc/scsi"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}

PASSWD = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"


def config():
    return copy.deepcopy(CONFIG)


def make_rootfs(folder):
    """A root file system that is one static program and the links to it."""
    folder = pathlib.Path(folder)
    for name in ("bin", "dev", "etc", "home/user", "proc", "root", "sys", "tmp"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    shutil.copy(BUSYBOX, folder / "bin")
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(names) - {"busybox"}:
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc" / "passwd").write_text(PASSWD)
    return folder


def make_bundle(folder, spec):
    """A bundle with a rootfs of its own and `spec` as config.json."""
    folder = pathlib.Path(folder)
    make_rootfs(folder / "rootfs")
    write_config(folder, spec)
    return folder


def write_config(folder, spec):
    text = spec if isinstance(spec, str) else json.dumps(spec)
    (pathlib.Path(folder) / "config.json").write_text(text)
