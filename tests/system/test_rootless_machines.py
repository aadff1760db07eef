"""Containers of somebody who is not root. What all machines do, tests of machines ask of these, too."""

import io
import os
import pathlib
import subprocess
import tarfile

import pytest

from harness import rootless
from test_machines import RootlessMachines, processes_of
from test_published_ports import free_port

# A file of another user, in a folder that nobody else may look into.
OWNED = "www/secret"


@pytest.fixture
def machines(user, user_store):
    machines = RootlessMachines(user, user_store)
    yield machines
    left = machines("ps", "-aq").stdout.split()
    if left:
        machines("rm", "-f", *left)
    machines("volume", "prune", "-a")
    assert not [*machines.root.glob("machines/*"), *machines.root.glob("volumes/*")]


@pytest.fixture
def one_id(user, user_store, machines):
    """Of the same machines those that are made while the host gives their user no other ids."""
    return RootlessMachines(user, user_store, ids=False)


@pytest.fixture
def owned(user, user_store, tmp_path):
    """The name of an image with files of several users."""
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        for name, kind, uid, gid, mode in (("bin", tarfile.DIRTYPE, 0, 0, 0o755), ("bin/busybox", None, 0, 0, 0o755),
                                           ("www", tarfile.DIRTYPE, 33, 33, 0o700), (OWNED, None, 33, 34, 0o600)):
            info = tarfile.TarInfo(name)
            info.uid, info.gid, info.mode, info.type = uid, gid, mode, kind or tarfile.REGTYPE
            content = open("/bin/busybox", "rb").read() if name == "bin/busybox" else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    user.own(tmp_path)
    machines = RootlessMachines(user, user_store)
    machines("image", "import", tmp_path / "image.tar", "owned")
    yield "owned"
    machines("image", "rm", "owned")
    assert not [path for path in layers(machines) if (path / "fs" / "www").exists()]


def layers(machines):
    return list((machines.root / "images" / "layers").iterdir())


def look(machines, image, *options):
    return machines("run", *options, image, "/bin/busybox", "sh", "-c",
                    f"busybox stat -c '%u %g %a' /{OWNED} /www; busybox id -u; exit 7", status=7)


def test_files_of_an_image_belong_to_whom_it_says(machines, owned):
    assert look(machines, owned).stdout == "33 34 600\n33 33 700\n0\n"
    folder, = [path / "fs" for path in layers(machines) if (path / "fs" / "www").exists()]
    info = (folder / OWNED).stat()
    assert (info.st_uid, info.st_gid) == (rootless.outside(33), rootless.outside(34))
    done = machines("run", "-u", "33:34", owned, "/bin/busybox", "sh", "-c", f"busybox ls /{OWNED} && busybox id -u")
    assert done.stdout == f"/{OWNED}\n33\n"


def test_who_has_but_one_id_is_told_and_has_machines_all_the_same(owned, machines, one_id):
    done = look(one_id, owned)
    assert done.stdout == "0 0 600\n0 0 700\n0\n"
    assert "warning" in done.stderr and "usermod --add-subuids" in done.stderr
    done = one_id("run", "-u", "33:34", owned, "/bin/busybox", "true", status=125)
    assert "/etc/subuid" in done.stderr and "--user root" in done.stderr
    one_id("run", "-d", "--name", "web", owned, "/bin/busybox", "sleep", "1000")
    assert one_id("exec", "web", "/bin/busybox", "stat", "-c", "%u", "/www").stdout == "0\n"
    assert "/etc/subuid" in one_id("exec", "-u", "33", "web", "/bin/busybox", "true", status=None).stderr
    # Both kinds of owners have a folder for each layer.
    look(machines, owned)
    assert len([path for path in layers(machines) if (path / "fs" / "www").exists()]) == 2


MANY_OWNERS = "mkdir -p /deep/er /srv/x; touch /deep/er/file /srv/x/y; chown -R 99:98 /deep /srv; chmod 0 /deep/er"


def test_files_of_other_ids_go_with_the_machine(machines):
    machines("run", "-d", "--name", "web", "-v", "data:/srv", "busybox", "sh", "-c", f"{MANY_OWNERS}; sleep 1000")
    kept = machines.root / "machines" / machines.inspect("web")["id"] / "disk" / "upper" / "deep"
    machines.wait_for(lambda: kept.exists() and kept.stat().st_uid == rootless.outside(99), "it belongs to another")
    machines("stop", "-t", "0", "web")
    machines("start", "web")
    machines("rm", "-f", "web")
    machines("volume", "rm", "data")
    machines("run", "--rm", "--name", "once", "busybox", "sh", "-c", MANY_OWNERS)
    machines("run", "busybox", "sh", "-c", MANY_OWNERS)
    assert not list(machines.root.glob("images/build/*"))


@pytest.mark.parametrize("options", [(), ("--rm",)])
def test_a_killed_supervisor_leaves_no_process_and_no_file(machines, options):
    machines("run", "-d", *options, "--name", "web", "busybox", "sh", "-c", f"{MANY_OWNERS}; sleep 1000")
    machine = machines.inspect("web")["id"]
    os.kill(machines.state("web")["pid"], 9)
    if options:
        assert machines("ps", "-aq").stdout == ""
    else:
        assert machines.state("web")["reason"] == "supervisor lost"
        machines("rm", "web")
    assert not list(processes_of(machine))


def test_an_unpacked_image_has_the_owners_of_a_container(machines, owned):
    folders = machines("image", "unpack", owned).stdout.split()
    assert os.stat(folders[0] + "/www").st_uid == rootless.outside(33)


def test_a_folder_of_the_host_comes_with_what_is_mounted_in_it(machines):
    script = "ls /x/pts/ptmx && touch /x/shm/new || echo refused"
    assert machines("run", "-v", "/dev:/x:ro", "busybox", "sh", "-c", script).stdout == "/x/pts/ptmx\nrefused\n"


def test_the_end_of_its_cable_is_replaced_and_goes_with_the_machine(machines):
    port = free_port()
    machines("run", "-d", "--name", "web", "-p", f"{port}:80", "busybox", "sh", "-c",
             "echo here > /index.html; httpd -f -p 80 -h /")
    folder = f"{machines.root}/machines/{machines.inspect('web')['id']}/run"

    def cables():
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_cable(pid, folder)]

    def answers():
        return subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True).stdout == b"here\n"

    machines.wait_for(answers, "it serves")
    first, = cables()
    status = pathlib.Path(f"/proc/{first}/status").read_text()
    assert "CapEff:\t0000000000000000" in status and f"Uid:\t{rootless.outside(65534)}\t" in status
    os.kill(first, 9)
    machines.wait_for(lambda: cables() not in ([], [first]) and answers(), "another one serves")
    os.kill(machines.state("web")["pid"], 9)
    machines.wait_for(lambda: not cables(), "the kernel has ended it")
    machines("start", "web")
    machines.wait_for(answers, "it serves again")


def is_cable(pid, folder):
    try:
        return ("bulkhead-usernet" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()
                and os.readlink(f"/proc/{pid}/cwd") == folder)
    except OSError:
        return False


def test_managed_networks_name_what_there_is_without_root(machines):
    done = machines("run", "--network", "front", "busybox", "true", status=125)
    assert "--network user" in done.stderr


def test_limits_that_cannot_be_set_are_no_limits_that_are_forgotten(machines):
    for words in (("-m", "64"), ("--cpus", "1"), ("-d", "-m", "64")):
        done = machines("run", *words, "busybox", "true", status=125)
        assert "control group" in done.stderr and "without root" in done.stderr
    machines("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    assert "control group" in machines("pause", "web", status=1).stderr


def test_a_host_without_user_namespaces_is_named_with_what_to_do(user, user_store):
    # A namespace for the test alone, with all that a host's root has there, and where none may be made.
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    script = f"echo here; read line; exec sh -c '{forbid}' sh \"$@\""
    words = user.words(user.bulkhead, "run", "--root", user_store, "--isolation", "container", "busybox", "true", ids=False)
    with subprocess.Popen(["unshare", "-U", "sh", "-c", script, "sh", *words], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        for name in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{process.pid}/{name}").write_text("0 0 65536")
        _, errors = process.communicate("\n", timeout=60)
    assert process.returncode == 125, errors
    assert "sysctl -w user.max_user_namespaces" in errors and "--isolation microvm" in errors
