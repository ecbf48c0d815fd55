"""Streams: `feedctl follow` and /v1/events."""
import json
import subprocess

import pytest
from support.daemon import BUILD
from support.feeds import item, items
from support.wait import SLOW, wait_for


@pytest.fixture
def log(server, feedd):
    """A daemon with twenty events in its log, Article 2 to Article 21."""
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    feed.set(items(*range(1, 22)))
    feedd.poll("a")
    feedd.wait_items(21)
    feedd.feed = feed
    return feedd


def shell(feedd, command, timeout=20):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=timeout * SLOW, check=False)
    return [json.loads(line)["title"] for line in done.stdout.splitlines()]


def test_head_twice_shows_ten_in_a_row(log):
    follow = log.ctl_command("follow", "--consumer", "bot")
    first = shell(log, f"{follow} | head -5")
    second = shell(log, f"{follow} | head -5")
    assert first + second == [f"Article {n}" for n in range(2, 12)]


def test_while_read_resumes(log):
    follow = log.ctl_command("follow", "--consumer", "bot", "--no-wait")
    script = 'i=0; while [ $i -lt 3 ] && read -r e; do printf "%s\\n" "$e"; i=$((i+1)); done'
    got = []
    for _ in range(3):
        got += shell(log, f"{follow} | ({script})")
    assert got == [f"Article {n}" for n in range(2, 11)]
    got += shell(log, follow)
    assert got == [f"Article {n}" for n in range(2, 22)]
    assert shell(log, follow) == []


def test_no_wait_limit_after_and_feed(log):
    everything = shell(log, log.ctl_command("follow", "--no-wait"))
    assert everything == [f"Article {n}" for n in range(2, 22)]
    assert shell(log, log.ctl_command("follow", "--no-wait", "--limit", "3")) == everything[:3]
    seq = log.events()[9]["_feedd"]["seq"]
    assert shell(log, log.ctl_command("follow", "--no-wait", "--after", seq)) == everything[10:]
    assert shell(log, log.ctl_command("follow", "--no-wait", "--after", "now")) == []
    assert shell(log, log.ctl_command("follow", "--no-wait", "--feed", "a", "--limit", "1")) == everything[:1]
    assert shell(log, log.ctl_command("follow", "--no-wait", "--where", "title LIKE '%2'")) == ["Article 2", "Article 12"]


def test_no_ack_and_ack(log):
    follow = log.ctl_command("follow", "--consumer", "bot", "--no-ack", "--no-wait", "--limit", "2")
    assert shell(log, follow) == shell(log, follow) == ["Article 2", "Article 3"]
    log.ctl("ack", "bot", log.events()[0]["_feedd"]["seq"], check=0)
    assert shell(log, follow) == ["Article 3", "Article 4"]
    for consumer, seq, words in (("nobody", 1, 'no consumer "nobody"'), ("bot", 1000, "no event 1000")):
        done = log.ctl("ack", consumer, seq, check=1)
        assert words in done.stderr and done.stdout == ""
    assert shell(log, follow) == ["Article 3", "Article 4"]


def test_live(log):
    last = str(log.events()[-1]["_feedd"]["seq"])
    follow = subprocess.Popen([BUILD / "feedctl", "-s", log.socket, "follow", "--after", last], stdout=subprocess.PIPE, text=True)
    try:
        log.feed.add(item(22))
        log.poll("a")
        assert json.loads(follow.stdout.readline())["title"] == "Article 22"
        # By now it stands at the end of the log and waits.
        log.feed.add(item(23))
        log.poll("a")
        assert json.loads(follow.stdout.readline())["title"] == "Article 23"
    finally:
        follow.kill()
        follow.wait()


def test_it_ends_when_the_daemon_does(log):
    follow = subprocess.Popen([BUILD / "feedctl", "-s", log.socket, "follow"], stdout=subprocess.PIPE, text=True)
    follow.stdout.readline()
    log.stop()
    follow.communicate(timeout=10 * SLOW)
    assert follow.returncode in (0, 1, 3)


def test_server_sent_events(log):
    text = log.get("/v1/events", headers={"Accept": "text/event-stream"}, wait=0, limit=3).text
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
              for block in text.strip().split("\n\n")]
    blocks = [b for b in blocks if "data" in b]
    assert [json.loads(b["data"])["title"] for b in blocks] == ["Article 2", "Article 3", "Article 4"]
    assert [int(b["id"]) for b in blocks] == [json.loads(b["data"])["_feedd"]["seq"] for b in blocks]
    again = log.get("/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": blocks[1]["id"]}, wait=0, limit=1)
    assert "Article 4" in again.text and "Article 3" not in again.text
    assert again.headers["Content-Type"].startswith("text/event-stream")


def test_a_consumer_over_http(log):
    first = log.get("/v1/events", consumer="web", wait=0, limit=2).text.splitlines()
    assert [json.loads(line)["title"] for line in first] == ["Article 2", "Article 3"]
    assert log.get("/v1/events", consumer="web", wait=0, limit=2).text.splitlines() == first
    log.post("/v1/consumers/web/ack", seq=json.loads(first[1])["_feedd"]["seq"])
    log.restart()
    line = log.get("/v1/events", consumer="web", wait=0, limit=1).text
    assert json.loads(line)["title"] == "Article 4"


def test_items_and_search(log):
    feed = log.get("/v1/items", limit=5).json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [i["title"] for i in feed["items"]] == [f"Article {n}" for n in (21, 20, 19, 18, 17)]
    wait_for(lambda: [i["title"] for i in log.get("/v1/items", q="17").json()["items"]] == ["Article 17"], "the search's answer")
    assert log.get("/v1/items", feed="nobody").json().get("items", []) == []


def test_a_wrong_filter_is_refused(log):
    done = log.ctl("follow", "--no-wait", "--where", "title = ")
    assert done.returncode in (1, 2)
    assert done.stderr
    assert log.get("/v1/events", where="DELETE FROM items", wait=0).status == 400


def test_metrics(log):
    text = log.get("/metrics").text
    assert "# TYPE " in text
    for line in text.splitlines():
        if line and not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])
