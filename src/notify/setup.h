/* setup.h - one notifier's configuration as its calls hold on to it: a copy, so that a reload frees
 * nothing that is in use. Shared by reference. */
#ifndef FEEDD_NOTIFY_SETUP_H
#define FEEDD_NOTIFY_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/config.h"
#include "feedd/mem.h"

#include "file.h"

struct filter;

struct setup {
	unsigned refs;
	struct arena arena;
	struct notify_config config; /* a deep copy */
	struct filter *filter;	     /* of config.where; used by one scan at a time */
	char *fault;		   /* why the filter could not be made; then nothing is selected */
	char **argv;		   /* exec: NULL-ended */
	struct file_sink sink;	   /* file */
	int digest_minute;	   /* of config.at, or -1 */
	size_t batch, concurrency; /* events a call and calls at once, 1 at least */
	bool array;		   /* webhook: an array of events, even of one */
};

/* Copies the configuration; the caller holds the only reference. */
struct setup *setup_new(const struct notify_config *config) MUST_USE;
struct setup *setup_ref(struct setup *setup);
/* Drops a reference; the last one frees. Accepts NULL. */
void setup_unref(struct setup *setup);
/* True if both want the same events of the log. */
bool setup_selects_same(const struct setup *a, const struct setup *b);

#endif
