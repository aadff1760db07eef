"""Layers and OCI layouts made by hand, good and hostile ones."""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile


def entry(name, content=None, kind=tarfile.REGTYPE, link="", mode=0o644, owner=(0, 0), attributes=(), device=(0, 0)):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.uid, info.gid = owner
    info.mtime = 1_000_000_000
    info.devmajor, info.devminor = device
    info.size = len(content or b"")
    info.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in attributes}
    return info, content


def file(name, content=b"", **more):
    return entry(name, content.encode() if isinstance(content, str) else content, **more)


def folder(name, mode=0o755, **more):
    return entry(name, kind=tarfile.DIRTYPE, mode=mode, **more)


def symlink(name, target, **more):
    return entry(name, kind=tarfile.SYMTYPE, link=target, mode=0o777, **more)


def hardlink(name, target):
    return entry(name, kind=tarfile.LNKTYPE, link=target)


def device(name, major, minor):
    return entry(name, kind=tarfile.CHRTYPE, device=(major, minor), mode=0o666)


def tar(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content) if content is not None else None)
    return out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """An OCI layout's folder."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs" / "sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.lines = []

    def blob(self, data, media_type):
        (self.path / "blobs" / "sha256" / digest(data)[7:]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def manifest(self, tars, platform=("linux", "amd64"), compress=True):
        """Keeps an image of these tars; returns its manifest's descriptor."""
        layers = [self.blob(gzip.compress(one, 1, mtime=0) if compress else one,
                            "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if compress else ""))
                  for one in tars]
        config = {"os": platform[0], "architecture": platform[1], "config": {"Cmd": ["sh"]},
                  "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in tars]}}
        described = self.blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": described, "layers": layers}
        return self.blob(json.dumps(manifest).encode(), manifest["mediaType"])

    def index(self, manifests):
        """Keeps an index of {(os, architecture): descriptor}."""
        lines = [line | {"platform": {"os": system, "architecture": architecture}}
                 for (system, architecture), line in manifests.items()]
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": lines}
        return self.blob(json.dumps(index).encode(), index["mediaType"])

    def name(self, descriptor, name):
        self.lines.append(descriptor | {"annotations": {"org.opencontainers.image.ref.name": name}})
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.lines}))
        return self


def layout(path, *tars, name="localhost/test:1", **more):
    one = Layout(path)
    return one.name(one.manifest(tars, **more), name)
