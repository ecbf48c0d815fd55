/* test_query.c - request targets, parameters, names, Host and Origin. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/api/query.h"

static void
targets(void **state)
{
	static const struct {
		const char *target, *path, *a, *b;
		int result;
	} cases[] = {
		{"/v1/events", "/v1/events", NULL, NULL, 0},
		{"/v1/items?a=1&b=two", "/v1/items", "1", "two", 0},
		{"/x?a=%41%42&b=c+d%2B", "/x", "AB", "c d+", 0},
		{"/x?a=1&a=2", "/x", "2", NULL, 0},
		{"/x?a&b=", "/x", NULL, NULL, 0},
		{"/x?&&a=1&&#b=2", "/x", "1", NULL, 0},
		{"/x#?a=1", "/x", NULL, NULL, 0},
		{"/%c3%a4", "/\xc3\xa4", NULL, NULL, 0},
		{"/a+b", "/a+b", NULL, NULL, 0},
		{"/x?a=%C3%A4", "/x", "\xc3\xa4", NULL, 0},
		{"/x?a=b=c", "/x", "b=c", NULL, 0},
		{"x", NULL, NULL, NULL, -EINVAL},
		{"", NULL, NULL, NULL, -EINVAL},
		{"*", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%4", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%zz", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%00", NULL, NULL, NULL, -EINVAL},
		{"/%00", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%1b[2J", NULL, NULL, NULL, -EINVAL},
		{"/x?a=%ff", NULL, NULL, NULL, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct query query;

		assert_int_equal(query_parse(&query, cases[i].target), cases[i].result);
		if (cases[i].result == 0) {
			assert_string_equal(query.path, cases[i].path);
			const char *a = query_get(&query, "a");
			const char *b = query_get(&query, "b");
			assert_int_equal(!a, !cases[i].a);
			assert_int_equal(!b, !cases[i].b);
			if (a)
				assert_string_equal(a, cases[i].a);
			if (b)
				assert_string_equal(b, cases[i].b);
		}
		query_fini(&query);
	}
}

/* limit: request-line, parameters */
static void
target_limits(void **state)
{
	char *target = xmalloc(QUERY_URI_MAX + 2);
	struct query query;

	(void)state;
	memset(target, 'a', QUERY_URI_MAX + 1);
	target[0] = '/';
	target[QUERY_URI_MAX] = '\0';
	assert_int_equal(query_parse(&query, target), 0);
	query_fini(&query);
	target[QUERY_URI_MAX] = 'a';
	target[QUERY_URI_MAX + 1] = '\0';
	assert_int_equal(query_parse(&query, target), -E2BIG);
	query_fini(&query);
	size_t n = (size_t)sprintf(target, "/x?");
	for (int i = 0; i < QUERY_PARAMETERS_MAX; i++)
		n += (size_t)sprintf(target + n, "p=%d&", i);
	assert_int_equal(query_parse(&query, target), 0);
	query_fini(&query);
	sprintf(target + n, "p=1");
	assert_int_equal(query_parse(&query, target), -EINVAL);
	query_fini(&query);
	free(target);
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"4711", 0, 4711},
		{"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -EINVAL, 0},
		{"99999999999999999999999", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = 0;

		assert_int_equal(
			parse_number(cases[i].text, 0, INT64_MAX, &value), cases[i].result);
		assert_int_equal(value, cases[i].value);
	}
	int64_t value = 5;
	assert_int_equal(parse_number("11", 1, 10, &value), -EINVAL);
	assert_int_equal(value, 5);
}

static void
flags(void **state)
{
	struct query query;
	bool a = true, b = false, c = true;

	(void)state;
	assert_int_equal(query_parse(&query, "/?a=0&b=yes&d=maybe"), 0);
	assert_int_equal(query_flag(&query, "a", &a), 0);
	assert_int_equal(query_flag(&query, "b", &b), 0);
	assert_int_equal(query_flag(&query, "c", &c), 0);
	assert_int_equal(query_flag(&query, "d", &c), -EINVAL);
	assert_false(a);
	assert_true(b);
	assert_true(c);
	query_fini(&query);
}

static void
moments(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t at;
	} cases[] = {
		{"90s", 0, 1000000 - 90},
		{"10m", 0, 1000000 - 600},
		{"6h", 0, 1000000 - 21600},
		{"7d", 0, 1000000 - 604800},
		{"1w", 0, 1000000 - 604800},
		{"7", -EINVAL, 0},
		{"d", -EINVAL, 0},
		{"-7d", -EINVAL, 0},
		{"7y", -EINVAL, 0},
		{"99999999999d", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t at = 0;

		assert_int_equal(parse_since(cases[i].text, 1000000, &at), cases[i].result);
		assert_int_equal(at, cases[i].at);
	}
}

static void
names(void **state)
{
	char longest[QUERY_NAME_SIZE + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[QUERY_NAME_SIZE] = '\0';
	assert_false(name_is_valid(longest));
	longest[QUERY_NAME_SIZE - 1] = '\0';
	assert_true(name_is_valid(longest));
	assert_true(name_is_valid("bot-1.a_B"));
	assert_false(name_is_valid(""));
	assert_false(name_is_valid("a b"));
	assert_false(name_is_valid("a/b"));
	assert_false(name_is_valid("\xc3\xa4"));
}

static void
paths(void **state)
{
	struct arena arena = {0};
	char *name = NULL;

	(void)state;
	assert_true(path_matches("/v1/feeds", "/v1/feeds", &arena, &name));
	assert_false(path_matches("/v1/feeds", "/v1/feeds/", &arena, &name));
	assert_null(name);
	assert_true(path_matches("/v1/feeds/*", "/v1/feeds/hn", &arena, &name));
	assert_string_equal(name, "hn");
	assert_true(path_matches("/v1/feeds/*/poll", "/v1/feeds/a.b/poll", &arena, &name));
	assert_string_equal(name, "a.b");
	assert_false(path_matches("/v1/feeds/*", "/v1/feeds/", &arena, &name));
	assert_false(path_matches("/v1/feeds/*", "/v1/feeds/a/b", &arena, &name));
	assert_false(path_matches("/v1/feeds/*/poll", "/v1/feeds//poll", &arena, &name));
	arena_fini(&arena);
}

static void
hosts(void **state)
{
	static const char *const own[] = {"localhost", "LOCALHOST:8470", "feedd", "127.0.0.1",
		"127.0.0.1:8470", "192.168.1.5:80", "[::1]", "[::1]:8470"};
	static const char *const foreign[] = {"", "evil.example", "evil.example:8470",
		"localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1:8470:1",
		"127.0.0.1:x", "[::1", "[evil]", "::1", "localhost.", "feedd@evil.example", "127.1",
		"0x7f.1", "localhost:99999", "[127.0.0.1]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		assert_true(host_is_own(own[i]));
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		assert_false(host_is_own(foreign[i]));
	assert_true(origin_is_own("http://localhost:8470", "localhost:8470"));
	assert_false(origin_is_own("http://evil.example", "localhost:8470"));
	assert_false(origin_is_own("http://localhost:1", "localhost:8470"));
	assert_false(origin_is_own("null", "localhost:8470"));
	assert_false(origin_is_own("https://localhost:8470", "localhost:8470"));
}

static void
accepts(void **state)
{
	(void)state;
	assert_true(accept_wants_sse("text/event-stream"));
	assert_true(accept_wants_sse("application/json, Text/Event-Stream;q=0.9"));
	assert_false(accept_wants_sse("*/*"));
	assert_false(accept_wants_sse(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(target_limits),
		cmocka_unit_test(numbers),
		cmocka_unit_test(flags),
		cmocka_unit_test(moments),
		cmocka_unit_test(names),
		cmocka_unit_test(paths),
		cmocka_unit_test(hosts),
		cmocka_unit_test(accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
