"""Images of machines stay, whatever is removed around them."""

import subprocess
import threading

import pytest

from test_machines import TIMEOUT, Machines, machines  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


def test_prune_keeps_the_images_of_machines_and_works_while_they_run(machines):  # noqa: F811
    machines("image", "tag", "busybox", "other:1")
    machines("run", "-d", "--name", "web", "busybox", "sleep", "100")
    machines("image", "prune", "-a")
    assert machines("exec", "web", "echo", "here").stdout == "here\n"
    machines("stop", "-t", "0", "web")
    machines("image", "prune", "-a")
    machines("start", "web")
    assert machines("exec", "web", "echo", "again").stdout == "again\n"
    machines("image", "inspect", "busybox")
    machines("image", "rm", "other:1")


def test_the_image_of_a_machine_is_not_removed(machines):  # noqa: F811
    machines("create", "--name", "web", "busybox", "true")
    for words in (["busybox"], ["--force", "busybox"]):
        assert "bulkhead rm web" in machines("image", "rm", *words, status=1).stderr
    # Another name may go: the machine has this one.
    machines("image", "tag", "busybox", "other:1")
    machines("image", "rm", "other:1")
    machines("start", "-a", "web")


def test_machines_start_while_images_are_pruned(machines):  # noqa: F811
    machines("create", "--name", "keeper", "busybox", "true")
    stop = threading.Event()
    pruned = []

    def prune():
        while not stop.is_set():
            done = machines("image", "prune", "-a", status=None)
            # Another machine may just be looking for its image.
            assert done.returncode == 0 or "adding images" in done.stderr, done
            pruned.append(done.returncode)

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        for number in range(6):
            machines("run", "-d", "--name", f"m{number}", "busybox", "sleep", "100")
            machines("rm", "-f", f"m{number}")
    finally:
        stop.set()
        pruner.join()
    assert 0 in pruned


def test_prune_leaves_what_runs_and_removes_the_rest(machines, bulkhead, tmp_path):  # noqa: F811
    """`run` without a row has its image without a name, too."""
    root = tmp_path / "root"
    for name in ("busybox", "other", "third"):
        made = subprocess.run([bulkhead, "image", "bootstrap", "--root", root, "--name", name, "busybox"],
                              capture_output=True, text=True, timeout=TIMEOUT)
        assert made.returncode == 0, made.stderr
    pruned = Machines(bulkhead, root, machines.isolation)
    script = "trap 'exit 0' TERM; while :; do wc -c < /bin/busybox; sleep 0.1; done"
    with subprocess.Popen(pruned.words("run", "busybox", "sh", "-c", script), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as running:
        size = running.stdout.readline()
        assert int(size) > 100_000
        assert "untagged: other" in pruned("image", "prune", "-a").stdout
        assert pruned("image", "ls", "-q").stdout == ""
        images = root / "images"
        assert not list((images / "blobs" / "sha256").iterdir())
        kept = list((images / ("disks" if machines.isolation == "microvm" else "layers")).iterdir())
        assert len(kept) == 1
        assert [running.stdout.readline() for _ in range(5)] == [size] * 5
        running.terminate()
        running.wait(TIMEOUT)
    pruned("image", "prune", "-a")
    assert not [path for folder in ("layers", "disks", "adding", "build") for path in (images / folder).glob("*")]
