/*
 * scanner.c - JSON, read from front to back without a tree.
 *
 * A tree of 16 MB of "{},{},…" takes a gigabyte, and a reader that is strict loses a whole feed for
 * a tab in a string. This one holds nothing but its place, says what was wrong, and goes on where
 * one can tell what was meant: control characters in strings, unknown escapes, commas too many or
 * too few. Pure.
 */
#include "scanner.h"

#include <stdint.h>
#include <string.h>

#include "feedd/text.h"

static void
fault(struct scanner *scanner, const char *what)
{
	if (scanner->fault)
		return;
	scanner->fault = what;
	scanner->fault_at = (size_t)(scanner->at - scanner->data);
}

static void
stop(struct scanner *scanner)
{
	scanner->cut_off = true;
	scanner->at = scanner->end;
	fault(scanner, "the end is missing");
}

static void
skip_space(struct scanner *scanner)
{
	while (scanner->at < scanner->end && *scanner->at && strchr(" \t\r\n", *scanner->at))
		scanner->at++;
}

enum json_kind
scanner_peek(struct scanner *scanner)
{
	skip_space(scanner);
	if (scanner->at == scanner->end)
		return JSON_NOTHING;
	char c = *scanner->at;
	if (c == '{')
		return JSON_OBJECT_START;
	if (c == '[')
		return JSON_ARRAY_START;
	if (c == '"')
		return JSON_TEXT;
	return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER : JSON_WORD;
}

void
scanner_enter(struct scanner *scanner)
{
	scanner->at++;
	if (++scanner->depth <= scanner->max_depth)
		return;
	scanner->too_deep = true;
	scanner->at = scanner->end;
}

/* Past commas to the next thing in a container that `close` ends; false behind it. */
static bool
next(struct scanner *scanner, bool *first, char close)
{
	size_t commas = 0;

	for (;;) {
		skip_space(scanner);
		if (scanner->at == scanner->end) {
			if (!scanner->too_deep)
				stop(scanner);
			return false;
		}
		if (*scanner->at != ',')
			break;
		commas++;
		scanner->at++;
	}
	bool closed = *scanner->at == close;
	if (commas != (*first || closed ? 0 : 1))
		fault(scanner, commas ? "a comma too many" : "a comma is missing");
	*first = false;
	if (!closed && (*scanner->at == '}' || *scanner->at == ']')) {
		fault(scanner, "a bracket of the other kind");
		closed = true;
	}
	if (!closed)
		return true;
	scanner->at++;
	scanner->depth--;
	return false;
}

bool
scanner_element(struct scanner *scanner, bool *first)
{
	return next(scanner, first, ']');
}

bool
scanner_member(struct scanner *scanner, bool *first, struct arena *arena, const char **ret_key)
{
	size_t len;

	while (next(scanner, first, '}')) {
		if (scanner_peek(scanner) != JSON_TEXT) {
			fault(scanner, "a member without a name");
			scanner_skip(scanner);
			continue;
		}
		*ret_key = scanner_text(scanner, arena, &len);
		skip_space(scanner);
		if (scanner->at == scanner->end) {
			stop(scanner);
			return false;
		}
		if (*scanner->at == ':') {
			scanner->at++;
			return true;
		}
		fault(scanner, "a member without a value");
	}
	return false;
}

/* Behind the opening quote: the closing one, or the end. */
static const char *
closing_quote(const struct scanner *scanner)
{
	const char *at = scanner->at;

	while (at < scanner->end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	return at < scanner->end ? at : scanner->end;
}

/* Four hexadecimal digits, or -1. */
static int32_t
hex4(const char *s, const char *end)
{
	int32_t value = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* "\uXXXX" at *s, with the second half of a pair where there is one. The character; *s moves behind
 * it. A half alone is U+FFFD; of what is no escape, the backslash stands for itself. */
static uint32_t
unicode_escape(struct scanner *scanner, const char **s, const char *end)
{
	int32_t c = hex4(*s + 2, end);

	if (c < 0) {
		fault(scanner, "a bad escape");
		*s += 1;
		return '\\';
	}
	*s += 6;
	if (c < 0xd800 || c > 0xdfff)
		return (uint32_t)c;
	if (c < 0xdc00 && end - *s >= 6 && (*s)[0] == '\\' && (*s)[1] == 'u') {
		int32_t low = hex4(*s + 2, end);

		if (low >= 0xdc00 && low <= 0xdfff) {
			*s += 6;
			return 0x10000 + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
		}
	}
	return 0xfffd;
}

/* An escape at *s, which moves behind it. */
static uint32_t
escape(struct scanner *scanner, const char **s, const char *end)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";

	if (end - *s < 2) {
		*s = end;
		return 0xfffd;
	}
	if ((*s)[1] == 'u')
		return unicode_escape(scanner, s, end);
	char c = (*s)[1];
	const char *known = c ? strchr(from, c) : NULL;
	if (!known) {
		fault(scanner, "a bad escape");
		*s += 1;
		return '\\';
	}
	*s += 2;
	return (uint32_t)(unsigned char)to[known - from];
}

/* What may be written beyond what was read: a byte that is no UTF-8, or a backslash at the end,
 * becomes the three of U+FFFD. */
#define DECODE_SPARE ((size_t)8)

/* Into out, which has room for as much as is read, DECODE_SPARE and a NUL; invalid bytes that find
 * none are left out, and so are control characters but tab and line feed. */
static size_t
decode(struct scanner *scanner, const char *s, const char *end, char *out)
{
	const char *begin = s;
	size_t len = 0;

	while (s < end) {
		const char *start = s;
		uint32_t c;

		if (*s == '\\') {
			c = escape(scanner, &s, end);
		} else {
			size_t n = text_decode(s, (size_t)(end - s), &c);

			if (n == 0)
				c = 0xfffd;
			else if (c < 0x20)
				fault(scanner, "a control character in a string");
			s += n ? n : 1;
		}
		if (c >= 0x80 && *start != '\\' && c > 0x9f && c != 0xfffd) {
			memcpy(out + len, start, (size_t)(s - start));
			len += (size_t)(s - start);
		} else if (c == 0xfffd && len + 3 > (size_t)(s - begin) + DECODE_SPARE) {
			continue;
		} else if ((c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c > 0x9f) {
			len += text_encode(c, out + len);
		}
	}
	return len;
}

char *
scanner_text(struct scanner *scanner, struct arena *arena, size_t *ret_len)
{
	scanner->at++;
	const char *close = closing_quote(scanner);
	size_t raw = (size_t)(close - scanner->at);
	/* The data is valid UTF-8, but for a cut at its end. */
	char *text = arena_alloc(arena, raw + DECODE_SPARE + 1);
	size_t len = decode(scanner, scanner->at, close, text);

	if (len > scanner->max_text)
		len = text_cut(text, scanner->max_text);
	text[len] = '\0';
	arena_trim(arena, text, raw + DECODE_SPARE + 1, len + 1);
	if (close == scanner->end)
		stop(scanner);
	else
		scanner->at = close + 1;
	*ret_len = len;
	return text;
}

static bool
is_number(const char *s, size_t len)
{
	const char *end = s + len;

	s += s < end && *s == '-';
	const char *digits = s;
	while (s < end && *s >= '0' && *s <= '9')
		s++;
	if (s == digits || (*digits == '0' && s - digits > 1))
		return false;
	if (s < end && *s == '.') {
		const char *point = ++s;

		while (s < end && *s >= '0' && *s <= '9')
			s++;
		if (s == point)
			return false;
	}
	if (s < end && (*s | 32) == 'e') {
		s++;
		s += s < end && (*s == '+' || *s == '-');
		const char *exponent = s;
		while (s < end && *s >= '0' && *s <= '9')
			s++;
		if (s == exponent)
			return false;
	}
	return s == end;
}

const char *
scanner_word(struct scanner *scanner, size_t *ret_len)
{
	const char *start = scanner->at;

	while (scanner->at < scanner->end &&
		(*scanner->at == '\0' || !strchr(" \t\r\n,:]}[{\"", *scanner->at)))
		scanner->at++;
	*ret_len = (size_t)(scanner->at - start);
	bool word = (*ret_len == 4 &&
			    (memcmp(start, "true", 4) == 0 || memcmp(start, "null", 4) == 0)) ||
		(*ret_len == 5 && memcmp(start, "false", 5) == 0);
	if (!word && !is_number(start, *ret_len))
		fault(scanner, "a word that is no value");
	if (*ret_len == 0 && scanner->at < scanner->end)
		scanner->at++;
	return start;
}

/* The strings that are passed over are checked, too. */
static void
skip_text(struct scanner *scanner)
{
	const char *close;

	scanner->at++;
	close = closing_quote(scanner);
	for (const char *s = scanner->at; s < close;) {
		if (*s == '\\')
			escape(scanner, &s, close);
		else if ((unsigned char)*s++ < 0x20)
			fault(scanner, "a control character in a string");
	}
	if (close == scanner->end)
		stop(scanner);
	else
		scanner->at = close + 1;
}

/* Calls itself for what is within, which max_depth bounds. */
void
scanner_skip(struct scanner *scanner)
{
	AUTO(arena_fini) struct arena side = {0};
	bool first = true;
	const char *key;
	size_t len;

	switch (scanner_peek(scanner)) {
	case JSON_NOTHING:
		stop(scanner);
		return;
	case JSON_TEXT:
		skip_text(scanner);
		return;
	case JSON_NUMBER:
	case JSON_WORD:
		scanner_word(scanner, &len);
		return;
	case JSON_OBJECT_START:
		scanner_enter(scanner);
		while (scanner_member(scanner, &first, &side, &key))
			scanner_skip(scanner);
		return;
	case JSON_ARRAY_START:
		scanner_enter(scanner);
		while (scanner_element(scanner, &first))
			scanner_skip(scanner);
		return;
	}
}
