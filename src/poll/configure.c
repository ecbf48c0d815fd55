/*
 * configure.c - a configuration comes in: at the start, at a reload, with --once. Which feeds stay,
 * which leave, and when each is due.
 *
 * Loop thread; touches the poller alone.
 */
#include <stdlib.h>
#include <string.h>

#include "feedd/log.h"
#include "feedd/url.h"
#include "room.h"

/* 429 without Retry-After: so long the host is left alone after a restart, doubled for each error
 * before it, as the pace of hosts has it while the daemon runs. */
#define HOLD_SECONDS ((int64_t)600)

/* The bodies of all polls in flight: this much each, whatever others hold, and room for so many of
 * the largest size. */
#define BODY_SHARE ((int64_t)512 << 10)
#define BODIES_LARGE 3

/* Takes what the database knows of a feed. A last poll in the future means that the clock was put
 * back: what was to be waited is waited from now. */
static void
take_known(struct feed *feed, const struct store_feed *known)
{
	int64_t ahead = known->last_poll_at - poller_now();

	if (ahead < 0)
		ahead = 0;
	feed->id = known->id;
	feed->next_poll_at = known->next_poll_at ? known->next_poll_at - ahead : 0;
	feed->retry_after_at = known->retry_after_at ? known->retry_after_at - ahead : 0;
	feed->fails = known->fails;
	feed->health = known->health;
	schedule_state_load(&feed->schedule, known->schedule);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct feed *x = *(struct feed *const *)a, *y = *(struct feed *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The runtime of a feed that was there before, by the id of its row. */
static struct feed *
find_by_id(struct feed **sorted, size_t n, int64_t id)
{
	struct feed key = {.id = id}, *at = &key;
	struct feed **found = bsearch(&at, sorted, n, sizeof(*sorted), compare_ids);

	return found ? *found : NULL;
}

void
feed_free(struct feed *feed)
{
	free(feed->moved_host);
	free(feed);
}

/* A feed that left: what is in flight finishes alone. */
static void
retire(struct poller *poller, struct feed *feed)
{
	heap_remove(&poller->due, &feed->due);
	feed->config = NULL;
	commands_drop(feed);
	if (feed->poll)
		return; /* journey's end frees it */
	pace_leave(poller->pace, &feed->pace, poller_mono_ms());
	feed_free(feed);
}

static void
schedule_all(struct poller *poller, const bool *fresh)
{
	int64_t now = poller_now(), now_ms = poller_mono_ms();
	size_t n_due = 0;

	for (size_t i = 0; i < poller->n_feeds; i++)
		n_due += fresh[i] && poller->feeds[i]->next_poll_at <= now;
	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];

		if (feed->poll || (!fresh[i] && heap_has(&feed->due)) ||
			feed->pace.where != PACE_OUT)
			continue;
		poller_schedule(poller, feed);
		if (heap_has(&feed->due) && fresh[i] && feed->next_poll_at <= now)
			heap_set(&poller->due, &feed->due,
				now_ms + poller_spread_ms(n_due, feed->id), (uint32_t)feed->id);
	}
}

/* Until when a feed's last answer holds back its host; unix seconds, 0 for not at all. */
static int64_t
held_until(const struct poller *poller, const struct feed *feed, const struct store_feed *known)
{
	uint32_t doublings = known->fails > 0 ? known->fails - 1 : 0;

	if (feed->retry_after_at > 0 || known->status != 429 || poller->tools.once)
		return feed->retry_after_at;
	int64_t now = poller_now(), last = known->last_poll_at < now ? known->last_poll_at : now;
	return last + (HOLD_SECONDS << (doublings < 3 ? doublings : 3));
}

/* What a server asked for with Retry-After or 429 holds over restarts, and for the whole host. */
static void
hold_hosts(struct poller *poller, const struct store_feed *known)
{
	int64_t now = poller_now();

	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];
		AUTO(arena_fini) struct arena arena = {0};
		struct pace_settings settings;
		const char *host;
		int64_t until = held_until(poller, feed, &known[i]);

		if (until <= now)
			continue;
		poller_host(poller, feed, &arena, &host, &settings);
		if (!settings.gate_feed)
			pace_hold_host(poller->pace, host, (until - now) * 1000, poller_mono_ms());
		if (!feed->retry_after_at) /* 429 without a time: a feed waits as it was planned */
			feed->retry_after_at = feed->next_poll_at;
	}
}

/* --once: every enabled feed is due now, in no particular order but that of hosts. */
static void
begin_once(struct poller *poller)
{
	int64_t now = poller_now(), now_ms = poller_mono_ms();

	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];

		if (!feed->config->settings->enabled)
			continue;
		if (feed->health == FEED_GONE || feed->retry_after_at > now) {
			log_at(LOG_WARNING, (&(struct log_about){.feed = feed->config->name}),
				"feed \"%s\": not polled: %s", feed->config->name,
				feed->health == FEED_GONE ? "it is gone (410)"
							  : "the server said Retry-After");
			poller->had_failures = true;
			continue;
		}
		poller->untried++;
		heap_set(&poller->due, &feed->due, now_ms, (uint32_t)feed->id);
	}
}

void
poller_give_up_held(struct poller *poller)
{
	int64_t now_ms = poller_mono_ms();

	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];
		AUTO(arena_fini) struct arena arena = {0};
		struct pace_settings settings;
		struct pace_view view = {0};
		const char *host;

		if (feed->tried || feed->poll ||
			(!heap_has(&feed->due) && feed->pace.where == PACE_OUT))
			continue;
		poller_host(poller, feed, &arena, &host, &settings);
		if (settings.gate_feed || !pace_look(poller->pace, host, &view) ||
			view.held_until_ms <= now_ms)
			continue;
		heap_remove(&poller->due, &feed->due);
		pace_leave(poller->pace, &feed->pace, now_ms);
		feed->tried = true;
		poller->untried--;
		poller->had_failures = true;
		log_at(LOG_WARNING, (&(struct log_about){.feed = feed->config->name}),
			"feed \"%s\": not polled: %s said Retry-After", feed->config->name, host);
	}
}

/* Feeds whose settings did not change keep their place in the heap, wherever they wait. Returns
 * true if it must be planned anew. */
static bool
differs(const struct feed *feed, const struct feed_config *config)
{
	const struct feed_settings *a = feed->config->settings, *b = config->settings;

	return a->interval != b->interval || a->min_interval != b->min_interval ||
		a->max_interval != b->max_interval || a->enabled != b->enabled ||
		strcmp(feed->config->url, config->url) != 0;
}

/* A feed that is planned anew waits nowhere meanwhile, nor at all where it was disabled. */
static void
take_out(struct poller *poller, struct feed *feed)
{
	heap_remove(&poller->due, &feed->due);
	if (feed->pace.where == PACE_WAITING)
		pace_leave(poller->pace, &feed->pace, poller_mono_ms());
}

/* A shorter interval holds at once: the next poll is brought forward to where the new one would
 * have put it. started: we do not know under which settings it was planned, so the plan of an
 * adaptive feed, which rests on a price and hints of its own, is believed. */
static void
bring_forward(struct poller *poller, struct feed *feed, bool started)
{
	const struct feed_settings *settings = feed->config->settings;
	struct schedule_policy policy;

	if (feed->fails > 0 || feed->schedule.last_poll == 0 || feed->poll ||
		(started && settings->interval == 0))
		return;
	poller_policy(poller->config, settings, &policy);
	struct schedule_state scratch = feed->schedule;
	struct schedule_plan plan = schedule_next(
		&scratch, &policy, NULL, poller->price.theta, (int64_t)feed->schedule.last_poll, 0);
	/* What its jitter alone explains stays. */
	if (plan.next_poll + plan.wanted / 20 < feed->next_poll_at)
		feed->next_poll_at = plan.next_poll;
}

/* What the bodies of all polls may take together: a few hundred feeds that each hold back the end
 * of a large one must not take all memory. */
static void
limit_bodies(struct poller *poller, const struct config *config)
{
	int64_t largest = 0;

	for (size_t i = 0; i < config->n_feeds; i++)
		if (config->feeds[i].settings->max_size > largest)
			largest = config->feeds[i].settings->max_size;
	int64_t shares = BODY_SHARE * config->max_polls, max = BODIES_LARGE * largest;
	poller->bodies.share_bytes = (size_t)BODY_SHARE;
	poller->bodies.max_bytes = (size_t)(max > shares ? max : shares);
}

void
poller_configure(struct poller *poller, struct config *config, const struct store_feed *feeds)
{
	struct feed **old = poller->feeds;
	size_t n_old = poller->n_feeds;
	struct config *old_config = poller->config;
	AUTO(freep) bool *fresh = xcalloc(config->n_feeds, sizeof(*fresh));
	struct pace_limits limits = {
		.max_running = (uint32_t)config->max_polls,
		.max_requests_per_hour = config->max_requests_per_hour,
	};

	poller->config = config_ref(config);
	limit_bodies(poller, config);
	pace_limit(poller->pace, &limits, poller_mono_ms());
	if (n_old)
		qsort(old, n_old, sizeof(*old), compare_ids);
	poller->feeds = xcalloc(config->n_feeds, sizeof(*poller->feeds));
	poller->n_feeds = config->n_feeds;
	for (size_t i = 0; i < config->n_feeds; i++) {
		struct feed *feed = n_old ? find_by_id(old, n_old, feeds[i].id) : NULL;

		fresh[i] = !feed || differs(feed, &config->feeds[i]);
		if (!feed)
			feed = xcalloc(1, sizeof(*feed));
		else if (fresh[i])
			take_out(poller, feed);
		if (!feed->poll)
			take_known(feed, &feeds[i]);
		feed->config = &config->feeds[i];
		feed->kept = true;
		poller->feeds[i] = feed;
	}
	for (size_t i = 0; i < n_old; i++)
		if (!old[i]->kept)
			retire(poller, old[i]);
	for (size_t i = 0; i < poller->n_feeds; i++)
		poller->feeds[i]->kept = false;
	free(old);
	config_unref(old_config);
	poller_solve_price(poller);
	for (size_t i = 0; i < poller->n_feeds; i++)
		if (fresh[i])
			bring_forward(poller, poller->feeds[i], n_old == 0);
	hold_hosts(poller, feeds);
	if (poller->tools.once) {
		begin_once(poller);
		poller_give_up_held(poller);
	} else {
		schedule_all(poller, fresh);
	}
	poller_advance(poller);
	if (poller_is_idle(poller) && poller->tools.once && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
}
