"""Unit tests that have a long form: every n-th call of the disk fails, the power is cut at every step."""
import os
import subprocess

import pytest
from support.daemon import BUILD


def run(name, **environment):
    done = subprocess.run([BUILD / "tests" / name], env={**os.environ, "FEEDD_TORTURE": "1", **environment},
                          capture_output=True, text=True, timeout=600)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_disk_that_fails():
    run("test_disk")


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("SEEDS", "3"))))
def test_power_cuts(seed):
    run("test_power", SEED=str(seed))
