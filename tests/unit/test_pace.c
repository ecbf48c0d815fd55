/* test_pace.c - gaps, connections, holds and ceilings, by example and against a model that searches
 * everything. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/pace.h"

#define HOUR_MS INT64_C(3600000)

static const struct pace_settings polite = {.gap_ms = 1000, .connections = 2};
static const struct pace_limits roomy = {.max_running = 64};

static void
pace_freep(struct pace **pace)
{
	pace_free(*pace);
}

static void
enter(struct pace *pace, struct pace_entry *entry, const char *host, int64_t rank, int64_t now_ms)
{
	const struct pace_request request = {.host = host, .settings = &polite, .rank = rank};

	pace_enter(pace, entry, &request, now_ms);
}

static void
one_host_keeps_gap_and_connections(void **state)
{
	(void)state;
	AUTO(pace_freep) struct pace *pace = pace_new(&roomy, 0);
	struct pace_entry feeds[4] = {0};
	struct pace_view view;

	assert_null(pace_take(pace, 0));
	assert_true(pace_wake_at(pace, 0) == INT64_MAX);
	for (int i = 0; i < 4; i++)
		enter(pace, &feeds[i], "a", 10 - i, 5000);
	/* The smallest rank first, then nothing for a second. */
	assert_ptr_equal(pace_take(pace, 5000), &feeds[3]);
	assert_null(pace_take(pace, 5000));
	assert_int_equal(pace_wake_at(pace, 5000), 6000);
	assert_null(pace_take(pace, 5999));
	assert_ptr_equal(pace_take(pace, 6000), &feeds[2]);
	assert_int_equal(pace_others(&feeds[2]), 2);
	/* Both connections are busy: only an end changes that. */
	assert_null(pace_take(pace, 9000));
	assert_true(pace_wake_at(pace, 9000) == INT64_MAX);
	pace_leave(pace, &feeds[3], 9000);
	assert_int_equal(pace_wake_at(pace, 9000), 9000);
	assert_ptr_equal(pace_take(pace, 9000), &feeds[1]);
	/* Giving up one that waits leaves nothing to do. */
	pace_leave(pace, &feeds[0], 9100);
	pace_leave(pace, &feeds[0], 9100);
	assert_int_equal(pace_counts(pace).waiting, 0);
	assert_int_equal(pace_counts(pace).running, 2);
	pace_leave(pace, &feeds[1], 9200);
	pace_leave(pace, &feeds[2], 9200);
	/* The gap outlives the last feed; after it the host is forgotten. */
	assert_true(pace_look(pace, "a", &view));
	assert_int_equal(view.next_start_ms, 10000);
	enter(pace, &feeds[0], "a", 0, 9300);
	assert_null(pace_take(pace, 9300));
	pace_leave(pace, &feeds[0], 9300);
	assert_true(pace_wake_at(pace, 10000) == INT64_MAX);
	assert_int_equal(pace_counts(pace).hosts, 0);
	assert_false(pace_look(pace, "a", &view));
}

static void
hosts_do_not_wait_for_each_other(void **state)
{
	(void)state;
	AUTO(pace_freep) struct pace *pace = pace_new(&(struct pace_limits){.max_running = 3}, 0);
	struct pace_entry feeds[5] = {0};
	const char *hosts[] = {"a", "a", "b", "c", "d"};

	for (int i = 0; i < 5; i++)
		enter(pace, &feeds[i], hosts[i], i, 0);
	assert_ptr_equal(pace_take(pace, 0), &feeds[0]);
	assert_ptr_equal(pace_take(pace, 0), &feeds[2]);
	assert_ptr_equal(pace_take(pace, 0), &feeds[3]);
	assert_null(pace_take(pace, 0)); /* three run */
	assert_true(pace_wake_at(pace, 0) == INT64_MAX);
	pace_leave(pace, &feeds[2], 2000);
	assert_ptr_equal(pace_take(pace, 2000), &feeds[1]); /* due before d, and its gap is over */
	pace_leave(pace, &feeds[3], 2000);
	assert_ptr_equal(pace_take(pace, 2000), &feeds[4]);
	/* A changed rank and host count. */
	enter(pace, &feeds[2], "e", 9, 2000);
	enter(pace, &feeds[3], "f", 8, 2000);
	enter(pace, &feeds[2], "g", 7, 2000);
	pace_leave(pace, &feeds[4], 2000);
	assert_ptr_equal(pace_take(pace, 2000), &feeds[2]);
	/* One that runs stays as it is. */
	enter(pace, &feeds[2], "h", 0, 2000);
	assert_int_equal(feeds[2].where, PACE_RUNNING);
}

static void
holds_reach_the_whole_host(void **state)
{
	(void)state;
	AUTO(pace_freep) struct pace *pace = pace_new(&roomy, 0);
	struct pace_entry one = {0}, two = {0};
	struct pace_view view;

	enter(pace, &one, "a", 0, 0);
	assert_ptr_equal(pace_take(pace, 0), &one);
	pace_hold(pace, &one, 120000, 500);
	pace_hold(pace, &one, 60000, 500); /* never shortens */
	pace_leave(pace, &one, 500);
	enter(pace, &two, "a", 0, 1000);
	assert_null(pace_take(pace, 120499));
	assert_int_equal(pace_wake_at(pace, 120499), 120500);
	assert_ptr_equal(pace_take(pace, 120500), &two);
	/* Without a time: 10 minutes, doubled until something succeeds; forgotten only a day later.
	 */
	int64_t now = 200000, wait = HOUR_MS / 6;

	for (int i = 0; i < 12; i++) {
		pace_hold(pace, &two, 0, now);
		pace_hold(pace, &two, 0, now + 1); /* the other connection's answer */
		pace_leave(pace, &two, now + 1);
		assert_true(pace_look(pace, "a", &view));
		assert_int_equal(view.held_until_ms - now, wait);
		now += wait;
		enter(pace, &two, "a", 0, now);
		assert_ptr_equal(pace_take(pace, now), &two);
		wait = wait * 2 < 48 * HOUR_MS ? wait * 2 : 48 * HOUR_MS;
	}
	pace_calm(&two, now);
	pace_hold(pace, &two, 0, now);
	assert_true(pace_look(pace, "a", &view));
	assert_int_equal(view.held_until_ms, now + HOUR_MS / 6);
	pace_leave(pace, &two, now);
	pace_wake_at(pace, now + 23 * HOUR_MS);
	assert_int_equal(pace_counts(pace).hosts, 1);
	pace_wake_at(pace, now + 25 * HOUR_MS);
	assert_int_equal(pace_counts(pace).hosts, 0);
}

static void
holds_can_be_narrow_or_remembered(void **state)
{
	(void)state;
	AUTO(pace_freep) struct pace *pace = pace_new(&roomy, 0);
	const struct pace_settings open = {.gap_ms = 0, .connections = 64, .gate_feed = true};
	struct pace_entry feeds[2] = {0};

	for (int i = 0; i < 2; i++)
		pace_enter(pace, &feeds[i],
			&(struct pace_request){.host = "127.0.0.1", .settings = &open, .rank = i},
			0);
	assert_ptr_equal(pace_take(pace, 0), &feeds[0]);
	pace_hold(pace, &feeds[0], 1000000, 0);
	assert_ptr_equal(pace_take(pace, 0), &feeds[1]);
	pace_hold_host(pace, "b", 5000, 0);
	pace_leave(pace, &feeds[0], 0);
	enter(pace, &feeds[0], "b", 0, 0);
	assert_int_equal(pace_wake_at(pace, 0), 5000);
	/* The end of time is no overflow. */
	pace_hold_host(pace, "b", INT64_MAX, 4000);
	assert_true(pace_wake_at(pace, 4000) == INT64_MAX);
	assert_null(pace_take(pace, INT64_MAX - 1));
}

static void
the_hour_has_a_ceiling(void **state)
{
	(void)state;
	enum { FEEDS = 3000 };
	const struct pace_limits limits = {.max_running = FEEDS, .max_requests_per_hour = 600};
	AUTO(pace_freep) struct pace *pace = pace_new(&limits, 1000);
	struct pace_entry *feeds = xcalloc(FEEDS, sizeof(*feeds));
	char host[16];
	int taken = 0;

	for (int i = 0; i < FEEDS; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		enter(pace, &feeds[i], host, i, 1000);
	}
	/* A sixtieth at once, then one every six seconds, in order. */
	for (int64_t now = 1000; now <= 1000 + HOUR_MS; now = pace_wake_at(pace, now)) {
		struct pace_entry *entry = pace_take(pace, now);

		assert_ptr_equal(entry, &feeds[taken]);
		taken++;
		assert_int_equal(
			pace_wake_at(pace, now), taken < 10 ? now : 1000 + (taken - 9) * 6000);
	}
	assert_int_equal(taken, 610);
	/* Hops count, and no limit is no limit. */
	int64_t now = pace_wake_at(pace, 1000 + HOUR_MS);

	pace_charge(pace, 5, now);
	assert_int_equal(pace_wake_at(pace, now), now + 5 * 6000);
	pace_limit(pace, &(struct pace_limits){.max_running = FEEDS}, now);
	for (; taken < FEEDS; taken++)
		assert_ptr_equal(pace_take(pace, now), &feeds[taken]);
	pace_limit(pace, &limits, now);
	assert_true(pace_wake_at(pace, now) == INT64_MAX);
	for (int i = 0; i < FEEDS; i++)
		pace_leave(pace, &feeds[i], now);
	for (int i = 0; i < FEEDS; i++)
		pace_wake_at(pace, now + 1000);
	assert_int_equal(pace_counts(pace).hosts, 0);
	free(feeds);
}

/*
 * The model: no heaps, no hosts that come and go, just everything searched each time.
 */
enum { MODEL_FEEDS = 40, MODEL_HOSTS = 6, MODEL_STEPS = 60000, MODEL_RUNNING = 5 };

struct model {
	struct {
		enum pace_where where;
		int host;
		int64_t rank;
		uint32_t order;
	} feeds[MODEL_FEEDS];
	struct {
		int64_t next_start_ms, held_until_ms;
	} hosts[MODEL_HOSTS];
	uint32_t order;
};

static const struct pace_settings model_settings[MODEL_HOSTS] = {
	{0, 1, false},
	{0, 3, false},
	{100, 1, false},
	{100, 2, false},
	{1000, 2, true},
	{7, 64, false},
};
static const char *const model_names[MODEL_HOSTS] = {"a", "b", "c", "d", "e", "f"};

static unsigned
model_running(const struct model *model, int host)
{
	unsigned n = 0;

	for (int i = 0; i < MODEL_FEEDS; i++)
		n += model->feeds[i].where == PACE_RUNNING &&
			(host < 0 || model->feeds[i].host == host);
	return n;
}

/* When the feed could start if nothing else came first. */
static int64_t
model_start(const struct model *model, int i)
{
	int host = model->feeds[i].host;

	if (model->feeds[i].where != PACE_WAITING || model_running(model, -1) >= MODEL_RUNNING ||
		model_running(model, host) >= model_settings[host].connections)
		return INT64_MAX;
	return model->hosts[host].next_start_ms > model->hosts[host].held_until_ms
		? model->hosts[host].next_start_ms
		: model->hosts[host].held_until_ms;
}

static int
model_take(const struct model *model, int64_t now_ms)
{
	int best = -1;

	for (int i = 0; i < MODEL_FEEDS; i++) {
		if (model_start(model, i) > now_ms)
			continue;
		if (best < 0 || model->feeds[i].rank < model->feeds[best].rank ||
			(model->feeds[i].rank == model->feeds[best].rank &&
				model->feeds[i].order < model->feeds[best].order))
			best = i;
	}
	return best;
}

static int64_t
model_wake_at(const struct model *model, int64_t now_ms)
{
	int64_t at = INT64_MAX;

	for (int i = 0; i < MODEL_FEEDS; i++)
		if (model_start(model, i) < at)
			at = model_start(model, i);
	return at < now_ms ? now_ms : at;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct pair {
	struct pace *pace;
	struct pace_entry entries[MODEL_FEEDS];
	struct model model;
	int64_t now_ms;
};

static void
pair_enter(struct pair *pair, int i, int host, int64_t rank)
{
	struct model *model = &pair->model;
	const struct pace_request request = {
		.host = model_names[host],
		.settings = &model_settings[host],
		.rank = rank,
	};

	pace_enter(pair->pace, &pair->entries[i], &request, pair->now_ms);
	if (model->feeds[i].where == PACE_RUNNING)
		return;
	/* Another rank at the same host keeps the place among equals. */
	if (model->feeds[i].where == PACE_OUT || model->feeds[i].host != host)
		model->feeds[i].order = model->order++;
	model->feeds[i].where = PACE_WAITING;
	model->feeds[i].host = host;
	model->feeds[i].rank = rank;
}

static void
pair_hold(struct pair *pair, int i, int64_t wait_ms)
{
	struct model *model = &pair->model;
	int host = model->feeds[i].host;

	pace_hold(pair->pace, &pair->entries[i], wait_ms, pair->now_ms);
	if (model->feeds[i].where == PACE_RUNNING && !model_settings[host].gate_feed &&
		model->hosts[host].held_until_ms < pair->now_ms + wait_ms)
		model->hosts[host].held_until_ms = pair->now_ms + wait_ms;
}

static void
pair_leave(struct pair *pair, int i)
{
	pace_leave(pair->pace, &pair->entries[i], pair->now_ms);
	pair->model.feeds[i].where = PACE_OUT;
}

/* Takes from both: the same feed, or none from either. */
static void
pair_take(struct pair *pair)
{
	struct model *model = &pair->model;
	int want = model_take(model, pair->now_ms);
	const struct pace_entry *entry = pace_take(pair->pace, pair->now_ms);

	assert_ptr_equal(entry, want < 0 ? NULL : &pair->entries[want]);
	if (want < 0)
		return;
	int host = model->feeds[want].host;

	model->feeds[want].where = PACE_RUNNING;
	model->hosts[host].next_start_ms = pair->now_ms + model_settings[host].gap_ms;
}

static void
agrees_with_a_model(void **state)
{
	(void)state;
	struct pair pair = {
		.pace = pace_new(&(struct pace_limits){.max_running = MODEL_RUNNING}, 0)};
	uint32_t seed = 3;
	int taken_before = 0;

	for (int step = 0; step < MODEL_STEPS; step++) {
		int i = (int)(next_random(&seed) % MODEL_FEEDS);
		uint32_t dice = next_random(&seed) % 100;

		if (dice < 30)
			pair_enter(&pair, i, (int)(next_random(&seed) % MODEL_HOSTS),
				next_random(&seed) % 20);
		else if (dice < 60)
			pair_leave(&pair, i);
		else if (dice < 62)
			pair_hold(&pair, i, 1 + next_random(&seed) % 500);
		else if (dice < 80)
			pair.now_ms += next_random(&seed) % 30;
		else
			pair_take(&pair);
		int64_t wake_at = pace_wake_at(pair.pace, pair.now_ms);

		assert_int_equal(wake_at, model_wake_at(&pair.model, pair.now_ms));
		assert_int_equal(pair.entries[i].where, pair.model.feeds[i].where);
		assert_int_equal(pace_counts(pair.pace).running, model_running(&pair.model, -1));
		taken_before += pair.entries[i].where == PACE_RUNNING;
	}
	assert_true(taken_before > 1000); /* or nothing was tried */
	for (int i = 0; i < MODEL_FEEDS; i++)
		pair_leave(&pair, i);
	pace_wake_at(pair.pace, pair.now_ms + 100000);
	assert_int_equal(pace_counts(pair.pace).hosts, 0);
	assert_int_equal(pace_counts(pair.pace).waiting, 0);
	pace_free(pair.pace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_keeps_gap_and_connections),
		cmocka_unit_test(hosts_do_not_wait_for_each_other),
		cmocka_unit_test(holds_reach_the_whole_host),
		cmocka_unit_test(holds_can_be_narrow_or_remembered),
		cmocka_unit_test(the_hour_has_a_ceiling),
		cmocka_unit_test(agrees_with_a_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
