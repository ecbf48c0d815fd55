"""fixtures.py - a scripted server and the real daemon, for pytest. conftest.py of e2e and torture take them from here."""
import pytest

from .daemon import Feedd
from .server import Server


@pytest.fixture
def server():
    """A scripted HTTP server on 127.0.0.1."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def make_feedd(tmp_path):
    """Makes daemons, each in a directory of its own."""
    made = []

    def make(name):
        made.append(Feedd(tmp_path / name))
        return made[-1]

    yield make
    for feedd in made:
        feedd.close()


@pytest.fixture
def feedd(make_feedd):
    """A daemon that is configured and started by the test, and stopped after it."""
    return make_feedd("feedd")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """The daemon's log stands beside a failure."""
    outcome = yield
    report = outcome.get_result()
    feedd = getattr(item, "funcargs", {}).get("feedd")
    if report.failed and feedd is not None and feedd.log:
        report.sections.append(("feedd's log", feedd.log[-8000:]))
