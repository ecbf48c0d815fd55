"""Faults of what is beneath: a full disk, a damaged database, no descriptors, a clock that jumps, no right to write."""
import contextlib
import hashlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess

import pytest
from support.clock import clock
from support.feeds import item, items
from support.wait import stays, wait_for

FLIPS = int(os.environ.get("FLIPS", "30"))
ROOT = os.geteuid() == 0


def digest(directory):
    """Of the database and its log. An empty log holds nothing, and what is in shared memory is made anew at each start."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(directory.glob("feedd.db*"))
            if not p.name.endswith("-shm") and p.stat().st_size}


@pytest.fixture
def tmpfs(tmp_path):
    """A small file system of its own."""
    if not ROOT:
        pytest.skip("a small tmpfs can be mounted by root only")
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "feedd-test", place], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(path):
    """A file that takes all room there is."""
    with open(path, "wb") as file, pytest.raises(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))


def test_a_full_disk_and_room_again(server, feedd, tmpfs):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "interval": "1s"}}, notify={"out": {"exec": [hook]}},
                    top={"state_directory": tmpfs})
    feedd.state = tmpfs
    feedd.start()
    feedd.wait_items(1)
    ballast = tmpfs / "ballast"
    fill(ballast)
    feed.add(*[item(n, html="<p>" + "x" * 4000) for n in range(40, 1, -1)])
    wait_for(lambda: "o space" in feedd.log or "full" in feedd.log, "a word about the full disk")
    feedd.polled("a", feed)
    feedd.polled("a", feed)
    assert feedd.running
    told = {e["id"] for e in hook.events}
    stored = {guid for (guid,) in feedd.sql("SELECT guid FROM items")}
    assert told <= stored
    said = [line for line in feedd.log.splitlines() if "o space" in line or "full" in line]
    assert len(said) <= 3, "\n".join(said)
    ballast.unlink()
    wait_for(lambda: len({e["id"] for e in hook.events}) == 39, "all that was held back", 60)
    ids = [e["id"] for e in hook.events]
    assert sorted(ids) == sorted(f"urn:item:{n}" for n in range(2, 41)) and len(ids) == len(set(ids))
    feedd.stop()


@pytest.mark.parametrize("left, more", [(0, 0), (8192, 0), (36864, 0), (49152, 300)])
def test_a_start_on_a_full_disk(server, feedd, tmpfs, left, more):
    """It waits for room, as it does while it runs: nobody has to start it again. left: bytes that are free yet, which is too
    little to open the database, or for so many feeds more."""
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feeds, notify = {"a": {"url": feed.url, "interval": "1s"}}, {"out": {"exec": [hook]}}
    feedd.configure(feeds=feeds, notify=notify, top={"state_directory": tmpfs})
    feedd.state = tmpfs
    assert feedd.once().returncode == 0
    feeds |= {f"f{n}": {"url": server.url(f"/{n}"), "enabled": False} for n in range(more)}
    feedd.configure(feeds=feeds, notify=notify, top={"state_directory": tmpfs})
    ballast = tmpfs / "ballast"
    fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - left)
    feed.add(item(2))
    feedd.start(wait=False)
    wait_for(lambda: "o space" in feedd.log or "full" in feedd.log, "a word about the full disk")
    assert stays(lambda: feedd.running) and "ready" not in feedd.log
    ballast.unlink()
    wait_for(lambda: hook.titles == ["Article 2"], "the first article when there is room", 30)
    assert len([line for line in feedd.log.splitlines() if "waiting for room" in line]) <= 2
    feedd.stop()


def test_a_start_on_a_full_disk_can_be_given_up(server, feedd, tmpfs):
    feedd.configure(feeds={"a": server.feed("/a.xml", items(1)).url}, top={"state_directory": tmpfs})
    feedd.state = tmpfs
    fill(tmpfs / "ballast")
    done = feedd.once()
    assert done.returncode == 1 and "o space" in done.stderr and ".recover" not in done.stderr
    feedd.start(wait=False)
    wait_for(lambda: "o space" in feedd.log.replace(done.stderr, ""), "a word about the full disk")
    feedd.signal(signal.SIGHUP)
    assert stays(lambda: feedd.running, 0.5)
    feedd.stop(5)


def test_a_state_directory_that_cannot_be_written(server, feedd):
    """As root the file system itself must be read-only; for others the mode is enough."""
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url})
    assert feedd.once().returncode == 0
    before = digest(feedd.state)
    if ROOT:
        if subprocess.run(["mount", "--bind", feedd.state, feedd.state], capture_output=True).returncode != 0:
            pytest.skip("mounting is not allowed here")
        subprocess.run(["mount", "-o", "remount,ro,bind", feedd.state], check=True)
    else:
        feedd.state.chmod(0o500)
        (feedd.state / "feedd.db").chmod(0o400)
    try:
        done = feedd.once()
    finally:
        if ROOT:
            subprocess.run(["umount", "-l", feedd.state], check=True)
        else:
            feedd.state.chmod(0o700)
            (feedd.state / "feedd.db").chmod(0o600)
    assert done.returncode in (1, 3)
    assert str(feedd.state) in done.stderr
    assert digest(feedd.state) == before
    assert feedd.once().returncode == 0


@pytest.fixture
def damaged(server, feedd):
    """A database left by a daemon that was killed, and the same one left clean."""
    feed = server.feed("/a.xml", items(*range(1, 60)))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(59)
    feedd.kill9()
    unclean = feedd.directory / "unclean"
    shutil.copytree(feedd.state, unclean)
    assert feedd.once().returncode == 0
    clean = feedd.directory / "clean"
    shutil.copytree(feedd.state, clean)

    def put(source):
        shutil.rmtree(feedd.state)
        shutil.copytree(source, feedd.state)

    return put, clean, unclean


def faults_of(directory):
    """What SQLite finds wrong with a copy of the database; None where it cannot even look."""
    copy = directory.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    try:
        with contextlib.closing(sqlite3.connect(copy / "feedd.db")) as db:
            db.text_factory = bytes
            found = [line for (line,) in db.execute("PRAGMA integrity_check(1000)") if line != b"ok"]
            return len(b"\n".join(found).splitlines()), db.execute("SELECT count(*) FROM items").fetchone()[0]
    except (sqlite3.DatabaseError, OverflowError):
        return None


def refused_or_sound(feedd):
    """Exit 3 with nothing touched, or a start that does its work and leaves no worse database: SQLite has no sums of its
    pages, so that a byte within a text cannot be told from what was written."""
    before, sound = digest(feedd.state), faults_of(feedd.state)
    done = feedd.once(timeout=60)
    assert done.returncode in (0, 1, 3), f"{done.returncode}: {done.stderr}"
    if done.returncode == 3:
        assert digest(feedd.state) == before, done.stderr
        assert "feedd.db" in done.stderr
        assert feedd.once(timeout=60).returncode == 3
    else:
        assert sound is not None, "what SQLite cannot read was taken into use"
        faults, items_now = faults_of(feedd.state)
        assert faults <= sound[0] and items_now >= sound[1], f"{sound} became {faults}, {items_now}"
    return done.returncode


@pytest.mark.parametrize("kind", ["clean", "unclean"])
def test_flipped_bytes(feedd, damaged, kind):
    put, clean, unclean = damaged
    source = clean if kind == "clean" else unclean
    chance = random.Random(7)
    results = []
    for n in range(FLIPS):
        put(source)
        names = sorted(p for p in feedd.state.glob("feedd.db*") if p.name != "feedd.db-shm" and p.stat().st_size)
        path = names[n % len(names)]
        data = bytearray(path.read_bytes())
        at = n if n < 10 else chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        results.append(refused_or_sound(feedd))
    assert 3 in results or kind == "unclean"


@pytest.mark.parametrize("size", [1, 99, 512, 4096, 4097, 20000, -1, -4096])
def test_a_database_cut_short(feedd, damaged, size):
    put, clean, _ = damaged
    put(clean)
    path = feedd.state / "feedd.db"
    os.truncate(path, size if size > 0 else path.stat().st_size + size)
    # The last byte of the last page need not mean anything.
    assert refused_or_sound(feedd) == 3 or size == -1
    assert ".recover" in feedd.log or size in (1, 99, -1)


def test_damage_that_nothing_else_would_read(feedd, damaged):
    """After a stop that was not clean the whole file is looked at, not only what a start needs."""
    put, _, unclean = damaged
    put(unclean)
    path = feedd.state / "feedd.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        root, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries_open'").fetchone()
        size, = db.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(root - 1) * size] = 0xff
    path.write_bytes(data)
    assert refused_or_sound(feedd) == 3
    assert ".recover" in feedd.log


def test_a_log_cut_short_is_no_damage(feedd, damaged):
    put, _, unclean = damaged
    put(unclean)
    wal = feedd.state / "feedd.db-wal"
    os.truncate(wal, wal.stat().st_size - 1000)
    assert feedd.once().returncode == 0


def test_a_newer_database_keeps_its_log_too(feedd, damaged):
    put, clean, _ = damaged
    put(clean)
    with open(feedd.state / "feedd.db", "rb") as kept:
        db = sqlite3.connect(feedd.state / "feedd.db")
        db.execute("PRAGMA user_version = 1000")
        db.commit()
        assert kept.read(1)
        # As a newer feedd that was killed leaves it: all in the log.
        away = feedd.directory / "away"
        shutil.copytree(feedd.state, away)
        db.close()
    put(away)
    before = digest(feedd.state)
    assert before.keys() >= {"feedd.db", "feedd.db-wal"}
    assert feedd.once().returncode == 3
    assert digest(feedd.state) == before


def test_few_descriptors(server, feedd):
    """64 of them, and 60 feeds that answer late: fewer requests at a time, nothing fails for good."""
    feeds = [server.feed(f"/{n}.xml", items(n)) for n in range(60)]
    for feed in feeds:
        server.answer(feed.path, call=feed.answer, delay=0.2)
    hook = feedd.hook()
    feedd.configure(feeds={f"f{n}": {"url": feed.url, "interval": "2s", "backlog": "all"} for n, feed in enumerate(feeds)},
                    notify={"out": {"exec": [hook], "concurrency": 8}})

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    feedd.start(preexec_fn=limit)
    feedd.wait_items(60)
    wait_for(lambda: len({e["id"] for e in hook.events}) == 60, "60 calls", 60)
    assert feedd.get("/v1/status").status == 200
    ids = [e["id"] for e in hook.events]
    assert len(ids) == len(set(ids))


YEAR = 365 * 86400


@pytest.mark.parametrize("jump", [YEAR, -YEAR, 13 * YEAR, 3600, -3600])
def test_a_clock_that_jumps(server, feedd, clock, jump):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "interval": "1s"}}, notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(1)
    clock(jump)
    feed.add(item(2))
    wait_for(lambda: hook.titles == ["Article 2"], "the first article after the jump")
    before = len(server.of("/a.xml"))
    assert stays(lambda: len(server.of("/a.xml")) <= before + 4, 2), "a burst of polls"
    clock(0)
    feed.add(item(3))
    wait_for(lambda: hook.titles == ["Article 2", "Article 3"], "the first article after the jump back")
    feedd.restart()
    feed.add(item(4))
    wait_for(lambda: hook.titles == ["Article 2", "Article 3", "Article 4"], "the first article after a start")
    # A start under the other clock finds times of the past or the future in the database.
    feedd.stop()
    clock(jump)
    feedd.start()
    feed.add(item(5))
    wait_for(lambda: hook.titles == [f"Article {n}" for n in (2, 3, 4, 5)], "the first article after a start in another year")
