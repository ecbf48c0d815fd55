/* opml_repair.c - makes bytes of a subscription list well formed, as far as bytes can tell. Pure;
 * see opml_repair.h. */
#include "opml_repair.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "feedd/text.h"

static bool
is_xml_entity(const char *name, size_t len)
{
	static const char *const names[] = {"amp", "lt", "gt", "quot", "apos"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	return false;
}

static bool
is_xml_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

/* The value of a reference between &# and ;, or 0 if it is none. */
static uint32_t
number_value(const char *s, size_t len)
{
	bool hex = len > 0 && (s[0] == 'x' || s[0] == 'X');
	uint32_t value = 0;

	if (len - hex == 0 || len - hex > 7)
		return 0;
	for (size_t i = hex; i < len; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = memchr(digits, s[i], 32);
		if (!digit || (!hex && digit - digits >= 10))
			return 0;
		value = value * (hex ? 16 : 10) + (uint32_t)((digit - digits) % 16);
	}
	bool scalar = value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
	return scalar && is_xml_char(value) ? value : 0;
}

/* At an ampersand: writes what it should have been and returns how many bytes it took. */
static size_t
repair_reference(const char *s, size_t len, struct buf *out)
{
	size_t max = len < 40 ? len : 40;
	const char *end = memchr(s, ';', max);
	size_t name = end ? (size_t)(end - s) - 1 : 0;
	uint32_t chars[2];

	if (name > 1 && s[1] == '#' && number_value(s + 2, name - 1) > 0) {
		buf_append(out, s, name + 2);
		return name + 2;
	}
	if (name > 0 && is_xml_entity(s + 1, name)) {
		buf_append(out, s, name + 2);
		return name + 2;
	}
	size_t n = name > 0 ? text_entity(s + 1, name, chars) : 0;
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "&#%u;", chars[i]);
	if (n > 0)
		return name + 2;
	buf_puts(out, "&amp;");
	return 1;
}

static const struct {
	const char *open, *close;
} kinds[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

/* The length of a comment, CDATA section or the like that begins here and is kept as it is, or 0.
 * endless: the kinds of which no end is to come, so that none is looked for again. */
static size_t
kept_length(const char *s, size_t len, bool endless[ARRAY_SIZE(kinds)])
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t open = strlen(kinds[i].open), close = strlen(kinds[i].close);
		if (endless[i] || len < open || memcmp(s, kinds[i].open, open) != 0)
			continue;
		const char *end = memmem(s + open, len - open, kinds[i].close, close);
		endless[i] = !end;
		return end ? (size_t)(end - s) + close : 0;
	}
	return 0;
}

/* True if the declaration names an encoding other than UTF-8, whose bytes are not for us to judge.
 */
static bool
is_foreign(const char *data, size_t len)
{
	size_t head = len < 256 ? len : 256;
	const char *name = memmem(data, head, "encoding=", 9);

	if (!name || len - (size_t)(name - data) < 16)
		return false;
	return strncasecmp(name + 10, "utf-8", 5) != 0 && strncasecmp(name + 10, "utf8", 4) != 0;
}

void
opml_repair(const char *data, size_t len, struct buf *out)
{
	bool foreign = is_foreign(data, len);
	bool endless[ARRAY_SIZE(kinds)] = {false};
	const char *first = memchr(data, '<', len);
	size_t at = first ? (size_t)(first - data) : len;

	while (at < len) {
		uint32_t c = (unsigned char)data[at];
		size_t kept = c == '<' ? kept_length(data + at, len - at, endless) : 0;
		size_t n = 1;
		if (kept > 0) {
			buf_append(out, data + at, kept);
			at += kept;
			continue;
		}
		if (c == '&') {
			at += repair_reference(data + at, len - at, out);
			continue;
		}
		if (!foreign)
			n = text_decode(data + at, len - at, &c);
		if (n == 0)
			buf_puts(out, "\xef\xbf\xbd");
		else if (is_xml_char(c))
			buf_append(out, data + at, n);
		at += n > 0 ? n : 1;
	}
}
