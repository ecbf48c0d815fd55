/*
 * guard.c - one look over the bytes before libxml2 sees them.
 *
 * libxml2 is quadratic in the namespaces and attributes of one start tag and slow in redefined
 * entities (100,000 xmlns on one tag keep one call busy for 8 seconds), so their sizes are bounded
 * here. The same pass checks UTF-8 and counts what may be items, so that the bytes are read once
 * besides libxml2's own reading. Pure.
 */
#include "guard.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "feedd/text.h"

/* Characters are checked this far behind the tags, while the bytes are still in the cache. */
#define BLOCK ((size_t)16 << 10)

#define HIGH_BITS 0x8080808080808080u
#define LOW_BITS 0x0101010101010101u

struct scan {
	const char *data, *end;
	const struct parse_limits *limits;
	struct guard *guard;
};

/* Checks from guard->valid up to the first character that starts at or after `to`. */
static bool
check_utf8(const char *data, size_t len, size_t to, struct guard *guard)
{
	size_t i = guard->valid;

	while (i < to) {
		uint64_t word;

		if (to - i >= sizeof(word)) {
			memcpy(&word, data + i, sizeof(word));
			/* A high bit, or one added to a DEL. */
			word = (word | (word + LOW_BITS)) & HIGH_BITS;
			if (word == 0) {
				i += sizeof(word);
				continue;
			}
			i += (size_t)__builtin_ctzll(le64toh(word)) / 8;
		}
		uint32_t c = (unsigned char)data[i];
		size_t n = c < 0x80 ? 1 : text_decode(data + i, len - i, &c);
		if (n == 0) {
			guard->valid = i;
			return false;
		}
		guard->controls |= c >= 0x7f && c <= 0x9f;
		guard->multibyte |= n > 1;
		i += n;
	}
	guard->valid = i;
	return true;
}

bool
guard_utf8(const char *data, size_t len, struct guard *guard)
{
	guard->valid = 0;
	return check_utf8(data, len, len, guard);
}

static bool
starts(const struct scan *scan, const char *at, const char *what, size_t len)
{
	return (size_t)(scan->end - at) >= len && *at == *what && memcmp(at, what, len) == 0;
}

/* Just after the next occurrence of what, or the end. Its first character is rare in texts, and
 * memchr(3) is faster than memmem(3) by far. */
static const char *
skip_past(const struct scan *scan, const char *at, const char *what, size_t len)
{
	while ((at = memchr(at, *what, (size_t)(scan->end - at)))) {
		if (starts(scan, at, what, len))
			return at + len;
		at++;
	}
	return scan->end;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
over(const struct scan *scan, const char *what, size_t limit)
{
	scan->guard->over = what;
	scan->guard->limit = limit;
	return -E2BIG;
}

static int
check_tag(const struct scan *scan, const char *start, const char *at, size_t attributes,
	size_t namespaces)
{
	const struct parse_limits *limits = scan->limits;

	if ((size_t)(at - start) > limits->max_start_tag)
		return over(scan, "a start tag of more than %zu bytes", limits->max_start_tag);
	if (namespaces > limits->max_namespaces)
		return over(scan, "more than %zu namespace declarations on one start tag",
			limits->max_namespaces);
	if (attributes > limits->max_attributes)
		return over(
			scan, "more than %zu attributes on one start tag", limits->max_attributes);
	return 0;
}

/* Bytes that matter within a start tag. */
static const bool TAG_SIGNS[256] = {
	['<'] = true,
	['>'] = true,
	['='] = true,
	['"'] = true,
	['\''] = true,
	[' '] = true,
	['\t' ... '\r'] = true,
};

/* From a quote to the one that ends the value, a '<', or the end. */
static const char *
skip_value(const struct scan *scan, const char *at)
{
	char quote = *at++;

	while (at < scan->end && *at != quote && *at != '<')
		at++;
	return at;
}

/* at: just after '<' and a letter. A '<' ends it too: XML has none within a tag, and libxml2 gives
 * up there. */
static int
scan_start_tag(const struct scan *scan, const char *at, const char **ret_at)
{
	const char *start = at;
	size_t attributes = 0, namespaces = 0;

	for (;; at++) {
		while (at < scan->end && !TAG_SIGNS[(unsigned char)*at])
			at++;
		if (at == scan->end || *at == '<' || *at == '>')
			break;
		if (*at == '=') {
			attributes++;
		} else if (*at == '"' || *at == '\'') {
			at = skip_value(scan, at);
			if (at == scan->end || *at == '<')
				break;
		} else if (scan->end - at > 6 && starts(scan, at + 1, "xmlns", 5)) {
			namespaces++;
		}
	}
	*ret_at = at;
	/* Declarations count as namespaces, not as attributes. */
	return check_tag(
		scan, start, at, attributes > namespaces ? attributes - namespaces : 0, namespaces);
}

/* at: just after "<!DOCTYPE". The subset ends at "]" and ">", outside of quotes. */
static int
scan_doctype(const struct scan *scan, const char *at, const char **ret_at)
{
	const char *subset = NULL;
	char quote = '\0';

	for (; at < scan->end; at++) {
		if (subset && (size_t)(at - subset) > scan->limits->max_dtd)
			return over(scan, "an internal DTD subset of more than %zu bytes",
				scan->limits->max_dtd);
		if (quote) {
			if (*at == quote)
				quote = '\0';
		} else if (*at == '<' && starts(scan, at, "<!--", 4)) {
			at = skip_past(scan, at, "-->", 3) - 1;
		} else if (*at == '"' || *at == '\'') {
			quote = *at;
		} else if (*at == '[' && !subset) {
			subset = at;
		} else if (*at == '>' && (!subset || at[-1] == ']')) {
			break;
		}
	}
	*ret_at = at;
	return 0;
}

/* at: just after '<'. Sets *ret_at to where to look on. */
static int
scan_markup(const struct scan *scan, const char *at, const char **ret_at)
{
	*ret_at = at;
	if (at == scan->end)
		return 0;
	if (*at == '!') {
		if (starts(scan, at, "![CDATA[", 8))
			*ret_at = skip_past(scan, at + 8, "]]>", 3);
		else if (starts(scan, at, "!--", 3))
			*ret_at = skip_past(scan, at + 3, "-->", 3);
		else if (starts(scan, at, "!DOCTYPE", 8))
			return scan_doctype(scan, at + 8, ret_at);
		return 0;
	}
	if (*at == '?') {
		*ret_at = skip_past(scan, at, "?>", 2);
		return 0;
	}
	if (*at == '/' || is_space(*at))
		return 0;
	if (starts(scan, at, "item", 4) || starts(scan, at, "entry", 5))
		scan->guard->items++;
	return scan_start_tag(scan, at, ret_at);
}

int
guard_scan(const char *data, size_t len, const struct parse_limits *limits, struct guard *ret_guard)
{
	struct scan scan = {data, data + len, limits, ret_guard};
	const char *at = data;

	*ret_guard = (struct guard){0};
	while (at < scan.end && (at = memchr(at, '<', (size_t)(scan.end - at)))) {
		int r = scan_markup(&scan, at + 1, &at);

		if (r < 0)
			return r;
		size_t seen = (size_t)(at - data);
		if (seen > ret_guard->valid + BLOCK && !check_utf8(data, len, seen, ret_guard))
			return -EILSEQ;
	}
	return check_utf8(data, len, len, ret_guard) ? 0 : -EILSEQ;
}
