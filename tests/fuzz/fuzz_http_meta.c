/* fuzz_http_meta.c - headers that decide when to come again, and the charset: bounded whatever a
 * server writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/http.h"
#include "feedd/mem.h"
#include "feedd/parse.h"

#define FIELDS 6

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	parse_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena arena = {0};
	char *rest = arena_strndup(&arena, (const char *)data, size);
	const char *field[FIELDS] = {NULL}; /* one a line; an empty one is absent */
	const int64_t now = 1795550400;

	for (int i = 0; i < FIELDS && rest; i++) {
		char *line = strsep(&rest, "\n");

		field[i] = *line ? line : NULL;
	}
	int64_t fresh = http_freshness(field[0], field[1], field[2], field[3], now);
	int64_t wait = http_retry_after(field[4], field[2], now);
	require(fresh >= 0 && fresh <= INT32_MAX);
	require(wait >= 0 && wait <= INT32_MAX);
	/* What is expired at once is fresh for no time. */
	require(!http_expires_at_once(field[0], field[1]) || fresh == 0);
	if (!field[5])
		return 0;
	const char *charset = parse_charset(&arena, field[5]);
	for (const char *p = charset; p && *p; p++)
		require(*p < 'A' || *p > 'Z');
	return 0;
}
