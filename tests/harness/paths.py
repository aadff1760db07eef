"""Where the programs and guests are that ./dev has made."""

import os
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]
# Another build's folder, to measure or test one beside the tree's own.
RELEASE = pathlib.Path(os.environ.get("BULKHEAD_BUILD") or TOP / "build" / "release")
CACHE = pathlib.Path(os.environ.get("BULKHEAD_CACHE") or pathlib.Path.home() / ".cache" / "bulkhead")

BULKHEAD = RELEASE / "src" / "bulkhead"
VMM = RELEASE / "src" / "bulkhead-vmm"
INIT = RELEASE / "guest" / "init" / "bulkhead-init"
GUEST_STRESS = RELEASE / "tests" / "stress" / "guest" / "guest-stress"
GUEST_BENCH = RELEASE / "bench" / "guest" / "guest-bench"

KERNELS = {
    "tuned": CACHE / "kernel" / "tuned" / "vmlinux",
    "cloud": CACHE / "kernel" / "cloud" / "vmlinuz",
}
INITRDS = {
    "busybox": CACHE / "initrd" / "busybox.cpio.gz",
    "debian": CACHE / "initrd" / "debian.cpio.gz",
}
# What guest/initrd/workloads.sh makes: a folder, and its archive to put on an initrd.
WORKLOADS = CACHE / "workloads"
LAYERS = {name: WORKLOADS / f"{name}.cpio" for name in ("compiler", "python", "perl", "openssl", "node")}
