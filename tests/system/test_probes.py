"""What probes say of a machine is data, and can restart it: the same in microVMs and containers."""

import json
import os

import pytest

from test_machines import RootlessMachines, machines, need_builds  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("kernels", "vmm")

OFTEN = ("--health-interval", "100ms", "--health-retries", "2")


def health(machines):  # noqa: F811
    return machines.state("web").get("health")


def actions(machines):  # noqa: F811
    lines = machines("events", "--no-stream", "--json").stdout.splitlines()
    events = [event for event in map(json.loads, lines) if event["name"] == "web"]
    start = max(i for i, event in enumerate(events) if event["action"] == "create")
    return [(event["action"], event["detail"]) for event in events[start:]]


def test_health_is_told_as_docker_tells_it(machines):  # noqa: F811
    machines("run", "-d", "--name", "web", "--health-cmd", "echo looked; test -e /ok", *OFTEN,
             "--health-start-period", "1h", "busybox", "sleep", "1000")
    assert health(machines) == "starting"
    machines("exec", "web", "touch", "/ok")
    machines.wait_for(lambda: health(machines) == "healthy", "it is healthy")
    assert "(healthy)" in machines("ps").stdout
    assert machines("ps", "-q", "--filter", "health=unhealthy").stdout == ""
    machines("exec", "web", "rm", "/ok")
    machines.wait_for(lambda: health(machines) == "unhealthy", "it is unhealthy")
    assert machines.state("web")["health_detail"] == "looked"
    assert machines("ps", "-q", "--filter", "health=unhealthy").stdout != ""
    machines("exec", "web", "touch", "/ok")
    machines.wait_for(lambda: health(machines) == "healthy", "it is healthy again")
    assert [detail for action, detail in actions(machines) if action == "health"] == ["healthy", "unhealthy", "healthy"]
    assert machines.state("web")["restarts"] == 0
    machines("stop", "-t", "0", "web")
    assert health(machines) is None


def test_a_machine_that_does_not_live_is_restarted(machines):  # noqa: F811
    machines("run", "-d", "--name", "web", "--tmpfs", "/flag", "--liveness",
             "interval=100ms,retries=1,action=restart,exec=! test -e /flag/bad", "busybox", "sleep", "1000")
    machines("exec", "web", "touch", "/flag/bad")
    machines.wait_for(lambda: machines.state("web")["restarts"] == 1, "it is started again")
    machines.wait_for(lambda: health(machines) == "healthy", "it lives again")
    assert machines.state("web")["status"] == "running"
    assert ("health", "unhealthy") in actions(machines) and ("restart", "") in actions(machines)


@pytest.mark.parametrize("probe", ["tcp=8080", "http=8080/index.html"])
def test_a_machine_is_ready_when_its_port_answers(machines, probe):  # noqa: F811
    machines("run", "-d", "--name", "web", "--readiness", f"interval=100ms,retries=1,{probe}", "busybox", "sh", "-c",
             "echo > /index.html; while :; do test -e /go && httpd -f -p 127.0.0.1:8080 -h /; sleep 0.1; done")
    assert machines.state("web")["ready"] is False and health(machines) is None
    assert "not ready" in machines("ps").stdout
    machines("exec", "web", "touch", "/go")
    machines.wait_for(lambda: machines.state("web")["ready"], "it is ready")
    machines("exec", "web", "sh", "-c", "rm /go /index.html; test $0 = tcp && killall httpd; true", probe[:3])
    machines.wait_for(lambda: not machines.state("web")["ready"], "it is not ready any more")
    expected = "refused" if probe.startswith("tcp") else "404"
    assert expected in machines.state("web")["health_detail"]
    assert [detail for action, detail in actions(machines) if action == "ready"] == ["yes", "no"]


def test_an_answer_that_does_not_come_is_a_bad_one(machines):  # noqa: F811
    machines("run", "-d", "--name", "web", "--health-cmd", "sleep 1000", "--health-timeout", "100ms", *OFTEN,
             "busybox", "sleep", "1000")
    machines.wait_for(lambda: health(machines) == "unhealthy", "it gives up")
    assert "100 ms" in machines.state("web")["health_detail"]
    if isinstance(machines, RootlessMachines):
        return
    machines("pause", "web")
    machines("resume", "web")
    assert machines.state("web")["status"] == "running"


def test_an_images_healthcheck_counts(machines, tmp_path):  # noqa: F811
    need_builds(machines)
    (tmp_path / "Dockerfile").write_text('FROM busybox\nHEALTHCHECK --interval=100ms --retries=1 CMD ["true"]\n')
    machines("image", "build", "--tag", "checked", tmp_path)
    machines("run", "-d", "--name", "web", "checked", "sleep", "1000")
    machines.wait_for(lambda: health(machines) == "healthy", "it is healthy")
    assert machines.inspect("web")["definition"]["liveness"]["exec"] == ["true"]
    machines("rm", "-f", "web")
    machines("run", "-d", "--name", "web", "--no-healthcheck", "checked", "sleep", "1000")
    assert health(machines) is None
    machines("rm", "-f", "web")
    machines("create", "--name", "web", "--health-retries", "7", "checked", "sleep", "1000")
    assert machines.inspect("web")["definition"]["liveness"]["retries"] == 7


def test_mistakes_name_the_next_step(machines):  # noqa: F811
    for words, expected in [(("--liveness", "tcp=http"), "port"), (("--health-cmd", "true", "--health-interval", "5"), "30s"),
                            (("--health-interval", "5s"), "--health-cmd"), (("--readiness", "tcp=1,action=restart"), "--liveness"),
                            (("--liveness", "interval=5s"), "exec=")]:
        done = machines("create", *words, "busybox", "true", status=None)
        assert done.returncode == 125 and expected in done.stderr, (words, done)


def test_a_question_that_ignores_signals_ends_with_all_it_has_started(machines):  # noqa: F811
    # Without control groups a command can leave its session.
    grouped = not isinstance(machines, RootlessMachines)
    setsid = "setsid " if grouped else ""
    stubborn = "trap '' TERM HUP INT QUIT; "
    machines("run", "-d", "--name", "web", "--health-cmd",
             f"{stubborn}({setsid}sleep 7777 > /dev/null 2>&1 &) ; sh -c \"{stubborn}sleep 8888; true\"; sleep 9999",
             "--health-timeout", "500ms", *OFTEN, "busybox", "sleep", "1000")
    machines.wait_for(lambda: health(machines) == "unhealthy", "it gives up")

    def left():
        lines = machines("exec", "web", "ps").stdout.splitlines()
        return len([line for line in lines if "sleep 7777" in line and "sh" not in line])

    # One question at a time, and what an earlier one has started is not there.
    assert max(left() for _ in range(10)) <= 1
    if not grouped:
        return
    machines("rm", "-f", "web")
    machines("run", "-d", "--name", "web", "--health-cmd", "echo x >> /asked; setsid sleep 7777 > /dev/null 2>&1 & true",
             "--health-interval", "100ms", "busybox", "sleep", "1000")
    machines.wait_for(lambda: machines("exec", "web", "sh", "-c", "wc -l < /asked || true").stdout.strip() not in ("", "0", "1"),
                      "it is asked again")
    assert left() <= 1
