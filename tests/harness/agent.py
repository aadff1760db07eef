"""Listens and connects in one network namespace, as told by lines of JSON on standard input.

Started with a name and ports: it listens there, TCP and UDP, and answers with its name.
{"to": ADDRESS, "port": PORT, "udp": BOOL, "source": ADDRESS or null}: who answered, or null.
"""

import json
import selectors
import socket
import subprocess
import sys
import threading

# Long enough on a busy host; what is rejected fails at once, what is dropped takes this long.
PATIENCE = 0.5


def serve(name, ports):
    selector = selectors.DefaultSelector()
    for address, port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            listener = socket.socket(socket.AF_INET, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            if kind == socket.SOCK_STREAM:
                listener.listen()
            selector.register(listener, selectors.EVENT_READ, kind)
    while True:
        for key, _ in selector.select():
            if key.data == socket.SOCK_STREAM:
                client, _ = key.fileobj.accept()
                with client:
                    client.sendall(name)
            else:
                try:
                    _, client = key.fileobj.recvfrom(100)
                    key.fileobj.sendto(name, client)
                except OSError:
                    pass  # An answer to an earlier client was refused.


def ask(to, port, udp=False, source=None):
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(PATIENCE)
        try:
            if source:
                client.bind((source, 0))
            client.connect((to, port))
            if udp:
                client.send(b"who")
            return client.recv(100).decode() or None
        except OSError:
            return None


class Agent:
    """The process, seen from a test."""

    def __init__(self, prefix, name, ports):
        words = [f"{address}:{port}" for address, port in ports]
        self.process = subprocess.Popen([*prefix, sys.executable, __file__, name, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, to, port, udp=False, source=None):
        json.dump({"to": to, "port": port, "udp": udp, "source": source}, self.process.stdin)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def main():
    name, *words = sys.argv[1:]
    ports = [(address, int(port)) for address, port in (word.split(":") for word in words)]
    threading.Thread(target=serve, args=(name.encode(), ports), daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(ask(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
