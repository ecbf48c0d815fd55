"""Away and back: a network that was gone, a machine that slept. Neither is any feed's fault, and the return is no herd."""
import time

from support.clock import clock
from support.polls import feed_events, rss_answer, started
from support.server import Server, closed_port
from support.wait import stays, wait_for

__all__ = ["clock"]


def first_times(requests, since):
    """When each path was asked for first, after `since`."""
    times = {}
    for request in requests:
        if request.at >= since:
            times.setdefault(request.path, request.at)
    return sorted(times.values())


def test_the_return_of_the_network(feedd, clock):
    """All is reached through one gate. While it is closed no feed is blamed; when it opens all come back, one after the other."""
    port, n = closed_port(), 30
    feeds = {f"f{i:02}": {"url": f"http://host{i}.invalid/", "interval": "10m", "proxy": f"http://127.0.0.1:{port}"} for i in range(n)}
    feedd.configure(feeds=feeds, host=None).start()
    wait_for(lambda: "network seems to be away" in feedd.log, "the log's word", 30)
    wait_for(lambda: feedd.sql("SELECT min(polls) FROM feeds")[0][0] == 1, "a poll of every feed", 30)
    assert feedd.get("/v1/status").json()["offline"] is True
    assert feedd.sql("SELECT max(fails) FROM feeds")[0][0] == 1, "those that failed before it was clear"
    waits = [row[0] for row in feedd.sql("SELECT next_poll - last_poll FROM feeds WHERE fails = 0")]
    assert len(waits) >= n // 2 and 30 <= min(waits) and max(waits) <= 60
    assert max(waits) - min(waits) >= 10, "a herd at the return"
    gate = Server(port=port)
    try:
        for i in range(n):
            gate.answer(f"http://host{i}.invalid/", call=lambda _: rss_answer())
        for i in range(5):  # what a person asks for does not wait for the network, and shows that it is back
            feedd.ctl("poll", f"f{i:02}", check=0)
        wait_for(lambda: "the network is back" in feedd.log, "the network's return", 60)
        assert feedd.get("/v1/status").json()["offline"] is False
        blameless = {row[0] for row in feedd.sql("SELECT url FROM feeds WHERE fails = 0")}
        clock(50, 50)
        feedd.ctl("poll", "f00", check=0)
        wait_for(lambda: blameless <= {request.path for request in gate.requests}, "a poll of each that waited", 60)
    finally:
        gate.stop()
    assert feed_events(feedd) == []


def test_a_machine_that_slept(server, feedd, clock):
    """Two hours of sleep make all feeds due at once: they are polled soon, and one after the other."""
    n = 200
    for i in range(n):
        server.answer(f"/{i}", call=lambda _: rss_answer())
    feedd.configure(feeds={f"f{i:03}": server.url(f"/{i}") for i in range(n)}).start()
    wait_for(lambda: len(server.requests) == n, "the first polls", 60)
    assert stays(lambda: len(server.requests) == n, 1)
    woke = time.monotonic()
    clock(7200, 7200)
    # Whatever wakes the loop makes it look at the clocks; by itself it does so every five minutes.
    feedd.ctl("poll", "f000", check=0)
    wait_for(lambda: len(first_times(server.requests, woke)) == n, "a poll of every feed", 60)
    times = first_times(server.requests, woke)
    # Twenty a second, by their numbers: ten seconds. A slow machine makes it longer, and a burst would be at the start.
    assert sum(at < woke + 3 for at in times) < n // 2, "a burst"
    assert times[-1] - woke > 7
    assert stays(lambda: len(server.requests) <= 2 * n + 1, 2), "once is enough"


def test_a_sleep_is_no_reason_to_poll_early(server, feedd, clock):
    """A feed that would have been due after the sleep waits for what is left."""
    server.answer("/a", call=lambda _: rss_answer())
    server.answer("/b", call=lambda _: rss_answer())
    started(feedd, 2, feeds={"a": server.url("/a"), "b": server.url("/b")})
    clock(1800, 1800)
    feedd.ctl("poll", "b", check=0)
    wait_for(lambda: len(server.of("/b")) == 2, "the poll that was asked for")
    assert stays(lambda: len(server.of("/a")) == 1, 1)
    clock(4200, 4200)
    feedd.ctl("poll", "b", check=0)
    wait_for(lambda: len(server.of("/a")) == 2, "the poll that was due")
