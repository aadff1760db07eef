"""Published ports and the user network of `bulkhead run`: what is open, and that nothing else is."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.request

import pytest

from harness import network
from harness.console import Running

TIMEOUT = 120
# Waits for whom it needs no longer than this.
PROMPT = 5

pytestmark = pytest.mark.usefixtures("vmm", "kernels")


class Machine(Running):
    """What `bulkhead run` started; it is told to end, so that it ends its monitor."""

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(TIMEOUT)
        super().__exit__()


@pytest.fixture(params=["microvm", "container", "rootless"])
def words(request, bulkhead):
    """The beginning of `bulkhead run` of a machine of one kind, up to its other options."""
    if request.param == "rootless":
        user, root = request.getfixturevalue("user"), request.getfixturevalue("user_store")
        return user.words(user.bulkhead, "run", "--root", root, "--isolation", "container")
    if request.param == "container" and os.geteuid() != 0:
        pytest.skip("containers of images without a user of the test's need root")
    return [bulkhead, "run", "--root", request.getfixturevalue("store"), "--isolation", request.param, "--code-cache", "none"]


@pytest.fixture
def run(words, tmp_path):
    """Starts a machine of the busybox image."""
    # With root, ports of containers that are in no user network lead to a managed one.
    network = ("--network", "user") if "container" in words and "setpriv" not in words else ()

    def start(options, script):
        own = network if "-p" in options else ()
        return Machine([*words, *own, *options, "busybox", "sh", "-c", script], tmp_path)

    return start


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, address="127.0.0.1"):
    with urllib.request.urlopen(f"http://{address}:{port}/index.html", timeout=TIMEOUT) as answer:
        return answer.read().decode()


def refused(port, address="127.0.0.1"):
    with socket.socket() as client:
        client.settimeout(PROMPT)
        return client.connect_ex((address, port)) != 0


SERVE = "mkdir /www; echo from the guest > /www/index.html; httpd -p 80 -h /www; httpd -p 81 -h /www; echo serving; "
STAY = "trap exit TERM; sleep 1000 & wait"


def test_a_published_port_answers_and_no_other(run):
    port, other = free_port(), free_port()
    with run(("-p", f"{port}:80"), SERVE + STAY) as machine:
        machine.wait_for("serving", TIMEOUT)
        assert fetch(port) == "from the guest\n"
        assert refused(other)
        assert refused(port, "127.0.0.2"), "the port is on one address of the loopback only"
    assert refused(port)


def test_many_connect_at_once(run):
    port = free_port()
    with run(("-p", f"{port}:80"), SERVE + STAY) as machine:
        machine.wait_for("serving", TIMEOUT)
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), TIMEOUT)) for _ in range(8)]
            assert time.monotonic() - began < 1, "a full queue makes the kernel try again after a second"
            for client in clients:
                client.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            for client in clients:
                assert b"from the guest" in client.makefile("rb").read()


ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 5353))
print("serving", flush=True)
for _ in range(4):
    words, client = server.recvfrom(2000)
    server.sendto(words.upper() + client[0].encode(), client)
    # Nobody behind this port has asked.
    server.sendto(b"unasked", (client[0], TARGET))
"""


def test_datagrams_go_in_and_answers_back_and_nowhere_else(bulkhead, initrds, tmp_path):
    port = free_port(socket.SOCK_DGRAM)
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        service.bind(("127.0.0.1", 0))
        script = ECHO.replace("TARGET", str(service.getsockname()[1]))
        machine = stack.enter_context(Machine([
            bulkhead, "run", "--initrd", initrds["debian"], "--memory", "512", "--code-cache", "none",
            "-p", f"{port}:5353/udp", "python3", "-c", script], tmp_path))
        machine.wait_for("serving", TIMEOUT)
        for client in clients:
            stack.enter_context(client)
            client.settimeout(TIMEOUT)
        for size in (5, 1400):
            for number, client in enumerate(clients):
                client.sendto(b"abcdefghij"[number:number + 1] * size, ("127.0.0.1", port))
            for number, client in enumerate(clients):
                assert client.recv(2000) == b"ABCDEFGHIJ"[number:number + 1] * size + b"10.0.2.2"
        assert machine.finish(TIMEOUT).status == 0
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.recv(100)


LOOK = """
ip -4 -o addr show eth0 | grep -o '10.0.2.15/24'; cat /etc/resolv.conf; cat /etc/hosts
timeout 3 wget -q -O - http://{address}:{port}/index.html || echo no way out
for to in 10.0.2.2 10.0.2.3 127.0.0.1; do timeout 3 wget -q -O - http://$to:{port}/index.html && echo reached $to; done; exit 0
"""


@pytest.fixture
def outside(tmp_path):
    """A network namespace whose loopback and whose other address have a web server."""
    if os.geteuid() != 0:
        pytest.skip("making a network namespace needs root")
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "index.html").write_text("from outside\n")
    with network.Namespace() as namespace, network.web_server(folder, prefix=namespace.prefix, port=8000):
        yield namespace


@pytest.mark.parametrize("kind", ["user", "none"])
def test_what_a_machine_reaches_is_what_its_network_says(words, outside, tmp_path, kind):
    if kind == "none" and "container" in words and "setpriv" not in words:
        pytest.skip("with root, ports of containers in no network lead to a managed one")
    script = LOOK.format(address="10.99.0.1", port=8000)
    with Machine([*outside.prefix, *words, "--network", kind, "--hostname", "web", "-p", "8080:80", "busybox", "sh", "-c",
                  script], tmp_path) as machine:
        outcome = machine.finish(TIMEOUT)
    console = outcome.console
    assert outcome.status == 0, console + outcome.errors
    assert "10.0.2.15/24" in console and "10.0.2.15 web" in console
    assert ("nameserver 10.0.2.3" in console) == (kind == "user")
    assert ("from outside" in console) == (kind == "user")
    assert ("no way out" in console) == (kind == "none")
    assert "reached" not in console and "Segmentation" not in console


def test_without_a_network_there_is_no_card(run):
    with run((), "ls /sys/class/net") as machine:
        outcome = machine.finish(TIMEOUT)
    assert "eth0" not in outcome.console and outcome.status == 0


@pytest.mark.parametrize("suffix, kind, name", [("", socket.SOCK_STREAM, "TCP"), ("/udp", socket.SOCK_DGRAM, "UDP")])
def test_a_port_that_is_taken_is_named(run, suffix, kind, name):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        with run(("-p", f"{port}:80{suffix}"), "true") as machine:
            outcome = machine.finish(TIMEOUT)
    assert outcome.status != 0
    assert f"open {name} port {port} of 127.0.0.1: bind: Address already in use; another program has it" in outcome.errors


def test_an_address_that_is_not_the_hosts_is_named(run):
    with run(("-p", "192.0.2.1:8080:80"), "true") as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status != 0
    assert "is this an address of the host?" in outcome.errors


def test_ports_that_are_none_are_refused_in_words(bulkhead):
    for port in ("80", "0:80", "80:80/sctp"):
        done = subprocess.run([bulkhead, "run", "-p", port, "busybox"], capture_output=True, text=True)
        assert done.returncode != 0
        assert "must be [ADDRESS:]HOST_PORT:MACHINE_PORT[/udp]" in done.stderr
