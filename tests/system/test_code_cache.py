"""Translated code is kept from one run to the next, and is never trusted blindly."""

import re

import pytest

from harness import machines

TIMEOUT = 240

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")

TOUR = "seq 2000 | sha256sum; echo 2^200 | bc; exit 7"


def run(folder, cache, vcpus=1):
    """(instructions translated, blocks had from the file, what was printed) by both vCPUs."""
    guest = machines.Guest(("sh", "-c", TOUR), vcpus=vcpus, arguments="quiet")
    with machines.start_vmm(guest, folder, options=("--stats", "--code-cache", cache)) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 7, outcome.console[-2000:] + outcome.errors
    assert re.search(r"^[0-9a-f]{64}  -$", outcome.console, re.MULTILINE)
    counts = re.findall(r"(\d+) instructions translated, (\d+) blocks had from the code cache", outcome.errors)
    return sum(int(made) for made, _ in counts), sum(int(had) for _, had in counts)


@pytest.mark.parametrize("vcpus", [1, 2])
def test_a_second_boot_translates_almost_nothing(vcpus, tmp_path):
    cache = tmp_path / "code"
    cold, _ = run(tmp_path, cache, vcpus)
    assert cache.stat().st_mode & 0o777 == 0o600
    warm, had = run(tmp_path, cache, vcpus)
    # Another order of interrupts leads to some code for the first time.
    assert warm < cold / 10
    assert had > 10_000


def test_a_damaged_file_does_no_harm(tmp_path):
    cache = tmp_path / "code"
    run(tmp_path, cache)
    content = bytearray(cache.read_bytes())
    for position in range(1000, len(content), 997):
        content[position] ^= 0x40
    cache.write_bytes(content)
    made, _ = run(tmp_path, cache)
    assert made > 10_000


def test_a_file_that_others_can_write_is_refused(tmp_path):
    cache = tmp_path / "code"
    cache.write_bytes(b"")
    cache.chmod(0o666)
    guest = machines.Guest(("true",))
    with machines.start_vmm(guest, tmp_path, options=("--code-cache", cache)) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 152
    assert "nobody else can read or write (chmod 600)" in outcome.errors
