/*
 * poller.c - which feed is polled when: the heap of due feeds, the pace of hosts, one timer.
 *
 * A feed's due time is kept in wall time (it must survive a restart) and waited for in monotonic
 * time (so that a jump of the clock makes neither a burst nor a silence).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/log.h"
#include "feedd/url.h"
#include "room.h"

/* The timer looks at the clocks at least so often, since suspended time does not move it. */
#define LONGEST_WAIT_MS (5 * 60 * 1000)
/* So many feeds may start at once; more are spread, so many a second, over a quarter of an hour at
 * most. */
#define SPREAD_ABOVE 100
#define SPREAD_PER_SECOND 20
#define SPREAD_LONGEST 900
/* Feeds that are found so late were slept over, with the machine: they are spread, too. */
#define LATE_MS (60 * 1000)
/* While we are offline one feed tries so often, and the others come back after at least so long. */
#define PROBE_MS (10 * 1000)
#define OFFLINE_WAIT_MS (30 * 1000)
#define OFFLINE_SPREAD_MS (30 * 1000)
#define WEEK ((int64_t)7 * 86400)

int64_t
poller_mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
poller_now(void)
{
	return (int64_t)time(NULL);
}

double
poller_jitter(struct poller *poller)
{
	return 2 * erand48(poller->random) - 1;
}

void
poller_policy(const struct config *config, const struct feed_settings *settings,
	struct schedule_policy *ret_policy)
{
	*ret_policy = (struct schedule_policy){
		.interval = settings->interval,
		.min_interval = settings->min_interval,
		.max_interval = settings->max_interval,
		.max_hint = config->max_hint,
		.max_retry_after = config->max_retry_after,
		.max_backoff = config->max_backoff,
		.weight = settings->weight,
	};
}

void
poller_pace(const struct poller *poller, const char *host, struct arena *arena,
	const char **ret_key, struct pace_settings *ret_settings)
{
	const struct host_config *block = config_host(poller->config, host);

	*ret_settings = (struct pace_settings){
		.gap_ms = block->gap_ms,
		.connections = (uint32_t)block->connections,
		.gate_feed = block->gate_feed,
	};
	if (!block->subdomains)
		*ret_key = host;
	else
		*ret_key = strcmp(block->host, "*") == 0 ? url_site(arena, host) : block->host;
}

void
poller_host(const struct poller *poller, const struct feed *feed, struct arena *arena,
	const char **ret_key, struct pace_settings *ret_settings)
{
	const char *host = feed->moved_host ? feed->moved_host : url_host(arena, feed->config->url);

	if (host) {
		poller_pace(poller, host, arena, ret_key, ret_settings);
		return;
	}
	/* a local file */
	*ret_key = "";
	*ret_settings = (struct pace_settings){.gap_ms = 0, .connections = 8, .gate_feed = true};
}

static void
set_timer(struct poller *poller)
{
	int64_t now = poller_mono_ms(), at = pace_wake_at(poller->pace, now);
	const struct heap_node *first = heap_first(&poller->due);

	if (first && first->key < at)
		at = first->key;
	int64_t wait = at <= now ? 0 : at - now;
	if (wait > LONGEST_WAIT_MS)
		wait = LONGEST_WAIT_MS;
	ev_timer_stop(poller->tools.loop, &poller->wake);
	if (poller->stopping || (!first && at == INT64_MAX))
		return;
	/* A millisecond late rather than a turn of the loop for nothing. */
	ev_timer_set(&poller->wake, (double)wait / 1000 + 0.001, 0);
	ev_timer_start(poller->tools.loop, &poller->wake);
}

int64_t
poller_spread_ms(size_t n, int64_t id)
{
	size_t window =
		n / SPREAD_PER_SECOND < SPREAD_LONGEST ? n / SPREAD_PER_SECOND : SPREAD_LONGEST;

	if (n <= SPREAD_ABOVE)
		return 0;
	return (int64_t)(hash64(0, &id, sizeof(id)) % (window * 1000));
}

static struct feed *
feed_of(struct heap_node *node)
{
	return CONTAINER_OF(node, struct feed, due);
}

/* The machine slept, and many feeds are due at once: they become due one after the other. */
static void
spread_late(struct poller *poller, int64_t now)
{
	struct heap_node *node = heap_first(&poller->due);
	AUTO(freep) struct feed **late = NULL;
	size_t n = 0, room = 0;

	while (node && node->key < now - LATE_MS) {
		if (n == room) {
			room = room ? room * 2 : 64;
			late = xrealloc(late, room, sizeof(struct feed *));
		}
		late[n++] = feed_of(node);
		heap_remove(&poller->due, node);
		node = heap_first(&poller->due);
	}
	for (size_t i = 0; i < n; i++)
		heap_set(&poller->due, &late[i]->due, now + poller_spread_ms(n, late[i]->id),
			(uint32_t)late[i]->id);
}

/* While we are offline, feeds wait until one that tries has got through; those of this machine and
 * those that a person asked for do not. */
static bool
waits_for_network(struct poller *poller, const struct feed *feed, int64_t now)
{
	AUTO(arena_fini) struct arena arena = {0};

	if (poller->tools.once || feed->asked || !offline_is(&poller->offline))
		return false;
	const char *host = url_host(&arena, feed->config->url);
	if (!host || url_host_is_private(host))
		return false;
	if (now < poller->probe_at)
		return true;
	poller->probe_at = now + PROBE_MS;
	return false;
}

/* Due feeds go where they wait for their host. */
static void
enter_due(struct poller *poller, int64_t now)
{
	struct heap_node *node;

	spread_late(poller, now);
	while ((node = heap_first(&poller->due)) && node->key <= now) {
		struct feed *feed = feed_of(node);
		AUTO(arena_fini) struct arena arena = {0};
		struct pace_settings settings;
		struct pace_request request = {.settings = &settings, .rank = node->key};

		if (waits_for_network(poller, feed, now)) {
			int64_t spread = poller_spread_ms(poller->n_feeds, feed->id);

			if (spread == 0)
				spread = (int64_t)(erand48(poller->random) * OFFLINE_SPREAD_MS);
			heap_set(&poller->due, node, now + OFFLINE_WAIT_MS + spread, node->tie);
			continue;
		}
		heap_remove(&poller->due, node);
		poller_host(poller, feed, &arena, &request.host, &settings);
		pace_enter(poller->pace, &feed->pace, &request, now);
	}
}

bool
poller_learn_host(struct feed *feed, const char *accepted_url)
{
	AUTO(arena_fini) struct arena arena = {0};
	const char *own = url_host(&arena, feed->config->url),
		   *host = accepted_url ? url_host(&arena, accepted_url) : NULL;

	if (host && own && strcmp(host, own) == 0)
		host = NULL;
	if (host && feed->moved_host ? strcmp(host, feed->moved_host) == 0
				     : !host && !feed->moved_host)
		return false;
	free(feed->moved_host);
	feed->moved_host = xstrdup(host);
	return true;
}

void
poller_advance(struct poller *poller)
{
	struct pace_entry *entry;
	int64_t now = poller_mono_ms();

	if (poller->stopping)
		return;
	enter_due(poller, now);
	while ((entry = pace_take(poller->pace, now)))
		journey_start(poller, CONTAINER_OF(entry, struct feed, pace));
	set_timer(poller);
}

static void
on_wake(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	poller_advance(CONTAINER_OF(timer, struct poller, wake));
}

/* The feeds that the price is solved over. */
struct priced {
	const struct poller *poller;
	struct schedule_policy policy;
	struct feed **at;
};

static const struct schedule_state *
state_at(void *arg, size_t i, const struct schedule_policy **ret_policy)
{
	struct priced *priced = arg;
	const struct feed *feed = priced->at[i];

	poller_policy(priced->poller->config, feed->config->settings, &priced->policy);
	*ret_policy = &priced->policy;
	return &feed->schedule;
}

void
poller_solve_price(struct poller *poller)
{
	struct schedule_budget budget = {
		.polls_per_feed_per_day = poller->config->polls_per_feed_per_day,
		.max_requests_per_hour = poller->config->max_requests_per_hour,
	};
	AUTO(freep) struct feed **active = xcalloc(poller->n_feeds + 1, sizeof(*active));
	struct priced priced = {.poller = poller, .at = active};
	struct schedule_feeds feeds = {.state_at = state_at, .arg = &priced};

	/* Feeds that are not polled leave their share of the budget to nobody. */
	for (size_t i = 0; i < poller->n_feeds; i++)
		if (poller->feeds[i]->config->settings->enabled &&
			poller->feeds[i]->health != FEED_GONE)
			active[feeds.n++] = poller->feeds[i];
	if (poller->price.started_at == 0)
		schedule_price_init(&poller->price, &budget, poller_now());
	if (feeds.n > 0)
		schedule_price_solve(&poller->price, &budget, &feeds, poller->made, poller_now());
	poller->made = 0;
}

static void
on_solve(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	poller_solve_price(CONTAINER_OF(timer, struct poller, solve));
}

int
poller_new(struct poller **ret_poller, const struct poller_tools *tools)
{
	struct poller *poller = xcalloc(1, sizeof(*poller));
	struct pace_limits limits = {.max_running = 64};
	uint64_t seed = (uint64_t)poller_mono_ms() ^ (uint64_t)(uintptr_t)poller;

	poller->tools = *tools;
	seed48(memcpy(poller->random, &seed, sizeof(poller->random)));
	poller->pace = pace_new(&limits, poller_mono_ms());
	ev_timer_init(&poller->wake, on_wake, 0, 0);
	ev_timer_init(&poller->solve, on_solve, SCHEDULE_SOLVE_EVERY, SCHEDULE_SOLVE_EVERY);
	ev_timer_start(tools->loop, &poller->solve);
	*ret_poller = poller;
	return 0;
}

/* The longest that anything makes a feed wait: the settings' longest, its jitter, and a week of
 * skipDays. */
static int64_t
longest_wait(const struct poller *poller, const struct feed_settings *settings)
{
	const struct config *config = poller->config;
	const int64_t waits[] = {settings->interval, settings->max_interval, config->max_hint,
		config->max_backoff, config->max_retry_after};
	int64_t longest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		if (waits[i] > longest)
			longest = waits[i];
	return longest + longest / 20 + WEEK;
}

void
poller_schedule(struct poller *poller, struct feed *feed)
{
	if (!feed->config || !feed->config->settings->enabled || feed->health == FEED_GONE ||
		poller->tools.once || poller->stopping)
		return;
	int64_t wait = feed->next_poll_at - poller_now();
	/* A next poll beyond all bounds comes of a clock that was wrong when it was planned. */
	int64_t longest = longest_wait(poller, feed->config->settings);
	if (wait > longest)
		wait = longest;
	heap_set(&poller->due, &feed->due, poller_mono_ms() + (wait > 0 ? wait * 1000 : 0),
		(uint32_t)feed->id);
}

void
poller_home(struct poller *poller, struct feed *feed)
{
	poller->in_flight--;
	if (feed && !feed->tried && poller->tools.once) {
		feed->tried = true;
		poller->untried--;
	}
	if (feed && feed->again) {
		feed->again = false;
		feed->asked = true;
		if (heap_has(&feed->due) && feed->retry_after_at <= poller_now())
			heap_set(&poller->due, &feed->due, poller_mono_ms(), (uint32_t)feed->id);
	}
	if (feed)
		commands_run(poller, feed);
	poller_advance(poller);
	if (poller_is_idle(poller) && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
}

/* Makes one feed due now, or as soon as what is in flight is home. */
static void
ask_for(struct poller *poller, struct feed *feed, bool force)
{
	feed->force = feed->force || force;
	if (feed->poll) { /* what is in flight may have been answered before this was asked */
		feed->again = true;
		return;
	}
	if (feed->pace.where != PACE_OUT)
		return; /* on its way already */
	if (feed->retry_after_at > poller_now() && !force)
		return; /* it comes when the server allows it */
	feed->asked = true;
	heap_set(&poller->due, &feed->due, poller_mono_ms(), (uint32_t)feed->id);
}

static bool
may_be_polled(const struct feed *feed)
{
	return feed->health != FEED_GONE && feed->config->settings->enabled;
}

int
poller_poll(struct poller *poller, const char *name, bool force)
{
	const struct feed_config *config;
	int count = 0;

	if (name) {
		config = poller->config ? config_feed(poller->config, name) : NULL;
		if (!config)
			return -ENOENT;
		struct feed *feed = poller->feeds[config - poller->config->feeds];
		if (!may_be_polled(feed))
			return -EBUSY;
		ask_for(poller, feed, force);
		count = 1;
	}
	for (size_t i = 0; i < poller->n_feeds && !name; i++)
		if (may_be_polled(poller->feeds[i])) {
			ask_for(poller, poller->feeds[i], force);
			count++;
		}
	poller_advance(poller);
	return count;
}

void
poller_stop(struct poller *poller)
{
	poller->stopping = true;
	ev_timer_stop(poller->tools.loop, &poller->wake);
	ev_timer_stop(poller->tools.loop, &poller->solve);
	if (poller_is_idle(poller) && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
}

void
poller_cancel(struct poller *poller)
{
	journey_cancel(poller);
}

bool
poller_is_idle(const struct poller *poller)
{
	return poller->in_flight == 0 &&
		(poller->stopping || (poller->tools.once && poller->untried == 0));
}

bool
poller_had_failures(const struct poller *poller)
{
	return poller->had_failures;
}

void
poller_free(struct poller *poller)
{
	if (!poller)
		return;
	ev_timer_stop(poller->tools.loop, &poller->wake);
	ev_timer_stop(poller->tools.loop, &poller->solve);
	for (size_t i = 0; i < poller->n_feeds; i++) {
		commands_drop(poller->feeds[i]);
		feed_free(poller->feeds[i]);
	}
	free(poller->feeds);
	heap_fini(&poller->due);
	pace_free(poller->pace);
	config_unref(poller->config);
	free(poller);
}

struct poller_summary
poller_summarise(const struct poller *poller)
{
	struct poller_summary summary = {.feeds = poller->n_feeds, .in_flight = poller->in_flight};

	for (size_t i = 0; i < poller->n_feeds; i++)
		summary.failing += poller->feeds[i]->fails > 0;
	return summary;
}
