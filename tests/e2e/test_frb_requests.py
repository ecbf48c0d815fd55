"""How a feed reader should behave towards servers, by the checklist that site owners use: requests, trouble, redirects, FRB050 to FRB141."""
import gzip
import re
import zlib

import pytest
from support.feeds import items, rss
from support.polls import PLAIN, column, edit, feed_events, poll, row, rss_answer, started, validators, wait_of_next
from support.server import Answer, Server, closed_port
from support.wait import stays, wait_for

HTML = Answer(body=b"<!DOCTYPE html><html><body>Hello</body></html>", headers={"Content-Type": "text/html"})


# --- requests

def test_frb050_get_and_nothing_else(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url, "b": server.url("/405")})
    poll(feedd)
    poll(feedd, "a", "--force")
    assert {r.method for r in server.requests} == {"GET"} and not any(r.body for r in server.requests)


def test_frb051_no_head_before_a_get(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url})
    assert [r.method for r in server.requests] == ["GET"]


@pytest.mark.parametrize("url", ["", "feed", "ftp://example.org/", "javascript:alert(1)", "http://", "http://exa mple.org/", "//example.org/"])
def test_frb060_addresses_are_checked(feedd, url):
    feedd.configure(feeds={"a": url})
    done = feedd.run("--check")
    assert done.returncode == 2 and re.search(r"feedd\.conf:\d+: ", done.stderr + done.stdout)


def test_frb062_no_parameters_are_added(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url})
    poll(feedd)
    poll(feedd, "a", "--force")
    assert [r.path for r in server.requests] == ["/a"] * 3


def test_frb063_no_cookies(server, feedd):
    server.answer("/a", status=302, headers={"Location": "/b", "Set-Cookie": "hop=1; Path=/"})
    server.script("/b", rss_answer(Set_Cookie="id=1; Path=/"))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert len(server.requests) == 4 and not any(r.headers.get("Cookie") for r in server.requests)


def test_frb064_no_cache_busting(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url})
    poll(feedd)
    assert all(not r.headers.get("Cache-Control") and not r.headers.get("Pragma") for r in server.requests)


def test_frb065_no_referer(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert len(server.requests) == 4
    assert not any(r.headers.get(name) for r in server.requests for name in ("Referer", "From", "Origin"))


@pytest.mark.parametrize("path", ["/a?b=1&a=2&a=1", "/a?x=%7Eb&y=a+b%20c", "/a?q=%e4", "/a?url=http://x/?y=1"])
def test_frb066_a_query_is_sent_as_it_stands(server, feedd, path):
    server.script("/a", rss_answer())
    started(feedd, feeds={"a": server.url(path)})
    assert [r.path for r in server.requests] == [path]


def test_frb070_a_refresh_by_hand_is_conditional(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url})
    poll(feedd)
    assert [r.status for r in server.requests] == [200, 304]
    poll(feedd, "a", "--force")  # said explicitly
    assert [r.status for r in server.requests] == [200, 304, 200]


def test_frb071_a_refresh_by_hand_is_paced(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url}, host={"gap": "1500ms"})
    for _ in range(10):
        feedd.poll("a")
    wait_for(lambda: len(server.requests) >= 2, "the second request")
    assert stays(lambda: len(server.requests) <= 3, 1.2)
    at = [r.at for r in server.requests]
    assert all(b - a > 1.4 for a, b in zip(at, at[1:])), at


# --- who asks

def agents(server):
    return {r.headers.get("User-Agent") for r in server.requests}


def test_frb080_a_user_agent_is_sent(server, feedd):
    server.answer("/a", status=302, headers={"Location": "/b"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    assert len(agents(server)) == 1 and all(agents(server))


def test_frb081_it_names_program_and_version(server, feedd):
    started(feedd, feeds={"a": server.feed("/a", items(1)).url})
    version = feedd.run("--version").stdout.split()[-1]
    assert re.match(rf"feedd/{re.escape(version)}( |$)", agents(server).pop())


def test_frb082_it_pretends_to_be_nobody_else(server, feedd):
    started(feedd, feeds={"a": server.feed("/a", items(1)).url})
    assert not re.search(r"mozilla|chrome|safari|curl|android|bot", agents(server).pop(), re.I)


def test_frb085_a_contact_can_be_given(server, feedd):
    agent = "feedd/1 (+https://example.org/about-our-reader)"
    feeds = {"a": server.feed("/a", items(1)).url, "b": {"url": server.feed("/b", items(1)).url, "user_agent": "other/1"}}
    started(feedd, 2, feeds=feeds, top={"user_agent": agent})
    assert server.of("/a")[0].headers["User-Agent"] == agent
    assert server.of("/b")[0].headers["User-Agent"] == "other/1"


def test_frb090_it_stays_the_same(server, feedd):
    feed = server.feed("/a", items(1))
    started(feedd, feeds={"a": feed.url})
    poll(feedd)
    feedd.restart()
    poll(feedd, "a", "--force")
    assert len(server.requests) == 3 and len(agents(server)) == 1


# --- trouble

BACK_OFF = {
    "frb110_not_a_feed": HTML,
    "frb112_403": Answer(status=403),
    "frb113_404": Answer(status=404),
    "frb115_empty": Answer(body=b"", headers=PLAIN),
    "frb116_400": Answer(status=400),
    "frb118_500": Answer(status=500),
    "frb118_502": Answer(status=502),
    "frb119_503_without_a_word": Answer(status=503),
    "frb119_cut_off": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
}


def backs_off(feedd, names):
    """Each further error in a row doubles the wait, up to a bound, and none is for ever."""
    for name in names:
        waits = []
        for _ in range(5):
            waits.append(wait_of_next(feedd, name))
            poll(feedd, name)
        assert all(b > 1.6 * a for a, b in zip(waits, waits[1:])), (name, waits)
        for _ in range(4):
            poll(feedd, name)
        assert wait_of_next(feedd, name) <= 1800 * 1.06, name
        assert row(feedd, name)["state"] != "gone"


def test_frb110_to_119_back_off(server, feedd):
    for name, answer in BACK_OFF.items():
        server.script("/" + name, answer)
    started(feedd, len(BACK_OFF), feeds={name: {"url": server.url("/" + name), "interval": "10s"} for name in BACK_OFF},
            top={"max_backoff": "30m", "min_interval": "5s"})
    backs_off(feedd, BACK_OFF)


def test_frb116_a_name_that_does_not_resolve(feedd):
    started(feedd, feeds={"a": {"url": "http://feed.invalid/", "interval": "10s"}}, top={"max_backoff": "30m", "min_interval": "5s"},
            extra='host "feed.invalid" { gap = "0s" }\n')
    backs_off(feedd, ["a"])


def test_frb117_nobody_listens(feedd):
    started(feedd, feeds={"a": {"url": f"http://127.0.0.1:{closed_port()}/", "interval": "10s"}},
            top={"max_backoff": "30m", "min_interval": "5s"})
    backs_off(feedd, ["a"])


def test_frb113_404_for_a_week_is_daily(server, feedd):
    server.answer("/a", status=404)
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "10s"}}, top={"max_backoff": "30m"})
    feedd.stop()
    edit(feedd, "failing_since = failing_since - 8 * 86400")
    feedd.start()
    poll(feedd)
    assert wait_of_next(feedd) >= 86400 * 0.94


def test_frb111_410_is_told(server, feedd):
    server.script("/a", rss_answer(), Answer(status=410))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert feed_events(feedd) == ["feed.gone"]
    assert "410" in feedd.show("a") and row(feedd)["state"] == "gone"


def test_frb114_410_stops(server, feedd):
    server.script("/a", Answer(status=410), rss_answer())
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "1s"}})
    feedd.ctl("poll", "a")
    feedd.restart()
    feedd.ctl("poll", "a")
    assert stays(lambda: len(server.requests) == 1, 2.5)
    feedd.ctl("resume", "a", check=0)
    feedd.wait_items(1)
    assert row(feedd)["state"] == "ok"


# --- redirects

def test_frb130_permanent_redirects_are_followed_and_told_once(server, feedd):
    for status, path in ((301, "/a"), (308, "/b")):
        server.answer(path, status=status, headers={"Location": "/new" + path})
        server.script("/new" + path, rss_answer(ETag='"one"'), Answer(status=304))
    started(feedd, 2, feeds={"a": server.url("/a"), "b": server.url("/b")})
    for _ in range(2):
        poll(feedd, "a")
        poll(feedd, "b")
    assert sorted(feed_events(feedd)) == ["feed.moved"] * 2
    assert row(feedd, "a")["moved_to"] == server.url("/new/a")
    assert len(server.of("/a")) == len(server.of("/b")) == 3  # the configuration's word holds until someone accepts


def test_frb131_the_move_is_accepted_on_request_and_kept(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    server.script("/b", rss_answer(ETag='"one"'), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    feedd.ctl("accept-move", "a", check=0)
    poll(feedd)
    feedd.restart()
    poll(feedd)
    assert len(server.of("/a")) == 1
    assert [validators(r)[0] for r in server.of("/b")] == [None, '"one"', '"one"']


def test_frb131_or_by_itself_after_days(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")}, top={"accept_moves_after": "7d"})
    poll(feedd)
    assert len(server.of("/a")) == 2
    feedd.stop()
    edit(feedd, "moved_since = moved_since - 8 * 86400")
    feedd.start()
    poll(feedd)
    poll(feedd)
    assert (len(server.of("/a")), len(server.of("/b"))) == (3, 4)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_frb132_temporary_redirects_are_followed_and_forgotten(server, feedd, status):
    server.answer("/a", status=status, headers={"Location": "/b"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert (len(server.of("/a")), feed_events(feedd), row(feedd).get("moved_to")) == (2, [], None)


def test_frb133_a_captive_portal_moves_nothing(server, feedd):
    server.script("/a", rss_answer(), Answer(status=301, headers={"Location": "/login"}), Answer(status=301, headers={"Location": "/login"}),
                  rss_answer())
    server.script("/login", HTML)
    started(feedd, feeds={"a": server.url("/a")}, top={"accept_moves_after": "1s"})
    poll(feedd)
    poll(feedd)
    assert row(feedd).get("moved_to") is None and column(feedd, "accepted_url") is None
    assert "not a feed" in row(feedd)["last_error"].lower() or "html" in row(feedd)["last_error"].lower()
    poll(feedd)
    assert (feed_events(feedd), row(feedd)["state"]) == ([], "ok")


def test_frb134_a_chain_with_a_temporary_hop_is_not_permanent(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    server.answer("/b", status=302, headers={"Location": "/c"})
    server.script("/c", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    assert row(feedd)["moved_to"] == server.url("/b")


def test_frb135_endless_redirects_end(server, feedd):
    server.answer("/a", call=lambda r: Answer(status=302, headers={"Location": f"/a?{len(server.requests)}"}))
    server.answer("/ring", status=301, headers={"Location": "/ring"})
    started(feedd, 2, feeds={"a": server.url("/a"), "ring": server.url("/ring")})
    assert len(server.of("/a")) <= 10 and len(server.of("/ring")) == 1
    assert "redirect" in row(feedd)["last_error"] and "ring" in row(feedd, "ring")["last_error"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "", "http://", "data:text/xml,<rss/>"])
def test_frb136_redirects_to_what_is_no_web_page_are_errors(server, feedd, location):
    server.answer("/a", status=301, headers={"Location": location})
    started(feedd, feeds={"a": server.url("/a")})
    assert re.search("redirect|Location|malformed", row(feedd)["last_error"])
    assert feed_events(feedd) == []


def test_frb137_a_host_s_gap_holds_where_redirects_lead(feedd):
    """A feed that is sent on to another host is a request there: the next one waits."""
    one, two = Server("127.0.0.1"), Server("127.0.0.2")
    try:
        one.answer("/a", status=301, headers={"Location": two.url("/a")})
        for path in ("/a", "/b"):
            two.script(path, rss_answer())
        feedd.configure(feeds={"a": {"url": one.url("/a"), "private": True}, "b": {"url": two.url("/b"), "private": True}}, host=None,
                        extra='host "127.0.0.2" { gap = "2s" }\n').start()
        wait_for(lambda: len(two.requests) == 2, "both requests")
        feedd.ctl("accept-move", "a", check=0)
        for name in ("a", "b"):
            feedd.poll(name)
        wait_for(lambda: len(two.requests) == 4, "two more")
        at = [r.at for r in two.requests]
        assert at[3] - at[2] > 1.9, at
        assert len(one.requests) == 1
    finally:
        one.stop()
        two.stop()


# --- compression

@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_frb140_compression_is_asked_for_and_understood(server, feedd, coding):
    body = rss(items(1, 2, 3))
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    server.answer("/a", call=lambda r: Answer(body=packed, headers={**PLAIN, "Content-Encoding": coding}))
    started(feedd, feeds={"a": server.url("/a")})
    assert coding in server.requests[0].headers["Accept-Encoding"]
    feedd.wait_items(3)


def test_frb141_only_what_is_understood_is_asked_for(server, feedd):
    server.script("/a", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    assert set(re.split(r"\s*,\s*", server.requests[0].headers["Accept-Encoding"])) <= {"gzip", "deflate"}
