/* mend.c - the repair of text: what should have been escaped is, references become characters, what
 * XML forbids goes. Pure. */
#include "mend.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/text.h"

#define FLUSH ((size_t)16 << 10)
/* What all references to a document's own entities may become. */
#define EXPANDED_MAX ((size_t)1 << 20)
#define ENTITY_NAME_MAX ((size_t)64)

void
mend_note(struct mender *mender, const char *what, const char *at)
{
	if (mender->report->what)
		return;
	mender->report->what = what;
	mender->report->at = (size_t)(at - mender->data);
}

void
mend_put(struct mender *mender, const char *s, size_t len)
{
	while (len > 0 && !mender->stopped) {
		size_t n = len < FLUSH ? len : FLUSH;

		buf_append(&mender->out, s, n);
		s += n;
		len -= n;
		if (mender->out.len < FLUSH)
			continue;
		mender->stopped = !mender->sink(mender->user, mender->out.data, mender->out.len);
		buf_reset(&mender->out);
	}
}

const char *
mend_find(struct mender *mender, const char *at, enum mark mark)
{
	static const char *const texts[N_MARKS] = {
		[MARK_PI_END] = "?>",
		[MARK_COMMENT_END] = "-->",
		[MARK_CDATA] = "<![CDATA[",
		[MARK_CDATA_END] = "]]>",
		[MARK_SUBSET] = "[",
		[MARK_CLOSE] = ">",
	};
	const char *text = texts[mark];
	size_t len = strlen(text);
	struct found *found = &mender->found[mark];
	const char *stop = mender->end;

	if (found->at && at >= found->from && at <= found->at)
		return found->at;
	/* Back before what is known: one that begins there may end behind its first byte. */
	if (found->at && at < found->from && found->from + len - 1 < mender->end)
		stop = found->from + len - 1;
	const char *next = memmem(at, (size_t)(stop - at), text, len);
	if (!next)
		next = stop == mender->end ? stop : found->at;
	*found = (struct found){at, next};
	return next;
}

/* XML 1.0, production 2. */
static bool
is_xml_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
		(c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static void
put_char(struct mender *mender, uint32_t c)
{
	char bytes[4];

	if (c == '&')
		mend_put(mender, "&amp;", 5);
	else if (c == '<')
		mend_put(mender, "&lt;", 4);
	else if (c == '>')
		mend_put(mender, "&gt;", 4);
	else if (c == '"')
		mend_put(mender, "&quot;", 6);
	else if (is_xml_char(c))
		mend_put(mender, bytes, text_encode(c, bytes));
}

/* The length of "&#…;" at s and its character; 0 if it is no such thing. */
static size_t
numeric_reference(const char *s, size_t len, uint32_t *ret_char)
{
	bool hex = len > 2 && (s[2] == 'x' || s[2] == 'X');
	size_t i = hex ? 3 : 2;
	size_t first = i;
	uint32_t c = 0;

	for (; i < len; i++) {
		char d = s[i];
		uint32_t digit;

		if (d >= '0' && d <= '9')
			digit = (uint32_t)(d - '0');
		else if (hex && ((d | 32) >= 'a' && (d | 32) <= 'f'))
			digit = (uint32_t)((d | 32) - 'a' + 10);
		else
			break;
		if (c <= 0x10ffff)
			c = c * (hex ? 16 : 10) + digit;
	}
	if (i == first)
		return 0;
	*ret_char = c;
	return i < len && s[i] == ';' ? i + 1 : i;
}

/* The length of one of XML's own references at s; 0 if it is none. */
static size_t
predefined_length(const char *s, size_t len)
{
	static const char *const predefined[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};

	for (size_t i = 0; i < ARRAY_SIZE(predefined); i++)
		if (len >= strlen(predefined[i]) &&
			memcmp(predefined[i], s, strlen(predefined[i])) == 0)
			return strlen(predefined[i]);
	return 0;
}

/* A document's own entity: its text, with what would be markup escaped, and no entity in it
 * replaced in turn. */
static void
put_entity(struct mender *mender, const char *value)
{
	size_t len = strlen(value);
	const char *end = value + len;

	mender->expanded += len;
	if (mender->expanded > EXPANDED_MAX)
		return;
	while (value < end) {
		uint32_t c;
		size_t n = text_decode(value, (size_t)(end - value), &c);

		if (n == 0)
			return;
		size_t named = c == '&' ? predefined_length(value, (size_t)(end - value)) : 0;
		if (named) {
			mend_put(mender, value, named);
			value += named;
			continue;
		}
		/* "&#38;" is how '&' is declared. */
		if (c == '&' && value[1] == '#' &&
			(n = numeric_reference(value, (size_t)(end - value), &c)) == 0)
			n = 1;
		put_char(mender, c);
		value += n;
	}
}

/* XML's HTML entities are those of XHTML 1.0, which differ from HTML 5 in two. */
static size_t
xhtml_entity(const char *name, size_t len, uint32_t ret_chars[2])
{
	bool angle = len == 4 && memcmp(name + 1, "ang", 3) == 0 && (*name == 'l' || *name == 'r');

	ret_chars[0] = *name == 'l' ? 0x2329 : 0x232a;
	return angle;
}

/* A named reference of len bytes in all. */
static void
put_named(struct mender *mender, const char *s, size_t len)
{
	const char *name = s + 1;
	size_t name_len = len - 2;
	uint32_t chars[2];

	if (predefined_length(s, len) == len) {
		mend_put(mender, s, len);
		return;
	}
	const char *value = entities_find(&mender->entities, name, name_len);
	if (value) {
		put_entity(mender, value);
		return;
	}
	if (!mender->entities.external)
		mend_note(mender, "an undeclared entity", s);
	size_t n = xhtml_entity(name, name_len, chars);
	if (n == 0)
		n = text_entity(name, name_len, chars);
	for (size_t i = 0; i < n; i++)
		put_char(mender, chars[i]);
	if (n == 0) {
		mend_put(mender, "&amp;", 5);
		mend_put(mender, name, len - 1);
	}
}

/* At a '&': the number of bytes that were read. */
static size_t
mend_reference(struct mender *mender, const char *s, size_t len)
{
	size_t n = 1;

	if (len > 2 && s[1] == '#') {
		uint32_t c;

		n = numeric_reference(s, len, &c);
		if (n > 0) {
			if (s[n - 1] != ';' || !is_xml_char(c))
				mend_note(mender, "a bad character reference", s);
			if (c >= 0x80 && c < 0xa0)
				mend_put(mender, s, n);
			else
				put_char(mender, c);
			return n;
		}
		n = 1;
	}
	while (n < len && n < ENTITY_NAME_MAX && tag_is_name(s[n]) && s[n] != ':')
		n++;
	if (n > 1 && n < len && s[n] == ';') {
		put_named(mender, s, n + 1);
		return n + 1;
	}
	mend_note(mender, "a bare '&'", s);
	mend_put(mender, "&amp;", 5);
	return 1;
}

/* Bytes of the character at s that XML forbids; 0 if it is allowed. U+FFFE and U+FFFF are three
 * bytes. */
static size_t
forbidden(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;

	if (c < 0x20)
		return c != '\t' && c != '\n' && c != '\r';
	return c == 0xef && len > 2 && (unsigned char)s[1] == 0xbf && (unsigned char)s[2] >= 0xbe
		? 3
		: 0;
}

void
mend_text(struct mender *mender, const char *s, size_t len, bool attribute)
{
	const char *end = s + len;
	const char *text = s;
	const char *start = s;

	while (s < end && !mender->stopped) {
		size_t skip = forbidden(s, (size_t)(end - s));

		if (!skip && *s != '&' && *s != '<' && *s != '>' && *s != '"') {
			s++;
			continue;
		}
		mend_put(mender, start, (size_t)(s - start));
		if (skip) {
			mend_note(mender, "a character that XML forbids", s);
			s += skip;
		} else if (*s == '&') {
			s += mend_reference(mender, s, (size_t)(end - s));
		} else {
			if (*s == '<')
				mend_note(mender, "a bare '<'", s);
			if (*s == '>' && !attribute && s - text >= 2 && s[-1] == ']' &&
				s[-2] == ']')
				mend_note(
					mender, "the end of a CDATA section that has no start", s);
			if (*s == '"' && !attribute)
				mend_put(mender, "\"", 1);
			else
				put_char(mender, (unsigned char)*s);
			s++;
		}
		start = s;
	}
	mend_put(mender, start, (size_t)(s - start));
}

void
mend_cdata(struct mender *mender, const char *s, size_t len)
{
	const char *end = s + len;
	const char *start = s;

	mend_put(mender, "<![CDATA[", 9);
	for (; s < end; s++) {
		size_t skip = forbidden(s, (size_t)(end - s));

		if (!skip)
			continue;
		mend_note(mender, "a character that XML forbids", s);
		mend_put(mender, start, (size_t)(s - start));
		s += skip - 1;
		start = s + 1;
	}
	mend_put(mender, start, (size_t)(end - start));
	mend_put(mender, "]]>", 3);
}
