"""A client of the API socket, which knows nothing of the server but HTTP."""

import json
import http.client
import socket
import time


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    """Requests over one connection."""

    def __init__(self, path):
        self.connection = Connection(path)

    def __call__(self, method, target, body=None):
        """The status, and the JSON of the answer's body or None."""
        text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        self.connection.request(method, target, body=text)
        response = self.connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data else None

    def get(self, target):
        status, body = self("GET", target)
        assert status == 200, body
        return body

    def put(self, target, body):
        answer = self("PUT", target, body)
        assert answer == (204, None), answer

    def patch(self, target, body):
        answer = self("PATCH", target, body)
        assert answer == (204, None), answer

    def close(self):
        self.connection.close()


def wait_for_socket(path, timeout=20):
    end = time.monotonic() + timeout
    while True:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.connect(str(path))
                return
        except OSError:
            assert time.monotonic() < end, f"nobody listens at {path}"
            time.sleep(0.01)
