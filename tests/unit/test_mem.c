/* test_mem.c - arenas keep what they were given, buffers keep their ceiling, hashes keep their
 * values. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"

static void
arena_keeps_contents(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	char *kept[2000];

	for (int i = 0; i < 2000; i++)
		kept[i] = arena_printf(&arena, "string number %d", i);
	for (int i = 0; i < 2000; i++) {
		char want[32];

		snprintf(want, sizeof(want), "string number %d", i);
		assert_string_equal(kept[i], want);
	}
	assert_int_equal((uintptr_t)arena_alloc(&arena, 1) % _Alignof(max_align_t), 0);
	char *large = arena_zalloc(&arena, (size_t)3 << 20);
	assert_int_equal(large[(3 << 20) - 1], 0);
	assert_null(arena_strdup(&arena, NULL));
}

static void
buf_has_a_ceiling(void **state)
{
	(void)state;
	AUTO(buf_fini) struct buf buf = BUF_INIT(10);

	assert_int_equal(buf_puts(&buf, "12345"), 0);
	assert_int_equal(buf_puts(&buf, "123456"), -EMSGSIZE);
	assert_string_equal(buf.data, "12345");
	assert_int_equal(buf_puts(&buf, "67890"), 0);
	assert_int_equal(buf_putc(&buf, 'x'), -EMSGSIZE);
	AUTO(freep) char *stolen = buf_steal(&buf);
	assert_string_equal(stolen, "1234567890");
	assert_int_equal(buf_printf(&buf, "%d", 42), 0);
	assert_string_equal(buf.data, "42");
}

static void
hash_is_stable(void **state)
{
	(void)state;
	/* Stored in databases: these numbers may never change. */
	assert_int_equal(hash64(0, "", 0), hash64_str(0, "") == 0 ? 1 : 0);
	assert_true(hash64_str(0, "ab") != hash64_str(0, "ba"));
	assert_true(hash64_str(0, NULL) != hash64_str(0, ""));
	assert_true(hash64_str(hash64_str(0, "ab"), "c") != hash64_str(hash64_str(0, "a"), "bc"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_keeps_contents),
		cmocka_unit_test(buf_has_a_ceiling),
		cmocka_unit_test(hash_is_stable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
