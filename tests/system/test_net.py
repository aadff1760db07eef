"""Network interfaces: a tap in a namespace of the test's own, and the network in user space."""

import hashlib
import json
import os

import pytest

from harness import machines, network

TIMEOUT = 120
MAC = "06:00:ac:10:00:02"

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")


@pytest.fixture
def namespace(request):
    """With a tap of the options that a test is parametrized with."""
    if os.geteuid() != 0:
        pytest.skip("making a network namespace needs root")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun is not there or may not be opened")
    with network.Namespace(*getattr(request, "param", ())) as made:
        yield made


def interface(**more):
    return {"network-interfaces": [{"iface_id": "eth0", "host_dev_name": "tap0", "guest_mac": MAC, **more}]}


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "big").write_bytes(os.urandom(20 << 20))
    return folder


def checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


UP = "server={2}; ip addr add {0} dev eth0; ip link set eth0 up; ip route add default via {1}; "


def guest(script, devices, vcpus=1):
    return machines.Guest(("sh", "-c", script), devices=devices, vcpus=vcpus, arguments="quiet")


@pytest.mark.parametrize("namespace, vcpus, pairs", [((), 1, 1), ((), 2, 1), (("multi_queue",), 2, 2)], indirect=["namespace"])
def test_files_go_both_ways_through_a_tap(namespace, files, tmp_path, vcpus, pairs):
    script = UP.format("172.16.0.2/24", "172.16.0.1", "10.99.0.1:8000") + """
        ping -c 3 172.16.0.1 && ping -c 1 -s 20000 10.99.0.1 &&
        wget -q -O /big http://$server/big && sha256sum /big &&
        head -c 5000000 /big > /part && nc 172.16.0.1 8000 > /answer < /dev/null;
        (printf 'PUT /part HTTP/1.0\\r\\nContent-Length: 5000000\\r\\n\\r\\n'; cat /part) | nc 172.16.0.1 8000;
        cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu; ls -d /sys/class/net/eth0/queues/?x-* | wc -l"""
    with network.web_server(files, prefix=namespace.prefix):
        with machines.start_vmm(guest(script, interface(mtu=1400, queue_pairs=pairs), vcpus), tmp_path, prefix=namespace.prefix,
                                options=("--level", "Warning")) as machine:
            outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.console + outcome.errors
    assert outcome.errors == ""
    assert "3 packets received" in outcome.console and "1 packets received" in outcome.console
    assert checksum(files / "big") in outcome.console
    assert (files / "part").read_bytes() == (files / "big").read_bytes()[:5_000_000]
    assert f"{MAC}\n1400\n{2 * pairs}\n" in outcome.console


@pytest.mark.parametrize("namespace, pairs", [((), 2), (("multi_queue",), 1)], indirect=["namespace"])
def test_a_tap_with_other_queues_is_refused_in_words(namespace, tmp_path, pairs):
    with machines.start_vmm(guest("true", interface(queue_pairs=pairs)), tmp_path, prefix=namespace.prefix) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status != 0
    assert "attach to tap tap0: it was made with" in outcome.errors and "queue_pairs" in outcome.errors


def test_a_user_network_keeps_the_hosts_loopback_closed(files, tmp_path):
    """Also for packets with the loopback's own address, which a hostile kernel can send."""
    script = UP.format("10.0.2.15/24", "10.0.2.2", "10.0.2.2") + """
        echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip link set lo down
        ip route del local 127.0.0.0/8 dev lo table local 2> /dev/null
        ip route add 127.0.0.1 via 10.0.2.2 dev eth0 src 10.0.2.15
        for to in 10.0.2.2 10.0.2.3 10.0.2.77 127.0.0.1; do timeout 3 wget -q -O - http://$to:PORT/small && echo reached $to; done
        udhcpc -i eth0 -n -q -s /bin/true && echo leased; exit 0"""
    (files / "small").write_text("from the loopback")
    with network.web_server(files, "127.0.0.1", 0) as port:
        made = guest(script.replace("PORT", str(port)), interface(backend="User"))
        with machines.start_vmm(made, tmp_path, options=("--level", "Warning")) as machine:
            outcome = machine.finish(TIMEOUT)
    assert "leased" in outcome.console, outcome.console + outcome.errors
    assert "reached" not in outcome.console and "from the loopback" not in outcome.console
    # With -T, Debian's busybox-static crashes before it asks anyone.
    assert "Segmentation" not in outcome.console


def test_a_user_network_needs_no_rights(files, tmp_path):
    """Also with every capability dropped, where we have any: the guest reaches the host at 10.0.2.2."""
    prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    script = UP.format("10.0.2.15/24", "10.0.2.2", "10.0.2.2:{0}") + """
        wget -q -O /big http://$server/big && sha256sum /big &&
        (printf 'PUT /part HTTP/1.0\\r\\nContent-Length: 5000000\\r\\n\\r\\n'; head -c 5000000 /big) | nc 10.0.2.2 {0}; 
        udhcpc -i eth0 -n -q -s /bin/true && echo leased; exit 0"""
    with network.web_server(files, "127.0.0.1", 0) as port:
        made = guest(script.replace("{0}", str(port)), interface(backend="User", host_loopback=True))
        with machines.start_vmm(made, tmp_path, prefix=prefix, options=("--level", "Warning")) as machine:
            outcome = machine.finish(TIMEOUT)
    assert checksum(files / "big") in outcome.console, outcome.console + outcome.errors
    assert (files / "part").read_bytes() == (files / "big").read_bytes()[:5_000_000]
    assert "leased" in outcome.console


ASK_METADATA = """
import http.client
def ask(method, path, headers={}):
    client = http.client.HTTPConnection("169.254.169.254", timeout=20)
    client.request(method, path, headers=headers)
    answer = client.getresponse()
    print(answer.status, flush=True)
    return answer.read().decode()
token = ask("PUT", "/latest/api/token", {"X-metadata-token-ttl-seconds": "60"})
print(ask("GET", "/latest"))
print(ask("GET", "/latest/meta-data/", {"X-metadata-token": token}))
print(ask("GET", "/latest", {"X-metadata-token": token, "Accept": "application/json"}))
ask("GET", "/none", {"X-metadata-token": token})
"""


def test_a_guest_reads_its_metadata(namespace, tmp_path):
    data = {"latest": {"meta-data": {"id": "i-1234", "text": "x" * 5000}}}
    (tmp_path / "metadata.json").write_text(json.dumps(data))
    script = "ip addr add 172.16.0.2/24 dev eth0; ip link set eth0 up; ip route add 169.254.169.254 dev eth0; python3 /ask.py"
    devices = interface() | {"mmds-config": {"network_interfaces": ["eth0"], "version": "V2"}}
    made = machines.Guest(("sh", "-c", script), devices=devices, initrd="debian", memory_mib=512, arguments="quiet",
                          files={"ask.py": ASK_METADATA.encode()})
    with machines.start_vmm(made, tmp_path, prefix=namespace.prefix,
                            options=("--metadata", tmp_path / "metadata.json", "--level", "Warning")) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 0, outcome.console + outcome.errors
    assert "No MMDS token provided" in outcome.console
    assert "id\ntext\n" in outcome.console
    assert json.dumps(data["latest"], separators=(",", ":")) in outcome.console
    assert "\n404\n" in outcome.console


def test_the_rate_limiter_holds_a_network_back(namespace, files, tmp_path):
    limit = {"bandwidth": {"size": 1 << 20, "refill_time": 500}}
    (files / "small").write_bytes(bytes(6 << 20))
    script = UP.format("172.16.0.2/24", "172.16.0.1", "10.99.0.1:8000") + """
        read up rest < /proc/uptime; wget -q -O /dev/null http://$server/small
        read now rest < /proc/uptime; echo took $up $now"""
    with network.web_server(files, prefix=namespace.prefix):
        with machines.start_vmm(guest(script, interface(rx_rate_limiter=limit)), tmp_path,
                                prefix=namespace.prefix) as machine:
            outcome = machine.finish(TIMEOUT)
    up, now = map(float, outcome.console.split("took ")[1].split())
    # One MiB at once, five at 2 MiB/s.
    assert 2 < now - up < 20


def test_a_tap_that_cannot_be_is_named(tmp_path):
    made = guest("true", {"network-interfaces": [{"iface_id": "eth0", "host_dev_name": "x" * 20}]})
    with machines.start_vmm(made, tmp_path) as machine:
        outcome = machine.finish(TIMEOUT)
    assert outcome.status == 152
    assert f'network interface eth0: tap "{"x" * 20}": names have 1 to 15 bytes' in outcome.errors
