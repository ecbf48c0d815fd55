/* stats.c - see stats.h. */
#include "stats.h"

const double stats_bounds[STATS_BUCKETS] = {0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 600, 3600};

const char *
stats_outcome_name(enum stats_outcome outcome)
{
	static const char *const names[STATS_OUTCOMES] = {
		[STATS_NEWS] = "news",
		[STATS_QUIET] = "no_news",
		[STATS_304] = "not_modified",
		[STATS_SAME_BODY] = "same_body",
		[STATS_HTTP_ERROR] = "http_error",
		[STATS_NETWORK_ERROR] = "network_error",
		[STATS_NOT_A_FEED] = "not_a_feed",
	};

	return names[outcome];
}

void
stats_observe(struct histogram *histogram, double seconds)
{
	size_t i = 0;

	while (i < STATS_BUCKETS && seconds > stats_bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->n++;
	histogram->sum += seconds;
}

void
stats_answer(struct poll_stats *stats, int64_t id, double seconds)
{
	struct slow_feed *least = &stats->slow[0];

	stats_observe(&stats->fetch, seconds);
	for (size_t i = 0; i < STATS_SLOW; i++) {
		struct slow_feed *slow = &stats->slow[i];

		if (slow->id == id) {
			slow->seconds = seconds;
			return;
		}
		if (slow->seconds < least->seconds)
			least = slow;
	}
	if (seconds > least->seconds)
		*least = (struct slow_feed){id, seconds};
}

/* Forgets the minutes that have passed since the newest one. A clock that goes back counts into the
 * newest minute. */
static void
move_minutes(struct poll_stats *stats, int64_t now)
{
	int64_t minute = now / 60;

	if (minute - stats->minute >= 60)
		stats->minute = minute - 60;
	while (stats->minute < minute)
		stats->minutes[++stats->minute % 60] = 0;
}

void
stats_request(struct poll_stats *stats, int64_t now)
{
	move_minutes(stats, now);
	stats->minutes[stats->minute % 60]++;
}

uint64_t
stats_requests_an_hour(const struct poll_stats *stats, int64_t now)
{
	uint64_t sum = 0;

	for (int64_t minute = now / 60 - 59; minute <= stats->minute; minute++)
		if (minute > stats->minute - 60)
			sum += stats->minutes[minute % 60];
	return sum;
}

void
stats_write_histogram(
	struct buf *out, const char *name, const char *help, const struct histogram *histogram)
{
	uint64_t sum = 0;

	buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		sum += histogram->counts[i];
		buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, stats_bounds[i],
			(unsigned long long)sum);
	}
	buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
		(unsigned long long)histogram->n, name, histogram->sum, name,
		(unsigned long long)histogram->n);
}
