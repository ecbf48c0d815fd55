"""kill -9 again and again while articles appear: every one stored once and told at least once.

KILLS=50 says how often. The feed keeps every article that it ever had, so none can vanish between two polls.
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
from support.wait import SLOW, wait_for

KILLS = int(os.environ.get("KILLS", "50"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))


class Publisher(threading.Thread):
    """Adds an article now and then until told to stop."""

    def __init__(self, feed, chance):
        super().__init__(daemon=True)
        self.feed, self.chance = feed, chance
        self.last = 1
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(self.chance.uniform(0.02, 0.3) * SLOW):
            self.last += 1
            self.feed.add(item(self.last))

    def stop(self):
        self.ended.set()
        self.join()


def once_each(feedd, last):
    stored = collections.Counter(guid for (guid,) in feedd.sql("SELECT guid FROM items"))
    assert stored == {f"urn:item:{n}": 1 for n in range(1, last + 1)}
    told = collections.Counter(e["id"] for e in feedd.events())
    assert told == {f"urn:item:{n}": 1 for n in range(2, last + 1)}


def same_seq_same_item(events):
    by_seq = {}
    for event in events:
        by_seq.setdefault(event["_feedd"]["seq"], set()).add(event["id"])
    assert all(len(ids) == 1 for ids in by_seq.values()), "a seq was given twice"


def test_kill_loop(server, feedd, record_property):
    chance = random.Random(SEED)
    print(f"SEED={SEED} KILLS={KILLS}")
    feed, hook, out = server.feed("/a.xml", items(1)), feedd.hook(), feedd.directory / "out.jsonl"
    feedd.configure(feeds={"a": {"url": feed.url, "interval": "1s"}},
                    notify={"hook": {"exec": [hook]}, "file": {"file": out}})
    feedd.start()
    feedd.wait_items(1)
    publisher = Publisher(feed, chance)
    publisher.start()
    followed = []
    slowest = 0.0
    for n in range(KILLS):
        time.sleep(chance.uniform(0.0, 1.5) * SLOW)
        feedd.kill9()
        hook.exits(1 if chance.random() < 0.2 else None)
        began = time.monotonic()
        feedd.start()
        slowest = max(slowest, time.monotonic() - began)
        if n % 5 == 0:
            done = subprocess.run([BUILD / "feedctl", "-s", feedd.socket, "follow", "--consumer", "bot", "--no-wait"],
                                  capture_output=True, text=True, timeout=60 * SLOW, check=True)
            followed += [json.loads(line) for line in done.stdout.splitlines()]
    publisher.stop()
    hook.exits(None)
    last = publisher.last
    wanted = {f"urn:item:{n}" for n in range(2, last + 1)}
    wait_for(lambda: {e["id"] for e in feedd.events()} >= wanted, "all articles in the log", 30)
    wait_for(lambda: {e["id"] for e in hook.events} >= wanted, "all articles at the hook", 180)
    in_file = wait_for(lambda: _lines(out) if {e["id"] for e in _lines(out)} >= wanted else None, "all articles in the file", 30)
    once_each(feedd, last)
    same_seq_same_item(hook.events)
    same_seq_same_item(in_file)
    # The file is in the order of the log: what a crash repeats is repeated right away.
    seqs = [e["_feedd"]["seq"] for e in in_file]
    assert sorted(set(seqs)) == list(dict.fromkeys(seqs))
    # A consumer that was acknowledged line by line saw no line twice.
    ids = [e["id"] for e in followed]
    assert len(ids) == len(set(ids))
    assert "hook" not in feedd.ctl("failed", check=0).stdout
    print(f"{last - 1} articles, {len(hook.calls)} calls, {len(in_file)} lines, slowest start {slowest:.2f} s")
    record_property("slowest_start", slowest)


def _lines(path):
    """Objects of a file of JSON Lines; a torn line fails the test."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
