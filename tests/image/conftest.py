"""Fixtures of the tests of images: stores, layers made by hand, and registries on loopback."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import paths  # noqa: E402  (needs the path above)

TIMEOUT = 60 * int(os.environ.get("BULKHEAD_SLOWNESS", "1"))


class Images:
    """`bulkhead image` with a store of the test's own."""

    def __init__(self, folder, program):
        self.folder = folder
        self.program = program
        self.root = folder / "store"

    def words(self, command, *arguments):
        return [str(word) for word in (self.program, "image", command, "--root", self.root, *arguments)]

    def __call__(self, command, *arguments, **options):
        """What it prints; it must end well."""
        done = self.run(command, *arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, command, *arguments, **options):
        options = {"stdin": subprocess.DEVNULL, "timeout": TIMEOUT} | options
        return subprocess.run(self.words(command, *arguments), capture_output=True, text=True, **options)

    def start(self, command, *arguments):
        return subprocess.Popen(self.words(command, *arguments), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def refused(self, command, *arguments, **options):
        """The one line of complaint."""
        done = self.run(command, *arguments, **options)
        assert done.returncode in (1, 2), done
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        return lines[0]

    def names(self):
        return {image["name"] for image in json.loads(self("ls", "--json"))}

    def blobs(self):
        return {path.name for path in (self.root / "images" / "blobs" / "sha256").iterdir()}

    def partial(self):
        return list((self.root / "images" / "partial").iterdir())


@pytest.fixture
def program():
    if not paths.BULKHEAD.exists():
        pytest.fail(f"{paths.BULKHEAD} is missing; run ./dev build")
    return paths.BULKHEAD


@pytest.fixture
def images(tmp_path, program):
    return Images(tmp_path, program)


@pytest.fixture
def others(tmp_path, program):
    """Another store."""
    (tmp_path / "others").mkdir()
    return Images(tmp_path / "others", program)
