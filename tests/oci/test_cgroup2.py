"""Hosts with cgroup v2 alone: the same tests, run in small machines that have nothing else."""

import re

import pytest

import machine

FILES = {
    "script": ("resources", "lifecycle", "namespaces", "rootless"),
    "systemd": ("resources", "systemd"),
}
# Their time is not what is tested there, and they take most of it.
LEFT_OUT = "not a_hundred_at_once and not time_limit and not quota_holds"


@pytest.mark.parametrize("first", FILES)
def test_the_tests_pass_where_the_first_process_is(first, tmp_path):
    files = " ".join(f"tests/oci/test_{name}.py" for name in FILES[first])
    console = machine.run(tmp_path, first, f"{files} -k '{LEFT_OUT}'")
    report = console[console.find("@@first"):].replace("\r", "")
    assert report.startswith("@@first " + {"script": "tests", "systemd": "systemd"}[first]), report
    print(report)
    assert "@@status 0" in report, report
    passed = re.search(r"(\d+) passed", report)
    assert passed and int(passed[1]) > 20, report
