"""Limits, as the kernel keeps them, with the control groups this host has."""

import json
import pathlib
import time

import pytest


def resources(box, **limits):
    box.linux["resources"] |= limits


def read(box, *names):
    """The first of the files that there is: v1 and v2 have different names."""
    box.start()
    for group in box.groups():
        for name in names:
            if (group / name).exists():
                return (group / name).read_text().split()
    pytest.skip(f"this host has none of {names}")


def test_memory_limit(box):
    resources(box, memory={"limit": 64 << 20})
    assert read(box, "memory.limit_in_bytes", "memory.max") == [str(64 << 20)]


def test_memory_reservation(box):
    resources(box, memory={"reservation": 32 << 20})
    assert read(box, "memory.soft_limit_in_bytes", "memory.low") == [str(32 << 20)]


def test_memory_and_swap(box):
    resources(box, memory={"limit": 64 << 20, "swap": 96 << 20})
    assert read(box, "memory.memsw.limit_in_bytes", "memory.swap.max")[0] in (str(96 << 20), str(32 << 20))


def test_swappiness(box):
    resources(box, memory={"swappiness": 17})
    if not pathlib.Path("/sys/fs/cgroup/memory").exists():
        assert "needs cgroup v1" in box.refused()
        return
    assert read(box, "memory.swappiness") == ["17"]


def test_the_oom_killer_ends_the_offender_and_is_reported(box):
    resources(box, memory={"limit": 16 << 20, "swap": 16 << 20})
    done = box.run("sh", "-c", "x=a; while :; do x=$x$x; done")
    assert done.returncode == 137
    assert "OOM killer" in done.stderr and str(16 << 20) in done.stderr


def test_a_limit_too_small_to_start_says_so(box):
    resources(box, memory={"limit": 4096})
    done = box.run("true")
    # Before the program has begun or just after: it cannot run, and the message says why.
    assert done.returncode in (1, 137)
    assert "OOM killer" in done.stderr and "4096 bytes" in done.stderr


def test_disabling_the_oom_killer(box):
    if not pathlib.Path("/sys/fs/cgroup/memory").exists():
        pytest.skip("cgroup v1 only")
    resources(box, memory={"limit": 64 << 20, "disableOOMKiller": True})
    assert read(box, "memory.oom_control")[:2] == ["oom_kill_disable", "1"]


def test_pids(box):
    resources(box, pids={"limit": 7})
    assert read(box, "pids.max") == ["7"]
    assert "fork" in box.oci("exec", box.id, "sh", "-c",
                             "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 >/dev/null 2>&1 & done").stderr


def test_cpu_shares(box):
    resources(box, cpu={"shares": 512})
    assert read(box, "cpu.shares", "cpu.weight") in (["512"], ["20"])


def test_cpu_quota_holds(box):
    resources(box, cpu={"quota": 20000, "period": 100000})
    pid = box.start("while :; do :; done")

    def used():
        return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))

    time.sleep(0.3)
    before = used()
    time.sleep(1.5)
    # Clock ticks of 10 ms: a fifth of a CPU is 30.
    assert used() - before < 60


def test_cpu_burst_and_idle(box):
    resources(box, cpu={"quota": 20000, "period": 100000, "burst": 10000})
    assert read(box, "cpu.cfs_burst_us", "cpu.max.burst") == ["10000"]


def test_cpuset(box):
    resources(box, cpu={"cpus": "0", "mems": "0"})
    assert read(box, "cpuset.cpus") == ["0"]


def test_block_io_throttles(box):
    numbers = [(p / "dev").read_text().strip() for p in pathlib.Path("/sys/block").iterdir()
               if (p / "dev").exists() and (p / "size").read_text().strip() != "0"]
    if not numbers:
        pytest.skip("this host has no block device")
    number = numbers[0]
    major, minor = map(int, number.split(":"))
    resources(box, blockIO={"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1048576}],
                            "throttleWriteIOPSDevice": [{"major": major, "minor": minor, "rate": 100}]})
    assert "1048576" in " ".join(read(box, "blkio.throttle.read_bps_device", "io.max"))


def test_huge_pages(box):
    sizes = [folder.name.removeprefix("hugepages-") for folder in pathlib.Path("/sys/kernel/mm/hugepages").glob("*")]
    if "2048kB" not in sizes:
        pytest.skip("this kernel has no huge pages of 2 MiB")
    resources(box, hugepageLimits=[{"pageSize": "2MB", "limit": 4 << 20}])
    assert read(box, "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max") == [str(4 << 20)]


def test_a_limit_this_host_has_no_file_for_is_refused(box):
    if pathlib.Path("/sys/fs/cgroup/net_cls").exists():
        pytest.skip("this host has net_cls")
    resources(box, network={"classID": 7})
    assert "net" in box.refused()


def test_unified_needs_cgroup_v2(box):
    resources(box, unified={"memory.high": "10002432"})
    if pathlib.Path("/sys/fs/cgroup/memory").exists():
        assert "needs cgroup v2" in box.refused()
    else:
        assert read(box, "memory.high") == ["10002432"]


def test_a_path_for_the_groups(box):
    box.linux["cgroupsPath"] = f"/{box.id}-parent/{box.id}"
    box.start()
    assert box.groups() and all(group.parent.name == f"{box.id}-parent" for group in box.groups())
    box.oci("delete", "--force", box.id)
    assert box.groups() == []
    for parent in {p for p in pathlib.Path("/sys/fs/cgroup").rglob(f"{box.id}-parent")}:
        parent.rmdir()


def test_the_container_sees_its_own_groups_and_no_more(box):
    box.linux["cgroupsPath"] = f"/{box.id}"
    resources(box, pids={"limit": 13})
    assert box.sh("cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max") == "13"
    shown = set(box.sh("ls /sys/fs/cgroup").split())
    assert "cgroup.procs" in shown or {"memory", "cpu", "devices", "unified"} <= shown
    assert "Read-only" in box.sh("mkdir $(find /sys/fs/cgroup -type d | tail -1)/x 2>&1; true")


def test_without_control_groups_the_callers_are_shown(box):
    box.process["args"] = ["sh", "-c", "ls /sys/fs/cgroup | wc -l; find /sys/fs/cgroup -name tasks -o -name cgroup.procs | "
                           "while read f; do { echo 1 >$f; } 2>/dev/null && echo written; done; true"]
    box.write()
    done = box.oci("--cgroup-manager", "disabled", "run", box.id)
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr
    box.left_nothing()


def test_update_changes_limits_of_a_running_container(box):
    resources(box, memory={"limit": 64 << 20})
    box.start()
    assert box.oci("update", "--memory", 32 << 20, "--pids-limit", 9, box.id).returncode == 0
    assert box.group_file("pids.max") == "9"
    (box.folder / "r.json").write_text(json.dumps({"pids": {"limit": 11}, "cpu": {"shares": 100}}))
    assert box.oci("update", "--resources", "r.json", box.id).returncode == 0
    assert box.group_file("pids.max") == "11"
    assert "r.json: pids.limit: expected" in (
        (box.folder / "r.json").write_text('{"pids":{"limit":"x"}}') and
        box.oci("update", "--resources", "r.json", box.id).stderr)


def test_update_leaves_devices_alone(box):
    box.start()
    (box.folder / "r.json").write_text(json.dumps({"devices": [{"allow": False, "access": "rwm"}], "pids": {"limit": 50}}))
    assert box.oci("update", "--resources", "r.json", box.id).returncode == 0
    assert box.exec("sh", "-c", "echo x >/dev/null && head -c 1 /dev/zero | wc -c").stdout == "1\n"


def test_a_check_before_an_update_saves_what_runs(box):
    box.start("x=$(head -c 20000000 /dev/zero | tr '\\0' x); while :; do sleep 1; done")
    box.wait_until(lambda: int(box.group_file("memory.current" if not pathlib.Path("/sys/fs/cgroup/memory").exists()
                                              else "memory.usage_in_bytes")) > 20_000_000)
    (box.folder / "r.json").write_text(json.dumps({"memory": {"limit": 4 << 20, "checkBeforeUpdate": True}}))
    assert box.oci("update", "--resources", "r.json", box.id).returncode == 1
    assert box.state()["status"] == "running"


def test_no_limit_of_memory_is_none_of_memory_and_swap_either(box):
    resources(box, memory={"limit": 32 << 20, "swap": 32 << 20})
    box.start()
    done = box.oci("update", "--memory", -1, box.id)
    assert done.returncode == 0, done.stderr


def test_a_group_with_processes_is_not_taken(box, tmp_path_factory, runtime):
    from conftest import Box
    box.linux["cgroupsPath"] = f"/{box.id}"
    pid = box.start()
    other = Box(box.folder, runtime)
    other.config = box.config
    done = other.run("true")
    assert done.returncode == 1 and "has processes already" in done.stderr
    assert box.lives(pid)


def test_memory_grows_past_the_old_limit_of_memory_and_swap(box):
    resources(box, memory={"limit": 32 << 20, "swap": 32 << 20})
    box.start()
    done = box.oci("update", "--memory", 64 << 20, "--memory-swap", 64 << 20, box.id)
    assert done.returncode == 0, done.stderr


def test_events_tell_what_is_used(box):
    box.start()
    event = json.loads(box.oci("events", "--stats", box.id).stdout)
    assert event["type"] == "stats" and event["id"] == box.id
    assert event["data"]["cpu"]["usage"]["total"] > 0
    assert event["data"]["memory"]["usage"]["usage"] > 0
    assert event["data"]["pids"]["current"] >= 1


def test_events_go_on_until_the_container_ends(box):
    box.start("sleep 0.3; x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 0.3")
    assert box.oci("update", "--memory", 30 << 20, "--memory-swap", 30 << 20, box.id).returncode == 0
    done = box.oci("events", "--interval", "50ms", box.id)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and {event["type"] for event in events} == {"stats", "oom"}
    assert len(events) > 3


def test_statistics_have_memory_swap_and_devices(box):
    box.start()
    data = json.loads(box.oci("events", "--stats", box.id).stdout)["data"]
    assert {"cpu", "memory", "pids", "blkio"} <= set(data)
    assert {"usage", "swap", "oomKills", "raw"} <= set(data["memory"])
