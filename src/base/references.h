/*
 * references.h - character references of HTML, for references.c, entities.c and html.c. Pure;
 * private to this room.
 */
#ifndef FEEDD_REFERENCES_H
#define FEEDD_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

/* Set in chars[0] of those that HTML knows without their semicolon too. */
#define ENTITY_OPEN 0x80000000u

struct entity {
	const char *name;  /* without & and ; */
	uint32_t chars[2]; /* the second is 0 for nearly all */
};
extern const struct entity ENTITIES[];
extern const size_t N_ENTITIES;

/* Decodes the reference that s begins with ('&'): the bytes it takes and one or two characters, the
 * second of them 0 where there is one only. 0 if it is none and the '&' means itself. */
size_t reference_decode(const char *s, size_t len, uint32_t ret_chars[2]);

#endif
