"""`make demo` shows notifications within seconds and leaves nothing behind."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest
from support.daemon import BUILD, ROOT
from support.wait import SLOW


@pytest.fixture(name="home")
def fixture_home():
    """A short path, since the demo makes a Unix socket below it."""
    home = tempfile.mkdtemp(prefix="fd-")
    yield pathlib.Path(home)
    shutil.rmtree(home)


def run(build, home, seconds, interrupt=None):
    environment = {**os.environ, "DEMO_SECONDS": str(seconds), "TMPDIR": str(home)}
    demo = subprocess.Popen([sys.executable, ROOT / "tests/demo/demo.py", build], stdout=subprocess.PIPE, text=True, env=environment)
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if interrupt and re.match(r"\d\d:\d\d:\d\d  ", line):
            demo.send_signal(interrupt)
            interrupt = None
    assert demo.wait(30 * SLOW) == 0
    return "".join(lines)


def prepare(home):
    """A build directory of its own: demos may run beside each other."""
    build = home / "build"
    build.mkdir()
    for program in ("feedd", "feedctl"):
        (build / program).symlink_to(BUILD / program)
    return build


def test_notices_status_and_nothing_left(home):
    build = prepare(home)
    said = run(build, home, 6 * SLOW)
    notices = re.findall(r"^\d\d:\d\d:\d\d  (\w+) +(\S.*)\n +(http://127\.0\.0\.1:\S+)  \(event \d+\)$", said, re.M)
    assert {name for name, _, _ in notices} == {"harbour", "kernel", "garden", "stars"}
    assert "$ feedctl status" in said and "make install" in said
    assert sorted(p.name for p in build.iterdir()) == ["feedctl", "feedd"]
    assert not list(home.glob("feedd-*"))


def test_ctrl_c_ends_it_the_same_way(home):
    build = prepare(home)
    said = run(build, home, 600, interrupt=signal.SIGINT)
    assert "$ feedctl status" in said
    assert sorted(p.name for p in build.iterdir()) == ["feedctl", "feedd"]
    assert not list(home.glob("feedd-*"))
