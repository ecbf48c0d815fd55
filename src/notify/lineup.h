/* lineup.h - events in waiting, one line for each feed, and the lines take turns: a flood in one
 * feed delays no other. */
#ifndef FEEDD_NOTIFY_LINEUP_H
#define FEEDD_NOTIFY_LINEUP_H

#include <stddef.h>
#include <stdint.h>

#include "entry.h"

struct line;

/* A zeroed one is empty. */
struct lineup {
	struct line **buckets; /* by key */
	struct line *turn;     /* whose turn it is; the lines are a ring */
	size_t n, n_lines;     /* entries, lines that are not empty */
};

/* Puts the entry, which it takes over, at the end of the line of that key. */
void lineup_push(struct lineup *lineup, int64_t key, struct entry *entry);
/* Puts an entry that was taken back to the front of its line, whose turn it becomes. */
void lineup_unpop(struct lineup *lineup, int64_t key, struct entry *entry);
/* Takes the first of the line whose turn it is; NULL when all are empty. Constant time. */
struct entry *lineup_pop(struct lineup *lineup);
/* The entry that has waited longest; NULL when all are empty. Looks at every line. */
const struct entry *lineup_oldest(const struct lineup *lineup);
/* Calls fn for every entry; order unspecified. */
void lineup_each(
	const struct lineup *lineup, void (*fn)(void *arg, const struct entry *entry), void *arg);
/* Frees all that is in it. */
void lineup_fini(struct lineup *lineup);

#endif
