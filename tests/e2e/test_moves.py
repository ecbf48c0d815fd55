"""A feed with secrets and an address that moves."""
import pytest
from support.polls import column, edit, poll, rss_answer, started
from support.server import Server


@pytest.fixture
def elsewhere():
    other = Server()
    yield other
    other.stop()


@pytest.mark.parametrize("secret", [{"username": "me", "password": "secret"}, {"headers": ["X-Key: secret"]}])
def test_secrets_move_to_another_origin_by_command_only(server, elsewhere, feedd, secret):
    target = elsewhere.url("/b")
    server.answer("/a", status=301, headers={"Location": target})
    elsewhere.script("/b", rss_answer())
    started(feedd, feeds={"a": {"url": server.url("/a"), **secret}}, top={"accept_moves_after": "7d"})
    feedd.stop()
    edit(feedd, "moved_since = moved_since - 8 * 86400")
    feedd.start()
    poll(feedd)
    assert column(feedd, "moved_to") == target and column(feedd, "accepted_url") is None
    assert not any("secret" in str(value) or name == "Authorization" for r in elsewhere.requests for name, value in r.headers.items())
    feedd.ctl("accept-move", "a", check=0)
    assert column(feedd, "accepted_url") == target


def test_secrets_move_by_themselves_within_their_origin(server, feedd):
    server.answer("/a", status=301, headers={"Location": "/b"})
    server.script("/b", rss_answer())
    started(feedd, feeds={"a": {"url": server.url("/a"), "username": "me", "password": "secret"}}, top={"accept_moves_after": "7d"})
    feedd.stop()
    edit(feedd, "moved_since = moved_since - 8 * 86400")
    feedd.start()
    poll(feedd)
    assert column(feedd, "accepted_url") == server.url("/b")


def test_a_feed_that_has_not_moved_has_nothing_to_accept(server, feedd):
    server.script("/a", rss_answer())
    started(feedd, feeds={"a": server.url("/a")})
    done = feedd.ctl("accept-move", "a", check=1)
    assert "has not moved" in done.stderr
