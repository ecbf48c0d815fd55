/*
 * date.h - dates as feeds and servers write them, to unix seconds and back.
 *
 * Layer 0, pure. A date is right or absent, never wrong: what cannot be read with confidence is
 * DATE_NONE. All times are UTC; a date without a zone is taken as UTC, one in Korean words as
 * Korean time.
 */
#ifndef FEEDD_DATE_H
#define FEEDD_DATE_H

#include <stddef.h>
#include <stdint.h>

/* No date. Real ones lie from year 1 to year 9999. */
#define DATE_NONE INT64_MIN
/* Bytes for date_format(), with the NUL. */
#define DATE_SIZE 32

/* Any date found in a feed: RFC 822/2822 with all its abuses (two-digit years, zone names, missing
 * parts, month names of other languages), RFC 3339, W3CDTF, ISO 8601 (basic, week, ordinal),
 * asctime, epoch numbers (seconds or milliseconds). Unix seconds, or DATE_NONE. Surrounding white
 * space is ignored. */
int64_t date_parse(const char *s, size_t len);
/* An HTTP-date (RFC 9110, 5.6.7: IMF-fixdate, RFC 850, asctime). Unix seconds, or DATE_NONE. */
int64_t date_parse_http(const char *s);
/* RFC 3339 in UTC with Z and whole seconds, e.g. 2026-11-23T20:17:00Z. date must not be DATE_NONE.
 * Returns out. */
char *date_format(int64_t date, char out[DATE_SIZE]);
/* IMF-fixdate, e.g. Mon, 23 Nov 2026 20:17:00 GMT. Returns out. */
char *date_format_http(int64_t date, char out[DATE_SIZE]);
/* An ISO 8601 duration, h:mm:ss, mm:ss or seconds, as itunes:duration holds them: seconds, or -1.
 */
int64_t date_duration(const char *s, size_t len);

#endif
