/* test_offline.c - most of the hosts asked last must fail before we call ourselves offline. */
#include "test.h"

#include <stdio.h>

#include "feedd/offline.h"

static void
note(struct offline *offline, int host, bool reached)
{
	char name[16];

	snprintf(name, sizeof(name), "h%d", host);
	offline_note(offline, name, reached);
}

static void
few_hosts_prove_nothing(void **state)
{
	(void)state;
	struct offline offline = {0};

	assert_false(offline_is(&offline));
	for (int i = 0; i < 40; i++)
		note(&offline, i % (OFFLINE_LEAST - 1), false);
	assert_false(offline_is(&offline));
	note(&offline, OFFLINE_LEAST, false);
	assert_true(offline_is(&offline));
}

static void
nine_tenths_of_twenty(void **state)
{
	(void)state;
	struct offline offline = {0};

	for (int i = 0; i < 20; i++)
		note(&offline, i, true);
	for (int i = 0; i < 17; i++)
		note(&offline, i, false);
	assert_false(offline_is(&offline));
	for (int i = 0; i < 17; i++) /* the same hosts again are no further proof */
		note(&offline, i, false);
	assert_false(offline_is(&offline));
	note(&offline, 17, false);
	assert_true(offline_is(&offline));
	/* Two that answer are within the tenth, the third is not. */
	note(&offline, 0, true);
	assert_false(offline_is(&offline));
	note(&offline, 0, false);
	assert_true(offline_is(&offline));
}

static void
only_the_last_twenty_count(void **state)
{
	(void)state;
	struct offline offline = {0};

	for (int i = 0; i < 100; i++)
		note(&offline, i, false);
	assert_true(offline_is(&offline));
	for (int i = 100; i < 103; i++)
		note(&offline, i, true);
	assert_false(offline_is(&offline));
	for (int i = 200; i < 218; i++)
		note(&offline, i, false);
	assert_true(offline_is(&offline)); /* 18 new failures and the two newest of the three */
	note(&offline, 300, true);
	assert_true(offline_is(&offline)); /* it pushed out one of those two */
	note(&offline, 301, true);
	note(&offline, 302, true);
	assert_false(offline_is(&offline));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_hosts_prove_nothing),
		cmocka_unit_test(nine_tenths_of_twenty),
		cmocka_unit_test(only_the_last_twenty_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
