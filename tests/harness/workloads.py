"""Scripts over real programs, which print the same on the host and in a guest."""

import pathlib
import shutil
import subprocess

from harness import machines, paths

SCRIPTS = paths.TOP / "tests" / "system" / "workloads"


def script(name):
    return (SCRIPTS / name).read_text()


def lines(text, word):
    """The lines of `text` that begin with `word`."""
    return [line.rstrip() for line in text.splitlines() if line.startswith(word + " ")]


def guest(layer, text, vcpus=1, files=()):
    """A guest that runs the script `text` over the layer; `files` are beside what the layer has."""
    return machines.Guest(
        ("bash", "/workload.sh"), initrd="debian", layers=(layer,), vcpus=vcpus, memory_mib=1536, arguments="quiet",
        files={"workload.sh": f"export W=/workload\n{text}".encode(),
               **{f"workload/{file.name}": file.read_bytes() for file in files}})


def on_host(folder, layer, text, word):
    """The lines with `word` that the script prints here, run in a copy of the layer in `folder`."""
    copy = pathlib.Path(folder) / "workload"
    shutil.copytree(paths.WORKLOADS / layer / "workload", copy, symlinks=True, dirs_exist_ok=True) \
        if (paths.WORKLOADS / layer / "workload").exists() else copy.mkdir()
    for file in SCRIPTS.iterdir():
        shutil.copy(file, copy)
    done = subprocess.run(["bash", "-s"], input=text, cwd=folder, capture_output=True, text=True, check=True,
                          env={"W": str(copy), "PATH": "/usr/bin:/bin", "HOME": str(folder)})
    return lines(done.stdout, word)
