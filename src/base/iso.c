/*
 * iso.c - ISO 8601 dates, extended and basic, with weeks and days of the year, and bare numbers of
 * seconds. Pure: touches nothing but its arguments.
 */
#include <string.h>

#include "calendar.h"

/* What is being read, from left to right. */
struct cursor {
	const char *s;
	size_t len, at;
};

static char
peek(const struct cursor *cursor)
{
	return cursor->at < cursor->len ? cursor->s[cursor->at] : '\0';
}

static bool
accept(struct cursor *cursor, char c)
{
	if (cursor->at >= cursor->len || cursor->s[cursor->at] != c)
		return false;
	cursor->at++;
	return true;
}

static bool
skip_blanks(struct cursor *cursor)
{
	size_t from = cursor->at;

	while (peek(cursor) == ' ' || peek(cursor) == '\t' || peek(cursor) == '\n' ||
		peek(cursor) == '\r')
		cursor->at++;
	return cursor->at > from;
}

/* The number of digits that come next. */
static size_t
digits_ahead(const struct cursor *cursor)
{
	size_t n = 0;

	while (cursor->at + n < cursor->len && cursor->s[cursor->at + n] >= '0' &&
		cursor->s[cursor->at + n] <= '9')
		n++;
	return n;
}

/* Takes n digits (at most 18), which must be there. */
static int64_t
take(struct cursor *cursor, size_t n)
{
	int64_t value = 0;

	while (n-- > 0)
		value = value * 10 + (cursor->s[cursor->at++] - '0');
	return value;
}

static int
take_int(struct cursor *cursor, size_t n)
{
	return (int)take(cursor, n);
}

/* Exactly n digits, or -1. */
static int
take_exactly(struct cursor *cursor, size_t n)
{
	return digits_ahead(cursor) == n ? take_int(cursor, n) : -1;
}

/* One or two digits, or -1. */
static int
take_short(struct cursor *cursor)
{
	size_t n = digits_ahead(cursor);

	return n == 1 || n == 2 ? take_int(cursor, n) : -1;
}

static bool
set_day_of_year(struct moment *moment, int day)
{
	if (day < 1)
		return false;
	for (moment->month = 1; moment->month <= 12; moment->month++) {
		int length = calendar_month_length(moment->year, moment->month);

		if (day <= length) {
			moment->day = day;
			return true;
		}
		day -= length;
	}
	return false;
}

/* Week 1 holds the year's first Thursday; its Monday may lie in the year before. */
static bool
set_week(struct moment *moment, int week, int weekday)
{
	if (moment->year < 1 || week < 1 || weekday < 1 || weekday > 7)
		return false;
	int64_t first = calendar_days(moment->year, 1, 1);
	int64_t next = calendar_days(moment->year + 1, 1, 1);
	/* Days from the Monday of week 1 to January 1, and the same a year on. */
	int lead = (calendar_weekday(first) + 2) % 7 - 3;
	int next_lead = (calendar_weekday(next) + 2) % 7 - 3;
	int64_t monday = first - lead;
	int64_t end = next - next_lead;
	int64_t day = monday + (week - 1) * 7 + weekday - 1;
	if (day >= end)
		return false;
	if (day < first) {
		moment->year--;
		return set_day_of_year(moment, (int)(day - calendar_days(moment->year, 1, 1)) + 1);
	}
	if (day >= next) {
		moment->year++;
		return set_day_of_year(moment, (int)(day - next) + 1);
	}
	return set_day_of_year(moment, (int)(day - first) + 1);
}

/* Behind "2026-": the rest of an extended date. */
static bool
read_extended(struct cursor *cursor, struct moment *moment)
{
	if (accept(cursor, 'W')) {
		int week = take_exactly(cursor, 2);

		return set_week(moment, week, accept(cursor, '-') ? take_exactly(cursor, 1) : 1);
	}
	if (digits_ahead(cursor) == 3)
		return set_day_of_year(moment, take_int(cursor, 3));
	size_t digits = digits_ahead(cursor);
	moment->month = take_short(cursor);
	if (!accept(cursor, '-')) {
		moment->day = 1;
		return digits == 2;
	}
	moment->day = take_short(cursor);
	return moment->day > 0;
}

/* A date in one of all forms. *ret_has_time is set where the time was in the same digits. */
static bool
read_date(struct cursor *cursor, struct moment *moment, bool *ret_has_time)
{
	size_t digits = digits_ahead(cursor);

	switch (digits) {
	case 2: /* 26-11-23T: only with the T is it one */
		if (cursor->len < 9 || cursor->s[2] != '-' || cursor->s[8] != 'T')
			return false;
		moment->year = calendar_year(take_int(cursor, 2), 2);
		return accept(cursor, '-') && read_extended(cursor, moment);
	case 4:
		moment->year = take_int(cursor, 4);
		if (accept(cursor, '-'))
			return read_extended(cursor, moment);
		if (accept(cursor, 'W')) {
			bool with_day = digits_ahead(cursor) == 3;
			int week = digits_ahead(cursor) >= 2 ? take_int(cursor, 2) : -1;

			return set_week(moment, week, with_day ? take_exactly(cursor, 1) : 1);
		}
		moment->month = moment->day = 1;
		return cursor->at == cursor->len;
	case 7:
		moment->year = take_int(cursor, 4);
		return set_day_of_year(moment, take_int(cursor, 3));
	case 8:
	case 12:
	case 14:
		moment->year = take_int(cursor, 4);
		moment->month = take_int(cursor, 2);
		moment->day = take_int(cursor, 2);
		*ret_has_time = digits > 8;
		if (digits > 8) {
			moment->hour = take_int(cursor, 2);
			moment->minute = take_int(cursor, 2);
		}
		if (digits == 14)
			moment->second = take_int(cursor, 2);
		return true;
	default:
		return false;
	}
}

/* ".123" of a second is read over. */
static bool
skip_fraction(struct cursor *cursor)
{
	if (!accept(cursor, '.') && !accept(cursor, ','))
		return true;
	size_t n = digits_ahead(cursor);
	cursor->at += n;
	return n > 0;
}

static bool
read_time(struct cursor *cursor, struct moment *moment)
{
	size_t digits = digits_ahead(cursor);

	if (digits == 4 || digits == 6) {
		moment->hour = take_int(cursor, 2);
		moment->minute = take_int(cursor, 2);
		if (digits == 4)
			return true;
		moment->second = take_int(cursor, 2);
		return skip_fraction(cursor);
	}
	moment->hour = take_short(cursor);
	if (!accept(cursor, ':'))
		return digits == 2;
	moment->minute = take_short(cursor);
	if (!accept(cursor, ':'))
		return moment->minute >= 0;
	moment->second = take_short(cursor);
	return moment->second >= 0 && skip_fraction(cursor);
}

/* Behind the sign: "01:00", "0100", "01", "1", "1:00". */
static bool
read_offset(struct cursor *cursor, int sign, struct moment *moment)
{
	size_t digits = digits_ahead(cursor);
	int hours;
	int minutes = 0;

	if (digits == 3 || digits == 4) {
		hours = take_int(cursor, digits - 2);
		minutes = take_int(cursor, 2);
	} else {
		hours = take_short(cursor);
		if (accept(cursor, ':'))
			minutes = take_exactly(cursor, 2);
	}
	moment->offset_minutes = sign * (hours * 60 + minutes);
	return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

/* A name that takes what is left: its minutes, or ZONE_UNKNOWN. */
static int
take_name(struct cursor *cursor, const struct moment *moment)
{
	const char *rest = cursor->s + cursor->at;
	size_t left = cursor->len - cursor->at;
	char name[8];

	if (left >= sizeof(name))
		return ZONE_UNKNOWN;
	for (size_t i = 0; i < left; i++)
		name[i] = (char)(rest[i] >= 'a' && rest[i] <= 'z' ? rest[i] - 32 : rest[i]);
	cursor->at = cursor->len;
	return date_zone(name, left, moment);
}

/* An offset, and behind it a name that says the same: "+00:00Z", "+0100 CET". */
static bool
read_offset_and_name(struct cursor *cursor, int sign, struct moment *moment)
{
	if (!read_offset(cursor, sign, moment))
		return false;
	skip_blanks(cursor);
	if (cursor->at == cursor->len || peek(cursor) == '[')
		return true;
	return take_name(cursor, moment) == moment->offset_minutes;
}

static bool
read_zone(struct cursor *cursor, struct moment *moment)
{
	static const char minus_sign[] = "\xe2\x88\x92";
	const char *rest = cursor->s + cursor->at;
	size_t left = cursor->len - cursor->at;
	char c = peek(cursor);

	if (left == 0)
		return true;
	if (c == '+' || c == '-') {
		cursor->at++;
		return read_offset_and_name(cursor, c == '-' ? -1 : 1, moment);
	}
	if (left > 3 && memcmp(rest, minus_sign, 3) == 0) {
		cursor->at += 3;
		return read_offset_and_name(cursor, -1, moment);
	}
	moment->offset_minutes = take_name(cursor, moment);
	return moment->offset_minutes != ZONE_UNKNOWN;
}

/* "[Europe/Berlin]" behind an offset says nothing that the offset does not. */
static void
skip_bracket(struct cursor *cursor)
{
	if (peek(cursor) == '[' && cursor->s[cursor->len - 1] == ']')
		cursor->at = cursor->len;
}

/* Bare numbers of seconds, milliseconds or microseconds, told apart by their length: those with
 * nine digits begin in 1973, those with ten end in 2286. */
static int64_t
read_epoch(const char *s, size_t len)
{
	struct cursor cursor = {s, len, 0};
	size_t digits = digits_ahead(&cursor);

	if (digits < 9 || digits > 16 || s[0] == '0')
		return DATE_NONE;
	int64_t value = take(&cursor, digits);
	if (!skip_fraction(&cursor) || cursor.at < len)
		return DATE_NONE;
	switch (digits) {
	case 9:
	case 10:
		return value;
	case 12:
	case 13:
		return value / 1000;
	case 15:
	case 16:
		return value / 1000000;
	default:
		return DATE_NONE;
	}
}

int64_t
date_parse_iso(const char *s, size_t len)
{
	struct cursor cursor = {s, len, 0};
	struct moment moment = {0};
	bool has_time = false;

	if (!read_date(&cursor, &moment, &has_time))
		return read_epoch(s, len);
	if (has_time) {
		if (!skip_fraction(&cursor))
			return DATE_NONE;
	} else {
		bool blank = skip_blanks(&cursor);
		bool letter = accept(&cursor, 'T') || accept(&cursor, 't');

		skip_blanks(&cursor);
		if ((blank || letter) && digits_ahead(&cursor) > 0) {
			if (!read_time(&cursor, &moment))
				return DATE_NONE;
		} else if (letter) {
			return DATE_NONE;
		}
	}
	skip_blanks(&cursor);
	if (!read_zone(&cursor, &moment))
		return DATE_NONE;
	skip_bracket(&cursor);
	int64_t at = cursor.at == len ? calendar_seconds(&moment) : DATE_NONE;
	return at == DATE_NONE ? read_epoch(s, len) : at;
}
