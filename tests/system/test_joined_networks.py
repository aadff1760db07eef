"""Machines join managed networks: what they reach there, who reaches them, and that nothing of it stays behind."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from harness.managed import HOST, OUTSIDE, name_servers_with
from test_machines import TIMEOUT, Machines, processes_of

pytestmark = pytest.mark.usefixtures("kernels", "vmm")

SERVE = "mkdir /www; echo {} > /www/index.html; httpd -f -p 80 -h /www"


class JoinedMachines(Machines):
    """The same on the host of managed networks, which is a network namespace."""

    def __init__(self, bulkhead, root, isolation, host):
        super().__init__(bulkhead, root, isolation)
        self.host = host

    def words(self, command, *words):
        # `ip netns exec` would hide the host's control groups.
        return [*self.inside(), *super().words(command, *words)]

    def inside(self):
        return ["nsenter", f"--net={self.host.space('host')}", *self.host.with_name_server()]

    def of_networks(self, *words):
        """`bulkhead network ...` or `bulkhead net ...`."""
        return subprocess.run([*self.inside(), str(self.bulkhead), *map(str, words), "--root", str(self.root)], capture_output=True,
                              text=True, timeout=TIMEOUT)

    def network(self, command, *words, status=0):
        done = self.of_networks("network", command, *words)
        assert done.returncode == status, done
        return done

    def serve(self, name, *options, isolation=None):
        self("run", "-d", "--name", name, *options, *(("--isolation", isolation) if isolation else ()),
             "busybox", "sh", "-c", SERVE.format(name))
        self.wait_for(lambda: self.fetch(name, "127.0.0.1") == name, f"{name} serves")

    def fetch(self, who, target):
        """What `who` gets of a machine; None if nothing."""
        # (`wget -T` of some busyboxes crashes.)
        done = self("exec", who, "timeout", "5", "wget", "-q", "-O", "-", f"http://{target}/", status=None)
        return done.stdout.strip() if done.returncode == 0 else None

    def curl(self, target, who="host"):
        done = self.host.run(who, "curl", "-s", "-m", "5", f"http://{target}/", check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def explain(self, who, to):
        done = self.of_networks("net", "explain", "--json", who, to)
        assert done.returncode in (0, 1), done
        return json.loads(done.stdout)

    def supervisors(self, name):
        """Processes of a machine, with their names: the keeper and the supervisor itself."""
        found = {}
        for pid, line in processes_of(self.inspect(name)["id"]):
            if "bulkhead-supervise" in line:
                found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = pid
        return found


@pytest.fixture(params=["microvm", "container"])
def machines(request, store, bulkhead, host):
    machines = JoinedMachines(bulkhead, store, request.param, host)
    yield machines
    left = machines("ps", "-aq").stdout.split()
    if left:
        machines("rm", "-f", *left)
    networks = machines.network("ls", "-q").stdout.split()
    if networks:
        machines.network("rm", *networks)
    assert not list((store / "machines").iterdir())
    assert_nothing_left(machines)


def assert_nothing_left(machines):
    assert set(machines.host.devices()) == {"lo", "up0"}
    assert machines.host.rules() == []
    folder = folder_of_networks(machines.root)
    assert name_servers_with(folder) == []
    assert not os.path.exists(folder)


def folder_of_networks(root):
    """What name servers of a root need is in a folder named by a hash (FNV-1a) of it."""
    digits = 0xCBF29CE484222325
    for byte in str(pathlib.Path(root).resolve()).encode():
        digits = (digits ^ byte) * 0x100000001B3 % (1 << 64)
    return f"/run/bulkhead/net/{digits >> 20:011x}"


def other(isolation):
    return "container" if isolation == "microvm" else "microvm"


def test_machines_of_a_network_find_each_other(machines):
    if not os.access("/usr/sbin/dnsmasq", os.X_OK):
        pytest.skip("dnsmasq is not installed")
    machines.network("create", "front", "--subnet", "10.88.1.0/24", "--names")
    machines.network("create", "back", "--subnet", "10.88.2.0/24")
    machines.serve("web", "--network", "front")
    machines.serve("db", "--network", "front", "--ip", "10.88.1.9", isolation=other(machines.isolation))
    machines.serve("far", "--network", "back")
    for who, target, answer in [("web", "db", "db"), ("web", "10.88.1.9", "db"), ("db", "web", "web"),
                                ("db", "10.88.1.2", "web"), ("far", "10.88.1.2", None), ("web", "10.88.2.2", None),
                                ("web", "far", None)]:
        assert machines.fetch(who, target) == answer, (who, target)
    assert machines.explain("web", "db:80")["verdict"] == "allowed"
    assert machines.explain("far", "web:80")["rule"] == "between networks"
    names = {one["name"]: one["networks"] for one in json.loads(machines("inspect", "web", "db").stdout)}
    assert names == {"web": [{"name": "front", "address": "10.88.1.2"}], "db": [{"name": "front", "address": "10.88.1.9"}]}


def test_a_machine_in_two_networks_reaches_both(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines.network("create", "back", "--subnet", "10.88.2.0/24", "--egress", "deny")
    machines.serve("db", "--network", "back")
    machines.serve("web", "--network", "front", "--network", "back")
    assert machines.fetch("web", "10.88.2.2") == "db"
    assert machines.fetch("db", "10.88.2.3") == "web"
    routes = machines("exec", "web", "ip", "route").stdout
    assert "default via 10.88.1.1 dev eth0" in routes and "10.88.2.0/24 dev eth1" in routes


def test_what_leaves_a_network_is_what_its_rules_say(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24", "--egress", "deny",
                     "--deny", f"{OUTSIDE}:81", "--allow", "192.0.2.0/24")
    machines.serve("web", "--network", "front")
    for port, open_ in ((80, True), (81, False)):
        done = machines("exec", "web", "nc", "-w", "3", OUTSIDE, str(port), status=None)
        assert (done.stdout == "outside") == open_, done
        assert (machines.explain("web", f"{OUTSIDE}:{port}")["verdict"] == "allowed") == open_


def test_a_rate_is_a_limit_of_the_firewall(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines.serve("web", "--network", "front", "--rate-in", "1000000", "--rate-out", "20000")
    rules = json.loads(machines.of_networks("net", "rules").stdout)["nftables"]
    limits = sorted(part["limit"]["rate"] for rule in rules for part in rule.get("add", {}).get("rule", {}).get("expr", [])
                    if "limit" in part)
    assert limits == [20000, 1000000]


def test_a_published_port_is_open_where_it_says(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines.serve("web", "--network", "front", "-p", "127.0.0.1:8080:80", "-p", f"{HOST}:8081:80")
    assert machines.curl("127.0.0.1:8080") == "web"
    assert machines.curl(f"{HOST}:8081", "outside") == "web"
    for target, who in (("127.0.0.2:8080", "host"), (f"{HOST}:8080", "outside"), ("10.88.1.2:80", "outside")):
        assert machines.curl(target, who) is None, target
    assert machines.explain("host", "host:8080")["verdict"] == "allowed"
    said = machines.explain("outside", f"{HOST}:8081")
    assert said["verdict"] == "allowed" and said["rule"].startswith("in by "), said
    assert machines.explain("outside", "web:80")["rule"] == "no way in"
    taken = machines("run", "-d", "--name", "other", "--network", "front", "-p", "8080:80", "busybox", "true", status=125)
    assert "port 127.0.0.1:8080:80/tcp of machine other is taken by 127.0.0.1:8080:80/tcp of machine web" in taken.stderr
    # A program of the host's is there.
    taken = machines("run", "-d", "--name", "third", "--network", "front", "-p", f"{HOST}:80:80", "busybox", "true", status=125)
    assert "a program of the host listens there, or a machine has it; stop it or take another port" in taken.stderr
    assert machines.state("third")["reason"] == "not started"
    machines("stop", "-t", "0", "web")
    assert machines.curl("127.0.0.1:8080") is None


def test_a_container_that_only_publishes_is_in_a_network_of_its_kind(store, bulkhead, host):
    machines = JoinedMachines(bulkhead, store, "container", host)
    machines.serve("web", "-p", "127.0.0.1:8080:80")
    assert machines.curl("127.0.0.1:8080") == "web"
    network, = json.loads(machines.network("ls", "--json").stdout)
    assert (network["name"], network["egress"], network["machines"]) == ("bulkhead", "deny", 1)
    done = machines("exec", "web", "nc", "-w", "3", OUTSIDE, "80", status=None)
    assert done.stdout == ""
    machines("rm", "-f", "web")
    machines.network("rm", "bulkhead")
    assert_nothing_left(machines)


def test_one_that_is_not_kept_goes_with_its_end(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    done = machines("run", "--network", "front", "busybox", "sh", "-c", f"nc -w 3 {OUTSIDE} 80; exit 7", status=7)
    assert done.stdout == "outside"
    machines("run", "--network", "front", "busybox", "no-such", status=127)
    assert machines("ps", "-aq").stdout == ""
    assert_nothing_left(machines)


def test_an_address_stays_as_long_as_the_machine(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines("create", "--name", "first", "--network", "front", "busybox", "true")
    machines.serve("web", "--network", "front", "--restart", "always")
    address = "10.88.1.3"
    assert machines.curl(address) == "web"
    machines("rm", "first")
    machines("restart", "-t", "0", "web")
    machines.wait_for(lambda: machines.curl(address) == "web", "it serves again")
    # Started again by itself, it has its card still.
    runs = machines.state("web")["restarts"]
    engine, = [pid for pid, line in processes_of(machines.inspect("web")["id"])
               if "bulkhead-oci" in line or "bulkhead-vmm" in line]
    os.kill(int(engine), signal.SIGKILL)
    machines.wait_for(lambda: machines.state("web")["restarts"] > runs, "it starts again")
    machines.wait_for(lambda: machines.curl(address) == "web", "it serves again")


@pytest.mark.parametrize("victims", [("bulkhead-superv",), ("bulkhead-keep",), ("bulkhead-keep", "bulkhead-superv")])
def test_whoever_is_killed_nothing_stays(machines, victims):
    machines.network("create", "front", "--subnet", "10.88.1.0/24",
                     *(("--names",) if os.access("/usr/sbin/dnsmasq", os.X_OK) else ()))
    machines.serve("web", "--network", "front", "-p", "127.0.0.1:8080:80")
    processes = machines.supervisors("web")
    assert set(processes) == {"bulkhead-keep", "bulkhead-superv"}
    for victim in victims:
        os.kill(int(processes[victim]), signal.SIGKILL)
    if victims == ("bulkhead-keep",):
        # The machine goes on without.
        assert machines.curl("127.0.0.1:8080") == "web"
        machines("stop", "-t", "0", "web")
        machines("ps")
    elif victims == ("bulkhead-superv",):
        # Its keeper cleans up; no command has to come by.
        machines.wait_for(lambda: set(machines.host.devices()) == {"lo", "up0"}, "the keeper cleans up")
    else:
        machines.wait_for(lambda: not machines.supervisors("web"), "both end")
    assert machines.state("web")["status"] == ("exited" if victims == ("bulkhead-keep",) else "failed")
    assert_nothing_left(machines)


def test_networks_that_are_used_or_cannot_be(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    for words, error in [
        (("front",), "network front is there already"),
        (("other", "--subnet", "10.88.0.0/16"), "overlaps 10.88.1.0/24 of network front"),
        (("other", "--subnet", "192.0.2.0/25"), "overlaps the host's route to 192.0.2.0/24 by up0"),
        (("other", "--subnet", "10.88.2.7/24"), "the subnet with this address is 10.88.2.0/24"),
        (("user",), "is no name for one"),
        (("a b",), "must be 1 to 32 letters"),
        (("other", "--deny", "10.0.0.0/8:no"), "must be SUBNET or DOMAIN[:PORT][/tcp|/udp]"),
        (("other", "--egress", "maybe"), "must be allow or deny"),
    ]:
        done = machines.network("create", *words, status=2 if "there" not in error and "overlaps" not in error else 1)
        assert error in done.stderr, done.stderr
    machines("create", "--name", "web", "--network", "front", "--ip", "10.88.1.7", "busybox", "true")
    done = machines.network("rm", "front", status=1)
    assert "network front is used by machine web (`bulkhead rm web` first)" in done.stderr
    for words, error in [
        (("--network", "no-such"), "`bulkhead network ls` lists them"),
        (("--network", "front", "--ip", "10.88.1.7"), "address 10.88.1.7 of network front is machine web's"),
        (("--network", "front", "--ip", "10.88.9.7"), "is none for machines of network front (10.88.1.0/24)"),
        (("--network", "front", "--network", "none"), "--network none excludes other networks"),
        (("--network", "front", "--network", "front"), "is given twice"),
        (("--rate-in", "1000000"), "--rate-in is for machines in managed networks"),
        (("--network", "front", "--rate-out", "9"), "--rate-out 9: must be 10000 bytes a second or more"),
        (("--ip", "10.88.1.8"), "--ip is for a machine in one managed network"),
        (("--network", "front", "--name", "x" * 40), "must be 1 to 32 letters"),
    ]:
        done = machines("create", *words, "busybox", "true", status=125)
        assert error in done.stderr, done.stderr
    assert machines.network("ls", "-q").stdout == "front\n"
    machines("rm", "web")
    assert "not a machine" not in machines.network("rm", "front").stderr
    assert "no network" in machines.network("rm", "front", status=1).stderr
    machines.network("rm", "-f", "front")


BIND = """
import socket, sys
host, port, kind = sys.argv[1], int(sys.argv[2]), getattr(socket, sys.argv[3])
one = socket.socket(socket.AF_INET, kind)
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
one.bind((host, port))
if kind == socket.SOCK_STREAM:
    one.listen()
"""


def test_a_published_port_is_nobody_elses(machines):
    def bind(host, port, kind="SOCK_STREAM"):
        return machines.host.run("host", sys.executable, "-c", BIND, host, str(port), kind, check=False)

    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    for end in ("stop", "kill"):
        machines.serve("web", "--network", "front", "-p", "127.0.0.1:8080:80", "-p", f"{HOST}:8081:81/udp")
        for host, port, kind in (("127.0.0.1", 8080, "SOCK_STREAM"), ("0.0.0.0", 8080, "SOCK_STREAM"), (HOST, 8081, "SOCK_DGRAM")):
            assert "Address already in use" in bind(host, port, kind).stderr
        assert bind("127.0.0.2", 8080).returncode == 0 and bind(HOST, 8081).returncode == 0
        assert machines.curl("127.0.0.1:8080") == "web", "whoever holds it does not answer"
        if end == "stop":
            machines("stop", "-t", "0", "web")
        else:
            for pid in machines.supervisors("web").values():
                os.kill(int(pid), signal.SIGKILL)
            machines.wait_for(lambda: not machines.supervisors("web"), "both end")
        assert bind("127.0.0.1", 8080).returncode == 0
        assert bind(HOST, 8081, "SOCK_DGRAM").returncode == 0
        machines("rm", "web")


def test_of_two_that_want_one_port_one_gets_it(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    names = ("one", "two", "three")
    racing = [subprocess.Popen(machines.words("run", "-d", "--name", name, "--network", "front", "-p", "8080:80", "busybox",
                                              "sh", "-c", SERVE.format(name)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True) for name in names]
    errors = {name: one.communicate(timeout=TIMEOUT)[1] for name, one in zip(names, racing)}
    started = [name for name, one in zip(names, racing) if one.returncode == 0]
    assert len(started) == 1, errors
    assert all("127.0.0.1" in error and "8080" in error for name, error in errors.items() if name not in started), errors
    machines.wait_for(lambda: machines.curl("127.0.0.1:8080") == started[0], "it serves")


def test_ps_shows_published_ports(machines):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines.serve("web", "--network", "front", "-p", "8080:80", "-p", f"{HOST}:8081:81/udp")
    assert f"  127.0.0.1:8080->80/tcp, {HOST}:8081->81/udp  " in machines("ps").stdout
    listed, = json.loads(machines("ps", "--json").stdout)
    assert listed["ports"] == [
        {"address": "127.0.0.1", "host_port": 8080, "machine_port": 80, "protocol": "tcp"},
        {"address": HOST, "host_port": 8081, "machine_port": 81, "protocol": "udp"}]
    machines("stop", "-t", "0", "web")
    assert "8080" not in machines("ps", "-a").stdout


def test_a_running_machine_is_known_by_its_new_name(machines):
    names = os.access("/usr/sbin/dnsmasq", os.X_OK)
    machines.network("create", "front", "--subnet", "10.88.1.0/24", *(("--names",) if names else ()))
    machines.serve("web", "--network", "front", "-p", "8080:80")
    machines.serve("app", "--network", "front")
    before = machines.host.run("host", "ip", "-o", "link").stdout
    machines("rename", "web", "www")
    assert machines.curl("127.0.0.1:8080") == "web"
    assert machines.explain("app", "www:80")["verdict"] == "allowed"
    if names:
        machines.wait_for(lambda: machines.fetch("app", "www") == "web", "the name server has read it")
        assert machines.fetch("app", "web") is None
    assert machines.host.run("host", "ip", "-o", "link").stdout == before.replace("machine web in", "machine www in")
    done = machines("rename", "www", "app", status=1)
    assert "is in use by machine" in done.stderr
    assert "must be 1 to 32 letters" in machines("rename", "www", "x" * 40, status=2).stderr
    machines("restart", "-t", "0", "www")
    machines.wait_for(lambda: machines.curl("10.88.1.2") == "web", "it serves again")


def test_two_roots_do_not_take_each_others_networks_away(machines, tmp_path):
    machines.network("create", "front", "--subnet", "10.88.1.0/24")
    machines.serve("web", "--network", "front")
    second = JoinedMachines(machines.bulkhead, tmp_path / "second", machines.isolation, machines.host)
    shutil.copytree(machines.root, second.root, ignore=shutil.ignore_patterns("state.db*", "machines"), symlinks=True)
    second.network("create", "mine", "--subnet", "10.88.5.0/24")
    done = second("run", "-d", "--name", "one", "--network", "mine", "busybox", "true", status=125)
    assert "this host's managed networks are others'" in done.stderr
    refused = machines.host.net("remove", "--run", machines.host.run_folder)
    assert refused.returncode == 1 and "others'" in refused.stderr
    assert machines.curl("10.88.1.2") == "web"


def test_without_root_it_says_what_there_is_instead(bulkhead, tmp_path):
    place = pathlib.Path(tmp_path)
    for parent in (place, *place.parents[:2]):
        parent.chmod(0o755)
    program = shutil.copy(bulkhead, place)
    (place / "mine").mkdir()
    shutil.chown(place / "mine", 65534)
    for words in (("network", "create", "--root", place / "mine", "front"),
                  ("create", "--root", place / "mine", "--network", "front", "busybox")):
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program, *words], capture_output=True, text=True)
        assert done.returncode != 0
        assert "managed networks need root (use sudo, or a user network: run --network user)" in done.stderr
