"""Limits that take their time: servers that hardly send anything, clients that say nothing."""
import re
import socket
import time

from support import raw
from support.wait import SLOW, wait_for


# limit: silence, connect
def test_servers_that_hardly_send_or_do_not_answer(feedd):
    """Ten bytes a second is less than a hundred; and nobody takes what stands in the queue of a full listener."""
    server, full = raw.RawServer(), socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    crowd = []
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(full.getsockname())
        crowd.append(client)
    try:
        slow = server.on("/slow", raw.drip(b"HTTP/1.1 200 OK\r\n\r\n" + b"<rss>" * 1000, 0.1))
        deaf = f"http://127.0.0.1:{full.getsockname()[1]}/"
        begun = time.monotonic()
        feedd.configure(feeds={"slow": {"url": slow, "timeout": "10m"}, "deaf": {"url": deaf, "timeout": "10m"}}).start()
        wait_for(lambda: re.search(r"no connection within 10 s", feedd.show("deaf")), "the end of the wait for a connection", 15)
        assert time.monotonic() - begun >= 9
        wait_for(lambda: re.search(r"no data for 30 s", feedd.show("slow")), "the end of the slow answer", 45)
        assert time.monotonic() - begun >= 29
    finally:
        for client in crowd:
            client.close()
        full.close()
        server.stop()


# limit: idle
def test_clients_that_say_nothing_or_do_not_read(feedd):
    feedd.configure().start()
    silent, half = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    for client, text in ((silent, b""), (half, b"GET /v1/status HTT")):
        client.settimeout(90 * SLOW)
        client.connect(feedd.socket)
        client.sendall(text)
    begun = time.monotonic()
    for client in (silent, half):
        assert b"200 OK" not in client.recv(1000)
        assert 50 <= time.monotonic() - begun <= 75 * SLOW
        client.close()
