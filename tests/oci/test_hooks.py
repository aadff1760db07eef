"""The six kinds of hooks: where they run, in which order, and what their failure does."""

import json

import pytest

KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def script(box, name, body):
    path = box.folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def log_hook(box, kind):
    """Writes a line with its kind, and the state it was given to a file of its own."""
    path = script(box, f"hook-{kind}", f"echo {kind} >>{box.folder}/log; cat >{box.folder}/state-{kind}")
    return [{"path": path, "args": ["hook", kind]}]


def test_hooks_run_in_order_and_read_the_state(box):
    box.config["hooks"] = {kind: log_hook(box, kind) for kind in KINDS if kind != "startContainer"}
    inner = box.rootfs / "hook"
    inner.write_text("#!/bin/sh\ncat >/dev/shm/state\n")
    inner.chmod(0o755)
    box.config["hooks"]["startContainer"] = [{"path": "/hook"}]
    pid = box.start()
    state = json.loads(box.exec("cat", "/dev/shm/state").stdout)
    assert (state["id"], state["status"]) == (box.id, "created")
    box.oci("delete", "--force", box.id)
    assert (box.folder / "log").read_text().split() == [kind for kind in KINDS if kind != "startContainer"]
    for kind, status in (("prestart", "creating"), ("createRuntime", "creating"), ("createContainer", "creating"),
                         ("poststart", "running"), ("poststop", "stopped")):
        state = json.loads((box.folder / f"state-{kind}").read_text())
        assert (state["id"], state["status"]) == (box.id, status), kind
        assert state["pid"] == (0 if kind == "poststop" else pid), kind


def test_create_container_hooks_are_inside_the_namespaces(box):
    path = script(box, "hook", f"hostname >{box.folder}/name; readlink /proc/self/ns/mnt >{box.folder}/mnt")
    box.config["hooks"] = {"createRuntime": [{"path": path}]}
    assert box.run("true").returncode == 0
    outside = (box.folder / "mnt").read_text()
    box.config["hooks"] = {"createContainer": [{"path": path}]}
    assert box.run("true").returncode == 0
    assert (box.folder / "mnt").read_text() != outside


def test_a_hook_has_no_environment_but_its_own(box):
    path = script(box, "hook", f"env >{box.folder}/env")
    box.process["env"].append("LD_PRELOAD=/evil.so")
    for kind in ("createRuntime", "createContainer"):
        box.config["hooks"] = {kind: [{"path": path, "env": ["ONLY=this"]}]}
        assert box.run("true", env={"SECRET": "x", "PATH": "/bin"}).returncode == 0
        text = (box.folder / "env").read_text()
        assert "ONLY=this" in text and "LD_PRELOAD" not in text and "SECRET" not in text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("poststop", "startContainer")])
def test_a_failing_hook_fails_the_container(box, kind):
    box.config["hooks"] = {kind: [{"path": script(box, "hook", "exit 3")}]}
    done = box.run("true")
    assert done.returncode == 1 and f"{kind} hook" in done.stderr and "exit status 3" in done.stderr
    box.left_nothing()


def test_a_failing_poststop_hook_is_only_reported(box):
    box.config["hooks"] = {"poststop": [{"path": script(box, "hook", "exit 3")}]}
    done = box.run("true")
    assert done.returncode == 0 and "poststop hook" in done.stderr


def test_a_hook_has_a_time_limit(box):
    box.config["hooks"] = {"createRuntime": [{"path": script(box, "hook", "exec sleep 100"), "timeout": 1}]}
    assert "longer than 1 seconds" in box.refused()


def test_a_missing_hook_is_named(box):
    box.config["hooks"] = {"createRuntime": [{"path": "/no/such/hook"}]}
    assert "/no/such/hook: no such file" in box.refused()


def test_a_failing_poststart_hook_ends_a_created_container(box):
    box.config["hooks"] = {"poststart": [{"path": script(box, "hook", "exit 3")}]}
    box.process["args"] = ["sleep", "100"]
    box.write()
    assert box.background("create", box.id) == 0
    assert box.oci("start", box.id).returncode == 1
    box.wait_until(lambda: box.state()["status"] == "stopped")
