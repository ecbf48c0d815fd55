/*
 * date.c - the calendar, the writing of dates, and the reading of the two forms that nearly all
 * have. Pure: touches nothing but its arguments.
 */
#include "feedd/date.h"

#include <stdio.h>
#include <string.h>

#include "calendar.h"

static const char MONTHS[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char WEEKDAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

#define DAY 86400
/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define FIRST INT64_C(-62135596800)
#define LAST INT64_C(253402300799)

/* Howard Hinnant's arithmetic: years begin in March, so that the leap day is the last one. */
int64_t
calendar_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

/* The inverse. */
static void
date_of_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

int
calendar_month_length(int year, int month)
{
	static const int lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month < 1 || month > 12)
		return 0;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return lengths[month] + (month == 2 && leap);
}

int
calendar_weekday(int64_t days)
{
	return (int)(((days + 4) % 7 + 7) % 7);
}

int
calendar_year(int value, int digits)
{
	if (digits == 4)
		return value;
	if (digits == 3 && value >= 100 && value < 200)
		return 1900 + value;
	if (digits == 2)
		return value < YEAR_PIVOT ? 2000 + value : 1900 + value;
	return -1;
}

int64_t
calendar_seconds(const struct moment *moment)
{
	int second = moment->second;

	if (moment->year < 1 || moment->year > 9999 || moment->day < 1 ||
		moment->day > calendar_month_length(moment->year, moment->month))
		return DATE_NONE;
	bool midnight = moment->hour == 24 && moment->minute == 0 && second == 0;
	bool leap = second == 60 && moment->minute == 59;
	if (moment->hour < 0 || (moment->hour > 23 && !midnight) || moment->minute < 0 ||
		moment->minute > 59 || second < 0 || (second > 59 && !leap))
		return DATE_NONE;
	int64_t at = calendar_days(moment->year, moment->month, moment->day) * DAY +
		moment->hour * 3600 + moment->minute * 60 + second -
		(int64_t)moment->offset_minutes * 60;
	return at < FIRST || at > LAST ? DATE_NONE : at;
}

/*
 * The two short ways. They know one form each, and leave all doubt to the others.
 */
static bool
two_digits(const char *s, int *ret)
{
	unsigned high = (unsigned char)s[0] - (unsigned)'0';
	unsigned low = (unsigned char)s[1] - (unsigned)'0';

	*ret = (int)(high * 10 + low);
	return high < 10 && low < 10;
}

/* "HH:MM:SS" */
static bool
clock_time(const char *s, struct moment *moment)
{
	return two_digits(s, &moment->hour) && s[2] == ':' && two_digits(s + 3, &moment->minute) &&
		s[5] == ':' && two_digits(s + 6, &moment->second);
}

/* "+0100" and "+01:00" (colon: 1). */
static bool
clock_offset(const char *s, size_t colon, struct moment *moment)
{
	int hours, minutes;

	if ((s[0] != '+' && s[0] != '-') || !two_digits(s + 1, &hours) || (colon && s[3] != ':') ||
		!two_digits(s + 3 + colon, &minutes) || hours > 23 || minutes > 59)
		return false;
	moment->offset_minutes = hours * 60 + minutes;
	if (s[0] == '-')
		moment->offset_minutes = -moment->offset_minutes;
	return true;
}

/* "2026-11-23T20:17:00Z", "2026-11-23T20:17:00.123+01:00". */
static bool
short_iso(const char *s, size_t len, struct moment *moment)
{
	int century;

	if (len < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || !two_digits(s, &century) ||
		!two_digits(s + 2, &moment->year) || !two_digits(s + 5, &moment->month) ||
		!two_digits(s + 8, &moment->day) || !clock_time(s + 11, moment))
		return false;
	moment->year += century * 100;
	size_t at = 19;
	if (s[at] == '.') {
		do
			at++;
		while (at < len && s[at] >= '0' && s[at] <= '9');
		if (at == 20)
			return false;
	}
	if (at + 1 == len && s[at] == 'Z')
		return true;
	return at + 6 == len && clock_offset(s + at, 1, moment);
}

static int
find_month(const char *s)
{
	for (int i = 0; i < 12; i++)
		if (memcmp(s, MONTHS[i], 3) == 0)
			return i + 1;
	return 0;
}

/* "GMT", "EST": three letters. */
static bool
zone_name(const char *s, struct moment *moment)
{
	for (size_t i = 0; i < 3; i++)
		if (s[i] < 'A' || s[i] > 'Z')
			return false;
	moment->offset_minutes = date_zone(s, 3, moment);
	return moment->offset_minutes != ZONE_UNKNOWN;
}

/* "Mon, 23 Nov 2026 20:17:00 +0100", "3 Nov 2026 20:17:00 GMT". */
static bool
short_mail(const char *s, size_t len, struct moment *moment)
{
	int century;

	if (len > 5 && s[3] == ',' && s[4] == ' ') {
		s += 5;
		len -= 5;
	}
	if (len < 23)
		return false;
	if (s[1] == ' ' && s[0] >= '0' && s[0] <= '9') {
		moment->day = s[0] - '0';
		s += 1;
		len -= 1;
	} else if (two_digits(s, &moment->day)) {
		s += 2;
		len -= 2;
	} else {
		return false;
	}
	/* Now at " Nov 2026 20:17:00 +0100". */
	if (len < 22 || s[0] != ' ' || s[4] != ' ' || s[9] != ' ' || s[18] != ' ' ||
		!two_digits(s + 5, &century) || !two_digits(s + 7, &moment->year) ||
		!clock_time(s + 10, moment))
		return false;
	moment->month = find_month(s + 1);
	moment->year += century * 100;
	if (moment->month == 0)
		return false;
	for (s += 19, len -= 19; len > 3 && *s == ' '; len--)
		s++;
	return len == 5 ? clock_offset(s, 0, moment) : len == 3 && zone_name(s, moment);
}

int64_t
date_parse(const char *s, size_t len)
{
	struct moment moment = {0};

	while (len > 0 && (unsigned char)s[0] <= ' ') {
		s++;
		len--;
	}
	while (len > 0 && (unsigned char)s[len - 1] <= ' ')
		len--;
	if (short_iso(s, len, &moment))
		return calendar_seconds(&moment);
	moment = (struct moment){0};
	if (short_mail(s, len, &moment))
		return calendar_seconds(&moment);
	int64_t at = date_parse_iso(s, len);
	return at != DATE_NONE ? at : date_parse_words(s, len);
}

int64_t
date_parse_http(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	/* All three forms begin with the weekday; a bare number is a delay, not a date. */
	return (*s | 0x20) >= 'a' && (*s | 0x20) <= 'z' ? date_parse(s, strlen(s)) : DATE_NONE;
}

/* Splits unix seconds, which must lie within the years 1 to 9999. */
static void
split(int64_t date, struct moment *moment, int *ret_weekday)
{
	int64_t days = (date - (date < 0 ? DAY - 1 : 0)) / DAY;
	int rest = (int)(date - days * DAY);

	*moment =
		(struct moment){.hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};
	date_of_days(days, &moment->year, &moment->month, &moment->day);
	*ret_weekday = calendar_weekday(days);
}

/* Keeps what is out of range writable: years have four digits. */
static int64_t
clamp(int64_t date)
{
	return date < FIRST ? FIRST : date > LAST ? LAST : date;
}

static char *
put_number(char *at, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + digits;
}

static char *
put_time(char *at, const struct moment *moment)
{
	at = put_number(at, moment->hour, 2);
	*at++ = ':';
	at = put_number(at, moment->minute, 2);
	*at++ = ':';
	return put_number(at, moment->second, 2);
}

char *
date_format(int64_t date, char out[DATE_SIZE])
{
	struct moment moment;
	int weekday;
	char *at = out;

	split(clamp(date), &moment, &weekday);
	at = put_number(at, moment.year, 4);
	*at++ = '-';
	at = put_number(at, moment.month, 2);
	*at++ = '-';
	at = put_number(at, moment.day, 2);
	*at++ = 'T';
	at = put_time(at, &moment);
	*at++ = 'Z';
	*at = '\0';
	return out;
}

char *
date_format_http(int64_t date, char out[DATE_SIZE])
{
	struct moment moment;
	int weekday;
	char *at = out;

	split(clamp(date), &moment, &weekday);
	memcpy(at, WEEKDAYS[weekday], 3);
	memcpy(at + 3, ", ", 2);
	at = put_number(at + 5, moment.day, 2);
	*at++ = ' ';
	memcpy(at, MONTHS[moment.month - 1], 3);
	at[3] = ' ';
	at = put_number(at + 4, moment.year, 4);
	*at++ = ' ';
	at = put_time(at, &moment);
	memcpy(at, " GMT", 5);
	return out;
}
