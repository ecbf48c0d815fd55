"""The short form of soak.py: a few hundred feeds of every character, consumers, kills and reloads, and the same check at the end.

SOAK_SECONDS=7200 SOAK_FEEDS=2000 SOAK_INTERVAL=60 is the long form.
"""
import os
import random

from soak import arguments, soak
from support.soakjudge import judge
from support.wait import SLOW

SECONDS = os.environ.get("SOAK_SECONDS", str(60 * SLOW))
FEEDS = os.environ.get("SOAK_FEEDS", "300")
INTERVAL = os.environ.get("SOAK_INTERVAL", str(int(5 * SLOW)))
SEED = os.environ.get("SEED", str(random.randrange(1 << 30)))


def test_soak(tmp_path):
    # So much is published that there are as many news in a minute as in an hour of the long form.
    args = arguments(["--seconds", SECONDS, "--feeds", FEEDS, "--interval", INTERVAL, "--seed", SEED, "--pause", "2",
                      "--per-hour", str(480 / int(INTERVAL))])
    soak(args, tmp_path)
    text, sound = judge(tmp_path)
    print(text)
    assert sound, text
