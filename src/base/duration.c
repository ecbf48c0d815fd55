/*
 * duration.c - how long something lasts. Pure: touches nothing but its arguments.
 */
#include <stdbool.h>

#include "feedd/date.h"

/* A thousand years: more is no duration of anything. */
#define LONGEST INT64_C(31556952000)

/* Digits at *at; false where there are none or too many. A fraction behind them is read over. */
static bool
read_number(const char *s, size_t len, size_t *at, int64_t *ret)
{
	size_t from = *at;

	for (*ret = 0; *at < len && s[*at] >= '0' && s[*at] <= '9'; (*at)++) {
		*ret = *ret * 10 + (s[*at] - '0');
		if (*ret > LONGEST)
			return false;
	}
	return *at > from;
}

static void
skip_fraction(const char *s, size_t len, size_t *at)
{
	if (*at >= len || (s[*at] != '.' && s[*at] != ','))
		return;
	do
		(*at)++;
	while (*at < len && s[*at] >= '0' && s[*at] <= '9');
}

/* "90", "1:30", "1:01:30". */
static int64_t
read_clock(const char *s, size_t len)
{
	int64_t total = 0;
	size_t at = 0;

	for (int fields = 1;; fields++) {
		int64_t value;

		if (fields > 3 || !read_number(s, len, &at, &value) || (fields > 1 && value > 59))
			return -1;
		total = total * 60 + value;
		if (at == len || s[at] != ':')
			break;
		at++;
	}
	skip_fraction(s, len, &at);
	return at == len && total <= LONGEST ? total : -1;
}

/* "PT1H2M3S", behind the P. Years and months have no fixed length, and make it none. */
static int64_t
read_iso(const char *s, size_t len)
{
	static const struct {
		char letter;
		bool in_time;
		int64_t seconds;
	} units[] = {{'W', false, 604800}, {'D', false, 86400}, {'H', true, 3600}, {'M', true, 60},
		{'S', true, 1}};
	int64_t total = 0;
	bool in_time = false;
	bool empty = true;
	size_t next = 0;

	for (size_t at = 0; at < len; at++) {
		int64_t value;

		if (!in_time && (s[at] | 0x20) == 't') {
			in_time = empty = true;
			continue;
		}
		if (!read_number(s, len, &at, &value))
			return -1;
		skip_fraction(s, len, &at);
		while (next < 5 &&
			(at >= len || (s[at] & ~0x20) != units[next].letter ||
				units[next].in_time != in_time))
			next++;
		if (next == 5)
			return -1;
		total += value * units[next++].seconds;
		empty = false;
		if (total > LONGEST)
			return -1;
	}
	return empty ? -1 : total;
}

int64_t
date_duration(const char *s, size_t len)
{
	while (len > 0 && (unsigned char)s[0] <= ' ') {
		s++;
		len--;
	}
	while (len > 0 && (unsigned char)s[len - 1] <= ' ')
		len--;
	if (len > 1 && (s[0] | 0x20) == 'p')
		return read_iso(s + 1, len - 1);
	return read_clock(s, len);
}
