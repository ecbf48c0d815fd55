"""Whatever goes wrong with a feed is an outcome with a plain sentence in `feedctl show`; nothing else is disturbed."""
import re

import pytest
from support.feeds import item, items
from support.server import Answer, closed_port
from support.wait import wait_for

HTML = b"<!DOCTYPE html><html><head><title>Hello</title></head><body><p>Not a feed.</p></body></html>"

CASES = {
    "html": (Answer(body=HTML, headers={"Content-Type": "text/html"}), r"HTML|html page|not a feed"),
    "empty": (Answer(body=b"", headers={"Content-Type": "application/rss+xml"}), r"empty"),
    "garbage": (Answer(body=bytes(range(256)) * 20, headers={"Content-Type": "application/rss+xml"}), r"not a feed|no feed"),
    "text": (Answer(body=b"just some words\n", headers={"Content-Type": "text/plain"}), r"not a feed|no feed"),
    "json": (Answer(body=b'{"hello": "world"}', headers={"Content-Type": "application/json"}), r"not a feed|no feed|JSON"),
    "500": (Answer(status=500, body=b"oops"), r"500"),
    "404": (Answer(status=404, body=b"oops"), r"404"),
    "401": (Answer(status=401, headers={"WWW-Authenticate": "Basic realm=x"}), r"401"),
    "410": (Answer(status=410), r"410|gone"),
    "429": (Answer(status=429, headers={"Retry-After": "120"}), r"429"),
    "204": (Answer(status=204), r"204|empty|no content"),
    "loop": (Answer(status=302, headers={"Location": "/a"}), r"redirect"),
    "empty-location": (Answer(status=302, headers={"Location": ""}), r"redirect|302"),
    "gopher": (Answer(status=302, headers={"Location": "gopher://127.0.0.1/"}), r"redirect|protocol|gopher"),
    "file": (Answer(status=302, headers={"Location": "file:///etc/passwd"}), r"redirect|protocol|file"),
    "closed": (Answer(raw=b""), r"empty|closed|reply|answer"),
    "no-http": (Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), r"HTTP|answer|reply"),
    "cut": (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss version='2.0'><channel>"),
            r"end|incomplete|short|cut|closed|partial|outstanding"),
}


def check(feedd, server, wanted):
    good, hook = server.feed("/good.xml", items(1)), feedd.hook()
    text = feedd.config.read_text()
    feedd.config.write_text(text + f'feed "good" {{ url = "{good.url}" }}\nnotify "out" {{ exec = {{"{hook}"}} feeds = {{"good"}} }}\n')
    feedd.start()
    feedd.wait_items(1)
    said = wait_for(lambda: re.search(wanted, feedd.show("bad"), re.I) and feedd.show("bad"), f"{wanted!r} in `feedctl show`")
    # Healthy feeds are told of as if nothing had happened.
    good.add(item(2))
    feedd.poll("good")
    wait_for(lambda: hook.calls, "the call for the other feed")
    row = feedd.get("/v1/feeds/bad").json()
    assert row["name"] == "bad"
    assert re.search(wanted, str(row), re.I)
    return said


@pytest.mark.parametrize("case", CASES)
def test_answers(server, feedd, case):
    answer, wanted = CASES[case]
    server.script("/a", answer)
    feedd.configure(feeds={"bad": {"url": server.url("/a"), "backlog": "all"}})
    check(feedd, server, wanted)
    assert feedd.sql("SELECT count(*) FROM items JOIN feeds ON feeds.id = items.feed WHERE feeds.name = 'bad'") == [(0,)]


def test_connection_refused(server, feedd):
    feedd.configure(feeds={"bad": f"http://127.0.0.1:{closed_port()}/"})
    check(feedd, server, r"refused|connect")


def test_a_name_that_does_not_resolve(server, feedd):
    feedd.configure(feeds={"bad": "http://feed.invalid/"})
    check(feedd, server, r"resolve|name")


def test_too_large(server, feedd):
    server.answer("/a", body=b"<rss version='2.0'><channel>" + b" " * 200_000 + b"</channel></rss>")
    feedd.configure(feeds={"bad": {"url": server.url("/a"), "max_size": "100KiB"}})
    said = check(feedd, server, r"max_size")
    assert "100" in said


def test_too_slow(server, feedd):
    server.answer("/a", delay=60)
    feedd.configure(feeds={"bad": {"url": server.url("/a"), "timeout": "1s"}})
    check(feedd, server, r"time")


def test_a_failed_poll_forgets_nothing(server, feedd):
    """Errors in between make no known item new, and the validators are still good."""
    feed, hook = server.feed("/a.xml", items(1, 2)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(2)
    for answer in (Answer(status=500), Answer(body=HTML, headers={"ETag": '"html"'}), Answer(body=b"")):
        before = len(server.of("/a.xml"))
        server.script("/a.xml", answer)
        feedd.poll("a")
        wait_for(lambda before=before: len(server.of("/a.xml")) > before and server.of("/a.xml")[-1].done_at, "the poll")
        wait_for(lambda: feedd.get("/v1/feeds/a").json().get("last_error"), "the outcome")
    server.answer("/a.xml", call=feed.answer)
    feed.add(item(3))
    feedd.polled("a", feed)
    wait_for(lambda: hook.calls, "the call of the hook")
    assert hook.titles == ["Article 3"]
    assert server.of("/a.xml")[-1].headers.get("If-None-Match") != '"html"'


def test_back_off_grows(server, feedd):
    server.answer("/a", status=500)
    feedd.configure(feeds={"bad": {"url": server.url("/a"), "interval": "1s"}, "good": server.feed("/b", items(1)).url}).start()
    wait_for(lambda: len(server.of("/a")) >= 5, "five polls", 60)
    at = [r.at for r in server.of("/a")]
    assert at[4] - at[3] > at[1] - at[0] + 2
