/* fuzz_date.c - dates: one that can be written as RFC 3339 and read back as the same, or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/date.h"
#include "feedd/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int holds)
{
	if (!holds)
		abort();
}

/* The text within white space, in memory of just its size. */
static int64_t
parse_padded(const char *s, size_t size)
{
	AUTO(freep) char *padded = xmalloc(size + 3);

	padded[0] = ' ';
	memcpy(padded + 1, s, size);
	memcpy(padded + 1 + size, "\n\t", 2);
	return date_parse(padded, size + 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) char *text = xstrndup((const char *)data, size);
	char out[DATE_SIZE];
	int64_t date = date_parse((const char *)data, size);

	require(date == parse_padded((const char *)data, size));
	if (date != DATE_NONE) {
		date_format(date, out);
		require(strlen(out) == 20 && out[19] == 'Z');
		require(date_parse(out, 20) == date);
		date_format_http(date, out);
		require(strlen(out) == 29);
		require(date_parse_http(out) == date);
	}
	date = date_parse_http(text);
	require(date == DATE_NONE || date == date_parse(text, strlen(text)));
	require(date_duration((const char *)data, size) >= -1);
	return 0;
}
