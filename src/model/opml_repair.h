/*
 * opml_repair.h - what opml.c needs beside the parser: bytes made well formed, and names.
 *
 * Private to opml*.c. Pure.
 */
#ifndef FEEDD_OPML_REPAIR_H
#define FEEDD_OPML_REPAIR_H

#include <stddef.h>

#include "feedd/mem.h"
#include "feedd/opml.h"

/* Tags of one feed at most. */
#define OPML_TAGS_MAX 64

/* Writes the document again so that what is most often wrong no longer is: entities of HTML become
 * numbers, a bare & is escaped, invalid bytes become U+FFFD, control characters and what stands
 * before the first < are left out. */
void opml_repair(const char *data, size_t len, struct buf *out);
/* Makes one of feeds with the same address, with the tags of all, and gives each its name: of its
 * title, else of its host; those that would be equal get a suffix made of the address, so that it
 * stays when the list is put in another order. (Which one goes without may change then: the store
 * knows feeds that change names by their addresses.) */
void opml_finish(struct opml *opml, struct arena *arena);

#endif
