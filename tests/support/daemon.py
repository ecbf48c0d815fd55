"""daemon.py - the real feedd and feedctl in a directory of their own.

    feedd.configure(feeds={"a": server.url("/a.xml")}, notify={"out": {"exec": [hook]}})
    feedd.start(); …; feedd.stop()

FEEDD_BUILD names the build to test (default build/ of this tree), FEEDD_WRAP a program to run the daemon under.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse

from .hooks import Hook
from .wait import SLOW, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FEEDD_BUILD") or ROOT / "build").resolve()
WRAP = shlex.split(os.environ.get("FEEDD_WRAP", ""))


def _is_sanitized():
    """Sanitizers and valgrind keep what was freed, and need several times the memory."""
    program = BUILD / "feedd"
    return bool(WRAP) or (program.exists() and any(mark in program.read_bytes() for mark in (b"__asan_init", b"__tsan_init")))


SANITIZED = _is_sanitized()

# What a sanitizer or valgrind says when it has found something.
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
           "== Invalid ", "definitely lost")


def quote(value):
    """A value as libConfuse reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(quote(v) for v in value) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def section(kind, name, options):
    body = "".join(f"\t{key} = {quote(value)}\n" for key, value in options.items())
    return f"{kind} {quote(name)} {{\n{body}}}\n"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("feedd", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Response:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


class Feedd:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.state.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "feedd.conf"
        self.log_file = self.directory / "feedd.log"
        # A path of a Unix socket holds 107 bytes, and directories of tests are long.
        self.socket_directory = tempfile.mkdtemp(prefix="feedd-")
        self.socket = os.path.join(self.socket_directory, "s")
        self.process = None
        self.environment = {}

    # --- configuration

    # What tests want where they say nothing else: no pacing, no waiting, and polls only when asked for.
    TOP = {"interval": "1h", "min_interval": "1s"}
    HOST = {"gap": "0s", "connections": 64, "gate": "feed"}

    def configure(self, feeds=None, notify=None, top=None, host=HOST, extra=""):
        """Writes feedd.conf. feeds: name to URL or options; notify: name to options; extra: text as it stands."""
        settings = {"state_directory": self.state, "socket": self.socket, **self.TOP, **(top or {})}
        text = "".join(f"{key} = {quote(value)}\n" for key, value in settings.items() if value is not None)
        if host:
            text += section("host", "127.0.0.1", host)
        for name, options in (feeds or {}).items():
            text += section("feed", name, {"url": options} if isinstance(options, str) else options)
        for name, options in (notify or {}).items():
            text += section("notify", name, options)
        self.config.write_text(text + extra)
        self.config.chmod(0o600)
        return self

    def hook(self, name="hook"):
        return Hook(self.directory / name)

    # --- the process

    def command(self, *args):
        return [*WRAP, str(BUILD / "feedd"), "-c", str(self.config), *args]

    def _environment(self):
        drop = ("NOTIFY_SOCKET", "LISTEN_FDS", "STATE_DIRECTORY", "JOURNAL_STREAM", "FEEDD_SOCKET", "http_proxy", "https_proxy",
                "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        return {**{k: v for k, v in os.environ.items() if k not in drop}, **self.environment}

    def start(self, *args, wait=True, **popen):
        assert not self.running, "it runs already"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self._environment(), cwd=self.directory, **popen)
        if wait:
            wait_for(self._answers_or_died, "an answer on the socket", 20)
            assert self.running, f"feedd ended with {self.process.returncode}:\n{self.log}"
        return self

    def _answers_or_died(self):
        if self.process.poll() is not None:
            return True
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/v1/status", timeout=5).status == 200
        return False

    def run(self, *args, timeout=30, **options):
        """feedd in the foreground until it ends: CompletedProcess with text."""
        done = subprocess.run(self.command(*args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", env=self._environment(), cwd=self.directory, timeout=timeout * SLOW, **options)
        with open(self.log_file, "a", encoding="utf-8") as log:
            log.write(done.stderr)
        return done

    def once(self, **options):
        return self.run("--once", **options)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=15):
        """SIGTERM, and the exit status, which must be 0."""
        if self.process is None:
            return None
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"feedd did not stop within {timeout * SLOW:g} s:\n{self.log[-4000:]}") from None
        self.process = None
        assert status == 0, f"feedd ended with {status}:\n{self.log[-4000:]}"
        return status

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    @property
    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def close(self):
        """End of a test: nothing is left running, and no sanitizer had a word to say."""
        try:
            if self.running:
                self.stop()
        finally:
            if self.running:
                self.kill9()
            shutil.rmtree(self.socket_directory, ignore_errors=True)
        found = [line for line in self.log.splitlines() if any(report in line for report in REPORTS)]
        assert not found, "\n".join(found) + "\n" + self.log[-20000:]

    # --- its clients

    def ctl(self, *args, check=None, timeout=20, input=None):
        """feedctl: CompletedProcess with text. check: the exit status that it must have."""
        done = subprocess.run([str(BUILD / "feedctl"), "-s", self.socket, *map(str, args)], input=input,
                              stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True,
                              timeout=timeout * SLOW)
        if check is not None:
            assert done.returncode == check, f"feedctl {args} ended with {done.returncode}, wanted {check}:\n" \
                f"{done.stdout}{done.stderr}\n{self.log[-4000:]}"
        return done

    def ctl_command(self, *args):
        """The command line as a string for a shell."""
        return shlex.join([str(BUILD / "feedctl"), "-s", self.socket, *map(str, args)])

    def request(self, method, path, timeout=20, headers=None, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection = UnixConnection(self.socket, timeout * SLOW)
        try:
            connection.request(method, path, headers=headers or {})
            return Response(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def events(self, after=0, **query):
        """The log from there to its end, as objects."""
        text = self.get("/v1/events", after=after, wait=0, **query).text
        return [json.loads(line) for line in text.splitlines()]

    def poll(self, name):
        """Asks for a poll now; whoever needs its result waits for what it brings."""
        self.ctl("poll", name, check=0)

    def polled(self, name, feed):
        """Asks for a poll of a server.Feed and waits until it was answered; asks again if one was still under way."""
        before = feed.answered

        def answered():
            self.poll(name)
            deadline = time.monotonic() + SLOW
            while time.monotonic() < deadline and feed.answered == before:
                time.sleep(0.01)
            return feed.answered > before

        wait_for(answered, f"a poll of {name}")

    def show(self, name):
        """Text of `feedctl show`."""
        return self.ctl("show", name, check=0).stdout

    def wait_items(self, count, feed=None):
        """Waits until so many items are stored (of a feed)."""
        query, given = "SELECT count(*) FROM items", []
        if feed:
            query, given = query + " JOIN feeds ON feeds.id = items.feed WHERE feeds.name = ?", [feed]

        def enough():
            with contextlib.suppress(sqlite3.OperationalError):  # no database or no table yet
                return self.sql(query, *given)[0][0] >= count
            return False

        wait_for(enough, f"{count} stored items")

    def sql(self, query, *parameters):
        """Rows of the database, read beside the daemon."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state / 'feedd.db'}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query, parameters).fetchall()
