"""The balloon: memory goes back to the host, and the guest tells how much it has."""

import pathlib
import time

import pytest

from harness import machines

TIMEOUT = 60

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


def guest_ram_kib(process):
    """Pages of the guest's memory that the host holds."""
    for folder in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        if "memfd:guest-ram" in str(folder.readlink()):
            return folder.stat().st_blocks // 2
    raise AssertionError("no guest memory")


def eventually(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def started(tmp_path):
    """A guest that has touched most of its memory, and its API."""
    running, api = machines.start_api(tmp_path, options=("--level", "Warning"))
    guest = machines.Guest(("sh", "-c", "head -c 120000000 /dev/zero > /tmp/big; rm /tmp/big; echo ready; read line"),
                           arguments="quiet")
    with running:
        api.put("/machine-config", {"vcpu_count": 1, "mem_size_mib": 256})
        api.put("/boot-source", {"kernel_image_path": guest.kernel_path(), "boot_args": guest.kernel_arguments(),
                                 "initrd_path": str(guest.write_initrd(tmp_path))})
        yield running, api
        api.close()


def test_inflating_gives_memory_back_and_statistics_tell(started):
    running, api = started
    api.put("/balloon", {"amount_mib": 0, "deflate_on_oom": True, "stats_polling_interval_s": 1})
    api.put("/actions", {"action_type": "InstanceStart"})
    running.wait_for("ready", TIMEOUT)
    before = guest_ram_kib(running.process)
    assert before > 120_000
    api.patch("/balloon", {"amount_mib": 150})
    assert api.get("/balloon")["amount_mib"] == 150
    eventually(lambda: api.get("/balloon/statistics")["actual_mib"] == 150)
    assert guest_ram_kib(running.process) < before - 80_000
    eventually(lambda: 0 < api.get("/balloon/statistics").get("free_memory", 0) < 110 << 20)
    statistics = api.get("/balloon/statistics")
    assert statistics["target_pages"] == 150 * 256 and statistics["total_memory"] > 50 << 20
    api.patch("/balloon", {"amount_mib": 0})
    eventually(lambda: api.get("/balloon/statistics")["actual_mib"] == 0)
    api.patch("/balloon/statistics", {"stats_polling_interval_s": 2})
    assert api("PATCH", "/balloon/statistics", {"stats_polling_interval_s": 0})[0] == 400
    assert api("PATCH", "/balloon", {"amount_mib": 5000})[0] == 400


def test_free_pages_that_the_guest_hints_at_go_back(started):
    running, api = started
    api.put("/balloon", {"amount_mib": 0, "deflate_on_oom": True, "free_page_hinting": True})
    api.put("/actions", {"action_type": "InstanceStart"})
    running.wait_for("ready", TIMEOUT)
    before = guest_ram_kib(running.process)
    assert before > 120_000
    assert api.get("/balloon/hinting/status") == {"host_cmd": 0}
    api.patch("/balloon/hinting/start", {"acknowledge_on_stop": False})
    eventually(lambda: api.get("/balloon/hinting/status") == {"host_cmd": 2, "guest_cmd": 0})
    assert guest_ram_kib(running.process) < before - 80_000
    api.patch("/balloon/hinting/stop", {})
    assert api.get("/balloon/hinting/status")["host_cmd"] == 1
    assert api("PATCH", "/balloon/hinting/start")[0] == 204
    eventually(lambda: api.get("/balloon/hinting/status") == {"host_cmd": 1, "guest_cmd": 0})
    assert api("PATCH", "/balloon/hinting/start", {"acknowledge": 1})[0] == 400
