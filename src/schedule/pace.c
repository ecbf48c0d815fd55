/*
 * pace.c - the queues of pace.h. Touches nothing but its own memory and the entries in it.
 *
 * A host is in one of three heaps or in none:
 *	ready  it may start a request now; ordered by the rank of its first waiting feed
 *	later  it may at a known time: its gap or its hold ends; ordered by that time
 *	idle   nothing waits or runs there; ordered by the time at which it may be forgotten
 *	none   all its connections are busy, or something runs and nothing waits: the next
 *pace_leave decides settle_host() puts it where it belongs after every change; nothing else moves
 *hosts.
 */
#include "feedd/pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BUCKETS = 64,
	FORGET_AT_ONCE = 16, /* idle hosts freed per call at most, so that no call takes long */
};
#define HOUR_MS INT64_C(3600000)
#define FIRST_HOLD_MS (HOUR_MS / 6)
#define MOST_HOLD_MS (48 * HOUR_MS)
#define REMEMBER_HOLD_MS                                                                           \
	(24 * HOUR_MS) /* after a hold's end, how long the next one would still be doubled */
#define BURST_SHARE 60.0

struct pace_host {
	struct pace_host *next; /* in its bucket */
	uint64_t hash;
	struct heap_node node;
	struct heap *in;   /* the heap that holds node, or NULL */
	struct heap queue; /* of waiting entries */
	uint32_t running;
	struct pace_settings settings;
	int64_t next_start_ms; /* end of the gap */
	int64_t held_until_ms; /* 0: never held */
	int64_t hold_ms;       /* length of the last hold that was made up here; 0: calm */
	char name[];
};

struct pace {
	struct pace_limits limits;
	double tokens; /* requests that may be made at once, as of tokens_at_ms; below 0 after
			  pace_charge */
	int64_t tokens_at_ms;
	uint32_t waiting, running, sequence;
	struct heap ready, later, idle;
	struct pace_host **buckets;
	size_t n_buckets, n_hosts;
};

static int64_t
later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* a + b for times, without passing the end of time. */
static int64_t
after(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static double
burst(const struct pace_limits *limits)
{
	return fmax(limits->max_requests_per_hour / BURST_SHARE, 1);
}

static void
refill(struct pace *pace, int64_t now_ms)
{
	double passed = (double)(now_ms - pace->tokens_at_ms);

	if (passed <= 0)
		return;
	pace->tokens_at_ms = now_ms;
	pace->tokens =
		fmin(pace->tokens + passed * pace->limits.max_requests_per_hour / (double)HOUR_MS,
			burst(&pace->limits));
}

/* When there will be a whole token: now, or later. */
static int64_t
token_at(struct pace *pace, int64_t now_ms)
{
	if (pace->limits.max_requests_per_hour <= 0)
		return now_ms;
	refill(pace, now_ms);
	if (pace->tokens >= 1)
		return now_ms;
	double wait_ms =
		ceil((1 - pace->tokens) * (double)HOUR_MS / pace->limits.max_requests_per_hour);

	return wait_ms < 1e15 ? now_ms + (int64_t)wait_ms : INT64_MAX;
}

/* The place that refers to the host of that name, or to NULL at the end of its bucket. */
static struct pace_host **
find(const struct pace *pace, const char *name, uint64_t hash)
{
	struct pace_host **at = &pace->buckets[hash & (pace->n_buckets - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static void
rehash(struct pace *pace, size_t n_buckets)
{
	struct pace_host **old = pace->buckets;
	size_t n_old = pace->n_buckets;

	pace->buckets = xcalloc(n_buckets, sizeof(struct pace_host *));
	pace->n_buckets = n_buckets;
	for (size_t i = 0; i < n_old; i++) {
		for (struct pace_host *host = old[i], *next; host; host = next) {
			struct pace_host **bucket = &pace->buckets[host->hash & (n_buckets - 1)];

			next = host->next;
			host->next = *bucket;
			*bucket = host;
		}
	}
	free(old);
}

static struct pace_host *
get_host(struct pace *pace, const char *name)
{
	uint64_t hash = hash64_str(0, name);
	struct pace_host *host = *find(pace, name, hash);

	if (host)
		return host;
	if (pace->n_hosts >= pace->n_buckets)
		rehash(pace, pace->n_buckets * 2);
	size_t size = strlen(name) + 1;

	host = xcalloc(1, sizeof(*host) + size);
	host->hash = hash;
	host->settings.connections = 1;
	memcpy(host->name, name, size);
	*find(pace, name, hash) = host;
	pace->n_hosts++;
	return host;
}

static void
free_host(struct pace *pace, struct pace_host *host)
{
	*find(pace, host->name, host->hash) = host->next;
	pace->n_hosts--;
	heap_fini(&host->queue);
	free(host);
	if (pace->n_buckets > FIRST_BUCKETS && pace->n_hosts < pace->n_buckets / 8)
		rehash(pace, pace->n_buckets / 2);
}

static void
move_host(struct pace_host *host, struct heap *to, int64_t key, uint32_t tie)
{
	if (host->in && host->in != to)
		heap_remove(host->in, &host->node);
	if (to)
		heap_set(to, &host->node, key, tie);
	host->in = to;
}

/* Until when the host must be remembered though nobody waits for it. */
static int64_t
forget_at(const struct pace_host *host)
{
	int64_t held =
		host->hold_ms ? after(host->held_until_ms, REMEMBER_HOLD_MS) : host->held_until_ms;

	return later_of(host->next_start_ms, held);
}

static void
settle_host(struct pace *pace, struct pace_host *host, int64_t now_ms)
{
	const struct heap_node *first = heap_first(&host->queue);
	int64_t start_ms = later_of(host->next_start_ms, host->held_until_ms);

	if (!first && !host->running)
		move_host(host, &pace->idle, forget_at(host), 0);
	else if (!first || host->running >= host->settings.connections)
		move_host(host, NULL, 0, 0);
	else if (start_ms <= now_ms)
		move_host(host, &pace->ready, first->key, first->tie);
	else
		move_host(host, &pace->later, start_ms, first->tie);
}

/* What time alone changes: hosts whose wait is over become ready, idle ones are forgotten. */
static void
catch_up(struct pace *pace, int64_t now_ms)
{
	struct heap_node *node;

	while ((node = heap_first(&pace->later)) && node->key <= now_ms)
		settle_host(pace, CONTAINER_OF(node, struct pace_host, node), now_ms);
	for (int i = 0;
		i < FORGET_AT_ONCE && (node = heap_first(&pace->idle)) && node->key <= now_ms;
		i++) {
		heap_remove(&pace->idle, node);
		free_host(pace, CONTAINER_OF(node, struct pace_host, node));
	}
}

struct pace *
pace_new(const struct pace_limits *limits, int64_t now_ms)
{
	struct pace *pace = xcalloc(1, sizeof(*pace));

	pace->limits = *limits;
	pace->tokens = burst(limits);
	pace->tokens_at_ms = now_ms;
	rehash(pace, FIRST_BUCKETS);
	return pace;
}

void
pace_free(struct pace *pace)
{
	if (!pace)
		return;
	for (size_t i = 0; i < pace->n_buckets; i++) {
		for (struct pace_host *host = pace->buckets[i], *next; host; host = next) {
			next = host->next;
			heap_fini(&host->queue);
			free(host);
		}
	}
	heap_fini(&pace->ready);
	heap_fini(&pace->later);
	heap_fini(&pace->idle);
	free(pace->buckets);
	free(pace);
}

void
pace_limit(struct pace *pace, const struct pace_limits *limits, int64_t now_ms)
{
	bool was_limited = pace->limits.max_requests_per_hour > 0;

	refill(pace, now_ms);
	pace->limits = *limits;
	pace->tokens = was_limited ? fmin(pace->tokens, burst(limits)) : burst(limits);
}

void
pace_enter(struct pace *pace, struct pace_entry *entry, const struct pace_request *request,
	int64_t now_ms)
{
	if (entry->where == PACE_RUNNING)
		return;
	if (entry->where == PACE_WAITING && strcmp(entry->host->name, request->host) != 0)
		pace_leave(pace, entry, now_ms);
	catch_up(pace, now_ms);
	struct pace_host *host = get_host(pace, request->host);

	host->settings = *request->settings;
	if (host->settings.connections < 1)
		host->settings.connections = 1;
	/* A gap that became shorter holds for the present wait too. */
	if (host->next_start_ms > after(now_ms, host->settings.gap_ms))
		host->next_start_ms = after(now_ms, host->settings.gap_ms);
	if (entry->where == PACE_OUT) {
		entry->where = PACE_WAITING;
		entry->host = host;
		entry->node.tie = pace->sequence++;
		pace->waiting++;
	}
	heap_set(&host->queue, &entry->node, request->rank, entry->node.tie);
	settle_host(pace, host, now_ms);
}

struct pace_entry *
pace_take(struct pace *pace, int64_t now_ms)
{
	catch_up(pace, now_ms);
	struct heap_node *node = heap_first(&pace->ready);

	if (!node || pace->running >= pace->limits.max_running || token_at(pace, now_ms) > now_ms)
		return NULL;
	struct pace_host *host = CONTAINER_OF(node, struct pace_host, node);
	struct pace_entry *entry = CONTAINER_OF(heap_first(&host->queue), struct pace_entry, node);

	heap_remove(&host->queue, &entry->node);
	entry->where = PACE_RUNNING;
	host->running++;
	host->next_start_ms = after(now_ms, host->settings.gap_ms);
	pace->waiting--;
	pace->running++;
	if (pace->limits.max_requests_per_hour > 0)
		pace->tokens -= 1;
	settle_host(pace, host, now_ms);
	return entry;
}

void
pace_leave(struct pace *pace, struct pace_entry *entry, int64_t now_ms)
{
	struct pace_host *host = entry->host;

	switch (entry->where) {
	case PACE_OUT:
		return;
	case PACE_WAITING:
		heap_remove(&host->queue, &entry->node);
		pace->waiting--;
		break;
	case PACE_RUNNING:
		host->running--;
		pace->running--;
		break;
	}
	*entry = (struct pace_entry){0};
	settle_host(pace, host, now_ms);
	catch_up(pace, now_ms);
}

int64_t
pace_wake_at(struct pace *pace, int64_t now_ms)
{
	catch_up(pace, now_ms);
	const struct heap_node *later = heap_first(&pace->later);

	if (pace->running >= pace->limits.max_running)
		return INT64_MAX;
	if (heap_first(&pace->ready))
		return token_at(pace, now_ms);
	return later ? later_of(later->key, token_at(pace, now_ms)) : INT64_MAX;
}

void
pace_charge(struct pace *pace, uint32_t requests, int64_t now_ms)
{
	if (pace->limits.max_requests_per_hour <= 0)
		return;
	refill(pace, now_ms);
	pace->tokens -= requests;
}

void
pace_visit(struct pace *pace, const char *name, int64_t gap_ms, int64_t now_ms)
{
	catch_up(pace, now_ms);
	struct pace_host *host = get_host(pace, name);
	host->next_start_ms = later_of(host->next_start_ms, after(now_ms, gap_ms));
	settle_host(pace, host, now_ms);
}

static void
hold(struct pace *pace, struct pace_host *host, int64_t wait_ms, int64_t now_ms)
{
	if (wait_ms <= 0) {
		/* Answers to requests that were under way when the hold began are no news. */
		if (host->held_until_ms > now_ms)
			return;
		host->hold_ms = host->hold_ms ? host->hold_ms * 2 : FIRST_HOLD_MS;
		if (host->hold_ms > MOST_HOLD_MS)
			host->hold_ms = MOST_HOLD_MS;
		wait_ms = host->hold_ms;
	}
	host->held_until_ms = later_of(host->held_until_ms, after(now_ms, wait_ms));
	settle_host(pace, host, now_ms);
}

void
pace_hold(struct pace *pace, struct pace_entry *entry, int64_t wait_ms, int64_t now_ms)
{
	if (entry->where == PACE_RUNNING && !entry->host->settings.gate_feed)
		hold(pace, entry->host, wait_ms, now_ms);
}

void
pace_hold_host(struct pace *pace, const char *host, int64_t wait_ms, int64_t now_ms)
{
	catch_up(pace, now_ms);
	hold(pace, get_host(pace, host), wait_ms, now_ms);
}

void
pace_calm(struct pace_entry *entry, int64_t now_ms)
{
	if (entry->where == PACE_RUNNING && entry->host->held_until_ms <= now_ms)
		entry->host->hold_ms = 0;
}

bool
pace_look(const struct pace *pace, const char *name, struct pace_view *ret_view)
{
	const struct pace_host *host = *find(pace, name, hash64_str(0, name));

	if (!host)
		return false;
	*ret_view = (struct pace_view){
		.waiting = host->queue.n,
		.running = host->running,
		.held_until_ms = host->held_until_ms,
		.next_start_ms = host->next_start_ms,
	};
	return true;
}

uint32_t
pace_others(const struct pace_entry *entry)
{
	return entry->where == PACE_RUNNING ? entry->host->queue.n : 0;
}

struct pace_counts
pace_counts(const struct pace *pace)
{
	return (struct pace_counts){
		.waiting = pace->waiting,
		.running = pace->running,
		.hosts = (uint32_t)pace->n_hosts,
	};
}
