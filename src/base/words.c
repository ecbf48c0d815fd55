/*
 * words.c - dates made of words and numbers, in any order and language that feeds were seen to use.
 * Pure: touches nothing but its arguments.
 *
 * First tokens.c cuts the text into tokens; a word that is not known ends the attempt. Then the
 * clock is found, the zone behind it, and what is left must be a date with nothing to spare. Where
 * more than one date fits ("02/03/2004"), the weekday decides, or it is none.
 */
#include "tokens.h"

/* Korean Standard Time. */
#define KOREA 540

struct reader {
	const struct tokens *tokens;
	bool used[TOKENS_MAX];
	struct moment moment;
	bool has_clock, has_offset, zone_behind;
	size_t clock_end;	  /* the token behind the clock */
	const struct token *zone; /* a name, NULL without one; behind the offset or before it */
	int offset_minutes;
};

static const struct token *
token_at(const struct reader *reader, size_t i)
{
	static const struct token none = {.kind = TOKEN_NONE};

	return i < reader->tokens->n ? &reader->tokens->token[i] : &none;
}

static bool
is_kind(const struct reader *reader, size_t i, enum token_kind kind)
{
	return token_at(reader, i)->kind == kind;
}

static bool
is_number(const struct reader *reader, size_t i, int max_digits)
{
	return is_kind(reader, i, TOKEN_NUMBER) && token_at(reader, i)->digits <= max_digits;
}

static void
use(struct reader *reader, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		reader->used[i] = true;
}

/*
 * The clock
 */

/* "20:17", "20:17:00", "20:17:00.5" at token i: the token behind it, or 0. */
static size_t
colon_clock(struct reader *reader, size_t i, enum token_kind separator)
{
	struct moment *moment = &reader->moment;

	if (!is_number(reader, i, 2) || !is_kind(reader, i + 1, separator) ||
		!is_number(reader, i + 2, 2))
		return 0;
	moment->hour = token_at(reader, i)->value;
	moment->minute = token_at(reader, i + 2)->value;
	if (!is_kind(reader, i + 3, separator) || !is_number(reader, i + 4, 2))
		return i + 3;
	moment->second = token_at(reader, i + 4)->value;
	bool fraction =
		(is_kind(reader, i + 5, TOKEN_DOT) || is_kind(reader, i + 5, TOKEN_COMMA)) &&
		is_kind(reader, i + 6, TOKEN_NUMBER) && !token_at(reader, i + 6)->spaced;
	return fraction ? i + 7 : i + 5;
}

/* "20h17", "20時17分00秒". */
static size_t
unit_clock(struct reader *reader, size_t i)
{
	struct moment *moment = &reader->moment;

	if (!is_number(reader, i, 2) || !is_kind(reader, i + 1, TOKEN_HOUR))
		return 0;
	moment->hour = token_at(reader, i)->value;
	i += 2;
	bool glued = is_number(reader, i, 2) && !token_at(reader, i)->spaced;
	if (is_number(reader, i, 2) && (glued || is_kind(reader, i + 1, TOKEN_MINUTE))) {
		moment->minute = token_at(reader, i)->value;
		i += is_kind(reader, i + 1, TOKEN_MINUTE) ? 2 : 1;
		if (is_number(reader, i, 2) && is_kind(reader, i + 1, TOKEN_SECOND)) {
			moment->second = token_at(reader, i)->value;
			i += 2;
		}
	}
	return i;
}

/* "8 pm". */
static size_t
bare_clock(struct reader *reader, size_t i)
{
	if (!is_number(reader, i, 2) || !is_kind(reader, i + 1, TOKEN_HALF_DAY))
		return 0;
	reader->moment.hour = token_at(reader, i)->value;
	return i + 1;
}

/* "20.17" and "20.17.00" are clocks only where a month is named, and behind a year. */
static size_t
dotted_clock(struct reader *reader, size_t i)
{
	bool named = false;
	bool year = false;

	for (size_t k = 0; k < i; k++) {
		named |= is_kind(reader, k, TOKEN_WORD) && token_at(reader, k)->name->month > 0;
		year |= is_kind(reader, k, TOKEN_NUMBER) && token_at(reader, k)->digits == 4;
	}
	return named && year ? colon_clock(reader, i, TOKEN_DOT) : 0;
}

static size_t
clock_at(struct reader *reader, size_t i, int how)
{
	switch (how) {
	case 0:
		return colon_clock(reader, i, TOKEN_COLON);
	case 1:
		return unit_clock(reader, i);
	case 2:
		return bare_clock(reader, i);
	default:
		return dotted_clock(reader, i);
	}
}

static void
find_clock(struct reader *reader)
{
	for (int how = 0; how < 4; how++) {
		for (size_t i = 0; i < reader->tokens->n; i++) {
			size_t end = clock_at(reader, i, how);

			if (end == 0)
				continue;
			use(reader, i, end);
			reader->has_clock = true;
			reader->clock_end = end;
			return;
		}
	}
}

/* AM and PM, before or behind the clock. False if they contradict it. */
static bool
apply_half_day(struct reader *reader)
{
	int *hour = &reader->moment.hour;

	for (size_t i = 0; i < reader->tokens->n; i++) {
		const struct token *token = token_at(reader, i);

		if (token->kind != TOKEN_HALF_DAY)
			continue;
		if (reader->used[i] || !reader->has_clock)
			return false;
		reader->used[i] = true;
		if (i == reader->clock_end)
			reader->clock_end++;
		if (token->value ? *hour < 1 || *hour > 23 : *hour > 12)
			return false;
		if (token->value && *hour < 12)
			*hour += 12;
		else if (!token->value && *hour == 12)
			*hour = 0;
	}
	return true;
}

/*
 * The zone
 */

/* "+0100", "-5", "+01:00" at token i: the token behind it, or 0. */
static size_t
offset_at(const struct reader *reader, size_t i, int *ret_minutes)
{
	if (!is_kind(reader, i, TOKEN_SIGN) || !is_number(reader, i + 1, 4) ||
		token_at(reader, i + 1)->spaced)
		return 0;
	const struct token *number = token_at(reader, i + 1);
	int hours = number->digits > 2 ? number->value / 100 : number->value;
	int minutes = number->digits > 2 ? number->value % 100 : 0;
	size_t end = i + 2;
	if (number->digits <= 2 && is_kind(reader, end, TOKEN_COLON) &&
		is_number(reader, end + 1, 2)) {
		minutes = token_at(reader, end + 1)->value;
		end += 2;
	}
	if (hours > 23 || minutes > 59)
		return 0;
	*ret_minutes = token_at(reader, i)->value * (hours * 60 + minutes);
	return end;
}

/* Takes the zone behind the clock, or a name at the end of a date without one, or one in a comment.
 */
static void
find_zone(struct reader *reader)
{
	size_t i = reader->clock_end;

	if (!reader->has_clock) {
		if (reader->tokens->n == 0 || !is_kind(reader, reader->tokens->n - 1, TOKEN_ZONE))
			return;
		i = reader->tokens->n - 1;
	}
	if (token_at(reader, i)->zone_len > 0 && !reader->used[i]) {
		reader->zone = token_at(reader, i);
		reader->used[i++] = true;
	}
	size_t end = reader->has_clock ? offset_at(reader, i, &reader->offset_minutes) : 0;
	reader->has_offset = end > 0;
	if (end > 0)
		use(reader, i, end);
	if (end > 0 && !reader->zone && token_at(reader, end)->zone_len > 0 && !reader->used[end]) {
		reader->zone = token_at(reader, end);
		reader->zone_behind = reader->used[end] = true;
	}
	if (end > 0)
		return;
	if (!reader->zone && reader->tokens->comment.zone_len > 0)
		reader->zone = &reader->tokens->comment;
}

/* "GMT+1" is +1, "CET +0100" and "+0000 GMT" say it twice. False if the zone contradicts itself or
 * is ambiguous. The date must be known by now: the meaning of some names depends on it. */
static bool
apply_zone(const struct reader *reader, struct moment *moment)
{
	int named = reader->tokens->is_korean && !reader->has_offset ? KOREA : 0;

	if (reader->zone) {
		named = date_zone(reader->zone->zone, reader->zone->zone_len, moment);
		if (named == ZONE_UNKNOWN)
			return false;
	}
	moment->offset_minutes = reader->has_offset ? reader->offset_minutes : named;
	return (named == 0 && !reader->zone_behind) || named == moment->offset_minutes;
}

/*
 * The date
 */
#define NUMBERS_MAX 3
#define CANDIDATES_MAX 8

struct date_parts {
	const struct token *number[NUMBERS_MAX];
	size_t place[NUMBERS_MAX]; /* their tokens */
	size_t n_numbers;
	const struct date_name *month, *weekday;
	size_t month_place;
	struct moment candidate[CANDIDATES_MAX];
	size_t n_candidates;
};

/* Takes a word as month or weekday; false if there is one too many. */
static bool
collect_word(struct date_parts *parts, const struct date_name *name, size_t place)
{
	if (name->month && !parts->month) {
		parts->month = name;
		parts->month_place = place;
	} else if (name->month && parts->month->weekday && !parts->weekday) {
		parts->weekday = parts->month; /* "mar. 2 mar." */
		parts->month = name;
		parts->month_place = place;
	} else if (name->weekday && !parts->weekday) {
		parts->weekday = name;
	} else {
		return false;
	}
	return true;
}

/* Sorts the tokens that are left into parts; false if something is left over. */
static bool
collect(const struct reader *reader, struct date_parts *parts)
{
	for (size_t i = 0; i < reader->tokens->n; i++) {
		const struct token *token = token_at(reader, i);

		if (reader->used[i])
			continue;
		switch (token->kind) {
		case TOKEN_NUMBER:
			if (parts->n_numbers == NUMBERS_MAX || token->digits > 4)
				return false;
			parts->place[parts->n_numbers] = i;
			parts->number[parts->n_numbers++] = token;
			break;
		case TOKEN_WORD:
			if (!collect_word(parts, token->name, i))
				return false;
			break;
		case TOKEN_SIGN:
			/* A dash stands between two things; before the first it is a minus. */
			if (token->value > 0 || i == 0)
				return false;
			break;
		case TOKEN_SLASH:
		case TOKEN_DOT:
		case TOKEN_COMMA:
		case TOKEN_YEAR:
		case TOKEN_MONTH:
		case TOKEN_DAY:
			break;
		case TOKEN_NONE:
		case TOKEN_ZONE:
		case TOKEN_COLON:
		case TOKEN_HOUR:
		case TOKEN_MINUTE:
		case TOKEN_SECOND:
		case TOKEN_HALF_DAY:
			return false;
		}
	}
	return true;
}

/* Adds year, month and day if there is such a date. */
static void
add_candidate(struct date_parts *parts, const struct token *year, int month, int day)
{
	struct moment moment = {
		.year = calendar_year(year->value, year->digits), .month = month, .day = day};

	if (month > 0 && parts->n_candidates < CANDIDATES_MAX &&
		calendar_seconds(&moment) != DATE_NONE)
		parts->candidate[parts->n_candidates++] = moment;
}

/* True for what can only be a year: three or four digits. */
static bool
is_year(const struct token *number)
{
	return number->digits >= 3;
}

/* "23 Nov 2026", "Nov 23, 2026", "2026 Nov 23", "23-Nov-26", "November 2026". */
static void
named_dates(struct date_parts *parts)
{
	static const struct token first_day = {.value = 1, .digits = 1};
	const struct token *year = parts->number[0];
	const struct token *day = parts->number[1];

	if (parts->n_numbers == 1) {
		day = &first_day;
	} else if (parts->n_numbers != 2) {
		return;
	} else if (!is_year(year)) {
		year = parts->number[1];
		day = parts->number[0];
	}
	/* Of two short numbers the second is the year, but not where both come before the month. */
	bool behind = parts->n_numbers == 2 && parts->place[1] < parts->month_place;
	if (!is_year(year) && (parts->n_numbers == 1 || behind))
		return;
	if (is_year(day))
		return;
	add_candidate(parts, year, parts->month->month, day->value);
	add_candidate(parts, year, parts->month->other_month, day->value);
}

/* Three numbers. What stands between them, and where the year is, leaves more or fewer readings. */
static void
numeric_dates(const struct reader *reader, struct date_parts *parts)
{
	const struct token *a = parts->number[0];
	const struct token *b = parts->number[1];
	const struct token *c = parts->number[2];
	size_t gap = parts->place[0] + 1;
	enum token_kind separator = token_at(reader, gap)->kind;
	bool ascending = gap + 1 == parts->place[1] && separator != TOKEN_YEAR;

	if (separator == TOKEN_YEAR) {
		if (is_kind(reader, parts->place[1] + 1, TOKEN_MONTH) &&
			is_kind(reader, parts->place[2] + 1, TOKEN_DAY))
			add_candidate(parts, a, b->value, c->value);
		return;
	}
	if (!ascending ||
		(separator != TOKEN_DOT && separator != TOKEN_SLASH && separator != TOKEN_SIGN) ||
		parts->place[1] + 2 != parts->place[2] ||
		!is_kind(reader, parts->place[1] + 1, separator) || is_year(b) ||
		(is_year(a) && is_year(c)))
		return;
	if (a->digits == 4) {
		add_candidate(parts, a, b->value, c->value);
		return;
	}
	if (c->digits == 4 || c->digits == 2)
		add_candidate(parts, c, b->value, a->value);
	if (separator != TOKEN_DOT && (c->digits == 4 || c->digits == 2))
		add_candidate(parts, c, a->value, b->value);
	if (a->digits == 2 && c->digits == 2)
		add_candidate(parts, a, b->value, c->value);
}

/* The one candidate that there is, or the one that falls on the weekday named. */
static bool
choose(struct date_parts *parts, struct moment *ret)
{
	const struct moment *found = NULL;

	for (size_t i = 0; i < parts->n_candidates; i++) {
		const struct moment *moment = &parts->candidate[i];
		int64_t days = calendar_days(moment->year, moment->month, moment->day);

		if (parts->n_candidates > 1 && parts->weekday &&
			parts->weekday->weekday != calendar_weekday(days) + 1)
			continue;
		if (found &&
			(found->year != moment->year || found->month != moment->month ||
				found->day != moment->day))
			return false;
		found = moment;
	}
	if (found)
		*ret = *found;
	return found != NULL;
}

int64_t
date_parse_words(const char *s, size_t len)
{
	struct tokens tokens;
	struct date_parts parts = {0};
	struct moment date;

	if (!tokens_read(&tokens, s, len))
		return DATE_NONE;
	struct reader reader = {.tokens = &tokens};
	find_clock(&reader);
	if (!apply_half_day(&reader))
		return DATE_NONE;
	find_zone(&reader);
	if (!collect(&reader, &parts))
		return DATE_NONE;
	if (parts.month && parts.n_numbers > 0)
		named_dates(&parts);
	else if (parts.n_numbers == 3)
		numeric_dates(&reader, &parts);
	if (!choose(&parts, &date))
		return DATE_NONE;
	date.hour = reader.moment.hour;
	date.minute = reader.moment.minute;
	date.second = reader.moment.second;
	return apply_zone(&reader, &date) ? calendar_seconds(&date) : DATE_NONE;
}
