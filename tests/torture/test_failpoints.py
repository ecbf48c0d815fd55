"""Death at every durable step: stored once, told at least once, no seq given twice.

Needs a build of its own, `make FAILPOINTS=1`, which is made here.
"""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess

import pytest
from support import daemon
from support.feeds import item, items
from support.wait import wait_for

BUILD = daemon.BUILD / "failpoints"


@pytest.fixture(scope="module")
def build():
    subprocess.run(["make", "-s", "-j2", "-C", daemon.ROOT, f"BUILD={BUILD}", "FAILPOINTS=1", "all"], check=True)


@pytest.fixture(autouse=True)
def use_it(build, monkeypatch):
    monkeypatch.setattr(daemon, "BUILD", BUILD)


def die(feedd, point, how, nth=1):
    """A run that ends when it is at the point for the n-th time; False if it never is."""
    feedd.environment["FEEDD_FAIL"] = f"{point}:{how}:{nth}"
    status = feedd.once().returncode
    del feedd.environment["FEEDD_FAIL"]
    assert status in (0, -signal.SIGKILL if how == "kill" else -signal.SIGABRT)
    return status != 0


@pytest.mark.parametrize("kind", ["exec", "file"])
@pytest.mark.parametrize("how", ["kill", "abort"])
@pytest.mark.parametrize("point", ["before_commit", "after_commit", "after_delivery", "before_clean", "before_checkpoint"])
def test_death(server, feedd, point, how, kind):
    """At the first time, the second, and so on until a run gets through."""
    feed, hook, out = server.feed("/a.xml", items(1)), feedd.hook(), feedd.directory / "out"
    feedd.configure(feeds={"a": feed.url}, notify={"n": {"exec": [hook]} if kind == "exec" else {"file": out}})
    assert feedd.once().returncode == 0
    last = deaths = 1
    while True:
        feed.add(*items(last + 1, last + 2, last + 3))
        last += 3
        if not die(feedd, point, how, deaths):
            break
        deaths += 1
    assert deaths > 1, "the point was never reached"
    assert feedd.once().returncode == 0
    wanted = {f"urn:item:{n}" for n in range(2, last + 1)}

    def told():
        return hook.events if kind == "exec" else [json.loads(line) for line in out.read_text().splitlines()]

    wait_for(lambda: {e["id"] for e in told()} == wanted, "every article")
    stored = [guid for (guid,) in feedd.sql("SELECT guid FROM items")]
    assert sorted(stored) == sorted(f"urn:item:{n}" for n in range(1, last + 1))
    events = feedd.sql("SELECT events.seq, guid FROM events JOIN items ON items.id = events.item")
    assert sorted(guid for _, guid in events) == sorted(wanted)
    by_seq = dict(events)
    assert all(by_seq[e["_feedd"]["seq"]] == e["id"] for e in told())


@pytest.mark.parametrize("how", ["kill", "abort"])
def test_death_in_migration(server, feedd, how):
    """Of a database that the first schema made: it is the old one still, then the new one."""
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}})
    assert feedd.once().returncode == 0
    with contextlib.closing(sqlite3.connect(feedd.state / "feedd.db")) as db:
        db.executescript("ALTER TABLE items DROP COLUMN extensions; PRAGMA user_version = 1")
    assert die(feedd, "in_migration", how)
    assert feedd.sql("PRAGMA user_version") == [(1,)]
    assert feedd.once().returncode == 0
    assert feedd.sql("PRAGMA user_version") == [(2,)]
    assert feedd.sql("SELECT guid, extensions FROM items") == [("urn:item:1", None)]


@pytest.mark.parametrize("how", ["kill", "abort"])
def test_death_in_creation(server, feedd, how):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}})
    assert die(feedd, "in_creation", how)
    assert feedd.once().returncode == 0
    assert feedd.sql("SELECT count(*) FROM items") == [(1,)]
    assert os.path.getsize(feedd.state / "feedd.db") > 0
