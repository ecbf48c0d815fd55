/*
 * elements.h - the elements of HTML as plain text sees them, for html.c. Pure; private to this
 * room.
 */
#ifndef FEEDD_ELEMENTS_H
#define FEEDD_ELEMENTS_H

#include <stddef.h>

/* How an element shows in plain text. */
enum element_kind {
	ELEMENT_INLINE,
	ELEMENT_CELL,  /* stands apart by a blank */
	ELEMENT_LINE,  /* has its lines for itself */
	ELEMENT_PARA,  /* has an empty line before and after */
	ELEMENT_BREAK, /* ends a line */
	ELEMENT_IMAGE, /* is its alt text */
	ELEMENT_CODE,  /* script, style: hidden, to the end of the text if need be */
	ELEMENT_HIDDEN /* hidden, if it ends at all */
};

struct element {
	const char *name;
	enum element_kind kind;
};
extern const struct element ELEMENTS[];
/* An upper bound of the number of elements. */
#define ELEMENTS_MAX 160

/* The element of that name in any case, or NULL. */
const struct element *element_find(const char *name, size_t len);

#endif
