/*
 * calendar.h - what the files that read dates share. Pure; private to this room.
 */
#ifndef FEEDD_CALENDAR_H
#define FEEDD_CALENDAR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/date.h"

/* Half the century that two digits of a year belong to (RFC 5322, 4.3): 49 is 2049, 50 is 1950. */
#define YEAR_PIVOT 50

/* A date and time as written. */
struct moment {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
	int offset_minutes; /* east of Greenwich */
};

/* Unix seconds, or DATE_NONE if there is no such date or time. 24:00:00 is the next day's start; a
 * second 60 is a leap second, as which only the last one of an hour passes. */
int64_t calendar_seconds(const struct moment *moment);
/* Days since 1970-01-01 of a date that must exist. */
int64_t calendar_days(int year, int month, int day);
/* 0 if there is no such month. */
int calendar_month_length(int year, int month);
/* 0 = Sunday. */
int calendar_weekday(int64_t days);
/* The year that a number of so many digits means, or -1: two digits by YEAR_PIVOT, three of a
 * broken clock (104 for 2004; RFC 5322, 4.3). */
int calendar_year(int value, int digits);

/* ISO 8601 and what is called so (iso.c), or DATE_NONE. */
int64_t date_parse_iso(const char *s, size_t len);
/* Dates made of words and numbers in any order that people use (words.c), or DATE_NONE. */
int64_t date_parse_words(const char *s, size_t len);

/* What a word in a date may mean (names.c); one word may mean several things: "mar" is March and
 * Tuesday. */
struct date_name {
	const char *word;	    /* folded by date_fold() */
	uint8_t month, other_month; /* 1 to 12; the other one of another language, or 0 */
	uint8_t weekday;	    /* 1 = Sunday; 0 for none, 8 where languages differ */
};
/* Lower case, and without accents; 0 for the accents themselves. */
uint32_t date_fold(uint32_t c);
/* The name that a folded word is, or NULL. */
const struct date_name *date_find_name(const char *word);

/* The offset of a zone name in upper case at a local date, in minutes; ZONE_UNKNOWN if it is no
 * zone or an ambiguous one. */
#define ZONE_UNKNOWN INT_MIN
int date_zone(const char *name, size_t len, const struct moment *moment);

#endif
