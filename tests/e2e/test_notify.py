"""Delivery: webhooks and their signatures, files, order and turns, batches, limits, what a crash repeats, --once."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import signal
import time

import pytest
from support.feeds import item, items
from support.server import Answer, closed_port
from support.wait import stays, wait_for

KEY = base64.b64encode(b"a key of some bytes, as long as one likes").decode()
OLD_KEY = base64.b64encode(b"the key of yesterday").decode()


def start(server, feedd, notify, names=("a",), **options):
    """A daemon with feeds that were read once, so that all that follows is news."""
    feeds = {name: server.feed(f"/{name}.xml", items(1)) for name in names}
    feedd.configure(feeds={name: feed.url for name, feed in feeds.items()}, notify=notify, **options)
    feedd.start()
    for name in names:
        feedd.wait_items(1, name)
    return feeds


def publish(feedd, feed, *numbers, name="a", **more):
    for n in numbers:
        feed.add(item(n, **more))
    feedd.polled(name, feed)


def signature(key, request):
    message = b".".join([request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body])
    return "v1," + base64.b64encode(hmac.new(base64.b64decode(key), message, hashlib.sha256).digest()).decode()


def set_aside(feedd):
    """The lines of `feedctl failed` that tell of a delivery."""
    return [line for line in feedd.ctl("failed", check=0).stdout.splitlines() if line.split()[0].isdigit()]


def notifier(feedd, name="out"):
    """What `feedctl status` knows of a notifier."""
    def known():
        return next((n for n in feedd.get("/v1/status").json()["notifiers"] if n["name"] == name), None)

    return wait_for(known, f"notifier {name} in the status")


# --- webhooks


def test_a_webhook_gets_the_signed_event(server, feedd):
    server.answer("/hook")
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "secret": "whsec_" + KEY, "headers": ["X-Mine: 1"]}})
    publish(feedd, feeds["a"], 2)
    (request,) = wait_for(lambda: server.of("/hook"), "the post")
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Mine"] == "1"
    event = json.loads(request.body)
    assert event["title"] == "Article 2"
    assert re.fullmatch(rf"feedd-[0-9a-f]{{32}}-{event['_feedd']['seq']}", request.headers["webhook-id"])
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 30
    assert request.headers["webhook-signature"] == signature(KEY, request)
    assert KEY not in feedd.log


def test_two_secrets_give_two_signatures(server, feedd):
    server.answer("/hook")
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "secret": ["whsec_" + KEY, "whsec_" + OLD_KEY]}})
    publish(feedd, feeds["a"], 2)
    (request,) = wait_for(lambda: server.of("/hook"), "the post")
    assert request.headers["webhook-signature"].split(" ") == [signature(KEY, request), signature(OLD_KEY, request)]


@pytest.mark.parametrize("first", [Answer(status=500), Answer(status=404), Answer(raw=b"nonsense\r\n\r\n"),
                                   Answer(status=302, headers={"Location": "/elsewhere"})])
def test_a_webhook_is_tried_again_with_the_same_id(server, feedd, first):
    server.answer("/elsewhere")
    server.script("/hook", first, Answer())
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook")}})
    publish(feedd, feeds["a"], 2)
    one, two = wait_for(lambda: len(server.of("/hook")) == 2 and server.of("/hook"), "the second post", 20)
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    assert one.body == two.body
    assert 4.5 <= two.at - one.at <= 10
    assert server.of("/elsewhere") == []
    wait_for(lambda: notifier(feedd)["waiting"] == 0, "nothing that waits")


def test_410_disables_until_a_reload(server, feedd):
    server.script("/hook", Answer(status=410), Answer())
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "retries": 0, "concurrency": 1}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: "410" in feedd.log, "a line in the log")
    publish(feedd, feeds["a"], 3)
    feedd.wait_items(3)
    assert "410" in feedd.get("/v1/status").text
    assert stays(lambda: len(server.of("/hook")) == 1, 1.5)
    feedd.ctl("reload", check=0)
    wait_for(lambda: len(server.of("/hook")) == 3, "both events after the reload")
    assert [json.loads(r.body)["title"] for r in server.of("/hook")] == ["Article 2", "Article 2", "Article 3"]
    assert set_aside(feedd) == []


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_and_uses_up_no_retry(server, feedd, status):
    server.script("/hook", Answer(status=status, headers={"Retry-After": "3"}), Answer())
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "retries": 0}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: server.of("/hook"), "the first post")
    publish(feedd, feeds["a"], 3)
    one, two, three = wait_for(lambda: len(server.of("/hook")) == 3 and server.of("/hook"), "all posts", 20)
    assert two.at - one.at >= 2.9
    assert three.at - one.at >= 2.9
    assert sorted(json.loads(r.body)["title"] for r in (two, three)) == ["Article 2", "Article 3"]


def test_503_without_retry_after_is_a_failure(server, feedd):
    server.answer("/hook", status=503)
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "retries": 0}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: "503" in "".join(set_aside(feedd)), "it to be set aside")
    assert len(server.of("/hook")) == 1


# limit: explanation
def test_an_endless_answer_is_an_answer(server, feedd):
    server.answer("/hook", body=b"x" * 5_000_000)
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "retries": 0}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: notifier(feedd)["delivered"] == 1, "the delivery")
    assert set_aside(feedd) == []


def test_a_batch_is_an_array(server, feedd):
    server.answer("/hook")
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook"), "batch": 10, "batch_wait": "1s"}})
    publish(feedd, feeds["a"], 2, 3, 4)
    (request,) = wait_for(lambda: server.of("/hook"), "the post")
    assert [e["title"] for e in json.loads(request.body)] == ["Article 2", "Article 3", "Article 4"]


def test_credentials_in_the_address_are_sent_and_not_shown(server, feedd):
    server.answer("/hook", status=500)
    feeds = start(server, feedd, {"out": {"webhook": server.url("/hook", user="me:geheim"), "retries": 0}})
    publish(feedd, feeds["a"], 2)
    (request,) = wait_for(lambda: server.of("/hook"), "the post")
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"me:geheim").decode()
    wait_for(lambda: set_aside(feedd), "it to be set aside")
    assert "geheim" not in feedd.log + feedd.get("/v1/status").text + feedd.ctl("failed").stdout


# --- files


def lines_of(path):
    """Those that are whole; one that is being written has no end yet."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] if path.exists() else []


def test_a_file_gets_the_log_in_order_and_follows_logrotate(server, feedd):
    path = feedd.directory / "events.jsonl"
    feeds = start(server, feedd, {"out": {"file": path}}, names=("a", "b"))
    publish(feedd, feeds["a"], *range(2, 12))
    publish(feedd, feeds["b"], 2, name="b")
    wait_for(lambda: len(lines_of(path)) == 11, "eleven lines")
    seqs = [e["_feedd"]["seq"] for e in lines_of(path)]
    assert seqs == sorted(seqs)
    assert path.stat().st_mode & 0o777 == 0o640
    rotated = path.with_suffix(".1")
    path.rename(rotated)
    feedd.ctl("reload", check=0)
    publish(feedd, feeds["a"], 12)
    wait_for(lambda: lines_of(path), "a line in the new file")
    assert len(lines_of(rotated)) == 11
    assert [e["title"] for e in lines_of(path)] == ["Article 12"]


def test_a_torn_line_is_mended_and_a_missing_directory_waited_for(server, feedd):
    path = feedd.directory / "sub" / "events.jsonl"
    feeds = start(server, feedd, {"out": {"file": path, "retries": 0}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: notifier(feedd)["failures"], "the first failure")
    publish(feedd, feeds["a"], 3)
    path.parent.mkdir()
    path.write_text('{"whole":1}\n{"torn":')
    wait_for(lambda: len(lines_of(path)) == 3 if path.read_text().endswith("\n") else False, "the lines", 20)
    assert [e.get("title") for e in lines_of(path)] == [None, "Article 2", "Article 3"]


# --- order, turns, batches


def test_a_flood_in_one_feed_delays_no_other(server, feedd):
    hook = feedd.hook()
    feeds = start(server, feedd, {"out": {"exec": [hook], "concurrency": 1}}, names=("flood", "calm"))
    hook.sleeps(0.2)
    publish(feedd, feeds["flood"], *range(2, 102), name="flood")
    wait_for(lambda: hook.calls, "the first call")
    publish(feedd, feeds["calm"], 2, name="calm")
    wait_for(lambda: "calm" in [c.env["FEEDD_FEED"] for c in hook.calls], "the calm feed's event", 8)
    assert len(hook.calls) < 40
    hook.sleeps(None)
    wait_for(lambda: len(hook.calls) == 101, "all calls", 30)
    numbers = [int(c.env["FEEDD_TITLE"].split()[1]) for c in hook.calls if c.env["FEEDD_FEED"] == "flood"]
    assert numbers == list(range(2, 102))
    assert notifier(feedd)["queued"] == 0


def test_a_batch_of_an_exec_hook_is_json_lines(server, feedd):
    hook = feedd.hook()
    feeds = start(server, feedd, {"out": {"exec": [hook], "batch": 4, "batch_wait": "2s"}})
    publish(feedd, feeds["a"], *range(2, 8))
    wait_for(lambda: len(hook.events) == 6, "all events")
    assert [len(c.events) for c in hook.calls] == [4, 2]
    assert hook.seqs == sorted(hook.seqs)
    assert hook.calls[0].env["FEEDD_FEED"] == "a" and hook.calls[0].env["FEEDD_SEQ"] == ""
    assert hook.calls[1].at - hook.calls[0].at >= 0.5


def test_one_poisonous_event_does_not_take_its_batch_with_it(server, feedd):
    hook = feedd.directory / "picky"
    hook.write_text('#!/bin/sh\nin=$(cat)\ncase $in in *"Article 3"*) exit 1 ;; esac\nprintf "%s\\n" "$in" >>"$0.took"\n')
    hook.chmod(0o755)
    feeds = start(server, feedd, {"out": {"exec": [hook], "batch": 10, "batch_wait": "1s", "retries": 0, "concurrency": 1}})
    publish(feedd, feeds["a"], 2, 3, 4)
    took = feedd.directory / "picky.took"
    wait_for(lambda: [e["title"] for e in lines_of(took)] == ["Article 2", "Article 4"], "the two good ones")
    wait_for(lambda: set_aside(feedd), "the third to be set aside")
    assert ["Article 3" in line for line in set_aside(feedd)] == [True]


def test_feeds_and_filters_select(server, feedd):
    named, tagged, filtered = feedd.hook("named"), feedd.hook("tagged"), feedd.hook("filtered")
    one, two = server.feed("/one.xml", items(1)), server.feed("/two.xml", items(1))
    feedd.configure(feeds={"one": one.url, "two": {"url": two.url, "tags": ["security"]}}, notify={
        "named": {"exec": [named], "feeds": ["o*"]},
        "tagged": {"exec": [tagged], "feeds": ["tag:security"]},
        "filtered": {"exec": [filtered], "where": "title REGEXP 'CVE-[0-9]+'"}})
    feedd.start()
    for name in ("one", "two"):
        feedd.wait_items(1, name)
    publish(feedd, one, 2, name="one", title="CVE-2026 in one")
    publish(feedd, two, 2, name="two", title="Nothing in two")
    wait_for(lambda: named.titles and tagged.titles and filtered.titles, "all hooks")
    assert (named.titles, tagged.titles, filtered.titles) == (["CVE-2026 in one"], ["Nothing in two"], ["CVE-2026 in one"])
    wait_for(lambda: notifier(feedd, "named")["cursor"] == 2, "the cursor to pass what was not asked for")


def test_a_wrong_filter_is_a_fault_with_file_and_line(feedd):
    feedd.configure(notify={"out": {"exec": ["/bin/true"], "where": "colour = 'red'"}})
    done = feedd.run("--check")
    assert done.returncode == 2
    assert re.search(rf"{re.escape(str(feedd.config))}:\d+: .*colour", done.stdout + done.stderr)


# --- limits


def test_max_per_hour_holds_back(server, feedd):
    hook = feedd.hook()
    feeds = start(server, feedd, {"out": {"exec": [hook], "max_per_hour": 2}})
    publish(feedd, feeds["a"], *range(2, 9))
    wait_for(lambda: len(hook.calls) == 2, "what the hour allows")
    wait_for(lambda: notifier(feedd)["queued"] == 5, "the rest to wait")
    assert stays(lambda: len(hook.calls) == 2, 1.5)


def test_a_digest_waits_for_its_time(server, feedd):
    hook = feedd.hook()
    feedd.environment["TZ"] = "UTC"
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)
    feeds = start(server, feedd, {"out": {"exec": [hook], "at": later.strftime("%H:%M")}})
    publish(feedd, feeds["a"], 2, 3)
    wait_for(lambda: notifier(feedd)["queued"] == 2, "both to wait")
    assert stays(lambda: not hook.calls, 1)
    # The next minute is soon enough for a test: all in one call.
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=66)
    feedd.config.write_text(feedd.config.read_text().replace(later.strftime("%H:%M"), soon.strftime("%H:%M")))
    feedd.ctl("reload", check=0)
    wait_for(lambda: hook.calls, "the digest", 90)
    assert [len(c.events) for c in hook.calls] == [2]


# limit: failing-hook
def test_a_dead_hook_is_called_once_in_two_seconds(server, feedd):
    hook = feedd.hook()
    hook.exits(1)
    feeds = start(server, feedd, {"out": {"exec": [hook], "concurrency": 1}})
    publish(feedd, feeds["a"], *range(2, 40))
    wait_for(lambda: len(hook.calls) >= 12, "twelve calls", 30)
    calls = hook.calls
    assert calls[11].at - calls[10].at >= 1.8
    assert calls[9].at - calls[0].at < 10
    hook.exits(None)
    wait_for(lambda: len(set(hook.seqs)) == 38, "all events after it works again", 30)


# --- crashes, restarts, commands


def test_kill_9_repeats_only_what_was_in_flight(server, feedd):
    hook = feedd.hook()
    feeds = start(server, feedd, {"out": {"exec": [hook], "concurrency": 2}})
    hook.sleeps(0.05)
    publish(feedd, feeds["a"], *range(2, 62))
    for round_ in range(4):
        wait_for(lambda n=round_: len(set(hook.seqs)) >= 10 * (n + 1), "some calls", 30)
        feedd.kill9()
        feedd.start()
    wait_for(lambda: len(set(hook.seqs)) == 60, "all events", 30)
    wait_for(lambda: notifier(feedd)["cursor"] == max(hook.seqs), "the cursor at the end")
    assert len(hook.seqs) - 60 <= 4 * 2


def test_waits_outlast_a_restart(server, feedd):
    hook = feedd.hook()
    hook.exits(1)
    feeds = start(server, feedd, {"out": {"exec": [hook], "retries": 1}})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: notifier(feedd)["waiting"] == 1, "it to wait")
    feedd.restart()
    wait_for(lambda: len(hook.calls) == 2, "the second try", 20)
    assert 3.5 <= hook.calls[1].at - hook.calls[0].at <= 12
    wait_for(lambda: notifier(feedd)["failed"] == 1, "it to be set aside")
    feedd.restart()
    wait_for(lambda: notifier(feedd)["failed"] == 1, "it to be set aside still")
    hook.exits(None)
    feedd.ctl("retry", check=0)
    wait_for(lambda: len(hook.calls) == 3, "the call after `feedctl retry`")


def test_stopping_does_not_wait_for_a_hanging_hook(server, feedd):
    hook = feedd.hook()
    hook.sleeps(60)
    feeds = start(server, feedd, {"out": {"exec": [hook]}}, top={"shutdown_timeout": "1s"})
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: hook.calls, "the call")
    began = time.monotonic()
    feedd.stop(timeout=8)
    assert time.monotonic() - began < 6
    hook.sleeps(None)
    feedd.start()
    wait_for(lambda: len(hook.calls) == 2, "the event once more")
    assert set_aside(feedd) == []


def test_a_sample_goes_through_every_kind(server, feedd):
    hook, path = feedd.hook(), feedd.directory / "events.jsonl"
    server.answer("/hook")
    start(server, feedd, {"e": {"exec": [hook]}, "w": {"webhook": server.url("/hook")}, "f": {"file": path}})
    for name in "ewf":
        feedd.ctl("test", name, check=0)
    assert hook.calls[0].event["_feedd"]["event"] == "item.new"
    assert json.loads(server.of("/hook")[0].body)["id"] == hook.calls[0].event["id"]
    assert len(lines_of(path)) == 1
    hook.exits(3)
    failed = feedd.ctl("test", "e", check=1)
    assert "exit status 3" in failed.stdout + failed.stderr
    assert feedd.ctl("test", "unknown").returncode == 1


def test_a_reload_in_flight_changes_nothing_for_others(server, feedd):
    hook, other = feedd.hook(), feedd.hook("other")
    feeds = start(server, feedd, {"out": {"exec": [hook]}, "other": {"exec": [other]}})
    hook.sleeps(1)
    publish(feedd, feeds["a"], 2)
    wait_for(lambda: hook.calls, "the call")
    feedd.configure(feeds={"a": feeds["a"].url}, notify={"other": {"exec": [other]}})
    feedd.signal(signal.SIGHUP)
    wait_for(lambda: len(feedd.get("/v1/status").json()["notifiers"]) == 1, "the notifier to go")
    publish(feedd, feeds["a"], 3)
    wait_for(lambda: other.titles == ["Article 2", "Article 3"], "both events at the other")
    assert hook.titles == ["Article 2"]


# --- --once


def test_once_delivers_and_leaves_what_failed(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    assert feedd.once().returncode == 0
    feed.add(item(2))
    hook.exits(1)
    assert feedd.once().returncode == 1
    assert hook.titles == ["Article 2"]
    feed.add(item(3))
    hook.exits(None)
    assert feedd.once().returncode == 0
    assert sorted(hook.titles) == ["Article 2", "Article 2", "Article 3"]
    assert feedd.once().returncode == 0
    assert len(hook.calls) == 3


def test_once_gives_up_a_dead_hook(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook], "concurrency": 1},
                                                   "w": {"webhook": f"http://127.0.0.1:{closed_port()}/"}})
    assert feedd.once().returncode == 0
    feed.add(*[item(n) for n in range(40, 1, -1)])
    hook.exits(1)
    assert feedd.once().returncode == 1
    assert len(hook.calls) == 10
    hook.exits(None)
    assert feedd.once().returncode == 1  # the webhook is dead still
    assert len(set(hook.seqs)) == 39


def test_hooks_leave_no_zombies_and_no_descriptors(server, feedd):
    hook = feedd.directory / "noisy"
    hook.write_text('#!/bin/sh\ncat >/dev/null\nyes | head -c 300000\nsleep 2 &\necho "$FEEDD_SEQ" >>"$0.calls"\n')
    hook.chmod(0o755)
    feeds = start(server, feedd, {"out": {"exec": [hook]}})
    before = len(os.listdir(f"/proc/{feedd.process.pid}/fd"))
    publish(feedd, feeds["a"], *range(2, 32))
    wait_for(lambda: notifier(feedd)["delivered"] == 30, "all deliveries", 30)

    def zombies():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    state, parent = f.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state == "Z" and int(parent) == feedd.process.pid:
                found.append(pid)
        return found

    wait_for(lambda: not zombies(), "no zombies", 3)
    wait_for(lambda: len(os.listdir(f"/proc/{feedd.process.pid}/fd")) <= before + 2, "no descriptors more than before")
    assert len(feedd.log) < 200_000
