"""A host of its own for managed networks: a network namespace with machines and an outside, and what
`bulkhead net` makes of a state there."""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import paths
from harness.agent import Agent

OUTSIDE = "192.0.2.2"
HOST = "192.0.2.1"
LISTENING = (80, 81)
# On the host's loopback alone; nobody else may reach it.
SECRET = 9000

MACHINES = ("m0", "m1", "m2", "m3")

numbers = itertools.count()


ASK_NAMES = """
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


class ManagedHost:
    """`host`, `outside` and the machines are namespaces, each with an agent that listens. The outside has a route
    to the machines, as a neighbour may well have."""

    def __init__(self, folder):
        self._prefix = f"bh-{os.getpid()}-{next(numbers)}-"
        self.folder = folder
        self.run_folder = None
        self.name_server = None
        self.agents = {}

    def __enter__(self):
        self._spaces = []
        # A name server gives its rights away, and reads its files then.
        self.run_folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-net-", dir="/tmp"))
        self.run_folder.chmod(0o755)
        try:
            for name in ("host", "outside", *MACHINES):
                subprocess.run(["ip", "netns", "add", self._prefix + name], check=True)
                self._spaces.append(name)
                self.run(name, "ip", "link", "set", "lo", "up")
            self.run("host", "ip", "link", "add", "up0", "type", "veth", "peer", "name", "out0", "netns",
                     self._prefix + "outside")
            for name, device, address in (("host", "up0", HOST), ("outside", "out0", OUTSIDE)):
                self.run(name, "ip", "addr", "add", f"{address}/24", "dev", device)
                self.run(name, "ip", "link", "set", device, "up")
            self.run("outside", "ip", "route", "add", "10.88.0.0/16", "via", HOST)
            for name in self._spaces:
                ports = [("0.0.0.0", port) for port in LISTENING]
                if name == "host":
                    ports.append(("127.0.0.1", SECRET))
                self.agents[name] = Agent(self.prefix(name), name, ports)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for agent in self.agents.values():
            agent.close()
        for name in self._spaces:
            subprocess.run(["ip", "netns", "delete", self._prefix + name], check=True)
        shutil.rmtree(self.run_folder)

    def prefix(self, name):
        return ("ip", "netns", "exec", self._prefix + name)

    def space(self, machine):
        """The file that is a machine's network namespace."""
        return f"/run/netns/{self._prefix}{machine}"

    def run(self, name, *command, check=True):
        return subprocess.run([*self.prefix(name), *command], check=check, capture_output=True, text=True)

    def command(self, *words):
        return [*self.prefix("host"), *self.with_name_server(), str(paths.BULKHEAD), "net", *map(str, words)]

    def with_name_server(self):
        """In front of a command: it finds the name server that the test has made, if any, as the host's."""
        if self.name_server is None:
            return ()
        return ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(self.name_server))

    @contextlib.contextmanager
    def names_outside(self, names):
        """Has a name server in the outside that knows `names`, pairs of address and name, and is the host's. Yields what
        gives it other names."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-dns-", dir="/tmp"))
        folder.chmod(0o755)
        hosts, pid = folder / "hosts", folder / "pid"

        def know(pairs):
            hosts.write_text("".join(f"{address} {name}\n" for address, name in pairs))
            if pid.exists():
                os.kill(int(pid.read_text()), signal.SIGHUP)

        know(names)
        (folder / "resolv.conf").write_text(f"nameserver {OUTSIDE}\n")
        try:
            self.run("outside", "/usr/sbin/dnsmasq", "--conf-file=/dev/null", f"--pid-file={pid}", "--no-resolv", "--no-hosts",
                     f"--addn-hosts={hosts}", f"--listen-address={OUTSIDE}", "--bind-interfaces", "--local-ttl=300", "--local=/com/org/")
            self.name_server = folder / "resolv.conf"
            yield know
        finally:
            self.name_server = None
            if pid.exists():
                os.kill(int(pid.read_text()), signal.SIGKILL)
            shutil.rmtree(folder)

    def look_up(self, machine, server, *names):
        """Addresses that a name server says, or "none"."""
        return self.run(machine, sys.executable, "-c", ASK_NAMES, server, *names).stdout.split()

    def net(self, *words):
        """`bulkhead net ...` on the host."""
        return subprocess.run(self.command(*words), capture_output=True, text=True)

    def write(self, state, name="state.json"):
        path = self.folder / name
        path.write_text(json.dumps(state))
        return path

    def apply(self, state):
        done = self.net("apply", "--run", self.run_folder, self.write(state))
        assert done.returncode == 0, done.stderr
        return done

    def remove(self):
        done = self.net("remove", "--run", self.run_folder)
        assert done.returncode == 0, done.stderr

    def explain(self, who, to):
        done = self.net("explain", "--json", "--state", self.folder / "state.json", who, to)
        assert done.returncode in (0, 1) and not done.stderr, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["verdict"] == "allowed") == (done.returncode == 0)
        return answer

    def ruleset(self):
        return json.loads(self.run("host", "nft", "-j", "list", "ruleset").stdout)["nftables"]

    def counters(self):
        """Packets counted by each rule that has a name; of several with one name all."""
        counted = {}
        for rule in (entry["rule"] for entry in self.ruleset() if "rule" in entry):
            for part in rule["expr"]:
                if "counter" in part and "comment" in rule:
                    counted[rule["comment"]] = counted.get(rule["comment"], 0) + part["counter"]["packets"]
        return counted

    def rules(self):
        """Names of the tables, and everything but counts and handles of ours."""
        def plain(value):
            if isinstance(value, list):
                return [plain(one) for one in value]
            if isinstance(value, dict):
                return {key: plain(one) for key, one in value.items() if key not in ("handle", "packets", "bytes")}
            return value

        return [plain(entry) for entry in self.ruleset() if "metainfo" not in entry]

    def devices(self):
        """Device names of the host, with the bridge each is a port of."""
        links = json.loads(self.run("host", "ip", "-j", "link").stdout)
        return {link["ifname"]: link.get("master") for link in links}


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


def name_servers_with(text):
    """Processes of dnsmasq that have `text` in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if text in path.read_text() and "dnsmasq" in path.read_text():
                found.append(path.parent.name)
    return found


def name_servers(host):
    """Those that run with a file of the test's."""
    return name_servers_with(str(host.run_folder))
