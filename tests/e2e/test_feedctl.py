"""feedctl with a daemon and without."""
import contextlib
import json
import resource
import signal
import sqlite3
import stat
import subprocess

import pytest
from support.daemon import BUILD
from support.feeds import item, items, opml, rss
from support.wait import SLOW, wait_for

NEEDS_DAEMON = [["status"], ["feeds"], ["show", "a"], ["poll"], ["reload"], ["follow"], ["items"], ["failed"], ["why", "a"],
                ["ack", "c", "1"], ["test", "out"]]


@pytest.mark.parametrize("args", NEEDS_DAEMON, ids=" ".join)
def test_without_a_daemon_it_is_3(feedd, args):
    done = feedd.ctl(*args)
    assert done.returncode == 3
    assert feedd.socket in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("args", [[], ["nonsense"], ["show"], ["--nonsense"], ["ack", "c"], ["follow", "--nonsense"]],
                         ids=" ".join)
def test_wrong_usage_is_2(feedd, args):
    assert feedd.ctl(*args).returncode == 2


@pytest.mark.parametrize("args", [["retry", ""], ["follow", "--consumer", ""], ["follow", "--feed", ""], ["items", "--feed", ""],
                                  ["match", "out", "--since", ""], ["ack", "", "1"], ["poll", ""]], ids=" ".join)
def test_an_empty_argument_is_wrong_usage(feedd, args):
    """What a script makes of a variable without a value: it must not stand for all there is."""
    assert feedd.ctl(*args).returncode == 2


@pytest.mark.parametrize("verb", ["parse", "discover", "simulate", "import", "follow", "status"])
def test_help_of_a_verb(feedd, verb):
    assert f"usage: feedctl {verb}" in feedd.ctl(verb, "--help", check=0, input="").stdout


def test_help_and_version(feedd):
    assert "status" in feedd.ctl("--help", check=0).stdout
    assert feedd.ctl("--version", check=0).stdout.startswith("feedctl ")


def test_the_socket_may_come_from_the_environment(feedd):
    feedd.configure().start()
    done = subprocess.run([BUILD / "feedctl", "status"], env={"FEEDD_SOCKET": feedd.socket}, capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_a_running_daemon(server, feedd):
    feed, hook = server.feed("/a.xml", items(1), title="The feed's title"), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "tags": ["t"]}, "b": server.url("/missing")},
                    notify={"out": {"exec": [hook]}}).start()
    feedd.wait_items(1)
    assert feedd.ctl("status", check=0).stdout
    assert isinstance(json.loads(feedd.ctl("status", "--json", check=0).stdout), dict)
    listed = feedd.ctl("feeds", check=0).stdout
    assert "a" in listed.split() and "b" in listed.split()
    json.loads(feedd.ctl("feeds", "--json", check=0).stdout)
    shown = feedd.ctl("show", "a", check=0).stdout
    assert feed.url in shown and "The feed's title" in shown
    assert "\x1b[" not in listed + shown, "colour is for terminals"
    assert feedd.ctl("failed", check=0).stdout == ""
    assert json.loads(feedd.ctl("failed", "--json", check=0).stdout) == {"failed": []}
    assert feedd.ctl("show", "nobody").returncode == 1
    assert feedd.ctl("poll", "nobody").returncode == 1
    assert feedd.ctl("why", "a", check=0).stdout
    feed.add(item(2))
    feedd.ctl("poll", "--force", "a", check=0)
    wait_for(lambda: hook.calls, "the call of the hook")
    why = feedd.ctl("why", hook.seqs[0], check=0).stdout
    assert "out" in why
    assert "Article 2" in feedd.ctl("items", check=0).stdout
    found = feedd.ctl("items", "--search", "Article", "--limit", "1", "--json", check=0).stdout
    assert "Article" in found
    feedd.ctl("test", "out", check=0)
    wait_for(lambda: len(hook.calls) == 2, "the sample event")


def test_status_is_for_people(server, feedd):
    feed, hook = server.feed("/a.xml", items(1, 2, 3)), feedd.hook()
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}, "b": server.url("/missing")},
                    notify={"out": {"exec": [hook]}}).start()
    wait_for(lambda: len(hook.calls) == 3, "three calls of the hook")
    wait_for(lambda: feedd.get("/v1/status").json()["polls_total"] == 2, "two polls")
    wait_for(lambda: feedd.get("/v1/status").json()["notifiers"][0]["delivered"] == 3, "three deliveries")
    feedd.ctl("follow", "--consumer", "bot", "--limit", "1", check=0)
    lines = feedd.ctl("status", check=0).stdout.splitlines()
    fields = {line[:18].strip(): line[19:] for line in lines if line}
    assert fields["feeds"] == "2: 1 ok, 1 failing, 0 gone"
    assert fields["polls"] == "2: 1 with news (50 %), 1 HTTP error (50 %)"
    assert fields["news"].startswith("3 new items, 0 updated")
    assert fields["log"].startswith("3 events (1 to 3)")
    assert fields["failing feeds"] == "b (1 error)"
    assert "out exec ok 3 0 3 0 0 -" in [" ".join(line.split()) for line in lines]
    assert any(line.split()[:3] == ["bot", "1", "2"] for line in lines)
    assert not any("_" in line for line in lines if str(feedd.state) not in line), "names of members are for --json"


def test_items_are_as_many_as_asked_for(server, feedd):
    """However large they are: the daemon gives a page of some MiB at a time."""
    long = [item(n, html="x" * 400_000) for n in range(1, 31)]
    feed = server.feed("/a.xml", long)
    feedd.configure(feeds={"a": {"url": feed.url}}).start()
    feedd.wait_items(30)
    assert len(feedd.get("/v1/items", limit=30).json()["items"]) < 30
    titles = [f"Article {n}" for n in range(30, 0, -1)]
    for wanted in (25, 30, 31):
        listed = json.loads(feedd.ctl("items", "--json", "--limit", wanted, check=0).stdout)
        assert [i["title"] for i in listed["items"]] == titles[:wanted]
        assert ("next_url" in listed) == (wanted < 30)
        if wanted < 30:
            way = listed["next_url"].removeprefix("http://feedd")
            assert [i["title"] for i in feedd.get(way).json()["items"]] == titles[wanted:]
        assert len(feedd.ctl("items", "--limit", wanted, check=0).stdout.splitlines()) == 1 + min(wanted, 30)
    assert len(feedd.ctl("items", check=0).stdout.splitlines()) == 1 + 30


def test_backup(server, feedd):
    feed = server.feed("/a.xml", items(1, 2, 3))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(3)
    copy = feedd.directory / "copy.db"
    feedd.ctl("backup", copy, check=0)
    done = subprocess.run(["sqlite3", copy, "PRAGMA integrity_check; SELECT count(*) FROM items"], capture_output=True,
                          text=True, timeout=20, check=True)
    assert done.stdout.split() == ["ok", "3"]
    # It holds all that was read, and takes nobody's place.
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    before = copy.read_bytes()
    assert "exists" in feedd.ctl("backup", copy, check=1).stderr
    dangling = feedd.directory / "dangling"
    dangling.symlink_to(feedd.directory / "nowhere")
    feedd.ctl("backup", dangling, check=1)
    assert copy.read_bytes() == before and not (feedd.directory / "nowhere").exists()


def test_a_backup_while_articles_come(server, feedd):
    """Sound, and of one moment: with each event its article."""
    feed = server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(1)
    for n in range(2, 200, 20):
        feed.add(*items(*range(n, n + 20)))
        feedd.poll("a")
        copy = feedd.directory / f"copy{n}.db"
        feedd.ctl("backup", copy, check=0)
        with contextlib.closing(sqlite3.connect(copy)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            stored, told = db.execute("SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM events)").fetchone()
            assert stored % 20 == 1 and told == stored - 1


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "no room"])
def test_a_backup_that_ends_early_leaves_no_half_of_one(server, feedd, killed):
    feed = server.feed("/a.xml", items(*range(300)))
    feedd.configure(feeds={"a": feed.url}).start()
    feedd.wait_items(300)
    copy = feedd.directory / "copy.db"
    limit = 40960
    assert (feedd.state / "feedd.db").stat().st_size + (feedd.state / "feedd.db-wal").stat().st_size > limit

    def bound():
        """The signal that comes at a file of this size kills; where it is ignored, nothing more can be written."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)

    done = subprocess.run([BUILD / "feedctl", "-s", feedd.socket, "backup", copy], capture_output=True, timeout=30 * SLOW,
                          preexec_fn=bound)
    assert done.returncode == (-signal.SIGXFSZ if killed else 1), done.stderr
    assert not copy.exists() and (killed or not copy.with_name("copy.db.part").exists())
    feedd.ctl("backup", copy, check=0)
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM items").fetchall() == [(300,)]
    assert not copy.with_name("copy.db.part").exists()


def test_parse_needs_no_daemon(feedd):
    done = feedd.ctl("parse", "-", input=rss(items(1, 2)).decode(), check=0)
    parsed = json.loads(done.stdout)
    assert parsed["version"] == "https://jsonfeed.org/version/1.1"
    assert [i["title"] for i in parsed["items"]] == ["Article 2", "Article 1"]
    assert parsed["_feedd"]["format"] == "rss-2.0"
    assert done.stdout.count("\n") == 1
    file = feedd.directory / "f.xml"
    file.write_bytes(rss(items(1)))
    assert json.loads(feedd.ctl("parse", file, check=0).stdout)["items"]
    assert feedd.ctl("parse", "-", input="no feed at all").returncode == 1
    assert feedd.ctl("parse", feedd.directory / "missing").returncode == 1


def test_parse_of_an_address_uses_the_daemon_s_fetcher(server, feedd):
    feed = server.feed("/a.xml", items(1))
    assert json.loads(feedd.ctl("parse", feed.url, check=0).stdout)["items"][0]["title"] == "Article 1"
    server.answer("/x", status=500)
    assert feedd.ctl("parse", server.url("/x")).returncode == 1


def test_import_makes_a_configuration(feedd):
    file = feedd.directory / "in.opml"
    file.write_text(opml([("Folder", [('A "quoted" feed', "https://example.org/a?x=1&y=2")])]))
    (feedd.directory / "mine.conf").write_text(feedd.ctl("import", file, check=0).stdout)
    feedd.configure(extra='include("mine.conf")\n')
    assert feedd.run("--check").returncode == 0
    assert "https://example.org/a?x=1&y=2" in (feedd.directory / "mine.conf").read_text()
    assert "Folder" in (feedd.directory / "mine.conf").read_text()
