"""Networks that let out what has a name: what machines were told opens addresses, nothing else does, and `net explain` says
what packets do."""

import json
import os

import pytest

from harness.managed import HOST, OUTSIDE, attachment
from test_joined_networks import JoinedMachines, assert_nothing_left

pytestmark = pytest.mark.usefixtures("bulkhead")

GATEWAY = "10.88.1.1"
WEB, OTHER, PRIVATE = "203.0.113.5", "203.0.113.6", "10.9.9.9"

NAMES = [(WEB, "example.com"), (WEB, "www.example.com"), (OTHER, "deb.debian.org"), (OTHER, "debian.org"),
         (OTHER, "elsewhere.org"), (OTHER, "notexample.com"),
         # What its owner may say of it, too.
         (PRIVATE, "private.debian.org"), ("127.0.0.1", "loopback.debian.org"), ("169.254.169.254", "metadata.debian.org"),
         (HOST, "host.debian.org"), ("10.88.2.2", "neighbour.debian.org"), (GATEWAY, "gateway.debian.org")]


@pytest.fixture
def outside(host):
    if not os.access("/usr/sbin/dnsmasq", os.X_OK):
        pytest.skip("dnsmasq is not installed")
    addresses = (WEB, OTHER, PRIVATE, "169.254.169.254")
    for address in addresses:
        host.run("outside", "ip", "addr", "add", f"{address}/32", "dev", "lo")
        host.run("host", "ip", "route", "add", f"{address}/32", "via", OUTSIDE)
    with host.names_outside(NAMES) as know:
        yield know
    for address in addresses:
        host.run("outside", "ip", "addr", "del", f"{address}/32", "dev", "lo")
        host.run("host", "ip", "route", "del", f"{address}/32")


def named_network(host, *rules, **more):
    """m0 and m1 in a network that lets out names, m2 in another one."""
    return {
        "networks": [
            {"name": "named", "subnet": "10.88.1.0/24", "egress": "deny", "names": True, "rules": rules or [
                {"verdict": "allow", "to": "example.com", "protocol": "tcp", "port": 80},
                {"verdict": "allow", "to": "*.debian.org"}], **more},
            {"name": "back", "subnet": "10.88.2.0/24"}],
        "attachments": [attachment(host, "m0", "named", "10.88.1.2"), attachment(host, "m1", "named", "10.88.1.3"),
                        attachment(host, "m2", "back", "10.88.2.2")],
    }


def check(host, target, port, reached, rule, who="m0", udp=False):
    """What a packet does is what `net explain` says of its address."""
    before = host.counters()
    answer = host.agents[who].ask(target, port, udp)
    after = host.counters()
    said = host.explain(who, f"{target}:{port}{'/udp' if udp else ''}")
    assert (answer, said["verdict"], said["rule"]) == (reached, "allowed" if reached else "denied", rule), target
    assert rule == "none" or after[rule] > before.get(rule, 0)


def test_what_a_machine_was_told_of_a_name_is_open(host, outside):
    host.apply(named_network(host))
    # One that knows the address and did not ask.
    check(host, WEB, 80, None, "egress of named")
    assert host.look_up("m0", GATEWAY, "example.com", "deb.debian.org") == [WEB, OTHER]
    check(host, WEB, 80, "outside", "egress 1 of named")
    check(host, WEB, 81, None, "egress of named")
    check(host, WEB, 80, None, "egress of named", udp=True)
    check(host, OTHER, 81, "outside", "egress 2 of named")
    # Rules are the network's, and no other's.
    check(host, WEB, 80, "outside", "egress 1 of named", who="m1")
    check(host, WEB, 81, "outside", "egress of back", who="m2")


def test_explain_asks_as_the_machine_would(host, outside):
    host.apply(named_network(host))
    for to, verdict, rule, words in [
        ("example.com:80", "allowed", "egress 1 of named", f"m0 (10.88.1.2) to example.com ({WEB}), tcp 80"),
        ("example.com:443", "denied", "egress of named", f"m0 (10.88.1.2) to example.com ({WEB}), tcp 443"),
        ("Deb.Debian.org:443", "allowed", "egress 2 of named", f"m0 (10.88.1.2) to deb.debian.org ({OTHER}), tcp 443"),
        ("elsewhere.org:80", "denied", "names of named", "m0 (10.88.1.2) to elsewhere.org, tcp 80"),
        ("no-such.debian.org:80", "denied", "names of named", "m0 (10.88.1.2) to no-such.debian.org, tcp 80"),
        ("metadata.debian.org:80", "denied", "egress of named", "m0 (10.88.1.2) to metadata.debian.org (169.254.169.254), tcp 80"),
        ("neighbour.debian.org:80", "denied", "between networks",
         "m0 (10.88.1.2) to neighbour.debian.org (10.88.2.2), tcp 80"),
    ]:
        said = host.explain("m0", to)
        assert (said["verdict"], said["rule"], said["what"]) == (verdict, rule, words)
    # A question of ours is one of the network's.
    check(host, WEB, 80, "outside", "egress 1 of named")
    assert host.explain("m2", "elsewhere.org:80")["rule"] == "egress of back"


def test_only_names_that_a_rule_allows_are_answered(host, outside):
    """Questions are a way out."""
    host.apply(named_network(host))
    assert host.look_up("m0", GATEWAY, "www.example.com", "debian.org", "elsewhere.org", "notexample.com", "m1") == [
        *["none"] * 4, "10.88.1.3"]
    assert host.agents["m0"].ask(OUTSIDE, 53) is None, "nor is anybody else asked"


def test_a_name_opens_nothing_that_its_owner_has_not(host, outside):
    host.apply(named_network(host))
    names = ["private", "loopback", "metadata", "host", "neighbour", "gateway"]
    answers = host.look_up("m0", GATEWAY, *(f"{name}.debian.org" for name in names))
    assert answers == [PRIVATE, "127.0.0.1", "169.254.169.254", HOST, "10.88.2.2", GATEWAY]
    for target, rule in [(PRIVATE, "egress of named"), ("169.254.169.254", "egress of named"), (HOST, "host is closed"),
                         ("10.88.2.2", "between networks"), (GATEWAY, "host is closed")]:
        check(host, target, 80, None, rule)
    # Whoever wants that says so by address; a rule in front of it decides first.
    host.apply(named_network(host, {"verdict": "allow", "to": f"{PRIVATE}/32"}, {"verdict": "deny", "to": f"{OTHER}/32"},
                             {"verdict": "allow", "to": "*.debian.org"}))
    assert host.look_up("m0", GATEWAY, "deb.debian.org") == [OTHER]
    check(host, PRIVATE, 80, "outside", "egress 1 of named")
    check(host, OTHER, 80, None, "egress 2 of named")


def sets_of(host):
    """Addresses in the sets of names, each with the seconds that it stays."""
    sets = [entry["set"] for entry in host.ruleset() if "set" in entry and entry["set"]["name"].startswith("names_")]
    return [{element["elem"]["val"]: element["elem"]["expires"] for element in one.get("elem", [])} for one in sets]


def test_what_is_open_stays_so_for_a_time_and_over_changes(host, outside):
    state = named_network(host)
    host.apply(state)
    assert host.look_up("m0", GATEWAY, "example.com") == [WEB]
    opened, none = sorted(sets_of(host), key=len, reverse=True)
    assert 3000 < opened[WEB] <= 3600 and not none
    # Another machine comes.
    state["attachments"].append(attachment(host, "m3", "named", "10.88.1.9"))
    host.apply(state)
    check(host, WEB, 80, "outside", "egress 1 of named")
    # The name moves: who asks again is told, and nobody has kept the old answer.
    outside([(OTHER, "example.com")])
    assert host.look_up("m0", GATEWAY, "example.com") == [OTHER]
    check(host, OTHER, 80, "outside", "egress 1 of named")
    # A rule goes, and its addresses with it.
    del state["networks"][0]["rules"][0]
    host.apply(state)
    check(host, WEB, 80, None, "egress of named")
    assert len(sets_of(host)) == 1


def test_a_change_of_rules_does_not_lend_addresses(host, outside):
    """Sets belong to names, not to numbers of rules."""
    host.apply(named_network(host))
    assert host.look_up("m0", GATEWAY, "example.com") == [WEB]
    host.apply(named_network(host, {"verdict": "allow", "to": "*.debian.org"}, {"verdict": "allow", "to": "example.com"}))
    check(host, WEB, 81, "outside", "egress 2 of named")
    assert host.look_up("m0", GATEWAY, "deb.debian.org") == [OTHER]
    check(host, OTHER, 81, "outside", "egress 1 of named")


def test_networks_that_would_not_hold_are_refused_in_words(host):
    domain = {"verdict": "allow", "to": "example.com"}
    for rule, more, words in [
        ({**domain, "verdict": "deny"}, {}, "a domain cannot be denied"),
        (domain, {"egress": "allow"}, 'lets out nothing else (egress "deny")'),
        (domain, {"names": False}, '("names": true)'),
        ({**domain, "to": "*.*.example"}, {}, "is no name of a domain"),
        ({**domain, "to": "x.named"}, {}, "are the network's own"),
    ]:
        done = host.net("apply", "--run", host.run_folder, host.write(named_network(host, rule, **more)))
        assert done.returncode != 0 and words in done.stderr, done.stderr
    assert host.rules() == []


@pytest.mark.usefixtures("kernels", "vmm")
@pytest.mark.parametrize("isolation", ["microvm", "container"])
def test_machines_reach_names(store, bulkhead, host, outside, isolation):
    machines = JoinedMachines(bulkhead, store, isolation, host)
    machines.network("create", "named", "--subnet", "10.88.1.0/24", "--egress", "deny", "--allow", "example.com:80",
                     "--allow", "*.debian.org")
    inspected, = json.loads(machines.network("inspect", "named").stdout)
    assert inspected["names"] and [rule["to"] for rule in inspected["rules"]] == ["example.com", "*.debian.org"]
    refused = machines.network("create", "open", "--allow", "example.com", status=2)
    assert 'a network that lets out nothing else (egress "deny")' in refused.stderr
    machines.serve("web", "--network", "named")
    for target, port, reached in [(WEB, 80, False), ("elsewhere.org", 80, False), ("example.com", 80, True), (WEB, 80, True),
                                  ("example.com", 81, False), ("deb.debian.org", 81, True), ("private.debian.org", 80, False)]:
        done = machines("exec", "web", "nc", "-w", "3", target, str(port), status=None)
        assert (done.stdout == "outside") == reached, (target, port, done)
        assert (machines.explain("web", f"{target}:{port}")["verdict"] == "allowed") == reached or not reached
    rules = json.loads(machines.of_networks("net", "rules").stdout)["nftables"]
    assert sum("set" in one.get("add", {}) and one["add"]["set"]["name"].startswith("names_") for one in rules) == 2
    machines("rm", "-f", "web")
    machines.network("rm", "named")
    assert_nothing_left(machines)
