"""server.py - a scripted HTTP server on loopback that keeps a log of what it was asked.

    server.feed("/a.xml", items(1, 2))           a feed with ETag and 304; .add(), .set() change it
    server.answer("/x", status=500)              the same answer for ever
    server.script("/y", Answer(...), Answer(...))  one after the other; the last one repeats
    server.answer("/z", call=lambda request: Answer(...))
    server.requests, server.of("/a.xml")         what came, in order, with headers and times
"""
import dataclasses
import hashlib
import http.server
import socket
import threading
import time
import typing

from . import feeds


@dataclasses.dataclass
class Request:
    method: str
    path: str  # with its query
    headers: object  # case-insensitive, as email.message.Message
    body: bytes
    at: float  # time.monotonic()
    done_at: float = None  # when the answer was out, or None
    status: int = None


@dataclasses.dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    delay: float = 0.0  # seconds before the first byte
    raw: typing.Optional[bytes] = None  # sent as it stands instead of all above, then the connection is closed
    chunks: typing.Optional[typing.Iterable[bytes]] = None  # sent chunked
    call: typing.Optional[typing.Callable] = None  # makes the answer from the request


class Feed:
    """A document that changes. Its ETag is a hash of the bytes; a matching If-None-Match gets a 304."""

    def __init__(self, server, path, entries, format="rss", title="Sample", headers=None):
        self._server, self.path, self.url = server, path, server.url(path)
        self.format, self.title = format, title
        self.headers = dict(headers or {})
        self.etag = True
        self._lock = threading.Lock()
        self._entries = list(entries)

    @property
    def entries(self):
        with self._lock:
            return list(self._entries)

    def set(self, entries):
        with self._lock:
            self._entries = list(entries)

    def add(self, *entries):
        """On top, as feeds do."""
        with self._lock:
            self._entries = list(entries) + self._entries

    def body(self):
        make, _ = feeds.FORMATS[self.format]
        return make(self.entries, title=self.title)

    @property
    def answered(self):
        """How many requests were answered in full."""
        return sum(1 for r in self._server.of(self.path) if r.done_at)

    def answer(self, request):
        body = self.body()
        headers = {"Content-Type": feeds.FORMATS[self.format][1], **self.headers}
        if self.etag:
            etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
            headers["ETag"] = etag
            if request.headers.get("If-None-Match") == etag:
                return Answer(status=304, headers=headers)
        return Answer(body=body, headers=headers)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def _serve(self):
        owner = self.server.owner
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.headers, self.rfile.read(length), time.monotonic())
        owner.log(request)
        answer = owner.find(request)
        try:
            self._send(answer)
            request.status, request.done_at = answer.status, time.monotonic()
        except OSError:
            self.close_connection = True  # whoever asked went away

    def _send(self, answer):
        if answer.delay and self.server.owner.stopping.wait(answer.delay):
            self.close_connection = True
            return
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.wfile.flush()
            self.close_connection = True
            return
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunks is not None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in answer.chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        else:
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and answer.status not in (204, 304):
                self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_HEAD = do_PUT = _serve


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # clients that vanish are part of the game


class Server:
    def __init__(self, host="127.0.0.1", port=0):
        self._lock = threading.Lock()
        self._answers = {}
        self._log = []
        self.stopping = threading.Event()
        self.host = host
        self._httpd = _Listener((host, port), _Handler)
        self._httpd.owner = self
        self.port = self._httpd.server_address[1]
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def url(self, path, user=None):
        return f"http://{user + '@' if user else ''}{self.host}:{self.port}{path}"

    def feed(self, path, entries=(), **options):
        feed = Feed(self, path, entries, **options)
        self.answer(path, call=feed.answer)
        return feed

    def answer(self, path, body=b"", **options):
        """The answer of a path (without its query) from now on."""
        self.script(path, Answer(body=body, **options))

    def script(self, path, *answers):
        with self._lock:
            self._answers[path] = list(answers)

    def find(self, request):
        path = request.path.split("?")[0]
        with self._lock:
            answers = self._answers.get(path)
            if not answers:
                return Answer(status=404, body=b"no such path\n", headers={"Content-Type": "text/plain"})
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer.call(request) if answer.call else answer

    def log(self, request):
        with self._lock:
            self._log.append(request)

    @property
    def requests(self):
        with self._lock:
            return list(self._log)

    def of(self, path):
        """Requests for a path, whatever their query."""
        return [r for r in self.requests if r.path.split("?")[0] == path]

    def stop(self):
        self.stopping.set()
        self._httpd.shutdown()
        self._httpd.server_close()


def closed_port():
    """A port of 127.0.0.1 where nobody listens: one that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
