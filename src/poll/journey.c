/*
 * journey.c - the legs of one poll, each on the loop: load what is known, ask, have it digested,
 * have it stored, go home.
 *
 * The poll is a parcel: between legs it belongs to the reader, the pool or the writer, and the loop
 * holds nothing but its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/log.h"
#include "feedd/text.h"
#include "feedd/url.h"
#include "room.h"

/* A poll that could not be stored, or not begun, is tried again after this. */
#define STORE_RETRY_SECONDS 30

static void on_digested(struct parcel *parcel);
static void on_stored(struct parcel *parcel);

static void
poll_free(struct poll *poll)
{
	http_request_fini(&poll->request);
	feed_state_fini(&poll->store.state);
	arena_fini(&poll->arena);
	config_unref(poll->config);
	free(poll->private_host);
	free(poll);
}

/* Poll and feed part. */
static void
end_poll(struct poll *poll)
{
	struct poller *poller = poll->poller;
	struct feed *feed = poll->feed;

	if (poll->previous)
		poll->previous->next = poll->next;
	else
		poller->polls = poll->next;
	if (poll->next)
		poll->next->previous = poll->previous;
	pace_leave(poller->pace, &feed->pace, poller_mono_ms());
	feed->poll = NULL;
	poll_free(poll);
}

/* The end of every journey, whatever came of it. */
static void
go_home(struct poll *poll)
{
	struct poller *poller = poll->poller;
	struct feed *feed = poll->feed;

	end_poll(poll);
	if (!feed->config) { /* it left the configuration meanwhile */
		feed_free(feed);
		feed = NULL;
	} else {
		poller_schedule(poller, feed);
	}
	poller_home(poller, feed);
}

static void
try_again_later(struct poll *poll)
{
	poll->feed->next_poll_at = poller_now() + STORE_RETRY_SECONDS;
	poll->poller->had_failures = true;
	go_home(poll);
}

/* The last leg: to the store. */
static void
send_to_store(struct poll *poll, enum poll_outcome outcome)
{
	struct store_poll *store = &poll->store;

	store->outcome = outcome;
	store->arena = &poll->arena;
	store->backlog = poll->settings_of->settings->backlog;
	store->now = poll->now;
	store->plan = poll_conclude;
	store->head.parcel.done = on_stored;
	poll->theta = poll->poller->price.theta;
	poll->jitter = poll->once ? 0 : poller_jitter(poll->poller);
	store_poll(poll->poller->tools.store, store);
}

/* True if there is a way to some host at least: one answered, or was connected to before it fell
 * silent. */
static bool
has_reached(const struct http_request *request)
{
	return request->redirects > 0 ||
		(request->error != HTTP_RESOLVE && request->error != HTTP_CONNECT &&
			(request->error != HTTP_TIMEOUT || request->connected));
}

/* Whether all of the net seems to be away: then no feed is to blame. */
static void
judge_offline(struct poll *poll)
{
	const struct http_request *request = &poll->request;
	AUTO(arena_fini) struct arena arena = {0};
	const char *host = url_host(&arena, poll->settings_of->url);

	if (!host || url_host_is_private(host))
		return;
	struct poller *poller = poll->poller;
	bool before = offline_is(&poller->offline), reached = has_reached(request);
	offline_note(&poller->offline, host, reached);
	bool now = offline_is(&poller->offline);
	poll->offline = !reached && now;
	if (reached)
		poller->probe_at = 0; /* there is a way again: the next one tries at once */
	if (now && !before)
		log_warning("hardly any host can be reached: the network seems to be away, and "
			    "feeds wait for it");
	else if (before && !now)
		log_notice("the network is back");
}

/* A redirect went to a host that other feeds may be polled at: their gap begins anew. True if that
 * is another host than the one that was asked at first; *ret_host is its name in pace. */
static bool
visit_host(struct poll *poll, struct arena *arena, const char **ret_host,
	struct pace_settings *ret_settings)
{
	const struct http_request *request = &poll->request;
	const char *host = request->effective_url ? url_host(arena, request->effective_url) : NULL,
		   *own = url_host(arena, request->url);
	struct pace_settings own_settings;

	if (request->redirects == 0 || !host || !own)
		return false;
	poller_pace(poll->poller, own, arena, &own, &own_settings);
	poller_pace(poll->poller, host, arena, ret_host, ret_settings);
	pace_visit(poll->poller->pace, *ret_host, ret_settings->gap_ms, poller_mono_ms());
	return strcmp(*ret_host, own) != 0;
}

/* Holds back the host that said so: where a redirect led elsewhere that one, and not the host of
 * the feed, which others share. wait_ms: 0 where it said no time. */
static void
hold_host(struct poll *poll, const char *elsewhere, const struct pace_settings *settings,
	int64_t wait_ms)
{
	struct pace *pace = poll->poller->pace;
	int64_t now = poller_mono_ms();

	if (!elsewhere)
		pace_hold(pace, &poll->feed->pace, wait_ms, now);
	else if (!settings->gate_feed)
		pace_hold_host(pace, elsewhere, wait_ms, now);
}

/* 429 and Retry-After hold back the host; an answer frees it. */
static void
mind_host(struct poll *poll)
{
	const struct http_request *request = &poll->request;
	AUTO(arena_fini) struct arena arena = {0};
	struct pace_settings settings = {0};
	const char *elsewhere = NULL;
	int64_t now = poller_mono_ms(), until = poll_gate(poll);

	if (request->redirects > 0)
		pace_charge(poll->poller->pace, (uint32_t)request->redirects, now);
	if (!visit_host(poll, &arena, &elsewhere, &settings))
		elsewhere = NULL;
	if (until > 0) {
		hold_host(poll, elsewhere, &settings, (until - poll->now) * 1000);
		if (poll->once)
			poller_give_up_held(poll->poller);
	} else if (request->error == HTTP_OK && request->status == 429 && !poll->once)
		hold_host(poll, elsewhere, &settings, 0);
	else if (request->error == HTTP_OK && request->status < 400)
		pace_calm(&poll->feed->pace, now);
}

/* A 304 to a request without validators says nothing: there is no document that it could mean. */
static bool
asked_for_change(const struct http_request *request)
{
	return request->etag || request->last_modified;
}

/* Second leg's end: an answer, or none. */
static void
on_answer(struct http_request *request)
{
	struct poll *poll = request->arg;
	struct poller *poller = poll->poller;

	if (request->error == HTTP_CANCELLED) { /* we are stopping: nothing was learnt */
		go_home(poll);
		return;
	}
	poll->now = poller_now();
	judge_offline(poll);
	mind_host(poll);
	stats_answer(&poller->stats, poll->feed->id, (double)request->elapsed_ms / 1000);
	poller->stats.bytes += (uint64_t)request->bytes_wire;
	if (request->error == HTTP_OK && request->status == 304 && asked_for_change(request)) {
		send_to_store(poll, POLL_UNCHANGED);
	} else if (request->error != HTTP_OK || request->status < 200 || request->status > 299) {
		send_to_store(poll, POLL_FAILED);
	} else {
		poll->digest.run = poll_digest;
		poll->digest.done = on_digested;
		pool_push(poller->tools.pool, &poll->digest);
	}
}

/* Third leg's end. */
static void
on_digested(struct parcel *parcel)
{
	struct poll *poll = CONTAINER_OF(parcel, struct poll, digest);

	if (poll->same_body)
		send_to_store(poll, POLL_UNCHANGED);
	else
		send_to_store(poll, poll->document ? POLL_DOCUMENT : POLL_FAILED);
}

/* The feed moved to another host, and has waited for the wrong one: it waits for the right one. */
static void
start_over(struct poll *poll)
{
	struct poller *poller = poll->poller;
	struct feed *feed = poll->feed;

	feed->force = poll->force;
	end_poll(poll);
	poller->in_flight--;
	if (feed->config->settings->enabled)
		heap_set(&poller->due, &feed->due, poller_mono_ms(), (uint32_t)feed->id);
	poller_advance(poller);
}

/* The feed has got another address meanwhile: that one is asked, now. */
static void
start_anew(struct poll *poll)
{
	poll->feed->next_poll_at = poller_now();
	go_home(poll);
}

/* True if the poll is over since a reload came between its start and its state: the feed has left,
 * or its address is another one. What belongs to the old address, secrets above all, must not go to
 * the new one. */
static bool
is_overtaken(struct poll *poll)
{
	const struct feed_config *config = poll->feed->config;
	const char *begun = poll->settings_of->url;

	if (!config) {
		go_home(poll);
		return true;
	}
	if (strcmp(config->url, begun) != 0) {
		start_anew(poll);
		return true;
	}
	if (strcmp(poll->store.state.url, begun) == 0)
		return false;
	/* The new configuration is on its way from the database, and will plan it. */
	poll->feed->next_poll_at = poller_now() + STORE_RETRY_SECONDS;
	go_home(poll);
	return true;
}

/* First leg's end: the state is here, the request may start. */
static void
on_loaded(struct parcel *parcel)
{
	struct poll *poll = CONTAINER_OF(parcel, struct poll, load.head.parcel);
	struct poller *poller = poll->poller;

	if (poll->load.head.result < 0 || poller->stopping) {
		feed_state_fini(&poll->load.state);
		try_again_later(poll);
		return;
	}
	poll->store.state = poll->load.state;
	if (is_overtaken(poll))
		return;
	if (poller_learn_host(poll->feed, poll->store.state.accepted_url)) {
		start_over(poll);
		return;
	}
	poll->now = poller_now();
	poll_prepare(poll, &poll->store.state);
	poll->request.keep_alive = pace_others(&poll->feed->pace) > 0;
	poll->request.allowance = &poller->bodies;
	poll->request.done = on_answer;
	poll->request.arg = poll;
	stats_request(&poller->stats, poll->now);
	poller->made++;
	if (http_start(poller->tools.http, &poll->request) < 0) {
		poll->request.error = HTTP_URL;
		poll->request.detail = xstrdup("the request could not be started");
		send_to_store(poll, POLL_FAILED);
	}
}

void
journey_start(struct poller *poller, struct feed *feed)
{
	struct poll *poll = xcalloc(1, sizeof(*poll));

	poll->poller = poller;
	poll->feed = feed;
	poll->config = config_ref(poller->config);
	poll->settings_of = feed->config;
	poll->force = feed->force;
	poll->once = poller->tools.once;
	poll->started_mono_ms = poller_mono_ms();
	poller_policy(poller->config, feed->config->settings, &poll->policy);
	feed->force = feed->asked = false;
	feed->poll = poll;
	poll->next = poller->polls;
	if (poll->next)
		poll->next->previous = poll;
	poller->polls = poll;
	poller->in_flight++;
	poll->load.id = feed->id;
	poll->load.head.parcel.done = on_loaded;
	store_load(poller->tools.store, &poll->load);
}

void
journey_cancel(struct poller *poller)
{
	for (struct poll *poll = poller->polls, *next; poll; poll = next) {
		next = poll->next; /* a poll that is cancelled goes home, and no other */
		http_cancel(poller->tools.http, &poll->request);
	}
}

static enum stats_outcome
outcome_of(const struct poll *poll)
{
	if (poll->request.error != HTTP_OK)
		return STATS_NETWORK_ERROR;
	if (poll->parse_error)
		return STATS_NOT_A_FEED;
	if (poll->request.status == 304 && poll->store.outcome == POLL_UNCHANGED)
		return STATS_304;
	if (poll->same_body)
		return STATS_SAME_BODY;
	if (!poll->document)
		return STATS_HTTP_ERROR;
	return poll->store.n_told > 0 ? STATS_NEWS : STATS_QUIET;
}

static void
count(struct poll *poll)
{
	struct poll_stats *stats = &poll->poller->stats;
	const struct store_poll *store = &poll->store;

	stats->outcomes[outcome_of(poll)]++;
	stats->items += store->n_new;
	stats->updates += store->n_updated;
	stats_observe(&stats->whole, (double)(poller_mono_ms() - poll->started_mono_ms) / 1000);
	for (size_t i = 0; i < store->n_new && !store->first; i++) {
		int64_t age =
			store->new_times[i] == DATE_NONE ? -1 : poll->now - store->new_times[i];

		if (age >= 0)
			stats_observe(&stats->age, (double)age);
	}
}

/* With news, and where their number has changed: what is new may be among them. */
static void
report_left_out(const struct poll *poll, const struct log_about *about)
{
	const struct store_poll *store = &poll->store;
	const struct document *document = poll->document;

	if (!document) /* the same as before */
		return;
	size_t n = document->n_dropped;
	if (n > 0 && (n != poll->feed->left_out || store->n_new > 0 || store->n_updated > 0))
		log_at(LOG_WARNING, about,
			"feed \"%s\": %zu item%s left out, behind the first %zu (max_items)",
			store->state.name, n, n == 1 ? " is" : "s are", document->n_items);
	poll->feed->left_out = (uint32_t)n;
}

/* One line for a poll with news, one when a feed begins or ceases to fail, none for a quiet one. */
static void
report(const struct poll *poll, bool failed_before)
{
	const struct store_poll *store = &poll->store;
	const struct feed_state *state = &store->state;
	const struct http_request *request = &poll->request;
	struct log_about about = {.feed = state->name, .seq = store->last_seq};

	if (store->outcome == POLL_FAILED) {
		log_at(state->fails <= 1 || state->health == FEED_GONE ? LOG_WARNING : LOG_DEBUG,
			&about, "feed \"%s\": %s (%u in a row), next poll in %lld s", state->name,
			state->detail ? state->detail : "failed", state->fails,
			(long long)(state->next_poll_at - poll->now));
		return;
	}
	if (failed_before)
		log_at(LOG_NOTICE, &about, "feed \"%s\": answers again", state->name);
	if (store->n_held > 0)
		log_at(LOG_NOTICE, &about,
			"feed \"%s\": %zu known items have new ids and are held back, see feedctl "
			"release",
			state->name, store->n_held);
	report_left_out(poll, &about);
	if (store->n_new == 0 && store->n_updated == 0)
		return;
	AUTO(buf_fini) struct buf line = BUF_INIT(256);
	buf_printf(&line, "%zu new item%s", store->n_new, store->n_new == 1 ? "" : "s");
	if (store->n_updated > 0)
		buf_printf(&line, ", %zu updated", store->n_updated);
	buf_printf(&line, "%s status=%d bytes=%lld ms=%lld", store->first ? " (first fetch)" : "",
		request->status, (long long)request->bytes_wire, (long long)request->elapsed_ms);
	if (store->last_seq > 0)
		buf_printf(&line, " seq=%lld..%lld", (long long)store->first_seq,
			(long long)store->last_seq);
	log_at(LOG_INFO, &about, "feed \"%s\": %s", state->name, line.data);
}

/* A store that refuses is said once, and once when it takes again. */
static void
note_store(struct poller *poller, int result)
{
	if (result < 0)
		poller->stats.store_failures++;
	if ((result < 0) == poller->store_failing)
		return;
	poller->store_failing = result < 0;
	if (result < 0)
		log_error("the database cannot be written (%s): nothing is announced until it can",
			strerror(-result));
	else
		log_notice("the database can be written again");
}

/* When the feed is to be polled again. Where the clock was put back since the answer came, what is
 * to be waited is waited from now. */
static void
take_plan(struct poll *poll)
{
	struct feed *feed = poll->feed;
	const struct feed_state *state = &poll->store.state;
	int64_t ahead = poll->now - poller_now();

	if (ahead < 0)
		ahead = 0;
	feed->next_poll_at = state->next_poll_at - ahead;
	feed->retry_after_at = state->retry_after_at ? state->retry_after_at - ahead : 0;
	if (!feed->retry_after_at && poll->plan.cause == CAUSE_RATE_LIMIT)
		feed->retry_after_at = feed->next_poll_at;
}

/* Fourth leg's end: it is durable. */
static void
on_stored(struct parcel *parcel)
{
	struct poll *poll = CONTAINER_OF(parcel, struct poll, store.head.parcel);
	struct poller *poller = poll->poller;
	struct feed *feed = poll->feed;
	const struct feed_state *state = &poll->store.state;
	bool failed_before = feed->fails > 0;

	if (poll->store.head.result == -ESTALE) {
		start_anew(poll);
		return;
	}
	note_store(poller, poll->store.head.result);
	if (poll->store.head.result < 0) {
		try_again_later(poll);
		return;
	}
	take_plan(poll);
	feed->fails = state->fails;
	feed->health = state->health;
	schedule_state_load(&feed->schedule, state->schedule);
	count(poll);
	report(poll, failed_before);
	if (poll->store.outcome == POLL_FAILED)
		poller->had_failures = true;
	bool news = poll->store.last_seq > 0;
	go_home(poll);
	if (news)
		poller->tools.news(poller->tools.arg);
}
