#!/usr/bin/env python3
"""scale.py BUILD [--feeds N] [--poll SECONDS] - what so many feeds cost: start, memory, spread, a poll, and being idle.

Feeds come from a generated OPML and are served on loopback, two small items each. First start: rows are made and polls begin, which
are watched for --poll seconds. Second start: all feeds are due in some hours, so that memory and wake-ups are those of idle feeds; the
same with one feed is taken off. Figures are of this machine at this moment.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


def rss_bytes(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def switches(process):
    """How often its threads went to sleep, and so woke up."""
    total = 0
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
    return total


def start(feedd):
    begun = time.monotonic()
    feedd.start(wait=False)
    while not feedd.log.count("ready: "):
        if feedd.process.poll() is not None:
            sys.exit(f"feedd ended: {feedd.log}")
        time.sleep(0.05)
    return time.monotonic() - begun


def forget_log(feedd):
    feedd.log_file.write_text("")


def watch_polls(feedd, seconds):
    """Polls a second over so long, and the CPU seconds of one."""
    begun, cpu = time.monotonic(), cpu_seconds(feedd.process)
    counts, before = collections.Counter(), 0
    while (passed := time.monotonic() - begun) < seconds:
        time.sleep(min(1, seconds - passed))
        total = feedd.get("/v1/status", timeout=60).json()["polls_total"]
        counts[int(passed)], before = total - before, total
    cost = (cpu_seconds(feedd.process) - cpu) / max(before, 1)
    return before, max(counts.values()), before / seconds, cost


def settle(process):
    """Waits for a second without work, ten at most."""
    used = -1
    for _ in range(10):
        if used == (used := cpu_seconds(process)):
            return
        time.sleep(1)


def idle(feedd, seconds=10):
    with contextlib.closing(sqlite3.connect(feedd.state / "feedd.db")) as db, db:
        db.execute("UPDATE feeds SET last_poll = unixepoch(), next_poll = unixepoch() + 7200 + id % 3600, first_poll = 1, polls = 1")
    forget_log(feedd)
    load = start(feedd)
    settle(feedd.process)
    memory, before, cpu = rss_bytes(feedd.process), switches(feedd.process), cpu_seconds(feedd.process)
    time.sleep(seconds)
    woken, used = (switches(feedd.process) - before) / seconds, (cpu_seconds(feedd.process) - cpu) / seconds
    feedd.stop(timeout=60)
    return load, memory, woken, used


def configure(feedd, port, feeds):
    with open(feedd.directory / "feeds.opml", "w", encoding="ascii") as opml:
        opml.write('<opml version="2.0"><head/><body>\n')
        for n in range(feeds):
            opml.write(f'<outline type="rss" text="feed {n}" xmlUrl="http://127.0.0.1:{port}/small/{n}.xml"/>\n')
        opml.write("</body></opml>\n")
    feedd.configure(top={"subscriptions": ["feeds.opml"], "interval": "adaptive", "min_interval": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--feeds", type=int, default=100_000)
    parser.add_argument("--poll", type=float, default=60)
    args = parser.parse_args()
    os.environ["FEEDD_BUILD"] = str(args.build)
    from support.daemon import Feedd
    server = subprocess.Popen([args.build / "bench/server", "3600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        figures = {}
        for feeds in (1, args.feeds):
            with tempfile.TemporaryDirectory(prefix="feedd-scale-") as directory, contextlib.closing(Feedd(directory)) as feedd:
                configure(feedd, port, feeds)
                first = start(feedd)
                polls, most, mean, cost = watch_polls(feedd, args.poll if feeds > 1 else 1)
                feedd.stop(timeout=60)
                figures[feeds] = idle(feedd)
        load, memory, woken, used = figures[args.feeds]
        print(f"{args.feeds} feeds: first start {first:.2f} s, later starts {load:.2f} s")
        print(f"  polls in the first {args.poll:g} s: {polls}, {mean:.1f} a second, at most {most}; {cost * 1e3:.3f} ms of CPU each")
        print(f"  memory when idle {memory / 1e6:.1f} MB, {(memory - figures[1][1]) / args.feeds:.0f} bytes a feed "
              f"over {figures[1][1] / 1e6:.1f} MB with one feed")
        print(f"  when idle {woken:.1f} wake-ups and {used * 1e3:.2f} ms of CPU a second")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
