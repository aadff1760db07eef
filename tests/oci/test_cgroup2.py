"""Hosts with cgroup v2 alone: the same tests, run in small machines that have nothing else."""

import concurrent.futures
import re

import pytest

import machine

TESTS = {
    "script": ("resources", "lifecycle", "rootless", "process.py::test_a_profile_of_apparmor",
               "namespaces.py::test_the_cgroup_namespace_hides_the_path"),
    "systemd": ("resources", "systemd"),
}
# Their time is not what is tested there, and they take most of it.
LEFT_OUT = "not a_hundred_at_once and not time_limit and not quota_holds"


@pytest.fixture(scope="module")
def consoles(tmp_path_factory, request):
    """What the machines printed, each run at the same time as the other."""
    wanted = {item.callspec.params["first"] for item in request.session.items
              if item.fspath == request.fspath}

    def console(first):
        names = (name if "::" in name else f"{name}.py" for name in TESTS[first])
        words = " ".join(f"tests/oci/test_{name}" for name in names)
        return machine.run(tmp_path_factory.mktemp(first), first, f"{words} -k '{LEFT_OUT}'")

    with concurrent.futures.ThreadPoolExecutor(len(TESTS)) as pool:
        yield {first: pool.submit(console, first) for first in wanted}


@pytest.mark.parametrize("first", TESTS)
def test_the_tests_pass_where_the_first_process_is(first, consoles):
    console = consoles[first].result()
    report = console[console.find("@@first"):].replace("\r", "")
    assert report.startswith("@@first " + {"script": "tests", "systemd": "systemd"}[first]), report
    print(report)
    assert "@@status 0" in report, report
    passed = re.search(r"(\d+) passed", report)
    assert passed and int(passed[1]) > 20, report
