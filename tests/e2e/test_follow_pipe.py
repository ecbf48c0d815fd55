"""What `feedctl follow --consumer` acknowledges: what its reader has taken, neither more nor less."""
import contextlib
import json
import os
import re
import select
import signal
import sqlite3
import subprocess

import pytest
from support.daemon import BUILD
from support.feeds import item, items
from support.wait import SLOW, stays, wait_for


@pytest.fixture
def log(server, feedd):
    """A daemon with thirty events in its log."""
    feed = server.feed("/a.xml", items(*range(1, 31)))
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}}).start()
    feedd.wait_items(30)
    feedd.feed = feed
    return feedd


def follow(feedd, *args, **popen):
    return subprocess.Popen([BUILD / "feedctl", "-s", feedd.socket, "follow", *args], stdout=subprocess.PIPE, text=True, **popen)


def cursor(feedd, name):
    return next((c["seq"] for c in feedd.get("/v1/consumers").json()["consumers"] if c["name"] == name), None)


def shell(feedd, script):
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20 * SLOW, check=False,
                          env={**os.environ, "FEEDD_SOCKET": feedd.socket, "PATH": f"{BUILD}:{os.environ['PATH']}"})
    return done.stdout


def seqs(text):
    return [json.loads(line)["_feedd"]["seq"] for line in text.splitlines()]


def test_five_waiting_events_and_head_5_come_to_an_end(log):
    log.get("/v1/events", consumer="bot", after=25, wait=0)
    assert seqs(shell(log, "feedctl follow --consumer bot | head -5")) == [26, 27, 28, 29, 30]
    assert cursor(log, "bot") == 30


@pytest.mark.parametrize("reader", ["head -3", "sed 3q", "sed -u 3q", "python3 -c 'import sys\nfor n in range(3): print(end=sys.stdin.readline())'",
                                    "{ for i in 1 2 3; do read -r e; printf \"%s\\n\" \"$e\"; done; }"])
def test_readers_of_three_go_on_where_they_stopped(log, reader):
    got = [seqs(shell(log, f"feedctl follow --consumer bot | {reader}")) for _ in range(3)]
    assert got == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_an_unread_line_is_not_acknowledged(log):
    process = follow(log, "--consumer", "bot")
    assert json.loads(os.read(process.stdout.fileno(), 1 << 20))["_feedd"]["seq"] == 1
    # The next line lies in the pipe by now or soon; nobody has read it.
    wait_for(lambda: cursor(log, "bot") == 1, "the first acknowledgement")
    assert stays(lambda: cursor(log, "bot") == 1, 0.5)
    process.stdout.close()
    assert process.wait(10 * SLOW) == 0
    assert cursor(log, "bot") == 1


def test_signals_at_any_moment_neither_skip_nor_repeat(log):
    got = []
    for delay in [0.002 * n for n in range(1, 16)]:
        got += seqs(shell(log, f"timeout -s TERM {delay} feedctl follow --consumer bot | cat"))
    got += seqs(shell(log, "feedctl follow --consumer bot --no-wait"))
    assert got == list(range(1, 31))


def test_it_dies_of_the_signal(log):
    process = follow(log, "--consumer", "bot")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10 * SLOW) == -signal.SIGTERM


def test_without_ack_the_cursor_stays(log):
    assert len(seqs(shell(log, "feedctl follow --consumer bot --no-ack --no-wait"))) == 30
    assert cursor(log, "bot") == 0


def test_a_file_is_acknowledged_when_written(log):
    file = log.directory / "out"
    with open(file, "w", encoding="utf-8") as out:
        subprocess.run([BUILD / "feedctl", "-s", log.socket, "follow", "--consumer", "bot", "--no-wait"], stdout=out, check=True,
                       timeout=20 * SLOW)
    assert seqs(file.read_text()) == list(range(1, 31))
    assert cursor(log, "bot") == 30


def test_a_full_disk_is_told_and_not_acknowledged(log):
    with open("/dev/full", "w", encoding="utf-8") as out:
        done = subprocess.run([BUILD / "feedctl", "-s", log.socket, "follow", "--consumer", "bot", "--no-wait"], stdout=out,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=20 * SLOW)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert cursor(log, "bot") == 0


def test_long_lines_go_through_a_small_pipe(server, feedd):
    feed = server.feed("/a.xml", [item(n, html="x" * 300000) for n in range(1, 4)])
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}}).start()
    feedd.wait_items(3)
    text = shell(feedd, "feedctl follow --consumer bot | head -2")
    assert [len(json.loads(line)["content_html"]) for line in text.splitlines()] == [300000, 300000]
    assert cursor(feedd, "bot") == 2


def test_it_outlives_a_restart_of_the_daemon(log):
    process = follow(log, "--after", "29")
    try:
        assert json.loads(process.stdout.readline())["_feedd"]["seq"] == 30
        log.restart()
        log.feed.add(item(31))
        log.poll("a")
        assert json.loads(process.stdout.readline())["_feedd"]["seq"] == 31
        log.stop()
        assert process.wait(15 * SLOW) == 3
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_after_now_survives_it_too(log):
    process = follow(log, "--after", "now")
    try:
        wait_for(lambda: log.get("/v1/status").json()["socket"]["streams"] == 1, "the stream")
        log.stop()
        log.start()
        log.feed.add(item(31))
        log.poll("a")
        assert json.loads(process.stdout.readline())["_feedd"]["seq"] == 31
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def lines_at_hand(process):
    """The lines that come without a pause."""
    out, chunks = process.stdout.fileno(), b""
    while select.select([out], [], [], 0.5)[0] and (chunk := os.read(out, 1 << 20)):
        chunks += chunk
    return seqs(chunks.decode())


def test_a_daemon_that_is_away_leaves_one_line_in_question_at_most(log):
    process = follow(log, "--consumer", "bot")
    got = seqs(os.read(process.stdout.fileno(), 1 << 20).decode())
    assert got == [1]
    wait_for(lambda: select.select([process.stdout], [], [], 0)[0], "the next line")
    log.kill9()
    got += lines_at_hand(process)
    process.kill()
    process.wait()
    process.stdout.close()
    log.start()
    again = seqs(shell(log, "feedctl follow --consumer bot --no-wait"))
    assert again in (list(range(got[-1], 31)), list(range(got[-1] + 1, 31))), f"{got}, then {again}"


def read_to_the_end(log, process, got):
    """All that is left of the thirty comes once, in order, and is acknowledged."""
    while len(got) < 30:
        got += seqs(process.stdout.readline())
    wait_for(lambda: cursor(log, "bot") == 30, "the last acknowledgement")
    process.kill()
    process.wait()
    process.stdout.close()
    assert got == list(range(1, 31))


def test_what_was_taken_while_the_daemon_was_away_is_told_when_it_is_back(log):
    process = follow(log, "--consumer", "bot")
    got = seqs(os.read(process.stdout.fileno(), 1 << 20).decode())
    wait_for(lambda: select.select([process.stdout], [], [], 0)[0], "the next line")
    log.kill9()
    got += lines_at_hand(process)
    assert got == [1, 2]
    log.start()
    wait_for(lambda: cursor(log, "bot") >= 2, "the acknowledgement")
    read_to_the_end(log, process, got)


def test_a_consumer_that_was_forgotten_goes_on(log):
    process = follow(log, "--consumer", "bot")
    got = seqs(os.read(process.stdout.fileno(), 1 << 20).decode())
    wait_for(lambda: select.select([process.stdout], [], [], 0)[0], "the next line")
    with contextlib.closing(sqlite3.connect(log.state / "feedd.db", timeout=10)) as db, db:
        assert db.execute("DELETE FROM cursors WHERE name = 'bot'").rowcount == 1
    read_to_the_end(log, process, got)


@pytest.mark.parametrize("end", ["--limit", "close"])
def test_an_end_waits_for_a_daemon_that_is_away(log, end):
    process = follow(log, "--consumer", "bot", *(["--limit", "1"] if end == "--limit" else []))
    wait_for(lambda: select.select([process.stdout], [], [], 0)[0], "the first line")
    log.kill9()
    assert lines_at_hand(process) == [1]
    if end == "close":
        process.stdout.close()
    log.start()
    assert process.wait(10 * SLOW) == 0
    assert cursor(log, "bot") == 1


def test_hostile_titles_cannot_steer_a_terminal(server, feedd):
    feed = server.feed("/a.xml", [item(1, title="a\u202eb\u200e \x9b31m")])
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    for verb in ("items", "status", "feeds"):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", feedd.ctl(verb, check=0).stdout)
