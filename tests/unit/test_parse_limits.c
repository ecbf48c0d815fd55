/* test_parse_limits.c - every limit of the parser is tripped once, and the message names it;
 * results do not depend on pieces. */
#include "parsing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/feed.h"

#define BODY_MAX ((size_t)64 << 20)

/* The document, or NULL with *ret_error. */
static struct document *
parse(const struct buf *body, const struct parse_limits *limits, const char **ret_error)
{
	struct parse_input input = {.data = body->data,
		.len = body->len,
		.url = "https://example.org/feed",
		.limits = limits};
	struct document *document = NULL;

	*ret_error = NULL;
	return parse_feed(&input, &arena, &document, ret_error) < 0 ? NULL : document;
}

/* The document, which there must be. */
static struct document *
must_parse(const struct buf *body, const struct parse_limits *limits)
{
	const char *error;
	struct document *document = parse(body, limits, &error);

	if (!document) {
		print_error("%s\n", error);
		abort();
	}
	return document;
}

static void
repeat(struct buf *body, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		buf_puts(body, text);
}

/* malloc'd: the text with the number for its "%d". */
static char *
replace_number(const char *text, int number)
{
	const char *at = strstr(text, "%d");

	return xasprintf("%.*s%d%s", (int)(at - text), text, number, at + 2);
}

static void
assert_refused(const struct buf *body, const char *words)
{
	const char *error;

	assert_null(parse(body, NULL, &error));
	assert_non_null(error);
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

/* limit: namespaces */
static void
namespaces_of_a_start_tag(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0'");
	for (int i = 0; i < 300; i++)
		buf_printf(&body, " xmlns:n%d='u:%d'", i, i);
	buf_puts(&body, "><channel/></rss>");
	assert_refused(&body, "more than 256 namespace declarations on one start tag");
}

/* limit: scope */
static void
namespaces_in_force(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0'><channel>");
	for (int depth = 0; depth < 3; depth++) {
		buf_puts(&body, "<a");
		for (int i = 0; i < 200; i++)
			buf_printf(&body, " xmlns:n%dx%d='u'", depth, i);
		buf_puts(&body, ">");
	}
	buf_puts(&body, "</a></a></a></channel></rss>");
	assert_refused(&body, "more than 512 namespaces in force at the same time");
}

/* limit: names */
static void
names_that_differ(void **state)
{
	static const char *const kinds[] = {"<n%d/>", "<a n%d=''/>", "<a xmlns='n%d'/>", "<?n%d ?>",
		"<item>&<n%d/></item>", "&n%d;"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

		buf_puts(&body, "<!DOCTYPE rss PUBLIC 'x' 'x.dtd'><rss version='2.0'><channel>");
		for (int k = 0; k < 12000; k++) {
			AUTO(freep) char *piece = replace_number(kinds[i], k);

			buf_puts(&body, piece);
		}
		buf_puts(&body, "</channel></rss>");
		assert_refused(&body, "more than 10000 different names");
	}
}

/* limit: attributes */
static void
attributes_of_a_start_tag(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0'");
	for (int i = 0; i < 1100; i++)
		buf_printf(&body, " a%d='1'", i);
	buf_puts(&body, "><channel/></rss>");
	assert_refused(&body, "more than 1000 attributes on one start tag");
}

/* limit: start-tag */
static void
size_of_a_start_tag(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0' a='");
	repeat(&body, "0123456789", 7000);
	buf_puts(&body, "'><channel/></rss>");
	assert_refused(&body, "a start tag of more than 65536 bytes");
}

/* limit: dtd */
static void
size_of_the_dtd(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<!DOCTYPE rss [<!-- it's \"odd -->");
	repeat(&body, "<!ENTITY e \"x\">", 5000);
	buf_puts(&body, "]><rss version='2.0'><channel/></rss>");
	assert_refused(&body, "an internal DTD subset of more than 65536 bytes");
}

/* limit: processor */
static void
processor_time(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
	struct parse_limits limits = PARSE_LIMITS;
	const char *error;

	(void)state;
	buf_puts(&body, "<rss><channel>");
	repeat(&body, "<item><title>a & b</title></item>", 4000);
	limits.max_items = 5000;
	assert_non_null(parse(&body, &limits, &error));
	limits.max_seconds = 0;
	assert_null(parse(&body, &limits, &error));
	assert_string_equal(error, "refused: more than 0 s of processor time for one document");
	/* The same where nothing is to be mended. */
	buf_reset(&body);
	buf_puts(&body, "<rss><channel>");
	repeat(&body, "<item><title>a</title></item>", 4000);
	buf_puts(&body, "</channel></rss>");
	assert_null(parse(&body, &limits, &error));
	assert_non_null(strstr(error, "processor time"));
}

/* limit: depth */
static void
depth_of_elements(void **state)
{
	static const char *const around[] = {"<a>", "</a>"};
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	/* Inside of what means nothing as well. */
	buf_puts(&body, "<rss version='2.0'><channel><item>");
	repeat(&body, around[0], 100);
	repeat(&body, around[1], 100);
	buf_puts(&body, "</item></channel></rss>");
	assert_refused(&body, "more than 64 levels of elements");
}

/* limit: markup */
static void
depth_of_markup(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'>");
	repeat(&body, "<b>", 200);
	repeat(&body, "</b>", 200);
	buf_puts(&body, "</content></entry></feed>");
	assert_refused(&body, "more than 128 levels of markup in a content");
}

/* limit: depth */
static void
depth_of_json(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "{\"version\":\"https://jsonfeed.org/version/1.1\",\"x\":");
	repeat(&body, "[", 1000000);
	assert_refused(&body, "more than 64 levels of brackets");
}

/* limit: values */
static void
memory_of_values(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	/* Short links that a long base makes long. */
	buf_puts(&body, "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://x.org/");
	repeat(&body, "0123456789", 200);
	buf_puts(&body, "/'>");
	for (int i = 0; i < 30; i++) {
		buf_puts(&body, "<entry>");
		for (int k = 0; k < 200; k++)
			buf_printf(&body, "<link rel='enclosure' href='%d'/>", k);
		buf_puts(&body, "</entry>");
	}
	buf_puts(&body, "</feed>");
	assert_refused(&body, "bytes of values");
}

/* limit: items */
static void
items_beyond_the_limit_are_counted(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0'><channel>");
	repeat(&body, "<item><title>x</title></item>", 5003);
	buf_puts(&body, "</channel></rss>");
	struct document *document = must_parse(&body, NULL);
	assert_int_equal(document->n_items, 5000);
	assert_int_equal(document->n_dropped, 3);
	assert_false(document->bozo);
}

/* limit: title, url, id, content */
static void
long_values(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<rss version='2.0'><channel><item><title>");
	repeat(&body, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 3000);
	buf_puts(&body, "</title><link>http://x.org/");
	repeat(&body, "0123456789", 1000);
	buf_puts(&body, "</link><guid>");
	repeat(&body, "0123456789", 1000);
	buf_puts(&body, "</guid><description>");
	repeat(&body, "0123456789", 500000);
	buf_puts(&body, "</description></item><item><guid>");
	repeat(&body, "0123456789", 1000);
	buf_puts(&body, "1</guid></item></channel></rss>");
	struct document *document = must_parse(&body, NULL);
	const struct item *item = &document->items[0];
	assert_int_equal(strlen(item->title), 4096);
	assert_null(item->url);
	assert_int_equal(strlen(item->content_html), 4 << 20);
	/* Longer ids differ behind where they would be cut. */
	assert_memory_equal(item->id, "urn:feedd:", 10);
	assert_string_not_equal(item->id, document->items[1].id);
}

/* limit: expansion */
static void
entities_do_not_explode(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<!DOCTYPE rss [<!ENTITY a \"");
	repeat(&body, "0123456789", 100);
	buf_puts(&body,
		"\"><!ENTITY b \"&a;&a;&a;&a;\">]><rss version='2.0'><channel><item><description>");
	repeat(&body, "&a;&b;", 100000);
	buf_puts(&body, "</description></item></channel></rss>");
	struct document *document = must_parse(&body, NULL);
	assert_true(strlen(document->items[0].content_html) < (size_t)2 << 20);
}

/* limit: entities */
static void
entities_of_a_document(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<!DOCTYPE rss [<!ENTITY long \"");
	repeat(&body, "0123456789", 103);
	buf_puts(&body, "\">");
	for (int i = 0; i < 300; i++)
		buf_printf(&body, "<!ENTITY e%d \"v%d\">", i, i);
	buf_puts(&body,
		"]><rss version='2.0'><channel><title>&e0; &e255; &e256; "
		"&long;</title></channel></rss>");
	struct document *document = must_parse(&body, NULL);
	assert_string_equal(document->title, "v0 v255 &e256; &long;");
}

/* limit: list */
static void
tags_authors_and_attachments(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body, "<feed xmlns='http://www.w3.org/2005/Atom'><entry>");
	for (int i = 0; i < 300; i++)
		buf_printf(&body,
			"<category term='t%d'/><author><name>a%d</name></author>"
			"<link rel='enclosure' href='http://x.org/%d'/>",
			i, i, i);
	buf_puts(&body, "</entry></feed>");
	struct document *document = must_parse(&body, NULL);
	assert_int_equal(document->items[0].n_tags, 256);
	assert_int_equal(document->items[0].n_authors, 256);
	assert_int_equal(document->items[0].n_attachments, 256);
	assert_string_equal(document->items[0].tags[255], "t255");
}

static void
external_entities_are_not_read(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);

	(void)state;
	buf_puts(&body,
		"<!DOCTYPE rss [<!ENTITY x SYSTEM \"file:///etc/passwd\"><!ENTITY % p SYSTEM "
		"\"http://127.0.0.1:1/\"> %p;]>"
		"<rss version='2.0'><channel><title>a&x;b</title></channel></rss>");
	struct document *document = must_parse(&body, NULL);
	assert_null(strstr(document->title, "root"));
}

static void
a_large_content_is_held_once(void **state)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
	AUTO(arena_fini) struct arena own = {0};
	struct document *document;
	const char *error;

	(void)state;
	buf_puts(&body, "<rss version='2.0'><channel>");
	for (int i = 0; i < 4; i++) {
		buf_puts(&body, "<item><description>");
		repeat(&body, "0123456789", 300000);
		buf_puts(&body, "</description></item>");
	}
	buf_puts(&body, "</channel></rss>");
	struct parse_input input = {.data = body.data, .len = body.len};
	assert_int_equal(parse_feed(&input, &own, &document, &error), 0);
	assert_int_equal(document->n_items, 4);
	assert_true(own.total < body.len + ((size_t)2 << 20));
}

/* The same document for pieces of any size, well formed or not. */
static void
pieces_do_not_matter(void **state)
{
	static const char *const bodies[] = {
		"<?xml version='1.0'?>\n<!-->\n\n<!-.. a TAG -->\n<feed "
		"xmlns='http://www.w3.org/2005/Atom'><title>t</title></feed>",
		"<rss version='2.0'><channel><title>a &amp; "
		"b</title><item><link>http://x.org/?a=1&amp;b=2</link>"
		"<description><![CDATA[<p>\xe2\x82\xac</p>]]></description></item></channel></rss>",
		"<rss version='2.0'><channel><title>a & b &nbsp; "
		"<b>c</title><item><link>http://x.org/?a=1&b=2</link>"
		"<description><![CDATA[<p>\xe2\x82\xac</p>]]></item></channel></rss> junk",
		"<!DOCTYPE rss [<!ENTITY e \"v\">]><rss version='2.0'><channel><title>&e; "
		"&f;</title></chanel></rss>",
		"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content "
		"type='xhtml'><div>x<br/>y &lt; z</div></content></entry>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		AUTO(freep) char *whole = NULL;

		for (size_t chunk = 16384; chunk > 0; chunk = chunk > 8 ? chunk / 2 : chunk - 1) {
			AUTO(buf_fini) struct buf body = BUF_INIT(BODY_MAX);
			struct parse_limits limits = PARSE_LIMITS;

			limits.chunk = chunk;
			buf_puts(&body, bodies[i]);
			struct document *document = must_parse(&body, &limits);
			char *line = document_to_json(document, &arena);
			if (whole)
				assert_string_equal(whole, line);
			free(whole);
			whole = line;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processor_time),
		cmocka_unit_test(namespaces_of_a_start_tag),
		cmocka_unit_test(namespaces_in_force),
		cmocka_unit_test(names_that_differ),
		cmocka_unit_test(attributes_of_a_start_tag),
		cmocka_unit_test(size_of_a_start_tag),
		cmocka_unit_test(size_of_the_dtd),
		cmocka_unit_test(depth_of_elements),
		cmocka_unit_test(depth_of_markup),
		cmocka_unit_test(depth_of_json),
		cmocka_unit_test(memory_of_values),
		cmocka_unit_test(items_beyond_the_limit_are_counted),
		cmocka_unit_test(long_values),
		cmocka_unit_test(entities_do_not_explode),
		cmocka_unit_test(entities_of_a_document),
		cmocka_unit_test(tags_authors_and_attachments),
		cmocka_unit_test(external_entities_are_not_read),
		cmocka_unit_test(a_large_content_is_held_once),
		cmocka_unit_test(pieces_do_not_matter),
	};
	return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
