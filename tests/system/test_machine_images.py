"""Images of machines stay, whatever is removed around them."""

import threading

import pytest

from test_machines import machines  # noqa: F401  (a fixture)

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
