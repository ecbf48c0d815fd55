"""Hooks that fail, hang, are missing; and that none of it holds up anybody else."""
import json
import os
import signal

from support.feeds import item, items
from support.wait import stays, wait_for


def running_sleeps(marker):
    """Processes with this argument."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if marker.encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            continue
    return found


def prepare(server, feedd, hook, **options):
    feed = server.feed("/a.xml", items(1))
    other = feedd.hook("other")
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook], **options}, "other": {"exec": [other]}})
    feedd.start()
    feedd.wait_items(1)
    return feed, other


def test_a_failing_hook_is_called_again(server, feedd):
    hook = feedd.hook()
    hook.exits(1)
    feed, other = prepare(server, feedd, hook)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the first call")
    hook.exits(None)
    wait_for(lambda: len(hook.calls) == 2, "the second call", 20)
    assert hook.calls[0].event == hook.calls[1].event
    assert 3.5 <= hook.calls[1].at - hook.calls[0].at <= 12
    assert len(other.calls) == 1
    assert feedd.ctl("failed", check=0).stdout.count("Article 2") == 0


def test_retries_used_up_it_is_set_aside_and_can_be_sent_again(server, feedd):
    hook = feedd.hook()
    hook.exits(3)
    feed, other = prepare(server, feedd, hook, retries=0)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls and other.calls, "both calls")
    seq = str(hook.seqs[0])

    def line():
        return next((l.split() for l in feedd.ctl("failed", check=0).stdout.splitlines() if l.split()[0] == seq), None)

    assert wait_for(line, "the line in `feedctl failed`")[1] == "out"
    # It does not hold up the next one.
    hook.exits(None)
    feed.add(item(3))
    feedd.poll("a")
    wait_for(lambda: "Article 3" in hook.titles, "the next article")
    feedd.ctl("retry", seq, check=0)
    wait_for(lambda: hook.titles.count("Article 2") == 2, "the call after `feedctl retry`")
    wait_for(lambda: line() is None, "nothing set aside any more")


def test_a_failure_is_one_whatever_the_parent_ignores(server, feedd):
    """Who ignores SIGCHLD has children whose exit status nobody learns, and what is ignored is inherited."""
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    hook.exits(1)
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook], "retries": 0}})
    feedd.start(preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    feedd.wait_items(1)
    feed.add(item(2))
    feedd.polled("a", feed)
    wait_for(lambda: "exit status 1" in feedd.ctl("failed", check=0).stdout, "the line in `feedctl failed`")


def test_exit_75_uses_up_no_retry(server, feedd):
    hook = feedd.hook()
    hook.exits(75)
    feed, _ = prepare(server, feedd, hook, retries=0)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the first call")
    hook.exits(None)
    wait_for(lambda: len(hook.calls) == 2, "the second call", 20)


# limit: call
def test_a_hanging_hook_is_killed_with_its_children(server, feedd):
    hook = feedd.hook()
    marker = f"{30000 + os.getpid() % 10000}.5"
    hook.sleeps(marker)
    feed, other = prepare(server, feedd, hook, timeout="1s")
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls and other.calls, "both calls")
    wait_for(lambda: running_sleeps(marker), "the child of the hook")
    wait_for(lambda: not running_sleeps(marker), "its end", 15)
    hook.sleeps(None)
    wait_for(lambda: len(hook.calls) == 2, "the second call", 20)


def test_a_hanging_hook_holds_up_no_other_notifier(server, feedd):
    hook = feedd.hook()
    hook.sleeps(60)
    feed, other = prepare(server, feedd, hook, concurrency=1)
    for n in range(2, 6):
        feed.add(item(n))
    feedd.poll("a")
    wait_for(lambda: len(other.calls) == 4, "all calls of the other notifier")
    assert len(hook.calls) <= 1


def test_a_missing_program_is_a_failed_delivery_and_no_fault_of_the_configuration(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    missing = feedd.directory / "missing"
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [missing], "retries": 0}, "other": {"exec": [hook]}})
    assert feedd.run("--check").returncode == 0
    feedd.start()
    feedd.wait_items(1)
    feed.add(item(2))
    feedd.poll("a")
    wait_for(lambda: hook.calls, "the call of the other")
    wait_for(lambda: "out" in feedd.ctl("failed", check=0).stdout, "the line in `feedctl failed`")


def test_no_shell_and_no_secrets(server, feedd):
    feed, hook = server.feed("/a.xml", items(1)), feedd.hook()
    evil = "$(touch pwned) `touch pwned` ; touch pwned \"quoted\" 'single'"
    feedd.environment["CREDENTIALS_DIRECTORY"] = str(feedd.directory)
    feedd.environment["LD_LIBRARY_PATH"] = ""
    dump = feedd.directory / "dump"
    dump.write_text('#!/bin/sh\nenv >"$0.env"; cat >"$0.in"; mv "$0.env" "$0.done"\n')
    dump.chmod(0o755)
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook, "$HOME", "*"]}, "dump": {"exec": [dump]}})
    feedd.start()
    feedd.wait_items(1)
    feed.add(item(2, title=evil))
    feedd.poll("a")
    call = wait_for(lambda: hook.calls, "the call of the hook")[0]
    assert call.args == ["$HOME", "*"]
    assert call.env["FEEDD_TITLE"] == evil
    done = feedd.directory / "dump.done"
    wait_for(done.exists, "the environment")
    names = {line.split("=")[0] for line in done.read_text().splitlines()}
    assert names & {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC", "JOURNAL_STREAM"} == set()
    assert not list(feedd.directory.glob("**/pwned"))


def test_a_hook_that_reads_nothing_has_been_told(server, feedd):
    feed = server.feed("/a.xml", items(1))
    quiet = feedd.directory / "quiet"
    quiet.write_text('#!/bin/sh\nexec <&-\necho x >>"$0.calls"\n')
    quiet.chmod(0o755)
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [quiet]}})
    feedd.start()
    feedd.wait_items(1)
    feed.add(item(2, html="<p>" + "long " * 100000 + "</p>"))
    feedd.poll("a")
    calls = feedd.directory / "quiet.calls"
    wait_for(lambda: calls.exists() and calls.read_text(), "the call")
    assert stays(lambda: calls.read_text() == "x\n", 7), "it was called again"


def test_a_hook_reads_on_when_the_daemon_is_killed(server, feedd):
    feed = server.feed("/a.xml", items(1))
    slow = feedd.directory / "slow"
    slow.write_text('#!/bin/sh\nhead -c 1000 >"$0.part"\ntouch "$0.begun"\n'
                    'for i in $(seq 600); do [ -e "$0.go" ] && break; sleep 0.1; done\ncat >>"$0.part"; mv "$0.part" "$0.done"\n')
    slow.chmod(0o755)
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [slow]}})
    feedd.start()
    feedd.wait_items(1)
    feed.add(item(2, html="<p>" + "long " * 200000 + "</p>"))
    feedd.poll("a")
    wait_for((feedd.directory / "slow.begun").exists, "the first bytes at the hook")
    feedd.kill9()
    (feedd.directory / "slow.go").touch()
    wait_for((feedd.directory / "slow.done").exists, "the end of the hook")
    text = (feedd.directory / "slow.done").read_text()
    assert text.endswith("}\n") and len(text) > 1000000
    assert json.loads(text)["title"] == "Article 2"


MISBEHAVING = {
    "hang": "sleep {marker}\n",
    "fork": "for n in 1 2 3 4 5 6; do sleep {marker} & done\nwait\n",
    "crash": "kill -SEGV $$\n",
    "deaf": "exec <&-\nsleep 0.2\n",
    "spew": "exec yes {marker}\n",
    "fail": "exit 1\n",
    "stubborn": "trap '' TERM\nwhile :; do sleep {marker}; done\n",
    "missing": None,
}


def children(pid):
    """State of each process that feedd has started and not yet reaped."""
    found = {}
    for child in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{child}/stat", encoding="utf-8", errors="replace") as f:
                state, parent = f.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid:
            found[child] = state
    return found


# limit: calls
def test_everything_that_hooks_can_do_wrong_at_once(server, feedd):
    marker = f"{40000 + os.getpid() % 10000}.25"
    notify = {}
    for name, text in MISBEHAVING.items():
        path = feedd.directory / name
        if text:
            path.write_text("#!/bin/sh\n" + text.format(marker=marker))
            path.chmod(0o755)
        notify[name] = {"exec": [path], "timeout": "2s" if name == "spew" else "1h"}
    good, feed = feedd.hook("good"), server.feed("/a.xml", items(1))
    feedd.configure(feeds={"a": feed.url}, notify={**notify, "good": {"exec": [good]}}, top={"shutdown_timeout": "2s"}).start()
    feedd.wait_items(1)
    feed.add(*[item(n, html="<p>" + "text " * 20000) for n in range(31, 1, -1)])
    feedd.polled("a", feed)
    most = 0

    def all_told():
        nonlocal most
        most = max(most, len(children(feedd.process.pid)))
        return len(good.titles) == 30

    wait_for(all_told, "all calls of the healthy hook", 30)
    assert sorted(good.titles) == sorted(f"Article {n}" for n in range(2, 32))
    assert most <= 4 * (len(MISBEHAVING) + 1)
    wait_for(lambda: "Z" not in children(feedd.process.pid).values(), "no zombies", 3)
    status = {n["name"]: n for n in feedd.get("/v1/status").json()["notifiers"]}
    assert status["good"]["delivered"] == 30 and status["missing"]["delivered"] == status["crash"]["delivered"] == 0
    assert running_sleeps(marker)
    feedd.stop(timeout=10)
    wait_for(lambda: not running_sleeps(marker), "the end of all that they started", 3)
