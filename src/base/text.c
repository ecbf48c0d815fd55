/*
 * text.c - UTF-8 and the cleaning of text; see text.h. Pure: touches nothing but its arguments.
 *
 * Nearly all text that comes by is clean already. So every function first asks whether there is
 * anything to do, eight bytes at a time, and copies in one go if not.
 */
#include "feedd/text.h"

#include <string.h>

#include "text_class.h"

size_t
text_decode(const char *s, size_t len, uint32_t *ret_char)
{
	const unsigned char *p = (const unsigned char *)s;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret_char = p[0];
		return 1;
	}
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	uint32_t c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return n;
}

size_t
text_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The number of leading bytes that are printable ASCII, blanks included. */
static size_t
plain_run(const char *s, size_t len)
{
	const uint64_t high = 0x8080808080808080u;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t w;

		memcpy(&w, s + i, 8);
		/* Below 0x20 borrows into the high bit, 0x7f carries into it, above has it. */
		if (((w - 0x2020202020202020u) | (w + 0x0101010101010101u) | w) & high)
			break;
	}
	while (i < len && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

bool
text_is_utf8(const char *s, size_t len)
{
	uint32_t c;

	for (size_t i = 0;;) {
		i += plain_run(s + i, len - i);
		if (i == len)
			return true;
		size_t n = text_decode(s + i, len - i, &c);
		if (n == 0 || c == 0)
			return false;
		i += n;
	}
}

bool
text_is_clean(const char *s, size_t len, bool line)
{
	uint32_t c;

	for (size_t i = 0;;) {
		i += plain_run(s + i, len - i);
		if (i == len)
			return true;
		size_t n = text_decode(s + i, len - i, &c);
		if (n == 0 || (char_is_control(c) && !char_is_white(c)) ||
			(line && text_is_bidi_control(c)))
			return false;
		i += n;
	}
}

bool
text_is_bidi_control(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069);
}

size_t
text_cut(const char *s, size_t max)
{
	while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

char *
text_clean(struct arena *arena, const char *s, size_t len)
{
	size_t i = plain_run(s, len);

	if (i == len)
		return arena_strndup(arena, s, len);
	/* Only invalid bytes grow: each one becomes the three of U+FFFD. */
	size_t room = (text_is_utf8(s, len) ? len : 3 * len) + 1;
	char *out = arena_alloc(arena, room);
	size_t n = i;
	memcpy(out, s, n);
	while (i < len) {
		uint32_t c;
		size_t took = text_decode(s + i, len - i, &c);

		if (took == 0) {
			took = 1;
			c = 0xfffd;
		}
		i += took;
		if (c == '\r') {
			c = '\n';
			i += i < len && s[i] == '\n';
		}
		if (c == '\n' || c == '\t' || !char_is_control(c))
			n += text_encode(c, out + n);
		size_t run = plain_run(s + i, len - i);
		memcpy(out + n, s + i, run);
		n += run;
		i += run;
	}
	out[n] = '\0';
	arena_trim(arena, out, room, n + 1);
	return out;
}

/* What text_line() and text_token() share: no controls of either kind, no white space at the ends,
 * and what is within it becomes one blank, or nothing for line feeds and tabs of a token. */
static char *
one_line(struct arena *arena, const char *s, size_t len, bool token)
{
	size_t room = (text_is_utf8(s, len) ? len : 3 * len) + 1;
	char *out = arena_alloc(arena, room);
	size_t n = 0;
	size_t blanks = 0;

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t took = text_decode(s + i, len - i, &c);

		if (took == 0) {
			took = 1;
			c = 0xfffd;
		}
		i += took;
		if (char_is_white(c)) {
			blanks += !token || c == ' ' || c == 0xa0;
			continue;
		}
		if (char_is_control(c) || text_is_bidi_control(c))
			continue;
		size_t fill = n == 0 ? 0 : token ? blanks : blanks > 0;
		memset(out + n, ' ', fill);
		n += fill;
		blanks = 0;
		n += text_encode(c, out + n);
	}
	out[n] = '\0';
	arena_trim(arena, out, room, n + 1);
	return out;
}

/* True if s is printable ASCII without blanks at its ends, and within it (unless `inner`) no two
 * beside each other. */
static bool
is_tidy(const char *s, size_t len, bool inner)
{
	if (len == 0)
		return true;
	if (s[0] == ' ' || s[len - 1] == ' ' || plain_run(s, len) < len)
		return false;
	return inner || !memmem(s, len, "  ", 2);
}

char *
text_line(struct arena *arena, const char *s, size_t len)
{
	return is_tidy(s, len, false) ? arena_strndup(arena, s, len)
				      : one_line(arena, s, len, false);
}

char *
text_token(struct arena *arena, const char *s, size_t len)
{
	return is_tidy(s, len, true) ? arena_strndup(arena, s, len) : one_line(arena, s, len, true);
}
