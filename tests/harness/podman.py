"""podman with folders of its own, a runtime of choice and what this host lets containers have."""

import os
import subprocess

CONFIG = """
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime_supports_json=["bulkhead-oci"]
[containers]
default_ulimits=["nofile=1024:1024","nproc=1024:1024"]
log_driver="k8s-file"
"""


class Podman:
    def __init__(self, folder, runtime):
        (folder / "containers.conf").write_text(CONFIG)
        # conmon leaves a file where it is started when a container is out of memory.
        self.folder = folder
        self.environment = os.environ | {"CONTAINERS_CONF": str(folder / "containers.conf")}
        self.words = ["podman", "--root", folder / "root", "--runroot", folder / "runroot", "--tmpdir",
                      folder / "tmp", "--runtime", runtime]

    def __call__(self, *words, **options):
        return subprocess.run([*self.words, *words], cwd=self.folder, env=self.environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60, **options)

    def run(self, *words):
        return self("run", "--rm", "--network=none", *words)
