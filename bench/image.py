#!/usr/bin/python3
"""Images: a Debian tree of some 200 MB from an OCI layout into a store and unpacked, against podman, skopeo's copy and umoci;
and as a disk image for microVMs against mkfs.erofs and mksquashfs. Needs root.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from common import in_turns, median, ratio

from harness import paths

IMAGE = "localhost/bench:1"


def timed(*words):
    """Seconds of a command that must end well."""
    begin = time.perf_counter()
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def ours(folder, command, *words):
    return [paths.BULKHEAD, "image", command, "--root", folder, *words]


def output(words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout.strip()


def tree_of(megabytes):
    """What of this machine's own programs make a tree of that size, as an image of many files has them."""
    size, chosen = 0, []
    for top in ("/usr/bin", "/usr/lib/python3", "/usr/lib/python3.11", "/usr/share/perl", "/usr/share/doc",
                "/usr/lib/x86_64-linux-gnu"):
        for folder, _, files in os.walk(top):
            for name in sorted(files):
                path = pathlib.Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                size += path.stat().st_size
                if size > megabytes << 20:
                    return chosen
                chosen.append(str(path))
    return chosen


def make_layout(folder, archive, megabytes, compression):
    """An OCI layout around a tar, or around one of this machine's programs."""
    if archive is None:
        archive = folder / "tree.tar"
        names = folder / "names"
        names.write_text("\n".join(tree_of(megabytes)))
        subprocess.run(["tar", "--create", "--absolute-names", "--transform", "s,^/,,", "--file", archive,
                        "--files-from", names], check=True)
    packed = folder / "layer.tar"
    with open(packed, "wb") as out:
        subprocess.run(["gzip" if compression == "gzip" else "zstd", "-c", "-3" if compression == "zstd" else "-6",
                        archive], stdout=out, check=True)
    output(ours(folder / "maker", "import", packed, IMAGE))
    output(ours(folder / "maker", "save", "--format", "oci-dir", "--output", folder / "layout", IMAGE))
    size = pathlib.Path(archive).stat().st_size
    print(f"image: {size / 1e6:.0f} MB in a {compression} layer of {packed.stat().st_size / 1e6:.0f} MB")
    return folder / "layout"


def unpackers(folder, layout):
    """{name: a way from the layout to an unpacked tree, from nothing}"""
    def bulkhead():
        shutil.rmtree(folder / "store", ignore_errors=True)
        begin = time.perf_counter()
        subprocess.run(ours(folder / "store", "load", "--quiet", layout), check=True)
        output(ours(folder / "store", "unpack", IMAGE))
        return time.perf_counter() - begin

    podman = ["podman", "--root", folder / "podman", "--runroot", folder / "run"]

    def with_podman():
        subprocess.run([*map(str, podman), "rmi", "--all", "--force"], capture_output=True)
        return timed(*podman, "pull", "--quiet", f"oci:{layout}:{IMAGE}")

    def with_umoci():
        shutil.rmtree(folder / "bundle", ignore_errors=True)
        return timed("umoci", "unpack", "--image", f"{folder}/tagged:1", folder / "bundle")

    ways = {"ours": bulkhead}
    if shutil.which("podman"):
        ways["podman"] = with_podman
    if shutil.which("umoci"):
        # It takes only names without a registry.
        shutil.copytree(layout, folder / "tagged")
        index = json.loads((folder / "tagged" / "index.json").read_text())
        index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "1"}
        (folder / "tagged" / "index.json").write_text(json.dumps(index))
        if "zstd" not in (folder / "tagged" / "index.json").read_text():
            ways["umoci"] = with_umoci
    return ways


def disk_makers(folder):
    """{name: a way to a disk image from what is unpacked already; ours starts from the compressed layer}"""
    tree = output(ours(folder / "store", "unpack", IMAGE)).splitlines()[-1]
    out = folder / "disk"

    def bulkhead():
        shutil.rmtree(folder / "store" / "images" / "disks", ignore_errors=True)
        return timed(*ours(folder / "store", "unpack", "--as", "disk", IMAGE))

    def peer(*words):
        def run():
            out.unlink(missing_ok=True)
            return timed(*words)
        return run

    ways = {"ours": bulkhead}
    if shutil.which("mkfs.erofs"):
        ways["mkfs.erofs"] = peer("mkfs.erofs", out, tree)
        ways["mkfs.erofs lz4"] = peer("mkfs.erofs", "-zlz4", out, tree)
    if shutil.which("mksquashfs"):
        ways["mksquashfs none"] = peer("mksquashfs", tree, out, "-noI", "-noD", "-noF", "-noX", "-noappend")
        ways["mksquashfs zstd"] = peer("mksquashfs", tree, out, "-comp", "zstd", "-Xcompression-level", "3", "-noappend")
    return ways


def compare(what, results):
    medians = {name: median(values) for name, values in results.items()}
    print(f"{what}: " + ", ".join(f"{name} {value:.2f} s" for name, value in medians.items()))
    for peer in medians:
        if peer != "ours":
            ratio(f"{what}_{peer}".replace(" ", "_"), medians["ours"], medians[peer], peer)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--archive", type=pathlib.Path, help="the tar to use, instead of this machine's programs")
    parser.add_argument("--compression", choices=("gzip", "zstd"), default="gzip")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/image.py needs root")
    with tempfile.TemporaryDirectory(prefix="b") as name:
        folder = pathlib.Path(name)
        layout = make_layout(folder, options.archive, options.megabytes, options.compression)
        compare("image_unpack", in_turns(options.rounds, **unpackers(folder, layout)))
        compare("image_disk", in_turns(options.rounds, **disk_makers(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
