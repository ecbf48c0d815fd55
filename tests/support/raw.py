"""raw.py - servers that misbehave, proxies, and certificates made for one test.

    raw = RawServer()                      or RawServer(tls=certificates.server("expired"))
    raw.on("/slow", drip(b"<rss>", 0.2))   a behaviour is an async function of (request, writer)
    raw.on("*", answer(b"..."))            whatever the path
    raw.heads                              what was asked, head by head, as text
"""
import asyncio
import contextlib
import gzip
import itertools
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading

import pytest


class RawServer:
    """Answers with bytes as behaviours write them, and closes the connection when they return."""

    def __init__(self, tls=None, greet=None):
        self.heads, self.greeted = [], []
        self._behaviours = {}
        self._greet = greet  # an async function of (server, reader, writer) that comes before the first request
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls))
        self.port = self._server.sockets[0].getsockname()[1]
        self.tls = tls

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def url(self, path, host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def on(self, path, behaviour):
        self._behaviours[path] = behaviour
        return self.url(path)

    def asked(self, path):
        """The heads of the requests for a path."""
        return [head for head in self.heads if head.split(" ", 2)[1].split("?")[0] == path]

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if self._greet:
                await self._greet(self, reader, writer)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            path = head.split(" ", 2)[1].split("?")[0]
            behaviour = self._behaviours.get(path) or self._behaviours.get("*") or answer(b"no such path\n", status=404)
            await behaviour(head, writer)
            await writer.drain()
        with contextlib.suppress(Exception):
            writer.close()

    def stop(self):
        async def end():
            self._server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


# --- behaviours

async def never():
    """Until stop(), which cancels it."""
    await asyncio.Event().wait()


def unread(sock):
    """What a client on this machine has received from this socket, and not read yet."""
    here, there = (f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
                   for host, port in (sock.getsockname(), sock.getpeername()))
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if row[1:3] == [there, here])


def answer(body, status=200, headers=()):
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    data = head.encode() + b"".join(line.encode() + b"\r\n" for line in headers) + b"\r\n" + body
    return send(data)


def send(data):
    """These bytes, then the end."""
    async def behave(_, writer):
        writer.write(data)
    return behave


def mute():
    """Takes the request and says nothing."""
    async def behave(_, writer):
        await never()
    return behave


def drip(data, pause):
    """One byte after the other."""
    async def behave(_, writer):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause)
    return behave


def endless(head, piece):
    """A head, then the same piece for ever."""
    async def behave(_, writer):
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
    return behave


def reset(data):
    """These bytes, and when they are read RST instead of FIN."""
    async def behave(_, writer):
        writer.write(data)
        await writer.drain()
        sock = writer.get_extra_info("socket")
        while unread(sock):
            await asyncio.sleep(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return behave


def bomb(megabytes, layers=1):
    """Zeros, packed once or more often."""
    data = bytes(1 << 20)
    packed = gzip.compress(b"".join(itertools.repeat(data, megabytes)), 9)
    for _ in range(layers - 1):
        packed = gzip.compress(packed, 9)
    encodings = ", ".join(["gzip"] * layers)
    return send(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encodings}\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed)


def redirect(location, status=302):
    return answer(b"", status, [f"Location: {location}"])


# --- proxies

async def socks5(server, reader, writer):
    """The greeting of a SOCKS5 proxy; then the proxy plays the target itself. What was asked for is in `greeted`."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _, command, _, kind = await reader.readexactly(4)
    if kind == 3:
        length, = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode()
    else:
        host = socket.inet_ntop(socket.AF_INET6 if kind == 4 else socket.AF_INET, await reader.readexactly(16 if kind == 4 else 4))
    port, = struct.unpack("!H", await reader.readexactly(2))
    server.greeted.append((command, host, port))
    writer.write(b"\x05\x00\x00\x01" + bytes(6))


# --- certificates

class Certificates:
    """An authority, and certificates of it for 127.0.0.1, by openssl(1)."""

    def __init__(self, directory):
        if not shutil.which("openssl"):
            pytest.skip("openssl is not installed")
        self.directory = directory
        self.ca = directory / "ca.pem"
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
                  "-subj", "/CN=Test authority")
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
        for name, days, alternative in (("good", "30", "IP:127.0.0.1"), ("expired", "-1", "IP:127.0.0.1"),
                                        ("other", "30", "DNS:other.example")):
            (directory / "extension").write_text(f"subjectAltName={alternative}\n")
            self._run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", days, "-extfile", "extension", "-out", f"{name}.pem")
        self._run("req", "-x509", "-key", "leaf.key", "-out", "self.pem", "-days", "30", "-subj", "/CN=self",
                  "-addext", "subjectAltName=IP:127.0.0.1")
        self.client = directory / "client.pem"
        self.client.write_text((directory / "good.pem").read_text() + (directory / "leaf.key").read_text())

    def _run(self, *args):
        subprocess.run(["openssl", *args], cwd=self.directory, check=True, capture_output=True)

    def server(self, name, want_client=False):
        """The TLS side of a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / "leaf.key")
        if want_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context
