"""feedctl discover: what a page announces, and where feeds are when it does not say."""
import json

from support.feeds import items

WELL_KNOWN = ["/feed", "/rss", "/atom.xml", "/feed.xml", "/rss.xml", "/index.xml", "/feed.json"]
BARE = b"<!doctype html><html><head><title>A page</title></head><body><p>Nothing to see</p></body></html>"
ANNOUNCING = b"""<!doctype html><html><head><title>A page</title>
<link rel="alternate" type="application/rss+xml" title="Comments on this page" href="/comments.xml">
<link rel="alternate" type="application/atom+xml" title="All" href="all.atom">
</head><body></body></html>"""


def page(server, path, body):
    server.answer(path, body, headers={"Content-Type": "text/html"})
    return server.url(path)


def paths(server):
    return [request.path for request in server.requests]


def test_announced_feeds_are_named_and_nothing_else_is_asked(server, feedd):
    server.feed("/feed", items(1))
    url = page(server, "/dir/page", ANNOUNCING)
    found = [json.loads(line) for line in feedd.ctl("discover", "--json", url, check=0).stdout.splitlines()]
    assert {feed["url"]: feed["title"] for feed in found} == {
        server.url("/dir/all.atom"): "All", server.url("/comments.xml"): "Comments on this page"}
    ranks = [feed["rank"] for feed in found]
    assert ranks == sorted(ranks, reverse=True)
    assert paths(server) == ["/dir/page"]


def test_well_known_paths_are_the_last_resort(server, feedd):
    url = page(server, "/dir/page", BARE)
    page(server, "/feed", BARE)  # answers, but is no feed
    server.feed("/atom.xml", items(1), format="atom", title="Of Atom")
    server.feed("/feed.json", items(1), format="json", title="Of JSON")
    done = feedd.ctl("discover", url, check=0)
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        [server.url("/atom.xml"), "atom-1.0", "Of Atom"], [server.url("/feed.json"), "json-1.1", "Of JSON"]]
    assert paths(server) == ["/dir/page"] + WELL_KNOWN


def test_a_page_without_any_feed(server, feedd):
    done = feedd.ctl("discover", page(server, "/page", BARE), check=1)
    assert done.stdout == ""
    assert "no feed is announced" in done.stderr
    assert paths(server) == ["/page"] + WELL_KNOWN


def test_a_file_has_no_host_to_ask(server, feedd, tmp_path):
    (tmp_path / "page.html").write_bytes(BARE)
    assert feedd.ctl("discover", tmp_path / "page.html", check=1).stdout == ""
    (tmp_path / "page.html").write_bytes(ANNOUNCING.replace(b'href="all.atom"', f'href="{server.url("/x")}"'.encode()))
    assert server.url("/x") in feedd.ctl("discover", tmp_path / "page.html", check=0).stdout
    assert paths(server) == []


def test_a_feed_names_itself(server, feedd):
    feed = server.feed("/a.xml", items(1), title="Sample")
    done = feedd.ctl("discover", "--json", feed.url, check=0)
    assert json.loads(done.stdout)["url"] == feed.url
    assert paths(server) == ["/a.xml"]
    assert feedd.ctl("discover", feed.url, "--json", check=0).stdout == done.stdout
