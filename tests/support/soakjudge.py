"""soakjudge.py - checks the record of a run of tests/torture/soak.py: text for people, and whether all holds.

Each check adds a line to `lines` and its faults to `faults`; bounds are named at the top. Times are seconds.
"""
import bisect
import collections
import contextlib
import json
import os
import sqlite3
import statistics

from .soakfeeds import GOOD

SLOW = float(os.environ.get("FEEDD_SLOW", "1"))

ROWS = 24  # of the table
RSS_PART, RSS_KB = 1.10, 4096  # how much larger memory may be in the last quarter of a life than in its second one
LONG = 7  # intervals that a life must have for that
FDS_IDLE = 4  # descriptors that an idle daemon may have more than one that never polled
CONCURRENCY, BATCH, POST, FILE = 4, 100, 20, 256  # calls of a hook at once; events of a call, a post and a write to a file
SURE = 4  # intervals after which an item that stood in a good document must be known
ODD_SURE = 1200  # the same for feeds that answer with errors now and then, in seconds
LATE, LATE_P99, EARLY = 2.0, 1.3, 0.9  # intervals between polls of a good feed, at most and at least
BUSY = 15 * SLOW  # seconds that a busy machine may take


def read(path):
    """Objects of a file of JSON lines, but for a last one that is torn."""
    if not path.exists():
        return []
    out = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                out.append(json.loads(line))
    return out


def words(path):
    """(seq, feed, when its process began in ticks or None) of each line that a hook wrote."""
    if not path.exists():
        return []
    split = [line.split(" ") for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if line]
    return [(int(line[0]), line[1], int(line[2]) if len(line) > 2 else None) for line in split]


def quantile(values, part):
    values = sorted(values)
    return values[min(int(len(values) * part), len(values) - 1)] if values else 0.0


def megabytes(kib):
    return f"{kib / 1024:.1f}"


def number(feed):
    return int(feed.rpartition("-")[2])


def character(feed):
    return feed.rpartition("-")[0]


class Judge:
    def __init__(self, directory):
        self.directory = directory
        self.lines, self.faults = [], []
        self.done = read(directory / "done.jsonl")
        self.samples = read(directory / "samples.jsonl")
        self.begin = self.one("begin")
        self.interval = self.begin["interval"]
        self.quiet, self.disabled = self.one("quiet")["t"], self.one("disabled")["t"]
        self.kills = sum(step["what"] == "kill" for step in self.done)
        self.lives = self.lifetimes()
        self.served = read(directory / "served.jsonl")
        self.load()

    def one(self, what):
        return next(step for step in self.done if step["what"] == what)

    def lifetimes(self):
        """(from, to) of each life."""
        lives, began = [], None
        for step in self.done:
            if step["what"] == "start":
                began = step["t"]
            elif step["what"] in ("kill", "stop"):
                lives.append((began, step["t"]))
        return lives

    def load(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/feedd/state/feedd.db?mode=ro", uri=True)) as db:
            self.items = db.execute("SELECT feeds.name, items.guid, items.url, items.id, held FROM items"
                                    " JOIN feeds ON feeds.id = items.feed").fetchall()
            self.events = db.execute("SELECT events.seq, feeds.name, events.item, event, items.guid, items.url, events.at"
                                     " FROM events JOIN feeds ON feeds.id = events.feed"
                                     " LEFT JOIN items ON items.id = events.item ORDER BY events.seq").fetchall()
            self.polls = dict(db.execute("SELECT name, polls FROM feeds").fetchall())
        self.log = {event[0]: event for event in self.events}

    def say(self, text):
        self.lines.append(text)

    def check(self, sound, text):
        if not sound:
            self.faults.append(text)

    def few(self, wrong, what):
        """A fault with its first examples, if there are any."""
        wrong = list(wrong)
        self.check(not wrong, f"{what}: {len(wrong)}, such as {wrong[:5]}")

    # --- the store

    def sound(self):
        backups = [step for step in self.done if step["what"] == "backup"]
        self.few([b for b in backups if b["status"] or b["integrity"] != "ok"], "backups that failed")
        self.check(self.one("ended")["integrity"] == "ok", "the database is damaged")
        commands = [step for step in self.done if step["what"] in ("ctl", "reload")]
        self.few([c for c in commands if c["status"] and not self.may_fail(c.get("command", ()))], "commands that failed")
        self.say(f"integrity of the database and of {len(backups)} backups; {len(commands)} commands and reloads")

    @staticmethod
    def may_fail(command):
        """`resume` fails for a feed that is not gone, and `poll` for one that is."""
        return "resume" in command or "poll" in command and character(command[-1]) == "gone"

    def up(self, start, end):
        """Seconds of life between two times."""
        return sum(max(0, min(end, to) - max(start, since)) for since, to in self.lives)

    def first_read(self):
        """Feed to the time of the first answer that was surely stored: the daemon lived on for a while."""
        ends = [end for _, end in self.lives]
        first = {}
        for step in self.served:
            if step["whole"] and step["status"] == 200 and not any(step["t"] - 1 <= end <= step["t"] + 5 * SLOW for end in ends):
                first.setdefault(step["feed"], step["t"])
        return first

    @staticmethod
    def refused(answers, t):
        """True if the server was asked since then, and answered with errors only."""
        since = [step["status"] for step in answers if step["t"] > t]
        return bool(since) and min(since) >= 400

    def expected(self):
        """Feed to the numbers of the items that must be known, and to those that must have been told as new."""
        known, told = collections.defaultdict(set), collections.defaultdict(set)
        read_at = self.first_read()
        answers = collections.defaultdict(list)
        for step in self.served:
            answers[step["feed"]].append(step)
        came, went = collections.defaultdict(dict), {}
        for step in read(self.directory / "published.jsonl"):
            for name, where in (("came", came[step["feed"]]), ("went", went.setdefault(step["feed"], {}))):
                for one in step[name]:
                    where[int(one.rpartition(":")[2])] = step["t"]
        for feed in self.polls:
            kind = character(feed)
            if kind not in self.judged:
                continue
            sure = SURE * self.interval if kind in GOOD else max(ODD_SURE, SURE * self.interval)
            if feed not in read_at:
                continue
            for n, t in came[feed].items():
                # Some servers fail so often in a row that an item never leaves them.
                if self.up(t, went[feed].get(n, self.disabled)) >= sure and (kind in GOOD or not self.refused(answers[feed], t)):
                    known[feed].add(n)
                    if t > read_at[feed]:  # else it stood there when the feed was first read
                        told[feed].add(n)
            first = range(1, 31) if kind in ("shrinking", "oscillating") else range(1, 16)
            known[feed].update(first)
            if number(feed) % 4 == 0 and kind not in ("shrinking", "oscillating"):
                told[feed].update(first)
        return known, told

    def stored(self):
        """Every item once, none missing, and each event once."""
        once = set(GOOD) | {"shaky", "busy", "one_guid", "no_guid", "edited", "shrinking", "oscillating"}
        self.judged = once | {"new_ids"}
        known, told = self.expected()
        urls = collections.defaultdict(collections.Counter)
        for feed, _, url, _, _ in self.items:
            urls[feed][url] += 1
        new = collections.Counter(item for _, _, item, event, _, _, _ in self.events if event == "item.new")
        self.few([item for item, count in new.items() if count > 1], "items told as new twice")
        told_urls = collections.defaultdict(set)
        for _, feed, _, event, _, url, _ in self.events:
            if event == "item.new":
                told_urls[feed].add(url)
        judged = [feed for feed in self.polls if character(feed) in self.judged]
        self.few([(feed, url, count) for feed in judged if character(feed) in once for url, count in urls[feed].items() if count > 1],
                 "items stored twice")
        for table, have, what in ((known, urls, "stored"), (told, told_urls, "told")):
            missing = [(feed, n) for feed, numbers in table.items() for n in sorted(numbers)
                       if f"https://example.org/{number(feed)}/{n}" not in have[feed]]
            self.few(missing, f"items not {what}")
        self.say(f"{sum(map(len, known.values()))} items that must be stored and {sum(map(len, told.values()))} that must be told, of "
                 f"{len(judged)} feeds; {len(self.items)} items and {len(self.events)} events in the database")

    # --- consumers

    def same(self, name, seqs):
        """What a consumer got is what the log has, each seq for the same item."""
        self.few([seq for seq, feed in seqs if seq in self.log and self.log[seq][1] != feed], f"{name}: a seq of another event")

    def complete(self, name, seqs, wanted):
        self.same(name, seqs)
        got = {seq for seq, _ in seqs}
        self.few(sorted(wanted - got), f"{name}: events that never came")
        self.few(sorted(got - wanted), f"{name}: events that are not in the log")
        return len(seqs) - len(got)

    def streams(self):
        every, repeats = set(self.log), {}
        for name in ("lines", "stream", "follow"):
            runs, faults = [[]], []
            for step in read(self.directory / f"{name}.jsonl"):
                if step.get("end"):
                    runs.append([])
                elif "fault" in step:
                    faults.append(step["fault"])
                elif step["seq"] in self.log or step["event"].startswith("item."):
                    runs[-1].append((step["seq"], step["feed"]))
            self.few(faults, name)
            repeats[name] = self.complete(name, sum(runs, []), every)
            last = 0
            for run in filter(None, runs):
                seqs = [seq for seq, _ in run]
                self.check(seqs == sorted(set(seqs)), f"{name}: a connection repeats an event or has the wrong order")
                self.check(seqs[0] > last or name == "follow" and seqs[0] == last, f"{name}: {seqs[0]} comes after {last}")
                last = seqs[-1]
            self.say(f"{name}: {len(sum(runs, []))} events over {sum(map(bool, runs))} connections, {repeats[name]} repeated")

    def notifiers(self):
        every = set(self.log)
        hooked = {seq for seq, event in self.log.items() if number(event[1]) % 3 == 0}
        tried, took = words(self.directory / "hook.tried"), words(self.directory / "hook.took")
        repeats = self.complete("hook", [(seq, feed) for seq, feed, _ in took], hooked)
        self.bounded("hook", repeats, CONCURRENCY * self.kills, f"{len(tried)} tries")
        self.in_turn(tried)
        batches = [(seq, feed) for seq, feed, _ in words(self.directory / "batch.took")]
        self.bounded("batch", self.complete("batch", batches, every), CONCURRENCY * BATCH * self.kills)
        posted = read(self.directory / "posted.jsonl")
        accepted = [(p["seq"], p["feed"]) for p in posted if p["status"] == 204]
        self.bounded("webhook", self.complete("webhook", accepted, every), CONCURRENCY * POST * self.kills, f"{len(posted)} posted")
        self.overtaken("webhook", sorted(posted, key=lambda post: post["asked"]), 2 * (CONCURRENCY - 1) * POST)
        self.file(every)
        last = self.idle["status"]
        self.few([n["name"] for n in last["notifiers"] if n["failed"]], "notifiers that set something aside")
        self.check(self.one("told")["all"], "not all was told in the time to settle")

    def bounded(self, name, repeats, bound, text=""):
        self.check(repeats <= bound, f"{name}: {repeats} repeats, {bound} were in flight at the kills at most")
        self.say(f"{name}: {repeats} repeated, {bound} at most; {text}".rstrip("; "))

    def in_turn(self, tried):
        """The calls for the events of one feed begin in their order. A life that ends takes calls with it, which begin again."""
        tick = os.sysconf("SC_CLK_TCK")
        ends = [(end - self.begin["boot"]) * tick for _, end in self.lives]
        feeds = collections.defaultdict(dict)
        for seq, feed, began in sorted(tried, key=lambda call: call[2]):
            feeds[feed].setdefault(seq, began)
        wrong = []
        for feed, calls in feeds.items():
            later = float("inf")  # when the first of the later events began
            for seq in sorted(calls, reverse=True):
                if later < calls[seq] and not any(later - tick <= end <= calls[seq] for end in ends):
                    wrong.append((feed, seq))
                later = min(later, calls[seq])
        self.few(wrong, "hook: events that began after later ones of their feed")

    def overtaken(self, name, posts, bound):
        """Posts on several connections may arrive in another order than they were sent, but not by more than are under way."""
        feeds = collections.defaultdict(dict)
        for post in posts:
            feeds[post["feed"]].setdefault(post["seq"])
        worst = 0
        for line in feeds.values():
            before = []
            for seq in line:
                worst = max(worst, len(before) - bisect.bisect(before, seq))
                bisect.insort(before, seq)
        self.check(worst <= bound, f"{name}: an event was overtaken by {worst} later ones of its feed")

    def file(self, every):
        told = read(self.directory / "file.out")
        pairs = [(event["_feedd"]["seq"], event["_feedd"]["feed"]["name"]) for event in told]
        self.bounded("file", self.complete("file", pairs, every), FILE * self.kills)
        seqs = [seq for seq, _ in pairs]
        self.check(list(dict.fromkeys(seqs)) == sorted(set(seqs)), "file: not in the order of the log")
        back = [before - seq + 1 for before, seq in zip(seqs, seqs[1:]) if seq <= before]
        self.check(len(back) <= self.kills and max(back, default=0) <= FILE, f"file: it goes back {back}")
        ids = {event["_feedd"]["seq"]: event.get("id") for event in told}
        self.few([seq for seq, id in ids.items() if seq in self.log and character(self.log[seq][1]) in GOOD and id != self.log[seq][4]],
                 "file: the id is another than in the database")

    # --- polls

    def on_time(self):
        asked = collections.defaultdict(list)
        for step in self.served:
            if not step["hop"] and character(step["feed"]) in GOOD:
                asked[step["feed"]].append(step["asked"])
        changes = [(end, start) for (_, end), (start, _) in zip(self.lives, self.lives[1:])]
        gaps, late, early = [], [], []
        for feed, times in asked.items():
            times = sorted(t for t in times if t < self.quiet)
            for one, two in zip(times, times[1:] + [self.quiet]):
                down = two - one - self.up(one, two)
                over = any(one <= start and two >= end for end, start in changes)
                if two - one - down > LATE * self.interval + BUSY:
                    late.append((feed, round(two - one, 1), round(one)))
                if two != self.quiet:
                    gaps.append((two - one) / self.interval)
                    if not over and two - one < EARLY * self.interval - 1:
                        early.append((feed, round(two - one, 2), round(one)))
        good = [feed for feed in self.polls if character(feed) in GOOD]
        self.few([feed for feed in good if feed not in asked], "good feeds that were never polled")
        self.few(late, "polls of good feeds that came late")
        self.few(early, "polls of good feeds that came early")
        p50, p99, most = quantile(gaps, 0.5), quantile(gaps, 0.99), max(gaps, default=0)
        self.check(p99 <= LATE_P99 + BUSY / self.interval / 3, f"one gap in a hundred is {p99:.2f} intervals")
        self.say(f"{len(self.served)} requests answered, {sum(self.polls.values())} polls stored; gaps of good feeds in intervals of "
                 f"{self.interval} s: median {p50:.3f}, 99 % {p99:.3f}, most {most:.3f}")

    def news(self):
        """How long after its publication an item of a good feed was told."""
        came = {one: step["t"] for step in read(self.directory / "published.jsonl") for one in step["came"]
                if character(step["feed"]) in GOOD}
        at = {guid: at for _, feed, _, event, guid, _, at in self.events if event == "item.new" and character(feed) in GOOD}
        waits = [at[one] - t for one, t in came.items() if one in at]
        self.say(f"news of good feeds were {quantile(waits, 0.5):.1f} s old when they were found (99 %: {quantile(waits, 0.99):.1f} s)")

    # --- what it costs

    @property
    def idle(self):
        return next(sample for sample in reversed(self.samples) if sample.get("phase") == "idle")

    def memory(self):
        """Flat within each life that is long enough to see it, and nothing stays open."""
        lives = collections.defaultdict(list)
        for sample in self.samples:
            if "phase" not in sample and sample["t"] < self.disabled:
                lives[sample["life"]].append(sample)
        for life, samples in lives.items():
            part = len(samples) // 4
            if samples[-1]["t"] - samples[0]["t"] < LONG * self.interval or part < 4:
                continue
            for what in ("rss", "anon"):
                early = statistics.median(s[what] for s in samples[part:2 * part])
                late = statistics.median(s[what] for s in samples[-part:])
                self.check(late <= early * RSS_PART + RSS_KB, f"life {life}: {what} grew from {early} to {late} KiB")
                self.say(f"life {life}, {samples[-1]['t'] - samples[0]['t']:.0f} s: {what} {megabytes(early)} MB in its second quarter, "
                         f"{megabytes(late)} MB in its last")
            fds = [statistics.median(s["fds"] for s in some) for some in (samples[part:2 * part], samples[-part:])]
            self.check(fds[1] <= fds[0] + max(5, fds[0] / 4), f"life {life}: descriptors grew from {fds[0]} to {fds[1]}")
        base, idle = next(s for s in self.samples if s.get("phase") == "base"), self.idle
        self.check(idle["fds"] <= base["fds"] + FDS_IDLE, f"{idle['fds']} descriptors are open when idle, {base['fds']} were at first")
        self.check(not idle["children"] and not idle["zombies"], f"{idle['children']} children are left")
        self.check(not self.one("ended")["left"], f"processes are left: {self.one('ended')['left']}")
        zombies = [some[0]["t"] for some in zip(self.samples, self.samples[1:], self.samples[2:]) if all(s["zombies"] for s in some)]
        self.few(zombies, "zombies over three samples")
        self.say(f"idle: {idle['fds']} descriptors and {idle['threads']} threads "
                 f"({base['fds']} and {base['threads']} before the first poll), "
                 f"{megabytes(idle['rss'])} MB, peak {megabytes(max(s['peak'] for s in self.samples))} MB; "
                 f"WAL {max(s.get('wal', 0) for s in self.samples) / 1e6:.1f} MB at most, database {idle['db'] / 1e6:.1f} MB")

    def table(self):
        """A line for each part of the time."""
        first, last = self.samples[0]["t"], self.samples[-1]["t"]
        self.say("   min life  RSS MB  anon MB  fds thr  CPU s  CPU %   db MB  WAL MB  events    lag  polls")
        spent, before, shown = 0.0, None, -1
        begun_at, begun_cpu = first, 0.0
        for sample in self.samples:
            same = before is not None and before["life"] == sample["life"]
            spent += sample["cpu"] - (before["cpu"] if same else 0)
            before = sample
            row = int((sample["t"] - first) / (last - first + 1e-9) * ROWS)
            if row <= shown or sample["t"] == first:
                continue
            shown, status = row, sample["status"]
            lag = max((n["lag"] for n in status["notifiers"] + status["consumers"]), default=0)
            share = 100 * (spent - begun_cpu) / max(sample["t"] - begun_at, 1e-9)
            begun_at, begun_cpu = sample["t"], spent
            self.say(f"{(sample['t'] - first) / 60:6.1f} {sample['life']:4} {megabytes(sample['rss']):>7} {megabytes(sample['anon']):>8} "
                     f"{sample['fds']:4} {sample['threads']:3} {spent:6.1f} {share:6.1f} {sample['db'] / 1e6:7.1f} "
                     f"{sample.get('wal', 0) / 1e6:7.1f} {status['events']:7} {lag:6} {status['polls_total']:6}")
        self.cpu = spent

    def run(self):
        begin = self.begin
        stops = sum(step["what"] == "stop" for step in self.done) - 1
        self.say(f"{begin['feeds']} feeds for {begin['seconds']:g} s, seed {begin['seed']}: {self.kills} kills, {stops} restarts, "
                 f"{sum(step['what'] == 'reload' for step in self.done)} reloads")
        self.table()
        for check in (self.sound, self.stored, self.streams, self.notifiers, self.on_time, self.news, self.memory):
            check()
        self.say(f"{self.cpu:.1f} CPU seconds, as far as samples saw them")
        self.say("all holds" if not self.faults else f"{len(self.faults)} faults:")
        self.lines += [f"  {fault}" for fault in self.faults]
        return "\n".join(self.lines), not self.faults


def judge(directory):
    return Judge(directory).run()
