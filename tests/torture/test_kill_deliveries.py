"""kill -9 while three notifiers of different kinds and two stream consumers work, hooks and webhooks failing at random.

KILLS=100 says how often. The consumers stay at it through the kills, and one of them is killed itself now and then. In the
end every event has reached each of them, in the order that is promised, repeated at most as often as it was in flight at a
kill, and nothing is set aside.
"""
import collections
import contextlib
import http.client
import json
import os
import random
import subprocess
import threading
import time

from support.daemon import BUILD, UnixConnection
from support.feeds import item, items
from support.server import Answer
from support.wait import SLOW, wait_for

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
FEEDS = ("a", "b", "c")
CONCURRENCY = 3
FILE_BATCH = 256  # lines that the daemon writes at once at most

# Fails one time in eight; what it was asked to take stands in $0.tried, what it has taken in $0.took. It is slow enough to
# be at work when the daemon is killed.
HOOK = """#!/bin/sh
event=$(cat)
[ -n "$event" ] || exit 1
printf '%s\\n' "$event" >>"$0.tried"
dice=$(od -An -N1 -tu1 /dev/urandom)
[ "$dice" -ge 32 ] || exit 1
[ "$dice" -lt 64 ] || printf '%s\\n' "$event" >>"$0.took"
sleep "0.$((dice / 50))"
[ "$dice" -ge 64 ] || printf '%s\\n' "$event" >>"$0.took"
"""


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def seqs_of(events):
    return [event["_feedd"]["seq"] for event in events]


def repeats(seqs):
    return len(seqs) - len(set(seqs))


class Publisher(threading.Thread):
    """Adds articles to all feeds, in bursts, until told to stop."""

    def __init__(self, feeds, chance):
        super().__init__(daemon=True)
        self.feeds, self.chance = feeds, chance
        self.last = dict.fromkeys(feeds, 1)
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(self.chance.uniform(0.1, 0.8) * SLOW):
            name = self.chance.choice(list(self.feeds))
            for _ in range(self.chance.choice((1, 1, 1, 6))):
                self.last[name] += 1
                self.feeds[name].add(item(self.last[name], id=f"urn:{name}:{self.last[name]}"))

    def stop(self):
        self.ended.set()
        self.join()


class Follower(threading.Thread):
    """Reads `feedctl follow --consumer bot` from a pipe, and starts it again whenever it ends."""

    def __init__(self, socket):
        super().__init__(daemon=True)
        self.command = [BUILD / "feedctl", "-s", socket, "follow", "--consumer", "bot"]
        self.runs = []  # the events of each process
        self.process = None
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            run = []
            self.runs.append(run)
            with subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as self.process:
                for line in self.process.stdout:
                    if line.endswith(b"\n"):  # else it was killed while it wrote
                        run.append(json.loads(line))
            self.ended.wait(0.02)

    @property
    def events(self):
        return [event for run in list(self.runs) for event in list(run)]

    def kill(self):
        if self.process:
            self.process.kill()

    def stop(self):
        self.ended.set()
        self.kill()
        self.join()

    def repeats(self):
        """How many events came twice. One process never repeats one, and the next at most the last that came."""
        last, count = 0, 0
        for run in filter(None, self.runs):
            seqs = seqs_of(run)
            assert seqs == sorted(set(seqs)), "a process repeats an event or has the wrong order"
            assert seqs[0] >= last, f"event {seqs[0]} comes again after {last}"
            count += seqs[0] == last
            last = seqs[-1]
        return count


class Listener(threading.Thread):
    """Reads server-sent events, and comes back with the id of the last whole one whenever the connection ends."""

    def __init__(self, socket):
        super().__init__(daemon=True)
        self.socket = socket
        self.events = []
        self.connections = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.listen()
            self.ended.wait(0.02)

    def listen(self):
        headers = {"Accept": "text/event-stream"}
        if self.events:
            headers["Last-Event-ID"] = str(self.events[-1]["_feedd"]["seq"])
        with contextlib.closing(UnixConnection(self.socket, 60 * SLOW)) as connection:
            connection.request("GET", "/v1/events", headers=headers)
            response = connection.getresponse()
            if response.status == 200:
                self.connections += 1
                self.read(response)

    def read(self, response):
        fields = {}
        while (line := response.readline()).endswith(b"\n"):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if "data" in fields:
                event = json.loads(fields["data"])
                assert fields["id"] == str(event["_feedd"]["seq"])
                self.events.append(event)
            fields = {}


def overtaken(events):
    """By how many later events of its feed an event was overtaken at most, where each came first."""
    feeds = collections.defaultdict(dict)
    for event in events:
        feeds[event["_feedd"]["feed"]["name"]].setdefault(event["_feedd"]["seq"])
    return max(sum(later > seq for later in list(line)[:n]) for line in feeds.values() for n, seq in enumerate(line))


def overlaps(seqs):
    """How many lines are written again at each place where a file goes back."""
    return [before - seq + 1 for before, seq in zip(seqs, seqs[1:]) if seq <= before]


def test_kill_deliveries(server, feedd):
    chance = random.Random(SEED)
    print(f"SEED={SEED} KILLS={KILLS}")
    feeds = {name: server.feed(f"/{name}.xml", items(1)) for name in FEEDS}
    hook, out, accepted = feedd.directory / "hook", feedd.directory / "out.jsonl", []
    hook.write_text(HOOK)
    hook.chmod(0o755)

    def receive(request):
        failed = chance.random() < 0.1
        if not failed:
            accepted.append(json.loads(request.body))
        time.sleep(chance.uniform(0.0, 0.2))  # it may be killed before it has the answer
        return Answer(status=500 if failed else 200)

    server.answer("/hook", call=receive)
    feedd.configure(feeds={name: {"url": feed.url, "interval": "1s"} for name, feed in feeds.items()}, notify={
        "exec": {"exec": [hook], "concurrency": CONCURRENCY},
        "webhook": {"webhook": server.url("/hook"), "concurrency": 1},
        "file": {"file": out}})
    feedd.start()
    for name in FEEDS:
        feedd.wait_items(1, name)
    publisher = Publisher(feeds, chance)
    publisher.start()
    follower, listener = Follower(feedd.socket), Listener(feedd.socket)
    follower.start()
    listener.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 1.5) * SLOW)
        feedd.kill9()
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0.0, 0.05))
            follower.kill()
        feedd.start()
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0.0, 0.2))
            follower.kill()
    publisher.stop()
    wanted = {f"urn:{name}:{n}" for name in FEEDS for n in range(2, publisher.last[name] + 1)}
    log = wait_for(lambda: (lambda e: e if {x["id"] for x in e} >= wanted else None)(feedd.events()), "all in the log", 30)
    every = set(seqs_of(log))
    took = hook.with_suffix(".took")
    wait_for(lambda: set(seqs_of(lines_of(took))) == every, "all events at the hook", 300)
    wait_for(lambda: set(seqs_of(accepted)) == every, "all events at the webhook", 300)
    wait_for(lambda: set(seqs_of(lines_of(out))) == every, "all events in the file", 30)
    wait_for(lambda: set(seqs_of(follower.events)) == every, "all events from feedctl follow", 30)
    wait_for(lambda: set(seqs_of(listener.events)) == every, "all events from the stream", 30)
    wait_for(lambda: [c["seq"] for c in feedd.get("/v1/consumers").json()["consumers"]] == [max(every)], "the last ack", 30)
    status = feedd.get("/v1/status").json()
    set_aside = feedd.get("/v1/failed").json()["failed"]
    follower.stop()
    listener.ended.set()
    feedd.stop()
    listener.join(15 * SLOW)
    in_file, tried = seqs_of(lines_of(out)), lines_of(hook.with_suffix(".tried"))
    posted = [json.loads(r.body) for r in server.of("/hook")]
    figures = {"exec": repeats(seqs_of(lines_of(took))), "webhook": repeats(seqs_of(accepted)), "file": repeats(in_file),
               "follow": follower.repeats(), "stream": repeats(seqs_of(listener.events))}
    print(f"{len(every)} events, {len(tried)} hooks started, {len(posted)} posts, {len(follower.runs)} runs of feedctl, "
          f"{listener.connections} streams; repeated: {figures}")
    assert len(wanted) == len(every)
    assert figures["exec"] <= KILLS * CONCURRENCY
    assert figures["webhook"] <= KILLS
    assert len(overlaps(in_file)) <= KILLS
    assert max(overlaps(in_file), default=0) <= FILE_BATCH
    assert list(dict.fromkeys(in_file)) == sorted(every)
    assert overtaken(tried) < CONCURRENCY
    assert overtaken(posted) == 0
    assert list(dict.fromkeys(seqs_of(follower.events))) == sorted(every)
    assert seqs_of(listener.events) == sorted(every)
    assert listener.connections > KILLS / 2, "the stream was hardly open at the kills"
    by_seq = collections.defaultdict(set)
    for event in log + tried + lines_of(took) + accepted + lines_of(out) + follower.events + listener.events:
        by_seq[event["_feedd"]["seq"]].add(event["id"])
    assert all(len(ids) == 1 for ids in by_seq.values()), "a seq was given twice"
    assert all(n["failed"] == 0 for n in status["notifiers"])
    assert not set_aside
