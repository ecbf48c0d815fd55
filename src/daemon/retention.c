/* retention.c - tidies the database now and then, a small step after the other. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/log.h"
#include "room.h"

/* After the start, and then so often. */
#define FIRST_SECONDS 60
#define EVERY_SECONDS 3600

struct tidying {
	struct store_tidy tidy;
	struct daemon *daemon;
	struct config *config; /* a reference */
	int64_t items, events, keys;
};

static void on_tidied(struct parcel *parcel);

static void
finish(struct tidying *tidying)
{
	struct daemon *daemon = tidying->daemon;

	daemon->tidying = false;
	if (tidying->items + tidying->keys > 0)
		log_info("retention: %lld items and %lld keys went", (long long)tidying->items,
			(long long)tidying->keys);
	if (tidying->tidy.overdue_consumers > 0)
		log_warning("%lld consumers are so far behind that keep_events let the log go on "
			    "without them",
			(long long)tidying->tidy.overdue_consumers);
	config_unref(tidying->config);
	free(tidying);
}

static void
on_tidied(struct parcel *parcel)
{
	struct tidying *tidying = CONTAINER_OF(parcel, struct tidying, tidy.head.parcel);
	struct daemon *daemon = tidying->daemon;
	struct store_tidy *tidy = &tidying->tidy;

	/* At the stop, whoever was to be told may be gone already; the next start tells it. */
	if (tidy->head.result == 0 && tidy->released > 0 && !daemon->stopping)
		daemon_news(daemon);
	if (tidy->head.result == 0) {
		tidying->items += tidy->items;
		tidying->events += tidy->events;
		tidying->keys += tidy->keys;
	}
	if (tidy->head.result < 0 || daemon->stopping || !tidy->more) {
		finish(tidying);
		return;
	}
	store_tidy(daemon->store, tidy);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = timer->data;

	(void)loop;
	(void)events;
	if (daemon->tidying || daemon->stopping)
		return;
	struct tidying *tidying = xcalloc(1, sizeof(*tidying));
	daemon->tidying = true;
	tidying->daemon = daemon;
	tidying->config = config_ref(daemon->config);
	tidying->tidy.config = tidying->config;
	tidying->tidy.now = (int64_t)time(NULL);
	tidying->tidy.head.parcel.done = on_tidied;
	store_tidy(daemon->store, &tidying->tidy);
}

void
retention_start(struct daemon *daemon)
{
	ev_timer_init(&daemon->tidy_timer, on_timer, FIRST_SECONDS, EVERY_SECONDS);
	daemon->tidy_timer.data = daemon;
	ev_timer_start(daemon->loop, &daemon->tidy_timer);
}

void
retention_stop(struct daemon *daemon)
{
	if (daemon->tidy_timer.data)
		ev_timer_stop(daemon->loop, &daemon->tidy_timer);
}
