"""Whatever is wrong with what the monitor is given, it says so in one line that names it, and starts nothing."""

import json
import os
import pathlib
import re
import subprocess

import pytest

TIMEOUT = 60
BAD_CONFIGURATION = 152
BAD_ARGUMENTS = 153
ELF_HEADER_SIZE = 64


def call(vmm, *arguments):
    return subprocess.run([vmm, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT)


def assert_refused(result, status, *patterns):
    """One line on standard error that matches every pattern, nothing else anywhere, and the exit code."""
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("bulkhead-vmm: ")
    for pattern in patterns:
        assert re.search(pattern, lines[0]), lines[0]


class Machine:
    """A configuration that is right but for what a test changes."""

    def __init__(self, vmm, folder, kernel):
        self.vmm = vmm
        self.folder = folder
        self.config = {"boot-source": {"kernel_image_path": str(kernel)},
                       "machine-config": {"vcpu_count": 1, "mem_size_mib": 128}}

    def start(self, *arguments, text=None):
        path = self.folder / "vm.json"
        path.write_text(json.dumps(self.config) if text is None else text)
        return call(self.vmm, "--config-file", path, "--no-api", "--engine", "soft", *(arguments or ("--level", "Error")))


@pytest.fixture
def machine(vmm, kernels, tmp_path):
    return Machine(vmm, tmp_path, kernels["tuned"])


@pytest.mark.parametrize("arguments, pattern", [
    (["--frobnicate"], "--frobnicate"),
    (["--no-api"], "--no-api needs --config-file"),
    (["--config-file"], "--config-file"),
    (["--id", "a_b", "--no-api", "--config-file", "x"], '--id "a_b"'),
    (["--id", "", "--no-api", "--config-file", "x"], '--id ""'),
    (["--id", "x" * 65, "--no-api", "--config-file", "x"], "1 to 64"),
    (["--engine", "tcg", "--no-api", "--config-file", "x"], 'engine "tcg": must be auto, kvm or soft'),
    (["--json"], "--probe"),
    (["--enable-pci"], "--enable-pci: not supported"),
    (["--seccomp-filter", "x"], "--seccomp-filter: not supported"),
    (["--id", "a\nb\x1b[2J", "--no-api", "--config-file", "x"], r"a\\nb\\x1b\[2J"),
])
def test_bad_arguments_are_named(vmm, arguments, pattern):
    assert_refused(call(vmm, *arguments), BAD_ARGUMENTS, pattern)


def test_a_missing_configuration_is_named(vmm):
    result = call(vmm, "--config-file", "/nonexistent/vm.json", "--no-api")
    assert_refused(result, BAD_CONFIGURATION, "start anonymous-instance: open /nonexistent/vm.json: No such file")


@pytest.mark.parametrize("text, pattern", [
    ("", "EOF while parsing a value at line 1 column 0"),
    ('{"boot-source"', "EOF while parsing an object at line 1 column 14"),
    ("{}", "missing field `boot-source` at line 1 column 2"),
    ('{"boot-source": {"kernel_image_path": "k"}} 1', "trailing characters at line 1 column 45"),
    ('{"boot-source": {"kernel": 1}}', "unknown field `kernel`, expected one of `kernel_image_path`, .* at line 1 column 25"),
    ('{"boot-source": {"kernel_image_path": 1}}', "invalid type: integer `1`, expected a string at line 1 column 39"),
    ("[" * 100, "vm.json: .* at line 1 column 33"),
    ("\0", "vm.json: .* at line 1 column 1"),
])
def test_json_mistakes_are_shown_with_their_place(machine, text, pattern):
    assert_refused(machine.start(text=text), BAD_CONFIGURATION, "start anonymous-instance: .*vm.json: ", pattern)


def test_a_configuration_that_is_too_large_is_refused(machine):
    assert_refused(machine.start(text=" " * (2 << 20)), BAD_CONFIGURATION, "vm.json: .*more than 1048576")


@pytest.mark.parametrize("numbers, pattern", [
    ({"vcpu_count": 0, "mem_size_mib": 128}, "vcpu_count 0: must be 1 to 32"),
    ({"vcpu_count": 33, "mem_size_mib": 128}, "vcpu_count 33: must be 1 to 32"),
    ({"vcpu_count": 1, "mem_size_mib": 0}, "mem_size_mib 0: must be at least 1"),
    ({"vcpu_count": 1, "mem_size_mib": -1}, "invalid value: integer `-1`"),
    ({"vcpu_count": 1, "mem_size_mib": 2**64 - 1}, r"this host has only \d+ MiB"),
    ({"vcpu_count": 1, "mem_size_mib": 2**44 + 1}, r"this host has only \d+ MiB"),
    ({"vcpu_count": 1, "mem_size_mib": 128, "cpus": 1}, "unknown field `cpus`"),
    ({"vcpu_count": 1, "mem_size_mib": 128, "smt": True}, '"smt": not supported yet'),
])
def test_impossible_machines_are_refused(machine, numbers, pattern):
    machine.config["machine-config"] = numbers
    assert_refused(machine.start(), BAD_CONFIGURATION, "machine-config: ", pattern)


def test_more_memory_than_the_host_has_is_refused_with_how_much_it_has(machine):
    host_mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    machine.config["machine-config"]["mem_size_mib"] = host_mib + 1
    assert_refused(machine.start(), BAD_CONFIGURATION, f"mem_size_mib {host_mib + 1}: this host has only {host_mib} MiB")


def test_memory_too_small_for_the_kernel_is_refused(machine):
    machine.config["machine-config"]["mem_size_mib"] = 2
    assert_refused(machine.start(), BAD_CONFIGURATION, "kernel ")


@pytest.mark.parametrize("section", ["pmem", "memory-hotplug"])
def test_devices_that_are_not_there_yet_are_refused(machine, section):
    machine.config[section] = [{}]
    assert_refused(machine.start(), BAD_CONFIGURATION, f'"{section}": not supported yet')


def test_a_missing_kernel_is_named(machine):
    machine.config["boot-source"]["kernel_image_path"] = "/nonexistent/vmlinux"
    assert_refused(machine.start(), BAD_CONFIGURATION, "kernel .*/nonexistent/vmlinux.*: No such file")


def test_a_folder_as_kernel_is_refused(machine, tmp_path):
    machine.config["boot-source"]["kernel_image_path"] = str(tmp_path)
    assert_refused(machine.start(), BAD_CONFIGURATION, re.escape(str(tmp_path)))


def corrupt_kernels(kernel):
    """Kernels broken each in another way, by name."""
    head = kernel.read_bytes()[:1 << 20]
    return {
        "empty": b"",
        "one byte": b"\x7f",
        "text": b"#!/bin/sh\n" * 100,
        "zeros": bytes(1 << 16),
        "only a header": head[:ELF_HEADER_SIZE],
        "cut short": head[:1 << 16],
        "no program headers": head[:56] + b"\0\0" + head[58:1 << 16],
        "headers beyond the end": head[:32] + b"\xff" * 8 + head[40:1 << 16],
        "all ones after the magic": head[:20] + b"\xff" * (1 << 16),
    }


@pytest.mark.parametrize("name", ["empty", "one byte", "text", "zeros", "only a header", "cut short",
                                  "no program headers", "headers beyond the end", "all ones after the magic"])
def test_corrupt_kernels_are_refused(machine, name, tmp_path):
    kernel = pathlib.Path(machine.config["boot-source"]["kernel_image_path"])
    broken = tmp_path / "broken"
    broken.write_bytes(corrupt_kernels(kernel)[name])
    machine.config["boot-source"]["kernel_image_path"] = str(broken)
    assert_refused(machine.start(), BAD_CONFIGURATION, "kernel .*broken")


def test_a_missing_initrd_is_named(machine):
    machine.config["boot-source"]["initrd_path"] = "/nonexistent/initrd"
    assert_refused(machine.start(), BAD_CONFIGURATION, "initrd .*/nonexistent/initrd.*: No such file")


def test_an_initrd_larger_than_memory_is_refused(machine, tmp_path):
    initrd = tmp_path / "large"
    with open(initrd, "wb") as file:
        file.truncate(1 << 30)
    machine.config["boot-source"]["initrd_path"] = str(initrd)
    assert_refused(machine.start(), BAD_CONFIGURATION, "initrd .*large")


def test_a_command_line_that_is_too_long_is_refused(machine):
    machine.config["boot-source"]["boot_args"] = "x" * 100_000
    assert_refused(machine.start(), BAD_CONFIGURATION, "command line")


@pytest.mark.parametrize("path", ["/nonexistent/x.log", "/"])
def test_an_unwritable_log_is_refused_before_anything_starts(machine, path):
    # The kernel is missing too: what is told first is what was looked at first.
    machine.config["boot-source"]["kernel_image_path"] = "/nonexistent/vmlinux"
    assert_refused(machine.start("--log-path", path), BAD_CONFIGURATION, f"open log {path}: ")
    machine.config["logger"] = {"log_path": path}
    assert_refused(machine.start(), BAD_CONFIGURATION, f"open log {path}: ")


def test_a_log_fifo_nobody_reads_is_refused(machine, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert_refused(machine.start("--log-path", tmp_path / "fifo"), BAD_CONFIGURATION, "open log .*fifo")


def test_an_unknown_log_level_is_refused(machine):
    assert_refused(machine.start("--level", "loud"), BAD_CONFIGURATION, 'level "loud": must be Off, Error')
    machine.config["logger"] = {"level": "loud"}
    assert_refused(machine.start(), BAD_CONFIGURATION, "unknown variant `loud`")
