/*
 * ingest.h - between ingest.c and known.c: which items of a document are known, and in which order
 * new ones enter the log.
 */
#ifndef STORE_INGEST_H
#define STORE_INGEST_H

#include "room.h"

/* A row of `seen` that an item matched. */
struct sighting {
	uint64_t exact, content;
	int64_t item, last;
	bool adopted; /* matched by another key: a row for the item's own key is to be added */
};

/* An item that is not known. */
struct newcomer {
	size_t index; /* in the document */
	bool told;    /* item.new enters the log */
	bool ignored; /* re-keyed once more while the same articles are held: only its key is kept
		       */
	bool held;    /* feed.rekeyed holds it back */
};

/* 1 and *ret_seen if the item is known, 0 if it is new, or -errno. */
int sighting_find(struct store *store, struct store_poll *poll, size_t index,
	struct sighting *ret_seen) MUST_USE;
/* The order of the log: by date where all have one, else, and among equal dates, from the bottom of
 * the document to its top. */
void newcomers_sort(const struct document *document, struct newcomer *newcomers, size_t n);
/* Marks those to be held where a site gave known items new ids. */
int rekeyed_mark(struct store *store, struct store_poll *poll, struct newcomer *newcomers,
	size_t n) MUST_USE;

#endif
