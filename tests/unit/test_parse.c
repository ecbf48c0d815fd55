/* test_parse.c - what tests/data cannot show: HTTP charsets, bases, hints, refusals, announcements,
 * all kinds of damage. */
#include "parsing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feedd/feed.h"

static const char *
refusal(const char *body, size_t len, const char *url)
{
	struct parse_input input = {.data = body, .len = len, .url = url};
	struct document *document;
	const char *error = NULL;

	assert_int_equal(parse_feed(&input, &arena, &document, &error) < 0, 1);
	assert_non_null(error);
	return error;
}

static struct document *
parse_as(const char *body, size_t len, const char *content_type, const char *url)
{
	struct parse_input input = {
		.data = body, .len = len, .content_type = content_type, .url = url};
	struct document *document = NULL;
	const char *error;

	if (parse_feed(&input, &arena, &document, &error) < 0 || !document) {
		print_error("%s: %s\n", error, body);
		abort();
	}
	return document;
}

static struct document *
parse(const char *body)
{
	return parse_as(body, strlen(body), NULL, "https://example.org/dir/feed.xml");
}

static void
charset_of_http(void **state)
{
	static const struct {
		const char *content_type, *body, *title, *encoding;
		bool bozo;
	} cases[] = {
		{"text/xml; charset=iso-8859-1",
			"<rss><channel><title>\xe9</title></channel></rss>", "\xc3\xa9",
			"iso-8859-1", false},
		/* HTTP outdoes the declaration, */
		{"application/xml; charset=\"windows-1251\"",
			"<?xml version='1.0' "
			"encoding='iso-8859-1'?><rss><channel><title>\xe9</title></channel></rss>",
			"\xd0\xb9", "windows-1251", false},
		/* unless the bytes prove what they are, */
		{"text/xml; charset=iso-8859-1",
			"<rss><channel><title>\xc3\xa9</title></channel></rss>", "\xc3\xa9",
			"utf-8", false},
		{"text/xml; charset=iso-8859-1",
			"\xef\xbb\xbf<rss><channel><title>x</title></channel></rss>", "x", "utf-8",
			false},
		/* or it cannot be. */
		{"text/xml; charset=utf-8",
			"<?xml version='1.0' "
			"encoding='iso-8859-2'?><rss><channel><title>\xb1</title></channel></rss>",
			"\xc4\x85", "iso-8859-2", true},
		{"text/xml; charset=utf-8", "<rss><channel><title>caf\xe9</title></channel></rss>",
			"caf\xc3\xa9", "windows-1252", true},
		{"text/xml; charset=nonsense",
			"<rss><channel><title>\xc3\xa9</title></channel></rss>", "\xc3\xa9",
			"utf-8", false},
		{"text/xml", "<rss><channel><title>\xc3\xa9</title></channel></rss>", "\xc3\xa9",
			"utf-8", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct document *document =
			parse_as(cases[i].body, strlen(cases[i].body), cases[i].content_type, NULL);

		assert_string_equal(document->title, cases[i].title);
		assert_string_equal(document->encoding, cases[i].encoding);
		assert_int_equal(document->bozo, cases[i].bozo);
	}
	assert_string_equal(parse_charset(&arena, "Text/XML; Charset = 'UTF-8' ; x"), "utf-8");
	assert_null(parse_charset(&arena, "text/xml"));
	assert_null(parse_charset(&arena, "text/xml; charset="));
}

/* What libxml2 takes for UTF-32, and cannot convert: it would say so itself. */
static void
standard_error_stays_empty(void **state)
{
	static const char body[] = "\xef\xbb\xbf\0\0\0<\0\0\0?\0\0\0x\xff\xff\xff\xff\0\0\0m";
	int before = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);
	struct parse_input input = {.data = body, .len = sizeof(body) - 1};
	struct document *document;
	const char *error;

	(void)state;
	assert_true(before >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	int r = parse_feed(&input, &arena, &document, &error);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	assert_true(r < 0);
	assert_int_equal(lseek(file, 0, SEEK_CUR), 0);
	close(file);
	close(before);
}

/* Bytes that were turned to UTF-8 are not kept twice, whatever comes of them. */
/* Longer than what is converted at a time: nothing depends on where a piece ends. */
static void
hz_in_pieces(void **state)
{
	static const char line[] = "a~{VPND~}b ~~ ~{VP\xd6\xd0~}\n";
	static const char want[] = "a\xe4\xb8\xad\xe6\x96\x87"
				   "b ~ \xe4\xb8\xad\xe4\xb8\xad";
	AUTO(buf_fini) struct buf body = BUF_INIT(1 << 20);

	(void)state;
	for (size_t pad = 0; pad < 30; pad++) {
		buf_reset(&body);
		buf_puts(&body, "<rss><channel><item><description>");
		for (size_t i = 0; i < pad; i++)
			buf_putc(&body, 'x');
		for (size_t i = 0; i < 1000; i++)
			buf_puts(&body, line);
		buf_puts(&body, "</description></item></channel></rss>");
		struct document *document =
			parse_as(body.data, body.len, "text/xml; charset=hz-gb-2312", NULL);
		const char *text = document->items[0].content_html ? document->items[0].content_html
								   : document->items[0].summary;
		size_t found = 0;

		for (const char *at = text; (at = strstr(at, want)); at += sizeof(want) - 1)
			found++;
		assert_int_equal(found, 1000);
	}
}

static void
spent_bytes_are_let_go(void **state)
{
	static const struct {
		const char *body;
		bool let_go, is_feed;
	} cases[] = {
		{"<?xml version='1.0' encoding='iso-8859-1'?><rss><channel><title>\xe9</title>"
		 "</channel></rss>",
			true, true},
		{"<?xml version='1.0' encoding='iso-8859-1'?><rss><channel><title>\xe9 & b<i>"
		 "</channel></rss>",
			true, true},
		{"<rss><channel><title>\xc3\xa9</title></channel></rss>", false, true},
		{"\x1f\x8b\x08\xff\xfe\xfd and so on, which is no text in UTF-8", true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(buf_fini) struct buf body = BUF_INIT(1024);
		struct document *document = NULL;
		const char *error = NULL;

		buf_puts(&body, cases[i].body);
		struct parse_input input = {.data = body.data, .len = body.len, .spent = &body};
		int r = parse_feed(&input, &arena, &document, &error);
		assert_int_equal(r == 0, cases[i].is_feed);
		assert_int_equal(body.data == NULL, cases[i].let_go);
		if (r == 0)
			assert_memory_equal(document->title, "\xc3\xa9", 2);
		else
			assert_string_equal(error, "not a feed but compressed data (gzip)");
	}
}

static void
addresses_are_absolute_and_safe(void **state)
{
	(void)state;
	const struct document *document =
		parse("<feed xmlns='http://www.w3.org/2005/Atom'><link href='.'/><link rel='self' "
		      "href='feed.xml'/>"
		      "<entry><id>1</id><link href='a b'/><link rel='enclosure' "
		      "href='//cdn.example/x'/><content type='html'>x</content></entry>"
		      "<entry><id>2</id><link href='javascript:x'/><link rel='enclosure' "
		      "href='file:///etc/passwd'/></entry>"
		      "<entry><id>3</id><link href='data:text/html,x'/></entry></feed>");

	assert_string_equal(document->home_page_url, "https://example.org/dir/");
	assert_string_equal(document->feed_url, "https://example.org/dir/feed.xml");
	assert_string_equal(document->items[0].url, "https://example.org/dir/a%20b");
	assert_string_equal(document->items[0].attachments[0].url, "https://cdn.example/x");
	assert_string_equal(document->items[0].base_url, "https://example.org/dir/feed.xml");
	assert_null(document->items[1].url);
	assert_int_equal(document->items[1].n_attachments, 0);
	assert_null(document->items[2].url);
}

static void
hints_are_seconds(void **state)
{
	(void)state;
	const struct document *document = parse(
		"<rss version='2.0' "
		"xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel><ttl> 90 </ttl>"
		"<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency>7</"
		"sy:updateFrequency>"
		"<skipHours><hour>1</hour><hour>24</hour><hour>77</hour></skipHours>"
		"<skipDays><day>Sunday</day><day>fri</day><day>Foo</day></skipDays></channel></"
		"rss>");

	assert_int_equal(document->hints.ttl, 5400);
	assert_int_equal(document->hints.update_period, 86400);
	assert_int_equal(document->hints.skip_hours, 1u << 1 | 1u << 0);
	assert_int_equal(document->hints.skip_days, 1u << 0 | 1u << 5);
	assert_int_equal(
		parse("<rss version='2.0'><channel><ttl>soon</ttl></channel></rss>")->hints.ttl, 0);
	assert_int_equal(
		parse("<rss version='2.0'><channel><ttl>-5</ttl></channel></rss>")->hints.ttl, 0);
}

/* Items, links and texts survive each kind of damage; the second item is whole. */
static void
damage_loses_nothing_else(void **state)
{
	static const struct {
		const char *damage, *title, *url;
	} cases[] = {
		{"<title>a & b</title><link>http://x.org/?a=1&b=2</link>", "a & b",
			"http://x.org/?a=1&b=2"},
		{"<title>a &amp; &lt;b&gt; &</title><link>http://x.org/?a=1&amp;b=2</link>",
			"a & &", "http://x.org/?a=1&b=2"},
		{"<title>a < b</title><link>http://x.org/1</link>", "a < b", "http://x.org/1"},
		{"<title>\x01x\x0c</title><link>http://x.org/1</link>", "x", "http://x.org/1"},
		{"<title>x&nbsp;&mdash;&nbsp;y</title><link>http://x.org/1</link>",
			"x \xe2\x80\x94 y", "http://x.org/1"},
		{"<title>x</b></i></title></title><link>http://x.org/1</link>", "x",
			"http://x.org/1"},
		{"<title>x<link>http://x.org/1</link>", "x", "http://x.org/1"},
		{"<title>x</Title><link>http://x.org/1</LINK>", "x", "http://x.org/1"},
		{"<title>x</titel><link>http://x.org/1</link>", "x", "http://x.org/1"},
		{"<title a=1 a='2' b>x</title><link>http://x.org/1</link>", "x", "http://x.org/1"},
		{"<title><![CDATA[x]]></title><link><![CDATA[http://x.org/?a&b]]></"
		 "link><bad>&#0;&#xD800;</bad>",
			"x", "http://x.org/?a&b"},
		{"<title>x ]]> y</title><link>http://x.org/1</link>", "x ]]> y", "http://x.org/1"},
		{"<!-- -- --><title>x</title><?php echo 1 ?><link>http://x.org/1</link>&bogus;",
			"x", "http://x.org/1"},
		{"<title>x</title><link>http://x.org/1</link><p>one<br>two<p>three<img src=y>", "x",
			"http://x.org/1"},
		{"<title>x</title><link>http://x.org/1</link><a title=\"1 < 2 > 0\">y</a>", "x",
			"http://x.org/1"},
		{"<title>\xef\xbf\xbf"
		 "x</title><link>http://x.org/1</link>",
			"x", "http://x.org/1"},
		{"<title>x</title><link>http://x.org/1</link></>< ><3", "x", "http://x.org/1"},
		{"<title>x</title><link>http://x.org/1</link><!BAD><![IF x]>", "x",
			"http://x.org/1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *body = arena_printf(&arena,
			"<rss "
			"version='2.0'><channel><title>t</title><item>%s</item><item><title>2</"
			"title><guid>g&amp;2</guid></item>"
			"</channel></rss>",
			cases[i].damage);
		const struct document *document = parse(body);

		if (!document->bozo || document->incomplete || document->n_items != 2)
			fail_msg("%s", body);
		assert_string_equal(document->items[0].title, cases[i].title);
		assert_string_equal(document->items[0].url, cases[i].url);
		assert_string_equal(document->items[1].id, "g&2");
		assert_memory_equal(document->error, "line 1: ", 8);
	}
}

/* What is cut off anywhere is incomplete, and holds only items that were whole. */
static void
cut_anywhere(void **state)
{
	static const char body[] =
		"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY x 'y'>]><rss "
		"version='2.0'><channel><title>t</title>"
		"<item><title>a &amp; "
		"b</title><description><![CDATA[<p>c</p>]]></description></item>"
		"<item><title>d</title><!-- e --><link href='x'/></item></channel></rss>";

	(void)state;
	for (size_t len = 1; len < sizeof(body) - 1; len++) {
		struct parse_input input = {.data = body, .len = len};
		struct document *document = NULL;
		const char *error;

		if (parse_feed(&input, &arena, &document, &error) < 0 || !document)
			continue;
		assert_true(document->bozo);
		assert_true(document->incomplete);
		for (size_t i = 0; i < document->n_items; i++)
			assert_string_equal(document->items[i].title, i == 0 ? "a & b" : "d");
		if (document->n_items > 0 && document->items[0].content_html)
			assert_string_equal(document->items[0].content_html, "<p>c</p>");
	}
	const struct document *whole = parse(body);
	assert_false(whole->incomplete);
	assert_false(whole->bozo);
	struct parse_input input = {.data = body, .len = sizeof(body) - 1, .truncated = true};
	struct document *document;
	const char *error;
	assert_int_equal(parse_feed(&input, &arena, &document, &error), 0);
	assert_true(document->incomplete);
}

static void
cut_json_anywhere(void **state)
{
	static const char body[] =
		"{\"version\":\"https://jsonfeed.org/version/"
		"1.1\",\"items\":[{\"id\":\"1\",\"title\":\"\\u00e9\",\"tags\":[\"a\"]},"
		"{\"id\":\"2\"}],\"title\":\"t\"}";

	(void)state;
	for (size_t len = 1; len < sizeof(body) - 1; len++) {
		struct parse_input input = {.data = body, .len = len};
		struct document *document = NULL;
		const char *error;

		if (parse_feed(&input, &arena, &document, &error) < 0 || !document)
			continue;
		assert_true(document->bozo && document->incomplete);
		if (document->n_items > 0)
			assert_int_equal(document->items[0].n_tags, 1);
	}
	assert_int_equal(parse(body)->n_items, 2);
}

static void
refusals_say_what_it_is(void **state)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"", "empty"},
		{" \n", "empty"},
		{"%PDF-1.4", "a PDF document"},
		{"hello", "text"},
		{"<opml><body/></opml>", "<opml>"},
		{"[1,2]", "JSON"},
		{"{\"version\":\"2\",\"items\":[]}", "JSON"},
		{"<!DOCTYPE html><p>x", "an HTML page, which announces none"},
		{"<html><head><link rel=alternate type=application/rss+xml "
		 "href=/f.xml></head></html>",
			"which announces https://example.org/f.xml"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *error =
			refusal(cases[i].body, strlen(cases[i].body), "https://example.org/");

		if (!strstr(error, cases[i].words))
			fail_msg("\"%s\" does not say \"%s\"", error, cases[i].words);
	}
	assert_non_null(strstr(refusal("\x1f\x8b\x08\x00", 4, NULL), "gzip"));
}

static void
announcements_are_ranked(void **state)
{
	static const char page[] =
		"<html><head><base href='https://page.example/en/'><link rel='alternate' "
		"type='application/rss+xml' href='c/feed' title='Comments on x'>"
		"<link rel='ALTERNATE' type='application/rss+xml; charset=utf-8' href='news.rss' "
		"title='News &amp; more'>"
		"<link rel=feed href=/f><link rel='alternate' type='application/json' "
		"href='/wp-json/x'>"
		"<link rel='alternate' hreflang='de' href='/de'><script>'<link rel=feed "
		"href=/no>'</script><!-- <link rel=feed href=/no> --></head>"
		"<body><a href='/blog/atom.xml?x'>Atom <b>feed</b></a><a "
		"href='javascript:/rss'>no</a><a href='/feedback'>no</a></body></html>";
	static const char *const want[] = {"https://page.example/en/news.rss",
		"https://page.example/f", "https://page.example/en/c/feed",
		"https://page.example/blog/atom.xml?x"};
	struct parse_input input = {
		.data = page, .len = sizeof(page) - 1, .url = "https://other.example/"};
	struct announced_feed *feeds;

	(void)state;
	assert_int_equal(parse_announced(&input, &arena, &feeds), ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_string_equal(feeds[i].url, want[i]);
		assert_true(i == 0 || feeds[i].rank <= feeds[i - 1].rank);
	}
	assert_string_equal(feeds[0].title, "News & more");
	input.data = "plain";
	input.len = 5;
	assert_int_equal(parse_announced(&input, &arena, &feeds), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charset_of_http),
		cmocka_unit_test(hz_in_pieces),
		cmocka_unit_test(spent_bytes_are_let_go),
		cmocka_unit_test(standard_error_stays_empty),
		cmocka_unit_test(addresses_are_absolute_and_safe),
		cmocka_unit_test(hints_are_seconds),
		cmocka_unit_test(damage_loses_nothing_else),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(cut_json_anywhere),
		cmocka_unit_test(refusals_say_what_it_is),
		cmocka_unit_test(announcements_are_ranked),
	};
	return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
