"""Containers of a user who is not root: one id is mapped, and no helper is needed."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import bundles

USER = 12345


@pytest.fixture
def user(box, tmp_path):
    """Runs the runtime as a user to whom the bundle belongs."""
    if pathlib.Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
        pytest.skip("this host allows no user namespaces")
    program = tmp_path / "bulkhead-oci"
    shutil.copy(bundles.OCI, program)

    def own():
        for folder, _, files in os.walk(tmp_path):
            for name in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(name, USER, USER, follow_symlinks=False)

    def run(*words, before=(), **options):
        own()
        words = [*before, "setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", program, "--root",
                 tmp_path / "user-state", *words]
        return subprocess.run(list(map(str, words)), cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=30,
                              **({"capture_output": True, "text": True} | options))

    assert run("spec", "--rootless").returncode == 0
    run.config = json.loads((tmp_path / "config.json").read_text())
    run.config["process"]["terminal"] = False

    def write(script):
        run.config["process"]["args"] = ["sh", "-c", script]
        bundles.write_config(tmp_path, run.config)

    run.write = write
    return run


def test_a_container_of_a_user(box, user):
    user.write("id -u; cat /proc/self/uid_map; echo x >/dev/null && touch /dev/shm/x && echo written; exit 5")
    done = user("run", box.id)
    assert done.returncode == 5, done.stderr
    assert done.stdout.split() == ["0", "0", str(USER), "1", "written"]


def test_exec_into_a_container_of_a_user(box, user):
    user.write("sleep 100")
    with open(box.folder / "output", "w") as output:
        options = {"stdout": output, "stderr": output, "capture_output": False}
        assert user("run", "--detach", box.id, **options).returncode == 0, (box.folder / "output").read_text()
    done = user("exec", box.id, "sh", "-c", "readlink /proc/self/ns/user /proc/1/ns/user | uniq | wc -l; id -u; exit 4")
    assert done.returncode == 4, done.stderr
    assert done.stdout.split()[-1] == "0"
    assert user("delete", "--force", box.id).returncode == 0


def test_limits_that_cannot_be_set_are_refused(box, user):
    user.config["linux"]["resources"] = {"pids": {"limit": 5}}
    user.write("true")
    done = user("run", box.id)
    assert done.returncode == 1 and "without root" in done.stderr


def test_more_ids_than_ones_own_need_a_helper(box, user):
    for name in ("uidMappings", "gidMappings"):
        user.config["linux"][name] = [{"containerID": 0, "hostID": 100000, "size": 10}]
    user.write("true")
    done = user("run", box.id)
    assert done.returncode == 1 and ("newuidmap" in done.stderr or "newgidmap" in done.stderr)


def test_ranges_are_mapped_by_newuidmap(box, user):
    """In a mount namespace where the user has a name and ranges, as on a host set up for it."""
    if shutil.which("newuidmap") is None:
        pytest.skip("newuidmap is not installed (Debian package uidmap)")
    etc = box.folder / "etc"
    etc.mkdir()
    for name, text in (("passwd", f"somebody:x:{USER}:{USER}::/:/bin/sh\n"), ("group", f"somebody:x:{USER}:\n"),
                       ("subuid", "somebody:200000:1000\n"), ("subgid", "somebody:200000:1000\n")):
        (etc / name).write_text(text)
    for name in ("uidMappings", "gidMappings"):
        user.config["linux"][name] = [{"containerID": 0, "hostID": USER, "size": 1},
                                      {"containerID": 1, "hostID": 200000, "size": 1000}]
    user.config["process"]["user"] = {"uid": 5, "gid": 6}
    user.write("id -u; id -g; cat /proc/self/uid_map")
    done = user("run", box.id, before=["unshare", "-m", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["5", "6", "0", str(USER), "1", "1", "200000", "1000"]


def test_the_runtimes_file_is_out_of_reach_without_root_too(box, user):
    user.write("for p in /proc/[0-9]*; do readlink $p/exe; done")
    done = user("run", box.id)
    assert done.returncode == 0 and str(box.folder) not in done.stdout
