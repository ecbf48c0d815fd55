/* report.c - what the poll room knows, for status and metrics. Loop thread; reads only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

/* Of the feeds that fail, so many are named in the status. */
#define FAILING_SHOWN 10

static double
ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static double
mean(const struct histogram *histogram)
{
	return histogram->n ? histogram->sum / (double)histogram->n : 0;
}

/* Text of a JSON value, which is released. */
static void
dump(json_t *value, struct buf *out)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_puts(out, text ? text : "{}");
	free(text);
	json_decref(value);
}

/* The feeds that took longest, by name: seconds. */
static json_t *
slowest_json(const struct poller *poller)
{
	const struct slow_feed *slow = poller->stats.slow;
	json_t *object = json_object();

	for (size_t i = 0; i < poller->n_feeds; i++)
		for (size_t k = 0; k < STATS_SLOW && slow[k].id; k++)
			if (poller->feeds[i]->id == slow[k].id)
				json_object_set_new(object, poller->feeds[i]->config->name,
					json_real(slow[k].seconds));
	return object;
}

/* Feeds that fail, by name: errors in a row; those with most of them where there are many. */
static json_t *
failing_json(const struct poller *poller)
{
	const struct feed *worst[FAILING_SHOWN] = {0};
	size_t n = 0;
	json_t *object = json_object();

	for (size_t i = 0; i < poller->n_feeds; i++) {
		const struct feed *feed = poller->feeds[i];
		size_t at = n;

		if (feed->fails == 0)
			continue;
		while (at > 0 && worst[at - 1]->fails < feed->fails)
			at--;
		if (at == FAILING_SHOWN)
			continue;
		n += n < FAILING_SHOWN;
		memmove(&worst[at + 1], &worst[at], (n - at - 1) * sizeof(*worst));
		worst[at] = feed;
	}
	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, worst[i]->config->name, json_integer(worst[i]->fails));
	return object;
}

void
poller_status(const struct poller *poller, struct buf *out)
{
	const struct poll_stats *stats = &poller->stats;
	struct pace_counts counts = pace_counts(poller->pace);
	json_t *status = json_object(), *polls = json_object();
	uint64_t total = 0;

	for (int i = 0; i < STATS_OUTCOMES; i++) {
		total += stats->outcomes[i];
		json_object_set_new(polls, stats_outcome_name((enum stats_outcome)i),
			json_integer((json_int_t)stats->outcomes[i]));
	}
	json_object_set_new(status, "polls", polls);
	json_object_set_new(status, "polls_total", json_integer((json_int_t)total));
	json_object_set_new(status, "in_flight", json_integer((json_int_t)poller->in_flight));
	json_object_set_new(status, "waiting_for_hosts", json_integer(counts.waiting));
	json_object_set_new(status, "requests_last_hour",
		json_integer((json_int_t)stats_requests_an_hour(stats, poller_now())));
	json_object_set_new(
		status, "share_304", json_real(ratio(stats->outcomes[STATS_304], total)));
	json_object_set_new(status, "bytes_received", json_integer((json_int_t)stats->bytes));
	json_object_set_new(status, "items_new", json_integer((json_int_t)stats->items));
	json_object_set_new(status, "items_updated", json_integer((json_int_t)stats->updates));
	json_object_set_new(status, "mean_fetch_seconds", json_real(mean(&stats->fetch)));
	json_object_set_new(status, "mean_age_of_news_seconds", json_real(mean(&stats->age)));
	json_object_set_new(status, "slowest_feeds", slowest_json(poller));
	json_object_set_new(status, "failing_feeds", failing_json(poller));
	json_object_set_new(status, "offline", json_boolean(offline_is(&poller->offline)));
	json_object_set_new(status, "store_failing", json_boolean(poller->store_failing));
	dump(status, out);
}

void
poller_metrics(const struct poller *poller, struct buf *out)
{
	const struct poll_stats *stats = &poller->stats;
	struct pace_counts counts = pace_counts(poller->pace);
	const struct {
		const char *name, *type, *help;
		double value;
	} metrics[] = {
		{"feedd_items_new_total", "counter", "Items that were new.", (double)stats->items},
		{"feedd_items_updated_total", "counter", "Items that changed.",
			(double)stats->updates},
		{"feedd_received_bytes_total", "counter", "Bytes received from servers.",
			(double)stats->bytes},
		{"feedd_store_failures_total", "counter", "Polls that could not be stored.",
			(double)stats->store_failures},
		{"feedd_polls_in_flight", "gauge", "Polls under way.", (double)poller->in_flight},
		{"feedd_polls_waiting", "gauge", "Due feeds that wait for their host.",
			counts.waiting},
		{"feedd_digest_queue_length", "gauge", "Bodies that wait for a worker.",
			(double)pool_length(poller->tools.pool)},
		{"feedd_offline", "gauge", "1 while the network seems to be away.",
			offline_is(&poller->offline)},
	};

	buf_puts(out,
		"# HELP feedd_polls_total Polls by outcome.\n# TYPE feedd_polls_total counter\n");
	for (int i = 0; i < STATS_OUTCOMES; i++)
		buf_printf(out, "feedd_polls_total{outcome=\"%s\"} %llu\n",
			stats_outcome_name((enum stats_outcome)i),
			(unsigned long long)stats->outcomes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.0f\n", metrics[i].name,
			metrics[i].help, metrics[i].name, metrics[i].type, metrics[i].name,
			metrics[i].value);
	stats_write_histogram(out, "feedd_fetch_seconds", "From request to answer.", &stats->fetch);
	stats_write_histogram(out, "feedd_poll_seconds", "From request to commit.", &stats->whole);
	stats_write_histogram(
		out, "feedd_news_age_seconds", "From an item's date to its commit.", &stats->age);
}
