#!/usr/bin/env python3
"""events.py BUILD [--events N] [--calls N] - delivery: latency, rate, CPU and memory of one feedd, on loopback.

The log is filled with N events of some 5 KB (bodies of feeds.c) while the notifiers are held back by `at`; a reload then lets
go of one after the other, so that each figure is that of the delivery alone. CPU is the daemon's own; what hooks and clients
use comes beside it. Figures are of this machine at this moment.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import selectors
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

CLIENTS, DEAF = 100, 10
TICKS = os.sysconf("SC_CLK_TCK")


def wait_for(predicate, what, timeout=300, pause=0.005):
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come about within {timeout} s")
        time.sleep(pause)
    return value


class Daemon:
    """feedd with the feeds of the server on that port."""

    def __init__(self, build, directory, port, feeds):
        self.build, self.directory, self.port, self.feeds = build, directory, port, feeds
        self.socket = str(directory / "socket")
        self.starts = directory / "starts"
        later = (datetime.datetime.now() + datetime.timedelta(hours=12)).strftime("%H:%M")
        self.held = f'at = "{later}"'
        self.process = None

    def configure(self, released=()):
        hook, starts = self.build / "bench/hook", self.starts
        kinds = {"exec": 'exec = {"/bin/true"}', "batch": 'exec = {"/bin/true"} batch = 100 batch_wait = "1s"',
                 "file": f'file = "{self.directory}/events.jsonl"'}
        text = f'''state_directory = "{self.directory}"
socket = "{self.socket}"
backlog = "all"
min_interval = "1s"
max_clients = {2 * CLIENTS}
host "127.0.0.1" {{ gap = "0s" connections = 64 gate = "feed" }}
notify "latency" {{ exec = {{"{hook}", "{starts}"}} feeds = {{"probe"}} }}
feed "probe" {{ url = "http://127.0.0.1:{self.port}/0.xml" backlog = 0 interval = "1d" }}
'''
        for name, what in kinds.items():
            # A file takes no heed of `at`: until its turn comes it is a hook.
            what = what if name in released else f'exec = {{"/bin/true"}} {self.held}'
            text += f'notify "{name}" {{ {what} feeds = {{"tag:bulk"}} }}\n'
        for n in range(1, self.feeds + 1):
            text += f'feed "f{n}" {{ url = "http://127.0.0.1:{self.port}/{n}.xml" tags = {{"bulk"}} interval = "1d" }}\n'
        (self.directory / "feedd.conf").write_text(text)

    def start(self):
        self.configure()
        with open(self.directory / "log", "w") as log:
            self.process = subprocess.Popen([self.build / "feedd", "-c", self.directory / "feedd.conf"], stderr=log)
        wait_for(lambda: self.ctl("status").returncode == 0, "a start", pause=0.1)

    def ctl(self, *args):
        return subprocess.run([self.build / "feedctl", "-s", self.socket, *args], capture_output=True, text=True)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def notifier(self, name):
        return next(n for n in self.status()["notifiers"] if n["name"] == name)

    def cpu(self):
        """Seconds of the daemon, seconds of the hooks that it has reaped."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        own, hooks = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
        return own / TICKS, hooks / TICKS

    def memory(self):
        """Resident MiB now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def database(self):
        return sqlite3.connect(f"file:{self.directory / 'feedd.db'}?mode=ro", uri=True, isolation_level=None)


class Meter:
    """Wall and CPU time of a block, and one line of the table for it."""

    def __init__(self, daemon, name, events):
        self.daemon, self.name, self.events = daemon, name, events

    def __enter__(self):
        self.cpu, self.begun = self.daemon.cpu(), time.monotonic()

    def __exit__(self, kind, *_):
        if kind:
            return
        wall = time.monotonic() - self.begun
        own, hooks = (after - before for after, before in zip(self.daemon.cpu(), self.cpu))
        scale = 10000 / self.events
        print(f"{self.name:28}{self.events / wall:>12.0f}{wall:>10.2f}{own * scale:>14.2f}{hooks * scale:>12.2f}", flush=True)


def items_of(n):
    """How many items feed n of feeds.c has."""
    return 15 + n % 17


def fill(daemon):
    """Waits for the first polls, the probe's among them; returns how many events there are."""
    events = sum(map(items_of, range(1, daemon.feeds + 1)))
    wait_for(lambda: daemon.status()["items"] == events + items_of(0), "the log to fill", pause=0.5)
    if daemon.status()["events"] != events:
        sys.exit("the log holds other events than those of the bulk")
    return events


def latency(daemon, calls):
    """Milliseconds from a commit, as another reader of the database sees it, to the start of the hook; sorted."""
    out = []
    with contextlib.closing(daemon.database()) as db:
        newest = db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
        for version in range(1, calls + 1):
            urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}/version/{version}").close()
            daemon.ctl("poll", "probe")

            def committed():
                return db.execute("SELECT max(seq) FROM events").fetchone()[0] > newest

            wait_for(committed, "a commit", pause=0.0001)
            at = time.time()
            newest = db.execute("SELECT max(seq) FROM events").fetchone()[0]
            line = wait_for(lambda: (daemon.starts.read_text().split()[version - 1:] or [None])[0]
                            if daemon.starts.exists() else None, "a hook's start", pause=0.001)
            out.append(max(0.0, (float(line) - at) * 1000))
            wait_for(lambda: daemon.notifier("latency")["in_flight"] == 0, "the end of a hook")
    return sorted(out)


def released(daemon, name):
    """True when all of the log is behind this notifier."""
    row = daemon.notifier(name)
    return row["lag"] == 0 and row["in_flight"] == 0


def deliver(daemon, events):
    names = {"exec": "exec, /bin/true each", "batch": "exec, batch = 100", "file": "file"}
    let_go = []
    for name, what in names.items():
        let_go.append(name)
        daemon.configure(let_go)
        with Meter(daemon, what, events):
            done = daemon.ctl("reload")
            if done.returncode:
                sys.exit(done.stderr)
            wait_for(lambda n=name: released(daemon, n), f"delivery by {name}", pause=0.05)


def follow(daemon, events):
    command = [str(daemon.build / "feedctl"), "-s", daemon.socket, "follow", "--no-wait"]
    for name, more in (("follow", []), ("follow --consumer, in a pipe", ["--consumer", "bench"])):
        with Meter(daemon, name, events):
            reader = subprocess.Popen(command + more, stdout=subprocess.PIPE)
            count = sum(1 for _ in reader.stdout)
            reader.wait()
        if count != events:
            sys.exit(f"{name}: {count} events of {events}")


def client(daemon, query):
    s = socket.socket(socket.AF_UNIX)
    s.connect(daemon.socket)
    s.sendall(f"GET /v1/events?{query} HTTP/1.1\r\nHost: feedd\r\n\r\n".encode())
    return s


def read_all(sockets, wanted):
    """Reads until each has `wanted` lines that are events."""
    mark = b'"_feedd":{'
    counts, ends = dict.fromkeys(sockets, 0), dict.fromkeys(sockets, b"")
    with selectors.DefaultSelector() as ready:
        for s in sockets:
            ready.register(s, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select():
                chunk = key.fileobj.recv(1 << 20)
                text = ends[key.fileobj] + chunk  # the mark may come in two pieces
                counts[key.fileobj] += text.count(mark)
                ends[key.fileobj] = text[1 - len(mark):]
                if not chunk:
                    sys.exit(f"a stream ended after {counts[key.fileobj]} of {wanted} events")
                if counts[key.fileobj] >= wanted:
                    ready.unregister(key.fileobj)


def streams(daemon, events):
    query = "after=0&wait=0"
    with Meter(daemon, "one new stream client", events), contextlib.closing(client(daemon, query)) as s:
        read_all([s], events)
    before, begun = daemon.memory(), time.monotonic()
    deaf = [client(daemon, "after=0") for _ in range(DEAF)]
    wanted = min(events, 1000)
    clients = [client(daemon, f"after=0&limit={wanted}") for _ in range(CLIENTS - DEAF)]
    read_all(clients, wanted)
    print(f"\n{CLIENTS} stream clients, {DEAF} of which do not read: {before:.1f} MiB before, {daemon.memory():.1f} MiB with them; "
          f"the first {wanted} events were with the others after {time.monotonic() - begun:.2f} s")
    for s in deaf + clients:
        s.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--events", type=int, default=10000)
    parser.add_argument("--calls", type=int, default=200)
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="feedd-bench-"))
    server = subprocess.Popen([args.build / "bench/server", "1200"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    feeds = 1
    while sum(map(items_of, range(1, feeds + 1))) < args.events:
        feeds += 1
    daemon = Daemon(args.build.resolve(), directory, int(server.stdout.readline()), feeds)
    try:
        daemon.start()
        events = fill(daemon)
        times = latency(daemon, args.calls)
        print(f"commit to start of the hook, idle, {len(times)} calls: p50 {times[len(times) // 2]:.2f} ms, "
              f"p99 {times[len(times) * 99 // 100]:.2f} ms, longest {times[-1]:.2f} ms\n", flush=True)
        print(f"{events} events{'':18}{'events/s':>12}{'wall s':>10}{'CPU s/10,000':>14}{'hooks':>12}")
        deliver(daemon, events)
        events = daemon.status()["events"]
        follow(daemon, events)
        streams(daemon, events)
    finally:
        if daemon.process:
            daemon.process.kill()
            daemon.process.wait()
        server.kill()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
