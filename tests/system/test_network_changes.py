"""Managed networks become what a state says, whatever was there and whoever was killed on the way, and leave nothing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from harness.managed import HOST, OUTSIDE, attachment, name_servers, two_networks

SEED = 20

pytestmark = pytest.mark.usefixtures("bulkhead")


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


def test_without_root_it_says_what_there_is_instead(host, bulkhead):
    # In a place that others may enter.
    program = shutil.copy(bulkhead, host.run_folder)
    (host.run_folder / "state").write_text('{"networks": []}')
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program, "net", "apply", "--run",
                           host.run_folder / "mine", host.run_folder / "state"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "managed networks need root (use sudo, or a user network: run --network user)" in done.stderr


def test_a_port_that_is_taken_is_named(host):
    state = two_networks(host)
    state["attachments"][0]["ports"] = [f"{HOST}:80:80"]
    done = host.net("apply", "--run", host.run_folder, host.write(state))
    assert done.returncode != 0
    assert f"machine m0: publish tcp port 80 of {HOST}: a program of the host listens there" in done.stderr


def test_machines_find_each_other_by_name(host):
    if not os.access("/usr/sbin/dnsmasq", os.X_OK):
        pytest.skip("dnsmasq is not installed")

    ask = host.look_up
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
