"""The path of an article: server, poll, store, log, hook."""
import json
import re

import pytest
from support.feeds import item, items
from support.wait import stays, wait_for

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def start(feedd, feed, hook, **options):
    feedd.configure(feeds={"a": {"url": feed.url, **options}}, notify={"out": {"exec": [hook]}})
    return feedd.start()


def test_items_of_the_first_poll_are_stored_and_not_told(server, feedd):
    feed, hook = server.feed("/a.xml", items(1, 2, 3)), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(3)
    feed.add(item(4))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    assert hook.titles == ["Article 4"]
    assert [e["title"] for e in feedd.events()] == ["Article 4"]


@pytest.mark.parametrize("backlog, told", [(2, [3, 4]), ("all", [1, 2, 3, 4]), (0, [])])
def test_backlog(server, feedd, backlog, told):
    feed, hook = server.feed("/a.xml", items(1, 2, 3, 4)), feedd.hook()
    start(feedd, feed, hook, backlog=backlog)
    feedd.wait_items(4)
    feed.add(item(5))
    feedd.poll("a")
    wait_for(lambda: "Article 5" in hook.titles, "the newest article")
    wait_for(lambda: len(hook.calls) == len(told) + 1, "all calls")
    # Hooks of one feed start in the order of the log, but what they write may cross: the log itself is exact.
    assert [e["title"] for e in feedd.events()] == [f"Article {n}" for n in [*told, 5]]
    assert sorted(hook.titles) == [f"Article {n}" for n in [*told, 5]]


@pytest.mark.parametrize("format", ["rss", "atom", "rdf", "json"])
def test_every_format(server, feedd, format):
    feed, hook = server.feed("/a", items(1), format=format), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(1)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    event = hook.calls[0].event
    assert (event["id"], event["title"], event["url"]) == ("urn:item:2", "Article 2", "https://example.org/articles/2")
    assert event["date_published"] == "2026-01-01T00:02:00Z"
    assert "Text of article 2." in event.get("content_text", event.get("summary", ""))


def test_the_event_and_the_environment(server, feedd):
    feed, hook = server.feed("/a.xml", items(1), title="Sample & Sons"), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "tags": ["news", "tech"]}},
                    notify={"out": {"exec": [hook, "--channel", "two words"]}})
    feedd.start()
    feedd.wait_items(1)
    feed.add(item(2, title="A <b>bold</b> & \n new one", tags=("x",)))
    feedd.poll("a")
    call = wait_for(lambda: hook.calls, "the call of the hook")[0]
    event = call.event
    extension = event["_feedd"]
    assert event["title"] == "A bold & new one"
    assert event["tags"] == ["x"]
    assert event["content_html"] == "<p>Text of article 2.</p>"
    assert extension["event"] == "item.new"
    assert RFC3339.match(extension["first_seen"])
    assert extension["feed"]["name"] == "a"
    assert extension["feed"]["title"] == "Sample & Sons"
    assert extension["feed"]["url"] == feed.url
    assert extension["feed"]["home_page_url"] == "https://example.org/"
    assert extension["feed"]["tags"] == ["news", "tech"]
    assert call.args == ["--channel", "two words"]
    assert call.env["FEEDD_SEQ"] == str(extension["seq"])
    assert call.env["FEEDD_EVENT"] == "item.new"
    assert call.env["FEEDD_NOTIFY"] == "out"
    assert call.env["FEEDD_FEED"] == "a"
    assert call.env["FEEDD_ID"] == "urn:item:2"
    assert call.env["FEEDD_TITLE"] == "A bold & new one"
    assert call.env["FEEDD_URL"] == "https://example.org/articles/2"
    assert call.env["FEEDD_DATE_PUBLISHED"] == "2026-01-01T00:02:00Z"
    assert [event] == feedd.events()


def test_new_items_enter_the_log_oldest_first(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(1)
    feed.set(items(1, 2, 3, 4, 5))
    feedd.poll("a")
    wait_for(lambda: len(hook.calls) == 4, "four calls")
    events = feedd.events()
    assert [e["title"] for e in events] == [f"Article {n}" for n in (2, 3, 4, 5)]
    seqs = [e["_feedd"]["seq"] for e in events]
    assert seqs == sorted(set(seqs))


def test_without_dates_the_document_is_read_from_its_bottom(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(1)
    feed.set([item(n, at=None) for n in (7, 3, 9)] + items(1))
    feedd.poll("a")
    wait_for(lambda: len(hook.calls) == 3, "three calls")
    assert [e["title"] for e in feedd.events()] == ["Article 9", "Article 3", "Article 7"]


def test_the_second_request_is_conditional_and_304_brings_nothing(server, feedd):
    feed, hook = server.feed("/a.xml", items(1, 2), headers={"Last-Modified": "Mon, 23 Nov 2026 20:17:00 GMT"}), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(2)
    etag = feed.answer(server.of("/a.xml")[0]).headers["ETag"]
    feedd.poll("a")
    second = wait_for(lambda: server.of("/a.xml")[1:], "the second request")[0]
    assert second.headers["If-None-Match"] == etag
    assert second.headers["If-Modified-Since"] == "Mon, 23 Nov 2026 20:17:00 GMT"
    wait_for(lambda: second.status == 304, "the 304")
    feed.add(item(3))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    assert hook.titles == ["Article 3"]
    assert feedd.get("/v1/feeds/a").status == 200


def test_a_changed_item_is_told_to_who_asked_for_it(server, feedd):
    feed, new, both = server.feed("/a.xml", items(1)), feedd.hook("new"), feedd.hook("both")
    feedd.configure(feeds={"a": feed.url}, notify={
        "new": {"exec": [new]},
        "both": {"exec": [both], "events": ["item.new", "item.updated"]},
    })
    feedd.start()
    feedd.wait_items(1)
    feed.set([item(1, title="Article 1, corrected")])
    feedd.poll("a")
    wait_for(lambda: both.calls, "the call of the hook")
    assert both.calls[0].event["_feedd"]["event"] == "item.updated"
    assert both.calls[0].event["title"] == "Article 1, corrected"
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: new.calls and len(both.calls) == 2, "the new article")
    assert new.titles == ["Article 2"]
    assert feedd.sql("SELECT count(*) FROM items") == [(2,)]


def test_a_restart_repeats_nothing(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(1)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the first call")
    feedd.restart()
    feed.add(item(3))
    feedd.poll("a")
    wait_for(lambda: len(hook.calls) > 1, "the second call")
    assert hook.titles == ["Article 2", "Article 3"]
    assert hook.seqs == sorted(set(hook.seqs))
    # The validators survived as well: the first request after the restart is conditional.
    assert "If-None-Match" in server.of("/a.xml")[2].headers


def test_items_that_leave_and_return_are_not_new(server, feedd):
    feed, hook = server.feed("/a.xml", items(1, 2, 3)), feedd.hook()
    start(feedd, feed, hook)
    feedd.wait_items(3)
    for known in (items(3), [], items(1, 2, 3)):
        feed.set(known)
        feedd.polled("a", feed)
    feed.set(items(1, 2, 3, 4))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the hook")
    assert hook.titles == ["Article 4"]


def test_a_file_gets_one_line_an_event(server, feedd):
    feed, out = server.feed("/a.xml", items(1)), feedd.directory / "out.jsonl"
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"file": out}})
    feedd.start()
    feedd.wait_items(1)
    feed.set(items(1, 2, 3))
    feedd.poll("a")
    wait_for(lambda: out.exists() and out.read_text().count("\n") == 2, "two lines")
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert events == feedd.events()


def test_feeds_and_notifiers_that_have_nothing_to_do_with_each_other(server, feedd):
    one, two = server.feed("/1.xml", items(1)), server.feed("/2.xml", items(101))
    first, second = feedd.hook("first"), feedd.hook("second")
    feedd.configure(feeds={"one": {"url": one.url, "tags": ["x"]}, "two": two.url}, notify={
        "first": {"exec": [first], "feeds": ["tag:x"]},
        "second": {"exec": [second], "feeds": ["two"]},
    })
    feedd.start()
    feedd.wait_items(2)
    one.add(item(2))
    two.add(item(102))
    feedd.poll("one")
    feedd.poll("two")
    wait_for(lambda: first.calls and second.calls, "both calls")
    assert stays(lambda: len(first.calls) == 1 and len(second.calls) == 1, 0.5)
    assert first.titles == ["Article 2"]
    assert second.titles == ["Article 102"]
