/*
 * price.c - theta, the price of a request: the one number that keeps all adaptive feeds together
 * within the budget. Touches nothing but the price that it is given.
 */
#include <math.h>

#include "estimate.h"
#include "feedd/mem.h"

#define BISECTIONS 24
#define SEARCH_SPAN 30.0	    /* theta moves by this factor at most per solution */
#define REPAY_SECONDS (12.0 * HOUR) /* polls owed are made within this time ... */
#define REPAY_INTERVALS 4.0	    /* ... or within so many mean intervals, if they are long */
#define DUE_BOUND_SECONDS                                                                          \
	(24.0 * HOUR) /* so many seconds of the budget at most are carried over                    \
		       */
#define LONGEST_STEP                                                                               \
	(2.0 * SCHEDULE_SOLVE_EVERY) /* what lies longer back is a clock that was set, or sleep */
#define LEAST_THETA 1e-3	     /* beyond these no interval changes any more */
#define MOST_THETA 1e9
#define LEARN_SECONDS                                                                              \
	(6 * HOUR) /* before that, predictions are not compared with what was done                 \
		    */

void
schedule_price_init(struct schedule_price *price, const struct schedule_budget *budget, int64_t now)
{
	double interval = DAY / budget->polls_per_feed_per_day;

	*price = (struct schedule_price){
		/* Right for feeds of one item a day. */
		.theta = fmin(interval * interval / (2.0 * DAY), MOST_THETA),
		.started_at = now,
		.solved_at = now,
	};
}

/* What of a feed the sum needs: polls a second are root / sqrt(theta), within bounds. Read out once
 * per solution, since the states of many feeds lie far apart in memory. */
struct demand {
	float root, least, most;
};

static struct demand *
read_demands(const struct schedule_feeds *feeds)
{
	struct demand *demands = xcalloc(feeds->n, sizeof(*demands));

	for (size_t i = 0; i < feeds->n; i++) {
		const struct schedule_policy *policy;
		const struct schedule_state *state = feeds->state_at(feeds->arg, i, &policy);
		double interval =
			(double)(policy->interval > 0 ? policy->interval : policy->max_interval);

		demands[i].most = (float)(1 / (double)schedule_least_gap(state, policy));
		demands[i].least = (float)(1 / interval);
		demands[i].root = policy->interval > 0
			? 0
			: (float)sqrt(policy->weight * schedule_rate(state) / 2);
	}
	return demands;
}

/* Polls a second of n feeds at this theta, as the long-run rates have it. */
static double
predict(const struct demand *demands, size_t n, double theta)
{
	float scale = (float)(1 / sqrt(theta));
	double total = 0;

	for (size_t i = 0; i < n; i++) {
		float rate = demands[i].root * scale;

		/* No fminf: what it does with NaN costs more than all the rest. */
		rate = rate < demands[i].least ? demands[i].least : rate;
		total += rate > demands[i].most ? demands[i].most : rate;
	}
	return total;
}

/* The budget in polls a second. A feed with a fixed interval has what it takes, so that a few of
 * them leave the others what they had; the ceiling is for all together. */
static double
budget_rate(const struct schedule_budget *budget, const struct demand *demands, size_t n)
{
	double rate = 0;

	for (size_t i = 0; i < n; i++)
		rate += demands[i].root > 0 ? budget->polls_per_feed_per_day / DAY
					    : fmin(demands[i].least, demands[i].most);
	if (budget->max_requests_per_hour > 0)
		rate = fmin(rate, budget->max_requests_per_hour / HOUR);
	return rate;
}

static void
account(struct schedule_price *price, double budget, double made, double seconds)
{
	double fade = exp(-seconds / DAY);
	double bound = DUE_BOUND_SECONDS * budget;

	price->due = fmax(-bound, fmin(price->due + budget * seconds - made, bound));
	price->made = price->made * fade + made;
	price->predicted = price->predicted * fade + price->rate * seconds;
}

void
schedule_price_solve(struct schedule_price *price, const struct schedule_budget *budget,
	const struct schedule_feeds *feeds, double made, int64_t now)
{
	AUTO(freep) struct demand *demands = read_demands(feeds);
	double rate = budget_rate(budget, demands, feeds->n);
	double kappa = 1;
	double low = price->theta / SEARCH_SPAN, high = price->theta * SEARCH_SPAN;

	double passed = fmax((double)(now - price->solved_at), 0);

	account(price, rate, made, fmin(passed, LONGEST_STEP));
	price->solved_at = now;
	if (now < price->started_at)
		price->started_at = now;
	if (feeds->n == 0)
		return;
	if (now - price->started_at >= LEARN_SECONDS && price->predicted > 0)
		kappa = fmax(0.6, fmin(price->made / price->predicted, 1.5));
	double repay = fmax(REPAY_SECONDS * rate, REPAY_INTERVALS * (double)feeds->n);
	double wanted = rate * fmax(0.7, fmin(1 + price->due / repay, 1.3)) / kappa;

	for (int i = 0; i < BISECTIONS; i++) {
		double middle = sqrt(low * high);

		if (predict(demands, feeds->n, middle) > wanted)
			low = middle;
		else
			high = middle;
	}
	price->theta = fmax(LEAST_THETA, fmin(sqrt(low * high), MOST_THETA));
	price->rate = predict(demands, feeds->n, price->theta);
}
