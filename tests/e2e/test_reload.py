"""Reload: only what changed is touched, and a faulty file changes nothing."""
import re
import signal
import threading

from support.feeds import item, items
from support.server import Answer
from support.wait import stays, wait_for


def test_a_feed_and_a_notifier_more(server, feedd):
    one, two = server.feed("/1.xml", items(1)), server.feed("/2.xml", items(101))
    hook, late = feedd.hook(), feedd.hook("late")
    feedd.configure(feeds={"one": one.url}, notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(1)
    one.add(item(2))
    feedd.poll("one")
    wait_for(lambda: hook.calls, "the first call")
    pid, asked = feedd.process.pid, len(server.of("/1.xml"))
    feedd.configure(feeds={"one": one.url, "two": two.url},
                    notify={"out": {"exec": [hook]}, "late": {"exec": [late]}})
    feedd.ctl("reload", check=0)
    feedd.wait_items(3)
    two.add(item(102))
    feedd.poll("two")
    wait_for(lambda: late.calls and len(hook.calls) == 2, "both calls")
    # The new notifier begins at the end of the log; the old feed was left alone.
    assert late.titles == ["Article 102"]
    assert len(server.of("/1.xml")) == asked
    assert feedd.process.pid == pid


def test_sighup_does_the_same(server, feedd):
    one, two = server.feed("/1.xml", items(1)), server.feed("/2.xml", items(101))
    feedd.configure(feeds={"one": one.url}).start()
    feedd.wait_items(1)
    feedd.configure(feeds={"one": one.url, "two": two.url})
    feedd.signal(signal.SIGHUP)
    feedd.wait_items(2)
    assert feedd.get("/v1/feeds/two").status == 200


def test_a_faulty_file_changes_nothing_and_every_fault_is_named(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(1)
    good = feedd.config.read_text()
    feedd.config.write_text(good + 'feed "b" { url = "http://127.0.0.1/b" intervall = "1h" }\n')
    done = feedd.ctl("reload", check=1)
    assert re.search(rf"{re.escape(str(feedd.config))}:\d+: .*intervall", done.stdout + done.stderr)
    feedd.config.write_text(good + 'feed "b" {\n\turl = "gopher://x/"\n}\nnotify "n" {\n\tbatch = "many"\n}\n')
    done = feedd.ctl("reload", check=1)
    said = done.stdout + done.stderr
    lines = len(good.splitlines())
    assert re.search(rf":{lines + 1}: |:{lines + 2}: ", said)
    assert re.search(rf":{lines + 4}: |:{lines + 5}: ", said)
    feedd.signal(signal.SIGHUP)
    wait_for(lambda: str(feedd.config) + ":" in feedd.log, "the fault in the log")
    # It goes on as before.
    assert feedd.get("/v1/feeds/b").status == 404
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")


def test_a_feed_that_leaves_is_no_longer_polled_and_its_items_stay(server, feedd):
    one, two = server.feed("/1.xml", items(1)), server.feed("/2.xml", items(101))
    feedd.configure(feeds={"one": {"url": one.url, "interval": "1s"}, "two": {"url": two.url, "interval": "1s"}}).start()
    feedd.wait_items(2)
    feedd.configure(feeds={"two": {"url": two.url, "interval": "1s"}})
    feedd.ctl("reload", check=0)
    asked = len(server.of("/1.xml"))
    before = len(server.of("/2.xml"))
    wait_for(lambda: len(server.of("/2.xml")) >= before + 3, "three more polls of the other")
    assert len(server.of("/1.xml")) <= asked + 1  # one may have been under way
    assert feedd.sql("SELECT count(*) FROM items") == [(2,)]


def test_a_missing_file_is_a_faulty_one(server, feedd):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.config.rename(feedd.config.with_suffix(".away"))
    assert feedd.ctl("reload").returncode == 1
    assert feedd.get("/v1/feeds/a").status == 200
    feedd.config.with_suffix(".away").rename(feedd.config)
    feedd.ctl("reload", check=0)


def test_a_storm_of_sighup(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(1)
    for _ in range(200):
        feedd.signal(signal.SIGHUP)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    assert stays(lambda: len(hook.calls) == 1, 0.5)
    assert feedd.running


def test_after_a_storm_the_last_configuration_holds(server, feedd):
    """However many were read meanwhile, one that is older than the last signal never wins."""
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    for n in range(100):
        feedd.configure(feeds={"a": feed.url, f"f{n}": {"url": server.url(f"/{n}"), "enabled": False}})
        feedd.signal(signal.SIGHUP)

    def configured():
        return {name for name, in feedd.sql("SELECT name FROM feeds WHERE configured")}

    wait_for(lambda: configured() == {"a", "f99"}, "the last configuration")
    assert stays(lambda: configured() == {"a", "f99"})
    assert feedd.log.count("reloaded: ") <= 101


def test_an_answer_of_the_former_address_counts_for_nothing(server, feedd):
    """The reload came while it was under way: the new address gets none of its validators, and is read for the first time."""
    new, go = server.feed("/new.xml", items(2, 3)), threading.Event()
    old = server.feed("/old.xml", items(1))
    feedd.configure(feeds={"a": old.url}).start()
    feedd.wait_items(1)

    def late(request):
        go.wait(60)
        return Answer(body=old.body(), headers={"ETag": '"old"'})

    server.answer("/old.xml", call=late)
    old.add(item(4))
    feedd.poll("a")
    wait_for(lambda: len(server.of("/old.xml")) == 2, "the request that is under way")
    feedd.configure(feeds={"a": new.url})
    feedd.ctl("reload", check=0)
    go.set()
    feedd.wait_items(3)
    assert not server.of("/new.xml")[0].headers.get("If-None-Match")
    assert sorted(guid for guid, in feedd.sql("SELECT guid FROM items")) == ["urn:item:1", "urn:item:2", "urn:item:3"]
    assert feedd.events() == []
    new.add(item(5))
    feedd.polled("a", new)
    wait_for(lambda: [e["id"] for e in feedd.events()] == ["urn:item:5"], "what is new at the new address")
