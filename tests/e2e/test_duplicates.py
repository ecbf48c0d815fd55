"""The same article in several feeds, told once where a notifier asks for that."""
from support.feeds import item, items
from support.wait import wait_for

TEXT = "<p>" + " ".join(f"word{n}" for n in range(120)) + "</p>"


def start(server, feedd, hook, **options):
    a, b = server.feed("/a", items(1)), server.feed("/b", items(2))
    feedd.configure(feeds={"a": server.url("/a"), "b": server.url("/b")},
                    notify={"out": {"exec": [hook], "duplicates": "suppress", **options}}).start()
    feedd.wait_items(1, "a")
    feedd.wait_items(1, "b")
    return a, b


def tell(feedd, feed, name, entry):
    feed.add(entry)
    feedd.polled(name, feed)


def test_the_same_address_is_told_once(server, feedd):
    hook = feedd.hook()
    a, b = start(server, feedd, hook)
    tell(feedd, a, "a", item(10, id="a10", url="https://news.example.org/10?utm_source=a", title="From a"))
    wait_for(lambda: hook.titles == ["From a"], "the first")
    tell(feedd, b, "b", item(11, id="b10", url="https://www.news.example.org/10", title="From b"))
    tell(feedd, b, "b", item(12, id="b12", title="Another"))
    wait_for(lambda: hook.titles == ["From a", "Another"], "what follows, without the repetition")
    assert [e["title"] for e in feedd.events()] == ["From a", "From b", "Another"]  # the log has all


def test_the_same_long_text_is_told_once_and_a_short_one_is_not_compared(server, feedd):
    hook = feedd.hook()
    a, b = start(server, feedd, hook, concurrency=1)
    tell(feedd, a, "a", item(10, id="a10", html=TEXT, title="Long"))
    tell(feedd, b, "b", item(11, id="b11", html=TEXT.replace(" ", "\n"), title="Long again"))
    tell(feedd, a, "a", item(12, id="a12", html="<p>short</p>", title="Short"))
    tell(feedd, b, "b", item(13, id="b13", html="<p>short</p>", title="Short again"))
    wait_for(lambda: "Short again" in hook.titles, "the last")
    assert hook.titles == ["Long", "Short", "Short again"]


def test_the_event_names_the_other_places(server, feedd):
    hook = feedd.hook()
    hook.exits(1)
    a, b = start(server, feedd, hook, retries=1)
    tell(feedd, a, "a", item(10, id="a10", url="https://news.example.org/10", title="From a"))
    wait_for(lambda: hook.calls, "the first try")
    hook.exits(None)
    tell(feedd, b, "b", item(11, id="b10", url="https://news.example.org/10", title="From b"))
    wait_for(lambda: len(hook.calls) == 2, "the second try", 20)
    event = hook.calls[1].event
    assert event["_feedd"]["also"] == [{"feed": "b", "url": "https://news.example.org/10"}]


def test_what_was_not_told_does_not_count(server, feedd):
    """The repetition alone is in the feeds that this notifier has."""
    hook = feedd.hook()
    a, b = start(server, feedd, hook, feeds=["b"])
    tell(feedd, a, "a", item(10, id="a10", url="https://news.example.org/10", title="From a"))
    tell(feedd, b, "b", item(11, id="b10", url="https://news.example.org/10", title="From b"))
    wait_for(lambda: hook.titles == ["From b"], "the article")
