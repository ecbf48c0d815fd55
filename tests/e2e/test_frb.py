"""How a feed reader should behave towards servers, by the checklist that site owners use: validators and pace, FRB001 to FRB037."""
import email.utils
import time

import pytest
from support.feeds import item, items, rss
from support.polls import PLAIN, column, poll, row, rss_answer, started, validators, wait_of_next
from support.server import Answer
from support.wait import stays, wait_for


# --- conditional requests

def test_frb001_if_none_match_is_sent(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert [validators(r) for r in server.of("/a")] == [(None, None), ('"one"', None)]


def test_frb002_if_modified_since_is_sent(server, feedd):
    stamp = "Tue, 24 Nov 2026 10:00:00 GMT"
    server.script("/a", rss_answer(Last_Modified=stamp))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert [validators(r) for r in server.of("/a")] == [(None, None), (None, stamp)]


def test_frb003_both_are_sent_where_both_came(server, feedd):
    stamp = "Tue, 24 Nov 2026 10:00:00 GMT"
    server.script("/a", rss_answer(ETag='"one"', Last_Modified=stamp))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == ('"one"', stamp)


def test_frb004_a_304_is_understood(server, feedd):
    feed, hook = server.feed("/a", items(1, 2)), feedd.hook()
    started(feedd, feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    poll(feedd)
    assert [r.status for r in server.of("/a")] == [200, 304]
    assert (row(feedd)["state"], feedd.sql("SELECT polls_304 FROM feeds")) == ("ok", [(1,)])
    feed.add(item(3))
    poll(feedd)
    wait_for(lambda: hook.titles == ["Article 3"], "the new article alone")


def test_frb010_no_memory_loss_after_a_304_without_validators(server, feedd):
    stamp = "Tue, 24 Nov 2026 10:00:00 GMT"
    server.script("/a", rss_answer(ETag='"one"', Last_Modified=stamp), Answer(status=304), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(3):
        poll(feedd)
    assert [validators(r) for r in server.of("/a")][1:] == [('"one"', stamp)] * 3


def test_frb011_no_memory_loss_over_a_restart_or_errors(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=500), Answer(status=403), Answer(raw=b""), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(3):
        poll(feedd)
    feedd.restart()
    poll(feedd)
    assert [validators(r)[0] for r in server.of("/a")][1:] == ['"one"'] * 4


@pytest.mark.parametrize("etag, stamp", [
    ('W/"weak"', "Tue, 24 Nov 2026 10:00:00 GMT"), ("no-quotes", "2026-11-24T10:00:00Z"),
    ('"with "quotes" and, comma"', "Tue, 24 Nov 2026 10:00:00 +0100"), ('""', "tuesday-ish"), ("'single'", "0"),
    ('"a--gzip"', "Tue,  24-Nov-26 10:00:00 GMT")])
def test_frb012_validators_are_opaque(server, feedd, etag, stamp):
    server.script("/a", rss_answer(ETag=etag, Last_Modified=stamp))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == (etag, stamp)


def test_frb013_no_validators_are_made_up(server, feedd):
    """None came: none are sent, neither from Date nor from the document or the clock."""
    server.script("/a", rss_answer(Date="Tue, 24 Nov 2026 10:00:00 GMT", Expires="Tue, 24 Nov 2099 10:00:00 GMT"))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    poll(feedd)
    assert [validators(r) for r in server.of("/a")] == [(None, None)] * 3


def test_frb013_none_of_another_hop(server, feedd):
    server.answer("/a", status=302, headers={"Location": "/b", "ETag": '"hop"', "Last-Modified": "Tue, 24 Nov 2026 10:00:00 GMT"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert [validators(r) for r in server.of("/a") + server.of("/b")] == [(None, None)] * 4


def test_frb014_the_pair_is_replaced_as_one(server, feedd):
    stamp = "Tue, 24 Nov 2026 10:00:00 GMT"
    server.script("/a", rss_answer((1,), ETag='"one"', Last_Modified=stamp), rss_answer((1, 2), ETag='"two"'),
                  rss_answer((1, 2, 3), Last_Modified=stamp), rss_answer((1, 2, 3, 4)), rss_answer((1, 2, 3, 4)))
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(4):
        poll(feedd)
    assert [validators(r) for r in server.of("/a")] == [(None, None), ('"one"', stamp), ('"two"', None), (None, stamp), (None, None)]


def test_frb014_a_304_may_bring_new_ones(server, feedd):
    stamp, later = "Tue, 24 Nov 2026 10:00:00 GMT", "Tue, 24 Nov 2026 11:00:00 GMT"
    server.script("/a", rss_answer(ETag='"one"', Last_Modified=stamp), Answer(status=304, headers={"Last-Modified": later}),
                  Answer(status=304, headers={"ETag": '"two"'}), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(3):
        poll(feedd)
    assert [validators(r) for r in server.of("/a")][1:] == [('"one"', stamp), ('"one"', later), ('"two"', later)]


def test_frb014_kept_up_to_date_where_the_body_stays_the_same(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), rss_answer(ETag='"two"'), rss_answer(ETag='"three"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    poll(feedd)
    assert [validators(r)[0] for r in server.of("/a")] == [None, '"one"', '"two"']
    assert column(feedd, "etag") == '"three"'


def test_frb014_nothing_of_a_document_that_could_not_be_read(server, feedd):
    broken = Answer(body=b"<html>down for repair</html>", headers={"Content-Type": "text/html", "ETag": '"broken"'})
    server.script("/a", rss_answer(ETag='"one"'), broken, rss_answer((1, 2), ETag='"two"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    poll(feedd)
    assert validators(server.of("/a")[2]) == (None, None)
    feedd.wait_items(2)


def test_frb015_survives_an_upgrade(server, feedd):
    """A newer program over the same database, after a kill: state is there, and nothing is asked for before its time."""
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    due = column(feedd, "next_poll")
    feedd.kill9()
    feedd.start()
    assert stays(lambda: len(server.of("/a")) == 1, 1)
    assert column(feedd, "next_poll") == due
    poll(feedd)
    assert validators(server.of("/a")[1]) == ('"one"', None)


def test_frb016_survives_a_429(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=429, headers={"Retry-After": "1"}), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    wait_for(lambda: column(feedd, "retry_after") < time.time(), "the end of Retry-After")
    poll(feedd)
    assert [validators(r)[0] for r in server.of("/a")] == [None, '"one"', '"one"']


# --- pace

@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date", "date-of-its-own-clock"])
def test_frb020_slows_down_as_it_is_told(server, feedd, status, form):
    headers = {"Retry-After": "7200"}
    if form == "date":
        headers = {"Retry-After": email.utils.formatdate(time.time() + 7200, usegmt=True)}
    elif form == "date-of-its-own-clock":
        headers = {"Retry-After": "Thu, 01 Jan 2015 02:00:00 GMT", "Date": "Thu, 01 Jan 2015 00:00:00 GMT"}
        server.answer("/a", raw=f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n".encode() +
                      "".join(f"{k}: {v}\r\n" for k, v in headers.items()).encode() + b"\r\n")
    if form != "date-of-its-own-clock":
        server.answer("/a", status=status, headers=headers)
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    assert 7190 <= wait_of_next(feedd) <= 7600
    assert "Retry-After" in row(feedd)["reason"]
    feedd.poll("a")  # it comes when the server allows it
    feedd.restart()  # and that is remembered
    feedd.poll("a")
    assert stays(lambda: len(server.of("/a")) == 1, 1)


def test_frb020_the_whole_host_is_left_alone(server, feedd):
    server.answer("/a", status=429, headers={"Retry-After": "7200"})
    server.script("/b", rss_answer())
    feeds = {"a": server.url("/a"), "b": {"url": server.url("/b"), "interval": "1s"}}
    started(feedd, feeds={"a": feeds["a"]}, host={"gap": "0s"})
    feedd.configure(feeds=feeds, host={"gap": "0s"})
    feedd.ctl("reload", check=0)
    feedd.poll("b")
    assert stays(lambda: not server.of("/b"), 1)
    feedd.restart()
    assert stays(lambda: not server.of("/b"), 1)
    assert "127.0.0.1" in feedd.ctl("why", "b", check=0).stdout


def test_frb020_a_feed_alone_where_hosts_are_many(server, feedd):
    server.answer("/a", status=429, headers={"Retry-After": "7200"})
    server.script("/b", rss_answer())
    started(feedd, 2, feeds={"a": server.url("/a"), "b": server.url("/b")}, host={"gap": "0s", "gate": "feed"})
    poll(feedd, "b")
    assert (len(server.of("/a")), len(server.of("/b"))) == (1, 2)


# limit: retry-after
def test_frb020_but_not_for_ever(server, feedd):
    server.answer("/a", status=503, headers={"Retry-After": "99999999999"})
    started(feedd, feeds={"a": server.url("/a")}, top={"max_retry_after": "3h"})
    assert 3 * 3600 - 5 <= wait_of_next(feedd) <= 3 * 3600 * 1.06


def test_frb021_slows_down_without_being_told_how_long(server, feedd):
    server.answer("/a", status=429)
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    assert wait_of_next(feedd) >= 3500
    feedd.poll("a")
    assert stays(lambda: len(server.of("/a")) == 1, 1)


def test_frb021_nor_does_a_restart_forget_it(server, feedd):
    server.answer("/a", status=429)
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")}, host={"gap": "0s"})
    feedd.stop()
    feedd.configure(feeds={"a": server.url("/a"), "b": {"url": server.url("/b"), "interval": "1s"}}, host={"gap": "0s"}).start()
    feedd.poll("a")
    assert stays(lambda: len(server.requests) == 1, 1.5)


@pytest.mark.parametrize("status", [200, 304, 404])
def test_frb022_cache_control_is_heard(server, feedd, status):
    headers = {"Cache-Control": "public, max-age=14400", "Age": "3600", **PLAIN}
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=status, body=rss(items(1, 2)), headers=headers))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    poll(feedd)
    assert 10800 <= wait_of_next(feedd) <= 10800 * 1.06
    assert "Cache-Control" in row(feedd)["reason"]


def test_frb022_a_304_without_a_word_of_it_changes_nothing(server, feedd):
    server.script("/a", rss_answer(ETag='"one"', Cache_Control="max-age=14400"), Answer(status=304))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    poll(feedd)
    assert 14400 <= wait_of_next(feedd) <= 14400 * 1.06


def test_frb022_expires_is_heard(server, feedd):
    server.script("/a", rss_answer(Expires=email.utils.formatdate(time.time() + 14400, usegmt=True)))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    assert 14300 <= wait_of_next(feedd) <= 14410 * 1.06


# limit: hint
def test_frb022_sixteen_years_are_not(server, feedd):
    server.script("/a", rss_answer(Cache_Control="max-age=500000000"))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}}, top={"max_hint": "6h"})
    assert 6 * 3600 - 8 <= wait_of_next(feedd) <= 6 * 3600 * 1.06


def test_frb023_matches_the_rhythm_of_the_feed(server, feedd):
    """With the adaptive interval, a feed of one item a month is asked less often than one of an item every few minutes."""
    now = int(time.time())
    busy = [item(n, at=now - 300 * (200 - n)) for n in range(200, 0, -1)]
    slow = [item(n, at=now - 86400 * 30 * (4 - n)) for n in range(3, 0, -1)]
    server.script("/busy", Answer(body=rss(busy), headers=PLAIN))
    server.script("/slow", Answer(body=rss(slow), headers=PLAIN))
    started(feedd, 2, feeds={"busy": server.url("/busy"), "slow": server.url("/slow")}, top={"interval": None, "min_interval": "1m"})
    assert wait_of_next(feedd, "busy") * 3 < wait_of_next(feedd, "slow") <= 86400 * 1.06


@pytest.mark.parametrize("hint, least", [
    ("<ttl>240</ttl>", 14400),
    ('<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>'
     '<sy:updateFrequency xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">4</sy:updateFrequency>', 21600)])
def test_frb024_hints_in_the_feed_are_heard(server, feedd, hint, least):
    body = rss(items(1)).replace(b"<description>A sample", hint.encode() + b"<description>A sample")
    server.script("/a", Answer(body=body, headers={**PLAIN, "ETag": '"one"'}), Answer(status=304), Answer(status=500))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "5s"}})
    for _ in range(3):
        assert least <= wait_of_next(feedd) <= least * 1.06
        poll(feedd)


def test_frb024_hours_to_skip_are_skipped(server, feedd):
    hours = set(range(24)) - {(time.gmtime().tm_hour + 12) % 24}
    skip = "<skipHours>" + "".join(f"<hour>{h}</hour>" for h in hours) + "</skipHours>"
    body = rss([item(1, at=None)]).replace(b"<description>A sample", skip.encode() + b"<description>A sample")
    server.script("/a", Answer(body=body, headers=PLAIN))
    started(feedd, feeds={"a": server.url("/a")}, top={"interval": None})
    assert time.gmtime(column(feedd, "next_poll")).tm_hour not in hours
    assert "skip" in row(feedd)["reason"]


def test_frb033_a_gap_between_requests_to_a_server(server, feedd):
    for n in range(4):
        server.script(f"/{n}", rss_answer())
    started(feedd, 4, feeds={str(n): server.url(f"/{n}") for n in range(4)}, host=None)
    at = [r.at for r in server.requests]
    assert all(b - a > 0.9 for a, b in zip(at, at[1:])), at


def test_frb034_two_connections_to_a_server(server, feedd):
    now, most = [0], [0]

    def slow(_):
        now[0] += 1
        most[0] = max(most[0], now[0])
        server.stopping.wait(0.3)
        now[0] -= 1
        return rss_answer()

    for n in range(8):
        server.answer(f"/{n}", call=slow)
    started(feedd, 8, feeds={str(n): server.url(f"/{n}") for n in range(8)}, host={"gap": "0s"})
    assert most[0] == 2


def test_frb035_many_names_of_one_site(server, feedd):
    """A site's names count as one where the administrator says so."""
    feeds = {f"f{n}": {"url": f"http://n{n}.blogs.invalid:{server.port}/", "timeout": "5s"} for n in range(3)}
    feedd.configure(feeds=feeds, host=None, extra='host "blogs.invalid" { gap = "61s" subdomains = true }\n').start()
    wait_for(lambda: feedd.sql("SELECT sum(polls) FROM feeds")[0][0] == 1, "the first poll")
    assert stays(lambda: feedd.sql("SELECT sum(polls) FROM feeds")[0][0] == 1, 1.5)


def test_frb036_adding_a_feed_is_one_request(server, feedd):
    feed = server.feed("/a", items(1))
    feedd.configure().start()
    feedd.configure(feeds={"a": feed.url})
    feedd.ctl("reload", check=0)
    feedd.wait_items(1)
    feedd.ctl("show", "a", check=0)
    feedd.ctl("reload", check=0)
    assert stays(lambda: len(server.requests) == 1, 1)


def test_frb037_not_by_the_clock(server, feedd):
    """The next polls of feeds that were polled together lie apart, and on no round minute."""
    for n in range(12):
        server.script(f"/{n}", rss_answer())
    started(feedd, 12, feeds={f"f{n}": server.url(f"/{n}") for n in range(12)})
    due = [t for t, in feedd.sql("SELECT next_poll FROM feeds")]
    assert len(set(due)) > 6 and len({t % 60 for t in due}) > 4
    assert all(0.94 * 3600 <= t - time.time() <= 1.06 * 3600 for t in due)
