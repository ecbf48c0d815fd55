/* test_log.c - one record is one line, whatever hostile text it is about, and never too long. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "feedd/log.h"
#include "feedd/text.h"

static char last[4 * LOG_LINE_MAX];
static int last_level;
static int64_t last_seq;

static void
keep(const struct log_record *record)
{
	assert_true(strlen(record->text) < sizeof(last));
	memcpy(last, record->text, strlen(record->text) + 1);
	last_level = record->level;
	last_seq = record->about.seq;
}

static void
escapes_what_is_hostile(void **state)
{
	(void)state;
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"plain text, h\xc3\xa9", "plain text, h\xc3\xa9"},
		{"a\nb\tc\rd", "a\\nb\\tc\\x0dd"},
		{"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
		{"\xc2\x9b"
		 "31m",
			"\\u009b31m"},
		{"\xe2\x80\xa8\xe2\x80\xae", "\\u2028\\u202e"},
		{"\x80\xff\xc3(", "\\x80\\xff\\xc3("},
		{"", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1000);

		log_escape(&out, cases[i].in, strlen(cases[i].in));
		if (cases[i].want)
			assert_string_equal(out.data, cases[i].want);
		else
			assert_int_equal(out.len, 0);
	}
	AUTO(buf_fini) struct buf out = BUF_INIT(1000);
	log_escape(&out, "a\0b", 3);
	assert_string_equal(out.data, "a\\x00b");
}

static void
records_have_a_level_and_a_subject(void **state)
{
	(void)state;
	const struct log_about about = {.feed = "hn", .seq = 42};

	log_init(LOG_NOTICE, 0);
	log_set_sink(keep);
	last[0] = '\0';
	log_info("not wanted");
	assert_string_equal(last, "");
	assert_false(log_wants(LOG_INFO));
	assert_true(log_wants(LOG_NOTICE));
	log_at(LOG_WARNING, &about, "%s: %d", "two\nlines", 7);
	assert_string_equal(last, "two\\nlines: 7");
	assert_int_equal(last_level, LOG_WARNING);
	assert_int_equal(last_seq, 42);
	log_set_sink(NULL);
}

/* limit: log-line */
static void
lines_have_an_end(void **state)
{
	(void)state;
	static const char *const fillings[] = {"x", "\xc3\xa9", "\x01", "\xe2\x80\xae", "\xff"};
	char text[3 * LOG_LINE_MAX + 1];

	log_init(LOG_INFO, 0);
	log_set_sink(keep);
	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		size_t len = strlen(fillings[i]);
		size_t n = 0;

		for (; n + len < sizeof(text); n += len)
			memcpy(text + n, fillings[i], len);
		text[n] = '\0';
		log_info("%s", text);
		size_t got = strlen(last);
		assert_true(got <= LOG_LINE_MAX && got > LOG_LINE_MAX - 16);
		assert_true(text_is_utf8(last, got));
		assert_string_equal(last + got - 3, "…");
	}
	log_set_sink(NULL);
}

static void
standard_error_gets_whole_lines(void **state)
{
	(void)state;
	char text[LOG_LINE_MAX];
	char out[2 * LOG_LINE_MAX];
	int ends[2];
	int saved = dup(STDERR_FILENO);

	memset(text, 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_init(LOG_INFO, 1);
	log_error("%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], out, sizeof(out));
	close(ends[0]);
	assert_true(n > LOG_LINE_MAX);
	assert_memory_equal(out, "<3>\\x01", 7);
	assert_int_equal(out[n - 1], '\n');
	assert_null(memchr(out, '\n', (size_t)n - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_is_hostile),
		cmocka_unit_test(records_have_a_level_and_a_subject),
		cmocka_unit_test(lines_have_an_end),
		cmocka_unit_test(standard_error_gets_whole_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
