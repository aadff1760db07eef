"""A registry that serves an OCI layout's folder, and misbehaves as it is told to."""

import base64
import collections
import http.server
import json
import threading
import time


class FakeRegistry:
    """Serves on a free port of 127.0.0.1. `requests` counts (method, path), `sent` bytes of blobs by digest,
    `ranges` has the Range headers it saw."""

    def __init__(self, layout):
        self.layout = layout
        self.requests = collections.Counter()
        self.sent = collections.Counter()
        self.ranges = []
        self.authorizations = []
        self.chunk_seconds = 0      # How long each 64 KiB of a blob take.
        self.cut_after = None       # Ends a blob's first reply after so many bytes.
        self.ignores_ranges = False
        self.spoils = None          # A digest whose bytes are wrong.
        self.token = None           # What a Bearer must have; None: all are welcome.
        self.user = None            # "USER:PASSWORD" for a token.
        self.redirect = None        # Another FakeRegistry that has the blobs.
        self.tags = {}
        self.lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                fake.answer(self)

            do_HEAD = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, address):
                pass  # Clients are killed on purpose.

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        with self.lock:
            self.requests[request.command, request.path] += 1
            self.authorizations.append(request.headers.get("Authorization"))
        if request.path.startswith("/token"):
            return self.give_token(request)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer realm="http://{self.host}/token",service="fake",scope="repository:test:pull"'
            return reply(request, 401, b"{}", {"WWW-Authenticate": challenge})
        kind, _, name = request.path.removeprefix("/v2/test/").partition("/")
        if request.path == "/v2/":
            return reply(request, 200, b"{}")
        if kind == "manifests":
            return self.manifest(request, name)
        if kind == "blobs":
            return self.blob(request, name)
        return reply(request, 404, b"{}")

    def give_token(self, request):
        wanted = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        if wanted and request.headers.get("Authorization") != wanted:
            return reply(request, 401, b"{}")
        return reply(request, 200, json.dumps({"token": self.token}).encode())

    def content(self, digest):
        path = self.layout.path / "blobs" / "sha256" / digest.removeprefix("sha256:")
        return path.read_bytes() if path.exists() else None

    def manifest(self, request, name):
        digest = self.tags.get(name, name)
        data = self.content(digest)
        if data is None:
            return reply(request, 404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        if digest == self.spoils:
            data = data.replace(b"{", b"{ ", 1)
        return reply(request, 200, data, {"Content-Type": json.loads(data)["mediaType"],
                                          "Docker-Content-Digest": digest})

    def blob(self, request, digest):
        if self.redirect:
            return reply(request, 307, b"", {"Location": f"http://{self.redirect.host}{request.path}"})
        data = self.content(digest)
        if data is None:
            return reply(request, 404, b"{}")
        if digest == self.spoils:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start, status = 0, 200
        if (wanted := request.headers.get("Range")) and not self.ignores_ranges:
            self.ranges.append(wanted)
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        request.send_response(status)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        end = len(data)
        if self.cut_after is not None and len(data) > self.cut_after:
            end, self.cut_after = start + self.cut_after, None
        for at in range(start, end, 65536):
            piece = data[at:min(at + 65536, end)]
            request.wfile.write(piece)
            with self.lock:
                self.sent[digest] += len(piece)
            time.sleep(self.chunk_seconds)
        request.close_connection = end != len(data)


def reply(request, status, data, headers=None):
    request.send_response(status)
    for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(data)
