"""feedd --once: poll all, deliver what is due, exit."""
import os

from support.feeds import item, items
from support.server import Answer, closed_port
from support.wait import wait_for


def test_all_answered_and_delivered_is_0(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    done = feedd.once()
    assert done.returncode == 0, done.stderr
    feed.add(item(2))
    assert feedd.once().returncode == 0
    assert hook.titles == ["Article 2"]
    # An answer of 304 is an answer; and intervals hold nothing back.
    assert feedd.once().returncode == 0
    assert [r.status for r in server.of("/a.xml")] == [200, 200, 304]
    assert hook.titles == ["Article 2"]
    assert not os.path.exists(feedd.socket), "it opens no socket"


def test_a_feed_that_cannot_be_read_is_1(server, feedd):
    good, hook = server.feed("/a.xml", items(1)), feedd.hook()
    server.answer("/b", status=500)
    feedd.configure(feeds={"a": good.url, "b": server.url("/b")}, notify={"out": {"exec": [hook]}})
    assert feedd.once().returncode == 1
    assert feedd.sql("SELECT count(*) FROM items") == [(1,)]


def test_no_server_is_1(feedd):
    feedd.configure(feeds={"a": f"http://127.0.0.1:{closed_port()}/a"})
    assert feedd.once().returncode == 1


def test_back_off_holds_nothing_back(server, feedd):
    server.answer("/a", status=500)
    feedd.configure(feeds={"a": server.url("/a")})
    for _ in range(3):
        assert feedd.once().returncode == 1
    assert len(server.of("/a")) == 3
    feed = server.feed("/a", items(1))
    assert feedd.once().returncode == 0
    assert feed.answered == 4


def test_a_failed_delivery_is_1_and_the_next_run_tries_again(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    assert feedd.once().returncode == 0
    feed.add(item(2))
    hook.exits(1)
    assert feedd.once().returncode == 1
    assert len(hook.calls) == 1
    hook.exits(None)
    assert feedd.once().returncode == 0
    assert hook.titles == ["Article 2", "Article 2"]
    assert hook.seqs[0] == hook.seqs[1]
    assert feedd.once().returncode == 0
    assert len(hook.calls) == 2


def test_retry_after_is_obeyed_and_counts_as_failed(server, feedd):
    server.script("/a", Answer(status=429, headers={"Retry-After": "3600"}))
    feedd.configure(feeds={"a": server.url("/a")})
    assert feedd.once().returncode == 1
    assert feedd.once().returncode == 1
    assert len(server.of("/a")) == 1


def test_gone_is_gone(server, feedd):
    server.answer("/a", status=410)
    feedd.configure(feeds={"a": server.url("/a")})
    assert feedd.once().returncode == 1
    assert feedd.once().returncode == 1
    assert len(server.of("/a")) == 1


def test_what_it_left_the_daemon_delivers(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    feedd.once()
    feed.add(item(2))
    hook.exits(1)
    feedd.once()
    hook.exits(None)
    feedd.start()
    wait_for(lambda: len(hook.calls) == 2, "the call by the daemon", 20)


def test_faulty_configuration_is_2(feedd):
    feedd.configure(extra='nonsense = "x"\n')
    done = feedd.once()
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_without_feeds_there_is_nothing_to_do(feedd):
    feedd.configure()
    assert feedd.once().returncode == 0
