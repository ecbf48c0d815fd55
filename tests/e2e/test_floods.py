"""Floods, and feeds that behave oddly from poll to poll: exact counts. And everything hostile at once: bounded memory."""
import contextlib
import socket
import threading

import pytest
from support.daemon import SANITIZED
from support.feeds import item, items
from support.server import Answer
from support.wait import wait_for


def counts(feedd, name="a"):
    stored = feedd.sql("SELECT count(*) FROM items JOIN feeds ON feeds.id = items.feed WHERE feeds.name = ?", name)[0][0]
    told = sum(1 for e in feedd.events() if e["_feedd"]["feed"]["name"] == name and e["_feedd"]["event"] == "item.new")
    return stored, told


# limit: items
@pytest.mark.parametrize("n, kept", [(1000, 1000), (5000, 5000), (5001, 5000)])
def test_many_new_items_in_one_poll(server, feedd, n, kept):
    """5,000 items of one document are taken, the newest ones."""
    feed = server.feed("/a.xml", items(100000))
    feedd.configure(feeds={"a": feed.url})
    assert feedd.once().returncode == 0
    feed.set(items(*range(1, n + 1)))
    assert feedd.once(timeout=60).returncode == 0
    assert feedd.sql("SELECT count(*), count(DISTINCT item) FROM events WHERE event = 'item.new'") == [(kept, kept)]
    assert feedd.sql("SELECT count(*) FROM items") == [(kept + 1,)]
    oldest = feedd.sql("SELECT guid FROM events JOIN items ON items.id = item ORDER BY events.seq LIMIT 1")[0][0]
    assert oldest == f"urn:item:{n - kept + 1}"
    assert ("behind the first 5000" in feedd.log) == (n > kept)


def test_what_is_left_out_is_logged_without_news_too(server, feedd):
    """A feed that puts its news at the bottom."""
    feed = server.feed("/a.xml", items(1, 2, 3))
    feedd.configure(feeds={"a": feed.url}, top={"max_items": 3}).start()
    feedd.wait_items(3)
    for last in (4, 4, 5):
        feed.set([*items(1, 2, 3), *(item(n) for n in range(4, last + 1))])
        feed.etag = False
        feedd.polled("a", feed)
    wait_for(lambda: "2 items are left out, behind the first 3 (max_items)" in feedd.log, "a word about the second")
    assert feedd.log.count("1 item is left out, behind the first 3 (max_items)") == 1
    assert counts(feedd) == (3, 0)


def test_ids_that_change_at_every_poll(server, feedd):
    feed = server.feed("/a.xml", items(*range(1, 31)))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(30)
    for poll in range(4):
        feed.set([item(n, id=f"{poll}-{n}") for n in range(30, 0, -1)])
        feedd.polled("a", feed)
    wait_for(lambda: any(e["_feedd"]["event"] == "feed.rekeyed" for e in feedd.events()), "feed.rekeyed")
    assert counts(feedd)[1] == 0


def test_one_id_for_all_items(server, feedd):
    feed = server.feed("/a.xml", [item(n, id="same") for n in (3, 2, 1)])
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(3)
    for n in range(4, 9):
        feed.set([item(k, id="same") for k in range(n, n - 3, -1)])
        feedd.polled("a", feed)
        wait_for(lambda n=n: counts(feedd) == (n, n - 3), f"article {n} told once")


def test_shrinking_growing_and_oscillating(server, feedd):
    feed = server.feed("/a.xml", items(*range(1, 41)))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(40)
    for numbers in [range(30, 41), range(40, 41), [], range(1, 41), range(1, 10), range(20, 43), range(1, 5), range(1, 43)]:
        feed.set(items(*numbers))
        feedd.polled("a", feed)
    wait_for(lambda: counts(feedd) == (42, 2), "40 articles of the first poll, and two that are new")


def hold(path, text, stop):
    """A client that asks and never reads."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(path)
        client.sendall(text)
        stop.wait(60)


def test_everything_hostile_at_once(server, feedd):
    """Memory is bounded and healthy feeds are told on time."""
    good = [server.feed(f"/good{n}.xml", items(n)) for n in range(5)]
    flood = server.feed("/flood.xml", [])
    server.answer("/endless", call=lambda _: Answer(chunks=(b"<rss><channel><item>" + b"x" * 65536 for _ in range(2000))))
    server.answer("/slow", delay=50)
    server.answer("/deep", body=b"<rss><channel>" + b"<a>" * 100000)
    server.answer("/garbage", body=bytes(range(256)) * 4000)
    feeds = {f"good{n}": {"url": feed.url, "interval": "1s"} for n, feed in enumerate(good)}
    feeds |= {f"bad{n}{kind}": {"url": server.url(f"/{kind}?{n}"), "interval": "1s"}
              for n in range(10) for kind in ("endless", "slow", "deep", "garbage")}
    feeds["flood"] = {"url": flood.url, "backlog": "all"}
    hook, hang, spew = feedd.hook(), feedd.directory / "hang", feedd.directory / "spew"
    hang.write_text("#!/bin/sh\nsleep 1000 &\nsleep 1000\n")
    spew.write_text("#!/bin/sh\nexec head -c 20000000 /dev/zero\n")
    hang.chmod(0o755)
    spew.chmod(0o755)
    feedd.configure(feeds=feeds, notify={"good": {"exec": [hook], "feeds": [f"good{n}" for n in range(5)]},
                                         "hang": {"exec": [hang], "timeout": "5s"}, "spew": {"exec": [spew]}})
    feedd.start()
    wait_for(lambda: all(feed.answered for feed in good), "the first polls", 30)
    stop = threading.Event()
    stream = b"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    texts = [stream] * 20 + [b""] * 100 + [b"GET /" + b"a" * (8 << 20)] * 3 + [bytes(range(256)) * 300] * 10
    clients = [threading.Thread(target=hold, args=(feedd.socket, text, stop), daemon=True) for text in texts]
    for client in clients:
        client.start()
    flood.set([item(n, html="<p>" + "y" * 2000) for n in range(4000)])
    for n, feed in enumerate(good):
        feed.add(item(1000 + n))
    wanted = {f"urn:item:{1000 + n}" for n in range(5)}
    wait_for(lambda: {e["id"] for e in hook.events} >= wanted, "what is new in healthy feeds", 20)
    feedd.poll("flood")
    feedd.wait_items(4000, "flood")
    for n, feed in enumerate(good):
        feed.add(item(2000 + n))
    wanted |= {f"urn:item:{2000 + n}" for n in range(5)}
    wait_for(lambda: {e["id"] for e in hook.events} >= wanted, "what is new in healthy feeds during the flood", 20)
    status = open(f"/proc/{feedd.process.pid}/status", encoding="ascii").read()
    peak = int(status.split("VmHWM:")[1].split()[0])
    print(f"peak {peak / 1024:.0f} MB")
    assert peak <= 192 * 1024 * (4 if SANITIZED else 1)
    stop.set()
    for client in clients:
        client.join()
    wait_for(lambda: feedd.get("/v1/status").status == 200, "the socket")
