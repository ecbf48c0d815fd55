"""feedd as PID 1, as it is in a container: it passes signals on and reaps what others leave behind."""
import os
import pathlib
import signal
import subprocess

import pytest
from support.feeds import item, items
from support.wait import SLOW, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode != 0,
                                reason="needs root and PID namespaces")


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def states(pid):
    """State letters of all that PID 1 has to look after."""
    return [pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] for child in children(pid)]


def test_pid_1_stops_reloads_and_reaps(server, feedd, tmp_path):
    hook = tmp_path / "hook"
    # What it leaves behind ends when the test lets it, as an orphan.
    os.mkfifo(tmp_path / "end")
    hook.write_text(f"#!/bin/sh\ncat >{tmp_path}/event\n(read -r word <{tmp_path}/end; touch {tmp_path}/ended) >/dev/null 2>&1 &\n")
    hook.chmod(0o755)
    feed = server.feed("/a", items(1))
    feedd.configure(feeds={"a": feed.url}, notify={"out": {"exec": [hook]}})
    with open(feedd.log_file, "ab") as log:
        namespace = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", *feedd.command()], stderr=log)
    try:
        feedd.process = namespace
        wait_for(feedd._answers_or_died, "an answer on the socket")
        init = wait_for(lambda: children(namespace.pid), "PID 1")[0]
        feedd.wait_items(1)
        feed.add(item(2))
        feedd.polled("a", feed)
        wait_for(lambda: len(states(init)) == 2, "an orphan")
        (tmp_path / "end").write_text("now\n")
        wait_for(lambda: (tmp_path / "ended").exists(), "its end")
        wait_for(lambda: len(states(init)) == 1 and "Z" not in states(init), "that it was reaped")
        os.kill(init, signal.SIGHUP)
        wait_for(lambda: "reloaded" in feedd.log, "the reload")
        os.kill(init, signal.SIGTERM)
        assert namespace.wait(15 * SLOW) == 0
    finally:
        namespace.kill()
        namespace.wait()
        feedd.process = None
