"""Against Debian's docker-registry, with skopeo and podman at the other end."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import layers
import pytest

CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{host}"{tls}}}
{auth}
"""

# bcrypt.
PASSWORDS = {"secret": "$2b$05$aaaaaaaaaaaaaaaaaaaaaufF5ln6hkSmsXQlUal7F4e6KigLYzXK6"}

TARS = (layers.tar(layers.folder("etc"), layers.file("etc/a", "a"), layers.file("etc/b", "b" * 100_000)),
        layers.tar(layers.file("etc/.wh.a"), layers.file("etc/c", "c", owner=(1000, 1000))))


class Registry:
    def __init__(self, folder, tls=None, password=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % probe.getsockname()[1]
        (folder / "data").mkdir(parents=True)
        auth = ""
        if password:
            (folder / "passwords").write_text(f"user:{PASSWORDS[password]}\n")
            auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/passwords}}}}"
        words = f", tls: {{certificate: {tls[0]}, key: {tls[1]}}}" if tls else ""
        config = folder / "registry.yml"
        config.write_text(CONFIG.format(folder=folder / "data", host=self.host, tls=words, auth=auth))
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        self.wait(folder / "log")

    def wait(self, log):
        address, port = self.host.split(":")
        for _ in range(500):
            try:
                socket.create_connection((address, int(port))).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, log.read_text()
                time.sleep(0.02)
        pytest.fail("docker-registry does not start: " + log.read_text())

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(autouse=True)
def programs():
    for name in ("docker-registry", "skopeo"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "registry")
    yield registry
    registry.close()


@pytest.fixture
def loaded(images, tmp_path):
    """The id of an image of two layers in the store."""
    layers.layout(tmp_path / "layout", *TARS)
    images("load", tmp_path / "layout")
    return json.loads(images("inspect", "localhost/test:1"))[0]["Id"]


def skopeo(*words):
    done = subprocess.run(["skopeo", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_pushed_comes_back_with_its_digest(images, others, registry, loaded):
    name = f"{registry.host}/a/b:1"
    pushed = images("push", "--insecure", "localhost/test:1", name)
    others("pull", "--insecure", name)
    ours, theirs = json.loads(others("inspect", name))[0], json.loads(images("inspect", "localhost/test:1"))[0]
    assert ours["Id"] == theirs["Id"] == loaded
    assert ours["Digest"] == theirs["Digest"] and ours["Digest"] in pushed
    assert "Sent: 0B" in images("push", "--insecure", "localhost/test:1", name)


def test_skopeo_reads_what_we_push_and_we_what_it_pushes(images, others, registry, loaded, tmp_path):
    name = f"{registry.host}/ours:1"
    images("push", "--insecure", "localhost/test:1", name)
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    assert seen["Digest"] == json.loads(images("inspect", "localhost/test:1"))[0]["Digest"]
    skopeo("copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/seen:x:1")
    # New bytes each time: skopeo remembers where it has seen the gzip of old ones.
    fresh = layers.tar(layers.file("etc/c", "c"), layers.file("noise", os.urandom(1000)))
    layers.layout(tmp_path / "plain", *TARS[:1], fresh, compress=False)
    skopeo("copy", "--dest-tls-verify=false", "--dest-compress-format", "zstd",
           f"oci:{tmp_path}/plain:localhost/test:1", f"docker://{registry.host}/theirs:1")
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{registry.host}/theirs:1")
    assert "tar+zstd" in raw
    # Docker's own media types, too.
    skopeo("copy", "--dest-tls-verify=false", "--format", "v2s2", f"oci:{tmp_path}/seen:x:1",
           f"docker://{registry.host}/docker:1")
    for theirs in ("theirs", "docker"):
        others("pull", "--insecure", f"{registry.host}/{theirs}:1")
        top = pathlib.Path(others("unpack", f"{registry.host}/{theirs}:1").splitlines()[-1])
        assert (top / "etc" / "c").read_text() == "c"


def test_podman_pulls_what_we_push(images, registry, loaded, tmp_path):
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    name = f"{registry.host}/ours:1"
    images("push", "--insecure", "localhost/test:1", name)
    # podman wants a short path for what runs.
    with tempfile.TemporaryDirectory() as run:
        podman = ["podman", "--root", tmp_path / "podman", "--runroot", run, "--storage-driver", "vfs"]
        done = subprocess.run([*podman, "pull", "--quiet", "--tls-verify=false", name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == loaded.removeprefix("sha256:")


def test_a_certificate_must_be_known_or_given(images, others, tmp_path, loaded):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    registry = Registry(tmp_path / "tls", tls=(certificate, key))
    try:
        name = f"{registry.host}/a:1"
        assert "--ca-file" in images.refused("push", "localhost/test:1", name)
        images("push", "--ca-file", certificate, "localhost/test:1", name)
        others("pull", "--insecure", name)
        others("pull", "--ca-file", certificate, name)
    finally:
        registry.close()


def test_basic_credentials_open_a_registry(images, tmp_path, loaded):
    registry = Registry(tmp_path / "basic", password="secret")
    try:
        name = f"{registry.host}/a:1"
        assert "--creds" in images.refused("push", "--insecure", "localhost/test:1", name)
        assert "--creds" in images.refused("push", "--insecure", "--creds", "user:wrong", "localhost/test:1", name)
        images("push", "--insecure", "--creds", "user:secret", "localhost/test:1", name)
        images("pull", "--insecure", "--creds", "user:secret", name)
    finally:
        registry.close()
