"""wait.py - deadlines. Tests wait for events; nothing here sleeps for luck."""
import os
import time

# Sanitizers, valgrind and small machines are slow: FEEDD_SLOW=4 makes every deadline four times as long.
SLOW = float(os.environ.get("FEEDD_SLOW", "1"))


def wait_for(predicate, what="the condition", timeout=15.0):
    """The first true value of predicate(), asked again and again; AssertionError when `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout * SLOW
    pause = 0.01
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {timeout * SLOW:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def stays(predicate, seconds=1.0):
    """True if predicate() holds all the time for so long: the way to test that something does not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not predicate():
            return False
        time.sleep(0.05)
    return bool(predicate())
