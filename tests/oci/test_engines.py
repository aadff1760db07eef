"""podman and containerd (ctr) with bulkhead-oci as their runtime."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

from harness import bundles
from harness.podman import CONFIG, Podman

CONTAINERD_CONFIG = """
version = 2
root = "{0}/root"
state = "{0}/run"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.grpc.v1.cri"]
[grpc]
address = "{0}/sock"
[ttrpc]
address = "{0}/ttrpc"
"""

LOOP = 'echo started; trap "echo bye; exit 5" TERM; while :; do sleep 0.1; done'


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    bundles.make_rootfs(folder / "rootfs")
    subprocess.run(["tar", "-C", folder / "rootfs", "-cf", folder / "image.tar", "."], check=True)
    return folder


@pytest.fixture(scope="module")
def podman(folder):
    need("podman")
    podman = Podman(folder, bundles.OCI)
    made = podman("import", folder / "image.tar", "box")
    if made.returncode != 0:
        pytest.skip("podman cannot keep an image here: " + made.stderr.strip().splitlines()[-1])
    yield podman
    podman("rm", "--all", "--force", "-t", "0")
    # podman mounts its store over itself, and nobody could remove the folder.
    subprocess.run(["umount", "-l", folder / "root" / "overlay"], capture_output=True)


@pytest.fixture(scope="module")
def ctr(folder, podman):
    need("containerd")
    home = folder / "containerd"
    home.mkdir()
    (home / "config.toml").write_text(CONTAINERD_CONFIG.format(home))
    assert podman("save", "--format", "oci-archive", "-o", home / "image", "localhost/box").returncode == 0
    with open(home / "log", "w") as log:
        daemon = subprocess.Popen(["containerd", "-c", home / "config.toml"], stdout=log, stderr=log)

    def ctr(*words):
        return subprocess.run(["ctr", "-a", home / "sock", *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)

    end = time.monotonic() + 20
    while ctr("version").returncode != 0 and time.monotonic() < end:
        time.sleep(0.1)
    imported = ctr("image", "import", home / "image")
    if imported.returncode != 0:
        daemon.terminate()
        pytest.skip("containerd cannot keep an image here: " + imported.stderr.strip())
    yield ctr
    daemon.terminate()
    daemon.wait()


def test_podman_run_has_output_status_and_a_seccomp_filter(podman):
    done = podman.run("box", "sh", "-c", "echo hello; grep ^Seccomp: /proc/self/status; exit 3")
    assert done.returncode == 3 and done.stdout.split() == ["hello", "Seccomp:", "2"], done.stderr


def test_podman_statuses_of_what_is_no_program(podman):
    assert podman.run("box", "nothing-of-this-name").returncode == 127
    assert podman.run("box", "/etc/passwd").returncode == 126


def test_podman_detached_with_all_that_follows(podman):
    assert podman("run", "-d", "--name", "d", "--network=none", "--memory", "64m", "box", "sh", "-c",
                  LOOP).returncode == 0
    done = podman("exec", "d", "sh", "-c", "echo inside; exit 4")
    assert (done.returncode, done.stdout) == (4, "inside\n")
    assert podman("pause", "d").returncode == 0
    assert "Paused" in podman("ps", "-a", "--format", "{{.Status}}").stdout
    assert podman("unpause", "d").returncode == 0
    assert "67.11MB" in podman("stats", "--no-stream", "d").stdout
    assert "sh -c echo" in podman("top", "d").stdout
    assert podman("update", "--memory", "32m", "d").returncode == 0
    limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max"
    assert podman("exec", "d", "sh", "-c", limit).stdout.strip() == str(32 << 20)
    assert podman("stop", "d").returncode == 0
    assert "Exited (5)" in podman("ps", "-a", "--format", "{{.Status}}").stdout
    assert podman("logs", "d").stdout == "started\nbye\n"
    assert podman("rm", "d").returncode == 0


def test_podman_user_namespace(podman):
    done = podman.run("--uidmap", "0:100000:65536", "box", "cat", "/proc/self/uid_map")
    assert done.stdout.split() == ["0", "100000", "65536"], done.stderr


def test_podman_memory_limit(podman):
    assert podman.run("--memory", "32m", "box", "sh", "-c", "x=a; while :; do x=$x$x; done").returncode == 137


def test_podman_terminal(podman):
    assert podman.run("-t", "box", "tty").stdout.strip() == "/dev/pts/0"


def test_podman_options(podman, folder):
    done = podman.run("--read-only", "--tmpfs", "/t", "-v", f"{folder}:/mnt:ro", "--user", "1000:1000",
                      "--sysctl", "net.ipv4.ip_forward=1", "--hostname", "name", "--ulimit", "nofile=100:200",
                      "--ulimit", "nproc=100:100", "box", "sh", "-c",
                      "id -u; hostname; cat /proc/sys/net/ipv4/ip_forward; ulimit -n; touch /x 2>&1 | grep -c Read-only; "
                      "touch /mnt/x 2>&1 | grep -c Read-only; touch /t/x && echo written")
    assert done.stdout.split() == ["1000", "name", "1", "100", "1", "1", "written"], done.stderr


USER = 12345
ROOTLESS = """
set -e
mount --bind etc /etc
# podman takes no long paths.
mount --bind $PWD /mnt
cd /mnt
exec setpriv --reuid {user} --regid {user} --clear-groups env HOME=$PWD/home XDG_RUNTIME_DIR=$PWD/run \\
  CONTAINERS_CONF=$PWD/containers.conf podman --storage-driver vfs --root $PWD/root --runroot $PWD/run/root \\
  --tmpdir $PWD/run/tmp --runtime $PWD/bulkhead-oci "$@"
"""


@pytest.fixture
def rootless(folder):
    """podman of a user with ranges of ids, in a mount namespace where that user has a name."""
    need("podman")
    need("newuidmap")
    home = folder / "rootless"
    for name in ("etc", "home", "run"):
        (home / name).mkdir(parents=True)
    for name, text in (("passwd", f"root:x:0:0::/:/bin/sh\nsomebody:x:{USER}:{USER}::/:/bin/sh\n"),
                       ("group", f"somebody:x:{USER}:\n"), ("subuid", "somebody:200000:65536\n"),
                       ("subgid", "somebody:200000:65536\n")):
        (home / "etc" / name).write_text(text)
    for name in ("nsswitch.conf", "ld.so.cache", "login.defs", "hosts", "resolv.conf"):
        if (pathlib.Path("/etc") / name).exists():
            shutil.copy(pathlib.Path("/etc") / name, home / "etc")
    shutil.copytree("/etc/containers", home / "etc" / "containers")
    (home / "containers.conf").write_text(CONFIG)
    shutil.copy(bundles.OCI, home)
    shutil.copy(folder / "image.tar", home)
    for parent, folders, files in os.walk(home):
        for name in (".", *folders, *files):
            os.chown(os.path.join(parent, name), USER, USER)

    def podman(*words):
        script = ROOTLESS.format(user=USER)
        return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *words], cwd=home, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)

    made = podman("import", "image.tar", "box")
    if made.returncode != 0:
        pytest.skip("podman cannot keep an image without root here: " + made.stderr.strip().splitlines()[-1])
    yield podman
    podman("rm", "--all", "--force", "-t", "0")
    # podman keeps a process that holds its namespaces.
    podman("system", "migrate")


def test_podman_without_root(rootless):
    done = rootless("run", "--rm", "--network=none", "box", "sh", "-c",
                    "cat /proc/self/uid_map; echo x >/dev/null && echo written; exit 3")
    assert done.returncode == 3, done.stderr
    assert done.stdout.split() == ["0", str(USER), "1", "1", "200000", "65536", "written"]
    assert rootless("run", "-d", "--name", "d", "--network=none", "box", "sleep", "100").returncode == 0
    assert rootless("exec", "d", "id", "-u").stdout == "0\n"
    assert rootless("stop", "-t", "0", "d").returncode == 0
    assert "Exited (137)" in rootless("ps", "-a", "--format", "{{.Status}}").stdout


def test_ctr_run(ctr):
    done = ctr("run", "--rm", "--runc-binary", bundles.OCI, "localhost/box:latest", "c1", "sh", "-c", "echo hi; exit 7")
    assert (done.returncode, done.stdout) == (7, "hi\n"), done.stderr


def test_ctr_detached_with_all_that_follows(ctr):
    done = ctr("run", "-d", "--runc-binary", bundles.OCI, "localhost/box:latest", "c2", "sh", "-c", LOOP)
    assert done.returncode == 0, done.stderr
    done = ctr("task", "exec", "--exec-id", "e", "c2", "sh", "-c", "echo inside; exit 6")
    assert (done.returncode, done.stdout) == (6, "inside\n")
    assert ctr("task", "pause", "c2").returncode == 0
    assert "PAUSED" in ctr("task", "ls").stdout
    assert ctr("task", "resume", "c2").returncode == 0
    assert "memory" in ctr("task", "metrics", "c2").stdout
    assert len(ctr("task", "ps", "c2").stdout.splitlines()) == 3
    assert ctr("task", "kill", "-s", "9", "c2").returncode == 0
    end = time.monotonic() + 10
    while "STOPPED" not in ctr("task", "ls").stdout and time.monotonic() < end:
        time.sleep(0.05)
    ctr("task", "delete", "c2")
    assert ctr("container", "delete", "c2").returncode == 0
