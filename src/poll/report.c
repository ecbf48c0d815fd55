/* report.c - what the poll room knows, for status, metrics and `why`. Loop thread; reads only. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/url.h"
#include "room.h"

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

static const char *
where_name(const struct feed *feed)
{
	if (feed->poll)
		return "in flight";
	if (feed->pace.where == PACE_WAITING)
		return "due, waits for its host";
	if (feed->health == FEED_GONE)
		return "gone";
	return feed->config->settings->enabled ? "waiting" : "disabled";
}

static json_t *
host_json(const struct poller *poller, const struct feed *feed)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct pace_settings settings;
	struct pace_view view = {0};
	const char *host;
	json_t *object = json_object();
	int64_t now = poller_mono_ms();

	poller_host(poller, feed, &arena, &host, &settings);
	bool known = pace_look(poller->pace, host, &view);
	json_object_set_new(object, "host", json_string(host));
	json_object_set_new(object, "gap_seconds", json_real((double)settings.gap_ms / 1000));
	json_object_set_new(object, "connections", json_integer(settings.connections));
	json_object_set_new(object, "gate", json_string(settings.gate_feed ? "feed" : "host"));
	json_object_set_new(object, "waiting", json_integer(view.waiting));
	json_object_set_new(object, "running", json_integer(view.running));
	if (known && view.held_until_ms > now)
		json_object_set_new(object, "held_for_seconds",
			json_integer((view.held_until_ms - now) / 1000));
	return object;
}

int
poller_why(const struct poller *poller, const char *name, struct buf *out)
{
	const struct feed_config *config =
		poller->config ? config_feed(poller->config, name) : NULL;

	if (!config)
		return -ENOENT;
	const struct feed *feed = poller->feeds[config - poller->config->feeds];
	struct schedule_state scratch = feed->schedule;
	struct schedule_policy policy;
	json_t *why = json_object();

	poller_policy(poller->config, config->settings, &policy);
	json_object_set_new(why, "where", json_string(where_name(feed)));
	json_object_set_new(why, "interval",
		config->settings->interval ? json_integer(config->settings->interval)
					   : json_string("adaptive"));
	json_object_set_new(why, "min_interval", json_integer(policy.min_interval));
	json_object_set_new(why, "max_interval", json_integer(policy.max_interval));
	json_object_set_new(
		why, "next_poll_in_seconds", json_integer(feed->next_poll_at - poller_now()));
	json_object_set_new(why, "errors_in_a_row", json_integer(feed->fails));
	if (feed->schedule.last_poll) {
		struct schedule_plan plan = schedule_next(&scratch, &policy, NULL,
			poller->price.theta, (int64_t)feed->schedule.last_poll, 0);

		json_object_set_new(why, "items_per_day", json_real(plan.rate * 24));
		json_object_set_new(why, "profile_now", json_real(plan.profile));
		json_object_set_new(why, "estimate_seconds", json_integer(plan.wanted));
		json_object_set_new(why, "least_gap_seconds",
			json_integer(schedule_least_gap(&feed->schedule, &policy)));
	}
	json_object_set_new(why, "price_of_a_request", json_real(poller->price.theta));
	json_object_set_new(why, "pace", host_json(poller, feed));
	dump(why, out);
	return 0;
}
