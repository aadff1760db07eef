"""A user without root, as hosts have them, in a mount namespace where that user has a name and ids of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import paths

USER = 12345
FIRST_ID, IDS = 200000, 65536
PROGRAMS = ("bulkhead", "bulkhead-supervise", "bulkhead-usernet", "bulkhead-oci")
KEPT = ("ld.so.cache", "resolv.conf", "hosts", "nsswitch.conf", "passwd", "group")


def outside(number):
    """Who the host takes a user of a container for."""
    return FIRST_ID + number - 1 if number else USER


def obstacle():
    """Why there cannot be one here, or None."""
    if os.geteuid() != 0:
        return "only root becomes another user"
    if pathlib.Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
        return "this host allows no user namespaces"
    if shutil.which("newuidmap") is None:
        return "newuidmap is not installed (Debian package uidmap)"
    return None


class User:
    """`folder` is the user's, and programs of ours that the user may execute are in it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-user-", dir="/tmp"))
        self.programs, self.etc = self.folder / "programs", self.folder / "etc"
        for folder in (self.programs, self.etc):
            folder.mkdir()
        for name in PROGRAMS:
            shutil.copy(paths.BULKHEAD.with_name(name), self.programs)
        for name in KEPT:
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.etc)
        if os.path.isdir("/etc/containers"):
            shutil.copytree("/etc/containers", self.etc / "containers")
        for name, line in (("passwd", f"somebody:x:{USER}:{USER}::/:/bin/sh\n"), ("group", f"somebody:x:{USER}:\n"),
                           ("subuid", f"somebody:{FIRST_ID}:{IDS}\n"), ("subgid", f"somebody:{FIRST_ID}:{IDS}\n")):
            with open(self.etc / name, "a") as file:
                file.write(line)
        os.chown(self.folder, USER, USER)
        self.folder.chmod(0o755)

    @property
    def bulkhead(self):
        return self.programs / "bulkhead"

    def words(self, *command, ids=True):
        """A command by that user; without ids but the user's own if so said."""
        script = f'mount --bind {self.etc} /etc && exec "$@"' if ids else 'exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, "sh", "setpriv", "--reuid", str(USER), "--regid", str(USER),
                "--clear-groups", "env", "-u", "XDG_RUNTIME_DIR", f"HOME={self.folder}", *map(str, command)]

    def new_folder(self, name):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        os.chown(folder, USER, USER)
        return folder

    def own(self, folder):
        """Gives a folder of a test to the user, who can then get there."""
        os.chown(folder, USER, USER)
        for parent in list(folder.parents)[:-2]:
            parent.chmod(0o755)

    def run(self, *command, ids=True):
        return subprocess.run(self.words(*command, ids=ids), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)

    def close(self):
        shutil.rmtree(self.folder)
