/*
 * references.c - character references of HTML: &amp; &#8217; &#x2019; and their misspellings.
 * Pure: touches nothing but its arguments.
 */
#include "references.h"

#include <string.h>

#include "feedd/text.h"

/* Longest name of the table: CounterClockwiseContourIntegral. */
#define NAME_MAX_LEN 31

/* And of those that need no semicolon: Aacute and its like. */
#define OPEN_NAME_MAX 6

/* What numbers 0x80 to 0x9f mean: nobody who writes &#146; means a control character, but the
 * windows-1252 one (HTML, 13.2.5.80). 0 for the five that it leaves open. */
static const uint16_t WINDOWS_1252[32] = {0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e, 0x178};

static const struct entity *
find_entity(const char *name, size_t len)
{
	size_t low = 0;
	size_t high = N_ENTITIES;

	/* a NUL within would end the comparison before the length is right */
	if (len == 0 || len > NAME_MAX_LEN || memchr(name, '\0', len))
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *have = ENTITIES[middle].name;
		int order = strncmp(have, name, len);

		if (order == 0 && have[len] == '\0')
			return &ENTITIES[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

size_t
text_entity(const char *name, size_t len, uint32_t ret_chars[2])
{
	const struct entity *entity = find_entity(name, len);

	if (!entity)
		return 0;
	ret_chars[0] = entity->chars[0] & ~ENTITY_OPEN;
	ret_chars[1] = entity->chars[1];
	return ret_chars[1] ? 2 : 1;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* &#8217; and &#x2019; with or without the semicolon. */
static size_t
decode_number(const char *s, size_t len, uint32_t *ret_char)
{
	size_t i = 2;
	int base = 10;
	uint32_t value = 0;

	if (i < len && (s[i] | 0x20) == 'x') {
		base = 16;
		i++;
	}
	size_t first = i;
	for (; i < len && digit_value(s[i]) < base; i++) {
		if (value < 0x110000)
			value = value * (uint32_t)base + (uint32_t)digit_value(s[i]);
	}
	if (i == first)
		return 0;
	if (value >= 0x80 && value < 0xa0 && WINDOWS_1252[value - 0x80])
		value = WINDOWS_1252[value - 0x80];
	if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		value = 0xfffd;
	*ret_char = value;
	return i + (i < len && s[i] == ';');
}

size_t
reference_decode(const char *s, size_t len, uint32_t ret_chars[2])
{
	size_t i = 1;

	ret_chars[1] = 0;
	if (len < 3)
		return 0;
	if (s[1] == '#')
		return decode_number(s, len, ret_chars);
	while (i < len && i <= NAME_MAX_LEN + 1 &&
		(((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') || (s[i] >= '0' && s[i] <= '9')))
		i++;
	const struct entity *entity = i < len && s[i] == ';' ? find_entity(s + 1, i - 1) : NULL;
	size_t took = i + 1;
	/* "&copy 2026", "&copying": in text the longest of the old names counts (HTML, 13.2.5.73).
	 */
	for (size_t n = i - 1 < OPEN_NAME_MAX ? i - 1 : OPEN_NAME_MAX; !entity && n > 1; n--) {
		entity = find_entity(s + 1, n);
		if (entity && !(entity->chars[0] & ENTITY_OPEN))
			entity = NULL;
		took = n + 1;
	}
	if (!entity)
		return 0;
	ret_chars[0] = entity->chars[0] & ~ENTITY_OPEN;
	ret_chars[1] = entity->chars[1];
	return took;
}

char *
text_unescape(struct arena *arena, const char *s, size_t len)
{
	const char *amp = memchr(s, '&', len);

	if (!amp)
		return arena_strndup(arena, s, len);
	/* At most one reference grows: five bytes (&nGt;) become six. */
	size_t room = len + len / 5 + 1;
	char *out = arena_alloc(arena, room);
	size_t n = 0;
	size_t i = 0;
	while (amp) {
		size_t run = (size_t)(amp - s) - i;
		uint32_t chars[2];

		memcpy(out + n, s + i, run);
		n += run;
		i += run;
		size_t took = reference_decode(s + i, len - i, chars);
		if (took) {
			n += text_encode(chars[0], out + n);
			if (chars[1])
				n += text_encode(chars[1], out + n);
			i += took;
		} else {
			out[n++] = s[i++];
		}
		amp = memchr(s + i, '&', len - i);
	}
	memcpy(out + n, s + i, len - i);
	n += len - i;
	out[n] = '\0';
	arena_trim(arena, out, room, n + 1);
	return out;
}
