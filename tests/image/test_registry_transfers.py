"""Pulls against a registry that misbehaves: resuming, sharing, tokens, mirrors, wrong bytes."""

import random
import signal
import time

import layers
import pytest
from fake_registry import FakeRegistry

# Does not compress, so blobs are as long as this.
NOISE = [random.Random(seed).randbytes(1 << 20) for seed in range(3)]


@pytest.fixture
def layout(tmp_path):
    layout = layers.Layout(tmp_path / "layout")
    layout.one = layout.manifest([layers.tar(layers.file(f"noise{i}", noise)) for i, noise in enumerate(NOISE)])
    return layout


@pytest.fixture
def registry(layout):
    registry = FakeRegistry(layout)
    registry.tags["1"] = layout.one["digest"]
    yield registry
    registry.close()


def pull(images, registry, *options, name="test:1"):
    return images("pull", "--insecure", *options, f"{registry.host}/{name}")


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this has not come about"
        time.sleep(0.01)


def test_a_pull_fetches_each_blob_once_and_a_second_none(images, registry):
    assert "Downloaded newer image" in pull(images, registry)
    sent = dict(registry.sent)
    assert len(sent) == 4
    assert "Image is up to date" in pull(images, registry)
    assert dict(registry.sent) == sent
    assert images("ls", "--quiet")


def test_a_killed_pull_goes_on_where_it_was(images, registry, layout):
    registry.chunk_seconds = 0.02
    pulling = images.start("pull", "--insecure", f"{registry.host}/test:1")
    wait_until(lambda: sum(registry.sent.values()) > 1 << 20)
    pulling.send_signal(signal.SIGKILL)
    pulling.communicate()
    had = sum(path.stat().st_size for path in images.partial())
    assert had > 0
    registry.chunk_seconds = 0
    registry.sent.clear()
    pull(images, registry)
    assert registry.ranges
    whole = sum(len(noise) for noise in NOISE)
    assert sum(registry.sent.values()) < whole + 10_000 - had // 2
    assert images.partial() == []
    assert images("unpack", f"{registry.host}/test:1")


def test_two_pulls_at_once_fetch_each_blob_once(images, registry):
    registry.chunk_seconds = 0.01
    both = [images.start("pull", "--insecure", f"{registry.host}/test:1") for _ in range(2)]
    for one in both:
        _, complaint = one.communicate(timeout=60)
        assert one.returncode == 0, complaint
    blobs = [path for (method, path), count in registry.requests.items() if "/blobs/" in path]
    assert len(blobs) == 4
    assert all(registry.requests["GET", path] == 1 for path in blobs)


def test_a_connection_that_breaks_is_taken_up_again(images, registry):
    registry.cut_after = 300_000
    pull(images, registry)
    assert registry.ranges == ["bytes=300000-"]


def test_a_registry_without_ranges_is_asked_from_the_start(images, registry):
    registry.cut_after = 300_000
    registry.ignores_ranges = True
    pull(images, registry)
    assert images("unpack", f"{registry.host}/test:1")


def test_wrong_bytes_are_refused_and_not_kept(images, registry, layout):
    for path in (layout.path / "blobs" / "sha256").iterdir():
        registry.spoils = "sha256:" + path.name
        images.root = images.folder / path.name  # An empty store: good blobs would be kept.
        complaint = images.refused("pull", "--insecure", f"{registry.host}/test:1")
        assert "digest" in complaint, complaint
        assert path.name not in images.blobs()
        assert path.name not in [one.name for one in images.partial()]
        assert images.names() == set()


def test_a_digest_in_the_name_must_be_that_of_the_manifest(images, registry, layout):
    registry.tags[layers.digest(b"other")] = layout.one["digest"]
    assert "digest" in images.refused("pull", "--insecure", f"{registry.host}/test@{layers.digest(b'other')}")
    pull(images, registry, name="test@" + layout.one["digest"])
    assert images("inspect", f"{registry.host}/test@{layout.one['digest']}")


def test_a_token_is_fetched_with_credentials_that_go_nowhere_else(images, registry, layout):
    registry.token, registry.user = "secret-token", "user:password"
    store = FakeRegistry(layout)
    registry.redirect = store
    try:
        complaint = images.refused("pull", "--insecure", f"{registry.host}/test:1")
        assert "--creds" in complaint
        pull(images, registry, "--creds", "user:password")
        assert set(store.authorizations) == {None}
    finally:
        store.close()
    assert registry.authorizations.count("Bearer secret-token") >= 2


def test_the_credentials_of_podman_login_are_used(images, registry, tmp_path, monkeypatch):
    registry.token, registry.user = "secret-token", "user:password"
    (tmp_path / "auth.json").write_text('{"auths":{"%s":{"auth":"dXNlcjpwYXNzd29yZA=="}}}' % registry.host)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    pull(images, registry)


def test_a_mirror_is_asked_first_and_the_registry_after_it(images, others, registry, layout):
    mirror = FakeRegistry(layout)
    try:
        mirror.tags["1"] = layout.one["digest"]
        pull(images, registry, "--mirror", f"http://{mirror.host}")
        assert sum(mirror.sent.values()) > 0 and not registry.sent
        assert images.names() == {f"{registry.host}/test:1"}
        mirror.tags.clear()
        pull(others, registry, "--mirror", f"http://{mirror.host}")
        assert registry.sent
    finally:
        mirror.close()


def test_the_platform_is_chosen_from_an_index(images, registry, layout):
    arm = layout.manifest([layers.tar(layers.file("arm", "64"))], platform=("linux", "arm64"))
    index = layout.index({("linux", "amd64"): layout.one, ("linux", "arm64"): arm})
    registry.tags["1"] = index["digest"]
    pull(images, registry)
    pull(images, registry, "--platform", "linux/arm64")
    complaint = images.refused("pull", "--insecure", "--platform", "linux/riscv64", f"{registry.host}/test:1")
    assert "linux/amd64, linux/arm64" in complaint
    registry.tags["2"] = arm["digest"]
    complaint = images.refused("pull", "--insecure", "--platform", "linux/amd64", f"{registry.host}/test:2")
    assert "the image is for linux/arm64" in complaint


def test_what_cannot_be_pulled_is_said_in_one_line(images, registry):
    assert "manifest unknown" in images.refused("pull", "--insecure", f"{registry.host}/test:2")
    assert "--insecure" in images.refused("pull", f"{registry.host}/test:1")
    assert "127.0.0.1:1" in images.refused("pull", "--insecure", "127.0.0.1:1/test:1")
    assert "no image name" in images.refused("pull", "Not A Name")
