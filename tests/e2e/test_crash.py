"""kill -9 at awkward moments: delivered again, never lost, stored once."""
import contextlib
import fcntl
import os
import signal
import socket
import sqlite3
import threading

import pytest
from support.feeds import item, items
from support.wait import wait_for


def integrity(feedd):
    with sqlite3.connect(feedd.state / "feedd.db") as db:
        return db.execute("PRAGMA integrity_check").fetchall()


def test_killed_while_the_hook_runs(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    feedd.start()
    feedd.wait_items(1)
    hook.sleeps(30)
    feed.add(item(2))
    feedd.poll("a")
    first = wait_for(lambda: hook.calls, "the first call")[0]
    feedd.kill9()
    hook.sleeps(None)
    feedd.start()
    wait_for(lambda: len(hook.calls) == 2, "the second call")
    assert hook.calls[1].event == first.event  # the same seq: a consumer can tell
    assert feedd.sql("SELECT count(*) FROM items") == [(2,)]
    assert feedd.sql("SELECT count(*) FROM events") == [(1,)]
    feedd.stop()
    assert integrity(feedd) == [("ok",)]


def test_killed_between_store_and_hook(server, feedd):
    """The notifier could not be called when the item was stored; the next life of the daemon calls it."""
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    hook.exits(1)
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook], "concurrency": 1}})
    feedd.start()
    feedd.wait_items(1)
    feed.set(items(1, 2, 3, 4))
    feedd.poll("a")
    feedd.wait_items(4)
    feedd.kill9()
    hook.exits(None)
    before = len(hook.calls)
    feedd.start()
    wait_for(lambda: {"Article 2", "Article 3", "Article 4"} <= {c.event["title"] for c in hook.calls[before:]},
             "all three articles after the kill")
    assert feedd.sql("SELECT count(*) FROM items") == [(4,)]
    assert len(feedd.events()) == 3


def test_killed_while_a_poll_is_under_way(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "interval": "1s"}}, notify={"out": {"exec": [hook]}})
    feedd.start()
    feedd.wait_items(1)
    for n in range(2, 8):
        feed.add(item(n))
        before = len(server.of("/a.xml"))
        wait_for(lambda: len(server.of("/a.xml")) > before, "a request")
        feedd.kill9()
        feedd.start()
    wait_for(lambda: {f"Article {n}" for n in range(2, 8)} <= set(hook.titles), "all articles")
    titles = [title for (title,) in feedd.sql("SELECT title FROM items")]
    assert sorted(titles) == sorted(set(titles)), "stored twice"
    assert len(titles) == 7


def test_seq_is_not_given_twice_after_a_kill(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    feedd.start()
    feedd.wait_items(1)
    for n in (2, 3, 4):
        feed.add(item(n))
        feedd.poll("a")
        wait_for(lambda: f"Article {n}" in hook.titles, "the call")
        feedd.kill9()
        feedd.start()
    by_seq = {}
    for event in hook.events:
        by_seq.setdefault(event["_feedd"]["seq"], set()).add(event["id"])
    assert all(len(ids) == 1 for ids in by_seq.values()), by_seq


def test_sigterm_during_a_hanging_hook_ends_in_time_and_delivers_later(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}}, top={"shutdown_timeout": "1s"})
    feedd.start()
    feedd.wait_items(1)
    hook.sleeps(60)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    feedd.signal(signal.SIGTERM)
    assert feedd.stop(timeout=8) == 0
    hook.sleeps(None)
    feedd.start()
    wait_for(lambda: len(hook.calls) == 2, "the second call")
    assert hook.seqs[0] == hook.seqs[1]


@pytest.mark.parametrize("what", ["socket", "lock"])
def test_what_a_killed_daemon_leaves_open_for_a_moment(feedd, what):
    """A child between fork and exec has the descriptors of its parent."""
    feedd.configure()
    with contextlib.ExitStack() as left:
        if what == "socket":
            held = left.enter_context(socket.socket(socket.AF_UNIX))
            held.bind(feedd.socket)
            held.listen()
        else:
            held = os.open(feedd.state, os.O_RDONLY)
            left.callback(os.close, held)
            fcntl.flock(held, fcntl.LOCK_EX)
        feedd.start(wait=False)
        gone = threading.Timer(0.3, left.pop_all().close)
        gone.start()
        wait_for(lambda: "ready" in feedd.log or not feedd.running, "a start")
        gone.join()
    assert feedd.running, feedd.log
