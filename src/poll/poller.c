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
poller_host(const struct poller *poller, const struct feed *feed, struct arena *arena,
	const char **ret_key, struct pace_settings *ret_settings)
{
	const char *host = url_host(arena, feed->config->url);

	if (!host) { /* a local file */
		*ret_key = "";
		*ret_settings =
			(struct pace_settings){.gap_ms = 0, .connections = 8, .gate_feed = true};
		return;
	}
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

/* Due feeds go where they wait for their host. */
static void
enter_due(struct poller *poller, int64_t now)
{
	struct heap_node *node;

	while ((node = heap_first(&poller->due)) && node->key <= now) {
		struct feed *feed = CONTAINER_OF(node, struct feed, due);
		AUTO(arena_fini) struct arena arena = {0};
		struct pace_settings settings;
		struct pace_request request = {.settings = &settings, .rank = node->key};

		heap_remove(&poller->due, node);
		poller_host(poller, feed, &arena, &request.host, &settings);
		pace_enter(poller->pace, &feed->pace, &request, now);
	}
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

static const struct schedule_state *
state_at(void *arg, size_t i, const struct schedule_policy **ret_policy)
{
	static __thread struct schedule_policy policy;
	struct poller *poller = arg;

	poller_policy(poller->config, poller->feeds[i]->config->settings, &policy);
	*ret_policy = &policy;
	return &poller->feeds[i]->schedule;
}

static void
solve_price(struct poller *poller)
{
	struct schedule_budget budget = {
		.polls_per_feed_per_day = poller->config->polls_per_feed_per_day,
		.max_requests_per_hour = poller->config->max_requests_per_hour,
	};
	struct schedule_feeds feeds = {.n = poller->n_feeds, .state_at = state_at, .arg = poller};

	if (poller->price.started_at == 0)
		schedule_price_init(&poller->price, &budget, poller_now());
	if (poller->n_feeds > 0)
		schedule_price_solve(&poller->price, &budget, &feeds, poller->made, poller_now());
	poller->made = 0;
}

static void
on_solve(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	solve_price(CONTAINER_OF(timer, struct poller, solve));
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

void
poller_schedule(struct poller *poller, struct feed *feed)
{
	if (!feed->config || !feed->config->settings->enabled || feed->health == FEED_GONE ||
		poller->tools.once || poller->stopping)
		return;
	int64_t wait = feed->next_poll_at - poller_now();
	/* A next poll beyond all bounds comes of a clock that was wrong when it was planned. */
	int64_t longest = feed->config->settings->max_interval + poller->config->max_retry_after;
	if (wait > longest)
		wait = longest;
	heap_set(&poller->due, &feed->due, poller_mono_ms() + (wait > 0 ? wait * 1000 : 0),
		(uint32_t)feed->id);
}

/* Takes what the database knows of a feed. */
static void
take_known(struct feed *feed, const struct store_feed *known)
{
	feed->id = known->id;
	feed->next_poll_at = known->next_poll_at;
	feed->retry_after_at = known->retry_after_at;
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
	free(feed);
}

/* Feeds that are overdue at a start do not all go off at once. */
static int64_t
spread_ms(size_t n_due, int64_t id)
{
	size_t window = n_due / SPREAD_PER_SECOND < SPREAD_LONGEST ? n_due / SPREAD_PER_SECOND
								   : SPREAD_LONGEST;

	if (n_due <= SPREAD_ABOVE)
		return 0;
	return (int64_t)(hash64(0, &id, sizeof(id)) % (window * 1000));
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
			heap_set(&poller->due, &feed->due, now_ms + spread_ms(n_due, feed->id),
				(uint32_t)feed->id);
	}
}

/* A server's Retry-After holds over restarts, and for the whole host. */
static void
hold_hosts(struct poller *poller)
{
	int64_t now = poller_now();

	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];
		AUTO(arena_fini) struct arena arena = {0};
		struct pace_settings settings;
		const char *host;

		if (feed->retry_after_at <= now)
			continue;
		poller_host(poller, feed, &arena, &host, &settings);
		if (!settings.gate_feed)
			pace_hold_host(poller->pace, host, (feed->retry_after_at - now) * 1000,
				poller_mono_ms());
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

/* A shorter interval holds at once: the next poll is brought forward to where the new one would
 * have put it. */
static void
bring_forward(struct poller *poller, struct feed *feed)
{
	const struct feed_settings *settings = feed->config->settings;
	struct schedule_policy policy;

	if (feed->fails > 0 || feed->schedule.last_poll == 0 || feed->poll)
		return;
	poller_policy(poller->config, settings, &policy);
	struct schedule_state scratch = feed->schedule;
	struct schedule_plan plan = schedule_next(
		&scratch, &policy, NULL, poller->price.theta, (int64_t)feed->schedule.last_poll, 0);
	if (plan.next_poll < feed->next_poll_at)
		feed->next_poll_at = plan.next_poll;
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
		else
			heap_remove(&poller->due, &feed->due);
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
	solve_price(poller);
	for (size_t i = 0; i < poller->n_feeds; i++)
		if (fresh[i])
			bring_forward(poller, poller->feeds[i]);
	hold_hosts(poller);
	if (poller->tools.once)
		begin_once(poller);
	else
		schedule_all(poller, fresh);
	poller_advance(poller);
	if (poller_is_idle(poller) && poller->tools.once && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
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
		if (heap_has(&feed->due) && feed->retry_after_at <= poller_now())
			heap_set(&poller->due, &feed->due, poller_mono_ms(), (uint32_t)feed->id);
	}
	if (feed)
		commands_run(poller, feed);
	poller_advance(poller);
	if (poller_is_idle(poller) && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
}

int
poller_poll(struct poller *poller, const char *name, bool force)
{
	int64_t now_ms = poller_mono_ms(), now = poller_now();
	int count = 0;

	for (size_t i = 0; i < poller->n_feeds; i++) {
		struct feed *feed = poller->feeds[i];

		if (name && strcmp(feed->config->name, name) != 0)
			continue;
		if (feed->health == FEED_GONE || !feed->config->settings->enabled) {
			if (name)
				return -EBUSY;
			continue;
		}
		count++;
		feed->force = feed->force || force;
		if (feed->poll) { /* what is in flight may have been answered before this was asked
				   */
			feed->again = true;
			continue;
		}
		if (feed->pace.where != PACE_OUT)
			continue; /* on its way already */
		if (feed->retry_after_at > now && !force)
			continue; /* it comes when the server allows it */
		heap_set(&poller->due, &feed->due, now_ms, (uint32_t)feed->id);
	}
	poller_advance(poller);
	return count == 0 && name ? -ENOENT : count;
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
		free(poller->feeds[i]);
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
