/* test_parse_time.c - no document takes much longer than others of its size. */
#include "parsing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZE ((size_t)512 << 10)
#define FEED "<rss version='2.0'><channel><title>a & b</title>"
/* What takes longer than this by much would take hours where it is as large as it may be. */
#define REFERENCE "x & y < z, "
#define TIMES 40

/* A beginning, and what follows it again and again. */
static const struct {
	const char *head, *body;
} documents[] = {
	{FEED, "<a b='"},
	{FEED, "<a b='<b' "},
	{FEED, "<a b=\"'<a b='\""},
	{FEED, "<a b='c d="},
	{FEED, "<?x>"},
	{FEED, "<!--x>"},
	{FEED, "<!x>"},
	{FEED, "<a><![CDATA[</a>"},
	{FEED, "<![CDATA[<![CDATA["},
	{FEED, "<!DOCTYPE>"},
	{FEED, "<!DOCTYPE [>"},
	{FEED, "</a"},
	{FEED, "<title>"},
	{"<html><body>", "<a href='x"},
	{"<html><body>", "<a b='<b' "},
	{"<html><body>", "<!--"},
	{"<html><body>", "<script>"},
	{"<html><body>", "<"},
};

/* Milliseconds of the processor, at least 1. */
static int64_t
time_of(const char *head, const char *body)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * SIZE);
	struct document *document = NULL;
	const char *error = NULL;
	struct timespec from, to;

	buf_puts(&text, head);
	while (text.len < SIZE)
		buf_puts(&text, body);
	struct parse_input input = {
		.data = text.data, .len = text.len, .url = "https://example.org/"};
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	if (parse_feed(&input, &arena, &document, &error) < 0)
		assert_non_null(error);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	arena_fini(&arena);
	return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 + 1;
}

static void
time_rises_with_the_size_alone(void **state)
{
	(void)state;
#ifdef __SANITIZE_THREAD__
	/* Its memmem(3) touches all of what is searched, however soon it finds. */
	skip();
#endif
	int64_t reference = time_of(FEED, REFERENCE) + 5;

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		int64_t took = time_of(documents[i].head, documents[i].body);

		if (took > TIMES * reference)
			fail_msg("%s: %lld ms, where %lld are usual", documents[i].body,
				(long long)took, (long long)reference);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_rises_with_the_size_alone),
	};
	return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
