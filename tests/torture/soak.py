#!/usr/bin/python3
"""soak.py - thousands of feeds of every character for hours, consumers of every kind, kills and reloads; then all is checked.

    tests/torture/soak.py [--feeds 2000] [--seconds 7200] [--build DIR] [--seed N] [--report FILE] [--directory DIR]
    tests/torture/soak.py --judge DIR       checks a recorded run once more

What was published, asked, told and done is recorded in DIR as JSON lines, so that the check (support/soakjudge.py) is a function
of the record. In the first two thirds the daemon is killed, restarted and reloaded now and then; the last third is one long life,
in which memory and descriptors must stay flat. Exit 0 if all holds.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import daemon
from support.daemon import Feedd, UnixConnection
from support.soakfeeds import Feeds, Record
from support.soakjudge import judge
from support.wait import wait_for

# Fails for one process in sixteen, and always where $0.off stands; what it was asked to take is in $0.tried, what it took in
# $0.took, each with the time at which its process began. Nothing but the shell itself is started.
HOOK = """#!/bin/sh
read -r event || exit 1
read -r stat </proc/$$/stat
set -- ${stat##*) }
echo "$FEEDD_SEQ $FEEDD_FEED ${20}" >>"$0.tried"
[ ! -e "$0.off" ] || exit 75
[ $(($$ % 16)) -ne 3 ] || exit 1
echo "$FEEDD_SEQ $FEEDD_FEED ${20}" >>"$0.took"
"""

# The same for many events a call. A line of input is an event, and none is torn, whenever the daemon is killed.
BATCH = """#!/bin/sh
[ $(($$ % 16)) -ne 5 ] || exit 1
sed -n 's/^{.*"_feedd":{"seq":\\([0-9]*\\),.*"feed":{"name":"\\([^"]*\\)".*}}$/\\1 \\2/p' >"$0.$$"
cat "$0.$$" >>"$0.took" && rm "$0.$$"
"""


class Reader(threading.Thread):
    """A consumer that comes back whenever its connection ends, and writes down what it got."""

    def __init__(self, feedd, record):
        super().__init__(daemon=True)
        self.feedd, self.record, self.last = feedd, record, 0
        self.connection = None
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.listen()
            self.record.add(end=True)
            self.ended.wait(0.2)

    def request(self, path, headers):
        """The answer to a request that stays open."""
        self.connection = UnixConnection(self.feedd.socket, 120)
        self.connection.request("GET", path, headers=headers)
        response = self.connection.getresponse()
        if response.status != 200:
            raise http.client.HTTPException(response.status)
        return response

    def stop(self):
        self.ended.set()
        with contextlib.suppress(OSError, AttributeError):
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(10)

    def got(self, line, number=None):
        event = json.loads(line)
        own = event["_feedd"]
        if number is not None and str(own["seq"]) != number:
            self.record.add(fault=f"id {number} of event {own['seq']}")
        self.last = own["seq"]
        self.record.add(seq=own["seq"], feed=own["feed"]["name"], id=event.get("id"), event=own["event"])


class Lines(Reader):
    """JSON Lines, after the last one."""

    def listen(self):
        response = self.request(f"/v1/events?after={self.last}", {})
        while (line := response.readline()).endswith(b"\n"):
            if line.strip():
                self.got(line)


class Stream(Reader):
    """Server-sent events with Last-Event-ID."""

    def listen(self):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(self.last)} if self.last else {})}
        response, fields = self.request("/v1/events", headers), {}
        while (line := response.readline()).endswith(b"\n"):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if "data" in fields:
                self.got(fields["data"], fields.get("id"))
            fields = {}


class Follower(Reader):
    """feedctl follow --consumer, killed now and then."""
    process = None

    def listen(self):
        command = [daemon.BUILD / "feedctl", "-s", self.feedd.socket, "follow", "--consumer", "bot"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as self.process:
            for line in self.process.stdout:
                if line.endswith(b"\n"):
                    self.got(line)

    def kill(self):
        if self.process:
            self.process.kill()

    def stop(self):
        self.ended.set()
        self.kill()
        self.join(10)


class Sampler(threading.Thread):
    """What the daemon costs, every few seconds."""

    def __init__(self, soak, record, pause):
        super().__init__(daemon=True)
        self.soak, self.record, self.pause = soak, record, pause
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(self.pause):
            self.sample()

    def sample(self, **more):
        process = self.soak.feedd.process
        if process is None:
            return
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError, AttributeError):
            if more:
                more["files"] = sorted(self.files(process.pid))
            self.record.add(**more, life=self.soak.life, pid=process.pid, **self.of_process(process.pid), **self.of_daemon())

    def of_process(self, pid):
        proc = pathlib.Path("/proc") / str(pid)
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        ticks = (proc / "stat").read_text().rpartition(") ")[2].split()
        children = self.children(pid)
        return {"rss": int(status["VmRSS"].split()[0]), "anon": int(status["RssAnon"].split()[0]), "peak": int(status["VmHWM"].split()[0]),
                "fds": len(self.files(pid)), "threads": int(status["Threads"]),
                "cpu": (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"),
                "children": len(children), "zombies": sum(state == "Z" for state in children)}

    @staticmethod
    def files(pid):
        """What its descriptors are."""
        files = []
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                files.append(os.readlink(entry))
        return files

    @staticmethod
    def children(pid):
        states = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = entry.read_text().rpartition(") ")[2].split()[:2]
                if int(parent) == pid:
                    states.append(state)
        return states

    def of_daemon(self):
        status = self.soak.feedd.get("/v1/status", timeout=10).json()
        state = self.soak.feedd.state
        sizes = {name: os.path.getsize(state / f"feedd.db{suffix}") for name, suffix in (("db", ""), ("wal", "-wal"))
                 if os.path.exists(state / f"feedd.db{suffix}")}
        return {**sizes, "status": status}


class Soak:
    def __init__(self, args, directory):
        self.args, self.directory = args, directory
        self.chance = random.Random(args.seed)
        self.feedd = Feedd(directory / "feedd")
        self.feeds = Feeds(args.feeds, directory, args.seed, args.per_hour)
        self.done = Record(directory / "done.jsonl")
        self.life, self.version = 0, 0
        self.hook, self.batch = directory / "hook", directory / "batch"
        for path, text in ((self.hook, HOOK), (self.batch, BATCH)):
            path.write_text(text)
            path.chmod(0o755)
        self.sampler = Sampler(self, Record(directory / "samples.jsonl"), args.pause)
        kinds = {"lines": Lines, "stream": Stream, "follow": Follower}
        self.readers = {name: kind(self.feedd, Record(directory / f"{name}.jsonl")) for name, kind in kinds.items()}

    def configure(self, enabled=True):
        """Writes the configuration: the same feeds, but for a handful that come and go with each version."""
        self.version += 1
        special = {"stalling": {"timeout": "10s"}, "mute": {"timeout": "10s"}, "endless_head": {"timeout": "10s"},
                   "endless_body": {"timeout": "10s", "max_size": "1MiB"}, "too_big": {"max_size": "1MiB"}, "huge": {"max_size": "1MiB"},
                   "bomb": {"max_size": "1MiB"}, "crowd": {"interval": "10m"}}
        feeds = {}
        for feed in self.feeds.feeds.values():
            if feed.character == "never_new" and feed.number % 2 == self.version % 2:
                continue
            tags = [feed.kind, "hook" if feed.number % 3 == 0 else "other", f"v{self.version}"]
            backlog = {"backlog": "all"} if feed.number % 4 == 0 else {}
            feeds[feed.name] = {"url": self.feeds.url(feed), "tags": tags, **backlog, **special.get(feed.character, {})}
        every = ["item.new", "item.updated", "feed.failing", "feed.recovered", "feed.moved", "feed.gone", "feed.silent", "feed.rekeyed"]
        notify = {"hook": {"exec": [self.hook], "feeds": ["tag:hook"], "events": every},
                  "batch": {"exec": [self.batch], "batch": 100, "batch_wait": "5s", "events": every},
                  "webhook": {"webhook": self.feeds.webhook, "batch": 20, "batch_wait": "2s", "events": every},
                  "file": {"file": self.directory / "file.out", "events": every}}
        top = {"interval": f"{self.args.interval}s", "min_interval": "2s", "max_backoff": "5m", "enabled": enabled, "log": "notice",
               "max_polls": 128}
        host = 'host "*" {\n\tgap = "20ms"\n\tconnections = 16\n\tgate = "feed"\n}\n'
        self.feedd.configure(feeds, notify, top, host=None, extra=host)

    def start(self):
        self.life += 1
        began = time.time()
        self.feedd.start()
        self.done.add(what="start", life=self.life, began=began)

    def end(self, kill):
        self.done.add(what="kill" if kill else "stop", life=self.life)
        if kill:
            self.feedd.kill9()
        else:
            self.feedd.stop()

    # --- what is done now and then

    def killed(self):
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            self.end(kill=True)
            if self.chance.random() < 0.3:
                self.readers["follow"].kill()
            self.start()
            time.sleep(self.chance.uniform(0, 3))

    def restarted(self):
        self.end(kill=False)
        self.start()

    def reloaded(self):
        self.configure()
        done = self.feedd.ctl("reload", timeout=60) if self.chance.random() < 0.5 else self.feedd.signal(1)
        self.done.add(what="reload", status=done.returncode if done else 0, text=done.stderr if done else "")

    def backed_up(self):
        path = self.directory / "backup.db"
        path.unlink(missing_ok=True)
        done = self.feedd.ctl("backup", path, timeout=120)
        found = integrity(path)
        self.done.add(what="backup", status=done.returncode, text=done.stderr, integrity=found)

    def asked(self):
        """Commands of a person who looks after it."""
        feed = self.chance.choice(list(self.feeds.feeds.values())).name
        ill = self.chance.choice([f.name for f in self.feeds.feeds.values() if f.kind == "ill" and f.character != "never_new"])
        commands = [("status",), ("feeds",), ("feeds", "--json"), ("show", ill), ("why", ill), ("why", "1"), ("items", "--limit", "50"),
                    ("items", "--search", "item", "--limit", "20", "--json"), ("failed",), ("poll", ill),
                    ("match", "file", "--since", "1h"),
                    ("follow", "--after", "0", "--feed", feed, "--no-wait"), ("export",), ("resume", ill)]
        for command in self.chance.sample(commands, 4):
            done = self.feedd.ctl(*command, timeout=60)
            self.done.add(what="ctl", command=command, status=done.returncode, text=done.stderr[:500])

    def hook_off(self):
        off = self.hook.with_suffix(".off")
        if off.exists():
            off.unlink()
        else:
            off.touch()
        self.done.add(what="hook", off=off.exists())

    # --- the whole

    def plan(self):
        """(seconds, what) in order: kills and restarts in the first two thirds, everything else to the end."""
        seconds, kills = self.args.seconds, max(3, int(self.args.seconds / 1080))
        plan = [(seconds * 0.64 * (n + 1) / kills, self.killed if n % 3 != 1 else self.restarted) for n in range(kills)]
        for what, every, shift in ((self.reloaded, max(seconds / 16, 20), 0.5), (self.backed_up, max(seconds / 10, 25), 0.3),
                                   (self.asked, max(seconds / 60, 10), 0.7)):
            plan += [(at * every, what) for at in [n + shift for n in range(int(seconds * 0.95 / every))]]
        for n in range(4):
            start = seconds * (0.12 + 0.2 * n)
            plan += [(start, self.hook_off), (start + min(60, seconds / 20), self.hook_off)]
        return sorted(plan, key=lambda step: step[0])

    def run(self):
        self.configure(enabled=False)
        self.start()
        wait_for(lambda: self.feedd.get("/v1/status").json()["notifiers"], "the notifiers")
        self.sampler.sample(phase="base")
        self.base_files = len(self.sampler.files(self.feedd.process.pid))
        self.configure()
        self.feedd.ctl("reload", check=0, timeout=60)
        began = time.monotonic()
        self.done.add(what="begin", seconds=self.args.seconds, feeds=self.args.feeds, seed=self.args.seed, interval=self.args.interval,
                      boot=time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))
        for worker in (self.sampler, *self.readers.values()):
            worker.start()
        for at, what in [*self.plan(), (self.args.seconds, lambda: None)]:
            while time.monotonic() - began < at:
                time.sleep(min(1, max(0.01, at - (time.monotonic() - began))))
                if time.monotonic() - began > self.warm_up:
                    self.feeds.publish(True)
                assert self.feedd.running, f"the daemon ended by itself:\n{self.feedd.log[-5000:]}"
            what()
        self.settle()

    @property
    def warm_up(self):
        """Nothing is published before every feed was read once."""
        return self.args.interval * 1.3 + 5

    def settle(self):
        """No more news; all consumers come to the end of the log; then no more polls, and nothing may be left open."""
        self.done.add(what="quiet")
        self.feeds.publish(False)
        self.feeds.webhook_fails = 0
        self.hook.with_suffix(".off").unlink(missing_ok=True)
        quiet = time.time()
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self.polled_since(quiet), "a last poll of all that publish", self.args.interval * 1.3 + 15)
        self.configure(enabled=False)
        self.feedd.ctl("reload", check=0, timeout=60)
        self.done.add(what="disabled")
        with contextlib.suppress(AssertionError):
            wait_for(self.all_told, "all told", 900)
        self.done.add(what="told", all=self.all_told())
        for reader in self.readers.values():
            reader.stop()
        with contextlib.suppress(AssertionError):
            wait_for(lambda: len(self.sampler.files(self.feedd.process.pid)) <= self.base_files, "no more files than at first", 60)
        self.sampler.ended.set()
        self.sampler.sample(phase="idle")
        self.backed_up()
        self.end(kill=False)
        left = leftovers((self.hook, self.batch, self.feedd.config))
        self.done.add(what="ended", left=left, integrity=integrity(self.feedd.state / "feedd.db"))

    def polled_since(self, at):
        last = dict(self.feedd.sql("SELECT name, last_poll FROM feeds"))
        return all(last.get(feed.name, 0) > at for feed in self.feeds.feeds.values() if feed.publishes)

    def all_told(self):
        status = self.feedd.get("/v1/status").json()
        rows = status["notifiers"] + status["consumers"]
        return all(reader.last == status["seq"] for reader in self.readers.values()) and \
            not any(row.get(what) for row in rows for what in ("lag", "queued", "in_flight", "waiting"))

    def close(self):
        self.sampler.ended.set()
        for reader in self.readers.values():
            if reader.is_alive():
                reader.stop()
        self.feedd.close()
        self.feeds.stop()


def integrity(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchone()[0]


def leftovers(paths):
    """Command lines of processes that name one of these."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().decode(errors="replace").split("\0")
            if any(str(path) in words for path in paths):
                found.append(" ".join(words))
    return found


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--build", help="directory of the programs")
    parser.add_argument("--interval", type=int, default=60, help="seconds between polls of a feed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--per-hour", type=float, default=8.0, help="new items of a feed, about")
    parser.add_argument("--pause", type=float, default=10.0, help="seconds between samples")
    parser.add_argument("--report")
    parser.add_argument("--directory", help="where the record is kept")
    parser.add_argument("--judge", metavar="DIR", help="only check a recorded run")
    return parser.parse_args(words)


def soak(args, directory):
    run = Soak(args, directory)
    try:
        run.run()
    finally:
        run.close()


def main():
    args = arguments()
    if args.build:
        daemon.BUILD = pathlib.Path(args.build).resolve()
    directory = pathlib.Path(args.judge or args.directory or tempfile.mkdtemp(prefix="soak-")).resolve()
    if not args.judge:
        directory.mkdir(parents=True, exist_ok=True)
        soak(args, directory)
    text, sound = judge(directory)
    print(text)
    if args.report:
        pathlib.Path(args.report).write_text(text + "\n")
    if sound and not args.judge and not args.directory:
        shutil.rmtree(directory)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
