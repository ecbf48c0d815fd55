/*
 * text_class.h - what kind of character, for text.c and html.c. Pure; private to this room.
 */
#ifndef FEEDD_TEXT_CLASS_H
#define FEEDD_TEXT_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* C0, DEL and C1, of which tab, line feed and carriage return may count as white space before. */
static inline bool
char_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* What folds into a single blank where text becomes one line: blank, tab, line ends of either kind,
 * no-break space, line and paragraph separator. Other blanks of Unicode have a width that means
 * something. */
static inline bool
char_is_white(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || c == 0x2028 ||
		c == 0x2029;
}

/* In text.c. True if text_clean() (`line`: text_line()) would leave all but white space as it is.
 */
bool text_is_clean(const char *s, size_t len, bool line);

#endif
