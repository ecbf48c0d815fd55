"""Options, exit codes, the database's guards, the socket's owner."""
import hashlib
import os
import re
import socket
import sqlite3
import stat
import subprocess

import pytest
from support.daemon import BUILD
from support.feeds import items, opml
from support.wait import wait_for


def test_standard_descriptors_that_are_closed(server, feedd):
    """The log goes nowhere then, and not into a file or a socket of the daemon that got its number."""
    feedd.configure(feeds={"a": server.feed("/a.xml", items(1, 2)).url}).start(preexec_fn=lambda: os.closerange(0, 3))
    feedd.wait_items(2)
    assert {os.readlink(f"/proc/{feedd.process.pid}/fd/{n}") for n in range(3)} == {"/dev/null"}


def test_check_accepts_a_good_file(server, feedd):
    feedd.configure(feeds={"a": server.url("/a")})
    done = feedd.run("--check")
    assert (done.returncode, done.stdout) == (0, "") or done.returncode == 0
    assert server.requests == []
    assert not (feedd.state / "feedd.db").exists()


def test_check_names_every_fault_with_file_and_line(feedd):
    feedd.config.write_text('interval = "1 parsec"\n\nfeed "a" {\n\turl = "https://example.org/a"\n\tcolour = "red"\n}\n'
                            'feed "b" {\n}\nnotify "n" {\n\texec = {"relative"}\n}\n')
    done = feedd.run("-n")
    assert done.returncode == 2
    said = done.stdout + done.stderr
    faults = {int(line) for line in re.findall(rf"{re.escape(str(feedd.config))}:(\d+): ", said)}
    assert 1 in faults
    assert 5 in faults
    assert faults & {7, 8}
    assert faults & {9, 10, 11}


def test_an_included_file_is_named(feedd):
    (feedd.directory / "feeds.d").mkdir()
    bad = feedd.directory / "feeds.d" / "bad.conf"
    bad.write_text('feed "x" {\n\turl = "https://example.org/"\n\twrong = 1\n}\n')
    feedd.configure(extra='include("feeds.d/*.conf")\ninclude("none.d/*.conf")\n')
    done = feedd.run("--check")
    assert done.returncode == 2
    assert f"{bad}:3: " in done.stdout + done.stderr or f"{bad}:4: " in done.stdout + done.stderr
    bad.write_text('feed "x" {\n\turl = "https://example.org/"\n}\n')
    assert feedd.run("--check").returncode == 0


@pytest.mark.parametrize("args, status", [(["--version"], 0), (["--help"], 0), (["--nonsense"], 2), (["stray"], 2)])
def test_options(feedd, args, status):
    done = subprocess.run([BUILD / "feedd", *args], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == status
    assert done.stdout if status == 0 else done.stderr


def test_a_missing_configuration_is_2(feedd):
    done = feedd.run("--check")
    assert done.returncode == 2
    assert str(feedd.config) in done.stderr + done.stdout


def test_a_missing_state_directory_is_made_for_one_user(server, feedd):
    server.feed("/a", items(1))
    feedd.configure(feeds={"a": server.url("/a")}, top={"state_directory": feedd.directory / "new"})
    assert feedd.once().returncode == 0
    assert stat.S_IMODE((feedd.directory / "new").stat().st_mode) == 0o700
    feedd.configure(feeds={"a": server.url("/a")}, top={"state_directory": feedd.directory / "no" / "parent"})
    assert feedd.once().returncode == 3
    assert not (feedd.directory / "no").exists()


def test_a_second_daemon_is_refused(server, feedd, make_feedd):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    second = make_feedd("second")
    second.configure(feeds={"a": feed.url}, top={"state_directory": feedd.state})
    done = second.run()
    assert done.returncode == 3
    assert "in use" in done.stderr or "another" in done.stderr
    assert second.once().returncode == 3
    assert feedd.get("/v1/status").status == 200


def test_a_newer_schema_is_refused_and_left_alone(server, feedd):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url})
    assert feedd.once().returncode == 0
    path = feedd.state / "feedd.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 1000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    done = feedd.run()
    assert done.returncode == 3
    assert "newer" in done.stderr
    assert hashlib.sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough to be one\n" * 100, b"x"])
def test_a_foreign_file_is_refused_and_left_alone(feedd, content):
    feedd.configure()
    path = feedd.state / "feedd.db"
    path.write_bytes(content)
    done = feedd.run()
    assert done.returncode == 3
    assert done.stderr
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(feedd):
    feedd.configure()
    path = feedd.state / "feedd.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine(x)")
        db.execute("INSERT INTO mine VALUES (1)")
    db.close()
    before = path.read_bytes()
    assert feedd.run().returncode == 3
    assert path.read_bytes() == before


def test_the_socket_of_a_living_daemon_is_refused_and_of_a_dead_one_taken_over(server, feedd, make_feedd):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    second = make_feedd("second")
    second.configure(feeds={"a": feed.url}, top={"socket": feedd.socket})
    done = second.run()
    assert done.returncode in (1, 2)
    assert feedd.socket in done.stderr
    assert feedd.get("/v1/status").status == 200
    feedd.kill9()
    assert os.path.exists(feedd.socket)
    feedd.start()
    assert feedd.get("/v1/status").status == 200


def test_the_socket_s_mode_and_that_it_goes(feedd):
    feedd.configure().start()
    mode = os.stat(feedd.socket)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o660
    feedd.stop()
    assert not os.path.exists(feedd.socket)


def test_a_socket_passed_in_wins(feedd, tmp_path):
    """Socket activation as sd_listen_fds(3) describes it."""
    passed = os.path.join(feedd.socket_directory, "passed")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(passed)
        listener.listen()
        feedd.configure()
        # LISTEN_PID must be the daemon's own: a shell that execs it knows it.
        fd = listener.fileno()
        command = f'exec 3<&{fd}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control exec "$@"' if fd != 3 else \
            'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control exec "$@"'
        with open(feedd.log_file, "ab") as log:
            feedd.process = subprocess.Popen(["bash", "-c", command, "bash", *feedd.command()], pass_fds=[fd], stderr=log,
                                             stdin=subprocess.DEVNULL)
        own, feedd.socket = feedd.socket, passed
        wait_for(lambda: feedd._answers_or_died(), "an answer on the passed socket")
        assert feedd.running, feedd.log
        assert not os.path.exists(own)
        feedd.stop()
    assert os.path.exists(passed), "it is not the daemon's to remove"


def test_opml(server, feedd):
    """Folders become tags; names come from titles; only http and https."""
    one, two = server.feed("/1.xml", items(1)), server.feed("/2.xml", items(101))
    (feedd.directory / "feeds.opml").write_text(opml([
        ("News", [("First feed", one.url), ("Deeper", [("Second feed", two.url)])]),
        ("Evil", "file:///etc/passwd"),
        ("Worse", "exec:id"),
    ]))
    hook = feedd.hook()
    feedd.configure(top={"subscriptions": ["feeds.opml"]}, notify={"out": {"exec": [hook], "feeds": ["tag:Deeper"]}})
    feedd.start()
    feedd.wait_items(2)
    feeds = feedd.get("/v1/feeds").json()
    text = str(feeds)
    assert one.url in text and two.url in text
    assert "passwd" not in text and "exec:" not in text
    two.set(items(101, 102))
    one.set(items(1, 2))
    name = next(n for n, in feedd.sql("SELECT name FROM feeds WHERE url = ?", two.url))
    other = next(n for n, in feedd.sql("SELECT name FROM feeds WHERE url = ?", one.url))
    feedd.poll(other)
    feedd.poll(name)
    wait_for(lambda: hook.calls, "the call for the tagged feed")
    assert hook.titles == ["Article 102"]
    exported = feedd.ctl("export", check=0).stdout
    assert one.url in exported and two.url in exported and "<opml" in exported


def test_a_full_log_line_for_news_and_none_for_quiet_polls(server, feedd):
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    feed.set(items(1, 2, 3))
    feedd.polled("a", feed)
    wait_for(lambda: re.search(r'feed "a": 2 new items? status=200', feedd.log), "the line in the log")
    lines = feedd.log.count("\n")
    feedd.polled("a", feed)
    feedd.polled("a", feed)
    assert feedd.log.count("\n") == lines
