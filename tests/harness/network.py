"""A network namespace with a tap for a guest: the host's own network is left alone."""

import contextlib
import functools
import http.server
import itertools
import os
import subprocess
import sys

numbers = itertools.count()


class Namespace:
    """Its network is 172.16.0.0/24 with the host's end at .1, and 10.99.0.0/24 as what lies beyond."""

    tap = "tap0"

    def __init__(self, *tap_options):
        self.tap_options = tap_options
        self.name = f"bh-{os.getpid()}-{next(numbers)}"

    def __enter__(self):
        self._ip("netns", "add", self.name)
        try:
            self.run("ip", "link", "set", "lo", "up")
            self.run("ip", "addr", "add", "10.99.0.1/24", "dev", "lo")
            self.run("ip", "tuntap", "add", self.tap, "mode", "tap", "vnet_hdr", *self.tap_options)
            self.run("ip", "addr", "add", "172.16.0.1/24", "dev", self.tap)
            self.run("ip", "link", "set", self.tap, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._ip("netns", "delete", self.name)

    def _ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True)

    @property
    def prefix(self):
        return ("ip", "netns", "exec", self.name)

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def web_server(folder, address="0.0.0.0", port=8000, prefix=()):
    """Serves the files of `folder`; takes files by PUT."""
    process = subprocess.Popen([*prefix, sys.executable, __file__, str(folder), address, str(port)],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_PUT(self):
        with open(self.translate_path(self.path), "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    do_POST = do_PUT

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    serve = http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])),
                                            functools.partial(Handler, directory=sys.argv[1]))
    print(serve.server_address[1], flush=True)
    serve.serve_forever()
