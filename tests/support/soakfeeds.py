"""soakfeeds.py - thousands of feeds on loopback, each with a character, and a record of what they published and answered.

    feeds = Feeds(2000, directory, seed); feeds.publish(True); …; feeds.stop()

Every character is a method of Feed; GOOD, ODD and ILL say what may be expected of its feeds. The record is in files of JSON
lines: published.jsonl (an item came or went), served.jsonl (a request was answered), posted.jsonl (a webhook).
"""
import asyncio
import contextlib
import email.utils
import gzip
import json
import random
import socket
import threading
import time

from .feeds import FORMATS, item, rss

WINDOW = 40  # items that a document lists
RSS = {"Content-Type": "application/rss+xml"}
LIMIT = 1 << 20  # max_size of the feeds that are about size

# Weights. Of good feeds everything is expected: each item stored once and told, and polls on time. Odd ones have their own
# rules; ill ones must only do no harm.
GOOD = {"etag": 30, "dated": 20, "always": 15, "atom": 10, "json": 8, "rdf": 4, "packed": 10, "chunked": 5, "slow": 4, "latin": 2,
        "wide": 2, "moved": 4, "temporary": 4, "undated": 6, "growing": 4, "hostile_text": 3}
ODD = {"shrinking": 4, "oscillating": 4, "one_guid": 3, "new_ids": 3, "edited": 5, "no_guid": 4, "shaky": 6, "busy": 4, "crowd": 0.3,
       "huge": 0.5}
ILL = {"mute": 1, "stalling": 2, "cut": 2, "missing": 2, "failing": 2, "closed_shop": 2, "fed_up": 1, "looping": 1, "page": 2, "broken": 2,
       "packing_lie": 1, "packing_cut": 1, "bomb": 0.5, "too_big": 0.5, "endless_head": 1, "endless_body": 0.5, "garbage": 2,
       "refused": 2, "early": 2, "gone": 1, "empty": 1, "never_new": 1, "wrong_chunks": 1}


class Record:
    """A file of JSON lines with the time of each."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.lock = threading.Lock()

    def add(self, **fields):
        with self.lock:
            self.file.write(json.dumps({"t": round(time.time(), 3), **fields}) + "\n")


def head(status=200, length=None, **headers):
    lines = [f"HTTP/1.1 {status} X"] + [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Reply:
    """An answer: bytes, then the connection is closed unless `keep`."""

    def __init__(self, status=200, body=b"", keep=True, raw=None, delay=0.0, **headers):
        self.status, self.keep, self.delay = status, keep and raw is None, delay
        self.data = raw if raw is not None else head(status, None if status == 304 else len(body), **headers) + body


class Feed:
    def __init__(self, number, character, address, chance):
        self.number, self.character, self.address = number, character, address
        self.kind = "good" if character in GOOD else "odd" if character in ODD else "ill"
        self.name, self.path = f"{character}-{number}", f"/{number}.xml"
        self.chance = random.Random(chance.random())
        self.asked, self.last, self.changed = 0, 0, int(time.time())
        self.items = []
        self.rate = self.chance.choice((0.3, 1, 1, 1, 3))  # how much it publishes, beside others

    @property
    def publishes(self):
        return self.kind == "good" or self.character in ("shaky", "busy", "one_guid", "no_guid", "edited", "new_ids")

    def publish(self, count):
        """New items on top; the ids of those that came and of those that fell out of the document."""
        came = []
        for _ in range(count):
            self.last += 1
            came.append(self.make(self.last))
        room = 400 if self.character == "growing" else WINDOW
        old, self.items = self.items, (came[::-1] + self.items)[:room]
        self.changed = max(int(time.time()), self.changed + 1)
        gone = old[len(self.items) - len(came):]
        # As they were made: some feeds change the ids of what they list.
        return tuple([f"urn:{self.number}:{entry.url.rpartition('/')[2]}" for entry in some] for some in (came, gone))

    def make(self, n, text=""):
        url = f"https://example.org/{self.number}/{n}"
        html = f"<p>Text {n} of {self.number}. {text}</p>" + "<p>More of it, as articles have.</p>" * (n % 30)
        made = item(n, f"Feed {self.number} item {n}", id=f"urn:{self.number}:{n}", url=url, html=html)
        made.at = time.time() if self.character != "undated" else None
        return made

    def reply(self, validators):
        self.asked += 1
        return getattr(self, self.character)(validators)

    def document(self, format="rss"):
        return FORMATS[format][0](self.items, title=f"Feed {self.number}")

    def fresh(self, validators, format="rss", body=None, delay=0.0, **headers):
        etag = f'"{self.last}-{len(self.items)}"'
        if validators[0] == etag:
            return Reply(304, ETag=etag, delay=delay)
        return Reply(body=body or self.document(format), delay=delay, Content_Type=FORMATS[format][1], ETag=etag, **headers)

    # --- good

    etag = undated = growing = fresh

    def dated(self, validators):
        stamp = email.utils.formatdate(self.changed, usegmt=True)
        return Reply(304) if validators[1] == stamp else Reply(body=self.document(), Last_Modified=stamp)

    def always(self, _):
        return Reply(body=self.document(), **RSS)

    def atom(self, validators):
        return self.fresh(validators, "atom")

    def json(self, validators):
        return self.fresh(validators, "json")

    def rdf(self, validators):
        return self.fresh(validators, "rdf")

    def packed(self, validators):
        return self.fresh(validators, body=gzip.compress(self.document(), 1), Content_Encoding="gzip")

    def chunked(self, _):
        body = self.document()
        parts = [body[n:n + 5000] for n in range(0, len(body), 5000)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        return Reply(raw=head(Transfer_Encoding="chunked") + chunks + b"0\r\n\r\n")

    def slow(self, validators):
        return self.fresh(validators, delay=self.chance.uniform(0, 3))

    def latin(self, _):
        text = self.document().decode().replace('encoding="utf-8"', 'encoding="iso-8859-1"').replace("Text", "Täxt")
        return Reply(body=text.encode("latin-1"), Content_Type="application/xml")

    def wide(self, _):
        return Reply(body=self.document().decode().replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16"))

    def moved(self, _):
        return Reply(301, Location=f"/to{self.path}")

    def temporary(self, _):
        return Reply(302, Location=f"/to{self.path}")

    def hostile_text(self, _):
        nasty = "&amp;#0; &lt;script&gt;alert(1)&lt;/script&gt; \x01\x02 ‮ $(id) `id` '; DROP TABLE items; -- %s%n \\n &amp;amp;"
        body = self.document().decode().replace(" item ", f" {nasty} item ").encode() + b"\xff\xfe <junk"
        return Reply(body=body, X_Strange="\x7f" * 100, **RSS)

    # --- odd

    def listed(self, numbers):
        return Reply(body=rss([self.make(n) for n in numbers]), **RSS)

    def shrinking(self, _):
        return self.listed(range(1, 1 + (self.asked % 4) * 10))

    def oscillating(self, _):
        return self.listed(range(1, 21) if self.asked % 2 else range(11, 31))

    def one_guid(self, _):
        for entry in self.items:
            entry.id = "urn:the-same"
        return Reply(body=self.document(), **RSS)

    def new_ids(self, _):
        for entry in self.items:
            entry.id = f"urn:{self.asked}:{entry.url}"
        return Reply(body=self.document(), **RSS)

    def edited(self, _):
        for entry in self.items[:3]:
            entry.html = f"<p>Edition {self.asked}</p>"
        return Reply(body=self.document(), **RSS)

    def no_guid(self, _):
        lines = [f"<item><title>Feed {self.number} item {e.title.split()[-1]}</title><link>{e.url}</link></item>" for e in self.items]
        return Reply(body=f'<rss version="2.0"><channel><title>No ids</title>{"".join(lines)}</channel></rss>'.encode())

    def shaky(self, validators):
        return Reply(500) if self.chance.random() < 0.3 else self.fresh(validators)

    def busy(self, validators):
        if self.chance.random() < 0.2:
            return Reply(self.chance.choice((429, 503)), Retry_After=self.chance.randint(5, 90))
        return self.fresh(validators)

    def crowd(self, validators):
        """5,000 items at once, and others every fourth poll."""
        start = self.asked // 4 * 500
        etag = f'"{start}"'
        if validators[0] == etag:
            return Reply(304)
        return Reply(body=rss([self.make(n) for n in range(start + 5000, start, -1)]), ETag=etag)

    def huge(self, validators):
        """Near the limit of size."""
        if validators[0] == '"huge"':
            return Reply(304)
        body = rss([self.make(1, "x" * (LIMIT - 2000))])
        return Reply(body=body + b" " * (LIMIT - len(body)), ETag='"huge"')

    # --- ill

    def mute(self, _):
        return Reply(raw=(b"", 3600))

    def stalling(self, _):
        return Reply(raw=(head(length=100000) + self.document() + b"<item>", 3600))

    def cut(self, _):
        return Reply(raw=head(length=100000, ETag='"cut"') + self.document()[:-100])

    def missing(self, _):
        return Reply(404, b"none here")

    def failing(self, _):
        return Reply(self.chance.choice((500, 502, 403, 418, 599)), b"no")

    def closed_shop(self, _):
        return Reply(503, Retry_After=self.chance.choice(("120", "-1", "soon", "99999999999999999999")))

    def fed_up(self, validators):
        return Reply(429) if self.asked > 2 else self.fresh(validators)

    def looping(self, _):
        return Reply(302, Location=f"/loop{self.path}")

    def page(self, _):
        return Reply(body=b"<!DOCTYPE html><html><body>" + b"<p>Maintenance" * 500, Content_Type="text/html")

    def broken(self, _):
        return Reply(body=self.document()[:self.chance.randint(20, 150)] + b"<a><b></a>&nope;<![CDATA[", **RSS)

    def packing_lie(self, _):
        return Reply(body=self.document(), Content_Encoding="gzip")

    def packing_cut(self, _):
        return Reply(body=gzip.compress(self.document() + self.chance.randbytes(5000))[:-40], Content_Encoding="gzip")

    BOMB = gzip.compress(bytes(64 << 20), 9)

    def bomb(self, _):
        return Reply(body=self.BOMB, Content_Encoding="gzip")

    def too_big(self, _):
        return Reply(body=self.document() + b" " * LIMIT, keep=False)

    def endless_head(self, _):
        return Reply(raw=(b"HTTP/1.1 200 OK\r\n", 0.02, b"X-More: " + b"y" * 5000 + b"\r\n"))

    def endless_body(self, _):
        return Reply(raw=(b"HTTP/1.1 200 OK\r\n\r\n<rss><channel>", 0.02, b"<item><title>again</title></item>" * 1000))

    def garbage(self, _):
        return Reply(raw=self.chance.randbytes(self.chance.randint(1, 20000)))

    refused = mute  # nobody listens at its port

    def early(self, _):
        return Reply(raw=b"" if self.chance.random() < 0.5 else b"HTTP/1.1 200 OK\r\nContent-")

    def gone(self, validators):
        return Reply(410) if self.asked > 3 else self.fresh(validators)

    def empty(self, _):
        return Reply()

    def never_new(self, _):
        return Reply(304)

    def wrong_chunks(self, _):
        return Reply(raw=head(Transfer_Encoding="chunked") + b"zz\r\n" + self.document())


class Feeds:
    """All feeds and the webhook, on one loop in a thread of its own."""

    def __init__(self, count, directory, seed, per_hour=8.0):
        chance = self.chance = random.Random(seed)
        self.per_hour = per_hour  # new items of a feed, about
        self.published, self.served, self.posted = (Record(directory / f"{n}.jsonl") for n in ("published", "served", "posted"))
        self.feeds, self.publishing, self.webhook_fails = {}, False, 0.03
        good = [f"127.78.0.{n}" for n in range(1, 21)]
        other = [f"127.79.{n // 200}.{n % 200 + 1}" for n in range(max(count // 10, 20))]
        characters = self.deal(count, chance)
        for number, character in enumerate(characters):
            feed = Feed(number, character, chance.choice(good if character in GOOD else other), chance)
            self.feeds[feed.path] = feed
            feed.publish(15)
        with socket.socket() as probe:
            probe.bind(("127.78.0.1", 0))
            self.port = probe.getsockname()[1]
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.addresses = good + other
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.ready.wait(30)

    @staticmethod
    def deal(count, chance):
        """70 % good ones, 16 % odd ones, 14 % ill ones, each character once at least where there is room."""
        out = []
        for table, part in ((GOOD, 0.70), (ODD, 0.16), (ILL, 0.14)):
            wanted = max(int(count * part), 1)
            names = list(table) + chance.choices(list(table), list(table.values()), k=wanted)
            out += names[:wanted]
        out += ["etag"] * (count - len(out))
        chance.shuffle(out)
        return out

    def url(self, feed):
        return f"http://{feed.address}:{1 if feed.character == 'refused' else self.port}{feed.path}"

    @property
    def webhook(self):
        return f"http://{self.addresses[0]}:{self.port}/hook"

    def run(self):
        async def begin():
            servers = [await asyncio.start_server(self.serve, address, self.port, backlog=256) for address in self.addresses]
            self.ready.set()
            return servers
        asyncio.set_event_loop(self.loop)
        self.servers = self.loop.run_until_complete(begin())
        self.loop.create_task(self.publisher())
        self.loop.run_forever()

    def publish(self, on):
        self.publishing = on

    async def publisher(self):
        writers = [feed for feed in self.feeds.values() if feed.publishes]
        rates = [feed.rate for feed in writers]
        while writers:
            await asyncio.sleep(self.chance.expovariate(len(writers) * self.per_hour / 3600 / 1.5))
            if not self.publishing:
                continue
            feed = self.chance.choices(writers, rates)[0]
            came, went = feed.publish(self.chance.choice((1, 1, 1, 1, 1, 4)))
            self.published.add(feed=feed.name, came=came, went=went)

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while await self.answer(reader, writer):
                pass
        with contextlib.suppress(Exception):
            writer.close()

    async def answer(self, reader, writer):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, path, _ = lines[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        asked = round(time.time(), 6)
        if path == "/hook":
            return await self.post(asked, await reader.readexactly(int(headers["content-length"])), writer)
        hop = path.startswith("/to/")
        feed = self.feeds.get(path[3:] if hop else path[5:] if path.startswith("/loop/") else path)
        if not feed:
            writer.write(head(404, 0))
            return True
        validators = headers.get("if-none-match"), headers.get("if-modified-since")
        reply = feed.fresh(validators) if hop else feed.reply(validators)
        whole = False
        try:
            await self.send(reply, reader, writer)
            whole = True
        finally:
            self.served.add(feed=feed.name, asked=asked, status=reply.status, last=feed.last, whole=whole, hop=hop)
        return reply.keep

    async def send(self, reply, reader, writer):
        if isinstance(reply.data, tuple):
            data, pause, *again = reply.data
            writer.write(data)
            while not await self.left(reader, pause) and again:
                writer.write(again[0])
                await writer.drain()
            return
        if reply.delay:
            await asyncio.sleep(reply.delay)
        writer.write(reply.data)
        await writer.drain()

    @staticmethod
    async def left(reader, seconds):
        """Waits so long, or until the other side hangs up: then true."""
        try:
            return await asyncio.wait_for(reader.read(100), seconds) == b""
        except asyncio.TimeoutError:
            return False

    async def post(self, asked, body, writer):
        events = json.loads(body)
        events = events if isinstance(events, list) else [events]
        status = self.chance.choice((500, 429, 404)) if self.chance.random() < self.webhook_fails else 204
        await asyncio.sleep(0.005 + self.chance.expovariate(1 / 0.02))
        for event in events:
            self.posted.add(asked=asked, seq=event["_feedd"]["seq"], feed=event["_feedd"]["feed"]["name"], id=event.get("id"), status=status)
        writer.write(head(status, 0, **({"Retry-After": "3"} if status == 429 else {})) if status != 204 else head(204))
        await writer.drain()
        return True

    def stop(self):
        self.publishing = False

        async def end():
            for server in self.servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
