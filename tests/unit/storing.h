/*
 * storing.h - a store in a directory of its own, for tests: parcels are sent and waited for.
 */
#ifndef TESTS_STORING_H
#define TESTS_STORING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feedd/store.h"

struct storing {
	char directory[64];
	struct store *store;
	struct queue home;
};

static inline void
storing_open(struct storing *storing, enum search_mode search)
{
	char *error = NULL;

	assert_int_equal(store_open(&storing->store, storing->directory, search, &error), 0);
	assert_null(error);
	assert_int_equal(store_start(storing->store, &storing->home), 0);
}

static inline int
storing_setup(void **state)
{
	struct storing *storing = xcalloc(1, sizeof(*storing));

	strcpy(storing->directory, "/tmp/feedd-store-XXXXXX");
	assert_non_null(mkdtemp(storing->directory));
	queue_init(&storing->home, NULL, NULL);
	storing_open(storing, SEARCH_TITLE);
	*state = storing;
	return 0;
}

static inline int
storing_teardown(void **state)
{
	struct storing *storing = *state;
	char command[128];

	store_stop(storing->store);
	queue_fini(&storing->home);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = {"feedd.db", "feedd.db-wal", "feedd.db-shm"};

		snprintf(command, sizeof(command), "%s/%s", storing->directory, names[i]);
		unlink(command);
	}
	rmdir(storing->directory);
	free(storing);
	return 0;
}

/* Waits for the one parcel that is under way. */
static inline void
storing_wait(struct storing *storing)
{
	assert_non_null(queue_pop(&storing->home));
}

/* Makes the feeds of these names known; their ids in order. */
static inline void
storing_sync(struct storing *storing, size_t n, struct feed_config *feeds, int64_t *ret_ids)
{
	struct config config = {.feeds = feeds, .n_feeds = n};
	struct store_sync sync = {.config = &config};

	store_sync(storing->store, &sync);
	storing_wait(storing);
	assert_int_equal(sync.head.result, 0);
	for (size_t i = 0; i < n; i++)
		ret_ids[i] = sync.feeds[i].id;
	free(sync.feeds);
}

static inline void
storing_plan(struct store_poll *poll)
{
	poll->state.next_poll_at = poll->now + 3600;
	if (poll->outcome == POLL_DOCUMENT && poll->state.first_poll_at == 0)
		poll->state.first_poll_at = poll->now;
	if (poll->outcome == POLL_DOCUMENT && !poll->partial)
		poll->state.last_change_at = poll->now;
	poll->state.sticky_guid_link = poll->sticky;
}

/* Polls a feed: it shows these items. The outcome is in *poll, whose arena the caller finishes. */
static inline void
storing_poll(struct storing *storing, int64_t feed, struct item *items, size_t n,
	struct store_poll *poll, struct arena *arena)
{
	static const struct identity identity;
	struct store_load load = {.id = feed};
	struct document *document = arena_zalloc(arena, sizeof(*document));

	store_load(storing->store, &load);
	storing_wait(storing);
	assert_int_equal(load.head.result, 0);
	document->items = items;
	document->n_items = n;
	poll->outcome = POLL_DOCUMENT;
	poll->state = load.state;
	poll->document = document;
	poll->arena = arena;
	poll->plan = storing_plan;
	if (!poll->now)
		poll->now = 1000000;
	poll->keys = identity_keys(
		document, &identity, load.state.sticky_guid_link, &poll->sticky, arena);
	store_poll(storing->store, poll);
	storing_wait(storing);
	feed_state_fini(&poll->state);
}

/* An item as a feed shows it: guid, link, title. */
static inline struct item
storing_item(const char *id, const char *url, const char *title)
{
	return (struct item){
		.id = id,
		.url = url,
		.title = title,
		.published_at = DATE_NONE,
		.modified_at = DATE_NONE,
	};
}

#endif
