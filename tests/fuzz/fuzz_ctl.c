/* fuzz_ctl.c - what a client of the socket may write: target, numbers, moments, Host, Origin. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/api/query.h"
#include "feedd/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool held)
{
	if (!held)
		abort();
}

/* Whatever is decoded is text without NUL that may go on to logs, answers and SQL parameters. */
static void
check_query(const char *target)
{
	struct query query;

	if (query_parse(&query, target) == 0) {
		check(query.path[0] == '/');
		check(text_is_utf8(query.path, strlen(query.path)));
		check(query.n_pairs <= QUERY_PARAMETERS_MAX);
		for (size_t i = 0; i < query.n_pairs; i++) {
			const struct query_pair *pair = &query.pairs[i];

			check(text_is_utf8(pair->value, strlen(pair->value)));
			check(!strchr(pair->value, '\x1b'));
			const char *value = query_get(&query, pair->name);
			check(!value || *value);
		}
		char *name = NULL;
		if (path_matches("/v1/feeds/*/poll", query.path, &query.arena, &name))
			check(*name && !strchr(name, '/'));
	}
	query_fini(&query);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) char *text = xstrndup((const char *)data, size);
	int64_t number = 7;

	check_query(text);
	if (parse_number(text, 1, 1000, &number) == 0)
		check(number >= 1 && number <= 1000);
	else
		check(number == 7);
	if (parse_since(text, 1700000000, &number) < 0)
		check(number >= 1 && number <= 1000);
	if (name_is_valid(text))
		check(strlen(text) < QUERY_NAME_SIZE && !strpbrk(text, "/%?& \n"));
	if (host_is_own(text))
		check(!strpbrk(text, "/@ ") && strlen(text) < 300);
	check(!origin_is_own(text, "localhost") || strlen(text) == strlen("http://localhost"));
	accept_wants_sse(text);
	return 0;
}
