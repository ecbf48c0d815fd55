"""kill -9 while three notifiers of different kinds and two stream consumers work, hooks and webhooks failing at random.

KILLS=100 says how often. In the end every event has reached each of them, in the order that is promised, repeated at most
as often as it was in flight at a kill, and nothing is set aside.
"""
import collections
import json
import os
import random
import subprocess
import threading
import time

from support.daemon import BUILD
from support.feeds import item, items
from support.server import Answer
from support.wait import SLOW, wait_for

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
FEEDS = ("a", "b", "c")
CONCURRENCY = 3

# Fails one time in eight; what it has taken stands in $0.took.
HOOK = """#!/bin/sh
event=$(cat)
[ "$(od -An -N1 -tu1 /dev/urandom)" -ge 32 ] || exit 1
printf '%s\\n' "$event" >>"$0.took"
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


def in_order_by_feed(events):
    """True if the events of each feed first come in the order of seq."""
    first = {}
    for event in events:
        line = first.setdefault(event["_feedd"]["feed"]["name"], {})
        line.setdefault(event["_feedd"]["seq"])
    return all(list(line) == sorted(line) for line in first.values())


def test_kill_deliveries(server, feedd):
    chance = random.Random(SEED)
    print(f"SEED={SEED} KILLS={KILLS}")
    feeds = {name: server.feed(f"/{name}.xml", items(1)) for name in FEEDS}
    hook, out, accepted = feedd.directory / "hook", feedd.directory / "out.jsonl", []
    hook.write_text(HOOK)
    hook.chmod(0o755)

    def receive(request):
        if chance.random() < 0.1:
            return Answer(status=500)
        accepted.append(json.loads(request.body))
        return Answer()

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
    followed, read = [], []

    def consume():
        done = subprocess.run([BUILD / "feedctl", "-s", feedd.socket, "follow", "--consumer", "bot", "--no-wait"],
                              capture_output=True, text=True, timeout=60 * SLOW, check=True)
        followed.extend(json.loads(line) for line in done.stdout.splitlines())
        read.extend(feedd.events(after=seqs_of(read)[-1] if read else 0))

    for n in range(KILLS):
        time.sleep(chance.uniform(0.0, 1.5) * SLOW)
        feedd.kill9()
        feedd.start()
        if n % 5 == 0:
            consume()
    publisher.stop()
    wanted = {f"urn:{name}:{n}" for name in FEEDS for n in range(2, publisher.last[name] + 1)}
    log = wait_for(lambda: (lambda e: e if {x["id"] for x in e} >= wanted else None)(feedd.events()), "all in the log", 30)
    every = set(seqs_of(log))
    took = hook.with_suffix(".took")
    wait_for(lambda: set(seqs_of(lines_of(took))) == every, "all events at the hook", 300)
    wait_for(lambda: set(seqs_of(accepted)) == every, "all events at the webhook", 300)
    wait_for(lambda: set(seqs_of(lines_of(out))) == every, "all events in the file", 30)
    consume()
    in_file = seqs_of(lines_of(out))
    posted = [json.loads(r.body) for r in server.of("/hook")]
    figures = {"events": len(every), "exec": repeats(seqs_of(lines_of(took))), "webhook": repeats(seqs_of(accepted)),
               "file": repeats(in_file)}
    print(f"repeated: {figures}")
    assert len(wanted) == len(every)
    assert figures["exec"] <= KILLS * CONCURRENCY
    assert figures["webhook"] <= KILLS
    assert list(dict.fromkeys(in_file)) == sorted(every)
    assert in_order_by_feed(posted)
    assert seqs_of(followed) == sorted(every)
    assert seqs_of(read) == sorted(every)
    by_seq = collections.defaultdict(set)
    for event in log + lines_of(took) + accepted + lines_of(out) + followed + read:
        by_seq[event["_feedd"]["seq"]].add(event["id"])
    assert all(len(ids) == 1 for ids in by_seq.values()), "a seq was given twice"
    status = feedd.get("/v1/status").json()
    assert all(n["failed"] == 0 for n in status["notifiers"])
