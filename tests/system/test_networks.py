"""Managed networks: what `bulkhead net` makes of a state, in namespaces of the test's own, and that what it says of
packets is what happens to them."""

import collections
import contextlib
import itertools
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from harness.managed import HOST, LISTENING, OUTSIDE, SECRET, ManagedHost

MACHINES = ("m0", "m1", "m2", "m3")
SEED = 20

pytestmark = pytest.mark.usefixtures("bulkhead")


@pytest.fixture(scope="module")
def host(tmp_path_factory, bulkhead):
    if os.geteuid() != 0:
        pytest.skip("managed networks need root")
    with ManagedHost(MACHINES, tmp_path_factory.mktemp("net")) as host:
        table = subprocess.run([*host.prefix("host"), "nft", "add", "table", "bridge", "probe"], capture_output=True,
                               text=True)
        if table.returncode != 0:
            pytest.skip(f"the kernel has no nf_tables for bridges: {table.stderr.splitlines()[0]}")
        host.run("host", "nft", "delete", "table", "bridge", "probe")
        yield host


@pytest.fixture(autouse=True)
def nothing_left(host):
    yield
    host.remove()
    assert set(host.devices()) == {"lo", "up0"}
    assert name_servers(host) == []


def attachment(host, machine, network, address, **more):
    return {"machine": machine, "network": network, "address": address, "namespace": host.space(machine), **more}


def two_networks(host):
    """m0 and m1 in front, m2 in back with no way out, m3 in both; m0 and m2 publish."""
    return {
        "networks": [
            {"name": "front", "subnet": "10.88.1.0/24", "rules": [
                {"verdict": "deny", "to": f"{OUTSIDE}/32", "protocol": "tcp", "port": 81}]},
            {"name": "back", "subnet": "10.88.2.0/24", "egress": "deny"},
        ],
        "attachments": [
            attachment(host, "m0", "front", "10.88.1.2", ports=["8080:80", "0.0.0.0:8081:81/udp"]),
            attachment(host, "m1", "front", "10.88.1.3"),
            attachment(host, "m2", "back", "10.88.2.2", ports=[f"{HOST}:8082:80"]),
            attachment(host, "m3", "front", "10.88.1.4"),
            attachment(host, "m3", "back", "10.88.2.3", device="eth1"),
        ],
    }


Probe = collections.namedtuple("Probe", "who to target port udp", defaults=(False,))


def check_probe(host, probe, reached):
    """Packets, the counters of the firewall and `net explain` say the same of a probe. `reached` is who would answer."""
    before = host.counters()
    answer = host.agents[probe.who].ask(probe.target, probe.port, probe.udp)
    after = host.counters()
    counted = {name for name in after if after[name] > before.get(name, 0)}
    said = host.explain(probe.who, f"{probe.to}:{probe.port}{'/udp' if probe.udp else ''}")
    described = f"{probe}: {answer}, {counted}, {said}"
    assert answer in (reached, None), described
    assert (answer is not None) == (said["verdict"] == "allowed"), described
    assert said["rule"] == "none" or said["rule"] in counted, described
    return said


def test_what_is_open_and_nothing_else(host):
    host.apply(two_networks(host))
    for who, to, target, port, udp, reached, rule in [
        ("m0", "m1", "10.88.1.3", 80, False, "m1", "same network"),
        ("m0", "m1", "10.88.1.3", 80, True, "m1", "same network"),
        ("m0", "m2", "10.88.2.2", 80, False, None, "between networks"),
        ("m0", "outside", OUTSIDE, 80, False, "outside", "egress of front"),
        ("m0", "outside", OUTSIDE, 81, False, None, "egress 1 of front"),
        ("m0", "outside", OUTSIDE, 81, True, "outside", "egress of front"),
        ("m2", "outside", OUTSIDE, 80, False, None, "egress of back"),
        ("m0", "host", "10.88.1.1", 80, False, None, "host is closed"),
        ("m0", "host", HOST, 80, False, None, "host is closed"),
        ("m3", "m1", "10.88.1.3", 80, False, "m1", "same network"),
        ("m3", "m2", "10.88.2.2", 80, False, "m2", "same network"),
        ("host", "m2", "10.88.2.2", 80, False, "m2", "from the host"),
        ("host", "host", "127.0.0.1", 8080, False, "m0", "published 127.0.0.1:8080:80/tcp of m0"),
        ("host", "host", "127.0.0.1", 8081, True, "m0", "published 0.0.0.0:8081:81/udp of m0"),
        ("host", HOST, HOST, 8081, True, "m0", "published 0.0.0.0:8081:81/udp of m0"),
        ("outside", "host", HOST, 8081, True, "m0", "in by 0.0.0.0:8081:81/udp of m0"),
        ("outside", HOST, HOST, 8082, False, "m2", f"in by {HOST}:8082:80/tcp of m2"),
        ("outside", "m0", "10.88.1.2", 80, False, None, "no way in"),
        ("outside", "m0", "10.88.1.2", 81, True, None, "no way in"),
        ("m1", "host", "10.88.1.1", 8081, True, None, "host is closed"),
    ]:
        # The state knows addresses, not what is outside, nor the host's own that nobody publishes on.
        to = {"outside": OUTSIDE}.get(to, to)
        said = check_probe(host, Probe(who, to, target, port, udp), reached)
        assert (said["verdict"] == "allowed", said["rule"]) == (reached is not None, rule)
    assert host.agents["outside"].ask(HOST, 8080) is None, "published on the loopback alone"
    assert host.agents["m0"].ask(OUTSIDE, 80) == "outside", "with the host's address"


def random_state(host, chance):
    """Networks with rules and machines, as they fall."""
    networks = []
    for number in range(chance.randint(1, 3)):
        rules = []
        for _ in range(chance.randint(0, 3)):
            rule = {"verdict": chance.choice(["allow", "deny"]),
                    "to": chance.choice(["0.0.0.0/0", "192.0.2.0/24", f"{OUTSIDE}/32", "198.51.100.0/24", "192.0.2.0/31"])}
            if chance.random() < 0.6:
                rule["protocol"] = chance.choice(["tcp", "udp"])
                if chance.random() < 0.7:
                    rule["port"] = chance.choice(LISTENING)
            rules.append(rule)
        networks.append({"name": f"n{number}", "subnet": f"10.88.{number}.0/24", "rules": rules,
                         "egress": chance.choice(["allow", "deny"]), "names": chance.random() < 0.5})
    attachments = []
    host_ports = itertools.count(8000)
    for index, machine in enumerate(MACHINES):
        network = chance.randrange(len(networks))
        ports = []
        for _ in range(chance.randint(0, 2)):
            address = chance.choice(["127.0.0.1", "0.0.0.0", HOST])
            ports.append(f"{address}:{next(host_ports)}:{chance.choice(LISTENING)}/{chance.choice(['tcp', 'udp'])}")
        attachments.append(attachment(host, machine, f"n{network}", f"10.88.{network}.{10 + index}", ports=ports))
    return {"networks": networks, "attachments": attachments}


def random_probes(state, chance):
    """Some of each kind: where to, and who would answer."""
    addresses = {one["machine"]: one["address"] for one in state["attachments"]}
    for _ in range(8):
        who, to = chance.sample(MACHINES, 2)
        yield Probe(who, to, addresses[to], chance.choice(LISTENING), chance.random() < 0.4), to
    for _ in range(6):
        yield Probe(chance.choice(MACHINES), OUTSIDE, OUTSIDE, chance.choice(LISTENING), chance.random() < 0.4), "outside"
    for _ in range(2):
        who = chance.choice(MACHINES)
        gateway = addresses[who].rsplit(".", 1)[0] + ".1"
        yield Probe(who, "host", gateway, chance.choice(LISTENING)), "host"
    to = chance.choice(MACHINES)
    yield Probe("outside", to, addresses[to], 80), to
    yield Probe("host", to, addresses[to], chance.choice(LISTENING), chance.random() < 0.4), to
    for one in state["attachments"]:
        for port in one["ports"]:
            address, number, _ = port.split(":")
            udp = port.endswith("udp")
            for who in ("host", "outside"):
                if address != "127.0.0.1":
                    yield Probe(who, HOST if address == HOST else "host",
                                "127.0.0.1" if who == "host" and address == "0.0.0.0" else HOST, int(number), udp), one["machine"]
                elif who == "host":
                    yield Probe(who, "127.0.0.1", "127.0.0.1", int(number), udp), one["machine"]


@pytest.mark.parametrize("number", range(6))
def test_explain_counters_and_packets_agree(host, number):
    chance = random.Random(SEED + number)
    state = random_state(host, chance)
    host.apply(state)
    verdicts = collections.Counter()
    for probe, reached in random_probes(state, chance):
        verdicts[check_probe(host, probe, reached)["verdict"]] += 1
    assert verdicts["allowed"] and verdicts["denied"], verdicts


def test_a_machine_is_only_itself(host):
    """Another address, another MAC address, a neighbour's name in ARP: dropped and counted."""
    host.apply(two_networks(host))
    m0, mac = host.agents["m0"], host.run("m0", "cat", "/sys/class/net/eth0/address").stdout.strip()
    assert m0.ask("10.88.1.3", 80) == "m1"
    host.run("m0", "ip", "addr", "add", "10.88.1.9/24", "dev", "eth0")
    assert m0.ask("10.88.1.3", 80, source="10.88.1.9") is None
    first = host.counters()["spoofed"]
    assert first > 0
    host.run("m0", "ip", "addr", "del", "10.88.1.9/24", "dev", "eth0")
    host.run("m0", "ip", "link", "set", "eth0", "address", "02:00:00:00:00:99")
    assert m0.ask("10.88.1.3", 80) is None
    second = host.counters()["spoofed"]
    assert second > first
    host.run("m0", "ip", "link", "set", "eth0", "address", mac)
    host.run("m0", sys.executable, "-c", SAY_WE_ARE_M3)
    assert host.counters()["spoofed"] > second
    neighbours = host.run("m1", "ip", "neigh", "show", "10.88.1.4").stdout
    assert mac not in neighbours
    assert m0.ask("10.88.1.3", 80) == "m1"


# Says that 10.88.1.4 is at this machine's MAC address.
SAY_WE_ARE_M3 = """
import socket
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
wire.bind(("eth0", 0x0806))
mac = wire.getsockname()[4]
address = socket.inet_aton("10.88.1.4")
wire.send(b"\\xff" * 6 + mac + bytes.fromhex("08060001080006040002") + mac + address + b"\\xff" * 6 + address)
"""


def test_a_port_on_the_loopback_does_not_open_the_loopback(host):
    """It needs route_localnet, with which a neighbour's packets to 127.0.0.1 would be taken."""
    host.apply(two_networks(host))
    assert host.agents["host"].ask("127.0.0.1", SECRET) == "host"
    for command in ("sysctl -qw net.ipv4.conf.all.route_localnet=1", "ip route del local 127.0.0.0/8 dev lo table local",
                    "ip route del local 127.0.0.1 dev lo table local", "ip addr del 127.0.0.1/8 dev lo",
                    "ip route add 127.0.0.1 via 10.88.1.1 dev eth0 src 10.88.1.2"):
        host.run("m0", *command.split(), check=False)
    assert host.agents["m0"].ask("127.0.0.1", SECRET) is None
    assert host.counters()["loopback of the host"] > 0
    host.run("m0", "ip", "route", "del", "127.0.0.1", check=False)
    host.run("m0", "ip", "addr", "add", "127.0.0.1/8", "dev", "lo", check=False)


def test_other_tables_stay_as_they_are(host):
    host.run("host", "nft", "add table inet other; add chain inet other c { type filter hook forward priority 5; };"
             "add rule inet other c tcp dport 4444 drop")
    before = host.rules()
    host.apply(two_networks(host))
    assert [entry for entry in host.rules() if "other" in str(entry)] == before
    host.remove()
    assert host.rules() == before
    host.run("host", "nft", "delete", "table", "inet", "other")


def test_again_changes_nothing(host):
    state = two_networks(host)
    host.apply(state)
    rules, devices = host.rules(), host.devices()
    index = host.run("host", "ip", "-o", "link").stdout
    host.apply(state)
    assert (host.rules(), host.devices()) == (rules, devices)
    assert host.run("host", "ip", "-o", "link").stdout == index, "no device was made anew"


ASK_NAME = """
import socket, struct, sys
def ask(name):
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0"
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(5)
    client.sendto(struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack(">2H", 1, 1), (sys.argv[1], 53))
    answer = client.recv(512)
    return socket.inet_ntoa(answer[-4:]) if struct.unpack(">H", answer[6:8])[0] else "none"
print(*map(ask, sys.argv[2:]))
"""


def name_servers(host):
    """Processes that run with a file of the test's."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(host.run_folder) in path.read_text() and "dnsmasq" in path.read_text():
                found.append(path.parent.name)
    return found


def test_machines_find_each_other_by_name(host):
    if not os.access("/usr/sbin/dnsmasq", os.X_OK):
        pytest.skip("dnsmasq is not installed")

    def ask(machine, gateway, *names):
        return host.run(machine, sys.executable, "-c", ASK_NAME, gateway, *names).stdout.split()

    state = two_networks(host)
    for network in state["networks"]:
        network["names"] = True
    host.apply(state)
    assert ask("m0", "10.88.1.1", "m1", "m3.front", "m2", "m2.back", "m9") == ["10.88.1.3", "10.88.1.4", "none", "none", "none"]
    assert ask("m2", "10.88.2.1", "m3", "m2.back") == ["10.88.2.3", "10.88.2.2"]
    running = name_servers(host)
    assert len(running) == 2
    # Another machine: nothing starts anew. Another subnet: what has to does.
    state["attachments"].append(attachment(host, "m2", "front", "10.88.1.9", device="eth1"))
    host.apply(state)
    assert name_servers(host) == running
    assert ask("m0", "10.88.1.1", "m2") == ["10.88.1.9"]
    # One that was killed is there again.
    os.kill(int(running[0]), signal.SIGKILL)
    host.apply(state)
    assert len(name_servers(host)) == 2
    assert ask("m0", "10.88.1.1", "m1") == ["10.88.1.3"] and ask("m2", "10.88.2.1", "m3") == ["10.88.2.3"]
    state["networks"][1]["names"] = False
    host.apply(state)
    assert len(name_servers(host)) == 1
    host.remove()
    assert name_servers(host) == []


def test_a_changed_state_is_what_there_is(host):
    state = two_networks(host)
    host.apply(state)
    state["networks"][0]["subnet"] = "10.88.7.0/24"
    state["attachments"] = [attachment(host, "m0", "front", "10.88.7.2"), attachment(host, "m1", "front", "10.88.7.3")]
    host.apply(state)
    assert host.agents["m0"].ask("10.88.7.3", 80) == "m1"
    assert host.agents["m0"].ask(OUTSIDE, 80) == "outside"
    assert len([name for name in host.devices() if name.startswith("bhm")]) == 2
    assert "eth0" not in host.run("m2", "ip", "-o", "link").stdout
    assert "8080" not in str(host.rules())


def test_whoever_is_killed_on_the_way_the_next_one_makes_it_right(host):
    """And at no time is anything open: a bridge without rules would be."""
    state = two_networks(host)
    state["networks"][0]["names"] = os.access("/usr/sbin/dnsmasq", os.X_OK)
    path = host.write(state)
    began = time.monotonic()
    host.apply(state)
    usual = time.monotonic() - began
    rules, devices = host.rules(), host.devices()
    chance = random.Random(SEED)
    for round_number in range(24):
        words = ("remove",) if round_number % 2 else ("apply", path)
        process = subprocess.Popen(host.command(*words, "--run", host.run_folder))
        time.sleep(chance.random() * usual * 1.2)
        process.kill()
        process.wait()
        bridges = [name for name in host.devices() if name.startswith("bhb")]
        names = {entry["table"]["name"] for entry in host.ruleset() if "table" in entry}
        assert not bridges or "bulkhead" in names
    host.apply(state)
    assert (host.rules(), host.devices()) == (rules, devices)
    assert host.agents["m0"].ask("10.88.1.3", 80) == "m1"
    assert host.agents["host"].ask("127.0.0.1", 8080) == "m0"
    host.remove()
    assert host.rules() == []
    assert "eth0" not in host.run("m0", "ip", "-o", "link").stdout


def test_machines_that_are_gone_are_taken_away(host):
    state = two_networks(host)
    state["attachments"].append(
        {"machine": "ghost", "network": "front", "address": "10.88.1.9", "namespace": "/run/netns/no-such-machine",
         "ports": ["8090:80"]})
    path = host.write(state)
    refused = host.net("apply", "--run", host.run_folder, path)
    assert refused.returncode != 0 and "ghost" in refused.stderr
    done = host.net("reconcile", "--run", host.run_folder, path)
    assert (done.returncode, done.stdout) == (0, "ghost\n"), done.stderr
    assert "8090" not in str(host.rules())
    assert host.agents["m0"].ask("10.88.1.3", 80) == "m1"


@pytest.mark.parametrize("change, words", [
    ({"subnet": "192.0.2.0/25"}, "overlaps the host's route to 192.0.2.0/24 by up0; choose another subnet"),
    ({"subnet": "10.88.1.0/31"}, "must be one of length 8 to 30"),
    ({"subnet": "10.88.1.7/24"}, "the subnet with this address is 10.88.1.0/24"),
    ({"name": "front/../x"}, "must be 1 to 32 letters"),
    ({"colour": "red"}, '"colour" is not known'),
])
def test_networks_that_cannot_be_are_refused_in_words(host, change, words):
    state = {"networks": [{"name": "front", "subnet": "10.88.1.0/24", **change}]}
    done = host.net("apply", "--run", host.run_folder, host.write(state))
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert host.rules() == []


def test_a_port_that_is_taken_is_named(host):
    state = two_networks(host)
    state["attachments"][0]["ports"] = [f"{HOST}:80:80"]
    done = host.net("apply", "--run", host.run_folder, host.write(state))
    assert done.returncode != 0
    assert f"machine m0: publish tcp port 80 of {HOST}: a program of the host listens there" in done.stderr


def test_a_tap_for_a_microvm_is_a_port_of_its_bridge(host):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun is not there or may not be opened")
    state = two_networks(host)
    state["attachments"] = [{"machine": "vm", "network": "front", "address": "10.88.1.5"}]
    host.apply(state)
    host.apply(state)
    taps = [master for name, master in host.devices().items() if name.startswith("bhm")]
    assert len(taps) == 1 and taps[0].startswith("bhb")
