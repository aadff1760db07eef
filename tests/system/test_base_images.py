"""Images from the machine's own package sources, without a registry, and what the README says one does with them."""

import os
import platform
import re
import shutil
import subprocess

import pytest

from harness import paths

# mmdebstrap fetches and unpacks a small Debian.
pytestmark = [pytest.mark.usefixtures("kernels", "vmm"), pytest.mark.slow]

SCRIPT = "uname -r; cat /etc/os-release; exit 7"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The root of a store with what `./dev images` makes."""
    if os.geteuid() != 0:
        pytest.skip("./dev images installs packages")
    if shutil.which("mmdebstrap") is None:
        pytest.skip("mmdebstrap is not installed")
    root = tmp_path_factory.mktemp("images")
    done = subprocess.run([paths.TOP / "dev", "images"], capture_output=True, text=True, timeout=1200,
                          env={**os.environ, "BULKHEAD_ROOT": str(root)})
    if done.returncode != 0 and re.search(r"Could not resolve|Unable to connect|Connection failed", done.stdout + done.stderr):
        pytest.skip("the package mirror cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^debian +12 .*^busybox +latest |^busybox +latest .*^debian +12 ", done.stdout, re.M | re.S), done.stdout
    return root


@pytest.mark.parametrize("isolation", ["microvm", "container"])
def test_debian_runs_on_each_kernel(images, bulkhead, isolation):
    done = subprocess.run([bulkhead, "run", "--root", images, "--isolation", isolation, "--code-cache", "none", "debian:12",
                           "--", "sh", "-c", SCRIPT], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == 7, done
    kernel, *release = done.stdout.replace("\r", "").splitlines()
    assert (kernel == platform.release()) == (isolation == "container"), kernel
    assert 'VERSION_ID="12"' in release and "ID=debian" in release


def test_what_cannot_be_made_is_named(bulkhead, tmp_path):
    for words, expected in [(("debian:vista!",), "vista"), (("debian:99",), "debian:12"), (("fedora:40",), "busybox"),
                            (("--include", "--evil", "debian:12"), "--evil"), ((), "debian:VERSION")]:
        done = subprocess.run([bulkhead, "image", "bootstrap", "--root", tmp_path, *words], capture_output=True, text=True)
        assert done.returncode != 0 and expected in done.stderr, (words, done)
