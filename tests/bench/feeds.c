/* feeds.c - see feeds.h. */
#include "feeds.h"

static const char *const words[] = {"the", "new", "release", "of", "a", "small", "daemon", "reads",
	"every", "feed", "and", "tells", "scripts", "about", "news", "from", "all", "over", "world",
	"with", "less", "delay", "than", "before", "while", "servers", "rest", "in", "peace",
	"until", "morning", "comes"};

static unsigned
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
put_words(struct buf *out, uint32_t *seed, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? " " : "", words[next(seed) % ARRAY_SIZE(words)]);
}

/* 2.6 KB: a title, a link, a date, a text of six paragraphs with links and an image, escaped as
 * feeds have it. */
static void
put_item(struct buf *out, unsigned feed, unsigned item)
{
	uint32_t seed = feed * 7919 + item * 104729 + 1;

	buf_puts(out, "<item><title>");
	put_words(out, &seed, 8);
	buf_printf(out,
		"</title><link>https://news%u.example.org/articles/%u</link>"
		"<guid isPermaLink=\"false\">tag:news%u.example.org,2026:%u</guid>"
		"<pubDate>Mon, %02u Jun 2026 %02u:%02u:00 GMT</pubDate><dc:creator>Author "
		"%u</dc:creator>"
		"<category>news</category><description>",
		feed, item, feed, item, item % 28 + 1, item % 24, feed % 60, seed % 7);
	for (unsigned i = 0; i < 6; i++) {
		buf_puts(out, "&lt;p&gt;");
		put_words(out, &seed, 56);
		buf_printf(out,
			" &lt;a href=\"https://news%u.example.org/%u\"&gt;more &amp;amp; "
			"more&lt;/a&gt;.&lt;/p&gt;\n",
			feed, i);
	}
	buf_puts(out, "</description></item>\n");
}

unsigned
bench_version(unsigned n, unsigned version)
{
	return n % 10 == 0 ? version : 0;
}

void
bench_feed(struct buf *out, unsigned n, unsigned version)
{
	unsigned items = 15 + n % 17 + bench_version(n, version);

	buf_printf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" "
		"xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
		"<channel><title>Feed "
		"%u</title><link>https://news%u.example.org/</link><description>News</"
		"description>\n",
		n, n);
	for (unsigned i = items; i > items - (15 + n % 17); i--)
		put_item(out, n, i);
	buf_puts(out, "</channel></rss>\n");
}
