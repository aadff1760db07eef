"""create, start, state, kill, delete, exec, ps, list, pause, resume, run: and their mistakes."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest


def test_a_created_container_waits_and_tells_its_state(box):
    box.process["args"] = ["sh", "-c", "exit 3"]
    box.config["annotations"] = {"org.example.key": "value"}
    box.write()
    assert box.background("create", "--pid-file", "pid", box.id) == 0
    state = box.state()
    assert state["status"] == "created" and state["bundle"] == str(box.folder)
    assert state["annotations"] == {"org.example.key": "value"} and state["ociVersion"] == "1.2.0"
    assert int((box.folder / "pid").read_text()) == state["pid"]
    assert box.oci("start", box.id).returncode == 0
    box.wait_until(lambda: box.state()["status"] == "stopped")
    assert "state" in box.oci("start", box.id).stderr
    assert box.oci("delete", box.id).returncode == 0
    assert "does not exist" in box.oci("state", box.id).stderr


def test_an_id_is_used_once(box):
    box.start()
    assert "already exists" in box.oci("run", box.id).stderr
    assert box.state()["status"] == "running"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a b", "x" * 256, "a\nb"])
def test_an_id_cannot_be_a_path(box, name):
    box.write()
    done = box.oci("run", name)
    assert done.returncode == 1 and "is no container id" in done.stderr


def test_signals_by_number_and_name(box):
    box.start("trap 'echo usr1' USR1; trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    output = box.folder / "output"
    box.wait_until(lambda: "ready" in output.read_text())
    for sent, word in enumerate(("10", "USR1", "SIGUSR1"), 1):
        assert box.oci("kill", box.id, word).returncode == 0
        box.wait_until(lambda: output.read_text().count("usr1") == sent)
    assert "is no signal" in box.oci("kill", box.id, "NOTHING").stderr
    assert box.oci("kill", box.id).returncode == 0
    box.wait_until(lambda: box.state()["status"] == "stopped")
    assert "not running" in box.oci("kill", box.id).stderr


def test_kill_all_reaches_every_process(box):
    box.linux["namespaces"] = [n for n in box.linux["namespaces"] if n["type"] != "pid"]
    box.start("sleep 100 & sleep 100 & wait")
    box.wait_until(lambda: len(json.loads(box.oci("ps", "--format", "json", box.id).stdout)) == 3)
    assert box.oci("kill", "--all", box.id, "KILL").returncode == 0
    box.wait_until(lambda: json.loads(box.oci("ps", "--format", "json", box.id).stdout) == [])


def test_delete_needs_force_for_what_runs(box):
    pid = box.start()
    assert "not stopped" in box.oci("delete", box.id).stderr
    assert box.oci("delete", "--force", box.id).returncode == 0
    assert not box.lives(pid)
    assert box.oci("delete", "--force", box.id).returncode == 0
    assert box.oci("delete", box.id).returncode == 1


def test_delete_takes_a_paused_container(box):
    box.start()
    assert box.oci("pause", box.id).returncode == 0
    assert box.oci("delete", "--force", box.id).returncode == 0


def test_what_a_killed_create_left_can_be_deleted(box):
    folder = box.folder / "state" / box.id
    folder.mkdir(parents=True)
    assert box.oci("delete", box.id).returncode == 1
    assert box.oci("delete", "--force", box.id).returncode == 0


def test_what_a_killed_create_left_can_be_deleted_with_its_groups(box):
    box.write()
    folder = box.folder / "state" / box.id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text((box.folder / "config.json").read_text())
    mounts = [line.split() for line in open("/proc/self/mountinfo")]
    group = next(line[4] for line in mounts if line[line.index("-") + 1].startswith("cgroup"))
    os.mkdir(f"{group}/{box.id}")
    with subprocess.Popen(["sleep", "100"]) as left:
        (pathlib.Path(group) / box.id / "cgroup.procs").write_text(str(left.pid))
        assert box.oci("delete", "--force", box.id).returncode == 0
        assert left.wait(10) == -9
    box.left_nothing()


def test_exec_joins_a_container_with_groups_of_its_own(box):
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("cgroup v2 only")
    for mount in box.config["mounts"]:
        if mount["type"] == "cgroup":
            mount["options"].remove("ro")
    box.grant("CAP_DAC_OVERRIDE")
    box.start("cd /sys/fs/cgroup && mkdir init && echo 1 >init/cgroup.procs && "
              "echo +pids >cgroup.subtree_control; while :; do sleep 1; done")
    box.wait_until(lambda: "pids" in box.group_file("cgroup.subtree_control"))
    assert box.exec("cat", "/proc/self/cgroup").stdout == "0::/init\n"


def test_pause_stops_and_resume_goes_on(box):
    box.start("while :; do echo; sleep 0.01; done")
    output = box.folder / "output"
    box.wait_until(lambda: output.stat().st_size > 0)
    assert box.oci("pause", box.id).returncode == 0
    assert box.state()["status"] == "paused"
    size = output.stat().st_size
    time.sleep(0.1)
    assert output.stat().st_size == size
    assert "paused" in box.exec("true").stderr
    assert box.oci("resume", box.id).returncode == 0
    box.wait_until(lambda: output.stat().st_size > size)
    assert box.oci("resume", box.id).returncode == 1


def test_list_shows_all(box):
    pid = box.start()
    assert box.oci("list", "-q").stdout.split() == [box.id]
    found = json.loads(box.oci("list", "--format", "json").stdout)
    assert [(one["id"], one["pid"], one["status"]) for one in found] == [(box.id, pid, "running")]
    assert box.id in box.oci("list").stdout


def test_exec_joins_everything(box):
    pid = box.start()
    script = "for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup"
    assert box.exec("sh", "-c", script).stdout == subprocess.run(
        ["nsenter", "-t", str(pid), *"-m -n -i -u -p -C".split(), "sh", "-c",
         "for n in cgroup ipc mnt net pid uts; do readlink /proc/1/ns/$n; done; cat /proc/1/cgroup"],
        capture_output=True, text=True).stdout
    groups = [line for group in box.groups() for line in (group / "cgroup.procs").read_text().split()]
    assert str(pid) in groups


def test_exec_has_its_own_user_cwd_and_environment(box):
    box.start()
    done = box.exec("sh", "-c", "id -u; id -g; pwd; echo $A $HOME; exit 9",
                    flags=["--user", "1000:7", "--cwd", "/tmp", "-e", "A=b"])
    assert done.returncode == 9
    assert done.stdout.split() == ["1000", "7", "/tmp", "b", "/home/user"]


def test_exec_takes_a_process_file_and_detaches(box):
    box.start()
    process = box.process | {"args": ["sh", "-c", "echo $$ >/dev/shm/pid; sleep 100"], "oomScoreAdj": 77}
    (box.folder / "p.json").write_text(json.dumps(process))
    assert box.background("exec", "--process", "p.json", "--detach", "--pid-file", "pid", box.id) == 0
    pid = int((box.folder / "pid").read_text())
    assert open(f"/proc/{pid}/oom_score_adj").read() == "77\n"
    box.wait_until(lambda: box.exec("cat", "/dev/shm/pid").stdout.strip().isdigit())
    os.kill(pid, signal.SIGKILL)


def test_exec_of_what_is_not_there(box):
    box.start()
    done = box.exec("nothing-of-this-name")
    assert done.returncode == 255 and "executable file not found in $PATH" in done.stderr


def test_exec_in_a_user_namespace(box):
    box.add_user_namespace()
    box.start()
    assert box.exec("sh", "-c", "id -u; cat /proc/self/uid_map").stdout.split() == ["0", "0", "100000", "65536"]


def test_exec_keeps_capabilities_and_the_filter(box):
    box.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
    box.start()
    done = box.exec("sh", "-c", "grep -e ^CapEff -e ^CapInh -e ^Seccomp: /proc/self/status; mkdir /tmp/x")
    assert done.stdout.split()[1::2] == ["0" * 16, "0000000020000420", "2"]
    assert "Not supported" in done.stderr or "not supported" in done.stderr


def test_run_passes_signals_on(box):
    box.process["args"] = ["sh", "-c", "trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done"]
    box.write()
    run = subprocess.Popen([box.runtime, "--root", "state", "run", box.id], cwd=box.folder, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert run.stdout.readline() == "ready\n"
    run.terminate()
    assert run.wait(10) == 6


def test_run_detached_goes_on_alone(box):
    box.process["args"] = ["sleep", "100"]
    box.write()
    assert box.background("run", "--detach", box.id) == 0
    assert box.state()["status"] == "running"


def test_run_keeps_what_it_is_told_to(box):
    assert box.run("true", flags=["--keep"]).returncode == 0
    assert box.state()["status"] == "stopped"
    assert box.oci("delete", box.id).returncode == 0


def test_descriptors_are_kept_when_asked(box):
    (box.folder / "text").write_text("through\n")
    box.process["args"] = ["sh", "-c", "cat <&3"]
    box.write()
    words = [box.runtime, "--root", "state", "run", "--preserve-fds", "1", box.id]
    done = subprocess.run(["sh", "-c", 'exec "$@" 3<text', "sh", *words], cwd=box.folder, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    assert done.stdout == "through\n", done.stderr


@pytest.mark.parametrize("count", ["-1", "x", "99999999"])
def test_a_count_of_descriptors_that_cannot_be_is_refused(box, count):
    box.write()
    assert "--preserve-fds" in box.oci("run", "--preserve-fds", count, box.id).stderr


def test_dry_run_prints_the_plan_and_does_nothing(box):
    box.write()
    done = box.oci("run", "--dry-run", box.id)
    assert done.returncode == 0
    steps = done.stdout.splitlines()
    assert "container  mount proc on /proc" in steps and "container  pivot to the root" in steps
    assert not (box.folder / "state" / box.id).exists()


def test_errors_go_to_the_log_as_json(box):
    box.write()
    assert box.oci("--log", "log", "--log-format", "json", "run", "a/b").returncode == 1
    line = json.loads((box.folder / "log").read_text())
    assert line["level"] == "error" and "is no container id" in line["msg"] and line["time"].endswith("Z")


def test_without_pivoting_nothing_of_the_host_is_mounted(box):
    box.process["args"] = ["sh", "-c", "cut -d' ' -f5 /proc/self/mountinfo; ls /; cat /../../etc/hostname"]
    box.write()
    with_pivot = box.oci("run", box.id)
    without = box.oci("run", "--no-pivot", box.id)
    assert without.returncode == with_pivot.returncode
    assert without.stdout == with_pivot.stdout, without.stderr
    box.add_user_namespace()
    box.write()
    assert "--no-pivot" in box.oci("run", "--no-pivot", box.id).stderr


@pytest.mark.parametrize("words", [("checkpoint", "x"), ("restore", "x")])
def test_what_is_not_supported_says_so(box, words):
    box.write()
    done = box.oci(*words)
    assert done.returncode == 1 and "not supported" in done.stderr


def test_the_systemd_driver_needs_systemd(box):
    if pathlib.Path("/run/systemd/private").exists():
        pytest.skip("systemd is the first process here")
    box.write()
    done = box.oci("--systemd-cgroup", "run", box.id)
    assert done.returncode == 1 and "use --cgroup-manager cgroupfs" in done.stderr
    box.left_nothing()


def test_a_word_too_many_is_refused(box):
    box.write()
    assert 'unexpected "y"' in box.oci("run", box.id, "y").stderr


def test_features_and_spec_are_json_that_works(box):
    features = json.loads(box.oci("features").stdout)
    assert {"pid", "time", "cgroup"} < set(features["linux"]["namespaces"])
    assert features["linux"]["seccomp"]["enabled"] and "rro" in features["mountOptions"]
    assert box.oci("spec").returncode == 0
    spec = json.loads((box.folder / "config.json").read_text())
    spec["process"] |= {"terminal": False, "args": ["true"]}
    box.config = spec
    box.process = spec["process"]
    assert box.run().returncode == 0
    assert "exists" in box.oci("spec").stderr


def test_a_hundred_at_once(box):
    box.write()
    runs = [subprocess.Popen([box.runtime, "--root", "state", "run", f"{box.id}x{i}"], cwd=box.folder,
                             stdin=subprocess.DEVNULL) for i in range(100)]
    assert [run.wait(60) for run in runs] == [0] * 100
