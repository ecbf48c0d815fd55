/*
 * freshness.c - what an answer says of how long it holds, and when to come again. Pure.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "feedd/date.h"
#include "feedd/http.h"

/* What is larger is as good as for ever (RFC 9111, 1.2.2), and sums of two cannot overflow. */
#define SECONDS_MAX ((int64_t)INT32_MAX)

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* delta-seconds with blanks around it: the number, at most SECONDS_MAX, or -1. */
static int64_t
parse_seconds(const char *s, size_t len)
{
	int64_t seconds = 0;

	while (len > 0 && is_blank(s[0]))
		s++, len--;
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	if (len == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		if (seconds < SECONDS_MAX)
			seconds = seconds * 10 + (s[i] - '0');
	}
	return seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
}

struct directive {
	const char *name, *value; /* value NULL: none */
	size_t name_len, value_len;
};

/* The next directive of a Cache-Control list; NULL at its end, else where to go on. */
static const char *
next_directive(const char *s, struct directive *ret)
{
	while (is_blank(*s) || *s == ',')
		s++;
	if (!*s)
		return NULL;
	*ret = (struct directive){.name = s};
	while (*s && *s != ',' && *s != '=' && !is_blank(*s))
		s++;
	ret->name_len = (size_t)(s - ret->name);
	while (is_blank(*s))
		s++;
	if (*s == '=') {
		s++;
		while (is_blank(*s))
			s++;
		bool quoted = *s == '"';
		ret->value = s += quoted;
		while (*s && *s != (quoted ? '"' : ','))
			s += s[0] == '\\' && quoted && s[1] ? 2 : 1;
		ret->value_len = (size_t)(s - ret->value);
	}
	while (*s && *s != ',')
		s++;
	return s;
}

static bool
is_named(const struct directive *directive, const char *name)
{
	return directive->name_len == strlen(name) &&
		strncasecmp(directive->name, name, directive->name_len) == 0;
}

enum { AGE_ABSENT = -1 };

/* The max-age that holds for a private cache: the first one; 0 where it is unreadable or
 * overridden; AGE_ABSENT. */
static int64_t
max_age(const char *cache_control)
{
	struct directive directive;
	int64_t found = AGE_ABSENT;

	while (cache_control && (cache_control = next_directive(cache_control, &directive))) {
		/* no-cache="field" speaks of that field only */
		if (is_named(&directive, "no-store") ||
			(is_named(&directive, "no-cache") && !directive.value))
			return 0;
		if (found != AGE_ABSENT || !is_named(&directive, "max-age"))
			continue;
		found = directive.value ? parse_seconds(directive.value, directive.value_len) : 0;
		if (found < 0)
			found = 0;
	}
	return found;
}

int64_t
http_freshness(const char *cache_control, const char *expires, const char *date, const char *age,
	int64_t now)
{
	int64_t lifetime = max_age(cache_control);
	int64_t older = age ? parse_seconds(age, strlen(age)) : 0;

	if (lifetime == AGE_ABSENT) {
		int64_t until = expires ? date_parse_http(expires) : DATE_NONE;
		int64_t from = date ? date_parse_http(date) : DATE_NONE;

		if (until == DATE_NONE)
			return 0;
		lifetime = until - (from == DATE_NONE ? now : from);
	}
	if (older > 0)
		lifetime -= older;
	if (lifetime <= 0)
		return 0;
	return lifetime < SECONDS_MAX ? lifetime : SECONDS_MAX;
}

bool
http_expires_at_once(const char *cache_control, const char *expires)
{
	if (!expires || max_age(cache_control) > 0)
		return false;
	while (is_blank(*expires))
		expires++;
	if (*expires == '-')
		expires++;
	size_t digits = strspn(expires, "0123456789");
	return digits > 0 && expires[digits + strspn(expires + digits, " \t")] == '\0';
}

int64_t
http_retry_after(const char *retry_after, const char *date, int64_t now)
{
	if (!retry_after)
		return 0;
	int64_t seconds = parse_seconds(retry_after, strlen(retry_after));
	if (seconds >= 0)
		return seconds;
	int64_t until = date_parse_http(retry_after);
	int64_t from = date ? date_parse_http(date) : DATE_NONE;
	if (until == DATE_NONE)
		return 0;
	seconds = until - (from == DATE_NONE ? now : from);
	if (seconds <= 0)
		return 0;
	return seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
}
