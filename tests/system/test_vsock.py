"""Streams between Unix sockets of the host and ports of the guest."""

import hashlib
import os
import socket
import threading

import pytest

from harness import machines

TIMEOUT = 120

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")

GUEST = """
import hashlib, socket, threading
HOST = 2
def echo(client):
    while data := client.recv(65536): client.sendall(data)
    client.shutdown(socket.SHUT_WR); client.close()
server = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
server.bind((socket.VMADDR_CID_ANY, 52)); server.listen()
print("cid", open("/dev/vsock", "rb") and __import__("struct").unpack("I", __import__("fcntl").ioctl(open("/dev/vsock"), 0x7b9, bytes(4)))[0])
print("listening", flush=True)
out = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
out.connect((HOST, 1000))
out.sendall(b"from the guest")
out.shutdown(socket.SHUT_WR)
print("answer", out.recv(100).decode(), flush=True)
refused = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
try: refused.connect((HOST, 1001)); print("connected")
except OSError as error: print("refused", type(error).__name__, flush=True)
while True:
    client, peer = server.accept()
    threading.Thread(target=echo, args=(client,)).start()
"""


def connect(folder, port):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(TIMEOUT)
    client.connect(str(folder / "v.sock"))
    client.sendall(b"CONNECT %d\n" % port)
    greeting = b""
    while not greeting.endswith(b"\n"):
        piece = client.recv(1)
        if not piece:
            return None
        greeting += piece
    assert greeting.startswith(b"OK ") and int(greeting[3:]) >= 1 << 30
    return client


def echo(client, data):
    """Sends all of it while it reads what comes back."""
    sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
    sender.start()
    back = b""
    while piece := client.recv(1 << 16):
        back += piece
    sender.join()
    return back


def test_streams_go_both_ways(tmp_path):
    service = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    service.bind(str(tmp_path / "v.sock_1000"))
    service.listen()
    service.settimeout(TIMEOUT)
    guest = machines.Guest(("python3", "/guest.py"), initrd="debian", memory_mib=512, arguments="quiet",
                           files={"guest.py": GUEST.encode()},
                           devices={"vsock": {"guest_cid": 77, "uds_path": str(tmp_path / "v.sock")}})
    with machines.start_vmm(guest, tmp_path, options=("--level", "Warning")) as machine:
        client, _ = service.accept()
        client.settimeout(TIMEOUT)
        received = b""
        while piece := client.recv(100):
            received += piece
        assert received == b"from the guest"
        client.sendall(b"from the host")
        client.close()
        machine.wait_for("refused ConnectionResetError", TIMEOUT)
        assert "cid 77" in machine.console
        assert "answer from the host" in machine.console
        data = os.urandom(2 << 20)
        clients = [connect(tmp_path, 52) for _ in range(4)]
        threads = []
        results = [b""] * 4
        for number, one in enumerate(clients):
            def run(number=number, one=one):
                results[number] = echo(one, data[number:])
            threads.append(threading.Thread(target=run))
            threads[-1].start()
        for thread in threads:
            thread.join(TIMEOUT)
        for number, result in enumerate(results):
            assert hashlib.sha256(result).digest() == hashlib.sha256(data[number:]).digest(), len(result)
        assert connect(tmp_path, 53) is None
        assert machine.errors == ""
        machine.process.terminate()
        machine.finish(TIMEOUT)
    assert not (tmp_path / "v.sock").exists()
