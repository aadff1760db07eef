"""Every block of a boot runs stepped and translated, and does the same."""

import re

import pytest

from harness import machines

TIMEOUT = 240

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


def test_a_boot_does_the_same_translated_as_stepped(tmp_path):
    guest = machines.Guest(("sh", "-c", "seq 100 | sha256sum; exit 7"), arguments="quiet")
    with machines.start_vmm(guest, tmp_path, options=("--translate", "compare")) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 7, outcome.console[-2000:] + outcome.errors
    assert "differ" not in outcome.errors
    compared = int(re.search(r"(\d+) blocks did the same stepped and translated", outcome.errors)[1])
    assert compared > 1_000_000


def test_several_vcpus_cannot_be_compared(tmp_path):
    guest = machines.Guest(("true",), vcpus=2)
    with machines.start_vmm(guest, tmp_path, options=("--translate", "compare")) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 152
    assert "give the machine 1 vcpu" in outcome.errors
