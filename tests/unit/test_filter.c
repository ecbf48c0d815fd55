/* test_filter.c - what `where` may be, and what it may cost. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/store/room.h"

static void
filters_are_expressions(void **state)
{
	static const char *const good[] = {"1",
		"title REGEXP 'CVE-[0-9]+' AND tags LIKE '%security%'", "feed = 'a' -- so",
		"published > unixepoch('now', '-1 day')", "title IN ('a', 'b')",
		"length(content_text) > 10", "trim(title) = lower(title)"};
	static const char *const bad[] = {"", " ", "1 UNION SELECT 1", "(SELECT 1)",
		"title = ", "nosuch = 1", "1; DROP TABLE x", "1), (2", "?99", "title REGEXP '('",
		"load_extension('x')", "1) FROM (SELECT 2", "EXISTS (SELECT * FROM feeds)",
		"zeroblob(1000000000)", "randomblob(100000000) != title",
		"printf('%.900000000c', 'x') > 1", "replace(title, 'a', 'bb')",
		"trim(title, 'xy') = 1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char *error = NULL;
		struct filter *filter = filter_new(good[i], &error);

		if (!filter)
			fail_msg("%s: %s", good[i], error);
		filter_free(filter);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *error = NULL;
		struct filter *filter = filter_new(bad[i], &error);

		if (filter)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(error);
		free(error);
	}
}

static bool
passes(const char *where, const char *text)
{
	const struct item item = {.id = "i",
		.content_text = text,
		.published_at = DATE_NONE,
		.modified_at = DATE_NONE};
	const struct filter_row row = {.feed = "a", .event = "item.new", .item = &item};
	char *error = NULL;
	struct filter *filter = filter_new(where, &error);

	if (!filter)
		fail_msg("%s: %s", where, error);
	bool pass = filter_pass(filter, &row);
	filter_free(filter);
	return pass;
}

/* What an expression costs is bounded, whatever it and the item say. */
static void
filters_are_cheap(void **state)
{
	(void)state;
	/* limit: filter-length */
	AUTO(buf_fini) struct buf where = BUF_INIT(65536);
	while (where.len < 16384 - 20)
		buf_puts(&where, "1 AND ");
	buf_puts(&where, "1");
	char *error = NULL;
	struct filter *filter = filter_new(where.data, &error);
	assert_null(filter); /* too deep, but not too long */
	assert_null(strstr(error, "16 KiB"));
	free(error);
	while (where.len <= 16384)
		buf_puts(&where, " AND 1");
	filter = filter_new(where.data, &error);
	assert_null(filter);
	assert_non_null(strstr(error, "longer than 16 KiB"));
	free(error);

	/* limit: filter-memory */
	AUTO(buf_fini) struct buf text = BUF_INIT((size_t)8 << 20);
	while (text.len < (size_t)4 << 20)
		buf_puts(&text, "aaaaaaaaaaaaaaaa");
	assert_true(passes("length(content_text || content_text) = 8388608", text.data));
	assert_true(
		passes("length(hex(content_text)) + length(hex(upper(content_text))) = 16777216",
			text.data));
	assert_false(passes("length(max(hex(content_text), hex(content_text || 'b'), "
			    "hex(content_text || 'c'), hex(content_text || 'd'), "
			    "hex(content_text || 'e'), hex(content_text || 'f'))) > 1",
		text.data));
	assert_true(passes("length(content_text) > 1", text.data));

	/* limit: filter-match */
	assert_true(passes("content_text REGEXP '^a+$'", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(passes("content_text REGEXP '^(a+)+b?$'",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));

	/* limit: filter-pattern */
	assert_true(passes("content_text LIKE '%aaaaaaaab%' IS NOT NULL", text.data));
	AUTO(buf_fini) struct buf like = BUF_INIT(4096);
	buf_puts(&like, "content_text LIKE '%");
	while (like.len < 300)
		buf_puts(&like, "a");
	buf_puts(&like, "%'");
	assert_false(passes(like.data, text.data));

	/* The product of both lengths would be hours. */
	assert_true(passes(
		"instr(content_text, substr(content_text, 1, 2000000) || 'b') = 0", text.data));
	assert_true(passes("instr('\xc3\xa4\xc3\xb6x', 'x') = 3 AND instr('abc', '') = 1 AND "
			   "instr(NULL, 'a') IS NULL AND instr('abc', 'd') = 0",
		"x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_are_expressions),
		cmocka_unit_test(filters_are_cheap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
