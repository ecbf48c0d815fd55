/* test_schedule.c - the estimate, the plan and the price, with numbers worked out by hand. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"
#include "feedd/schedule.h"

/* A Monday, 12:00 UTC. */
#define NOON 1767614400
#define DAY 86400
#define TAU (21.0 * DAY)
/* What a feed that was never seen is taken for: 0.3 items in 0.6 days. */
#define PRIOR_RATE (0.3 / 51840)

static const struct schedule_policy usual = {
	.min_interval = 300,
	.max_interval = DAY,
	.max_hint = DAY,
	.max_retry_after = 2 * DAY,
	.max_backoff = DAY,
	.weight = 1,
};

static void
assert_near(double value, double want, double tolerance)
{
	if (!(fabs(value - want) <= tolerance * fabs(want)))
		fail_msg("%.9g is not %.9g", value, want);
}

static void
observe(struct schedule_state *state, int64_t now, int64_t *times, size_t n_new, size_t n_listed)
{
	const struct schedule_poll poll = {
		.now = now,
		.times = times,
		.n_new = n_new,
		.n_listed = n_listed,
		.first = state->last_poll == 0,
	};

	schedule_observe(state, &usual, &poll);
}

static void
first_listing_gives_a_rate(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {NOON, NOON - 2 * DAY, NOON - DAY, DATE_NONE, NOON + 1000};

	observe(&feed, NOON, times, 5, 5);
	/* Exposed since the oldest date; that one itself does not count; the one of the future came
	 * now. */
	assert_near(feed.a, exp(-1 / 21.0) + 1 + 1, 1e-6);
	assert_near(feed.b, TAU * (1 - exp(-2 / 21.0)), 1e-6);
	assert_near(schedule_rate(&feed), (feed.a + 0.3) / (feed.b + 51840), 1e-9);
	assert_int_equal(feed.last_item, NOON);
	assert_int_equal(feed.hod[12], 4);
	assert_int_equal(feed.dow[1] + feed.dow[0] + feed.dow[6], 4);
	/* Three events, days apart: none follows closely. */
	assert_int_equal(feed.q, 0);
	assert_near(feed.qn / 256.0, 1 + 0.97 + 0.97 * 0.97, 0.01);
	assert_near(feed.ev, 1, 1e-5);
}

static void
first_listing_without_dates_gives_none(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {DATE_NONE, DATE_NONE};

	observe(&feed, NOON, times, 2, 2);
	assert_near(schedule_rate(&feed), PRIOR_RATE, 1e-9);
	observe(&feed, NOON + DAY, NULL, 0, 0);
	assert_near(feed.b, TAU * (1 - exp(-1 / 21.0)), 1e-6);
	assert_int_equal(feed.window, 2);
}

static void
quiet_polls_lower_the_rate(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {NOON - 2 * DAY, NOON - DAY, NOON};

	observe(&feed, NOON, times, 3, 3);
	float a = feed.a, b = feed.b;

	observe(&feed, NOON + 7 * DAY, NULL, 0, 3);
	assert_near(feed.a, a * exp(-7 / 21.0), 1e-6);
	assert_near(feed.b, b * exp(-7 / 21.0) + TAU * (1 - exp(-7 / 21.0)), 1e-6);
	assert_near(feed.ev, 0, 0);
}

static void
undated_items_are_spread_over_the_gap(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {DATE_NONE, DATE_NONE, DATE_NONE, DATE_NONE};

	observe(&feed, NOON, NULL, 0, 9);
	observe(&feed, NOON + 4 * 3600, times, 4, 9);
	for (int h = 12; h < 16; h++)
		assert_int_equal(feed.hod[h], 1);
	assert_int_equal(feed.last_item, NOON + 3 * 3600 + 1800);
	double sum = 0;

	for (int i = 0; i < 4; i++)
		sum += exp(-(i * 3600 + 1800) / TAU);
	assert_near(feed.a, sum, 1e-6);
}

static void
impossible_dates_are_moved_into_the_gap(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {NOON + 9 * DAY, NOON - 400 * DAY};

	observe(&feed, NOON, NULL, 0, 9);
	observe(&feed, NOON + 3600, times, 2, 9);
	assert_int_equal(feed.last_item, NOON + 3600);
	assert_int_equal(feed.hod[12], 1);
	assert_int_equal(feed.hod[13], 1);
	assert_near(feed.a, 2, 0.01);
}

static void
overrun_shortens_the_exposure(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t times[] = {NOON + 9 * 3600, NOON + 10 * 3600};

	observe(&feed, NOON, NULL, 0, 2);
	observe(&feed, NOON + 10 * 3600, times, 2, 2);
	assert_near(feed.b, TAU * (1 - exp(-3600 / TAU)), 1e-4);
	/* Nothing has passed since the last item, so the next poll comes as early as the price
	 * allows: after a quarter of what it would be without the overrun, or 30 s if it costs next
	 * to nothing. */
	int64_t now = NOON + 10 * 3600;
	double usual_wait = sqrt(2 * 75 / schedule_rate(&feed));
	struct schedule_plan plan = schedule_next(&feed, &usual, NULL, 75, now, 0);

	assert_near((double)plan.wanted, usual_wait / 4, 1e-3);
	plan = schedule_next(&feed, &usual, NULL, 0.13, now, 0);
	assert_int_equal(plan.wanted, 30);
	assert_int_equal(plan.next_poll, now + 300);
	assert_int_equal(plan.cause, CAUSE_MIN);
	/* A quiet poll takes that back; half a window at the present rate remains as the cap, again
	 * only as far as the price allows. */
	now += 20 * 3600;
	observe(&feed, now, NULL, 0, 0);
	plan = schedule_next(&feed, &usual, NULL, 1e5, now, 0);
	assert_near((double)plan.wanted, 2 / (2 * schedule_rate(&feed)), 1e-3);
	plan = schedule_next(&feed, &usual, NULL, 1e7, now, 0);
	assert_near((double)plan.wanted, fmin(DAY, sqrt(2e7 / schedule_rate(&feed)) / 10), 1e-3);
}

static void
bursts_are_told_from_chance(void **state)
{
	(void)state;
	struct schedule_state calm = {0}, bursty = {0};
	int64_t times[12];
	int64_t at = NOON + 10 * DAY;

	observe(&calm, NOON, NULL, 0, 50);
	for (int i = 0; i < 12; i++)
		times[i] = NOON + i * DAY * 8 / 10;
	observe(&calm, at, times, 12, 50);
	observe(&bursty, NOON, NULL, 0, 50);
	for (int i = 0; i < 12; i++)
		times[i] = at - (11 - i) * 600;
	observe(&bursty, at, times, 12, 50);
	assert_int_equal(calm.q, 0);
	assert_true(bursty.q > 9 * 256 * 7 / 8);
	/* Items within two minutes are one event. */
	uint16_t qn = bursty.qn;
	int64_t same[] = {at + 60, at + 119};

	observe(&bursty, at + 300, same, 2, 50);
	assert_int_equal(bursty.qn, qn);
	/* Right after a burst the bursty feed is asked much sooner than the calm one, which
	 * published as many. */
	int64_t soon = schedule_next(&bursty, &usual, NULL, 75, at + 300, 0).wanted;
	int64_t later = schedule_next(&calm, &usual, NULL, 75, at, 0).wanted;

	assert_true(soon * 2 < later);
}

static void
interval_goes_with_the_root(void **state)
{
	(void)state;
	struct schedule_state feed = {.last_poll = NOON};
	struct schedule_plan plan = schedule_next(&feed, &usual, NULL, 75, NOON, 0);

	/* Flat profile, no burst: theta = rate T²/2. */
	assert_near((double)plan.wanted, sqrt(2 * 75 / PRIOR_RATE), 1e-3);
	assert_int_equal(plan.next_poll, NOON + (int64_t)ceil(sqrt(2 * 75 / PRIOR_RATE)));
	assert_int_equal(feed.next_poll, plan.next_poll);
	assert_int_equal(plan.cause, CAUSE_ADAPTIVE);
	assert_near(plan.rate, PRIOR_RATE * 3600, 1e-9);
	assert_near(plan.profile, 1, 1e-9);
	plan = schedule_next(&feed, &usual, NULL, 75 * 4, NOON, 0);
	assert_near((double)plan.wanted, 2 * sqrt(2 * 75 / PRIOR_RATE), 1e-3);
	struct schedule_policy heavy = usual;

	heavy.weight = 4;
	plan = schedule_next(&feed, &heavy, NULL, 75, NOON, 0);
	assert_near((double)plan.wanted, sqrt(2 * 75 / PRIOR_RATE) / 2, 1e-3);
	plan = schedule_next(&feed, &usual, NULL, 1e9, NOON, 0);
	assert_int_equal(plan.next_poll, NOON + DAY);
	assert_int_equal(plan.cause, CAUSE_MAX);
	plan = schedule_next(&feed, &usual, NULL, 1e-3, NOON, 0);
	assert_int_equal(plan.next_poll, NOON + 300);
	assert_int_equal(plan.cause, CAUSE_MIN);
}

static void
profile_follows_the_hours(void **state)
{
	(void)state;
	struct schedule_state feed = {.last_poll = NOON, .hod = {[12] = 100}};
	/* 24 (.34 x 100 + 12/24) / (100 + 12) */
	struct schedule_plan plan = schedule_next(&feed, &usual, NULL, 75, NOON, 0);

	assert_near(plan.profile, 24 * (34 + 0.5) / 112, 1e-6);
	/* The night is floored at a quarter; 18:00 to 11:00 is more than enough to wait for it at
	 * this price. */
	plan = schedule_next(&feed, &usual, NULL, 75, NOON + 6 * 3600, 0);
	assert_near(plan.profile, 0.25, 1e-9);
	/* 21.6 items a day, all near noon: in the evening the plan reaches far, but never past
	 * noon. */
	feed.a = 200;
	feed.b = 8 * DAY;
	feed.last_poll = NOON + 6 * 3600;
	plan = schedule_next(&feed, &usual, NULL, 100000, NOON + 6 * 3600, 0);
	assert_in_range(plan.next_poll, NOON + 17 * 3600, NOON + 24 * 3600);
}

static void
hints_and_jitter_bound_the_plan(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	struct schedule_policy fixed = usual;
	struct schedule_poll poll = {.now = NOON, .hint = 3601, .first = true};

	fixed.interval = 600;
	schedule_observe(&feed, &fixed, &(struct schedule_poll){.now = NOON, .first = true});
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 0).next_poll, NOON + 600);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 1).next_poll, NOON + 630);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, -1).next_poll, NOON + 570);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, -9).next_poll, NOON + 570);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 0).cause, CAUSE_FIXED);
	schedule_observe(&feed, &fixed, &poll);
	/* Rounded up to its unit of 8 s, and never undercut. */
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, -1).next_poll, NOON + 3608);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 0).cause, CAUSE_HINT);
	assert_int_equal(schedule_next(&feed, &usual, NULL, 1, NOON, -1).next_poll, NOON + 3608);
	assert_int_equal(schedule_next(&feed, &usual, NULL, 1, NOON, 0).cause, CAUSE_HINT);
	poll.hint = INT64_MAX;
	schedule_observe(&feed, &fixed, &poll);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 0).next_poll, NOON + DAY);
	/* A hint never shortens. */
	poll.hint = 8;
	schedule_observe(&feed, &fixed, &poll);
	assert_int_equal(schedule_next(&feed, &fixed, NULL, 75, NOON, 0).next_poll, NOON + 600);
}

static void
skipped_hours_are_left_out(void **state)
{
	(void)state;
	struct schedule_state feed = {.last_poll = NOON};
	struct feed_hints hints = {.skip_hours = 1 << 13 | 1 << 14};
	struct schedule_plan plan =
		schedule_next(&feed, &usual, &hints, 75, NOON, 0); /* 13:24:52 without it */

	assert_int_equal(plan.cause, CAUSE_SKIP);
	assert_int_equal(plan.next_poll, NOON + 3 * 3600 + (5092 - 3600) / 6);
	/* Own counts win. */
	feed.hod[13] = 2;
	plan = schedule_next(&feed, &usual, &hints, 75, NOON, 0);
	assert_int_equal(plan.cause, CAUSE_ADAPTIVE);
	feed.hod[13] = 0;
	/* A fixed interval is not held back. */
	struct schedule_policy fixed = usual;

	fixed.interval = 5400;
	assert_int_equal(schedule_next(&feed, &fixed, &hints, 75, NOON, 0).next_poll, NOON + 5400);
	/* The whole Monday, up to midnight. */
	hints = (struct feed_hints){.skip_days = 1 << 1};
	plan = schedule_next(&feed, &usual, &hints, 75, NOON, 0);
	assert_in_range(plan.next_poll, NOON + 12 * 3600, NOON + 12 * 3600 + 600);
	/* Who skips everything skips nothing. */
	hints = (struct feed_hints){.skip_hours = 0xffffff, .skip_days = 0x7f};
	assert_int_equal(schedule_next(&feed, &usual, &hints, 75, NOON, 0).next_poll, NOON + 5092);
}

static const struct {
	const char *what;
	int64_t interval, min_interval, max_backoff;
	struct schedule_failure failure;
	int64_t wait;
	enum schedule_cause cause;
} failures[] = {
	{"first error", 600, 300, DAY, {.fails = 1, .status = 500}, 600, CAUSE_FIXED},
	{"third error", 600, 300, DAY, {.fails = 3}, 2400, CAUSE_BACKOFF},
	{"many errors", 600, 300, DAY, {.fails = 4000000000}, DAY, CAUSE_BACKOFF},
	{"own ceiling", 600, 300, 3600, {.fails = 30}, 3600, CAUSE_BACKOFF},
	{"ceiling below the interval", 7200, 300, 3600, {.fails = 9}, 7200, CAUSE_FIXED},
	{"a minute at least", 1, 60, DAY, {.fails = 1}, 60, CAUSE_MIN},
	{"less if the user says so", 1, 1, DAY, {.fails = 2}, 2, CAUSE_BACKOFF},
	{"429", 600, 300, DAY, {.fails = 1, .status = 429}, 3600, CAUSE_RATE_LIMIT},
	{"429 of a slow feed", 7200, 300, DAY, {.fails = 1, .status = 429}, 14400,
		CAUSE_RATE_LIMIT},
	{"429 again", 3600, 300, DAY, {.fails = 3, .status = 429}, 28800, CAUSE_RATE_LIMIT},
	{"429 that says when", 600, 300, DAY, {.fails = 1, .status = 429, .retry_after = 900}, 900,
		CAUSE_RETRY_AFTER},
	{"503 that says when", 600, 300, DAY, {.fails = 1, .status = 503, .retry_after = 5000},
		5000, CAUSE_RETRY_AFTER},
	{"Retry-After below the plan", 600, 300, DAY, {.fails = 1, .status = 503, .retry_after = 5},
		600, CAUSE_FIXED},
	{"absurd Retry-After", 600, 300, DAY, {.fails = 1, .status = 503, .retry_after = INT64_MAX},
		2 * DAY, CAUSE_RETRY_AFTER},
	{"max-age of the error", 600, 300, DAY, {.fails = 1, .status = 500, .hint = 1800}, 1800,
		CAUSE_HINT},
	{"404", 600, 300, DAY, {.fails = 1, .status = 404, .failing_since = NOON - 6 * DAY}, 600,
		CAUSE_FIXED},
	{"404 for a week", 600, 300, 3600,
		{.fails = 1, .status = 404, .failing_since = NOON - 7 * DAY}, DAY, CAUSE_BACKOFF},
};

static void
failures_wait_longer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct schedule_state feed = {.last_poll = NOON - 600, .a = 3, .b = DAY};
		struct schedule_policy policy = usual;
		struct schedule_failure failure = failures[i].failure;

		policy.interval = failures[i].interval;
		policy.min_interval = failures[i].min_interval;
		policy.max_backoff = failures[i].max_backoff;
		failure.now = NOON;
		struct schedule_plan plan = schedule_after_failure(&feed, &policy, &failure, 75, 0);

		if (plan.next_poll - NOON != failures[i].wait || plan.cause != failures[i].cause)
			fail_msg("%s: waits %lld s for %s", failures[i].what,
				(long long)(plan.next_poll - NOON),
				schedule_cause_name(plan.cause));
		/* Nothing was observed. */
		assert_int_equal(feed.last_poll, NOON - 600);
		assert_near(feed.a, 3, 0);
		/* Jitter never comes before what the server asked for. */
		plan = schedule_after_failure(&feed, &policy, &failure, 75, -1);
		assert_true(plan.next_poll - NOON >=
			(failure.retry_after < 2 * DAY ? failure.retry_after : 2 * DAY));
		assert_true(plan.next_poll - NOON >= failure.hint);
		if (failures[i].cause == CAUSE_RATE_LIMIT)
			assert_true(plan.next_poll - NOON >= 3600);
	}
}

static void
gone_is_never(void **state)
{
	(void)state;
	struct schedule_state feed = {.last_poll = NOON - 600};
	const struct schedule_failure failure = {.now = NOON, .fails = 1, .status = 410};
	struct schedule_plan plan = schedule_after_failure(&feed, &usual, &failure, 75, 0);

	assert_true(plan.next_poll == SCHEDULE_NEVER);
	assert_int_equal(plan.cause, CAUSE_GONE);
}

static void
odd_clocks_and_rows_do_no_harm(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	uint8_t row[SCHEDULE_STATE_SIZE];
	int64_t times[] = {NOON - DAY, NOON};

	observe(&feed, NOON, times, 2, 5);
	float a = feed.a, b = feed.b;

	observe(&feed, NOON - 400 * DAY, NULL, 0, 5); /* the clock was wrong and is set back */
	assert_near(feed.a, a, 1e-6);
	assert_near(feed.b, b, 1e-6);
	assert_in_range(schedule_next(&feed, &usual, NULL, 75, NOON - 400 * DAY, 0).next_poll,
		NOON - 400 * DAY + 300, NOON - 399 * DAY);
	const int64_t clocks[] = {-1000000000000, -1, 0, UINT32_MAX, INT64_MAX / 2};

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		observe(&feed, clocks[i], NULL, 0, 5);
		assert_true(isfinite(schedule_rate(&feed)));
		int64_t next = schedule_next(&feed, &usual, NULL, 75, clocks[i], 0).next_poll;

		assert_in_range(next - clocks[i], 300, DAY);
	}
	memcpy(row, &feed, sizeof(row));
	struct schedule_state loaded;

	schedule_state_load(&loaded, row);
	assert_memory_equal(&loaded, &feed, sizeof(feed));
	feed.a = NAN;
	memcpy(row, &feed, sizeof(row));
	schedule_state_load(&loaded, row);
	assert_int_equal(loaded.last_poll, 0);
	memset(row, 0xff, sizeof(row));
	schedule_state_load(&loaded, row);
	assert_near(schedule_rate(&loaded), PRIOR_RATE, 1e-9);
}

static void
counts_stay_within_a_byte(void **state)
{
	(void)state;
	struct schedule_state feed = {0};
	int64_t at = NOON;

	observe(&feed, at, NULL, 0, 200);
	for (int i = 0; i < 50; i++) {
		int64_t times[100];

		for (int j = 0; j < 100; j++)
			times[j] = at + j * 30;
		at += DAY;
		observe(&feed, at, times, 100, 200);
	}
	assert_in_range(feed.hod[12], 100, 250);
	assert_true(feed.q <= feed.qn);
	assert_true(schedule_rate(&feed) > 99.0 / DAY * 0.9 &&
		schedule_rate(&feed) < 101.0 / DAY * 1.1);
}

struct many {
	struct schedule_state states[100];
	struct schedule_policy policies[2];
	size_t n_fixed;
};

static const struct schedule_state *
many_at(void *arg, size_t i, const struct schedule_policy **ret_policy)
{
	const struct many *many = arg;

	*ret_policy = &many->policies[i < many->n_fixed];
	return &many->states[i];
}

static void
price_fills_the_budget(void **state)
{
	(void)state;
	struct many many = {.policies = {usual, usual}};
	const struct schedule_budget budget = {.polls_per_feed_per_day = 24};
	const struct schedule_feeds feeds = {.n = 100, .state_at = many_at, .arg = &many};
	struct schedule_price price;

	schedule_price_init(&price, &budget, NOON);
	assert_near(price.theta, 3600.0 * 3600 / (2 * 86400), 1e-9);
	for (size_t i = 0; i < 100; i++)
		many.states[i].a = (float)(i % 10);
	schedule_price_solve(&price, &budget, &feeds, 0, NOON);
	double total = 0;

	for (size_t i = 0; i < 100; i++)
		total += sqrt(schedule_rate(&many.states[i]) / (2 * price.theta));
	assert_near(total * DAY, 2400, 1e-3);
	/* 100 polls an hour were predicted; none was made, so more is allowed: 25 are owed of 1200
	 * in 12 hours. */
	double before = price.theta;

	schedule_price_solve(&price, &budget, &feeds, 0, NOON + 900);
	assert_near(price.due, 25, 1e-6);
	assert_near(sqrt(before / price.theta), 1 + 25.0 / 1200, 1e-3);
	/* Half the feeds have a fixed interval, and a short one: the other half keeps what it has.
	 */
	many.n_fixed = 50;
	many.policies[1].interval = many.policies[1].min_interval;
	schedule_price_init(&price, &budget, NOON);
	schedule_price_solve(&price, &budget, &feeds, 0, NOON);
	total = 0;
	for (size_t i = 50; i < 100; i++)
		total += sqrt(schedule_rate(&many.states[i]) / (2 * price.theta));
	assert_near(total * DAY, 1200, 1e-3);
	/* The smaller of the two limits counts. */
	const struct schedule_budget hourly = {
		.polls_per_feed_per_day = 24, .max_requests_per_hour = 60};

	many.n_fixed = 0;
	schedule_price_solve(&price, &hourly, &feeds, 0, NOON);
	total = 0;
	for (size_t i = 0; i < 100; i++)
		total += sqrt(schedule_rate(&many.states[i]) / (2 * price.theta));
	assert_near(total * DAY, 24 * 60, 1e-3);
}

/* A clock without a battery starts at 1970, and is set once the network is there: those years were
 * no time of ours, in which polls were owed or predicted. */
static void
price_after_the_clock_was_set(void **state)
{
	(void)state;
	struct many many = {.policies = {usual, usual}};
	const struct schedule_budget budget = {.polls_per_feed_per_day = 24};
	const struct schedule_feeds feeds = {.n = 100, .state_at = many_at, .arg = &many};
	struct schedule_price price;

	schedule_price_init(&price, &budget, 1000);
	schedule_price_solve(&price, &budget, &feeds, 0, 1000);
	schedule_price_solve(&price, &budget, &feeds, 25, NOON);
	assert_true(price.predicted <= 51 && price.due <= 51);
	schedule_price_solve(&price, &budget, &feeds, 25, NOON - 1000000);
	assert_true(price.started_at <= NOON - 1000000);
}

static void
price_stays_in_bounds(void **state)
{
	(void)state;
	struct many many = {.policies = {usual, usual}};
	const struct schedule_budget budget = {.polls_per_feed_per_day = 10000};
	const struct schedule_feeds feeds = {.n = 100, .state_at = many_at, .arg = &many};
	const struct schedule_feeds none = {.n = 0};
	struct schedule_price price;

	schedule_price_init(&price, &budget, NOON);
	schedule_price_solve(&price, &budget, &none, 0, NOON);
	for (int i = 1; i < 400; i++) /* more than min_interval allows to spend */
		schedule_price_solve(&price, &budget, &feeds, 0, NOON + i * 900);
	assert_true(price.theta > 0 && isfinite(price.theta));
	double rate = 100 * 10000.0 / DAY;

	assert_near(price.due, rate * DAY, 1e-6); /* no more than a day is carried over */
	schedule_price_solve(&price, &budget, &feeds, 0, NOON); /* the clock went back */
	assert_true(price.theta > 0 && isfinite(price.theta));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_listing_gives_a_rate),
		cmocka_unit_test(first_listing_without_dates_gives_none),
		cmocka_unit_test(quiet_polls_lower_the_rate),
		cmocka_unit_test(undated_items_are_spread_over_the_gap),
		cmocka_unit_test(impossible_dates_are_moved_into_the_gap),
		cmocka_unit_test(overrun_shortens_the_exposure),
		cmocka_unit_test(bursts_are_told_from_chance),
		cmocka_unit_test(interval_goes_with_the_root),
		cmocka_unit_test(profile_follows_the_hours),
		cmocka_unit_test(hints_and_jitter_bound_the_plan),
		cmocka_unit_test(skipped_hours_are_left_out),
		cmocka_unit_test(failures_wait_longer),
		cmocka_unit_test(gone_is_never),
		cmocka_unit_test(odd_clocks_and_rows_do_no_harm),
		cmocka_unit_test(counts_stay_within_a_byte),
		cmocka_unit_test(price_fills_the_budget),
		cmocka_unit_test(price_after_the_clock_was_set),
		cmocka_unit_test(price_stays_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
