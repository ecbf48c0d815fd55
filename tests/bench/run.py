#!/usr/bin/env python3
"""run.py BUILD [--feeds N] - CPU, wall time and memory of feedd, beside the floor, in one run on loopback.

Three rounds each: a cold fetch of N generated feeds, one that is answered by 304 throughout, one where every tenth feed has one
new item. feedd runs as `feedd --once`; the floor (floor.c) only fetches, parses and inserts. Figures are of this machine at this
moment: compare within a run, quote the ratios.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROUNDS = ("cold", "304", "a tenth new")


def measure(command):
    """CPU seconds, wall seconds, peak RSS in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        sys.exit(f"{command[0]} ended with {status}:\n{errors[-2000:]}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def write_config(directory, port, feeds):
    outlines = "\n".join(f'<outline type="rss" text="f{n}" xmlUrl="http://127.0.0.1:{port}/{n}.xml"/>' for n in range(feeds))
    (directory / "feeds.opml").write_text(f'<opml version="2.0"><head/><body>{outlines}</body></opml>')
    config = directory / "feedd.conf"
    config.write_text(f'''state_directory = "{directory}"
socket = "{directory}/socket"
subscriptions = {{"feeds.opml"}}
host "127.0.0.1" {{ gap = "0s" connections = 64 gate = "feed" }}
''')
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--feeds", type=int, default=1000)
    args = parser.parse_args()
    print("Parsing: to the finished document, beside bare libxml2 SAX over the same bytes\n", flush=True)
    subprocess.run([args.build / "bench/bench_parse"], check=True)
    print()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="feedd-bench-"))
    server = subprocess.Popen([args.build / "bench/server", "600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        config = write_config(directory, port, args.feeds)
        floor = [args.build / "bench/floor", str(port), str(args.feeds), str(directory / "floor.db")]
        feedd = [args.build / "feedd", "-c", str(config), "--once"]
        print(f"{args.feeds} feeds; CPU s, wall s, peak MiB; feedd / floor\n")
        print(f"{'':14}{'floor':>24}{'feedd':>24}{'CPU ratio':>12}")
        for number, name in enumerate(ROUNDS):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/version/{int(number == 2)}").close()
            low, own = measure(floor), measure(feedd)
            cells = ["%.3f %7.2f %6.0f" % figures for figures in (low, own)]
            print(f"{name:14}{cells[0]:>24}{cells[1]:>24}{own[0] / low[0]:>12.2f}")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
