"""Validators that lie, hints at their bounds, moves, hosts, secrets: what polling must get right beside the checklist."""
import json
import re
import socket
import socketserver
import threading
import time

import pytest
from support import raw
from support.feeds import item, items, rss
from support.polls import PLAIN, column, edit, feed_events, poll, row, rss_answer, started, validators, wait_of_next
from support.server import Answer, Server
from support.wait import stays, wait_for

STAMP = "Tue, 24 Nov 2026 10:00:00 GMT"


# --- validators

def test_a_server_that_always_says_304_is_asked_in_full_after_eight_days(server, feedd):
    server.answer("/a", call=lambda r: Answer(status=304) if r.headers.get("If-None-Match") else rss_answer((1, 2), ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    feedd.stop()
    edit(feedd, "full_fetch = full_fetch - 7 * 86400")
    feedd.start()
    poll(feedd)
    feedd.stop()
    edit(feedd, "full_fetch = full_fetch - 86400")
    feedd.start()
    for _ in range(2):
        poll(feedd)
    assert [validators(r)[0] for r in server.of("/a")] == [None, '"one"', '"one"', None, '"one"']


def test_never_where_the_setting_says_so(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=304))
    started(feedd, feeds={"a": server.url("/a")}, top={"full_fetch_after": "0s"})
    feedd.stop()
    edit(feedd, "full_fetch = full_fetch - 900 * 86400")
    feedd.start()
    poll(feedd)
    assert validators(server.of("/a")[1])[0] == '"one"'


def test_the_end_of_32_bits_is_no_validator(server, feedd):
    server.script("/a", rss_answer(Last_Modified="Tue, 19 Jan 2038 03:14:07 GMT", ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == ('"one"', None)


@pytest.mark.parametrize("expires, kept", [("0", False), ("-1", False), (STAMP, True)])
def test_expires_0_means_that_validators_are_not_to_be_trusted(server, feedd, expires, kept):
    server.script("/a", rss_answer(ETag='"one"', Last_Modified=STAMP, Expires=expires))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == (('"one"', STAMP) if kept else (None, None))


def test_a_200_with_the_etag_of_last_time(server, feedd):
    """Nothing new is found where nothing is; and what is new is found."""
    hook = feedd.hook()
    server.script("/a", rss_answer((1,), ETag='"one"'), rss_answer((1,), ETag='"one"'), rss_answer((1, 2), ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")}, notify={"out": {"exec": [hook]}})
    poll(feedd)
    poll(feedd)
    wait_for(lambda: hook.titles == ["Article 2"], "the new article alone")


def test_validators_of_the_first_fetch_are_kept(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=304))
    feedd.configure(feeds={"a": server.url("/a")})
    assert feedd.once().returncode == 0
    assert feedd.once().returncode == 0
    assert [validators(r)[0] for r in server.of("/a")] == [None, '"one"']


# limit: validator
def test_a_validator_too_long_for_a_header_is_dropped(server, feedd):
    server.script("/a", rss_answer(ETag='"' + "x" * 2000 + '"', Last_Modified=STAMP))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == (None, STAMP)


def test_what_was_cut_off_is_asked_for_in_full(server, feedd):
    body = rss(items(1, 2, 3))
    server.script("/a", Answer(raw=b'HTTP/1.1 200 OK\r\nETag: "one"\r\nContent-Length: %d\r\n\r\n' % len(body) + body[:-40]),
                  rss_answer((1, 2, 3), ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert validators(server.of("/a")[1]) == (None, None)
    feedd.wait_items(3)


# --- hints

def test_a_hint_never_hurries(server, feedd):
    server.script("/a", rss_answer(Cache_Control="max-age=60"))
    started(feedd, feeds={"a": server.url("/a")})
    assert 3400 <= wait_of_next(feedd) <= 3600 * 1.06


# limit: header
@pytest.mark.parametrize("headers", [
    {"Cache-Control": "no-cache, max-age=9000"}, {"Cache-Control": "no-store"}, {"Cache-Control": "s-maxage=9000"},
    {"Cache-Control": "max-age=9000", "Age": "10000"}, {"Cache-Control": "max-age=many"}, {"Expires": "soon"},
    {"Expires": "Tue, 24 Nov 2015 10:00:00 GMT"},
    {"Cache-Control": "max-age=9000, " + "x" * 5000}])
def test_hints_that_are_none(server, feedd, headers):
    server.script("/a", Answer(body=rss(items(1)), headers={**PLAIN, **headers}))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "20m"}})
    assert wait_of_next(feedd) <= 1200 * 1.06


def test_the_longest_of_all_hints_counts(server, feedd):
    body = rss(items(1)).replace(b"<description>A sample", b"<ttl>120</ttl><description>A sample")
    server.script("/a", Answer(body=body, headers={**PLAIN, "Cache-Control": "max-age=3600"}),
                  Answer(body=body, headers={**PLAIN, "Cache-Control": "max-age=10800"}))
    started(feedd, feeds={"a": {"url": server.url("/a"), "interval": "20m"}})
    assert 7200 <= wait_of_next(feedd) <= 7200 * 1.06
    assert "ttl" in row(feedd)["reason"]
    poll(feedd)
    assert 10800 <= wait_of_next(feedd) <= 10800 * 1.06


def test_due_times_survive_a_restart(server, feedd):
    feeds = {}
    for n in range(5):
        server.script(f"/{n}", rss_answer(Cache_Control="max-age=14400"))
        feeds[f"f{n}"] = server.url(f"/{n}")
    started(feedd, 5, feeds=feeds)
    before = feedd.sql("SELECT name, next_poll FROM feeds ORDER BY name")
    feedd.restart()
    assert stays(lambda: len(server.requests) == 5, 1)
    assert feedd.sql("SELECT name, next_poll FROM feeds ORDER BY name") == before


def test_a_shorter_interval_holds_after_a_reload(server, feedd):
    server.script("/a", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    feedd.configure(feeds={"a": {"url": server.url("/a"), "interval": "1s"}})
    feedd.ctl("reload", check=0)
    wait_for(lambda: len(server.of("/a")) > 1, "the next poll")


# --- once

def test_once_does_not_wait_for_a_host_that_wants_to_be_left_alone(server, feedd):
    server.answer("/a", status=429, headers={"Retry-After": "3600"})
    for n in range(3):
        server.script(f"/b{n}", rss_answer())
    feeds = {"a": server.url("/a"), **{f"b{n}": server.url(f"/b{n}") for n in range(3)}}
    feedd.configure(feeds=feeds, host={"gap": "100ms", "connections": 1})
    for _ in range(2):
        before = time.monotonic()
        assert feedd.once().returncode == 1
        assert time.monotonic() - before < 8
    assert len(server.of("/a")) == 1


def test_once_is_not_held_back_by_429_without_a_time(server, feedd):
    server.script("/a", Answer(status=429), rss_answer())
    feedd.configure(feeds={"a": server.url("/a")})
    assert feedd.once().returncode == 1
    assert feedd.once().returncode == 0
    feedd.wait_items(1)


# --- moves

def test_another_address_in_the_configuration_ends_an_accepted_move(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    for path in ("/b", "/c"):
        server.script(path, rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    feedd.ctl("accept-move", "a", check=0)
    poll(feedd)
    feedd.configure(feeds={"a": server.url("/c")})
    feedd.ctl("reload", check=0)
    wait_for(lambda: server.of("/c"), "a poll of the new address")
    assert len(server.of("/a")) == 1


class BothServer(socketserver.ThreadingTCPServer):
    """HTTP and HTTPS at one port, told apart by the first byte: an upgrade changes nothing but the scheme."""
    daemon_threads = allow_reuse_address = True

    def __init__(self, tls):
        self.tls, self.asked = tls, []
        super().__init__(("127.0.0.1", 0), None)
        self.url = f"//127.0.0.1:{self.server_address[1]}/a"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def finish_request(self, request, client_address):
        secure = request.recv(1, socket.MSG_PEEK) == b"\x16"
        with self.tls.wrap_socket(request, server_side=True) if secure else request as stream:
            head = b""
            while b"\r\n\r\n" not in head and (data := stream.recv(4096)):
                head += data
            self.asked.append("https" if secure else "http")
            body = rss(items(1)) if secure else b""
            moved = b"200 OK" if secure else b"301 Moved\r\nLocation: https:" + self.url.encode()
            stream.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (moved, len(body)) + body)


def test_https_of_the_same_address_is_taken_at_once(tmp_path, feedd):
    certificates = raw.Certificates(tmp_path)
    with BothServer(certificates.server("good")) as server:
        started(feedd, feeds={"a": {"url": "http:" + server.url, "ca_file": certificates.ca}})
        poll(feedd)
        assert server.asked == ["http", "https", "https"]
        assert feed_events(feedd) == []
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_an_accepted_move_takes_no_secrets_along(feedd, host):
    """Neither to another host nor to another port."""
    home, away = Server("127.0.0.1"), Server(host)
    try:
        home.answer("/a", status=301, headers={"Location": away.url("/a")})
        away.script("/a", rss_answer())
        started(feedd, feeds={"a": {"url": home.url("/a", "me:s3cret"), "private": True, "headers": ["X-Key: s3cret"]}},
                extra='host "127.0.0.2" { gap = "0s" }\n')
        feedd.ctl("accept-move", "a", check=0)
        poll(feedd)
        assert len(home.requests) == 1 and len(away.requests) == 2
        assert "s3cret" in home.requests[0].headers["X-Key"] and home.requests[0].headers["Authorization"]
        assert not any(r.headers.get("X-Key") or r.headers.get("Authorization") for r in away.requests)
    finally:
        home.stop()
        away.stop()


def test_a_304_after_a_new_redirect_is_not_believed(server, feedd):
    """The validators are of the old address, and may fit any page of the new one."""
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=301, headers={"Location": "/b"}))
    server.answer("/b", call=lambda r: Answer(status=304) if r.headers.get("If-None-Match") else rss_answer((1, 2), ETag='"one"'))
    started(feedd, feeds={"a": server.url("/a")})
    poll(feedd)
    assert feed_events(feedd) == []
    for _ in range(2):
        poll(feedd)
    assert feed_events(feedd) == ["feed.moved"]
    assert [validators(r)[0] for r in server.of("/b")] == ['"one"', None, '"one"']


def test_a_target_that_changes_with_every_answer_is_told_once(server, feedd):
    server.answer("/a", call=lambda r: Answer(status=301, headers={"Location": f"/b?session={len(server.requests)}"}))
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(3):
        poll(feedd)
    assert feed_events(feedd) == ["feed.moved"]


# --- trouble

def test_failing_is_told_once_after_hours_and_so_is_the_recovery(server, feedd):
    server.script("/a", rss_answer(), *[Answer(status=500)] * 6, rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    for _ in range(3):
        poll(feedd)
    assert feed_events(feedd) == []
    feedd.stop()
    edit(feedd, "failing_since = failing_since - 7 * 3600")
    feedd.start()
    for _ in range(3):
        poll(feedd)
    assert (feed_events(feedd), row(feedd)["state"]) == (["feed.failing"], "failing")
    poll(feedd)
    assert (feed_events(feedd), row(feedd)["state"]) == (["feed.failing", "feed.recovered"], "ok")


def test_offline_is_nobody_s_fault(feedd):
    """When hardly any host can be reached, errors are not counted, and feeds wait for the network."""
    feeds = {f"f{n:02}": {"url": f"http://host{n}.invalid/", "interval": "2s", "timeout": "5s"} for n in range(12)}
    feedd.configure(feeds=feeds, host=None, extra='host "*" { gap = "0s" }\n').start()
    wait_for(lambda: "network seems to be away" in feedd.log, "the log's word", 30)
    assert stays(lambda: feedd.sql("SELECT max(fails) FROM feeds")[0][0] <= 2, 3)
    before = feedd.sql("SELECT sum(polls) FROM feeds")[0][0]
    assert stays(lambda: feedd.sql("SELECT sum(polls) FROM feeds")[0][0] <= before + 2, 3)
    assert feedd.get("/v1/status").json()["offline"] is True
    assert "offline" in feedd.ctl("why", "f03", check=0).stdout
    assert feed_events(feedd) == []


# --- hosts

def test_the_connection_is_kept_while_others_wait(server, feedd):
    ports = set()
    for n in range(4):
        server.script(f"/{n}", rss_answer())
    original = server.log

    def log(request):
        original(request)

    server.log = log
    handler = server._httpd.RequestHandlerClass
    accepted = []
    setup = handler.setup

    def counted(self):
        accepted.append(self.client_address)
        setup(self)

    handler.setup = counted
    try:
        started(feedd, 4, feeds={f"f{n}": server.url(f"/{n}") for n in range(4)}, host={"gap": "100ms", "connections": 1})
    finally:
        handler.setup = setup
    ports.update(accepted)
    assert len(server.requests) == 4 and len(ports) == 1


def test_a_ceiling_per_hour(server, feedd):
    for n in range(8):
        server.script(f"/{n}", rss_answer())
    feedd.configure(feeds={f"f{n}": server.url(f"/{n}") for n in range(8)}, top={"max_requests_per_hour": 120}).start()
    wait_for(lambda: len(server.requests) >= 2, "the burst")
    assert stays(lambda: len(server.requests) <= 3, 2)
    assert feedd.get("/v1/status").json()["requests_last_hour"] <= 3


def test_what_is_disabled_is_not_polled(server, feedd):
    server.script("/a", rss_answer())
    server.script("/b", rss_answer())
    feeds = {"a": server.url("/a"), "b": {"url": server.url("/b"), "enabled": False}}
    started(feedd, feeds=feeds)
    assert feedd.ctl("poll", "b").returncode == 1
    assert stays(lambda: not server.of("/b"), 0.5)
    assert "disabled" in feedd.ctl("why", "b", check=0).stdout


# --- why and status

def test_why_in_words_and_as_json(server, feedd):
    now = int(time.time())
    server.script("/a", Answer(body=rss([item(n, at=now - 3600 * (9 - n)) for n in range(8, 0, -1)]), headers=PLAIN))
    server.script("/b", rss_answer(Cache_Control="max-age=14400"))
    server.script("/c", Answer(status=500))
    server.answer("/d", status=503, headers={"Retry-After": "7200"})
    feeds = {"a": {"url": server.url("/a"), "interval": "adaptive"}, **{n: server.url("/" + n) for n in "bcd"}}
    started(feedd, 4, feeds=feeds)

    def why(name):
        return feedd.ctl("why", name, check=0).stdout

    assert re.search(r"items a day", why("a")) and "budget" in why("a")
    assert re.search(r"4 h", why("b")) and "Cache-Control" in why("b") and "fixed interval of 1 h" in why("b")
    assert re.search(r"1 error in a row", why("c"))
    assert re.search(r"Retry-After: 2 h", why("d")) and "left alone" in why("d")
    told = json.loads(feedd.ctl("why", "a", "--json", check=0).stdout)
    assert told["items_per_day"] > 1 and told["pace"]["host"] == "127.0.0.1" and told["explanation"]


def test_status_knows_the_slow_and_the_failing(server, feedd):
    server.script("/a", rss_answer(ETag='"one"'), Answer(status=304))
    server.answer("/slow", delay=0.5, status=500)
    started(feedd, 2, feeds={"a": server.url("/a"), "slow": server.url("/slow")})
    poll(feedd, "a")
    status = feedd.get("/v1/status").json()
    assert status["requests_last_hour"] == 3 and 0.3 < status["share_304"] < 0.4 and status["bytes_received"] > 0
    assert status["slowest_feeds"]["slow"] >= 0.5 and status["failing_feeds"] == {"slow": 1}
    assert "slow" in feedd.ctl("status", check=0).stdout


def test_the_age_of_news_is_measured(server, feedd):
    feed = server.feed("/a", [item(1, at=time.time() - 999)])
    started(feedd, feeds={"a": feed.url})
    feed.add(item(2, at=time.time() - 100))
    poll(feedd)
    assert 95 <= feedd.get("/v1/status").json()["mean_age_of_news_seconds"] <= 130


# --- local files and secrets

@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "{}"])
def test_local_files(feedd, tmp_path, form):
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(items(1)))
    started(feedd, feeds={"a": {"url": form.format(path), "backlog": "all"}})
    feedd.wait_items(1)
    poll(feedd)
    assert column(feedd, "polls_304") == 1
    path.write_bytes(rss(items(1, 2)))
    poll(feedd)
    feedd.wait_items(2)
    path.unlink()
    poll(feedd)
    assert row(feedd)["last_error"]


def test_secrets_are_shown_nowhere(server, feedd, tmp_path):
    (tmp_path / "token").write_text("s3cret-token\n")
    feedd.environment["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    for n in "abcd":
        server.answer("/" + n, status=401, headers={"WWW-Authenticate": "Basic realm=x"})
    started(feedd, 4, feeds={
        "a": server.url("/a", "me:s3cret-userinfo"),
        "b": {"url": server.url("/b"), "username": "me", "password": "s3cret-password"},
        "c": {"url": server.url("/c"), "credential": "token"},
        "d": {"url": server.url("/d"), "headers": ["X-Key: s3cret-header"]}}, extra="")
    assert all(any(header in server.of(path)[0].headers for header in ("Authorization", "X-Key")) for path in ("/a", "/b", "/c", "/d"))
    shown = "".join(feedd.ctl(verb, name, check=0).stdout for verb in ("show", "why") for name in "abcd")
    shown += "".join(feedd.get(path).text for path in ("/v1/status", "/v1/feeds", "/v1/feeds/a", "/v1/feeds/a/why", "/metrics"))
    shown += feedd.ctl("export", check=0).stdout + feedd.ctl("feeds", check=0).stdout
    with open(f"/proc/{feedd.process.pid}/cmdline", "rb") as line:
        shown += line.read().decode()
    shown += feedd.log
    assert "s3cret" not in shown
    assert "s3cret" not in (feedd.state / "feedd.db").read_bytes().decode("latin-1")
