"""The installed package under a real systemd, in a throwaway machine.

WITH_SYSTEMD names the program that boots one; without it (or where it cannot run) these tests are skipped, and say so. What
happens inside is in tests/systemd/inside.py.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess

import pytest
from support.daemon import BUILD, ROOT, SANITIZED
from support.wait import SLOW

CANDIDATES = [os.environ.get("WITH_SYSTEMD"), ROOT.parent / "shared/bin/with-systemd"]
WITH_SYSTEMD = next((str(c) for c in CANDIDATES if c and pathlib.Path(c).exists()), None)


def can_boot():
    return WITH_SYSTEMD and subprocess.run([WITH_SYSTEMD, "-k"], capture_output=True, check=False).returncode == 0


needs_systemd = pytest.mark.skipif(not can_boot(), reason="no throwaway machine with systemd here (WITH_SYSTEMD)")


def clean_environment():
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def build_package(build):
    build.mkdir(exist_ok=True)
    for program in ("feedd", "feedctl"):
        shutil.copy2(BUILD / program, build / program)
    done = subprocess.run(["make", "-s", "-o", "all", "deb", f"BUILD={build}"], cwd=ROOT, env=clean_environment(),
                          capture_output=True, text=True, timeout=300 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", name="package")
def fixture_package(tmp_path_factory):
    """The Debian package of the build under test, made below the temporary directory of this run."""
    if not shutil.which("dpkg-deb") or not shutil.which("dpkg-shlibdeps"):
        pytest.skip("dpkg-dev is not installed")
    if SANITIZED:
        pytest.skip("a sanitizer's build is not what is packaged: its options and suppressions do not reach the units")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # one package for all workers of this run
        shared = shared.parent
    build = shared / "package"
    with open(shared / "package.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(build.glob("feedd_*.deb")):
            build_package(build)
    return next(build.glob("feedd_*.deb"))


@needs_systemd
@pytest.mark.parametrize("scenario", ["service", "life", "dropins", "upgrade"])
def test_in_a_machine(package, tmp_path, scenario):
    journal = tmp_path / "journal"
    setup = "mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates; : >/var/lib/dpkg/status; useradd -r -M outsider; " \
        f"dpkg --force-depends -i {package} >/dev/null; python3 {ROOT}/tests/systemd/inside.py prepare {scenario}"
    done = subprocess.run([WITH_SYSTEMD, "-t", str(int(120 * SLOW)), "-j", str(journal), "-r", str(package.parent), "-r", str(ROOT),
                           "-s", setup, "--allow-failed", "--", "python3", str(ROOT / "tests/systemd/inside.py"), scenario,
                           str(package)],
                          cwd=ROOT, capture_output=True, text=True, timeout=300 * SLOW, check=False)
    log = journal.read_text(errors="replace")[-6000:] if journal.exists() else ""
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"


def test_exposure():
    """The score of the sandbox: at most 1.2 with ordinary hooks working."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for unit in ("feedd.service", "feedd@.service"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=12", "--no-pager",
                               ROOT / "systemd" / unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
