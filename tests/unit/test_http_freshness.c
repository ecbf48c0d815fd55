/* test_http_freshness.c - how long an answer holds, by headers as servers really write them. */
#include "test.h"

#include "feedd/http.h"

#define NOW ((int64_t)1795550400) /* 2026-11-24 20:00:00 UTC */
#define AT(clock) "Tue, 24 Nov 2026 " clock " GMT"

static void
freshness(void **state)
{
	(void)state;
	static const struct {
		const char *cache_control, *expires, *date, *age;
		int64_t want;
	} cases[] = {
		{NULL, NULL, NULL, NULL, 0},
		{"max-age=3600", NULL, NULL, NULL, 3600},
		{"public, max-age=3600, must-revalidate", NULL, NULL, "600", 3000},
		{"MAX-AGE = \"120\"", NULL, NULL, NULL, 120},
		{"s-maxage=9999", NULL, NULL, NULL, 0},
		{"s-maxage=9999,max-age=5", NULL, NULL, NULL, 5},
		{"x-max-age=7, max-agent=8", NULL, NULL, NULL, 0},
		{"max-age=10, max-age=20", NULL, NULL, NULL, 10},
		{",, ,max-age=10,,", NULL, NULL, NULL, 10},
		{"max-age=10 , no-cache", NULL, NULL, NULL, 0},
		{"no-store, max-age=10", NULL, NULL, NULL, 0},
		{"no-cache=\"set-cookie, max-age=1\", max-age=10", NULL, NULL, NULL, 10},
		{"ext=\"a\\\"b, no-store\", max-age=10", NULL, NULL, NULL, 10},
		{"max-age=-1", AT("21:00:00"), AT("20:00:00"), NULL, 0},
		{"max-age=", AT("21:00:00"), NULL, NULL, 0},
		{"max-age", AT("21:00:00"), NULL, NULL, 0},
		{"max-age=1h", AT("21:00:00"), NULL, NULL, 0},
		{"max-age=99999999999999999999999999", NULL, NULL, NULL, INT32_MAX},
		{"max-age=100", NULL, NULL, "99999999999999999999", 0},
		{"max-age=100", NULL, NULL, "-5", 100},
		{"max-age=100", NULL, NULL, "soon", 100},
		{"max-age=0", AT("21:00:00"), NULL, NULL, 0},
		{"public", AT("21:00:00"), AT("20:30:00"), NULL, 1800},
		{NULL, AT("21:00:00"), NULL, NULL, 3600},
		{NULL, AT("21:00:00"), "no date", NULL, 3600},
		{NULL, AT("21:00:00"), AT("20:30:00"), "300", 1500},
		{NULL, AT("19:00:00"), AT("20:00:00"), NULL, 0},
		{NULL, "0", AT("20:00:00"), NULL, 0},
		{NULL, "Thu, 01 Jan 9999 00:00:00 GMT", NULL, NULL, INT32_MAX},
		{"max-age=\"", NULL, NULL, NULL, 0},
		{"=5", NULL, NULL, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = http_freshness(
			cases[i].cache_control, cases[i].expires, cases[i].date, cases[i].age, NOW);

		if (got != cases[i].want)
			fail_msg("case %zu (%s): %lld", i, cases[i].cache_control, (long long)got);
	}
}

static void
expired_at_once(void **state)
{
	(void)state;
	assert_true(http_expires_at_once(NULL, "0"));
	assert_true(http_expires_at_once("no-cache", " -1 "));
	assert_false(http_expires_at_once("max-age=60", "0"));
	assert_false(http_expires_at_once(NULL, NULL));
	assert_false(http_expires_at_once(NULL, AT("19:00:00")));
	assert_false(http_expires_at_once(NULL, "-"));
	assert_false(http_expires_at_once(NULL, ""));
}

static void
retry_after(void **state)
{
	(void)state;
	assert_int_equal(http_retry_after(NULL, NULL, NOW), 0);
	assert_int_equal(http_retry_after("120", NULL, NOW), 120);
	assert_int_equal(http_retry_after(" 120 ", AT("20:00:00"), NOW), 120);
	assert_int_equal(http_retry_after("99999999999999999999", NULL, NOW), INT32_MAX);
	assert_int_equal(http_retry_after("-5", NULL, NOW), 0);
	assert_int_equal(http_retry_after("1.5", NULL, NOW), 0);
	assert_int_equal(http_retry_after("", NULL, NOW), 0);
	assert_int_equal(http_retry_after(AT("20:01:00"), NULL, NOW), 60);
	assert_int_equal(http_retry_after(AT("20:01:00"), AT("20:00:50"), NOW), 10);
	assert_int_equal(http_retry_after(AT("19:01:00"), NULL, NOW), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freshness),
		cmocka_unit_test(expired_at_once),
		cmocka_unit_test(retry_after),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
