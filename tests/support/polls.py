"""polls.py - polls of a daemon that runs: asking for them, waiting for them, and what the database says of them."""
import contextlib
import sqlite3

from .feeds import items, rss
from .server import Answer
from .wait import wait_for

PLAIN = {"Content-Type": "application/rss+xml"}


def rss_answer(numbers=(1,), **headers):
    """An RSS document with these articles; headers with _ for -."""
    return Answer(body=rss(items(*numbers)), headers={**PLAIN, **{k.replace("_", "-"): v for k, v in headers.items()}})


def row(feedd, name="a"):
    return feedd.get(f"/v1/feeds/{name}").json()


def column(feedd, what, name="a"):
    return feedd.sql(f"SELECT {what} FROM feeds WHERE name = ?", name)[0][0]


def poll(feedd, name="a", *more):
    """One more poll, stored."""
    before = column(feedd, "polls", name)
    feedd.ctl("poll", *more, name, check=0)
    wait_for(lambda: column(feedd, "polls", name) > before, f"a poll of {name}")


def started(feedd, count=1, **options):
    """Configures, starts, and waits until so many polls are stored."""
    feedd.configure(**options).start()
    wait_for(lambda: (feedd.sql("SELECT sum(polls) FROM feeds")[0][0] or 0) >= count, "the first polls")
    return feedd


def validators(request):
    return request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")


def wait_of_next(feedd, name="a"):
    """Seconds from the last poll to the next one, as the database has it."""
    last, after = feedd.sql("SELECT last_poll, next_poll FROM feeds WHERE name = ?", name)[0]
    return after - last


def edit(feedd, what):
    """Changes the rows of a stopped daemon: so time passes."""
    with contextlib.closing(sqlite3.connect(feedd.state / "feedd.db")) as db, db:
        db.execute(f"UPDATE feeds SET {what}")


def feed_events(feedd):
    """What the log says of the health of feeds."""
    return [e["_feedd"]["event"] for e in feedd.events() if e["_feedd"]["event"].startswith("feed.")]
