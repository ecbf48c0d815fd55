/* encoding.h - from bytes in any encoding to UTF-8. Private to the room. */
#ifndef PARSE_ENCODING_H
#define PARSE_ENCODING_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "feedd/parse.h"

enum encoding_source { ENCODING_DEFAULT, ENCODING_DECLARED, ENCODING_HTTP, ENCODING_BYTES };

/* An encoding we can read. */
struct encoding {
	const char *name;  /* as it is reported, lower case */
	const char *iconv; /* what iconv(3) calls it; NULL for UTF-8 */
	bool single_byte;
	bool hz; /* to be turned into EUC-CN before iconv */
};

/* What is to be read, and why it is believed. */
struct encoding_guess {
	struct encoding encoding;
	struct encoding
		declared; /* of the XML declaration; name NULL where there is none that we know */
	enum encoding_source source;
	size_t skip; /* bytes of the byte order mark */
};

extern const struct encoding ENCODING_UTF8, ENCODING_WINDOWS_1252;

/* charset.c: the encoding of a label as the WHATWG lists them, else whatever iconv knows by that
 * name (which then is copied to the arena). 0 or -ENOENT. */
int encoding_find(
	struct arena *arena, const char *label, size_t len, struct encoding *ret_encoding) MUST_USE;

/* Byte order mark, then HTTP charset, then XML declaration, then UTF-8 (RFC 7303, 3). Reads the
 * head of the data only. */
void encoding_guess(
	const struct parse_input *input, struct arena *arena, struct encoding_guess *ret_guess);

/* A converter from what iconv(3) calls `name` to UTF-8, to be closed with iconv_close(). -ENOTSUP
 * where there is none; memory that is gone ends the process. */
int encoding_open(const char *name, iconv_t *ret_converter) MUST_USE;

/* Converts into out (emptied first; its ceiling holds): the number of invalid sequences, each
 * replaced by U+FFFD, or a negative errno: -ENOTSUP where iconv has no such encoding, -EMSGSIZE. */
long encoding_convert(
	const struct encoding *encoding, const char *data, size_t len, struct buf *out) MUST_USE;

/* detect.c: a guess for text that is not UTF-8; stated: though it says so. False if UTF-8 with
 * faults is likelier. */
bool encoding_detect(const char *data, size_t len, bool stated, struct encoding *ret_encoding);

/* Copies UTF-8, invalid sequences replaced by U+FFFD, NUL left as it is. Returns the number of
 * replacements. */
long encoding_repair_utf8(const char *data, size_t len, struct buf *out);

#endif
