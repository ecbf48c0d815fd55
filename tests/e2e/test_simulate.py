"""feedctl simulate: the daemon's own schedule against a trace, without a daemon."""
import collections
import json
import random
import time

import pytest

START = 1767571200  # a Monday
DAYS = 14
END = START + DAYS * 86400


def publications(rng, per_day):
    """Times of a feed that is busy at day, quiet at night, and sometimes follows one item by others."""
    times, at = [], START - 14 * 86400
    while True:
        at += rng.expovariate(per_day / 86400)
        if at >= END:
            return sorted(t for t in times if t < END)
        if rng.random() < (0.2, 1.0)[6 <= at // 3600 % 24 < 22]:
            times += [int(at + 1500 * i) for i in range(rng.choice((1, 1, 1, 4)))]


@pytest.fixture(scope="module")
def trace():
    rng = random.Random(1)
    lines = [{"trace": "made up", "start": START, "end": END, "feeds": 200}]
    for i in range(200):
        lines.append({"feed": f"f{i}", "window": 20, "max_age": rng.choice((0, 0, 0, 1800)), "dates": i % 10 > 0,
                      "times": publications(rng, 10 ** rng.uniform(-1, 2))})
    return "".join(json.dumps(line) + "\n" for line in lines)


def polls_of(path):
    polls = []
    for line in path.read_text().splitlines():
        at, feed = line.split()
        assert len(at.split(".")[1]) == 3
        polls.append((float(at), feed))
    return polls


def test_half_the_delay_of_one_interval_for_the_same_requests(feedd, trace):
    fixed = json.loads(feedd.ctl("simulate", "--policy", "fixed", input=trace, check=0).stdout)
    adaptive = json.loads(feedd.ctl("simulate", input=trace, check=0).stdout)
    assert list(adaptive) == ["polls", "items", "lost", "delay_mean_s", "delay_p50_s", "delay_p90_s", "delay_p99_s"]
    assert adaptive["items"] == fixed["items"]
    assert adaptive["polls"] <= 1.02 * 24 * 200 * DAYS
    assert adaptive["delay_mean_s"] < 0.55 * fixed["delay_mean_s"]
    assert adaptive["lost"] <= fixed["lost"]


@pytest.mark.parametrize("budget", [4, 24, 200])
def test_budget_and_manners(feedd, trace, tmp_path, budget):
    file = tmp_path / "polls"
    feedd.ctl("simulate", "--budget", budget, "--polls", file, input=trace, check=0)
    polls, last, minutes = polls_of(file), {}, collections.Counter()
    max_age = {line["feed"]: line["max_age"] for line in map(json.loads, trace.splitlines()[1:])}
    assert polls == sorted(polls, key=lambda poll: poll[0])
    for at, feed in polls:
        assert START <= at < END
        assert at - last.get(feed, 0) >= max(60, max_age[feed])
        last[feed] = at
        minutes[at // 60] += 1
    assert 0.97 * budget * 200 * DAYS <= len(polls) <= 1.02 * budget * 200 * DAYS
    # The start is spread over a quarter of an hour; later there are no waves.
    late = max(n for minute, n in minutes.items() if minute > START / 60 + 60)
    assert late <= 6 * max(len(polls) / DAYS / 1440, 2)


def test_same_bytes_again(feedd, trace, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    outputs = {feedd.ctl("simulate", "--polls", file, input=trace, check=0).stdout for file in (one, two)}
    assert len(outputs) == 1
    assert one.read_bytes() == two.read_bytes()


def test_speed(feedd, trace):
    began = time.process_time(), time.monotonic()
    feedd.ctl("simulate", "--budget", 240, input=trace, check=0)  # as many polls as 2000 feeds make at 24
    assert time.monotonic() - began[1] < 20  # a second where the machine is idle


@pytest.mark.parametrize("text", ["", "no trace\n", '{"trace":"t","start":1,"end":2}\n', "cut"])
def test_malformed_is_2(feedd, trace, text):
    done = feedd.ctl("simulate", input=trace[:20000] if text == "cut" else text, check=2)
    assert done.stdout == ""
    assert "line" in done.stderr


@pytest.mark.parametrize("args", [["--budget", "0"], ["--budget", "x"], ["--budget", "nan"], ["--policy", "best"],
                                  ["--nothing"], ["trace.jsonl"]])
def test_wrong_usage_is_2(feedd, args):
    assert feedd.ctl("simulate", *args, input="", check=2).stdout == ""


def test_polls_that_cannot_be_written_is_1(feedd, trace):
    feedd.ctl("simulate", "--polls", "/nonexistent/file", input=trace, check=1)
    feedd.ctl("simulate", "--polls", "/dev/full", input=trace, check=1)
