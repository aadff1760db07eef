"""Archives a kernel unpacks after its initrd: how files get into a guest without a disk.

The format is "newc" (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
"""

import gzip

FOLDER = 0o040755
PROGRAM = 0o100755


def padded(data, unit=4):
    return data + bytes(-len(data) % unit)


def entry(name, mode, content=b""):
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return padded(header + name) + padded(content)


def archive(files):
    """An archive of {path: bytes}, every file a program, with the folders above them."""
    folders = {"/".join(parts[:i]) for parts in (path.split("/") for path in files)
               for i in range(1, len(parts))}
    return b"".join([
        *(entry(folder, FOLDER) for folder in sorted(folders)),
        *(entry(path, PROGRAM, content) for path, content in sorted(files.items())),
        entry("TRAILER!!!", 0),
    ])


def initrd(base, command, files=None):
    """The initrd `base` with more files in it, and the command its first process is to run."""
    words = "".join(word + "\0" for word in command).encode()
    extra = archive({**(files or {}), ".bulkhead/command": words})
    return padded(base) + gzip.compress(extra, compresslevel=1, mtime=0)
