#!/usr/bin/python3
"""demo.py - feedd at work, without the internet: `make demo` calls it with the build directory.

A feed server on loopback publishes articles in several formats; the real feedd polls them with the sample configuration, whose
directories and feeds are pointed here; a hook prints each notification. Ends after DEMO_SECONDS (30) or at Ctrl-C with
`feedctl status`. All that it writes lies in BUILD/demo and goes at the end.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.feeds import Item  # noqa: E402
from support.server import Server  # noqa: E402

# name: path, format, title of the feed, headlines
FEEDS = {
    "harbour": ("/harbour/rss.xml", "rss", "Harbour Gazette", [
        "Drawbridge opens for the tall ships on Sunday", "Ferry line 4 gets a new captain",
        "Fish market moves to the old customs house", "Lighthouse keeper retires after forty years",
        "Fog & traffic: the morning report", "Council votes for quieter foghorns"]),
    "kernel": ("/kernel/atom.xml", "atom", "Kernel Notes", [
        "Release 7.3 is out", "A scheduler that sleeps better", "Twelve patches for a slow disk",
        "What <code>io_uring</code> taught us", "CVE-2026-1234: a parser reads one byte too many", "Merge window closes"]),
    "garden": ("/garden/feed.json", "json", "The Patient Gardener", [
        "When to prune a quince", "Slugs: a peace treaty", "Rain barrels that do not leak", "Beans after potatoes",
        "A hedge for hedgehogs", "Frost tonight"]),
    "stars": ("/stars/index.rdf", "rdf", "Night Sky", [
        "Jupiter meets the Moon", "A comet for binoculars", "Meteors after midnight", "New images of a ring nebula",
        "Dark weeks on the island", "Saturn's rings, edge on"]),
}

NEXT = ("\nNext:\n"
          "  sudo make install                         then the README: as a service in five commands\n"
          "  man man/feedd.conf.5                      every setting; man/feedd-events.7 for writers of consumers\n"
          "  etc/feedd.conf, etc/hooks/                the sample configuration and ready hooks\n"
          "  make test                                 all quick tests\n")


class Publisher(threading.Thread):
    """Puts the next headline of one feed after the other on top of it."""

    def __init__(self, feeds):
        super().__init__(daemon=True)
        self.feeds = feeds
        self.ended = threading.Event()
        self.turn = 0

    def publish(self, name, n):
        _, _, _, headlines = FEEDS[name]
        headline = headlines[n % len(headlines)] + ("" if n < len(headlines) else f" ({n // len(headlines) + 1})")
        slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"<.*?>", "", headline).lower()).strip("-")
        url = self.feeds[name].url.rsplit("/", 1)[0] + "/" + slug
        self.feeds[name].add(Item(id=url, title=headline, url=url, html=f"<p>{headline}.</p>", at=time.time()))

    def run(self):
        order = list(self.feeds)
        while not self.ended.wait(random.uniform(1.0, 2.5)):
            self.publish(order[self.turn % len(order)], 1 + self.turn // len(order))
            self.turn += 1


class Demo:
    def __init__(self, build):
        self.build = build
        self.home = build / "demo"
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "feeds.d").mkdir(parents=True)
        (self.home / "state").mkdir()
        # A path of a Unix socket holds 107 bytes; a build directory may be longer.
        self.run_directory = pathlib.Path(tempfile.mkdtemp(prefix="feedd-demo-"))
        self.socket = self.run_directory / "feedd.sock"
        self.notices = self.home / "notices"
        self.notices.touch()
        self.server = Server()
        self.feeds = {name: self.server.feed(path, format=format, title=title)
                      for name, (path, format, title, _) in FEEDS.items()}
        self.publisher = Publisher(self.feeds)
        self.daemon = None
        self.ended = threading.Event()

    def configure(self):
        """The sample, with its directories, socket and feeds pointed here; what the demo adds comes in by its include."""
        sample = (ROOT / "etc/feedd.conf").read_text(encoding="utf-8")
        local = iter(list(self.feeds.values()) * 8)
        out = []
        for line in sample.splitlines():
            line = re.sub(r'^(\s*url\s*=\s*)"https?://[^"]*"', lambda m: f'{m.group(1)}"{next(local).url}"', line)
            if re.match(r"\s*(state_directory|socket|listen)\s*=", line):
                line = "# " + line
            out.append(line)
        out += [f'state_directory = "{self.home / "state"}"', f'socket = "{self.socket}"']
        (self.home / "feedd.conf").write_text("\n".join(out) + "\n")
        extra = ['host "127.0.0.1" { gap = "0s" connections = 16 gate = "feed" }']
        extra += [f'feed "{name}" {{\n\turl = "{feed.url}"\n\ttags = {{"demo"}}\n\tinterval = "1s"\n\tmin_interval = "1s"\n'
                  f'\tbacklog = 1\n}}' for name, feed in self.feeds.items()]
        extra += [f'notify "print" {{\n\texec = {{"{ROOT / "tests/demo/print-hook"}", "{self.notices}"}}\n'
                  f'\tfeeds = {{"tag:demo"}}\n}}']
        text = "\n".join(extra) + "\n"
        (self.home / "feeds.d" / "demo.conf").write_text(text)
        if not re.search(r"^\s*include\(", sample, re.M):
            with open(self.home / "feedd.conf", "a", encoding="utf-8") as f:
                f.write(text)
        for file in self.home.rglob("*.conf"):
            file.chmod(0o600)

    def start(self):
        with open(self.home / "log", "wb") as log:
            self.daemon = subprocess.Popen([self.build / "feedd", "-c", self.home / "feedd.conf"], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 10
        while not self.socket.exists():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("feedd did not start:\n" + (self.home / "log").read_text(errors="replace"))
            time.sleep(0.02)

    def show(self, seconds):
        """Prints notices as the hook writes them."""
        deadline = time.monotonic() + seconds
        with open(self.notices, encoding="utf-8", errors="replace") as notices:
            while time.monotonic() < deadline and not self.ended.is_set() and self.daemon.poll() is None:
                text = notices.read()
                if text:
                    print(text, end="", flush=True)
                self.ended.wait(0.05)
        if self.daemon.poll() is not None:
            raise SystemExit("feedd ended:\n" + (self.home / "log").read_text(errors="replace"))

    def close(self):
        self.publisher.ended.set()
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        self.server.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.run_directory, ignore_errors=True)

    def run(self, seconds):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ended.set())
        for name in self.feeds:
            self.publisher.publish(name, 0)
        self.configure()
        self.start()
        print(f"feedd polls {len(self.feeds)} feeds on 127.0.0.1:{self.server.port} (RSS 2.0, Atom, JSON Feed, RSS 1.0) every second;"
              f"\na hook prints what is new. Ctrl-C or {seconds:g} seconds end it.\n", flush=True)
        self.publisher.start()
        self.show(seconds)
        print("\n$ feedctl status", flush=True)
        subprocess.run([self.build / "feedctl", "-s", self.socket, "status"], check=False)
        print(NEXT, end="", flush=True)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
    seconds = float(os.environ.get("DEMO_SECONDS") or 30)
    demo = Demo(build)
    try:
        demo.run(seconds)
    finally:
        demo.close()


if __name__ == "__main__":
    main()
