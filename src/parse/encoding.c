/*
 * encoding.c - which encoding a document is in, and its bytes as UTF-8.
 *
 * RFC 7303 orders the witnesses: byte order mark, HTTP charset, XML declaration. parse.c overrules
 * them where the bytes say something else. Pure; iconv(3) is all it calls.
 */
#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "feedd/text.h"

#define REPLACEMENT "\xef\xbf\xbd"
/* How far into the document its XML declaration may reach. */
#define HEAD_MAX ((size_t)1024)
/* Converted at a time. */
#define CHUNK ((size_t)8192)

struct bom {
	const char *bytes;
	size_t len, skip;
	struct encoding encoding;
};

/* What the first bytes prove. Longer ones first; those with skip 0 are "<?" or "<" and a letter in
 * wide characters. */
static const struct bom boms[] = {
	{"\x00\x00\xfe\xff", 4, 4, {"utf-32be", "UTF-32BE", false, false}},
	{"\xff\xfe\x00\x00", 4, 4, {"utf-32le", "UTF-32LE", false, false}},
	{"\xef\xbb\xbf", 3, 3, {"utf-8", NULL, false, false}},
	{"\xfe\xff", 2, 2, {"utf-16be", "UTF-16BE", false, false}},
	{"\xff\xfe", 2, 2, {"utf-16le", "UTF-16LE", false, false}},
	{"\x00\x00\x00<", 4, 0, {"utf-32be", "UTF-32BE", false, false}},
	{"<\x00\x00\x00", 4, 0, {"utf-32le", "UTF-32LE", false, false}},
	{"\x00<\x00", 3, 0, {"utf-16be", "UTF-16BE", false, false}},
	{"\x00{\x00", 3, 0, {"utf-16be", "UTF-16BE", false, false}},
	{"{\x00", 2, 0, {"utf-16le", "UTF-16LE", false, false}},
};

/* "<\0" and no third NUL: kept apart from the table, since a NUL may follow a lone '<' in damaged
 * UTF-8 too. */
static bool
looks_utf16le(const char *data, size_t len)
{
	return len >= 4 && data[0] == '<' && data[1] == '\0' && data[2] != '\0' && data[3] == '\0';
}

static bool
guess_from_bytes(const char *data, size_t len, struct encoding_guess *guess)
{
	for (size_t i = 0; i < ARRAY_SIZE(boms); i++) {
		if (len < boms[i].len || memcmp(data, boms[i].bytes, boms[i].len) != 0)
			continue;
		guess->encoding = boms[i].encoding;
		guess->skip = boms[i].skip;
		return true;
	}
	if (!looks_utf16le(data, len))
		return false;
	guess->encoding = (struct encoding){"utf-16le", "UTF-16LE", false, false};
	return true;
}

/* The value of encoding="…" within an XML declaration at the start of text. */
static const char *
declared_label(const char *text, size_t len, size_t *ret_len)
{
	size_t start = 0;

	while (start < len && (text[start] == ' ' || (text[start] >= '\t' && text[start] <= '\r')))
		start++;
	if (len - start < 5 || memcmp(text + start, "<?xml", 5) != 0)
		return NULL;
	const char *end = memchr(text + start, '>', len - start);
	const char *at = memmem(text + start, len - start, "encoding", 8);
	if (!end || !at || at > end)
		return NULL;
	at += 8;
	while (at < end && (*at == ' ' || *at == '=' || (*at >= '\t' && *at <= '\r')))
		at++;
	if (at >= end || (*at != '"' && *at != '\''))
		return NULL;
	const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
	if (!close)
		return NULL;
	*ret_len = (size_t)(close - at - 1);
	return at + 1;
}

/* EBCDIC starts with "<?xm" in its own letters; the variants agree on the letters that the
 * declaration is made of. */
static void
guess_ebcdic(const char *data, size_t len, struct arena *arena, struct encoding_guess *guess)
{
	static const struct encoding ebcdic = {"cp037", "IBM037", true, false};

	if (len < 4 || memcmp(data, "\x4c\x6f\xa7\x94", 4) != 0)
		return;
	guess->source = ENCODING_BYTES;
	guess->encoding = ebcdic;
	AUTO(buf_fini) struct buf head = BUF_INIT(HEAD_MAX * 4);
	if (encoding_convert(&ebcdic, data, len < HEAD_MAX ? len : HEAD_MAX, &head) < 0 ||
		!head.data)
		return;
	size_t n = 0;
	const char *label = declared_label(head.data, head.len, &n);
	struct encoding found;
	if (label && encoding_find(arena, label, n, &found) == 0 && found.iconv)
		guess->encoding = found;
}

char *
parse_charset(struct arena *arena, const char *content_type)
{
	const char *at = content_type ? strcasestr(content_type, "charset") : NULL;

	if (!at)
		return NULL;
	at += 7;
	at += strspn(at, " \t");
	if (*at++ != '=')
		return NULL;
	at += strspn(at, " \t\"'");
	size_t len = strcspn(at, " \t\"';,");
	if (len == 0)
		return NULL;
	char *charset = arena_strndup(arena, at, len);
	for (char *c = charset; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return charset;
}

static bool
is_wide(const struct encoding *encoding)
{
	return strncmp(encoding->name, "utf-16", 6) == 0 ||
		strncmp(encoding->name, "utf-32", 6) == 0;
}

void
encoding_guess(
	const struct parse_input *input, struct arena *arena, struct encoding_guess *ret_guess)
{
	size_t head = input->len < HEAD_MAX ? input->len : HEAD_MAX;
	size_t len = 0;

	*ret_guess = (struct encoding_guess){.encoding = ENCODING_UTF8};
	if (guess_from_bytes(input->data, input->len, ret_guess)) {
		ret_guess->source = ENCODING_BYTES;
		return;
	}
	const char *label = declared_label(input->data, head, &len);
	if (label && encoding_find(arena, label, len, &ret_guess->declared) < 0)
		ret_guess->declared.name = NULL;
	/* Wide encodings would have shown in the first bytes: a declaration that could be read as
	 * it stands is wrong. */
	if (ret_guess->declared.name && is_wide(&ret_guess->declared))
		ret_guess->declared = ENCODING_UTF8;
	const char *charset = parse_charset(arena, input->content_type);
	struct encoding http;
	if (charset && encoding_find(arena, charset, strlen(charset), &http) == 0) {
		ret_guess->encoding = is_wide(&http) && label ? ENCODING_UTF8 : http;
		ret_guess->source = ENCODING_HTTP;
		return;
	}
	if (ret_guess->declared.name) {
		ret_guess->encoding = ret_guess->declared;
		ret_guess->source = ENCODING_DECLARED;
		return;
	}
	guess_ebcdic(input->data, input->len, arena, ret_guess);
}

/* HZ (RFC 1843): pairs of seven-bit bytes between ~{ and ~}. */
struct hz {
	const char *data;
	size_t len, at;
	bool chinese;
};

/* The next piece as EUC-CN, which GB18030 contains. It ends behind a blank, which is no part of a
 * longer sequence. */
static int
hz_to_euc(struct hz *hz, struct buf *out)
{
	char c = '\0';

	buf_reset(out);
	while (hz->at < hz->len && (out->len < CHUNK || (unsigned char)c > ' ')) {
		char next = hz->at + 1 < hz->len ? hz->data[hz->at + 1] : '\0';
		int r;

		c = hz->data[hz->at++];
		if (c == '~' && (next == '{' || next == '}' || next == '\n')) {
			hz->chinese = next == '{' || (hz->chinese && next == '\n');
			hz->at++;
			continue;
		}
		if (c == '~' && next == '~') {
			hz->at++;
			r = buf_putc(out, '~');
		} else if (hz->chinese && c > ' ' && next > ' ') {
			const char pair[2] = {(char)(c | 0x80), (char)(next | 0x80)};

			hz->at++;
			r = buf_append(out, pair, 2);
		} else {
			if (c == '\n')
				hz->chinese = false;
			r = buf_putc(out, c);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* One step of iconv through a buffer of our own: at the first fault a U+FFFD is put and one byte
 * (or unit) left out. */
static long
convert(iconv_t cd, size_t unit, const char *data, size_t len, struct buf *out)
{
	char chunk[CHUNK];
	union {
		const char *in;
		char *iconv;
	} at = {data};
	size_t left = len;
	long bad = 0;
	bool flushed = false;

	while (left > 0 || !flushed) {
		char *to = chunk;
		size_t room = sizeof(chunk);

		flushed = left == 0;
		size_t n =
			iconv(cd, flushed ? NULL : &at.iconv, flushed ? NULL : &left, &to, &room);
		int error = errno;
		if (buf_append(out, chunk, sizeof(chunk) - room) < 0)
			return -EMSGSIZE;
		if (n != (size_t)-1 || error == E2BIG)
			continue;
		size_t skip = left < unit || error == EINVAL ? left : unit;
		at.in += skip;
		left -= skip;
		bad++;
		if (buf_puts(out, REPLACEMENT) < 0)
			return -EMSGSIZE;
	}
	return bad;
}

static long
convert_hz(iconv_t cd, const char *data, size_t len, struct buf *out)
{
	AUTO(buf_fini) struct buf euc = BUF_INIT(len);
	struct hz hz = {.data = data, .len = len};
	long bad = 0;

	while (hz.at < hz.len && bad >= 0) {
		if (hz_to_euc(&hz, &euc) < 0)
			return -EMSGSIZE;
		long more = convert(cd, 1, euc.data, euc.len, out);
		bad = more < 0 ? more : bad + more;
	}
	return bad;
}

/* gcc's analyser takes iconv_open's value for "no such encoding" for something that is to be
 * closed.
 */
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif
int
encoding_open(const char *name, iconv_t *ret_converter)
{
	iconv_t converter = iconv_open("UTF-8", name);

	/* The C library calls a charset unknown whose tables it had no memory to load, and looks
	 * for them again when it is asked again. */
	if (converter == (iconv_t)-1 && errno == EINVAL)
		converter = iconv_open("UTF-8", name);
	if (converter == (iconv_t)-1 && errno == ENOMEM)
		mem_exhausted(0);
	if (converter == (iconv_t)-1)
		return -ENOTSUP;
	*ret_converter = converter;
	return 0;
}
#pragma GCC diagnostic pop

long
encoding_convert(const struct encoding *encoding, const char *data, size_t len, struct buf *out)
{
	buf_reset(out);
	if (!encoding->iconv)
		return encoding_repair_utf8(data, len, out);
	iconv_t cd;
	if (encoding_open(encoding->iconv, &cd) < 0)
		return -ENOTSUP;
	size_t unit = strncmp(encoding->name, "utf-32", 6) == 0 ? 4
		: strncmp(encoding->name, "utf-16", 6) == 0	? 2
								: 1;
	long bad =
		encoding->hz ? convert_hz(cd, data, len, out) : convert(cd, unit, data, len, out);
	iconv_close(cd);
	return bad;
}

long
encoding_repair_utf8(const char *data, size_t len, struct buf *out)
{
	long bad = 0;
	size_t start = 0;

	buf_reset(out);
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = (unsigned char)data[i] < 0x80 ? 1 : text_decode(data + i, len - i, &c);

		if (n > 0) {
			i += n;
			continue;
		}
		if (buf_append(out, data + start, i - start) < 0 || buf_puts(out, REPLACEMENT) < 0)
			return -EMSGSIZE;
		bad++;
		/* One replacement for the bytes of one broken sequence, not for each of its tails.
		 */
		i++;
		while (i < len && ((unsigned char)data[i] & 0xc0) == 0x80)
			i++;
		start = i;
	}
	if (buf_append(out, data + start, len - start) < 0)
		return -EMSGSIZE;
	return bad;
}
