"""Limits of feedd.conf(5) that no other test trips; tests/lint/limits.py sees to it that none is left out."""
import os
import re
import threading
import time

import pytest
from support.feeds import item, items, rss
from support.server import Answer
from support.wait import stays, wait_for


def delivered(feedd):
    return feedd.get("/v1/status").json()["notifiers"][0]["delivered"]


def script(feedd, name, text):
    path = feedd.directory / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def told(server, feedd, count, **notify):
    """A daemon with a backlog of so many events and one notifier, configured before its first poll."""
    feed = server.feed("/a.xml", items(0))
    feedd.configure(feeds={"a": feed.url}, notify={"out": notify}).start()
    feedd.wait_items(1)
    feed.add(*items(*range(1, count + 1)))
    feedd.polled("a", feed)
    return feed


class Crowd:
    """Holds all who come until leave(), and counts who is inside at the same time."""

    def __init__(self):
        self.lock, self.open, self.inside, self.most, self.total = threading.Lock(), threading.Event(), 0, 0, 0

    def visit(self, request):
        with self.lock:
            self.inside += 1
            self.total += 1
            self.most = max(self.most, self.inside)
        self.open.wait(60)
        with self.lock:
            self.inside -= 1
        return Answer(body=rss(items(1)))

    def leave(self, count):
        """When so many are inside and nobody else comes."""
        wait_for(lambda: self.inside == count, f"{count} at the same time")
        assert stays(lambda: self.inside == count)
        self.open.set()


# limit: polls
def test_polls_in_flight(server, feedd):
    crowd = Crowd()
    server.answer("/x", call=crowd.visit)
    feedd.configure(feeds={f"f{n}": server.url(f"/x?{n}") for n in range(20)}, top={"max_polls": 5}).start()
    crowd.leave(5)
    feedd.wait_items(20)
    assert (crowd.most, crowd.total) == (5, 20)


# limit: calls
def test_calls_of_a_notifier_at_the_same_time(server, feedd):
    crowd = Crowd()
    server.answer("/hook", call=crowd.visit)
    told(server, feedd, 20, webhook=server.url("/hook"))
    crowd.leave(4)
    wait_for(lambda: delivered(feedd) == 20, "all calls")
    assert (crowd.most, crowd.total) == (4, 20)


# limit: updates
def test_an_item_that_changes_at_every_poll(server, feedd):
    feed = server.feed("/a.xml", [item(1)])
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    for n in range(30):
        feed.set([item(1, html=f"<p>version {n}")])
        feedd.polled("a", feed)
    wait_for(lambda: feedd.sql("SELECT content_html FROM items") == [("<p>version 29",)], "the last version")
    assert [e["_feedd"]["event"] for e in feedd.events()] == ["item.updated"] * 24


# limit: lines
def test_a_hook_that_talks(server, feedd):
    told(server, feedd, 150, exec=[script(feedd, "talk", "echo hello from the hook\n")])
    begun = time.monotonic()
    wait_for(lambda: delivered(feedd) == 150, "all calls", 30)
    spans = 2 + (time.monotonic() - begun) // 10
    if spans * 20 < 150:
        assert 20 <= feedd.log.count("hello from the hook") <= 20 * spans


# limit: kill
def test_a_hook_that_ignores_sigterm(server, feedd):
    stubborn = script(feedd, "stubborn", "trap '' TERM\necho $$ >\"$0.pid.new\"\nmv \"$0.pid.new\" \"$0.pid\"\nwhile :; do sleep 1; done\n")
    told(server, feedd, 1, exec=[stubborn], timeout="1s", retries=0)
    file = feedd.directory / "stubborn.pid"
    wait_for(file.exists, "the hook")
    pid, begun = int(file.read_text()), time.monotonic()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its end", 20)
    assert time.monotonic() - begun >= 4
    wait_for(lambda: "timed out" in feedd.ctl("failed").stdout, "the line in `feedctl failed`")


# limit: webhook-wait
def test_a_webhook_that_wants_to_be_left_alone_for_ever(server, feedd):
    server.answer("/hook", status=429, headers={"Retry-After": "999999999"})
    told(server, feedd, 1, webhook=server.url("/hook"))
    (wait,), = wait_for(lambda: feedd.sql("SELECT next_at - at FROM deliveries WHERE next_at > 0"), "the delivery that waits")
    assert 48 * 3600 - 5 <= wait <= 48 * 3600


# limit: page
def test_pages_end(server, feedd):
    feed = server.feed("/a.xml", [item(n, html=f"{n}" + "x" * 1_500_000) for n in range(1, 6)])
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(5)
    titles, path, pages = [], "/v1/items?limit=100", 0
    while path:
        page = feedd.request("GET", path).json()
        titles += [i["title"] for i in page["items"]]
        path, pages = page.get("next_url", "").removeprefix("http://feedd"), pages + 1
    assert titles == [f"Article {n}" for n in range(5, 0, -1)]
    assert pages == 3, "two items of a content and a text of 1.5 MB each pass 4 MiB"


# limit: configuration, opml, credential
@pytest.mark.parametrize("what, size", [("include", 64 << 20), ("list", 256 << 20), ("credential", 64 << 10)])
def test_files_that_are_too_large(server, feedd, what, size):
    """Sparse ones, which are refused before they are read."""
    large = feedd.directory / "large"
    with open(large, "wb") as file:
        file.truncate(size + 1)
    large.chmod(0o600)
    feedd.environment["CREDENTIALS_DIRECTORY"] = str(feedd.directory)
    options = {"url": server.url("/"), "username": "me", "credential": "large"} if what == "credential" else server.url("/")
    feedd.configure(feeds={"a": options}, top={"subscriptions": [large]} if what == "list" else None,
                    extra=f'include("{large}")\n' if what == "include" else "")
    done = feedd.run("--check")
    assert done.returncode == 2
    assert re.search(rf"^{feedd.config}:\d+: .*{large}: the file is too large", done.stderr, re.M), done.stderr
