/* query.c - see query.h. Pure: touches nothing but its arguments. */
#include "query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "feedd/date.h"
#include "feedd/text.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* True if the bytes are text that may go on: UTF-8, and nothing that steers a terminal or a log. */
static bool
is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t' && s[i] != '\n') || s[i] == 0x7f)
			return false;
	return text_is_utf8(s, len);
}

/* Percent-decodes len bytes into the arena; '+' is a blank in parameters. NULL where it is broken.
 */
static char *
decode(struct arena *arena, const char *s, size_t len, bool plus)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < len ? hex_digit(s[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return is_plain(out, n) ? out : NULL;
}

static int
add_pair(struct query *query, const char *s, size_t len)
{
	if (len == 0)
		return 0;
	if (query->n_pairs == QUERY_PARAMETERS_MAX)
		return -EINVAL;
	const char *equals = memchr(s, '=', len);
	size_t name_len = equals ? (size_t)(equals - s) : len;
	const char *value = equals ? equals + 1 : s + len;
	struct query_pair *pair = &query->pairs[query->n_pairs];

	pair->name = decode(&query->arena, s, name_len, true);
	pair->value = decode(&query->arena, value, (size_t)(s + len - value), true);
	if (!pair->name || !pair->value)
		return -EINVAL;
	query->n_pairs++;
	return 0;
}

int
query_parse(struct query *query, const char *target)
{
	size_t len = strlen(target);

	*query = (struct query){0};
	if (len > QUERY_URI_MAX)
		return -E2BIG;
	if (target[0] != '/')
		return -EINVAL;
	size_t path_len = strcspn(target, "?#");
	query->path = decode(&query->arena, target, path_len, false);
	if (!query->path)
		return -EINVAL;
	const char *at = target + path_len;
	if (*at != '?')
		return 0;
	for (at++; *at && *at != '#';) {
		size_t n = strcspn(at, "&#");
		int r = add_pair(query, at, n);

		if (r < 0)
			return r;
		at += n;
		if (*at == '&')
			at++;
	}
	return 0;
}

void
query_fini(struct query *query)
{
	arena_fini(&query->arena);
}

const char *
query_get(const struct query *query, const char *name)
{
	for (size_t i = query->n_pairs; i > 0; i--)
		if (strcmp(query->pairs[i - 1].name, name) == 0)
			return *query->pairs[i - 1].value ? query->pairs[i - 1].value : NULL;
	return NULL;
}

int
parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
	int64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *text - '0', &value))
			return -EINVAL;
	}
	if (value < min || value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int
query_number(
	const struct query *query, const char *name, int64_t min, int64_t max, int64_t *ret_value)
{
	const char *text = query_get(query, name);

	return text ? parse_number(text, min, max, ret_value) : 0;
}

int
query_flag(const struct query *query, const char *name, bool *ret_value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"1", true},
		{"true", true},
		{"yes", true},
		{"0", false},
		{"false", false},
		{"no", false},
	};
	const char *text = query_get(query, name);

	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*ret_value = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

/* Seconds of a unit of time, 0 where it is none. */
static int64_t
unit_seconds(char unit)
{
	static const struct {
		char letter;
		int32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].letter == unit)
			return units[i].seconds;
	return 0;
}

int
parse_since(const char *text, int64_t now, int64_t *ret_at)
{
	size_t len = strlen(text);
	int64_t unit = len >= 2 && len <= 12 ? unit_seconds(text[len - 1]) : 0;

	if (unit > 0) {
		char digits[16];
		int64_t count;

		memcpy(digits, text, len - 1);
		digits[len - 1] = '\0';
		if (parse_number(digits, 0, INT32_MAX, &count) == 0) {
			*ret_at = now - count * unit;
			return 0;
		}
	}
	int64_t date = len >= 8 && len <= 64 ? date_parse(text, len) : DATE_NONE;
	if (date == DATE_NONE)
		return -EINVAL;
	*ret_at = date;
	return 0;
}

bool
name_is_valid(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len < QUERY_NAME_SIZE && name[len] == '\0';
}

bool
path_matches(const char *pattern, const char *path, struct arena *arena, char **ret_name)
{
	const char *star = strchr(pattern, '*');

	if (!star)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(star - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	size_t segment = strcspn(path + before, "/");
	if (segment == 0 || strcmp(path + before + segment, star + 1) != 0)
		return false;
	*ret_name = arena_strndup(arena, path + before, segment);
	return true;
}

/* Copies the host of a Host header without port and brackets; false where it is malformed. */
static bool
split_host(const char *header, char *host, size_t size)
{
	bool bracket = header[0] == '[';
	const char *start = header + (bracket ? 1 : 0);
	size_t len = strcspn(start, bracket ? "]" : ":");
	const char *rest = start + len;
	int64_t port;

	if (bracket && *rest++ != ']')
		return false;
	if (len == 0 || len >= size)
		return false;
	if (*rest && (*rest != ':' || parse_number(rest + 1, 0, 65535, &port) < 0))
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	return true;
}

bool
host_is_own(const char *header)
{
	char host[256];
	unsigned char address[16];

	if (!split_host(header, host, sizeof(host)))
		return false;
	if (header[0] == '[')
		return inet_pton(AF_INET6, host, address) == 1;
	return strcasecmp(host, "localhost") == 0 || strcasecmp(host, "feedd") == 0 ||
		inet_pton(AF_INET, host, address) == 1;
}

bool
origin_is_own(const char *origin, const char *host)
{
	return strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0;
}

bool
accept_wants_sse(const char *accept)
{
	static const char type[] = "text/event-stream";

	return accept && strcasestr(accept, type);
}
