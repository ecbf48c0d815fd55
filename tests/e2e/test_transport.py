"""Servers that lie, stall and flood, TLS in all its ways to fail, proxies, secrets and redirects, as the daemon meets them."""
import asyncio
import os
import re
import shutil
import subprocess
import time

import pytest
from support import raw
from support.feeds import item, items, rss
from support.wait import SLOW, wait_for

FEED = rss(items(1))
FEED = FEED.encode() if isinstance(FEED, str) else FEED


@pytest.fixture
def make_raw():
    """Makes raw servers."""
    made = []

    def make(**options):
        made.append(raw.RawServer(**options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return raw.Certificates(tmp_path_factory.mktemp("certificates"))


def says(feedd, wanted):
    """Waits until `feedctl show` of every feed says what is wanted of it: name to regular expression."""
    left = dict(wanted)

    def all_said():
        for name in list(left):
            if re.search(left[name], feedd.show(name), re.I):
                del left[name]
        return not left

    try:
        wait_for(all_said, "sentences", 20)
    except AssertionError:
        shown = "\n".join(f"--- wanted {left[name]!r}\n{feedd.show(name)}" for name in left)
        raise AssertionError(shown) from None


def peak_kib(feedd):
    with open(f"/proc/{feedd.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


HEAD, CHUNKED = b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
HOSTILE = {
    "mute": (raw.mute(), r"no answer within|timeout"),
    "drip": (raw.drip(HEAD + b"X-Slow: yes, very much so, and on it goes, one byte after the other\r\n", 0.1), r"within|timeout"),
    "drip-body": (raw.drip(HEAD + b"\r\n" + FEED, 0.02), r"not complete|timeout"),
    "endless-headers": (raw.endless(HEAD, b"X-More: and more and more and more and more\r\n" * 100), r"headers are over 256 KiB"),
    "endless-line": (raw.endless(HEAD + b"X-More: ", b"and more and more and more" * 100), r"headers are over 256 KiB"),
    "endless-body": (raw.endless(HEAD + b"\r\n", b"<rss version='2.0'>" + b" " * 65536), r"over 1 MiB.*max_size"),
    "endless-chunks": (raw.endless(HEAD + CHUNKED, b"8000\r\n" + bytes(0x8000) + b"\r\n"), r"max_size"),
    "endless-continue": (raw.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), r"headers are over|answer"),
    "bomb": (raw.bomb(256), r"over 1 MiB.*max_size"),
    "nested-bomb": (raw.bomb(256, layers=2), r"max_size|encoding"),
    "huge-length": (raw.send(HEAD + b"Content-Length: 99999999999\r\n\r\n<rss>"), r"max_size"),
    "not-gzip": (raw.send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + FEED), r"encoding"),
    "no-encoding": (raw.send(HEAD + b"Content-Encoding: rot13\r\n\r\n" + FEED), r"encoding"),
    "long-address": (raw.redirect("/" + "a" * 9000), r"status 302 with an empty, overlong or missing Location"),
    "reset": (raw.reset(b""), r"connection lost|closed|reset"),
    "reset-head": (raw.reset(HEAD), r"connection lost|closed|reset"),
    "http-0.9": (raw.send(FEED), r"not HTTP"),
    "switch": (raw.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: feed\r\n\r\n" + FEED), r"not HTTP: status 101"),
    "bad-chunk": (raw.send(HEAD + CHUNKED + b"xyz\r\n<rss>\r\n"), r"chunk"),
}


# limit: time, headers, body, address
def test_hostile_servers_all_at_once(make_raw, server, feedd):
    hostile, good = make_raw(), server.feed("/good.xml", items(1))
    feeds = {name: {"url": hostile.on("/" + name, behave), "timeout": "3s", "max_size": "1MiB"}
             for name, (behave, _) in HOSTILE.items()}
    feedd.configure(feeds={**feeds, "good": {"url": good.url, "backlog": "all"}}).start()
    feedd.wait_items(1, "good")
    good.add(item(2))
    feedd.polled("good", good)
    feedd.wait_items(2, "good")
    says(feedd, {name: wanted for name, (_, wanted) in HOSTILE.items()})
    assert feedd.sql("SELECT count(*) FROM items") == [(2,)]
    assert peak_kib(feedd) < 192 * 1024


def test_a_first_header_that_continues_another(make_raw, feedd):
    """libcurl before 8.1.1 continues a header of the request before, which is gone. Newer ones take the line as it is."""
    hostile = make_raw()
    hostile.on("/bad", raw.send(HEAD + b" Name: " + b"x" * 200 + b"\r\n\tand more: " + b"y" * 200 + b"\r\n\r\n" + FEED))
    hostile.on("/hop", raw.redirect("/bad"))
    hostile.on("/good", raw.answer(FEED, headers=[f"X-{n}: {'y' * n}" for n in range(50)]))
    feeds = {f"{path}{n}": hostile.url(f"/{path}?{n}") for n in range(10) for path in ("bad", "hop", "good")}
    feedd.configure(feeds=feeds, top={"max_polls": 2}).start()
    rows = wait_for(lambda: (rows := feedd.get("/v1/feeds").json()["feeds"]) and all(r["last_poll"] for r in rows) and rows, "all polls")
    for row in rows:
        assert row["last_error"] in (None, "what came is not HTTP: the first header begins with a blank")
        assert row["items"] == (1 if row["last_error"] is None else 0)
    assert feedd.running


def hold(mebibytes):
    """Nearly all of a large body, then nothing more."""
    async def behave(_, writer):
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % (mebibytes << 20))
        for _ in range(16 * mebibytes - 1):
            writer.write(bytes(65536))
            await writer.drain()
        await raw.never()
    return behave


# limit: bodies
def test_bodies_that_are_held_back(make_raw, server, feedd):
    """Sixty servers that send 15 MiB each and then wait: some give way, and healthy feeds have room."""
    hostile, good = make_raw(), server.feed("/good.xml", items(1))
    large = make_raw()
    large.on("/", raw.answer(rss([item(1, html="<p>" + "long " * 600000)])))
    hostile.on("/", hold(15))
    feeds = {f"held{n}": {"url": hostile.url(f"/?{n}"), "timeout": "1h"} for n in range(60)}
    feedd.configure(feeds={**feeds, "good": {"url": good.url, "backlog": "all"}, "large": large.url("/")}).start()
    feedd.wait_items(1, "good")
    gone = r"no room for the body: those of all polls were over 48 MiB, and this was the largest"
    wait_for(lambda: sum(1 for f in feedd.get("/v1/feeds").json()["feeds"] if re.search(gone, f["last_error"] or "")) >= 56,
             "room", 60)
    good.add(item(2))
    feedd.polled("good", good)
    feedd.wait_items(2, "good")
    feedd.poll("large")
    feedd.wait_items(1, "large")
    if SLOW == 1:  # a sanitizer keeps what was freed
        assert peak_kib(feedd) < 192 * 1024


def test_tls(make_raw, certificates, feedd):
    servers = {name: make_raw(tls=certificates.server(name)) for name in ("good", "expired", "other", "self")}
    servers["client"] = make_raw(tls=certificates.server("good", want_client=True))
    plain, deaf = make_raw(greet=_plain), make_raw(greet=_deaf)
    for one in servers.values():
        one.on("/", raw.answer(FEED))
    ca = {"ca_file": certificates.ca, "timeout": "2s"}
    feedd.configure(feeds={
        "trusted": {"url": servers["good"].url("/"), **ca},
        "unknown": {"url": servers["good"].url("/")},
        "expired": {"url": servers["expired"].url("/"), **ca},
        "other": {"url": servers["other"].url("/"), **ca},
        "self": {"url": servers["self"].url("/")},
        "careless": {"url": servers["self"].url("/"), "tls_verify": False},
        "bare": {"url": servers["client"].url("/"), **ca},
        "shown": {"url": servers["client"].url("/"), **ca, "client_cert": certificates.client},
        "plain": {"url": plain.url("/").replace("http:", "https:")},
        "deaf": {"url": deaf.url("/").replace("http:", "https:"), **ca},
    }).start()
    says(feedd, {
        "unknown": r"unknown authority",
        "expired": r"certificate expired",
        "other": r"another name",
        "self": r"self-signed",
        "bare": r"TLS|without an answer|connection lost",
        "plain": r"TLS",
        "deaf": r"no TLS connection within",
    })
    for name in ("trusted", "careless", "shown"):
        feedd.wait_items(1, name)
    assert not servers["expired"].heads and not servers["self"].heads[1:]


async def _plain(_server, reader, writer):
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 What\r\n\r\n")
    raise asyncio.IncompleteReadError(b"", None)


async def _deaf(_server, reader, _writer):
    await reader.read()


def test_proxies(make_raw, feedd):
    forward, socks = make_raw(), make_raw(greet=raw.socks5)
    forward.on("*", raw.answer(FEED))
    socks.on("*", raw.answer(FEED))
    feedd.configure(feeds={
        # Names that do not resolve here: the proxy's matter, as is the address.
        "forward": {"url": "http://feed.invalid/a.xml", "proxy": f"http://us:pa@127.0.0.1:{forward.port}"},
        "socks": {"url": "http://feed.invalid/b.xml", "proxy": f"socks5h://127.0.0.1:{socks.port}"},
        "sneaky": {"url": "http://feed.invalid/c.xml", "proxy": f"http://127.0.0.1:{forward.port}"},
        "dead": {"url": "http://feed.invalid/d.xml", "proxy": "http://us:s3cret@127.0.0.1:9"},
    })
    forward.on("http://feed.invalid/c.xml", raw.redirect("http://127.0.0.1:1/"))
    feedd.start()
    feedd.wait_items(1, "forward")
    feedd.wait_items(1, "socks")
    says(feedd, {"sneaky": r"redirected to 127\.0\.0\.1, a private address", "dead": r"proxy"})
    asked = [head for head in forward.heads if head.startswith("GET http://feed.invalid/a.xml HTTP/1.1\r\n")]
    assert len(asked) == 1 and "Proxy-Authorization: Basic" in asked[0]
    assert socks.greeted == [(1, "feed.invalid", 80)]
    assert "s3cret" not in feedd.show("dead") + feedd.get("/v1/feeds/dead").text + feedd.log


def test_secrets_do_not_travel(make_raw, feedd):
    home, away = make_raw(), make_raw()
    away.on("/feed.xml", raw.answer(FEED))
    for path in ("/basic", "/bearer", "/header"):
        home.on(path, raw.redirect(away.url("/feed.xml?from=" + path[1:])))
    feedd.configure(feeds={
        "basic": home.url("/basic").replace("//", "//us:s3cret@"),
        "bearer": {"url": home.url("/bearer"), "password": "s3cret"},
        "header": {"url": home.url("/header"), "headers": ["X-Api-Key: s3cret", "Cookie: id=s3cret", "Accept-Language: de"]},
    }).start()
    for name in ("basic", "bearer", "header"):
        feedd.wait_items(1, name)
    assert "Authorization: Basic dXM6czNjcmV0\r\n" in home.asked("/basic")[0]
    assert "Authorization: Bearer s3cret\r\n" in home.asked("/bearer")[0]
    assert "X-Api-Key: s3cret\r\n" in home.asked("/header")[0]
    told = "".join(away.heads)
    assert len(away.heads) == 3
    assert "s3cret" not in told and "Authorization" not in told and "Cookie" not in told
    assert "Referer" not in told and "Accept-Language: de\r\n" in told
    shown = "".join(feedd.show(name) + feedd.get(f"/v1/feeds/{name}").text for name in ("basic", "bearer", "header"))
    assert "s3cret" not in shown + feedd.log + feedd.get("/v1/status").text


def test_digest(make_raw, feedd):
    server = make_raw()

    async def behave(head, writer):
        if "Authorization: Digest " in head:
            return await raw.answer(FEED)(head, writer)
        challenge = 'WWW-Authenticate: Digest realm="feeds", nonce="abc", qop="auth", algorithm=SHA-256'
        return await raw.answer(b"", 401, [challenge])(head, writer)

    feedd.configure(feeds={"a": {"url": server.on("/", behave), "username": "user", "password": "pass"}}).start()
    feedd.wait_items(1, "a")
    assert re.search(r'Authorization: Digest username="user".*response="[0-9a-f]{64}"', server.heads[-1])


def test_private_addresses(make_raw, feedd):
    server = make_raw()
    server.on("/feed.xml", raw.answer(FEED))
    server.on("/here", raw.redirect("/feed.xml", 301))
    server.on("/there", raw.redirect(server.url("/feed.xml", "127.0.0.2")))
    server.on("/name", raw.redirect(server.url("/feed.xml", "localhost")))
    server.on("/odd", raw.redirect(server.url("/feed.xml", "0x7f.2")))
    server.on("/cloud", raw.redirect("http://169.254.169.254/latest/meta-data/"))
    server.on("/mapped", raw.redirect(server.url("/feed.xml", "[::ffff:127.0.0.2]")))
    feedd.configure(feeds={
        **{name: server.url("/" + name) for name in ("here", "there", "name", "odd", "cloud", "mapped")},
        "allowed": {"url": server.url("/name"), "private": True},
    }).start()
    feedd.wait_items(1, "here")
    feedd.wait_items(1, "allowed")
    says(feedd, {name: r"private address" for name in ("there", "name", "odd", "cloud", "mapped")})
    assert len(server.asked("/feed.xml")) == 2


SLOW_NAMES = """
#include <netdb.h>
#include <unistd.h>
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	(void)name, (void)service, (void)hints, (void)found;
	sleep(60);
	return EAI_AGAIN;
}
"""


LYING_NAMES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name && strstr(name, ".example") ? "127.0.0.1" : name, service, hints, found);
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_public_name_with_a_private_address(tmp_path, make_raw, feedd):
    """What counts is the address that is connected to, whatever the name looks like, on every hop."""
    (tmp_path / "lying.c").write_text(LYING_NAMES)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "lying.so", tmp_path / "lying.c", "-ldl"], check=True)
    feedd.environment["LD_PRELOAD"] = str(tmp_path / "lying.so")
    feedd.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    server = make_raw()
    server.on("/feed.xml", raw.answer(FEED))
    server.on("/away", raw.redirect(server.url("/feed.xml", "feed.example")))
    feedd.configure(feeds={"name": server.url("/feed.xml", "feed.example"), "redirect": server.url("/away"),
                           "allowed": {"url": server.url("/feed.xml", "lan.example"), "private": True}},
                    extra='host "lan.example" { gap = "0s" }\n').start()
    feedd.wait_items(1, "allowed")
    says(feedd, {name: r"feed\.example is at the private address 127\.0\.0\.1" for name in ("name", "redirect")})
    assert len(server.asked("/feed.xml")) == 1


# limit: time
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_name_server_that_hangs(tmp_path, server, feedd):
    (tmp_path / "slow.c").write_text(SLOW_NAMES)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "slow.so", tmp_path / "slow.c"], check=True)
    feedd.environment["LD_PRELOAD"] = str(tmp_path / "slow.so")
    feedd.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    good = server.feed("/good.xml", items(1))
    feeds = {f"slow{n}": {"url": f"http://slow{n}.example/", "timeout": "1s"} for n in range(5)}
    feedd.configure(feeds={**feeds, "good": {"url": good.url, "backlog": "all"}}).start()
    feedd.wait_items(1, "good")
    says(feedd, {name: r"name not resolved within 1 s" for name in feeds})
    feedd.poll("slow0")
    good.add(item(2))
    feedd.polled("good", good)
    before = time.monotonic()
    feedd.stop()
    assert time.monotonic() - before < 10 * SLOW
