"""Volumes and folders of the host in machines: the same in microVMs and containers."""

import json
import os
import subprocess

import pytest

from test_machines import TIMEOUT, Machines, machines, need_builds  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


@pytest.fixture
def clean(machines):  # noqa: F811
    yield
    left = machines("ps", "-aq").stdout.split()
    if left:
        machines("rm", "-f", *left)
    machines("volume", "prune", "-a")
    assert not list((machines.root / "volumes").iterdir())


def build(machines, folder, dockerfile):  # noqa: F811
    (folder / "Dockerfile").write_text(dockerfile)
    machines("image", "build", "-t", "made", folder)


def test_a_volume_outlives_its_machines(machines, clean):  # noqa: F811
    machines("run", "--rm", "--name", "one", "-v", "data:/srv/data", "busybox", "sh", "-c", "echo kept > /srv/data/file")
    assert machines("run", "-v", "data:/x:ro", "busybox", "cat", "/x/file").stdout == "kept\n"
    assert machines("ps", "-aq").stdout == ""
    assert machines("run", "-v", "data:/x:ro", "busybox", "sh", "-c", "echo > /x/file", status=1).stderr
    machines("create", "--name", "web", "--mount", "source=data,target=/x", "busybox", "true")
    assert "bulkhead rm web" in machines("volume", "rm", "data", status=1).stderr
    shown = json.loads(machines("volume", "inspect", "data").stdout)[0]
    assert (shown["name"], shown["machines"], shown["anonymous"]) == ("data", ["web"], False)
    assert json.loads(machines("volume", "ls", "--json").stdout) == [shown]
    assert open(shown["folder"] + "/file").read() == "kept\n"
    machines("rm", "web")
    assert machines("volume", "prune").stdout == ""
    assert machines("volume", "rm", "data").stdout == "data\n"
    assert "volume ls" in machines("volume", "rm", "data", status=1).stderr
    machines("volume", "rm", "-f", "data")


def test_volumes_without_a_name_go_with_their_machine(machines, clean):  # noqa: F811
    machines("run", "--rm", "--name", "one", "-v", "/cache", "busybox", "sh", "-c", "echo > /cache/file")
    assert machines("volume", "ls", "-q").stdout == ""
    for number, options in enumerate(((), ("-v",))):
        machines("run", "--name", "one", "-v", "/cache", "busybox", "true")
        machines("rm", *options, "one")
        assert len(machines("volume", "ls", "-q").stdout.split()) == 1
    machines("volume", "create", "named")
    machines("volume", "prune")
    assert machines("volume", "ls", "-q").stdout == "named\n"


def test_a_volume_starts_with_what_the_image_has(machines, clean, tmp_path):  # noqa: F811
    need_builds(machines)
    build(machines, tmp_path, "FROM busybox\nRUN mkdir -p /srv/a && echo image > /srv/a/file && chown 7:8 /srv "
                              "&& chmod 750 /srv && ln -s /etc/passwd /srv/link\n")
    script = "stat -c '%u %g %a' /srv; cat /srv/a/file; readlink /srv/link; echo more >> /srv/a/file"
    first = machines("run", "-v", "data:/srv", "made", "sh", "-c", script).stdout
    assert first == "7 8 750\nimage\n/etc/passwd\n"
    assert machines("run", "-v", "data:/srv", "made", "cat", "/srv/a/file").stdout == "image\nmore\n"


def test_a_folder_of_the_host_is_shared(machines, clean, tmp_path):  # noqa: F811
    folder = tmp_path / "shared"
    folder.mkdir()
    machines.hand_over(folder)
    (folder / "from_host").write_text("host\n")
    machines("run", "-v", f"{folder}:/x", "busybox", "sh", "-c",
             "cat /x/from_host > /x/from_machine; chown 7 /x/from_machine; mkdir /x/inside")
    made = folder / "from_machine"
    assert made.read_text() == "host\n"
    if os.geteuid() == 0:
        assert made.stat().st_uid == machines.outside(7)
    done = machines("run", "--mount", f"type=bind,source={folder},target=/x,readonly", "busybox", "sh", "-c",
                    "touch /x/new || rm -r /x/inside || cat /x/from_host")
    assert done.stdout == "host\n"
    done = machines("run", "-v", f"{folder}:/x", "--tmpfs", "/x/inside:size=1m,mode=700", "busybox", "sh", "-c",
                    "stat -c %a /x/inside; echo > /x/inside/file; head -c 2000000 /dev/zero > /x/inside/big || echo full")
    assert done.stdout == "700\nfull\n"
    assert not list((folder / "inside").iterdir())


def test_a_relative_folder_is_one_of_the_working_directory(machines, clean, tmp_path):  # noqa: F811
    (tmp_path / "file").write_text("here\n")
    assert machines("run", "-v", "./:/x", "busybox", "cat", "/x/file", cwd=tmp_path).stdout == "here\n"


def test_an_image_cannot_lead_a_mount_to_the_host(machines, clean, tmp_path):  # noqa: F811
    need_builds(machines)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of the host\n")
    (tmp_path / "context").mkdir()
    build(machines, tmp_path / "context",
          f"FROM busybox\nRUN mkdir -p {tmp_path} && ln -s ../../../../../../../../..{outside} /way "
          f"&& ln -s {outside} /straight && ln -s /way/up /loop\n")
    shared = tmp_path / "shared"
    shared.mkdir()
    for target in ("/way", "/straight", "/straight/inside", "/way/../../made"):
        machines("run", "-v", f"{shared}:{target}", "made", "sh", "-c", f"echo x > {target}/new; true", status=None)
        machines("run", "-v", f"data:{target}", "made", "sh", "-c", f"cat {target}/*", status=None)
        assert sorted(path.name for path in outside.iterdir()) == ["secret"]
        assert not (tmp_path / "made").exists()
        names = [name for _, _, names in os.walk(machines.root / "volumes") for name in names]
        assert "secret" not in names
        machines("volume", "prune", "-a")


def test_a_read_only_machine_writes_to_its_mounts_alone(machines, clean):  # noqa: F811
    script = "touch /file || touch /root/file || echo refused; touch /x/file /y/file && pwd"
    done = machines("run", "--read-only", "-v", "data:/x", "--tmpfs", "/y", "-w", "/made", "busybox", "sh", "-c", script)
    assert done.stdout == "refused\n/made\n"
    machines("run", "-d", "--name", "web", "--read-only", "busybox", "sleep", "100")
    assert machines("exec", "web", "touch", "/file", status=1).stdout == ""


def test_mistakes_name_the_next_step(machines, clean, tmp_path):  # noqa: F811
    many = [word for number in range(9) for word in ("-v", f"v{number}:/v{number}")]
    cases = [(("-v", "/nowhere/at/all:/x"), "make it"), (("-v", "a b:/x"), "letter"), (("-v", "a:/x", "-v", "b:/x"), "/x"),
             (("--mount", "type=cloud,target=/x"), "bind"), (("--tmpfs", "/x:exec"), "size="), (("-v", "a:/"), "root")]
    if machines.isolation == "microvm":
        cases += [(many, "8 volumes"), (("-v", "/etc/passwd:/x"), "folders")]
    for words, expected in cases:
        done = machines("run", *words, "busybox", "true", status=None)
        assert done.returncode == 125 and expected in done.stderr, (words, done)


def test_two_machines_that_use_a_volume_first_share_it(machines, clean):  # noqa: F811
    for name in ("one", "two"):
        machines("create", "--name", name, "-v", "data:/srv", "busybox", "sh", "-c", f"touch /srv/{name}; sleep 100")
    starts = [subprocess.Popen(machines.words("start", name), stdout=subprocess.DEVNULL) for name in ("one", "two")]
    assert [start.wait(TIMEOUT) for start in starts] == [0, 0]
    machines.wait_for(lambda: machines("exec", "one", "ls", "/srv").stdout.split() == ["one", "two"], "both write")


def test_a_killed_supervisor_leaves_no_volume_of_its_own(machines, clean):  # noqa: F811
    machines("run", "-d", "--rm", "--name", "web", "-v", "/cache", "-v", "data:/x", "busybox", "sleep", "100")
    os.kill(machines.state("web")["pid"], 9)
    machines("ps")
    assert machines("volume", "ls", "-q").stdout == "data\n"
