"""conftest.py - the fixtures of tests/support: server, feedd, make_feedd."""
from support.fixtures import feedd, make_feedd, pytest_runtest_makereport, server

__all__ = ["feedd", "make_feedd", "pytest_runtest_makereport", "server"]
