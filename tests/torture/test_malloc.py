"""Memory that runs out at the n-th allocation, once or for good, in our code or in a library.

What was asked for is done and right; or it fails and says so; or the process ends with the one line that says that memory is gone.
The database stays sound, and what was stored is told. n goes in steps so that all takes minutes: EVERY_MALLOC=1 tries every n and
every document of tests/data.
"""
import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess

import pytest
from support.daemon import BUILD, ROOT
from support.feeds import item, items, opml, rss
from support.memory import Memory
from support.server import Answer
from support.wait import SLOW, wait_for

EVERY = bool(os.environ.get("EVERY_MALLOC"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
DATA = ROOT / "tests" / "data"
# One of every format, kind of damage and way to an encoding.
DOCUMENTS = ["atom-10.xml", "atom-media.xml", "broken-ampersand.xml", "broken-entities.xml", "broken-truncated.xml",
             "broken-unclosed.xml", "encoding-big5.xml", "encoding-ebcdic.xml", "encoding-hz.xml", "encoding-latin1-quotes.xml",
             "encoding-utf-16be.xml", "encoding-utf-8-that-is-latin1.xml", "json-11.json", "json-broken.json", "no-feed-page.html",
             "rdf-10.xml", "rss-own-entities.xml", "rss-podcast.xml", "rss-xhtml-body.xml"]
# The last words: our own, libev's, those of an assertion in libConfuse (without the memory for its text), and what the C library says
# of its own glob(3) and regcomp(3), which free a block twice when they have no memory for another.
LAST_WORDS = (("feedd: out of memory", ""), ("(libev) cannot allocate", ""), ("Assertion `cfg_qstring' failed", "libconfuse"),
              ("Unexpected error.", "libconfuse"), ("double free detected", "(glob"), ("double free detected", "(regcomp"))

pytestmark = pytest.mark.skipif("ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ or "FEEDD_WRAP" in os.environ,
                                reason="a preloaded malloc and a sanitizer do not go together")


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path)


def steps(calls, wanted):
    """About so many n of 1 to calls, every one where all are asked for; another set with another seed."""
    step = 1 if EVERY else max(1, calls // wanted)
    return range(1 + SEED % step, calls + 1, step)


def ended_well(memory, status, output, what):
    """It failed and said so, or ended as it does where memory is gone. Whoever calls it has looked at success."""
    about = f"{what}\n{output[-3000:]}\n{memory.trace}"
    if status == -signal.SIGABRT:
        assert any(words in output and who in memory.trace for words, who in LAST_WORDS), "aborted without a word: " + about
    else:
        assert status > 0, f"killed by signal {-status}: " + about
        assert output.strip(), f"status {status} without a word: " + about


def run(memory, args, given=os.devnull):
    environment = {**os.environ, **memory.environment}
    with open(given, encoding="utf-8") as stdin:
        return subprocess.run([str(a) for a in args], env=environment, stdin=stdin, capture_output=True, text=True, errors="replace",
                              timeout=60 * SLOW)


def torture(memory, args, wanted, undo=lambda: None, given=os.devnull):
    """One command with every n, once and for good: what it says with success is what it says with all the memory there is."""
    memory.fail(0)
    right, calls = run(memory, args, given), memory.calls
    assert calls > 10 and right.returncode >= 0
    refused = 0
    for for_good, share in ((False, 1), (True, 3)):
        for n in steps(calls, wanted // share):
            undo()
            memory.fail(n, for_good)
            done = run(memory, args, given)
            refused += memory.failed > 0
            if done.returncode == right.returncode and done.stdout == right.stdout and not done.returncode:
                continue
            what = f"{pathlib.Path(args[0]).name} {args[1:]}, call {n} of {calls} {'for good' if for_good else 'once'}"
            assert memory.failed, "it failed with all its memory: " + what + done.stderr
            assert done.returncode != 0, f"success, and not what it should say: {what}\n{memory.trace}\n{done.stdout[:2000]}"
            ended_well(memory, done.returncode, done.stderr, what)
    assert refused > 10
    return right


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.iterdir() if p.suffix != ".golden") if EVERY else DOCUMENTS)
def test_parse(memory, name):
    """A document is read in full or not at all: never one that lost an item or a text on the way."""
    torture(memory, [BUILD / "feedctl", "parse", DATA / name], 45)


def test_discover(memory):
    torture(memory, [BUILD / "feedctl", "discover", DATA / "no-feed-page.html"], 45)


def test_import(memory, tmp_path):
    """No subscription is missing from the list of one who had no memory for it."""
    file = tmp_path / "in.opml"
    file.write_text(opml([("One", "https://b\u00fccher.example/1"), ("In", [("Two", "http://two.example/"), ("3", "http://three.example/")])]))
    right = torture(memory, [BUILD / "feedctl", "import", file], 60)
    assert right.returncode == 0 and right.stdout.count("url = ") == 3


def test_simulate(memory, tmp_path):
    """A trace is read to its end, or not at all."""
    start = 1767571200
    lines = [{"trace": "made up", "start": start, "end": start + 86400, "feeds": 3}]
    lines += [{"feed": f"f{n}", "window": 20, "max_age": 0, "dates": True, "times": list(range(start + n, start + 86000, 3000 + n))}
              for n in range(3)]
    file = tmp_path / "trace"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    torture(memory, [BUILD / "feedctl", "simulate"], 60, given=file)


def full_configuration(feedd):
    """One that uses every kind of value, other files, and OPML."""
    feedd.directory.joinpath("more.d").mkdir()
    feedd.directory.joinpath("more.d", "a.conf").write_text('feed "included" { url = "http://127.0.0.1:1/" tags = {"x", "y"} }\n')
    feedd.directory.joinpath("feeds.opml").write_text(opml([("One", "https://b\u00fccher.example/1"), ("In", [("Two", "http://two.example/")])]))
    hook = feedd.hook()
    feedd.configure(
        feeds={"a": {"url": "http://user:secret@127.0.0.1:1/a", "interval": "10m", "tags": ["one", "two"], "headers": ["X-One: 1"],
                     "identity": "[?&]utm=[^&]*", "max_size": "1MiB", "backlog": "all"}},
        notify={"hook": {"exec": [hook, "--word", "x"], "feeds": ["a", "tag:x"], "events": ["item.new", "feed.failing"],
                         "where": "title REGEXP 'CVE-[0-9]+' AND tags LIKE '%x%'"},
                "post": {"webhook": "http://127.0.0.1:1/", "secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="},
                "file": {"file": feedd.directory / "out", "batch": 2}},
        top={"subscriptions": ["feeds.opml"], "max_interval": "12h"},
        extra='include("more.d/*.conf")\nhost "example.org" { gap = "2s" subdomains = true }\n')
    return feedd


def test_check(memory, feedd):
    full_configuration(feedd)
    right = torture(memory, feedd.command("--check"), 250)
    assert right.returncode == 0


def test_check_finds_the_faults(memory, feedd):
    """A fault in the last of the files is never overlooked for want of memory."""
    full_configuration(feedd)
    feedd.directory.joinpath("more.d", "z.conf").write_text('feed "bad" { url = "gopher://x/" }\n')
    right = torture(memory, feedd.command("--check"), 150)
    assert right.returncode == 2 and "z.conf:1" in right.stderr


# --- the daemon

HOOK = "#!/bin/sh\nexec cat >>\"$0.out\"\n"
KEY = b"a secret of the two of us"


class World:
    """Feeds of all formats that grow; a hook, a file and a server that are told; and what must hold of them at any time."""

    def __init__(self, server, feedd, interval="1h"):
        self.feedd, self.last, self.forged = feedd, 3, []
        self.feeds = {f: server.feed(f"/{f}", items(1, 2, 3), format=f, title=f) for f in ("rss", "atom", "rdf", "json")}
        self.out, hook = feedd.directory / "out", feedd.directory / "hook"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        self.told_to = {"file": self.out, "hook": hook.with_name("hook.out"), "post": feedd.directory / "post.out"}
        server.answer("/post", call=self.take_post)
        server.answer("/moved", status=302, headers={"Location": "/rdf"})
        server.answer("/packed", call=self.packed)
        feeds = {name: {"url": feed.url, "backlog": "all", "interval": interval} for name, feed in self.feeds.items()}
        feeds["rdf"].update(url=server.url("/moved"), identity="^urn:")
        feeds["json"].update(url=server.url("/packed"), headers=["X-Key: 1"])
        feedd.configure(feeds=feeds, notify={
            "file": {"file": self.out},
            "hook": {"exec": [hook], "where": "title REGEXP '^Article [0-9]+$'"},
            "post": {"webhook": server.url("/post"), "secret": "whsec_" + base64.b64encode(KEY).decode()}})

    def packed(self, request):
        """The feed in gzip, for those who send the header."""
        if request.headers.get("X-Key") != "1":
            return Answer(status=403)
        answer = self.feeds["json"].answer(request)
        if answer.body:
            answer.body = gzip.compress(answer.body)
            answer.headers["Content-Encoding"] = "gzip"
        return answer

    def take_post(self, request):
        """One line more of what was posted. What comes at all is signed."""
        signed = b"%s.%s.%s" % (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body)
        signature = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        if request.headers["webhook-signature"] != signature or request.headers["Content-Type"] != "application/json":
            self.forged.append(request)
        with open(self.told_to["post"], "ab") as out:
            out.write(request.body + b"\n")
        return Answer(status=204)

    def grow(self):
        self.last += 1
        for feed in self.feeds.values():
            feed.add(item(self.last))

    def told(self, kind):
        file = self.told_to[kind]
        if not file.exists():
            return []
        # The end of a call that was cut short may stand without its line feed.
        return [json.loads(line) for line in file.read_text().split("\n")[:-1]]

    @property
    def wanted(self):
        return sorted((feed, f"urn:item:{n}") for feed in self.feeds for n in range(1, self.last + 1))

    def sound(self):
        """Whatever happened: the database is whole, and nothing was told that is not stored under this number."""
        database = self.feedd.state / "feedd.db"
        if not database.exists() or not database.stat().st_size:
            assert not any(self.told(kind) for kind in self.told_to)
            return
        with contextlib.closing(sqlite3.connect(database)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone():
                return
            stored = db.execute("SELECT feeds.name, guid FROM items JOIN feeds ON feeds.id = feed").fetchall()
            events = db.execute("SELECT events.seq, feeds.name, guid FROM events JOIN items ON items.id = events.item"
                                " JOIN feeds ON feeds.id = events.feed").fetchall()
        assert len(stored) == len(set(stored)), "an item was stored twice: " + str([s for s in set(stored) if stored.count(s) > 1])
        assert len(events) == len({e[1:] for e in events}), "an item has two events"
        assert not self.forged
        by_seq = {seq: rest for seq, *rest in events}
        for kind in self.told_to:
            for event in self.told(kind):
                about = event["_feedd"]
                assert by_seq[about["seq"]] == [about["feed"]["name"], event["id"]], "told is not what is stored"
                number = event["id"].removeprefix("urn:item:")
                assert event["title"] == f"Article {number}" and event["content_html"] == f"<p>Text of article {number}.</p>"
                assert event["url"] == f"https://example.org/articles/{number}" and event["date_published"]

    def complete(self):
        """After a run with memory enough: all is there, once, and all were told."""
        self.sound()
        stored = self.feedd.sql("SELECT feeds.name, guid FROM items JOIN feeds ON feeds.id = feed")
        assert sorted(stored) == self.wanted
        for kind in self.told_to:
            assert sorted({(e["_feedd"]["feed"]["name"], e["id"]) for e in self.told(kind)}) == self.wanted, kind


def once(world, memory, n, for_good):
    memory.fail(n, for_good)
    done = world.feedd.once()
    if done.returncode != 0:
        assert memory.failed, "it failed with all its memory: " + done.stderr
        ended_well(memory, done.returncode, done.stderr, f"--once, call {n} {'for good' if for_good else 'once'}")
        world.sound()
    else:
        world.complete()


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for_good"])
def test_first_run(server, feedd, memory, for_good):
    """From nothing: the database is made, all is new."""
    world = World(server, feedd)
    feedd.environment.update(memory.environment)
    memory.fail(0)
    assert feedd.once().returncode == 0
    calls = memory.calls
    world.complete()
    for n in steps(calls, 30 if for_good else 70):
        shutil.rmtree(feedd.state)
        feedd.state.mkdir()
        for file in world.told_to.values():
            file.unlink(missing_ok=True)
        once(world, memory, n, for_good)
        memory.fail(0)
        done = feedd.once()
        assert done.returncode == 0, done.stderr
        world.complete()


def test_runs_on(server, feedd, memory):
    """Run after run on one database that many have failed to bring to an end."""
    print(f"SEED={SEED}")
    world = World(server, feedd)
    feedd.environment.update(memory.environment)
    memory.fail(0)
    assert feedd.once().returncode == 0
    world.grow()
    memory.fail(0)
    assert feedd.once().returncode == 0
    world.complete()
    for count, n in enumerate(steps(memory.calls, 80)):
        world.grow()
        once(world, memory, n, for_good=count % 5 == 4)
        if count % 4 == 3:
            memory.fail(0)
            done = feedd.once()
            assert done.returncode == 0, done.stderr
            world.complete()
    memory.fail(0)
    assert feedd.once().returncode == 0
    world.complete()


def test_identity_by_pattern(feedd, memory):
    """An id is not taken for another one because there was no memory to compare it."""
    document = feedd.directory / "a.xml"

    def publish(visit):
        document.write_bytes(rss([item(n, id=f"https://example.org/{n}?utm={visit}.{n}") for n in range(50)]))

    feedd.configure(feeds={"a": {"url": f"file://{document}", "identity": "[?&]utm=[^&]*"}})
    feedd.environment.update(memory.environment)
    publish(0)
    memory.fail(0)
    assert feedd.once().returncode == 0
    publish(1)
    memory.fail(0)
    assert feedd.once().returncode == 0
    # What comes before is the start, as in the other tests.
    calls, compared = memory.calls, 0
    for visit, n in enumerate(range(calls - 600, calls, 1 if EVERY else 7), 2):
        publish(visit)
        memory.fail(n)
        done = feedd.once()
        if done.returncode:
            ended_well(memory, done.returncode, done.stderr, f"call {n}")
        assert feedd.sql("SELECT count(*) FROM items") == [(50,)], memory.trace
        compared += "(regexec" in memory.trace
        # After an end that was not clean a start would ask for more.
        memory.fail(0)
        assert feedd.once().returncode == 0
    assert compared > 0


VERBS = {
    "feeds": ["feeds", "--json"], "show": ["show", "--json", "atom"], "why": ["why", "--json", "1"], "items": ["items", "--search", "Article", "--json"],
    "follow": ["follow", "--no-wait", "--after", "0"], "consumer": ["follow", "--no-wait", "--consumer", "tortured", "--no-ack"],
    "where": ["follow", "--no-wait", "--where", "title REGEXP '[12]$'", "--after", "0"], "match": ["match", "file", "--since", "7d"],
    "export": ["export"], "backup": ["backup", "COPY"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_feedctl(server, feedd, memory, verb):
    """The client runs out of memory; the daemon does not notice."""
    World(server, feedd)
    feedd.start()
    # Then nothing changes any more, and every question has one answer.
    wait_for(lambda: len(feedd.events()) == 12, "the first items", 30)
    wait_for(lambda: all(feedd.ctl("why", "--json", n).stdout.count('"delivered"') == 3 for n in range(1, 13)), "deliveries", 30)
    copy = feedd.directory / "copy.db"
    args = [copy if arg == "COPY" else arg for arg in VERBS[verb]]

    def undo():
        copy.unlink(missing_ok=True)

    right = torture(memory, [BUILD / "feedctl", "-s", feedd.socket, *args], 40, undo)
    assert right.returncode == 0 and (right.stdout or verb == "backup")
    undo()
    feedd.ctl(*args, check=0)
    assert verb != "backup" or sqlite3.connect(copy).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_consumer_loses_nothing(server, feedd, memory):
    """feedctl acknowledges what it has written, and dies at any allocation in between."""
    world = World(server, feedd)
    feedd.start()
    wait_for(lambda: len(feedd.events()) == 12, "the first items", 30)
    args = [BUILD / "feedctl", "-s", feedd.socket, "follow", "--no-wait", "--consumer", "c"]
    memory.fail(0)
    lines = run(memory, args).stdout.splitlines()
    for count, n in enumerate(steps(memory.calls, 60)):
        world.grow()
        feedd.ctl("poll", check=0)
        wait_for(lambda: len(feedd.events()) == len(world.wanted), "the next items", 30)
        memory.fail(n, for_good=count % 3 == 2)
        done = run(memory, args)
        # Without its line feed a line was cut short, and is said again.
        lines += done.stdout.split("\n")[:-1]
        if done.returncode != 0:
            ended_well(memory, done.returncode, done.stderr, f"call {n}")
    memory.fail(0)
    lines += run(memory, args).stdout.splitlines()
    seqs = [json.loads(line)["_feedd"]["seq"] for line in lines]
    assert list(dict.fromkeys(seqs)) == sorted(set(seqs)) == [e["_feedd"]["seq"] for e in feedd.events()]


def act(world):
    """News, and every kind of question to the daemon; answers may be missing."""
    world.grow()
    feedd = world.feedd
    with contextlib.suppress(subprocess.TimeoutExpired):
        for verb in (["poll"], ["status"], ["why", "rss"], ["items", "--search", "Article"], ["follow", "--no-wait", "--consumer", "c"],
                     ["show", "atom"], ["follow", "--no-wait", "--after", "1", "--where", "title LIKE 'A%'"], ["reload"], ["failed"]):
            feedd.ctl(*verb)
            if not feedd.running:
                break


def test_daemon(server, feedd, memory):
    """A daemon at work, from one shortage to the next."""
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    world = World(server, feedd)
    feedd.environment.update(memory.environment)
    memory.fail(0)
    feedd.start()
    wait_for(lambda: len(feedd.events()) == 12, "the first items", 30)
    before = memory.calls
    act(world)
    wait_for(lambda: len(feedd.events()) == 16, "the next items", 30)
    calls, ends = memory.calls - before, 0
    for _ in range(600 if EVERY else 60):
        memory.fail_after(dice.randint(1, calls), for_good=dice.random() < 0.2)
        act(world)
        if feedd.running and memory.failed:
            continue
        if feedd.running:
            feedd.kill9()
        else:
            ended_well(memory, feedd.process.returncode, feedd.log, "the daemon")
            ends += 1
        world.sound()
        memory.fail(0)
        feedd.start()
    assert ends > 10
    memory.fail(0)
    feedd.ctl("poll", check=0)
    wait_for(lambda: len(feedd.events()) == len(world.wanted), "all items", 60)
    wait_for(lambda: all(len({e["_feedd"]["seq"] for e in world.told(k)}) == len(world.wanted) for k in world.told_to), "all told", 120)
    feedd.stop()
    world.complete()
