"""Archives and folders in and out, with skopeo and podman at the other end."""

import io
import json
import shutil
import subprocess
import tarfile
import tempfile

import layers
import pytest

LOWER = layers.tar(layers.folder("bin"), layers.file("bin/a", "a"))
UPPER = layers.tar(layers.file("bin/b", "b"))


@pytest.fixture
def layout(tmp_path):
    return layers.layout(tmp_path / "layout", LOWER, UPPER, name="localhost/a/b:1")


def inspect(images, name):
    return json.loads(images("inspect", name))[0]


def skopeo(*words):
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    done = subprocess.run(["skopeo", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_saved_image_is_read_by_skopeo_as_docker_and_as_oci(images, layout, tmp_path):
    images("load", layout.path)
    images("save", "--output", tmp_path / "saved.tar", "localhost/a/b:1")
    layer_ids = inspect(images, "localhost/a/b:1")["RootFS"]["Layers"]
    for transport in ("docker-archive", "oci-archive"):
        config = json.loads(skopeo("inspect", "--config", f"{transport}:{tmp_path}/saved.tar"))
        assert config["rootfs"]["diff_ids"] == layer_ids


def test_a_saved_folder_is_read_by_skopeo(images, layout, tmp_path):
    images("load", layout.path)
    images("save", "--format", "oci-dir", "--output", tmp_path / "out", "localhost/a/b:1")
    seen = json.loads(skopeo("inspect", f"oci:{tmp_path}/out"))
    assert seen["Digest"] == inspect(images, "localhost/a/b:1")["Digest"]


def test_the_store_is_a_layout(images, layout):
    images("load", layout.path)
    seen = json.loads(skopeo("inspect", f"oci:{images.root}/images:localhost/a/b:1"))
    assert seen["Digest"] == inspect(images, "localhost/a/b:1")["Digest"]


def test_what_skopeo_writes_for_docker_is_loaded(images, layout, tmp_path):
    skopeo("copy", f"oci:{layout.path}:localhost/a/b:1", f"docker-archive:{tmp_path}/docker.tar:some/name:2")
    assert images("load", "--input", tmp_path / "docker.tar") == "Loaded image: some/name:2"
    with open(tmp_path / "docker.tar", "rb") as archive:
        images("load", "--name", "localhost/piped:1", stdin=archive)
    assert images.names() == {"docker.io/some/name:2", "localhost/piped:1"}


def test_podman_loads_what_we_save(images, layout, tmp_path):
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    images("load", layout.path)
    images("save", "-o", tmp_path / "saved.tar", "localhost/a/b:1")
    with tempfile.TemporaryDirectory() as run:
        podman = ["podman", "--root", tmp_path / "podman", "--runroot", run, "--storage-driver", "vfs"]
        done = subprocess.run([*podman, "load", "--input", tmp_path / "saved.tar"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "localhost/a/b:1" in done.stdout
        done = subprocess.run([*podman, "save", "--output", tmp_path / "back.tar", "localhost/a/b:1"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    images("rm", "localhost/a/b:1")
    assert images("load", "-i", tmp_path / "back.tar") == "Loaded image: localhost/a/b:1"


def test_an_image_of_a_tar_or_a_folder_has_what_was_asked_for(images, tmp_path):
    (tmp_path / "root.tar").write_bytes(LOWER)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_text("text")
    for source, name in ((tmp_path / "root.tar", "tar:1"), (tmp_path / "root", "folder:1")):
        images("import", "--change", 'CMD ["sh", "-l"]', "-c", "ENV A=b", source, name)
        seen = inspect(images, name)
        assert seen["Config"] == {"Cmd": ["sh", "-l"], "Env": ["A=b"]}
        assert images("unpack", name)
    complaint = images.refused("import", "--change", "RUN x", tmp_path / "root.tar")
    assert "expected CMD, ENTRYPOINT" in complaint


def test_images_are_listed_named_and_removed_as_docker_does(images, layout):
    images("load", layout.path)
    images("tag", "localhost/a/b:1", "debian:12")
    head, *rows = images("ls").splitlines()
    assert head.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert {tuple(row.split()[:2]) for row in rows} == {("localhost/a/b", "1"), ("debian", "12")}
    image_id = images("ls", "--quiet")
    assert len(image_id) == 12
    assert inspect(images, image_id)["RepoTags"] == ["localhost/a/b:1", "debian:12"]
    assert "several names" in images.refused("rm", image_id)
    assert images("rm", "debian:12") == "Untagged: debian:12"
    assert images("rm", image_id).splitlines()[0] == "Untagged: localhost/a/b:1"
    assert images.blobs() == set()
    assert "there is no image" in images.refused("rm", "debian:12")
    images("rm", "--force", "debian:12")


def test_an_image_that_lost_its_name_is_pruned(images, tmp_path):
    for number in (1, 2):
        layers.layout(tmp_path / f"layout{number}", layers.tar(layers.file("x", str(number))))
        images("load", tmp_path / f"layout{number}")
        images("unpack", "localhost/test:1")
    assert images("ls", "--all").count("<none>") == 2
    assert "Deleted Images:" in images("prune", "--force")
    assert len(images.blobs()) == 3
    assert len(list((images.root / "images" / "layers").iterdir())) == 1
    images("prune", "--all")
    assert images.blobs() == set() and images.names() == set()


HOSTILE = {
    "a path that leads out": ([layers.file("../../etc/evil", "x")], "leads out of the image"),
    "a hard link that leads out": ([layers.hardlink("a", "../../etc/shadow")], "leads out of the image"),
    "a file through a link": ([layers.symlink("a", "/etc"), layers.file("a/evil", "x")], "symbolic link"),
    "a link through a link": ([layers.symlink("a", "/etc"), layers.hardlink("b", "a/passwd")], "link"),
    "a disk of the host": ([layers.device("dev/sda", 8, 0)], "device node"),
    "memory of the host": ([layers.device("innocent", 1, 1)], "device node"),
    "a whiteout of overlayfs": ([layers.device("etc/passwd", 0, 0)], "device node"),
    "a whiteout of the parent": ([layers.file("a/.wh...", "x")], "hides no name"),
    "a name that is too long": ([layers.file("x" * 300, "x")], "no path that Linux takes"),
    "a link to nothing": ([layers.hardlink("a", "b")], "no file of this layer"),
    "an owner that cannot be": ([layers.file("a", owner=(2**32 - 1, 0))], "owner that no Linux has"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_layer_is_refused_in_clear_words(images, tmp_path, kind):
    entries, words = HOSTILE[kind]
    layers.layout(tmp_path / "layout", layers.tar(*entries))
    images("load", tmp_path / "layout")
    for form in ("layers", "disk"):
        assert words in images.refused("unpack", "--as", form, "localhost/test:1")
        assert list((images.root / "images" / ("disks" if form == "disk" else form)).iterdir()) == []


def test_bombs_are_refused_before_they_fill_the_disk(images, tmp_path):
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    bomb = subprocess.run(["sh", "-c", "head -c 3G /dev/zero | zstd -1 -c"], capture_output=True, check=True).stdout
    (tmp_path / "bomb.tar.zst").write_bytes(bomb)
    assert "bomb" in images.refused("import", tmp_path / "bomb.tar.zst", "bomb:1")
    assert images.names() == set()


def test_a_layer_that_is_not_what_the_config_says_is_refused(images, tmp_path):
    layout = layers.Layout(tmp_path / "layout")
    good = layout.manifest([LOWER])
    path = layout.path / "blobs" / "sha256" / good["digest"][7:]
    manifest = json.loads(path.read_text())
    manifest["layers"] = [layout.blob(UPPER, "application/vnd.oci.image.layer.v1.tar")]
    layout.name(layout.blob(json.dumps(manifest).encode(), manifest["mediaType"]), "localhost/test:1")
    images("load", layout.path)
    for form in ("layers", "disk"):
        assert "the image's config says" in images.refused("unpack", "--as", form, "localhost/test:1")


def test_archives_that_are_none_are_refused(images, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("etc/passwd"))
    for content, words in ((b"x" * 5000, "wrong tar"), (out.getvalue(), "bulkhead image import"), (b"", "neither")):
        (tmp_path / "archive").write_bytes(content)
        assert words in images.refused("load", tmp_path / "archive")
    assert "No such file" in images.refused("load", tmp_path / "nothing")
    assert "No such file" in images.refused("import", tmp_path / "nothing")
