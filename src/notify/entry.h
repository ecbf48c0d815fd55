/* entry.h - one event on its way through one notifier, and the sets that are sent together. */
#ifndef FEEDD_NOTIFY_ENTRY_H
#define FEEDD_NOTIFY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owned by exactly one of: the lineup, a bundle. */
struct entry {
	struct entry *next;  /* in its line of the lineup, or in its bundle */
	int64_t seq, feed;   /* feed: feeds.id */
	int64_t at;	     /* when the event came about, unix seconds */
	int64_t queued_mono; /* when it was read from the log, ms */
	int64_t first_at;    /* first try that counts, unix seconds; 0 none yet */
	int64_t first_mono;  /* the same by the other clock, ms */
	int32_t attempts;    /* tries that count against `retries` */
	int32_t tries;	     /* in a row without success: decide the next wait */
	bool row;	     /* the store has a waiting row of it */
};

/* What one call delivers; sent again as the same set, so that the id of a batch stays. */
struct bundle {
	struct entry *entries; /* by seq */
	size_t n;
	int64_t due_mono;   /* when it may be sent again, ms */
	uint64_t successes; /* of the notifier when it was first sent */
	bool loose;   /* came from the store one by one: may be sent together with others like it */
	bool summary; /* one object stands for all of them */
	bool last;    /* a single that is left of a batch out of tries: this one decides */
};

/* Takes over the list of entries, which must be n long. */
struct bundle *bundle_new(struct entry *entries, size_t n);
/* Frees the bundle and its entries. Accepts NULL. */
void bundle_free(struct bundle *bundle);
/* Puts the entries in the order of seq. */
void bundle_sort(struct bundle *bundle);

/*
 * Bundles that wait for their time: a binary heap by due_mono. A zeroed one is empty.
 */
struct waiting {
	struct bundle **heap;
	size_t n, cap;
	size_t n_events;
};

/* Takes the bundle over. */
void waiting_push(struct waiting *waiting, struct bundle *bundle);
/* The one that is due first, still owned by the heap; NULL if there is none. */
struct bundle *waiting_first(const struct waiting *waiting);
/* Takes the first one out; NULL if there is none. */
struct bundle *waiting_pop(struct waiting *waiting);
/* Frees all that is in it. */
void waiting_fini(struct waiting *waiting);

#endif
