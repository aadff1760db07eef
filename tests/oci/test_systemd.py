"""The systemd driver of control groups, where systemd is the first process."""

import json
import pathlib
import shutil
import subprocess

import pytest

if not pathlib.Path("/run/systemd/system").exists() or shutil.which("systemctl") is None:
    pytest.skip("systemd is not the first process here (test_cgroup2.py starts a machine where it is)",
                allow_module_level=True)


@pytest.fixture
def unit(box):
    """The name of the container's unit; at the end it must be gone."""
    box.linux["cgroupsPath"] = f"bh.slice:engine:{box.id}"
    box.linux["namespaces"] = [n for n in box.linux["namespaces"] if n["type"] != "cgroup"]
    name = f"engine-{box.id}.scope"
    yield name
    box.oci("delete", "--force", box.id)
    assert name not in subprocess.run(["systemctl", "list-units", "--all", "--plain"], capture_output=True,
                                      text=True, check=True).stdout


def show(unit, name):
    done = subprocess.run(["systemctl", "show", "-p", name, "--value", unit], capture_output=True, text=True)
    return done.stdout.strip()


def start(box, script="while :; do sleep 1; done"):
    box.process["args"] = ["sh", "-c", script]
    box.write()
    assert box.background("--systemd-cgroup", "create", box.id) == 0, (box.folder / "output").read_text()
    assert box.oci("start", box.id).returncode == 0
    return pathlib.Path("/sys/fs/cgroup/bh.slice") / f"engine-{box.id}.scope"


def test_a_container_runs_in_a_scope_of_its_slice(box, unit):
    box.process["args"] = ["cat", "/proc/self/cgroup"]
    box.write()
    done = box.oci("--cgroup-manager", "systemd", "run", box.id)
    assert done.stdout == f"0::/bh.slice/{unit}\n", done.stderr


def test_limits_are_the_units_and_survive_a_reload(box, unit):
    box.linux["resources"] |= {"memory": {"limit": 64 << 20}, "pids": {"limit": 20},
                               "cpu": {"shares": 512, "quota": 50000, "period": 100000}}
    group = start(box)
    assert [show(unit, name) for name in ("MemoryMax", "TasksMax", "CPUWeight", "CPUQuotaPerSecUSec")] == [
        str(64 << 20), "20", "20", "500ms"]
    assert box.oci("update", "--memory", 32 << 20, "--pids-limit", 11, box.id).returncode == 0
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert (group / "memory.max").read_text().strip() == show(unit, "MemoryMax") == str(32 << 20)
    assert (group / "pids.max").read_text().strip() == "11"


def test_exec_pause_and_events_work_in_a_scope(box, unit):
    start(box)
    assert box.exec("cat", "/proc/self/cgroup").stdout == f"0::/bh.slice/{unit}\n"
    assert box.oci("pause", box.id).returncode == 0
    assert box.state()["status"] == "paused"
    assert box.oci("resume", box.id).returncode == 0
    assert json.loads(box.oci("events", "--stats", box.id).stdout)["data"]["memory"]["usage"]["usage"] > 0


def test_devices_are_limited_in_a_scope(box, unit):
    box.linux["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
    box.process["args"] = ["sh", "-c", "head -c 0 /dev/null && head -c 1 /dev/kmsg"]
    box.write()
    assert "Operation not permitted" in box.oci("--systemd-cgroup", "run", box.id).stderr


def test_a_container_that_cannot_start_leaves_no_unit(box, unit):
    box.process["args"] = ["/no/such/program"]
    box.write()
    done = box.oci("--systemd-cgroup", "run", box.id)
    assert done.returncode == 1 and "no such file" in done.stderr
    box.process["args"] = ["true"]
    box.write()
    assert box.oci("--systemd-cgroup", "run", box.id).returncode == 0


def test_a_container_the_oom_killer_ended_leaves_no_unit(box, unit):
    box.linux["resources"]["memory"] = {"limit": 16 << 20, "swap": 16 << 20}
    box.process["args"] = ["sh", "-c", "x=a; while :; do x=$x$x; done"]
    box.write()
    done = box.oci("--systemd-cgroup", "run", box.id)
    assert done.returncode == 137 and "OOM killer" in done.stderr


def test_a_unit_of_that_name_is_not_taken(box, unit):
    start(box)
    done = box.oci("--root", "other", "--systemd-cgroup", "run", box.id)
    assert done.returncode == 1 and unit in done.stderr
    assert box.state()["status"] == "running"


def test_a_path_is_not_for_systemd(box, unit):
    box.linux["cgroupsPath"] = "/a/b"
    box.write()
    assert "slice:prefix:name" in box.oci("--systemd-cgroup", "run", box.id).stderr
