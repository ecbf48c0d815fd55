/* test_opml.c - subscription lists: what is read, what is refused, what is written. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/opml.h"

static const char *error;
static int line;

static int
read_list(struct arena *arena, const char *text, struct opml *opml)
{
	return opml_read(text, strlen(text), arena, opml, &error, &line);
}

static void
test_outlines(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct opml opml;

	(void)state;
	assert_int_equal(read_list(&arena,
				 "<?xml version=\"1.0\"?>\n<opml version=\"1.0\"><head><title>Mine "
				 "&amp; yours</title>"
				 "</head><body>\n"
				 "<outline text=\"Science\"><outline title=\"Physics\">\n"
				 "<outline type=\"rss\" text=\"A &amp; B\" "
				 "xmlUrl=\"https://a.example/?x=1&amp;y=2\" "
				 "htmlUrl=\"https://a.example/\" category=\"/Daily/Long,Odd\"/>\n"
				 "</outline><outline text=\"Same\" "
				 "xmlUrl=\"http://c.example/\"/></outline>\n"
				 "<outline text=\"Other\"><outline text=\"Same\" "
				 "XMLURL=\"http://c.example/\"/></outline>\n"
				 "<outline text=\"Same\" xmlUrl=\"http://d.example/\"/>\n"
				 "<outline xmlUrl=\"http://www.e.example:80/feed\"/>\n"
				 "</body></opml>",
				 &opml),
		0);
	assert_string_equal(opml.title, "Mine & yours");
	assert_int_equal(opml.n_feeds, 4);
	const struct opml_feed *a = &opml.feeds[0], *c = &opml.feeds[1];
	assert_string_equal(a->url, "https://a.example/?x=1&y=2");
	assert_string_equal(a->title, "A & B");
	assert_string_equal(a->name, "a-b");
	assert_string_equal(a->home_page_url, "https://a.example/");
	assert_int_equal(a->line, 4);
	assert_int_equal(a->n_tags, 5);
	assert_string_equal(a->tags[0], "Science");
	assert_string_equal(a->tags[1], "Physics");
	assert_string_equal(a->tags[2], "Daily");
	assert_string_equal(a->tags[4], "Odd");
	/* an address in two folders is one feed */
	assert_int_equal(c->n_tags, 2);
	assert_string_equal(c->tags[1], "Other");
	assert_string_equal(c->name, "same");
	assert_int_equal(strncmp(opml.feeds[2].name, "same-", 5), 0);
	assert_string_equal(opml.feeds[3].name, "www.e.example");
}

/* The suffix of a name is made of the address: another order of the list changes no name but the
 * first. */
static void
test_names_stay(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct opml one, two;

	(void)state;
	assert_int_equal(
		read_list(&arena,
			"<opml><body><outline text=\"N\" xmlUrl=\"http://a/\"/><outline text=\"N\" "
			"xmlUrl=\"http://b/\"/><outline text=\"N\" "
			"xmlUrl=\"http://c/\"/></body></opml>",
			&one),
		0);
	assert_int_equal(
		read_list(&arena,
			"<opml><body><outline text=\"N\" xmlUrl=\"http://a/\"/><outline text=\"N\" "
			"xmlUrl=\"http://c/\"/><outline text=\"N\" "
			"xmlUrl=\"http://b/\"/></body></opml>",
			&two),
		0);
	assert_string_equal(one.feeds[1].name, two.feeds[2].name);
	assert_string_equal(one.feeds[2].name, two.feeds[1].name);
}

static void
test_only_http(void **state)
{
	static const char *const bad[] = {"file:///etc/passwd", "/etc/passwd", "exec:rm -rf /",
		"|cmd", "ftp://x/", "javascript:alert(1)", "gopher://x/", "http://", "https://\n",
		"filter:x"};
	struct opml opml;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO(arena_fini) struct arena arena = {0};
		const char *text = arena_printf(&arena,
			"<opml><body><outline text=\"x\" xmlUrl=\"%s\"/></body></opml>", bad[i]);
		assert_int_equal(read_list(&arena, text, &opml), 0);
		assert_int_equal(opml.n_feeds, 0);
		assert_int_equal(opml.n_skipped, 1);
	}
}

static void
test_repair(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct opml opml;

	(void)state;
	assert_int_equal(read_list(&arena,
				 "\n\n<?xml version=\"1.0\" encoding=\"UTF-8\"?><opml><body>"
				 "<outline text=\"Caf&eacute; &nbsp;R&D \x01 \xff &#0; &#233;\" "
				 "xmlUrl=\"http://x/?a=1&b=2\"/></body></opml>",
				 &opml),
		0);
	assert_int_equal(opml.n_feeds, 1);
	assert_string_equal(opml.feeds[0].url, "http://x/?a=1&b=2");
	assert_non_null(strstr(opml.feeds[0].title, "Caf\xc3\xa9"));
	assert_non_null(strstr(opml.feeds[0].title, "R&D"));
	assert_non_null(strstr(opml.feeds[0].title, "\xc3\xa9"));
}

/* Milliseconds of the processor that a list takes which is full of this, at least 1. */
static int64_t
time_of(const char *piece)
{
	AUTO(buf_fini) struct buf text = BUF_INIT((size_t)2 << 20);
	AUTO(arena_fini) struct arena arena = {0};
	struct opml list;
	struct timespec from, to;

	buf_puts(&text, "<opml version=\"2.0\"><body>");
	while (text.len < (size_t)1 << 20)
		buf_puts(&text, piece);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	(void)!read_list(&arena, text.data, &list);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 + 1;
}

static void
test_time(void **state)
{
	static const char *const pieces[] = {"<!--x>", "<![CDATA[", "<?x>"};
	int64_t usual = time_of("x & y < z, ") + 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		assert_in_range(time_of(pieces[i]), 1, 40 * usual);
}

static void
test_other_encoding(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct opml opml;

	(void)state;
	assert_int_equal(read_list(&arena,
				 "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><opml><body>"
				 "<outline text=\"Caf\xe9\" xmlUrl=\"http://x/\"/></body></opml>",
				 &opml),
		0);
	assert_string_equal(opml.feeds[0].title, "Caf\xc3\xa9");
}

/* limit: opml-start-tag */
static void
test_refused(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct opml opml;
	struct buf text = BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(read_list(&arena, "<opml>\n<body>\n</opml>", &opml), -EBADMSG);
	assert_int_equal(line, 3);
	assert_int_equal(read_list(&arena, "", &opml), -EBADMSG);
	assert_int_equal(read_list(&arena, "plain words", &opml), -EBADMSG);
	assert_int_equal(read_list(&arena, "<html><body></body></html>", &opml), -EBADMSG);
	assert_non_null(strstr(error, "OPML"));
	/* a list from a stranger opens no file, and entities do not multiply */
	assert_int_equal(
		read_list(&arena,
			"<!DOCTYPE opml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><opml><body>"
			"<outline text=\"&x;\" xmlUrl=\"http://x/\"/></body></opml>",
			&opml),
		0);
	assert_string_equal(opml.feeds[0].title, "&x;");
	/* one of its own leaves nothing behind, which a leak checker sees */
	assert_int_equal(read_list(&arena,
				 "<!DOCTYPE opml [<!ENTITY n \"News\">]><opml><body>"
				 "<outline text=\"a\" xmlUrl=\"http://x/\"/></body></opml>",
				 &opml),
		0);
	buf_puts(&text, "<opml><body>\n<outline ");
	for (int i = 0; i < 6000; i++)
		buf_printf(&text, " xmlns:a%d=\"u\"", i);
	buf_puts(&text, "/></body></opml>");
	assert_int_equal(read_list(&arena, text.data, &opml), -EBADMSG);
	assert_int_equal(line, 2);
	assert_non_null(strstr(error, "64 KiB"));
	/* '>' within a value does not end a tag, and hides nothing of its length */
	buf_reset(&text);
	buf_puts(&text, "<opml><body>\n<outline text='>'");
	for (int i = 0; i < 6000; i++)
		buf_printf(&text, " xmlns:a%d=\"u\"", i);
	buf_puts(&text, "/></body></opml>");
	assert_int_equal(read_list(&arena, text.data, &opml), -EBADMSG);
	assert_int_equal(line, 2);
	assert_non_null(strstr(error, "64 KiB"));
	buf_fini(&text);
}

/* limit: opml-depth */
static void
test_depth(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct buf text = BUF_INIT(1 << 20);
	struct opml opml;

	(void)state;
	buf_puts(&text, "<opml><body>");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "<outline text=\"t%d\">", i);
	buf_puts(&text, "<outline text=\"deep\" xmlUrl=\"http://deep/\"/>");
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "</outline>");
	buf_puts(&text, "<outline text=\"flat\" xmlUrl=\"http://flat/\"/></body></opml>");
	assert_int_equal(read_list(&arena, text.data, &opml), 0);
	assert_int_equal(opml.n_feeds, 1);
	assert_string_equal(opml.feeds[0].title, "flat");
	assert_int_equal(opml.feeds[0].n_tags, 0);
	buf_fini(&text);
}

static void
has_64_tags(const struct opml_feed *feed)
{
	assert_int_equal(feed->n_tags, 64);
	assert_string_equal(feed->tags[63], "t63");
}

/* limit: opml-tags, opml-title */
static void
test_long_titles_and_many_tags(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);
	struct opml opml;

	(void)state;
	buf_puts(&text, "<opml><body><outline xmlUrl=\"http://a/\" text=\"");
	for (int i = 0; i < 300; i++)
		buf_puts(&text, "sch\xc3\xb6n ");
	buf_puts(&text, "\" category=\"");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "%st%d", i ? "," : "", i);
	buf_puts(&text, "\"/></body></opml>");
	assert_int_equal(read_list(&arena, text.data, &opml), 0);
	assert_in_range(strlen(opml.feeds[0].title), 1020, 1024);
	has_64_tags(&opml.feeds[0]);
}

/* An address in many folders: its tags have the same limit, and are not copied over and over. */
static void
test_one_feed_in_many_folders(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 24);
	struct opml opml;

	(void)state;
	buf_puts(&text, "<opml><body>");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "<outline xmlUrl=\"http://a/\" category=\"t%d\"/>", i);
	buf_puts(&text, "</body></opml>");
	assert_int_equal(read_list(&arena, text.data, &opml), 0);
	assert_int_equal(opml.n_feeds, 1);
	has_64_tags(&opml.feeds[0]);
	assert_in_range(arena.total, 0, 4 << 20);
}

static void
test_round_trip(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	const char *tags[] = {"A <b> & \"c\"", "second"};
	struct opml_feed feeds[] = {{.name = "one",
					    .title = "One & <only>",
					    .url = "https://one/?a=1&b=\"2\"",
					    .tags = tags,
					    .n_tags = 2,
					    .home_page_url = "https://one/"},
		{.name = "two", .url = "https://two/"},
		{.name = "three",
			.title = "Three",
			.url = "https://three/",
			.tags = tags,
			.n_tags = 1}};
	struct opml list = {.title = "T & t", .feeds = feeds, .n_feeds = 3}, back;

	(void)state;
	char *text = opml_write(&list);
	assert_int_equal(read_list(&arena, text, &back), 0);
	free(text);
	assert_string_equal(back.title, "T & t");
	assert_int_equal(back.n_feeds, 3);
	assert_string_equal(back.feeds[0].url, "https://two/");
	assert_string_equal(back.feeds[0].title, "two");
	assert_string_equal(back.feeds[1].url, feeds[0].url);
	assert_string_equal(back.feeds[1].title, feeds[0].title);
	assert_int_equal(back.feeds[1].n_tags, 2);
	assert_string_equal(back.feeds[1].tags[0], tags[0]);
	assert_string_equal(back.feeds[2].tags[0], tags[0]);
	assert_string_equal(back.feeds[1].home_page_url, "https://one/");
}

static void
test_name(void **state)
{
	static const char *const pairs[][2] = {{"Hacker News", "hacker-news"}, {"", "feed"},
		{"  ", "feed"}, {"..", "feed"}, {"../../etc/passwd", "..-..-etc-passwd"},
		{"a__b.c", "a__b.c"}, {"\xc3\x84pfel & Birnen!", "pfel-birnen"},
		{"\"quote\" {x}", "quote-x"}};
	AUTO(arena_fini) struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(opml_name(&arena, pairs[i][0]), pairs[i][1]);
	char big[1000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_true(strlen(opml_name(&arena, big)) <= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outlines),
		cmocka_unit_test(test_names_stay),
		cmocka_unit_test(test_only_http),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_other_encoding),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_titles_and_many_tags),
		cmocka_unit_test(test_one_feed_in_many_folders),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
