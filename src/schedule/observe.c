/*
 * observe.c - what a successful poll teaches about a feed: its rate, its hours and days, its
 * bursts. Touches nothing but the state and the times that it is given.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"

#define BURST_DECAY 0.97 /* of the burst test, per event */
#define BURST_UNIT 256.0 /* q and qn are stored in 1/256 */
#define COUNT_CEILING                                                                              \
	250 /* hod and dow are halved above this sum, which also keeps them within a byte */

static bool
plausible(float value)
{
	return isfinite(value) && value >= 0;
}

void
schedule_state_load(struct schedule_state *state, const uint8_t bytes[SCHEDULE_STATE_SIZE])
{
	memcpy(state, bytes, sizeof(*state));
	if (!plausible(state->a) || !plausible(state->b) || !plausible(state->ev) ||
		state->b > 2 * (float)TAU || state->q > state->qn || state->qn > BURST_UNIT * 34)
		*state = (struct schedule_state){0};
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
count(uint8_t *counts, size_t n, size_t i)
{
	unsigned sum = 0;

	counts[i]++;
	for (size_t j = 0; j < n; j++)
		sum += counts[j];
	if (sum > COUNT_CEILING)
		for (size_t j = 0; j < n; j++)
			counts[j] /= 2;
}

/* One item, in order of time: true if it begins a publication event rather than belongs to the last
 * one. */
static bool
count_item(struct schedule_state *state, int64_t at)
{
	int64_t since = at - (int64_t)state->last_item;
	bool event = since >= EVENT_GAP;

	count(state->hod, 24, hour_of(at));
	count(state->dow, 7, day_of(at));
	if (event) {
		double q = BURST_DECAY * state->q + (since < BURST_TAU ? BURST_UNIT : 0);
		double qn = BURST_DECAY * state->qn + BURST_UNIT;

		state->q = (uint16_t)q;
		state->qn = (uint16_t)ceil(qn); /* so that q never passes it */
	}
	if (since > 0)
		state->last_item = (uint32_t)at;
	return event;
}

/* The times of a first listing in order, undated ones left out; returns their number. */
static size_t
settle_first(int64_t *times, size_t n, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (times[i] != DATE_NONE && times[i] > 0)
			times[kept++] = times[i] < now ? times[i] : now;
	if (kept > 1)
		qsort(times, kept, sizeof(*times), compare_times);
	return kept;
}

/* The times of new items in order. They came since the last poll, whatever their dates say: those
 * that cannot be true are moved into the gap, and those without a date are spread evenly over it.
 */
static void
settle(const struct schedule_state *state, int64_t *times, size_t n, int64_t now)
{
	int64_t last = state->last_poll;
	int64_t gap = now - last;
	bool sorted = true;

	for (size_t i = 0; i < n; i++) {
		if (times[i] == DATE_NONE)
			times[i] = last + (int64_t)((double)gap * ((double)i + 0.5) / (double)n);
		else if (times[i] > now)
			times[i] = now;
		else if (times[i] < last - DAY)
			times[i] = gap > 0 ? last + 1 : now;
		sorted = sorted && (i == 0 || times[i - 1] <= times[i]);
	}
	if (!sorted)
		qsort(times, n, sizeof(*times), compare_times);
}

static void
remember_listing(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_poll *poll)
{
	int64_t hint = poll->hint < policy->max_hint ? poll->hint : policy->max_hint;
	int64_t units = hint > 0 ? (hint + GAP_UNIT - 1) / GAP_UNIT : 0;

	state->min_gap = (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX);
	if (poll->n_listed > 0)
		state->window = (uint8_t)(poll->n_listed < UINT8_MAX ? poll->n_listed : UINT8_MAX);
	if (poll->n_new > 0) {
		state->flags &= (uint8_t)~FLAG_UNDATED;
		for (size_t i = 0; i < poll->n_new; i++)
			if (poll->times[i] == DATE_NONE)
				state->flags |= FLAG_UNDATED;
	}
	state->fails = 0;
}

/* The whole first listing is one observation, from its oldest date to now. */
static void
observe_first(struct schedule_state *state, int64_t *times, size_t n, int64_t now)
{
	double items = 0, events = 0;
	size_t dated = settle_first(times, n, now);

	for (size_t i = 0; i < dated; i++) {
		double age = (double)(now - times[i]);

		if (i > 0) /* the oldest one only marks where the exposure begins */
			items += exp(-age / TAU);
		if (count_item(state, times[i]))
			events += exp(-age / BURST_TAU);
	}
	state->a = (float)items;
	state->b = dated ? (float)(TAU * -expm1((double)(times[0] - now) / TAU)) : 0;
	state->ev = (float)events;
}

static void
observe_gap(struct schedule_state *state, const struct schedule_poll *poll)
{
	double gap = (double)(poll->now - (int64_t)state->last_poll);
	double exposure = gap, items = 0, events = 0;

	settle(state, poll->times, poll->n_new, poll->now);
	state->flags &= (uint8_t)~FLAG_FULL;
	if (poll->n_listed > 0 && poll->n_new >= poll->n_listed) {
		/* What came before the oldest listed item is unknown, so that time counts for
		 * nothing. */
		state->flags |= FLAG_FULL;
		exposure = fmin(gap, (double)(poll->now - poll->times[0]));
	}
	for (size_t i = 0; i < poll->n_new; i++) {
		double age = (double)(poll->now - poll->times[i]);

		items += exp(-age / TAU);
		if (count_item(state, poll->times[i]))
			events += exp(-age / BURST_TAU);
	}
	state->a = (float)(state->a * exp(-exposure / TAU) + items);
	state->b = (float)(state->b * exp(-exposure / TAU) - TAU * expm1(-exposure / TAU));
	state->ev = (float)(state->ev * exp(-exposure / BURST_TAU) + events);
}

void
schedule_observe(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_poll *poll)
{
	struct schedule_poll seen = *poll;

	/* Unsigned seconds carry to the year 2106; a clock that is set outside of them stands still
	 * here. */
	seen.now = poll->now < 1 ? 1 : poll->now > UINT32_MAX - 1 ? UINT32_MAX - 1 : poll->now;
	if (state->last_poll > seen.now)
		state->last_poll = (uint32_t)seen.now;
	if (state->last_item > seen.now)
		state->last_item = (uint32_t)seen.now;
	remember_listing(state, policy, &seen);
	if (poll->first || state->last_poll == 0)
		observe_first(state, seen.times, seen.n_new, seen.now);
	else
		observe_gap(state, &seen);
	state->last_poll = (uint32_t)seen.now;
}

double
schedule_rate(const struct schedule_state *state)
{
	return ((double)state->a + PRIOR_ITEMS) / ((double)state->b + PRIOR_SECONDS);
}
