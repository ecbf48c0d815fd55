/*
 * text.h - text as it must be before it leaves feedd: valid UTF-8, no NUL, no control characters.
 *
 * Layer 0, pure. "Clean" below means: valid UTF-8 (invalid bytes become U+FFFD), NUL and control
 * characters (C0, DEL, C1) taken out; "line" means further: white space folded to single blanks and
 * trimmed, and bidi controls taken out. All time is linear in the input.
 */
#ifndef FEEDD_TEXT_H
#define FEEDD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

/* Decodes one character of at most len bytes: its length (1 to 4), or 0 where the bytes are not
 * valid UTF-8 (overlong, surrogate, cut short, above U+10FFFF) or len is 0. */
size_t text_decode(const char *s, size_t len, uint32_t *ret_char);
/* Encodes c (must be a valid scalar value) into out: its length, 1 to 4. */
size_t text_encode(uint32_t c, char out[4]);
/* True if the len bytes are valid UTF-8 without NUL. */
bool text_is_utf8(const char *s, size_t len);
/* U+061C, U+200E, U+200F, U+202A..E, U+2066..9: they reorder what stands beside them. */
bool text_is_bidi_control(uint32_t c);
/* The largest n <= max such that s[0..n) ends at a character boundary; s must hold max bytes. */
size_t text_cut(const char *s, size_t max);

/* Clean text with tabs and line feeds kept (CR LF and CR become LF). In the arena, NUL-terminated.
 */
char *text_clean(struct arena *arena, const char *s, size_t len);
/* Clean, on one line. In the arena; "" where nothing is left. */
char *text_line(struct arena *arena, const char *s, size_t len);
/* The same for an address or an id: line feeds and tabs are taken out, blanks trimmed at the ends
 * and kept within. */
char *text_token(struct arena *arena, const char *s, size_t len);

/*
 * HTML to plain text (html.c): blocks become lines, links keep their text, scripts, styles and
 * comments vanish, entities are decoded, images give their alt text. Clean; runs of blanks folded,
 * at most one empty line in a row.
 */
char *text_from_html(struct arena *arena, const char *html, size_t len);
/* The same on one line, for titles. Text without '<' and '&' takes a short way. */
char *text_title(struct arena *arena, const char *html, size_t len);
/* Decodes HTML character references once, nothing else; not cleaned. "&#0;" gives U+FFFD. */
char *text_unescape(struct arena *arena, const char *s, size_t len);
/* The code points (at most two) of a named HTML entity, without & and ;, exact case: count, or 0.
 */
size_t text_entity(const char *name, size_t len, uint32_t ret_chars[2]);

#endif
