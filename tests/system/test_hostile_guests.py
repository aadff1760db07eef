"""Guests that mean harm: whatever they do, the monitor stays small, listens to signals and ends cleanly."""

import pathlib
import signal
import subprocess
import time

import pytest

from harness import machines

SOURCES = pathlib.Path(__file__).parent / "hostile"
TIMEOUT = 240
FLOOD_SECONDS = 3
# Code, tables, the console's buffer and the engine's caches. A flood that is kept in memory grows by as
# much every second.
MOST_KIB = 64 * 1024

pytestmark = pytest.mark.usefixtures("vmm", "initrds")


@pytest.fixture(params=["soft", "kvm"])
def engine(request):
    if request.param == "kvm":
        request.getfixturevalue("kvm")
    return request.param


@pytest.fixture(scope="session")
def assemble(tmp_path_factory):
    """The path of a program of hostile/ as a kernel: an ELF file at 1 MiB, entered in long mode."""
    folder = tmp_path_factory.mktemp("hostile")

    def build(name):
        path = folder / name
        if not path.exists():
            subprocess.run(["gcc", "-nostdlib", "-static", "-Wl,-N,-Ttext=0x100000,--build-id=none,--no-warn-rwx-segments",
                            "-I", SOURCES, SOURCES / f"{name}.S", "-o", path], check=True)
        return path

    return build


def start(kernel, folder, engine, vcpus=1):
    return machines.start_vmm(machines.Guest((), kernel=kernel, vcpus=vcpus, memory_mib=128), folder, engine)


def assert_ends_when_asked(machine):
    assert machine.process.poll() is None, machine.errors
    asked = time.monotonic()
    machine.process.send_signal(signal.SIGTERM)
    status = machine.process.wait(20)
    assert status == 128 + signal.SIGTERM, machine.errors
    assert time.monotonic() - asked < 10


def test_a_triple_fault_ends_the_machine_as_a_reset_does(assemble, engine, tmp_path):
    with start(assemble("triple_fault"), tmp_path, engine) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.errors
    assert outcome.seconds < 60


def test_a_guest_that_spins_ends_when_the_monitor_is_asked_to(assemble, engine, tmp_path):
    with start(assemble("spin"), tmp_path, engine, vcpus=2) as machine:
        time.sleep(1)
        assert machine.own_memory_kib() < MOST_KIB
        assert_ends_when_asked(machine)


def test_a_serial_flood_nobody_reads_stays_bounded_and_ends_when_asked(assemble, engine, tmp_path):
    with start(assemble("serial_flood"), tmp_path, engine) as machine:
        time.sleep(FLOOD_SECONDS)
        assert machine.own_memory_kib() < MOST_KIB
        assert_ends_when_asked(machine)


def test_a_serial_flood_comes_out_while_it_is_read(assemble, engine, tmp_path):
    with start(assemble("serial_flood"), tmp_path, engine) as machine:
        machine.wait_for("A" * 10000, TIMEOUT)
        assert machine.own_memory_kib() < MOST_KIB


def test_writes_to_every_port_do_no_harm(assemble, engine, tmp_path):
    with start(assemble("every_port"), tmp_path, engine) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 7, outcome.errors
    # A log that follows a guest's writes is a way to fill the host's disk.
    assert len(outcome.errors) < 100_000


def test_writes_to_every_mmio_page_do_no_harm(assemble, tmp_path):
    with start(assemble("every_mmio"), tmp_path, "soft") as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 7, outcome.errors
    assert len(outcome.errors) < 100_000
