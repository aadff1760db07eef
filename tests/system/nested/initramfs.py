"""Builds an initramfs: a gzip-compressed archive in the format `newc` (see cpio(5))."""

import gzip
import os
import re
import stat
import subprocess


class Initramfs:
    """Files by their path in the archive. Folders are made as needed."""

    def __init__(self):
        self._entries = {}

    def folder(self, path):
        parent = os.path.dirname(path.strip("/"))
        if parent:
            self.folder(parent)
        self._entries.setdefault(path.strip("/"), (stat.S_IFDIR | 0o755, b""))

    def file(self, path, content, mode=0o644):
        self.folder(os.path.dirname(path))
        self._entries[path.strip("/")] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self._entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode())

    def copy(self, source, path, mode=0o644):
        with open(source, "rb") as file:
            self.file(path, file.read(), mode)

    def program(self, source, path):
        """A program with the shared libraries it is linked with, each at the place it has here."""
        self.copy(source, path, 0o755)
        listing = subprocess.run(["ldd", source], capture_output=True, text=True, check=False)
        for library in re.findall(r"(?:=> )?(/\S+) \(0x", listing.stdout):
            self.copy(library, library, 0o755)

    def archive(self):
        parts = []
        number = 0
        for path, (mode, content) in sorted(self._entries.items()):
            number += 1
            parts.append(_entry(number, path, mode, content))
        parts.append(_entry(0, "TRAILER!!!", 0, b""))
        return gzip.compress(b"".join(parts), compresslevel=1)


def _entry(number, path, mode, content):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # magic, ino, mode, uid, gid, nlink, mtime, filesize, dev (2), rdev (2), namesize, check
    fields = [number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name) + _padded(content)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
