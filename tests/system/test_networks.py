"""Managed networks let through what they say they do: packets, in namespaces of the test's own, `bulkhead net explain` and
the counters of the firewall agree."""

import collections
import itertools
import os
import random
import subprocess
import sys
import time

import pytest

from harness import machines
from harness.managed import HOST, LISTENING, MACHINES, OUTSIDE, SECRET, attachment, two_networks

SEED = 20

pytestmark = pytest.mark.usefixtures("bulkhead")

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


SEND = """
import socket, sys
client = socket.create_connection((sys.argv[1], 7000))
client.sendall(bytes(int(sys.argv[2])))
client.shutdown(socket.SHUT_WR)
client.recv(1)
"""
TAKE = """
import socket
listener = socket.create_server(("0.0.0.0", 7000))
print("ready", flush=True)
client, _ = listener.accept()
while client.recv(1 << 16):
    pass
client.close()
"""


def seconds_to_send(host, who, to, address, size):
    taker = subprocess.Popen([*host.prefix(to), sys.executable, "-c", TAKE], stdout=subprocess.PIPE, text=True)
    assert taker.stdout.readline() == "ready\n"
    began = time.monotonic()
    host.run(who, sys.executable, "-c", SEND, address, str(size))
    took = time.monotonic() - began
    taker.wait()
    taker.stdout.close()
    return took


@pytest.mark.parametrize("way", ["rate_in", "rate_out"])
def test_a_rate_holds_a_machine_back_and_no_other(host, way):
    state = two_networks(host)
    limited = next(one for one in state["attachments"] if one["machine"] == ("m1" if way == "rate_in" else "m0"))
    limited[way] = 2_000_000
    host.apply(state)
    # 2.1 MB at once, then 2 MB a second.
    assert 1.5 < seconds_to_send(host, "m0", "m1", "10.88.1.3", 6_000_000) < 20
    assert seconds_to_send(host, "m3", "m0", "10.88.1.2", 6_000_000) < 1.5
    assert any(name.startswith("rate") and count for name, count in host.counters().items())


VM = "10.88.1.5"
MICROVM = """ip addr add 10.88.1.5/24 dev eth0; ip link set eth0 up; ip route add default via 10.88.1.1
nc 10.88.1.3 80 < /dev/null; nc 192.0.2.2 80 < /dev/null
nc 192.0.2.2 81 < /dev/null || echo denied 81; nc 10.88.2.2 80 < /dev/null || echo denied m2
ip addr add 10.88.1.66/24 dev eth0; ip route add 10.88.1.3/32 dev eth0 src 10.88.1.66
timeout 2 nc 10.88.1.3 80 < /dev/null || echo denied 66; ip route del 10.88.1.3/32
mkdir /www; echo from the microVM > /www/index.html; httpd -p 80 -h /www; echo serving; read line"""


def test_a_microvm_is_a_machine_as_others_are(host, vmm, kernels, initrds, tmp_path):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun is not there or may not be opened")
    state = two_networks(host)
    mac = "02:00:00:00:00:05"
    state["attachments"][1:] = [
        attachment(host, "m1", "front", "10.88.1.3"), attachment(host, "m2", "back", "10.88.2.2"),
        {"machine": "vm", "network": "front", "address": "10.88.1.5", "mac": mac, "ports": ["8085:80"]}]
    host.apply(state)
    host.apply(state)
    links = host.run("host", "ip", "-o", "link").stdout.splitlines()
    tap, = [line.split(": ")[1] for line in links if "bulkhead machine vm in front" in line]
    interface = {"iface_id": "eth0", "host_dev_name": tap, "guest_mac": mac}
    guest = machines.Guest(("sh", "-c", MICROVM), devices={"network-interfaces": [interface]}, arguments="quiet")
    with machines.start_vmm(guest, tmp_path, prefix=host.prefix("host")) as machine:
        machine.wait_for("serving", 120)
        assert "m1" in machine.console and "outside" in machine.console, machine.console
        assert all(f"denied {what}" in machine.console for what in ("81", "m2", "66")), machine.console
        fetched = host.run("host", "curl", "-s", "http://127.0.0.1:8085/index.html").stdout
        assert fetched == "from the microVM\n"
        # A change while it runs leaves it its tap.
        state["networks"][0]["rules"] = []
        host.apply(state)
        assert host.run("host", "curl", "-s", f"http://{VM}/index.html").stdout == fetched
