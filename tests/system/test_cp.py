"""`bulkhead cp` carries files out of machines and into them, by docker's rules and nowhere else."""

import io
import os
import subprocess
import tarfile
import threading

import pytest

from test_machines import TIMEOUT, machines  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")


@pytest.fixture
def web(machines):  # noqa: F811
    machines("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    return machines


def sh(web, script):
    return web("exec", "web", "sh", "-c", script).stdout


def test_files_and_folders_go_both_ways(web, tmp_path):
    source = tmp_path / "source"
    (source / "deep" / ("long" * 60)).mkdir(parents=True)
    data = os.urandom(3_000_001)
    (source / "big").write_bytes(data)
    (source / "deep" / ("long" * 60) / ("name" * 60)).write_text("far down\n")
    (source / "empty").touch()
    (source / "link").symlink_to("big")
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o754)
    web("cp", source, "web:/srv")
    assert sh(web, "ls /srv; readlink /srv/link; stat -c '%a %u' /srv/run") == "big\ndeep\nempty\nlink\nrun\nbig\n754 0\n"
    web("cp", "web:/srv", tmp_path / "back")
    for name in ("big", "empty", "run"):
        assert (tmp_path / "back" / name).read_bytes() == (source / name).read_bytes()
    assert (tmp_path / "back" / "run").stat().st_mode & 0o7777 == 0o754
    assert os.readlink(tmp_path / "back" / "link") == "big"
    assert (tmp_path / "back" / "deep" / ("long" * 60) / ("name" * 60)).read_text() == "far down\n"
    web("cp", "web:/srv/big", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == data


def test_where_a_copy_goes(web, tmp_path):
    (tmp_path / "file").write_text("new\n")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "a").write_text("a\n")
    sh(web, "mkdir /t; echo old > /t/old; ln -s /t /way")
    for source, target, made in [("file", "/t", "/t/file"), ("file", "/t/as", "/t/as"), ("file", "/t/old", "/t/old"),
                                 ("dir", "/t", "/t/dir/a"), ("dir", "/t/new", "/t/new/a"), ("dir/.", "/t", "/t/a"),
                                 ("dir/", "/way/", "/t/dir/a"), ("dir/.", "/t/x/", "/t/x/a"), ("file", "way", "/t/file")]:
        web("cp", f"{tmp_path}/{source}", f"web:{target}")
        assert sh(web, f"cat {made} && rm {made}") in ("new\n", "a\n"), (source, target)
    sh(web, "rm -r /t/*; mkdir /t/dir; echo m > /t/dir/m; echo f > /t/file")
    here = tmp_path / "here"
    here.mkdir()
    web.hand_over(here)
    for source, target, made in [("/t/file", "", "file"), ("/t/file", "as", "as"), ("/t/dir", "", "dir/m"),
                                 ("/t/dir/.", "", "m"), ("/t/dir", "new", "new/m"), ("/way/file", "x", "x")]:
        web("cp", f"web:{source}", here / target)
        assert (here / made).read_text() in ("m\n", "f\n"), (source, target)
    web("cp", "web:/way", here / "link")
    assert os.readlink(here / "link") == "/t"
    web("cp", "-L", "web:/way", here / "followed")
    assert sorted(path.name for path in (here / "followed").iterdir()) == ["dir", "file"]


def test_a_tar_goes_through_the_streams(web, tmp_path):
    sh(web, "mkdir -p /t/d; echo x > /t/d/x")
    done = subprocess.run(web.words("cp", "web:/t/d", "-"), capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert tar.getnames() == ["d", "d/x"]
    for words in ("w:", "w:gz"):
        tar_file = io.BytesIO()
        with tarfile.open(fileobj=tar_file, mode=words) as tar:
            info = tarfile.TarInfo("in/side")
            info.size, info.uid, info.mode = 4, 7, 0o640
            tar.addfile(info, io.BytesIO(b"data"))
            link = tarfile.TarInfo("in/hard")
            link.type, link.linkname = tarfile.LNKTYPE, "in/side"
            tar.addfile(link)
        done = subprocess.run(web.words("cp", "-", "web:/t"), input=tar_file.getvalue(), capture_output=True,
                              timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
        assert sh(web, "cat /t/in/side /t/in/hard; stat -c '%u %a %h' /t/in/side; rm -r /t/in") == "datadata7 640 2\n"


def test_what_a_machine_owns_has_no_rights_here(web, tmp_path):
    sh(web, "mkdir /t; cp /bin/busybox /t/tool; chown 7:8 /t/tool; chmod 6755 /t/tool; mkfifo /t/pipe")
    web("cp", "web:/t", tmp_path / "t")
    info = (tmp_path / "t" / "tool").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (web.outside(0), web.outside(0), 0o755)
    if web.outside(0) == 0:
        web("cp", "-a", "web:/t/tool", tmp_path / "owned")
        assert (tmp_path / "owned").stat().st_uid == 7


def test_volumes_are_reached(machines, tmp_path):  # noqa: F811
    machines("run", "-d", "--name", "web", "-v", f"{tmp_path}:/x", "-v", "/srv/data", "busybox", "sleep", "1000")
    (tmp_path / "file").write_text("shared\n")
    machines("cp", "web:/x/file", tmp_path / "again")
    assert (tmp_path / "again").read_text() == "shared\n"
    machines("cp", tmp_path / "file", "web:/srv/data/")
    assert sh(machines, "cat /srv/data/file") == "shared\n"
    machines("rm", "-f", "-v", "web")


def test_a_machine_leads_a_copy_nowhere_else(web, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of the host\n")
    (tmp_path / "file").write_text("payload\n")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "file").write_text("payload\n")
    sh(web, f"mkdir -p /t/d/sub; echo own > /t/d/secret; ln -s {outside} /abs; ln -s ../../../../../../../../{outside} /rel")
    for way in ("/abs", "/rel", "/proc/1/root" + str(outside), "/proc/1/cwd", "/t/../../../.." + str(outside)):
        web("cp", tmp_path / "file", f"web:{way}/", status=None)
        web("cp", tmp_path / "dir", f"web:{way}", status=None)
        web("cp", f"web:{way}/secret", tmp_path / "stolen", status=None)
    # A folder that is now a folder and now a link to one of the host.
    swap = f"while :; do mv /t/d /t/e; ln -s {outside} /t/d; rm /t/d; mv /t/e /t/d; done"
    web("exec", "web", "sh", "-c", f"({swap}) > /dev/null 2>&1 &")
    stop = threading.Event()

    def copy_in():
        while not stop.is_set():
            web("cp", tmp_path / "dir", "web:/t/d/sub", status=None)

    thread = threading.Thread(target=copy_in)
    thread.start()
    try:
        for number in range(15):
            web("cp", "web:/t/d", tmp_path / f"out{number}", status=None)
            web("cp", "web:/t/d/secret", tmp_path / f"stolen{number}", status=None)
    finally:
        stop.set()
        thread.join()
    assert [path.name for path in outside.iterdir()] == ["secret"]
    for path in [*tmp_path.glob("stolen*"), *tmp_path.glob("out[0-9]*/secret")]:
        # A link may come, as what it is.
        assert path.is_symlink() or path.parent.is_symlink() or "of the host" not in path.read_text(), path


def test_mistakes_name_the_next_step(web, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dir" / "inner").mkdir(parents=True)
    sh(web, "mkdir /t; touch /t/file; mkdir /t/inner; touch /t/inner/x")
    for source, target, expected in [
            ("web:/none", tmp_path / "x", "/none"), (tmp_path / "none", "web:/t", "none"),
            (tmp_path / "file", "web:/t/none/", "folder"), (tmp_path / "dir", "web:/t/file", "no folder"),
            (tmp_path / "file", "web:/none/x", "none"), ("web:/t", tmp_path / "file", "no folder"),
            ("web:/t/file", tmp_path / "none" / "x", "none"), ("web:/t/inner", "web:/x", "MACHINE:PATH"),
            ("web:/dev/null", tmp_path / "x", "neither"), (tmp_path / "file", tmp_path / "x", "MACHINE:PATH"),
            ("nobody:/x", tmp_path / "x", "bulkhead ps -a"), ("web:", tmp_path / "x", "PATH")]:
        done = web("cp", source, target, status=None)
        assert done.returncode != 0 and expected in done.stderr, (source, target, done)
    (tmp_path / "t").mkdir()
    web.hand_over(tmp_path / "t")
    (tmp_path / "t" / "inner").write_text("file")
    assert "no folder" in web("cp", "web:/t/.", tmp_path / "t", status=1).stderr
    assert "a folder" in web("cp", str(tmp_path / "t") + "/.", "web:/t", status=1).stderr
    assert sh(web, "ls /t/inner") == "x\n"
    web("stop", "-t", "0", "web")
    assert "bulkhead start web" in web("cp", "web:/t", tmp_path / "x", status=1).stderr
    assert not (tmp_path / "x").exists()
