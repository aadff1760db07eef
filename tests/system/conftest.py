"""Fixtures of the system tests: programs and guests that ./dev has made, and reasons to skip."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import managed, paths, rootless  # noqa: E402  (needs the path above)


DEBIAN_PACKAGES = "systemd-sysv,udev,dbus,iproute2,curl,fio,iperf3"


def pytest_addoption(parser):
    parser.addoption("--workloads", action="store_true", help="run real programs for an hour, too")


def pytest_collection_modifyitems(config, items):
    """What runs long starts first, so that a failure late in the run is a short test's."""
    if not config.getoption("--workloads"):
        # Not skipped: what nobody asked for is no result.
        chosen = [item for item in items if item.get_closest_marker("workload") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: runs for a minute or more")
    config.addinivalue_line("markers", "workload: runs only with --workloads")


def need(path, remedy):
    """A path that must be there: a missing one is a mistake in the set-up, and no reason to skip."""
    if not path.exists():
        pytest.fail(f"{path} is missing; run {remedy}")
    return path


@pytest.fixture(scope="session")
def vmm():
    return need(paths.VMM, "./dev build")


@pytest.fixture(scope="session")
def bulkhead():
    return need(paths.BULKHEAD, "./dev build")


@pytest.fixture(scope="module")
def store(tmp_path_factory, bulkhead):
    """The root of a store with a busybox image."""
    root = tmp_path_factory.mktemp("store")
    done = subprocess.run([bulkhead, "image", "bootstrap", "--root", root, "busybox"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="session")
def user(bulkhead):
    """Somebody without root."""
    if (reason := rootless.obstacle()) is not None:
        pytest.skip(reason)
    user = rootless.User()
    yield user
    user.close()


@pytest.fixture(scope="module")
def user_store(user):
    root = user.new_folder("store")
    done = user.run(user.bulkhead, "image", "bootstrap", "--root", root, "busybox")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="session")
def kernels():
    return {name: need(path, "./dev system") for name, path in paths.KERNELS.items()}


@pytest.fixture(scope="session")
def initrds():
    return {name: need(path, "./dev system") for name, path in paths.INITRDS.items()}


@pytest.fixture(scope="session")
def workloads():
    return {name: need(path, "./dev system workloads") for name, path in paths.LAYERS.items()}


@pytest.fixture(scope="session")
def qemu():
    """The path of QEMU, or a skip that says so."""
    path = shutil.which("qemu-system-x86_64")
    if path is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    return path


@pytest.fixture(scope="session")
def debian():
    """A tree made by mmdebstrap from the machine's own package mirror, kept in the cache."""
    if os.geteuid() != 0:
        pytest.skip("mmdebstrap of a whole tree needs root here")
    if shutil.which("mmdebstrap") is None:
        pytest.skip("mmdebstrap is not installed")
    archive = paths.CACHE / "debian-rootfs.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        work = archive.with_name(f"{archive.name}.{os.getpid()}.tar")
        made = subprocess.run(["mmdebstrap", "--variant=apt", f"--include={DEBIAN_PACKAGES}", "bookworm", work],
                              capture_output=True, text=True)
        if made.returncode != 0:
            work.unlink(missing_ok=True)
            pytest.skip(f"mmdebstrap: {made.stderr.strip().splitlines()[-1]}")
        work.rename(archive)
    return archive


@pytest.fixture(scope="session")
def kvm():
    """/dev/kvm, for guests small enough to run on any KVM, or a skip that says so."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm is not there or may not be opened")
    return "/dev/kvm"


@pytest.fixture(scope="session")
def managed_host(tmp_path_factory, bulkhead):
    if os.geteuid() != 0:
        pytest.skip("managed networks need root")
    with managed.ManagedHost(tmp_path_factory.mktemp("net")) as made:
        done = made.run("host", "nft", "add table bridge probe; delete table bridge probe", check=False)
        if done.returncode != 0:
            pytest.skip(f"the kernel has no nf_tables for bridges: {done.stderr}")
        yield made


@pytest.fixture
def host(managed_host):
    """A host for managed networks. Of what a test makes of it nothing stays, which is a test, too."""
    yield managed_host
    managed_host.remove()
    assert set(managed_host.devices()) == {"lo", "up0"}
    assert managed.name_servers(managed_host) == []
