"""`make install`: any prefix for the same build, a configuration that is there stays, uninstall takes all else."""
import os
import subprocess

import pytest
from support.daemon import BUILD, ROOT


@pytest.fixture
def make(tmp_path):
    """Runs make for the build under test, without building anything anew."""
    def run(target, **variables):
        given = {"BUILD": BUILD, "DESTDIR": tmp_path / "stage", **variables}
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        done = subprocess.run(["make", "-o", "all", target, *(f"{k}={v}" for k, v in given.items())], cwd=ROOT, env=environment,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path / "stage"

    return run


def tree(root):
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


def test_prefix_and_sysconfdir_are_put_in_at_install(make):
    stage = make("install", PREFIX="/opt/feedd", SYSCONFDIR="/opt/etc")
    assert os.access(stage / "opt/feedd/bin/feedd", os.X_OK) and os.access(stage / "opt/feedd/bin/feedctl", os.X_OK)
    unit = (stage / "opt/feedd/lib/systemd/system/feedd.service").read_text()
    assert "ExecStart=/opt/feedd/bin/feedd --config /opt/etc/feedd/feedd.conf" in unit
    assert "/usr/local" not in unit
    assert (stage / "opt/etc/feedd/feedd.conf").exists()
    for page in (ROOT / "man").glob("*.[1-8]"):
        assert (stage / f"opt/feedd/share/man/man{page.suffix[1:]}" / page.name).exists()
    assert {p.split("/")[0] for p in tree(stage)} == {"opt"}


def test_unitdir(make):
    stage = make("install", PREFIX="/usr", UNITDIR="/lib/systemd/system")
    assert "ExecStart=/usr/bin/feedd --config /etc/feedd/feedd.conf" in \
        (stage / "lib/systemd/system/feedd.service").read_text()


def test_a_configuration_stays(make):
    stage = make("install")
    conf = stage / "etc/feedd/feedd.conf"
    sample = conf.read_text()
    conf.write_text("# mine\n")
    make("install")
    assert conf.read_text() == "# mine\n"
    assert (stage / "usr/local/share/doc/feedd/examples/feedd.conf").read_text() == sample
    assert not [p for p in tree(stage) if p.endswith(".new")]


def test_uninstall_takes_all_but_the_configuration(make):
    stage = make("install")
    assert "usr/local/bin/feedd" in tree(stage)
    make("uninstall")
    assert {p for p in tree(stage) if not p.startswith("etc/feedd/")} == set()
    assert (stage / "etc/feedd/feedd.conf").exists()


def test_the_sample_is_accepted_by_the_program(tmp_path):
    """As it stands and as it is installed."""
    done = subprocess.run([BUILD / "feedd", "--check", "-c", ROOT / "etc/feedd.conf"], capture_output=True, text=True, timeout=20,
                          env={**os.environ, "STATE_DIRECTORY": str(tmp_path)}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
