/*
 * outcome.c - what an answer means for a feed: health, validators, redirects, the next poll.
 *
 * Runs on the store's thread, between deciding what is new and writing the state, and touches the
 * poll alone; the time is in it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/url.h"
#include "journey.h"

/* feed.failing is told after so many errors over so long. */
#define FAILING_ERRORS 3
#define FAILING_SECONDS (6 * 3600)
/* feed.silent: no item for so many times its usual gap, and at least so long. */
#define SILENT_GAPS 12
#define SILENT_SECONDS (14 * 86400)
/* While we are offline, feeds come back after this and up to as long again, so that their return is
 * no herd. The poller lets only one of them try in ten seconds. */
#define OFFLINE_SECONDS 30

static void
set_string(char **string, const char *value)
{
	if (*string == value)
		return;
	free(*string);
	*string = xstrdup(value);
}

static void
tell(struct poll *poll, enum event_kind kind, const char *title)
{
	struct store_poll *store = &poll->store;

	if (store->n_events < ARRAY_SIZE(store->events))
		store->events[store->n_events++] = (struct store_feed_event){kind, title};
}

static const char *
feed_title(const struct feed_state *state)
{
	return state->title ? state->title : state->name;
}

/* RFC 9110, 13: validators come and go as a pair with an answer that could be read. */
static void
take_validators(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;
	const struct http_request *request = &poll->request;

	if (request->status == 304) {
		/* RFC 9111, 4.3.4: a 304 may bring new ones; what it leaves out stays. */
		if (request->ret_etag)
			set_string(&state->etag, request->ret_etag);
		if (request->ret_last_modified)
			set_string(&state->last_modified, request->ret_last_modified);
		return;
	}
	bool trusted = !http_expires_at_once(request->cache_control, request->expires) &&
		!poll->store.partial;
	bool incomplete = request->truncated || (poll->document && poll->document->incomplete);
	/* A repaired document was still read to its end; only what was cut must be fetched again
	 * whole. */
	if (poll->store.partial && !incomplete && !request->partial)
		trusted = !http_expires_at_once(request->cache_control, request->expires);
	set_string(&state->etag, trusted ? request->ret_etag : NULL);
	set_string(&state->last_modified, trusted ? request->ret_last_modified : NULL);
	state->body_hash = incomplete || request->partial ? 0 : poll->body_hash;
	state->full_fetch_at = poll->now;
}

/* http to https on the same host, nothing else changed: better in every way, so it is accepted at
 * once. */
static bool
is_upgrade(const char *from, const char *to)
{
	return strncmp(from, "http://", 7) == 0 && strncmp(to, "https://", 8) == 0 &&
		strcmp(from + 7, to + 8) == 0;
}

/* True if addresses differ in their query at most, as where a session's number is part of it. */
static bool
same_place(const char *a, const char *b)
{
	return a && strcspn(a, "?") == strcspn(b, "?") && strncmp(a, b, strcspn(a, "?")) == 0;
}

/* Secrets go where an administrator sent them: to another origin only by command. */
static bool
may_move_alone(const struct poll *poll, const char *from, const char *to)
{
	const struct feed_settings *settings = poll->settings_of->settings;
	AUTO(arena_fini) struct arena arena = {0};
	const char *old = url_origin(&arena, from), *new = url_origin(&arena, to);

	if (!settings->password && !settings->client_cert && settings->headers.n == 0)
		return true;
	return old && new &&strcmp(old, new) == 0;
}

/* Only an answer that is a feed may say where the feed moved: a captive portal redirects, too. */
static void
take_move(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;
	const char *to = poll->request.moved_to,
		   *from = state->accepted_url ? state->accepted_url : state->url;
	int64_t after = poll->config->accept_moves_after;

	if (!to || strcmp(to, from) == 0) {
		set_string(&state->moved_to, NULL);
		state->moved_since = 0;
		return;
	}
	/* Validators of the old address may fit any page of the new one: it is asked in full. */
	if (poll->request.status == 304 && !same_place(state->moved_to, to)) {
		set_string(&state->etag, NULL);
		set_string(&state->last_modified, NULL);
		return;
	}
	if (is_upgrade(from, to)) {
		set_string(&state->accepted_url, to);
		return;
	}
	bool known = same_place(state->moved_to, to);
	if (!state->moved_to || strcmp(state->moved_to, to) != 0) {
		set_string(&state->moved_to, to);
		state->moved_since = poll->now;
	}
	if (!known) {
		AUTO(arena_fini) struct arena arena = {0};
		tell(poll, EVENT_FEED_MOVED,
			arena_printf(&poll->arena,
				"%s moved for good to %s; `feedctl accept-move %s` follows it",
				feed_title(state), url_redact(&arena, to), state->name));
	}
	if (after > 0 && poll->now - state->moved_since >= after &&
		may_move_alone(poll, from, to)) {
		set_string(&state->accepted_url, to);
		set_string(&state->moved_to, NULL);
		state->moved_since = 0;
	}
}

static void
take_document(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;
	const struct document *document = poll->document;

	if (document->title)
		set_string(&state->title, document->title);
	if (document->home_page_url)
		set_string(&state->home_page_url, document->home_page_url);
	if (document->language)
		set_string(&state->language, document->language);
	state->hints = document->hints;
	state->sticky_guid_link = poll->store.sticky;
	/* What is absent from a partial one is still listed; but where the clock went back, so is
	 * what is in it, and retention must not think it older than the last whole one. */
	if (!poll->store.partial || state->last_change_at > poll->now)
		state->last_change_at = poll->now;
	if (poll->store.n_new > 0)
		state->silent_told_at = 0;
	state->items += (int64_t)poll->store.n_new;
}

static void
look_for_silence(struct poll *poll, const struct schedule_state *schedule)
{
	struct feed_state *state = &poll->store.state;
	int64_t silence = poll->now - (int64_t)schedule->last_item;
	double rate = schedule_rate(schedule);

	if (state->silent_told_at != 0 || schedule->last_item == 0 || poll->store.first ||
		silence < SILENT_SECONDS)
		return;
	/* The estimate sinks while a feed is silent, so its gap is taken over the time before. */
	if (rate <= 0 || (double)silence * rate < SILENT_GAPS)
		return;
	state->silent_told_at = poll->now;
	tell(poll, EVENT_FEED_SILENT,
		arena_printf(&poll->arena, "%s has had no new item for %lld days",
			feed_title(state), (long long)(silence / 86400)));
}

static int64_t
answer_hint(const struct poll *poll)
{
	const struct http_request *request = &poll->request;

	return http_freshness(
		request->cache_control, request->expires, request->date, request->age, poll->now);
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Who asked for the longest wait: this answer, the document, or an answer before. */
static const char *
explain_hint(struct poll *poll)
{
	const struct feed_state *state = &poll->store.state;
	struct arena *arena = &poll->arena;
	int64_t server = poll->request.error == HTTP_OK ? answer_hint(poll) : 0,
		document = larger(state->hints.ttl, state->hints.update_period),
		asked = larger(server, larger(document, state->hint));
	const char *wait = poll_span(arena, asked);

	if (asked > poll->config->max_hint)
		wait = arena_printf(arena, "%s, of which max_hint allows %s", wait,
			poll_span(arena, poll->config->max_hint));
	if (asked == document)
		return arena_printf(arena, "the feed asks for %s (%s)", wait,
			asked == state->hints.ttl ? "ttl" : "sy:updatePeriod");
	if (asked > server)
		return arena_printf(arena, "the server has asked for %s", wait);
	return arena_printf(arena, "the server asks for %s (%s)", wait,
		poll->request.cache_control && strstr(poll->request.cache_control, "max-age")
			? "Cache-Control: max-age"
			: "Expires");
}

static const char *
explain(struct poll *poll)
{
	const struct schedule_plan *plan = &poll->plan;
	const struct feed_state *state = &poll->store.state;
	struct arena *arena = &poll->arena;

	switch (plan->cause) {
	case CAUSE_FIXED:
		return "the configured interval";
	case CAUSE_ADAPTIVE:
		return arena_printf(arena, "about %.3g items a day are expected", plan->rate * 24);
	case CAUSE_HINT:
		return explain_hint(poll);
	case CAUSE_SKIP:
		return "the feed's skipHours or skipDays";
	case CAUSE_RETRY_AFTER:
		return arena_printf(arena, "the server said Retry-After: %s, with status %d",
			poll_span(arena, poll->request.retry_after), poll->request.status);
	case CAUSE_RATE_LIMIT:
		return "the server said 429, too many requests";
	case CAUSE_BACKOFF:
		return arena_printf(arena, "back-off after %u error%s in a row", state->fails,
			state->fails == 1 ? "" : "s");
	case CAUSE_MIN:
		return "min_interval";
	case CAUSE_MAX:
		return "max_interval";
	case CAUSE_GONE:
		return "the server said 410, gone";
	}
	return "";
}

static void
conclude_success(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;
	struct schedule_state schedule;
	struct schedule_poll seen = {
		.now = poll->now,
		.times = poll->store.new_times,
		.n_new = poll->store.n_new,
		.n_listed = poll->document ? poll->document->n_items : 0,
		.first = poll->store.first && poll->store.outcome == POLL_DOCUMENT,
	};

	if (state->health == FEED_FAILING)
		tell(poll, EVENT_FEED_RECOVERED,
			arena_printf(&poll->arena, "%s answers again", feed_title(state)));
	state->health = FEED_OK;
	state->fails = 0;
	state->failing_since = state->retry_after_at = 0;
	set_string(&state->detail,
		poll->document && poll->document->bozo ? poll->document->error : NULL);
	state->last_success_at = poll->now;
	take_validators(poll);
	take_move(poll);
	if (poll->document)
		take_document(poll);
	if (state->first_poll_at == 0 && poll->store.outcome == POLL_DOCUMENT)
		state->first_poll_at = poll->now;
	if (poll->store.outcome == POLL_UNCHANGED)
		state->polls_304++;
	/* RFC 9111, 4.3.4: what a 304 leaves out stays as it was. */
	if (poll->request.status != 304 || poll->request.cache_control || poll->request.expires)
		state->hint = larger(
			answer_hint(poll), larger(state->hints.ttl, state->hints.update_period));
	seen.hint = state->hint;
	schedule_state_load(&schedule, state->schedule);
	schedule_observe(&schedule, &poll->policy, &seen);
	poll->plan = schedule_next(
		&schedule, &poll->policy, &state->hints, poll->theta, poll->now, poll->jitter);
	look_for_silence(poll, &schedule);
	memcpy(state->schedule, &schedule, sizeof(schedule));
}

/* One sentence of what went wrong, for `feedctl show` and the log. */
static const char *
failure_detail(struct poll *poll)
{
	const struct http_request *request = &poll->request;

	if (request->error != HTTP_OK)
		return request->detail ? request->detail : "the request failed";
	if (poll->parse_error)
		return request->truncated && request->detail
			? arena_printf(&poll->arena, "%s; %s", poll->parse_error, request->detail)
			: poll->parse_error;
	if (request->cf_mitigated)
		return arena_printf(&poll->arena,
			"the server answered %d: a check for browsers (cf-mitigated: %s)",
			request->status, request->cf_mitigated);
	static const struct {
		int status;
		const char *words;
	} known[] = {{304, "it has not changed, though nobody asked whether it had"},
		{401, "it wants a user name and password"}, {403, "it refuses"},
		{404, "there is nothing at this address"}, {410, "the feed is gone for good"},
		{429, "too many requests"}, {500, "an error of the server"},
		{502, "an error behind the server"}, {503, "not available now"},
		{504, "an error behind the server"}};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].status == request->status)
			return arena_printf(&poll->arena, "the server answered %d: %s",
				request->status, known[i].words);
	return arena_printf(&poll->arena, "the server answered %d", request->status);
}

static void
note_failing(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;

	if (state->health != FEED_FAILING)
		state->health = FEED_ERROR;
	if (state->health == FEED_FAILING || state->fails < FAILING_ERRORS ||
		poll->now - state->failing_since < FAILING_SECONDS)
		return;
	state->health = FEED_FAILING;
	tell(poll, EVENT_FEED_FAILING,
		arena_printf(&poll->arena, "%s has failed %u times in a row: %s", feed_title(state),
			state->fails, state->detail));
}

static void
conclude_failure(struct poll *poll)
{
	struct feed_state *state = &poll->store.state;
	const struct http_request *request = &poll->request;
	struct schedule_state schedule;

	set_string(&state->detail, failure_detail(poll));
	if (poll->parse_error) {
		/* Else the broken body is followed by 304s that hide its repair. */
		set_string(&state->etag, NULL);
		set_string(&state->last_modified, NULL);
		state->body_hash = 0;
	}
	if (poll->offline) {
		state->next_poll_at = poll->now + OFFLINE_SECONDS +
			(int64_t)((1 + poll->jitter) / 2 * OFFLINE_SECONDS);
		poll->plan = (struct schedule_plan){
			.next_poll = state->next_poll_at, .cause = CAUSE_BACKOFF};
		return;
	}
	state->fails++;
	if (!state->failing_since)
		state->failing_since = poll->now;
	struct schedule_failure failure = {
		.now = poll->now,
		.fails = state->fails,
		.status = request->error == HTTP_OK && !poll->parse_error ? request->status : 0,
		.retry_after =
			request->status == 429 || request->status == 503 ? request->retry_after : 0,
		.hint = request->error == HTTP_OK ? answer_hint(poll) : 0,
		.failing_since = state->failing_since,
		.hints = &state->hints,
	};
	schedule_state_load(&schedule, state->schedule);
	poll->plan = schedule_after_failure(
		&schedule, &poll->policy, &failure, poll->theta, poll->jitter);
	memcpy(state->schedule, &schedule, sizeof(schedule));
	state->retry_after_at = poll_gate(poll);
	if (failure.status != 410) {
		note_failing(poll);
		return;
	}
	state->health = FEED_GONE;
	tell(poll, EVENT_FEED_GONE,
		arena_printf(&poll->arena, "%s is gone for good (410) and is polled no more",
			feed_title(state)));
}

void
poll_conclude(struct store_poll *store)
{
	struct poll *poll = CONTAINER_OF(store, struct poll, store);
	struct feed_state *state = &store->state;

	state->polls++;
	state->last_poll_at = poll->now;
	state->status = poll->request.status;
	state->bytes += poll->request.bytes_wire;
	if (store->outcome == POLL_FAILED)
		conclude_failure(poll);
	else
		conclude_success(poll);
	state->next_poll_at = poll->plan.next_poll;
	set_string(
		&state->reason, poll->offline ? "this machine seems to be offline" : explain(poll));
}

int64_t
poll_gate(const struct poll *poll)
{
	const struct http_request *request = &poll->request;
	int64_t longest = poll->config->max_retry_after;

	if (request->error != HTTP_OK || (request->status != 429 && request->status != 503) ||
		request->retry_after <= 0)
		return 0;
	return poll->now + (request->retry_after < longest ? request->retry_after : longest);
}
