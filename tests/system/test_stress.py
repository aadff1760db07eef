"""Each load of ./dev stress for a moment: it runs in a guest, and finds nothing wrong."""

import subprocess

import pytest

from harness import paths

pytestmark = pytest.mark.usefixtures("vmm", "kernels", "initrds")

KINDS = ["fork_storm", "signal_storm", "mapping_churn", "lock_free", "written_code"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_load_of_a_moment_goes_right(kind):
    done = subprocess.run([paths.TOP / "tests" / "stress" / "stress.py", "1", "--turn", "1", "--seed", "1", "--kind", kind],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no wrong result" in done.stdout
