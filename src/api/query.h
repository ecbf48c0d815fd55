/*
 * query.h - what a client may write into a request: paths, parameters, numbers, hosts.
 *
 * Private to the room. Pure: text in, values or -EINVAL out; nothing is guessed. That is the part
 * of the socket that strangers write, so it is the part that is fuzzed.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

#define QUERY_PARAMETERS_MAX 32
#define QUERY_URI_MAX 65536
/* Bytes of a consumer's name with its NUL, as in struct store_consumer. */
#define QUERY_NAME_SIZE 64

struct query {
	struct arena arena;
	char *path; /* decoded, without the query */
	struct query_pair {
		const char *name, *value;
	} pairs[QUERY_PARAMETERS_MAX];
	size_t n_pairs;
};

/* Splits a request target (path?name=value&…) and decodes it. -EINVAL where it does not begin with
 * '/', an escape is broken, something decodes to NUL, a control character or no UTF-8, or there are
 * too many parameters; -E2BIG over QUERY_URI_MAX. Call query_fini in every case. */
int query_parse(struct query *query, const char *target) MUST_USE;
void query_fini(struct query *query);
/* The value of the last parameter of that name, or NULL; an empty value counts as absent. */
const char *query_get(const struct query *query, const char *name);
/* A number within [min, max]; *ret_value stays where it is absent. -EINVAL where it is none. */
int query_number(const struct query *query, const char *name, int64_t min, int64_t max,
	int64_t *ret_value) MUST_USE;
/* 1, true, yes and 0, false, no; *ret_value stays where it is absent. */
int query_flag(const struct query *query, const char *name, bool *ret_value) MUST_USE;

/* Decimal digits only, the whole text, within [min, max]. */
int parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_value) MUST_USE;
/* A moment: a duration back from now ("90s", "10m", "6h", "7d", "2w"), or a date. Unix seconds. */
int parse_since(const char *text, int64_t now, int64_t *ret_at) MUST_USE;
/* True for a consumer's name: letters, digits, . _ - and at most QUERY_NAME_SIZE - 1 of them. */
bool name_is_valid(const char *name);
/* Compares a path with a pattern in which one segment may be "*"; that segment is copied (in the
 * arena) to *ret_name. */
bool path_matches(const char *pattern, const char *path, struct arena *arena, char **ret_name);
/* True if a Host header names this machine by address, or as localhost or feedd: what a page that
 * had its own name point here (DNS rebinding) cannot do. */
bool host_is_own(const char *host);
/* True if an Origin header is that of this very server ("http://" and the Host header). */
bool origin_is_own(const char *origin, const char *host);
/* True if an Accept header asks for server-sent events. */
bool accept_wants_sse(const char *accept);

#endif
