"""The API socket: what Firecracker's clients send, before and after the machine has started."""

import json
import signal
import socket
import subprocess
import time

import pytest

from harness import machines, paths

TIMEOUT = 60

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


@pytest.fixture
def machine(tmp_path):
    running, api = machines.start_api(tmp_path, options=("--id", "box", "--level", "Warning"))
    with running:
        yield running, api
        api.close()


def boot_source(folder, command, arguments="quiet"):
    guest = machines.Guest(("sh", "-c", command), arguments=arguments)
    return {"kernel_image_path": guest.kernel_path(), "initrd_path": str(guest.write_initrd(folder)),
            "boot_args": guest.kernel_arguments()}


def test_a_machine_is_configured_started_paused_and_resumed(machine, tmp_path):
    running, api = machine
    assert api.get("/") == {"app_name": "Firecracker", "id": "box", "state": "Not started",
                            "vmm_version": api.get("/version")["firecracker_version"]}
    api.put("/machine-config", {"vcpu_count": 2, "mem_size_mib": 256})
    api.patch("/machine-config", {"mem_size_mib": 192})
    api.put("/boot-source", boot_source(tmp_path, "while echo tick; do usleep 20000; done"))
    api.put("/entropy", {})
    api.put("/actions", {"action_type": "InstanceStart"})
    assert api.get("/")["state"] == "Running"
    assert api.get("/machine-config")["mem_size_mib"] == 192
    running.wait_for("tick\r\ntick", TIMEOUT)
    api.patch("/vm", {"state": "Paused"})
    assert api.get("/")["state"] == "Paused"
    time.sleep(0.2)
    count = printed(running)
    time.sleep(0.5)
    assert printed(running) == count
    api.patch("/vm", {"state": "Resumed"})
    end = time.monotonic() + TIMEOUT
    while printed(running) <= count:
        assert time.monotonic() < end
    running.process.send_signal(signal.SIGTERM)
    assert running.finish(TIMEOUT).status == 128 + signal.SIGTERM
    assert not (tmp_path / "api.sock").exists()


def printed(running):
    """How much the guest has printed so far."""
    try:
        running.wait_for("\0never", 0.05)
    except Exception:
        pass
    return len(running.console)


def test_curl_speaks_to_it(machine, tmp_path):
    _, api = machine
    def curl(method, target, body=None):
        return subprocess.run(
            ["curl", "-sS", "--unix-socket", tmp_path / "api.sock", "-i", "-X", method, f"http://localhost{target}",
             "-H", "Accept: application/json", "-H", "Content-Type: application/json",
             *(["-d", json.dumps(body)] if body else [])], capture_output=True, text=True, check=True).stdout
    assert curl("PUT", "/machine-config", {"vcpu_count": 2, "mem_size_mib": 1024}).startswith("HTTP/1.1 204 ")
    assert json.loads(curl("GET", "/machine-config").splitlines()[-1])["vcpu_count"] == 2
    big = curl("PUT", "/mmds", {"data": "x" * 20000})
    assert "HTTP/1.1 204 " in big


def test_a_drive_changes_its_file_while_the_machine_runs(machine, tmp_path):
    running, api = machine
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(name.encode().ljust(1 << 20, b"."))
    api.put("/boot-source", boot_source(
        tmp_path, "head -c 5 /dev/vda; echo; read line; head -c 6 /dev/vda; cat /sys/block/vda/size"))
    api.put("/drives/data", {"drive_id": "data", "path_on_host": str(tmp_path / "first"), "is_root_device": False})
    api.put("/actions", {"action_type": "InstanceStart"})
    running.wait_for("first", TIMEOUT)
    with open(tmp_path / "second", "ab") as file:
        file.write(bytes(1 << 20))
    api.patch("/drives/data", {"drive_id": "data", "path_on_host": str(tmp_path / "second")})
    assert api.get("/vm/config")["drives"][0]["path_on_host"] == str(tmp_path / "second")
    status, body = api("PATCH", "/drives/data", {"drive_id": "data", "path_on_host": "/nowhere"})
    assert (status, body) == (400, {"fault_message": "drive data: open /nowhere: No such file or directory"})
    status, body = api("PATCH", "/drives/none", {"drive_id": "none"})
    assert status == 400 and "none" in body["fault_message"]


def test_a_machine_that_cannot_start_may_be_put_right(machine, tmp_path):
    running, api = machine
    status, body = api("PUT", "/actions", {"action_type": "InstanceStart"})
    assert (status, body) == (400, {"fault_message": "Cannot start microvm without kernel configuration."})
    broken = tmp_path / "broken"
    broken.write_bytes(b"x" * 5000)
    api.put("/boot-source", {"kernel_image_path": str(broken)})
    status, body = api("PUT", "/actions", {"action_type": "InstanceStart"})
    assert status == 400 and "neither an ELF vmlinux nor a bzImage" in body["fault_message"]
    assert api.get("/")["state"] == "Not started"
    api.put("/boot-source", boot_source(tmp_path, "exit 9"))
    api.put("/actions", {"action_type": "InstanceStart"})
    assert running.finish(TIMEOUT).status == 9


def test_a_configuration_file_and_the_api_go_together(tmp_path):
    source = boot_source(tmp_path, "echo up; sleep 1000")
    config = {"boot-source": source, "machine-config": {"vcpu_count": 1, "mem_size_mib": 128}}
    (tmp_path / "vm.json").write_text(json.dumps(config))
    (tmp_path / "metadata.json").write_text('{"a": {"b": 1}}')
    running, api = machines.start_api(tmp_path, options=(
        "--config-file", tmp_path / "vm.json", "--metadata", tmp_path / "metadata.json", "--level", "Error",
        "--metrics-path", tmp_path / "metrics"))
    with running:
        running.wait_for("up", TIMEOUT)
        assert api.get("/")["state"] == "Running"
        assert api.get("/mmds") == {"a": {"b": 1}}
        assert api.get("/vm/config")["boot-source"] == source
        api.put("/actions", {"action_type": "FlushMetrics"})
        lines = (tmp_path / "metrics").read_text().splitlines()
        assert abs(json.loads(lines[0])["utc_timestamp_ms"] - time.time() * 1000) < 10_000
        api.close()


def test_the_socket_must_not_be_there_yet(tmp_path):
    (tmp_path / "api.sock").touch()
    result = subprocess.run([paths.VMM, "--api-sock", tmp_path / "api.sock"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 152
    assert "API: bind socket" in result.stderr and "Address already in use" in result.stderr


def raw(folder, data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(str(folder / "api.sock"))
        if data:
            client.sendall(data)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer.decode()


def test_what_is_not_http_is_answered_with_json_and_closed(machine, tmp_path):
    for data in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"x" * 5000,
                 b"PUT /mmds HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"):
        head, body = raw(tmp_path, data).split("\r\n\r\n", 1)
        assert head.startswith("HTTP/1.1 400 ")
        assert json.loads(body)["error"].endswith("\nAll previous unanswered requests will be dropped.")


def test_a_client_may_wait_to_be_told_to_send(machine, tmp_path):
    answer = raw(tmp_path, b"PUT /mmds HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    assert answer.startswith("HTTP/1.1 100 ") or answer.startswith("HTTP/1.1 204 ")
    assert "204" in answer


def test_the_eleventh_connection_is_refused(machine, tmp_path):
    _, api = machine
    api.get("/")
    clients = []
    for _ in range(9):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(tmp_path / "api.sock"))
        clients.append(client)
    assert raw(tmp_path, b"").startswith("HTTP/1.1 503 ")
    for client in clients:
        client.close()
    api.get("/")


def test_the_api_answers_while_a_guest_keeps_every_processor_busy(machine, tmp_path):
    running, api = machine
    api.put("/machine-config", {"vcpu_count": 2, "mem_size_mib": 128})
    api.put("/boot-source", boot_source(tmp_path, "while :; do :; done & echo busy; while :; do :; done"))
    api.put("/actions", {"action_type": "InstanceStart"})
    running.wait_for("busy", TIMEOUT)
    start = time.monotonic()
    for _ in range(20):
        api.get("/vm/config")
    assert time.monotonic() - start < 10


def test_ctrl_alt_delete_reaches_a_guest_with_a_keyboard(machine, tmp_path):
    running, api = machine
    guest = machines.Guest(("sh", "-c", "echo 1 > /proc/sys/kernel/ctrl-alt-del; echo ready; read line"),
                           kernel="cloud", arguments="quiet")
    api.put("/boot-source", {"kernel_image_path": guest.kernel_path(), "boot_args": guest.kernel_arguments(),
                             "initrd_path": str(guest.write_initrd(tmp_path))})
    api.put("/machine-config", {"vcpu_count": 1, "mem_size_mib": 256})
    api.put("/actions", {"action_type": "InstanceStart"})
    running.wait_for("ready", TIMEOUT)
    api.put("/actions", {"action_type": "SendCtrlAltDel"})
    assert running.finish(TIMEOUT).status == 0


NO_SSE42 = {"leaf": "0x1", "subleaf": "0x0", "flags": 0, "modifiers": [{"register": "ecx", "bitmap": "0b0" + 20 * "x"}]}


def test_a_cpu_template_changes_what_the_guest_sees(machine, tmp_path):
    running, api = machine
    api.put("/boot-source", boot_source(tmp_path, "grep -c sse4_2 /proc/cpuinfo; grep -c sse4_1 /proc/cpuinfo; exit 0"))
    api.put("/cpu-config", {"cpuid_modifiers": [NO_SSE42]})
    api.put("/actions", {"action_type": "InstanceStart"})
    outcome = running.finish(TIMEOUT)
    assert "0\r\n1\r\n" in outcome.console or "0\n1\n" in outcome.console, outcome.console + outcome.errors


def test_a_cpu_template_that_cannot_be_is_refused_in_words(machine, tmp_path):
    _, api = machine
    api.put("/boot-source", boot_source(tmp_path, "true"))
    impossible = {"leaf": "0x7", "subleaf": "0x0", "flags": 1, "modifiers": [{"register": "ebx", "bitmap": "0b1" + 16 * "x"}]}
    api.put("/cpu-config", {"cpuid_modifiers": [impossible]})
    status, body = api("PUT", "/actions", {"action_type": "InstanceStart"})
    assert status == 400 and "soft engine does not have the features of bits 0x10000" in body["fault_message"]
    api.put("/cpu-config", {})
    api.put("/actions", {"action_type": "InstanceStart"})
    assert api("PUT", "/cpu-config", {})[0] == 400


def test_a_configuration_file_names_a_cpu_template(tmp_path):
    template = tmp_path / "cpu.json"
    template.write_text(json.dumps({"cpuid_modifiers": [NO_SSE42]}))
    guest = machines.Guest(("sh", "-c", "grep -c sse4_2 /proc/cpuinfo; exit 0"), arguments="quiet",
                           devices={"cpu-config": str(template)})
    with machines.start_vmm(guest, tmp_path) as started:
        assert started.finish(TIMEOUT).console.rstrip().endswith("0")
    template.write_text("{")
    with machines.start_vmm(guest, tmp_path) as started:
        outcome = started.finish(TIMEOUT)
    assert outcome.status != 0 and "cpu.json: EOF while parsing" in outcome.errors
