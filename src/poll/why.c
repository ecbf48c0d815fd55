/*
 * why.c - why a feed is polled when it is: as JSON, and as sentences for people. Loop thread; reads
 * only.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "feedd/url.h"
#include "room.h"

const char *
poll_span(struct arena *arena, int64_t seconds)
{
	static const struct {
		int64_t size, part;
		const char *name, *part_name;
	} units[] = {{86400, 3600, "d", "h"}, {3600, 60, "h", "min"}, {60, 1, "min", "s"}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds < units[i].size)
			continue;
		int64_t part = seconds % units[i].size / units[i].part;

		if (part == 0)
			return arena_printf(arena, "%lld %s", (long long)(seconds / units[i].size),
				units[i].name);
		return arena_printf(arena, "%lld %s %lld %s", (long long)(seconds / units[i].size),
			units[i].name, (long long)part, units[i].part_name);
	}
	return arena_printf(arena, "%lld s", (long long)seconds);
}

/* All that the sentences are made from. */
struct view {
	const struct poller *poller;
	const struct feed *feed;
	const struct feed_settings *settings;
	struct schedule_policy policy;
	struct schedule_plan plan; /* without errors; where the feed was read once */
	int64_t least_gap;
	const char *host;
	struct pace_settings pace;
	struct pace_view held;
	int64_t held_for; /* seconds, 0 none */
	struct arena arena;
};

static void
look(struct view *view, const struct poller *poller, const struct feed *feed)
{
	struct schedule_state scratch = feed->schedule;
	int64_t now_ms = poller_mono_ms();

	*view = (struct view){.poller = poller, .feed = feed, .settings = feed->config->settings};
	poller_policy(poller->config, view->settings, &view->policy);
	if (feed->schedule.last_poll)
		view->plan = schedule_next(&scratch, &view->policy, NULL, poller->price.theta,
			(int64_t)feed->schedule.last_poll, 0);
	view->least_gap = schedule_least_gap(&feed->schedule, &view->policy);
	poller_host(poller, feed, &view->arena, &view->host, &view->pace);
	if (pace_look(poller->pace, view->host, &view->held) && view->held.held_until_ms > now_ms)
		view->held_for = (view->held.held_until_ms - now_ms) / 1000 + 1;
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
pace_json(const struct view *view)
{
	json_t *object = json_object();

	json_object_set_new(object, "host", json_string(view->host));
	json_object_set_new(object, "gap_seconds", json_real((double)view->pace.gap_ms / 1000));
	json_object_set_new(object, "connections", json_integer(view->pace.connections));
	json_object_set_new(object, "gate", json_string(view->pace.gate_feed ? "feed" : "host"));
	json_object_set_new(object, "waiting", json_integer(view->held.waiting));
	json_object_set_new(object, "running", json_integer(view->held.running));
	if (view->held_for)
		json_object_set_new(object, "held_for_seconds", json_integer(view->held_for));
	return object;
}

static void
say(json_t *lines, const char *text)
{
	json_array_append_new(lines, json_string(text));
}

static void
say_state(struct view *view, json_t *lines)
{
	const struct feed *feed = view->feed;

	if (!view->settings->enabled)
		say(lines, "It is disabled and not polled.");
	if (feed->health == FEED_GONE)
		say(lines,
			"The server said 410: it is gone, and polled again after `feedctl "
			"resume`.");
	if (feed->poll)
		say(lines, "A request is under way.");
	if (feed->fails > 0)
		say(lines,
			arena_printf(&view->arena,
				"%u error%s in a row: with each the wait doubles, up to %s.",
				feed->fails, feed->fails == 1 ? "" : "s",
				poll_span(&view->arena, view->policy.max_backoff)));
	if (feed->retry_after_at > poller_now())
		say(lines,
			arena_printf(&view->arena,
				"The server wants it to be left alone for another %s.",
				poll_span(&view->arena, feed->retry_after_at - poller_now())));
	if (offline_is(&view->poller->offline))
		say(lines,
			"This machine seems to be offline: feeds wait until a host can be "
			"reached.");
}

static void
say_interval(struct view *view, json_t *lines)
{
	struct arena *arena = &view->arena;

	if (view->policy.interval > 0) {
		say(lines,
			arena_printf(arena, "A fixed interval of %s is configured.",
				poll_span(arena, view->policy.interval)));
	} else if (view->feed->schedule.last_poll == 0) {
		say(lines, "It has not been read yet, so nothing is known of its rhythm.");
	} else {
		say(lines,
			arena_printf(arena,
				"About %.3g items a day are expected in the long run; when it was "
				"read, the hour was %.2g times as busy as the average.",
				view->plan.rate * 24, view->plan.profile));
		say(lines,
			arena_printf(arena,
				"Within the budget of %g polls per feed and day that alone gives "
				"%s.",
				view->poller->config->polls_per_feed_per_day,
				poll_span(arena, view->plan.wanted)));
	}
	if (view->least_gap > view->policy.min_interval)
		say(lines,
			arena_printf(arena, "Server or feed ask for at least %s.",
				poll_span(arena, view->least_gap)));
}

static void
say_host(struct view *view, json_t *lines)
{
	struct arena *arena = &view->arena;

	if (!*view->host)
		return;
	if (view->held_for)
		say(lines,
			arena_printf(arena,
				"The host %s is left alone for another %s, as it asked with 429 or "
				"Retry-After.",
				view->host, poll_span(arena, view->held_for)));
	if (view->held.waiting > 0)
		say(lines,
			arena_printf(arena,
				"%u due feed%s of the host %s, which gets %u request%s at once and "
				"one every %g s.",
				view->held.waiting, view->held.waiting == 1 ? " waits" : "s wait",
				view->host, view->pace.connections,
				view->pace.connections == 1 ? "" : "s",
				(double)view->pace.gap_ms / 1000));
}

static json_t *
sentences(struct view *view)
{
	json_t *lines = json_array();

	say_state(view, lines);
	say_interval(view, lines);
	say_host(view, lines);
	return lines;
}

int
poller_why(const struct poller *poller, const char *name, struct buf *out)
{
	const struct feed_config *config =
		poller->config ? config_feed(poller->config, name) : NULL;
	struct view view;

	if (!config)
		return -ENOENT;
	const struct feed *feed = poller->feeds[config - poller->config->feeds];
	look(&view, poller, feed);
	json_t *why = json_object();
	json_object_set_new(why, "explanation", sentences(&view));
	json_object_set_new(why, "where", json_string(where_name(feed)));
	json_object_set_new(why, "interval",
		view.policy.interval ? json_integer(view.policy.interval)
				     : json_string("adaptive"));
	json_object_set_new(why, "min_interval", json_integer(view.policy.min_interval));
	json_object_set_new(why, "max_interval", json_integer(view.policy.max_interval));
	json_object_set_new(why, "errors_in_a_row", json_integer(feed->fails));
	if (feed->health != FEED_GONE)
		json_object_set_new(why, "next_poll_in_seconds",
			json_integer(feed->next_poll_at - poller_now()));
	if (feed->schedule.last_poll) {
		json_object_set_new(why, "items_per_day", json_real(view.plan.rate * 24));
		json_object_set_new(why, "profile_now", json_real(view.plan.profile));
		json_object_set_new(why, "estimate_seconds", json_integer(view.plan.wanted));
		json_object_set_new(why, "least_gap_seconds", json_integer(view.least_gap));
	}
	json_object_set_new(why, "price_of_a_request", json_real(poller->price.theta));
	json_object_set_new(why, "pace", pace_json(&view));
	char *text = json_dumps(why, JSON_COMPACT | JSON_REAL_PRECISION(6));
	buf_puts(out, text ? text : "{}");
	free(text);
	json_decref(why);
	arena_fini(&view.arena);
	return 0;
}
