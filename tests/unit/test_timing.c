/* test_timing.c - waits, digests, hourly limits, signatures. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/notify/sign.h"
#include "../../src/notify/timing.h"
#include "feedd/mem.h"

static void
waits_double_up_to_an_hour(void **state)
{
	static const int64_t expected[] = {
		5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(retry_wait((int32_t)i), expected[i]);
	assert_int_equal(retry_wait(INT32_MAX), 3600);
	assert_int_equal(retry_jitter(5, 0), 5000);
	for (uint32_t random = 0; random < 5000; random += 7)
		assert_in_range(retry_jitter(5, random), 5000, 6250);
	assert_in_range(retry_jitter(3600, UINT32_MAX), 3600 * 1000, 4500 * 1000);
}

static void
digest_times_are_read_strictly(void **state)
{
	static const char *const wrong[] = {
		"", "7:30", "24:00", "07:60", "07-30", "07:3", "07:300", "+7:30", " 7:30", "ab:cd"};

	(void)state;
	assert_int_equal(digest_parse("00:00"), 0);
	assert_int_equal(digest_parse("07:30"), 450);
	assert_int_equal(digest_parse("23:59"), 1439);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(digest_parse(wrong[i]), -EINVAL);
}

static void
digests_are_due_once_a_day(void **state)
{
	const int64_t midnight = 1764000000 - 1764000000 % 86400; /* UTC */

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(digest_last(450, midnight + 450 * 60), midnight + 450 * 60);
	assert_int_equal(digest_last(450, midnight + 450 * 60 - 1), midnight - 86400 + 450 * 60);
	assert_int_equal(digest_next(450, midnight + 450 * 60), midnight + 86400 + 450 * 60);
	assert_int_equal(digest_next(450, midnight), midnight + 450 * 60);
	/* The day on which the clock goes forward has 23 hours: 2026-03-29 in Berlin. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(digest_next(450, 1774679400), 1774679400 + 23 * 3600);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void
an_hour_allows_so_many_calls(void **state)
{
	struct quota quota = {0};

	(void)state;
	assert_int_equal(quota_left(&quota, 2, 1000), 2);
	quota_use(&quota, 1000);
	quota_use(&quota, 50000);
	assert_int_equal(quota_left(&quota, 2, 3600999), 0);
	assert_int_equal(quota_ends(&quota), 3601000);
	assert_int_equal(quota_left(&quota, 2, 3601000), 2);
}

static void
signatures_match_the_published_example(void **state)
{
	const char *secrets[] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not the same key",
		"whsec_bm90IHRoZSBzYW1lIGtleQ=="};
	const struct string_list one = {secrets, 1}, all = {secrets, 3};
	const struct signed_message message = {
		.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
		.timestamp = 1614265330,
		.body = "{\"test\": 2432232314}",
		.body_len = strlen("{\"test\": 2432232314}"),
	};
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(sign_message(&out, &one, &message), 0);
	assert_string_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	/* While rotating: one signature for each secret. Without the prefix a text is the key. */
	buf_reset(&out);
	assert_int_equal(sign_message(&out, &all, &message), 0);
	assert_memory_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,", 51);
	assert_memory_equal(out.data + 51, out.data + 51 + 48, 44);
	assert_memory_not_equal(out.data + 51, "g0hM9SsE", 8);
	assert_int_equal(out.len, 3 * 47 + 2);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_an_hour),
		cmocka_unit_test(digest_times_are_read_strictly),
		cmocka_unit_test(digests_are_due_once_a_day),
		cmocka_unit_test(an_hour_allows_so_many_calls),
		cmocka_unit_test(signatures_match_the_published_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
