/*
 * plan.c - from what is known of a feed to the time of its next poll, after a success and after a
 * failure. Touches nothing but the state that it is given.
 */
#include <math.h>

#include "estimate.h"

#define MAX_BURST_SHARE 0.6
#define BURST_PRIOR 3.0 /* events that the burst test starts from */
#define HOUR_PRIOR 12.0 /* items that a flat profile of the day counts for */
#define DAY_PRIOR 40.0	/* the same for the week */
#define MIN_PROFILE 0.25
#define WINDOW_HURRY 0.1 /* of the interval that the price allows, see longest_wait() */
#define FULL_HURRY 0.25
#define MAX_JITTER 0.05
#define SKIP_SPREAD 6 /* what comes due in a skipped hour is spread over 1/6 of the next hour */
#define LEAST_BACKOFF 60
#define RATE_LIMIT_GAP HOUR
#define MISSING_FOR (7 * DAY) /* a 404 for so long is asked for once a day */

/* What wait_for() steps through. */
struct outlook {
	double rate;	    /* items a second in the long run */
	double burst_share; /* of them that come in bursts */
	double hours, days; /* items counted in the profiles */
};

static double
sum(const uint8_t *counts, size_t n)
{
	unsigned total = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[i];
	return total;
}

/* How much more often than chance one event follows another: of a Poisson process of the same rate
 * the share `chance` of all gaps that are at least EVENT_GAP would be shorter than BURST_TAU. */
static double
burst_share(const struct schedule_state *state, double rate)
{
	double chance = -expm1(-rate * (BURST_TAU - EVENT_GAP));
	double share =
		(state->q / 256.0 + BURST_PRIOR * chance) / (state->qn / 256.0 + BURST_PRIOR);
	double excess = (share - chance) / (1 - chance);

	if (!(excess > 0)) /* also where rate is so high that chance is 1 */
		return 0;
	return fmin(excess, MAX_BURST_SHARE);
}

static struct outlook
look_out(const struct schedule_state *state)
{
	struct outlook outlook = {
		.rate = schedule_rate(state),
		.hours = sum(state->hod, 24),
		.days = sum(state->dow, 7),
	};

	outlook.burst_share = burst_share(state, outlook.rate);
	return outlook;
}

/* How much busier than the average the hour at t is. Bursty feeds have fewer independent
 * observations, so more of a flat profile is mixed in. */
static double
profile_at(const struct schedule_state *state, const struct outlook *outlook, int64_t t)
{
	unsigned h = hour_of(t), d = day_of(t);
	double hour_prior = HOUR_PRIOR / (1 - outlook->burst_share);
	double day_prior = DAY_PRIOR / (1 - outlook->burst_share);
	double near = 0.34 * state->hod[h] +
		0.33 * (state->hod[(h + 23) % 24] + state->hod[(h + 1) % 24]);
	double hour = 24 * (near + hour_prior / 24) / (outlook->hours + hour_prior);
	double day = 7 * (state->dow[d] + day_prior / 7) / (outlook->days + day_prior);

	return fmax(hour * day, MIN_PROFILE);
}

/* The longest wait that the estimate is trusted with: half of what fills the window at the present
 * rate, and where items may have been lost already half of what has passed since the last one. Both
 * may shorten the interval that the price allows only so far, or a feed that floods its window
 * would be asked again and again, and the budget could not be kept. */
static double
longest_wait(const struct schedule_state *state, const struct schedule_policy *policy, double theta,
	int64_t now)
{
	double rate = schedule_rate(state);
	double affordable = sqrt(2 * theta / (policy->weight * rate));
	double cap = (double)policy->max_interval;

	if (state->window) {
		double filled = state->window / (2 * fmax(rate, state->ev / (2 * BURST_TAU)));

		cap = fmin(cap, fmax(filled, affordable * WINDOW_HURRY));
	}
	if (state->flags & FLAG_FULL) {
		double since = ((double)(now - (int64_t)state->last_item) + 60) / 2;

		cap = fmin(cap, fmax(since, affordable * FULL_HURRY));
	}
	return cap;
}

/* Seconds from now until the items expected to come will have waited for theta together, at most
 * cap. */
static double
wait_for(const struct schedule_state *state, const struct schedule_policy *policy, double theta,
	int64_t now, double cap)
{
	struct outlook outlook = look_out(state);
	double base = policy->weight * outlook.rate * (1 - outlook.burst_share);
	double burst = policy->weight * outlook.burst_share * state->ev / BURST_TAU;
	double waited = 0, waiting = 0, t = 0; /* item-seconds, items, seconds from now */

	while (t < cap) {
		int64_t at = now + (int64_t)t;
		double step = fmin((double)(HOUR - at % HOUR), cap - t);
		double age = (double)(now - (int64_t)state->last_poll) + t + step / 2;
		double rate =
			base * profile_at(state, &outlook, at) + burst * exp(-age / BURST_TAU);
		double next = waited + waiting * step + rate * step * step / 2;

		if (next >= theta) {
			double missing = theta - waited;

			return t +
				2 * missing /
				(waiting + sqrt(waiting * waiting + 2 * rate * missing));
		}
		waited = next;
		waiting += rate * step;
		t += step;
	}
	return cap;
}

int64_t
schedule_least_gap(const struct schedule_state *state, const struct schedule_policy *policy)
{
	int64_t asked = (int64_t)state->min_gap * GAP_UNIT;

	return asked > policy->min_interval ? asked : policy->min_interval;
}

/* The interval without skipped hours, jitter and errors; fills the plan but for next_poll. */
static double
plan_interval(const struct schedule_state *state, const struct schedule_policy *policy,
	double theta, int64_t now, struct schedule_plan *plan)
{
	struct outlook outlook = look_out(state);
	double least = (double)schedule_least_gap(state, policy);
	enum schedule_cause bound = least > (double)policy->min_interval ? CAUSE_HINT : CAUSE_MIN;

	plan->rate = outlook.rate * HOUR;
	plan->profile = profile_at(state, &outlook, now);
	if (policy->interval > 0) {
		plan->wanted = policy->interval;
		plan->cause = least > (double)policy->interval ? bound : CAUSE_FIXED;
		return fmax((double)policy->interval, least);
	}
	double wanted =
		wait_for(state, policy, theta, now, longest_wait(state, policy, theta, now));

	plan->wanted = llround(wanted);
	plan->cause = wanted < (double)policy->max_interval ? CAUSE_ADAPTIVE : CAUSE_MAX;
	if (wanted >= least)
		return wanted;
	plan->cause = bound;
	return least;
}

static bool
is_skipped(const struct schedule_state *state, const struct feed_hints *hints, int64_t t)
{
	unsigned h = hour_of(t), d = day_of(t);
	/* What our own dates show in such an hour counts for more than what the feed says; times
	 * that were made up for undated items show nothing. */
	bool trusted = !(state->flags & FLAG_UNDATED);

	if (hints->skip_hours >> h & 1 && !(trusted && state->hod[h]))
		return true;
	return hints->skip_days >> d & 1 && !(trusted && state->dow[d]);
}

/* The first time from t on that is not skipped. A feed that skips everything skips nothing. */
static int64_t
after_skipped(const struct schedule_state *state, const struct feed_hints *hints, int64_t t)
{
	int64_t end = t;

	if (!hints || !(hints->skip_hours | hints->skip_days) || !is_skipped(state, hints, t))
		return t;
	for (int i = 0; i < 7 * 24; i++) {
		end = (end / HOUR + 1) * HOUR;
		if (!is_skipped(state, hints, end))
			return end + t % HOUR / SKIP_SPREAD;
	}
	return t;
}

/* now + interval with its jitter, never less than `least` seconds from now. */
static void
settle_plan(struct schedule_plan *plan, int64_t now, double interval, double least, double jitter)
{
	interval *= 1 + MAX_JITTER * fmax(-1, fmin(jitter, 1));
	plan->next_poll = now + (int64_t)ceil(fmax(interval, least));
}

/* Moves the plan out of skipped hours; a fixed interval is the user's word and stays. */
static void
skip(struct schedule_plan *plan, const struct schedule_state *state,
	const struct schedule_policy *policy, const struct feed_hints *hints)
{
	int64_t next = policy->interval > 0 ? plan->next_poll
					    : after_skipped(state, hints, plan->next_poll);

	if (next != plan->next_poll)
		plan->cause = CAUSE_SKIP;
	plan->next_poll = next;
}

static void
keep_next(struct schedule_state *state, const struct schedule_plan *plan)
{
	int64_t next = plan->next_poll > 0 ? plan->next_poll : 0;

	state->next_poll = next < UINT32_MAX ? (uint32_t)next : UINT32_MAX;
}

struct schedule_plan
schedule_next(struct schedule_state *state, const struct schedule_policy *policy,
	const struct feed_hints *hints, double theta, int64_t now, double jitter)
{
	struct schedule_plan plan = {0};
	double interval = plan_interval(state, policy, theta, now, &plan);

	settle_plan(&plan, now, interval, (double)schedule_least_gap(state, policy), jitter);
	skip(&plan, state, policy, hints);
	keep_next(state, &plan);
	return plan;
}

/* The planned interval, doubled for every further error in a row. */
static double
backed_off(const struct schedule_policy *policy, const struct schedule_failure *failure,
	double interval)
{
	int doublings =
		failure->fails > 1 ? (int)(failure->fails < 32 ? failure->fails - 1 : 31) : 0;
	double least =
		policy->min_interval < LEAST_BACKOFF ? (double)policy->min_interval : LEAST_BACKOFF;
	double most = (double)policy->max_backoff;
	bool limited = failure->status == 429 && failure->retry_after <= 0;

	if (limited) {
		doublings++;
		least = RATE_LIMIT_GAP;
	}
	if (failure->status == 404 && failure->failing_since > 0 &&
		failure->now - failure->failing_since >= MISSING_FOR)
		least = fmax(least, DAY);
	/* A back-off may not be shorter than what was planned without an error. */
	return fmax(fmax(interval, least), fmin(ldexp(interval, doublings), most));
}

struct schedule_plan
schedule_after_failure(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_failure *failure, double theta, double jitter)
{
	struct schedule_plan plan = {0};
	double interval = plan_interval(state, policy, theta, failure->now, &plan);
	double least = (double)schedule_least_gap(state, policy);
	double retry_after =
		(double)(failure->retry_after < policy->max_retry_after ? failure->retry_after
									: policy->max_retry_after);
	double hint = (double)(failure->hint < policy->max_hint ? failure->hint : policy->max_hint);
	double gap = backed_off(policy, failure, interval);

	state->fails = (uint8_t)(failure->fails < UINT8_MAX ? failure->fails : UINT8_MAX);
	if (failure->status == 410) {
		plan.cause = CAUSE_GONE;
		plan.next_poll = SCHEDULE_NEVER;
		keep_next(state, &plan);
		return plan;
	}
	if (gap > interval)
		plan.cause = failure->status == 429 && failure->retry_after <= 0 ? CAUSE_RATE_LIMIT
										 : CAUSE_BACKOFF;
	if (hint > gap)
		plan.cause = CAUSE_HINT;
	if (retry_after > fmax(gap, hint))
		plan.cause = CAUSE_RETRY_AFTER;
	if (plan.cause == CAUSE_RATE_LIMIT)
		least = fmax(least, RATE_LIMIT_GAP); /* jitter goes up from it only */
	least = fmax(least, fmax(hint, retry_after));
	settle_plan(&plan, failure->now, fmax(gap, least), least, jitter);
	skip(&plan, state, policy, failure->hints);
	keep_next(state, &plan);
	return plan;
}

const char *
schedule_cause_name(enum schedule_cause cause)
{
	switch (cause) {
	case CAUSE_FIXED:
		return "interval";
	case CAUSE_ADAPTIVE:
		return "estimate";
	case CAUSE_HINT:
		return "hint";
	case CAUSE_SKIP:
		return "skipped hours";
	case CAUSE_RETRY_AFTER:
		return "Retry-After";
	case CAUSE_RATE_LIMIT:
		return "too many requests";
	case CAUSE_BACKOFF:
		return "back-off";
	case CAUSE_MIN:
		return "min_interval";
	case CAUSE_MAX:
		return "max_interval";
	case CAUSE_GONE:
		return "gone";
	}
	return "";
}
