#!/usr/bin/python3
"""polite.py - the daemon polls hundreds of loopback hosts that delay, fail and lie; the log of what they were asked proves its manners.

    tests/torture/polite.py [--hosts 500] [--seconds 1800] [--build DIR]

Each host is an address of 127/8 with one to three feeds and a character. Half way through the daemon is restarted. Then the log is
checked, request by request: gap and connections of each host, Retry-After for the host, validators, intervals, hints, back-off, 410,
and what a request may carry. Exit 0 if no rule was broken.
"""
import argparse
import asyncio
import collections
import contextlib
import email.utils
import os
import pathlib
import random
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

INTERVAL, GAP, CONNECTIONS = 40, 1.0, 2  # of the configuration below; gap and connections are the program's defaults
JITTER = 0.94  # the jitter of 5 %, and a second of rounding
SLACK = 0.3  # seconds that a busy machine may shift a request by

FEED = ('<?xml version="1.0"?><rss version="2.0"><channel><title>Polite</title><link>http://example.org/</link>{extra}'
        '{items}</channel></rss>')


def document(n, extra=""):
    entries = "".join(f"<item><guid>{i}</guid><title>Item {i}</title></item>" for i in range(n, max(n - 10, 0), -1))
    return FEED.format(items=entries, extra=extra).encode()


class Reply:
    def __init__(self, status=200, body=b"", valid=None, cut=False, delay=0.0, **headers):
        self.status, self.body, self.cut, self.delay = status, body, cut, delay
        self.headers = {k.replace("_", "-"): v for k, v in headers.items()}
        # Whether the body is a feed: then its validators are worth keeping.
        self.valid = status == 200 and not cut if valid is None else valid


class Feed:
    """One feed and its character; what it answers depends on how often it was asked, and on its own dice."""

    def __init__(self, number, host, path, character):
        self.host, self.path, self.character = host, path, character
        self.dice = random.Random(number)
        self.asked = 0
        self.news = 1

    def reply(self, validators):
        self.asked += 1
        if self.dice.random() < 0.3:
            self.news += 1
        return getattr(self, self.character)(validators)

    def fresh(self, validators, **headers):
        """A document with an ETag that counts its news; 304 where it is known."""
        etag = f'"{self.news}"'
        if validators[0] == etag:
            return Reply(304, ETag=etag, **headers)
        return Reply(body=document(self.news), ETag=etag, **headers)

    def good(self, validators):
        return self.fresh(validators)

    def dated(self, validators):
        stamp = email.utils.formatdate(1_700_000_000 + self.news, usegmt=True)
        return Reply(304) if validators[1] == stamp else Reply(body=document(self.news), Last_Modified=stamp)

    def slow(self, validators):
        reply = self.fresh(validators)
        reply.delay = self.dice.random() * 4
        return reply

    def hinted(self, validators):
        return self.fresh(validators, Cache_Control="max-age=90")

    def expiring(self, validators):
        return self.fresh(validators, Expires=email.utils.formatdate(time.time() + 80, usegmt=True))

    def slow_ttl(self, validators):
        return Reply(body=document(self.news, "<ttl>2</ttl>"))

    def busy(self, validators):
        """Now and then it wants to be left alone, in seconds or by date, with 429 or 503."""
        if self.dice.random() < 0.3:
            wait = self.dice.randint(15, 60)
            by_date = self.dice.random() < 0.5
            after = email.utils.formatdate(time.time() + wait, usegmt=True) if by_date else str(wait)
            return Reply(self.dice.choice((429, 503)), Retry_After=after)
        return self.fresh(validators)

    def fed_up(self, validators):
        return Reply(429) if self.asked > 2 else self.fresh(validators)

    def ill(self, validators):
        return Reply(self.dice.choice((500, 502, 404, 403)))

    def shaky(self, validators):
        return Reply(500) if self.dice.random() < 0.5 else self.fresh(validators)

    def rude(self, validators):
        """Hangs up in the middle, or says nothing at all."""
        return Reply(body=document(self.news), ETag='"cut"', cut=True) if self.dice.random() < 0.4 else self.fresh(validators)

    def html(self, validators):
        """A page now and then, with validators of its own."""
        if self.dice.random() < 0.3:
            return Reply(body=b"<!DOCTYPE html><html><body>Maintenance</body></html>", valid=False, ETag='"page"')
        return self.fresh(validators)

    def gone(self, validators):
        return Reply(410) if self.asked > 2 else self.fresh(validators)

    def liar(self, validators):
        """304 for ever once it can, now and then with other validators or none."""
        if validators[0]:
            return self.dice.choice((Reply(304), Reply(304, ETag=f'W/"{self.asked}"'), Reply(304, Last_Modified="whenever")))
        return Reply(body=document(1), ETag='"lie"', Last_Modified="once upon a time")

    def careless(self, validators):
        """Validators come and go."""
        headers = self.dice.choice(({}, {"ETag": f'"{self.asked}"'}, {"Last_Modified": f"version {self.asked}"}))
        return Reply(body=document(self.news), **headers)

    def timeless(self, validators):
        return Reply(body=document(self.news), ETag='"x"', Expires="0")

    def moved(self, validators):
        return Reply(302, Location="/hop" + self.path)


CHARACTERS = ["good", "good", "dated", "slow", "hinted", "expiring", "slow_ttl", "busy", "busy", "fed_up", "ill", "shaky", "rude", "html",
              "gone", "liar", "careless", "timeless", "moved"]

Entry = collections.namedtuple("Entry", "start end host path method validators headers reply order")


class Hosts:
    """All hosts, on one loop in a thread of its own."""

    def __init__(self, count):
        self.feeds, self.log, self.order = {}, [], 0
        self.dice = random.Random(1)
        self.addresses = [f"127.77.{n // 250}.{n % 250 + 1}" for n in range(count)]
        self.loop = asyncio.new_event_loop()
        self.port = self.free_port()
        number = 0
        for address in self.addresses:
            for n in range(self.dice.randint(1, 3)):
                feed = Feed(number, address, f"/feed{n}.xml", self.dice.choice(CHARACTERS))
                self.feeds[address, feed.path] = feed
                number += 1
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.77.0.1", 0))
            return probe.getsockname()[1]

    def run(self):
        async def listen():
            for address in self.addresses:
                await asyncio.start_server(self.serve, address, self.port)
        self.loop.run_until_complete(listen())
        self.loop.run_forever()

    async def serve(self, reader, writer):
        host = writer.get_extra_info("sockname")[0]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self.answer(host, reader, writer):
                pass
        writer.close()

    async def answer(self, host, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        start, order = time.monotonic(), self.order
        self.order += 1
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        validators = headers.get("if-none-match"), headers.get("if-modified-since")
        hop = path.startswith("/hop")
        feed = self.feeds.get((host, path[4:] if hop else path))
        reply = feed.fresh(validators) if hop and feed else feed.reply(validators) if feed else Reply(404)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        body = b"" if reply.status == 304 else reply.body
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in reply.headers.items())]
        if reply.status != 304:
            lines.append(f"Content-Length: {len(body)}")
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
        writer.write(data[:-20] if reply.cut else data)
        await writer.drain()
        self.log.append(Entry(start, time.monotonic(), host, path, method, validators, headers, reply, order))
        return not reply.cut


class Checker:
    def __init__(self, hosts, restarts):
        self.hosts, self.restarts = hosts, restarts
        self.log = sorted(hosts.log, key=lambda e: e.order)
        self.broken = []
        self.least_gap = float("inf")
        self.checks = collections.Counter()

    def fault(self, rule, entry, text):
        self.broken.append(f"{rule}: {entry.host}{entry.path} at {entry.start:.2f}: {text}")

    def check(self):
        by_host, by_feed = collections.defaultdict(list), collections.defaultdict(list)
        for entry in self.log:
            by_host[entry.host].append(entry)
            by_feed[entry.host, entry.path.removeprefix("/hop")].append(entry)
            self.request(entry)
        for entries in by_host.values():
            self.gaps(entries)
            self.connections(entries)
            self.holds(entries)
        for (host, path), entries in by_feed.items():
            self.validators(entries)
            self.waits([e for e in entries if e.path == path], self.hosts.feeds[host, path])
        return self.broken

    def request(self, entry):
        self.checks["request"] += 1
        if entry.method != "GET":
            self.fault("GET only", entry, entry.method)
        for name in ("cookie", "referer", "from", "origin", "authorization"):
            if name in entry.headers:
                self.fault("headers", entry, name)
        if (entry.host, entry.path.removeprefix("/hop")) not in self.hosts.feeds:
            self.fault("address", entry, "never configured")
        if not entry.headers.get("user-agent", "").startswith("feedd/"):
            self.fault("user agent", entry, str(entry.headers.get("user-agent")))

    def gaps(self, entries):
        for one, two in zip(entries, entries[1:]):
            if two.path.startswith("/hop") or any(one.start <= at <= two.start for at in self.restarts):
                continue
            self.checks["gap"] += 1
            self.least_gap = min(self.least_gap, two.start - one.start)
            if two.start - one.start < GAP - SLACK:
                self.fault("gap", two, f"{two.start - one.start:.3f} s after {one.path}")

    def connections(self, entries):
        edges = sorted([(e.start, 1, e) for e in entries] + [(e.end, -1, e) for e in entries], key=lambda x: (x[0], x[1]))
        running = 0
        for _, change, entry in edges:
            running += change
            self.checks["connections"] += change > 0
            if running > CONNECTIONS:
                self.fault("connections", entry, f"{running} at once")

    def holds(self, entries):
        """After 429 or Retry-After nobody asks the host before its time."""
        for index, entry in enumerate(entries):
            after = entry.reply.headers.get("Retry-After")
            if entry.reply.status not in (429, 503) or (entry.reply.status == 503 and not after):
                continue
            wait = 600.0 if not after else float(after) if after.isdigit() else \
                email.utils.parsedate_to_datetime(after).timestamp() - (time.time() - time.monotonic() + entry.end)
            held, since = entry.end + wait, entry.end
            for other in entries[index + 1:]:
                self.checks["holds"] += 1
                if since + SLACK < other.start < held - SLACK - 1:
                    self.fault("Retry-After", other, f"{held - other.start:.1f} s too early after {entry.reply.status}")

    def validators(self, entries):
        known = (None, None)
        for entry in entries:
            self.checks["validators"] += 1
            if entry.validators != known:
                self.fault("validators", entry, f"sent {entry.validators}, known {known}")
            headers = entry.reply.headers
            came = headers.get("ETag"), headers.get("Last-Modified")
            if entry.reply.status == 304:
                known = came[0] or known[0], came[1] or known[1]
            elif entry.reply.status == 200:
                known = came if entry.reply.valid and headers.get("Expires") != "0" else (None, None)

    def waits(self, entries, feed):
        fails, hint = 0, 0.0
        for one, two in zip(entries, entries[1:]):
            reply = one.reply
            least = float(INTERVAL)
            if reply.status in (200, 304) and reply.valid | (reply.status == 304):
                fails = 0
                hint = {"hinted": 90.0, "expiring": 79.0, "slow_ttl": 120.0}.get(feed.character, 0.0)
            elif reply.status >= 400 or not reply.valid and reply.status == 200:
                # What was cut may still have been read in part, and then it is no error.
                fails = 0 if reply.cut else fails + 1
                least = min(INTERVAL * 2 ** max(fails - 1, 0), 86400)
            if reply.status == 410:
                self.fault("410", two, "asked again")
            if reply.status == 429 and "Retry-After" not in reply.headers:
                least = 3600
            least = max(least, hint)
            self.checks["waits"] += 1
            if two.start - one.start < least * JITTER - 1:
                self.fault("interval", two, f"{two.start - one.start:.1f} s after status {reply.status}, wanted {least} ({fails} errors)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--build")
    args = parser.parse_args()
    if args.build:
        os.environ["FEEDD_BUILD"] = args.build
    from support.daemon import Feedd
    from support.wait import wait_for
    hosts = Hosts(args.hosts)
    with tempfile.TemporaryDirectory() as directory:
        feedd = Feedd(directory)
        feeds = {f"f{n}": f"http://{host}:{hosts.port}{path}" for n, (host, path) in enumerate(hosts.feeds)}
        feedd.configure(feeds=feeds, top={"interval": f"{INTERVAL}s", "min_interval": "5s"}, host=None)
        feedd.start()
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() - begun > args.seconds / 2, "half of the time", args.seconds)
        feedd.stop()
        restarts = [time.monotonic()]
        feedd.start()
        wait_for(lambda: time.monotonic() - begun > args.seconds, "the other half", args.seconds)
        feedd.stop()
        feedd.close()
    checker = Checker(hosts, restarts)
    broken = checker.check()
    statuses = collections.Counter(e.reply.status for e in checker.log)
    print(f"{len(checker.log)} requests of {len(hosts.feeds)} feeds at {args.hosts} hosts in {args.seconds:g} s; "
          f"answers {dict(sorted(statuses.items()))}; least gap {checker.least_gap:.3f} s; checks {dict(checker.checks)}")
    print(f"{len(broken)} rules broken")
    for line in broken[:40]:
        print(" ", line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
