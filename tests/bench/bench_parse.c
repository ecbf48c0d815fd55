/*
 * bench_parse.c - how fast feeds are read, beside bare libxml2 SAX over the same bytes in the same
 * run.
 *
 *     bench_parse [FILE...]
 *
 * Without files it makes feeds of its own: Atom and RSS with escaped HTML, CDATA and XHTML. One
 * line a document and kind: MB/s and feeds/s of parse_feed() to the finished document, MB/s of SAX,
 * their ratio, and the arena's size by that of the body.
 */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/mem.h"
#include "feedd/parse.h"

#define ITEMS 100
#define BODY_MAX ((size_t)64 << 20)
#define ROUND_SECONDS 0.3

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
nothing_start(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	(void)user, (void)local, (void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
}

static void
nothing_end(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	(void)user, (void)local, (void)prefix, (void)uri;
}

static void
nothing_text(void *user, const xmlChar *text, int len)
{
	(void)user, (void)text, (void)len;
}

static void
sax(const char *data, size_t len)
{
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = nothing_start,
		.endElementNs = nothing_end,
		.characters = nothing_text,
		.cdataBlock = nothing_text,
	};
	xmlParserCtxtPtr xml = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);

	xmlCtxtUseOptions(
		xml, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
	for (size_t at = 0; at < len; at += 16384)
		xmlParseChunk(xml, data + at, (int)(len - at < 16384 ? len - at : 16384), 0);
	xmlParseChunk(xml, NULL, 0, 1);
	xmlFreeParserCtxt(xml);
}

/* Bytes of the arena, 0 where it is no feed. */
static size_t
feed(const char *data, size_t len)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct parse_input input = {.data = data, .len = len, .url = "https://example.org/feed"};
	struct document *document;
	const char *error;

	return parse_feed(&input, &arena, &document, &error) < 0 ? 0 : arena.total;
}

static void
measure(const char *name, const char *data, size_t len)
{
	size_t arena = feed(data, len);
	double sax_time = 0, feed_time = 0;
	size_t n = 0;

	if (!arena) {
		printf("%-28s no feed\n", name);
		return;
	}
	/* In turns, so that a busy machine slows both. */
	while (sax_time < ROUND_SECONDS || feed_time < ROUND_SECONDS) {
		double start = now();

		sax(data, len);
		double middle = now();
		(void)!feed(data, len);
		feed_time += now() - middle;
		sax_time += middle - start;
		n++;
	}
	double mb = (double)len * (double)n / 1e6;
	printf("%-28s %8.0f KB  parse %6.0f MB/s %8.0f feeds/s  sax %6.0f MB/s  ratio %3.0f %%  "
	       "arena %4.2f\n",
		name, (double)len / 1e3, mb / feed_time, (double)n / feed_time, mb / sax_time,
		100 * sax_time / feed_time, (double)arena / (double)len);
}

static const char paragraph[] =
	"&lt;p&gt;The quick brown fox &lt;a href=\"https://example.org/a?b=1&amp;amp;c=2\"&gt;jumps"
	"&lt;/a&gt; over the lazy dog, again and again, as long as there is something to be told "
	"of "
	"it. Caf\xc3\xa9 na\xc3\xafve.&lt;/p&gt;\n";
static const char plain[] =
	"<p>The quick brown fox <a href=\"https://example.org/a?b=1&amp;c=2\">jumps</a> over the "
	"lazy dog, "
	"again and again, as long as there is something to be told of it. Caf\xc3\xa9 "
	"na\xc3\xafve.</p>\n";

static void
put_text(struct buf *out, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		buf_puts(out, text);
}

static void
make_rss(struct buf *out, bool cdata, int times)
{
	buf_puts(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" "
		"xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" "
		"xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
		"<channel><title>A feed</title><link>https://example.org/</link><description>Of "
		"news</description>\n");
	for (int i = 0; i < ITEMS; i++) {
		buf_printf(out,
			"<item>\n<title>Item number %d &amp;amp; "
			"more</title>\n<link>https://example.org/item/%d</link>\n",
			i, i);
		buf_printf(out,
			"<guid "
			"isPermaLink=\"false\">tag:example.org,2026:%d</guid>\n<dc:creator>Ann</"
			"dc:creator>\n",
			i);
		buf_puts(out,
			"<pubDate>Mon, 23 Nov 2026 20:17:00 "
			"GMT</pubDate>\n<category>news</category>\n<description>");
		put_text(out, cdata ? "Short" : paragraph, cdata ? 1 : times);
		buf_puts(out, "</description>\n");
		if (cdata) {
			buf_puts(out, "<content:encoded><![CDATA[");
			put_text(out, plain, times);
			buf_puts(out, "]]></content:encoded>\n");
		}
		buf_puts(out, "</item>\n");
	}
	buf_puts(out, "</channel></rss>\n");
}

static void
make_atom(struct buf *out, bool xhtml, int times)
{
	buf_puts(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed "
		"xmlns=\"http://www.w3.org/2005/Atom\"><title>A feed</title>"
		"<link "
		"href=\"https://example.org/\"/><id>tag:example.org,2026:f</"
		"id><updated>2026-11-23T20:17:00Z</updated>\n");
	for (int i = 0; i < ITEMS; i++) {
		buf_printf(out,
			"<entry>\n<title>Item number %d</title>\n<link "
			"href=\"https://example.org/item/%d\"/>\n",
			i, i);
		buf_printf(out,
			"<id>tag:example.org,2026:%d</id>\n<updated>2026-11-23T20:17:00Z</"
			"updated>\n",
			i);
		buf_puts(out, "<author><name>Ann</name></author>\n");
		buf_puts(out,
			xhtml ? "<content type=\"xhtml\"><div "
				"xmlns=\"http://www.w3.org/1999/xhtml\">"
			      : "<content type=\"html\">");
		put_text(out, xhtml ? plain : paragraph, times);
		buf_puts(out, xhtml ? "</div></content>\n</entry>\n" : "</content>\n</entry>\n");
	}
	buf_puts(out, "</feed>\n");
}

static void
measure_made(void)
{
	for (int kind = 0; kind < 8; kind++) {
		static const char *const names[] = {
			"rss escaped", "rss cdata", "atom escaped", "atom xhtml"};
		AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
		char name[64];
		int times = kind < 4 ? 3 : 30;

		if (kind % 4 < 2)
			make_rss(&body, kind % 4 == 1, times);
		else
			make_atom(&body, kind % 4 == 3, times);
		snprintf(
			name, sizeof(name), "%s, %s", names[kind % 4], kind < 4 ? "short" : "long");
		measure(name, body.data, body.len);
	}
}

static void
measure_file(const char *path)
{
	FILE *file = fopen(path, "re");
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
	char chunk[65536];
	size_t n;

	if (!file) {
		perror(path);
		return;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_append(&body, chunk, n);
	fclose(file);
	const char *name = strrchr(path, '/');
	if (body.data)
		measure(name ? name + 1 : path, body.data, body.len);
}

int
main(int argc, char **argv)
{
	parse_init();
	if (argc == 1)
		measure_made();
	for (int i = 1; i < argc; i++)
		measure_file(argv[i]);
	parse_fini();
	return 0;
}
