"""The ways out of a container that runtimes have had. Each test is one of the list, named by what went wrong
there; the verdict of each is printed at the end of the run."""

import ctypes
import hashlib
import os
import pathlib
import threading

import pytest

RENAME_EXCHANGE = 2


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@pytest.fixture
def outside(box):
    """A folder of the host that must stay as it is."""
    folder = box.folder / "outside"
    folder.mkdir()
    (folder / "file").write_text("host")
    yield folder
    assert sorted(p.name for p in folder.iterdir()) == ["file"]
    assert (folder / "file").read_text() == "host"


def as_program(box, text, name="attack"):
    path = box.rootfs / name
    path.write_text(text)
    path.chmod(0o755)
    return f"/{name}"


@pytest.mark.parametrize("first_line", ["#!/proc/self/exe", "#!/proc/self/exe state"])
def test_cve_2019_5736_the_interpreter_is_the_runtime(box, first_line):
    before = digest(box.runtime)
    done = box.run(as_program(box, first_line + "\n"))
    assert done.returncode != 0 and "Usage" not in done.stdout and "state" not in done.stdout
    assert digest(box.runtime) == before


def test_cve_2019_5736_the_program_is_a_link_to_the_runtime(box):
    (box.rootfs / "attack").symlink_to("/proc/self/exe")
    assert box.run("/attack").returncode != 0
    assert box.run("/proc/self/exe").returncode != 0


def test_cve_2019_5736_the_runtime_is_written_through_proc(box):
    """A process inside watches for each that comes in, and opens what it was started from for writing."""
    before = digest(box.runtime)
    box.config["root"]["readonly"] = False
    box.grant("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
    box.start("""while :; do for p in /proc/[0-9]*; do
      case $p in /proc/1) continue;; esac
      case $(readlink $p/exe) in ''|*busybox*) continue;; esac
      readlink $p/exe >>/tmp/seen
      { echo evil >>$p/exe; } 2>/dev/null && echo written >>/tmp/written
      { dd if=/proc/1/cmdline of=$p/exe conv=notrunc; } 2>/dev/null && echo written >>/tmp/written
    done; done""")
    for _ in range(30):
        box.exec("true")
    assert not (box.rootfs / "tmp/written").exists()
    assert digest(box.runtime) == before
    seen = box.rootfs / "tmp/seen"
    assert str(box.runtime) not in (seen.read_text() if seen.exists() else "")


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
def test_cve_2026_41579_a_folder_of_the_root_is_a_link_to_the_host(box, outside, name):
    (box.rootfs / name).rmdir()
    (box.rootfs / name).symlink_to(outside)
    done = box.run("true")
    assert done.returncode == 1 or not (outside / "null").exists()


def test_cve_2026_41579_dots_in_links(box, outside):
    (box.rootfs / "dev").rmdir()
    (box.rootfs / "dev").symlink_to("../" * 20 + str(outside)[1:])
    box.config["mounts"] = [m for m in box.config["mounts"] if not m["destination"].startswith("/dev")]
    box.run("true")


def test_cve_2021_30465_the_destination_is_a_link_to_the_host(box, outside):
    (box.rootfs / "link").symlink_to(outside)
    box.add_mount("/link/sub", "tmpfs", "tmpfs")
    box.add_mount("/link/made", "bind", "/etc/passwd", "bind")
    box.run("true")
    assert f" {outside}" not in pathlib.Path("/proc/self/mountinfo").read_text()


def test_cve_2021_30465_the_destination_is_exchanged_meanwhile(box, outside):
    """One thread swaps a folder and a link to the host as fast as it can while containers start."""
    (box.rootfs / "a").mkdir()
    (box.rootfs / "b").symlink_to(outside)
    box.add_mount("/a/sub", "tmpfs", "tmpfs")
    libc = ctypes.CDLL(None)
    names = (os.fsencode(box.rootfs / "a"), os.fsencode(box.rootfs / "b"))
    stop = threading.Event()

    def exchange():
        while not stop.is_set():
            libc.renameat2(-100, names[0], -100, names[1], RENAME_EXCHANGE)

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for _ in range(40):
            box.run("true")
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("cwd", [f"/proc/self/fd/{n}" for n in range(3, 20)])
def test_cve_2024_21626_the_cwd_is_a_descriptor(box, cwd):
    box.process["cwd"] = cwd
    done = box.run("sh", "-c", "cat ../../../../../../../etc/hostname ../../etc/hostname")
    assert pathlib.Path("/etc/hostname").read_text().strip() not in done.stdout or done.returncode != 0
    assert done.returncode != 0


def test_cve_2024_21626_with_a_descriptor_the_caller_leaked(box):
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(folder, True)
    try:
        box.process["cwd"] = f"/proc/self/fd/{folder}"
        assert box.run("cat", "etc/hostname", close_fds=False).returncode != 0
        box.process["cwd"] = "/"
        box.start()
        done = box.exec("cat", "etc/hostname", flags=["--cwd", f"/proc/self/fd/{folder}"], close_fds=False)
        assert done.returncode != 0 and done.stdout == ""
    finally:
        os.close(folder)


def test_descriptors_of_the_caller_do_not_come_along(box):
    with open("/etc/hostname") as leak:
        os.set_inheritable(leak.fileno(), True)
        script = "for fd in /proc/self/fd/*; do readlink $fd; done | grep -v -e /dev/null -e pipe: -e /proc/ -c; true"
        assert box.sh(script, close_fds=False) == "0"
        box.start()
        assert box.exec("sh", "-c", script, close_fds=False).stdout.strip() == "0"


def test_cve_2025_31133_dev_null_of_the_container_is_not_used(box):
    """Masks come from the host's null device, not from what the image calls so."""
    box.config["mounts"] = [m for m in box.config["mounts"] if not m["destination"].startswith("/dev")]
    box.config["root"]["readonly"] = False
    (box.rootfs / "secret").write_text("secret")
    (box.rootfs / "dev/null").symlink_to("/secret")
    box.linux["maskedPaths"] = ["/secret"]
    done = box.run("cat", "/secret")
    assert "secret" not in done.stdout


def test_cve_2025_52565_dev_console_is_a_link(box, outside):
    box.process["terminal"] = True
    (box.rootfs / "dev/console").symlink_to(outside / "file")
    box.config["mounts"] = [m for m in box.config["mounts"] if m["destination"] != "/dev"]
    box.config["root"]["readonly"] = False
    box.write()
    box.oci("run", box.id)


@pytest.mark.parametrize("kind, place", [("proc", "/proc"), ("sysfs", "/sys")])
def test_cve_2019_19921_proc_is_a_link(box, kind, place):
    (box.rootfs / place[1:]).rmdir()
    (box.rootfs / "elsewhere").mkdir()
    (box.rootfs / place[1:]).symlink_to("elsewhere")
    assert f"mount {kind} on {place}" in box.refused()


def test_cve_2023_27561_something_is_mounted_inside_proc(box, outside):
    box.add_mount("/proc/self/attr", "bind", outside, "bind")
    assert "inside /proc" in box.refused()


def test_cve_2023_28642_through_a_link(box, outside):
    (box.rootfs / "link").symlink_to("/proc/sys")
    box.add_mount("/link", "bind", outside, "bind")
    assert "inside /proc" in box.refused()


def test_cve_2025_52881_sysctl_goes_to_the_kernel(box):
    """A file system over /proc does not take what the runtime writes."""
    box.config["mounts"] = [m for m in box.config["mounts"] if m["destination"] != "/proc"]
    box.add_mount("/proc", "tmpfs", "tmpfs")
    box.linux |= {"maskedPaths": [], "readonlyPaths": [], "sysctl": {"kernel.domainname": "real"}}
    box.config["mounts"].append({"destination": "/real", "type": "proc", "source": "proc"})
    assert box.sh("cat /real/sys/kernel/domainname") == "real"


def test_cve_2022_0811_sysctl_names_and_values(box):
    for name, value in (("kernel.shmmax+kernel.panic", "1"), ("kernel.panic", "1"), ("net/../kernel/panic", "1"),
                        ("kernel.shmmax", "1\nkernel.panic=1"), ("kernel.shm_rmid_forced=1+kernel.core_pattern", "x")):
        box.linux["sysctl"] = {name: value}
        assert "sysctl" in box.refused()


def test_cve_2022_29162_nothing_is_inheritable(box):
    box.start()
    for done in (box.exec("grep", "CapInh", "/proc/self/status"), box.exec("grep", "CapInh", "/proc/1/status")):
        assert done.stdout.split()[1] == "0" * 16


@pytest.mark.parametrize("user", ["-1", " 1", "1 ", "+1", "4294967295", "4294967296", "0x10", "", ":", "1:", "root", "1:-1"])
def test_cve_2026_30892_users_are_numbers(box, user):
    box.start()
    done = box.exec("id", "-u", flags=["--user", user])
    assert done.returncode == 255 and done.stdout == ""


def test_cve_2022_0492_control_groups_cannot_be_written(box):
    box.grant("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    script = "for f in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name cgroup.procs); do " \
             "{ echo 1 >$f; } 2>/dev/null && echo written $f; done; find /sys/fs/cgroup -name release_agent | wc -l"
    assert box.sh(script) == "0"


def test_cve_2025_23266_hooks_do_not_get_the_images_environment(box):
    hook = box.folder / "hook"
    hook.write_text(f"#!/bin/sh\nenv >{box.folder}/env\n")
    hook.chmod(0o755)
    box.process["env"].append("LD_PRELOAD=/attack.so")
    box.config["hooks"] = {"createContainer": [{"path": str(hook)}]}
    assert box.run("true").returncode == 0
    assert "LD_PRELOAD" not in (box.folder / "env").read_text()


def test_the_host_is_not_below_or_above_the_root(box):
    box.grant("CAP_SYS_CHROOT", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    box.config["root"]["readonly"] = False
    host = pathlib.Path("/etc/hostname").read_text().strip()
    script = "mkdir /tmp/c; cd /; chroot /tmp/c true 2>/dev/null; cat ../../../../etc/hostname; " \
             "umount -l / ; cat /../../etc/hostname; true"
    assert host not in box.run("sh", "-c", script).stdout.split()


def test_the_first_process_cannot_be_looked_into_before_it_is_the_program(box):
    """While it waits for start it is a process of the runtime, and others of its namespaces may not open its files."""
    box.process["args"] = ["sleep", "100"]
    box.grant("CAP_DAC_OVERRIDE")
    box.write()
    assert box.background("create", box.id) == 0
    done = box.exec("sh", "-c", "for f in /proc/1/fd/* /proc/1/exe /proc/1/cwd; do readlink $f; done; ls /proc/1/root/")
    assert done.stdout == ""


def test_a_device_of_the_host_cannot_be_made_and_opened(box):
    box.grant("CAP_MKNOD", "CAP_DAC_OVERRIDE")
    box.config["root"]["readonly"] = False
    stat = os.stat("/")
    major, minor = os.major(stat.st_dev), os.minor(stat.st_dev)
    done = box.run("sh", "-c", f"mknod /tmp/disk b {major} {minor} && head -c 1 /tmp/disk | wc -c")
    assert "Operation not permitted" in done.stderr and done.stdout.strip() in ("", "0")


def test_kernel_files_are_masked_or_read_only(box):
    box.grant("CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN")
    script = "for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe " \
             "/sys/kernel/uevent_helper /proc/irq/default_smp_affinity; do " \
             "[ -e $f ] && { echo x >$f; } 2>/dev/null && echo written $f; done; true"
    assert box.sh(script) == ""


def test_a_destination_with_dots_stays_in_the_root(box):
    box.add_mount("/../../../../../../tmp/bh-dots", "tmpfs", "tmpfs")
    assert box.run("true").returncode == 0
    assert not pathlib.Path("/tmp/bh-dots").exists()
    assert (box.rootfs / "tmp/bh-dots").exists()
