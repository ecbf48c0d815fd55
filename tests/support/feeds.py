"""feeds.py - feed documents of every common format, made from plain items."""
import dataclasses
import datetime
import json
from xml.sax.saxutils import escape, quoteattr

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


@dataclasses.dataclass
class Item:
    """An article. `at`: unix seconds or None for no date."""
    id: str
    title: str
    url: str = ""
    html: str = ""
    at: float = None
    tags: tuple = ()


def item(n, title=None, **more):
    """The n-th article of a made-up feed: dated n minutes after an epoch, with a link and a text of its own."""
    at = EPOCH + datetime.timedelta(minutes=n)
    fields = {
        "id": f"urn:item:{n}",
        "title": title or f"Article {n}",
        "url": f"https://example.org/articles/{n}",
        "html": f"<p>Text of article {n}.</p>",
        "at": at.timestamp(),
    }
    return Item(**{**fields, **more})


def items(*numbers):
    """Articles of these numbers, newest first as feeds have them."""
    return [item(n) for n in sorted(numbers, reverse=True)]


def _rfc822(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _rfc3339(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def rss(entries, title="Sample", link="https://example.org/"):
    """RSS 2.0."""
    out = [f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>{escape(title)}</title>'
           f"<link>{escape(link)}</link><description>A sample</description>"]
    for e in entries:
        out.append(f'<item><guid isPermaLink="false">{escape(e.id)}</guid><title>{escape(e.title)}</title>')
        if e.url:
            out.append(f"<link>{escape(e.url)}</link>")
        if e.html:
            out.append(f"<description>{escape(e.html)}</description>")
        if e.at is not None:
            out.append(f"<pubDate>{_rfc822(e.at)}</pubDate>")
        out.extend(f"<category>{escape(t)}</category>" for t in e.tags)
        out.append("</item>\n")
    return ("".join(out) + "</channel></rss>\n").encode()


def atom(entries, title="Sample", link="https://example.org/"):
    """Atom 1.0."""
    out = [f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(title)}</title>'
           f"<id>urn:feed:sample</id><link href={quoteattr(link)}/><updated>2026-01-01T00:00:00Z</updated>"]
    for e in entries:
        out.append(f"<entry><id>{escape(e.id)}</id><title>{escape(e.title)}</title>")
        if e.url:
            out.append(f"<link href={quoteattr(e.url)}/>")
        if e.html:
            out.append(f'<content type="html">{escape(e.html)}</content>')
        if e.at is not None:
            out.append(f"<published>{_rfc3339(e.at)}</published><updated>{_rfc3339(e.at)}</updated>")
        out.extend(f"<category term={quoteattr(t)}/>" for t in e.tags)
        out.append("</entry>\n")
    return ("".join(out) + "</feed>\n").encode()


def rdf(entries, title="Sample", link="https://example.org/"):
    """RSS 1.0."""
    out = ['<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
           'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
           f"<channel rdf:about={quoteattr(link)}><title>{escape(title)}</title><link>{escape(link)}</link>"
           "<description>A sample</description></channel>"]
    for e in entries:
        out.append(f"<item rdf:about={quoteattr(e.id)}><title>{escape(e.title)}</title><link>{escape(e.url)}</link>"
                   f"<description>{escape(e.html)}</description>")
        if e.at is not None:
            out.append(f"<dc:date>{_rfc3339(e.at)}</dc:date>")
        out.append("</item>\n")
    return ("".join(out) + "</rdf:RDF>\n").encode()


def json_feed(entries, title="Sample", link="https://example.org/"):
    """JSON Feed 1.1."""
    out = []
    for e in entries:
        members = {"id": e.id, "title": e.title, "url": e.url, "content_html": e.html, "tags": list(e.tags)}
        if e.at is not None:
            members["date_published"] = _rfc3339(e.at)
        out.append({k: v for k, v in members.items() if v})
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": link,
                       "items": out}).encode()


FORMATS = {
    "rss": (rss, "application/rss+xml; charset=utf-8"),
    "atom": (atom, "application/atom+xml"),
    "rdf": (rdf, "application/rdf+xml"),
    "json": (json_feed, "application/feed+json"),
}


def opml(outlines, title="Subscriptions"):
    """OPML 2.0: outlines are (text, url) pairs, or (folder, [pairs])."""
    def one(text, value):
        if isinstance(value, str):
            return f"<outline type=\"rss\" text={quoteattr(text)} xmlUrl={quoteattr(value)}/>"
        return f"<outline text={quoteattr(text)}>" + "".join(one(*o) for o in value) + "</outline>"

    body = "\n".join(one(*o) for o in outlines)
    return f'<?xml version="1.0"?>\n<opml version="2.0"><head><title>{escape(title)}</title></head>\n<body>{body}</body></opml>\n'
