/*
 * life.h - one feed in one store, for fuzz_polls: polls that go their whole way but for the
 * network, and what the store is asked beside them. Each ends with a look at the database.
 */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include <errno.h>

#include "../../src/poll/room.h"
#include "feedd/parse.h"
#include "image.h"
#include "rows.h"

#define LIFE_KEEP (30 * MODEL_DAY)

/* What a server answers; status 0: nothing. */
struct answer {
	int status;
	bool tags;    /* it knows validators */
	int cut;      /* 1 to 256: the body ends there, in 256ths; 0: it is whole */
	bool noticed; /* and the transfer tells */
	int newest;   /* only so many items; 0: all */
	enum site_fault fault;
	const char *body; /* something else than the site */
	bool disk_fails;
};

enum life_change { LIFE_MOVE, LIFE_RENAME, LIFE_LEAVE, LIFE_CHANGES };

struct life {
	struct site site;
	struct model model, scratch;
	struct store *store;
	struct queue home;
	struct rows rows;
	struct config config;
	struct feed_settings settings;
	struct feed_config feed;
	struct notify_config hook;
	char name[16], url[64];
	int names, urls;
	int64_t id, notify, seq, cursors[2]; /* cursors: of the notifier, of a stream */
	bool forgotten[2];
	/* A commit that failed to be synced may be there after all, if the daemon is killed before
	 * the next one. */
	bool in_doubt;
	int64_t at[ROWS_EVENTS]; /* of each event, by seq */
	bool waits[ROWS_EVENTS];
};

static inline void
life_wait_home(struct life *life)
{
	must(queue_pop(&life->home) != NULL, "a parcel comes home");
}

/* Opens the store and makes feed and cursors known, as a start of the daemon does. */
static inline void
life_open(struct life *life)
{
	AUTO(freep) char *error = NULL;
	int r = store_open(&life->store, place.directory, life->config.search, &error);

	must(r == 0, error ? error : "the store opens");
	must(store_start(life->store, &life->home) == 0, "the store starts");
	rows_open(&life->rows, store_path(life->store));
}

static inline void
life_close(struct life *life)
{
	rows_close(&life->rows);
	store_stop(life->store);
	life->store = NULL;
}

static inline void
life_sync(struct life *life)
{
	struct store_sync sync = {.config = &life->config};

	store_sync(life->store, &sync);
	life_wait_home(life);
	must(sync.head.result == 0, "the configuration is taken");
	if (life->config.n_feeds > 0) {
		must(!life->id || life->id == sync.feeds[0].id, "a feed keeps its row");
		life->id = sync.feeds[0].id;
	}
	free(sync.feeds);
}

/* A stream that has lost events may be forgotten. */
static inline bool
life_may_forget(struct life *life, int cursor)
{
	int64_t oldest = rows_oldest(&life->rows);

	return cursor == 1 && life->config.keep_events > 0 &&
		(oldest == 0 || life->cursors[cursor] < oldest - 1);
}

/* The cursors as the store has them now: never behind where they were, also where one was forgotten
 * and is made anew. */
static inline void
life_check_cursors(struct life *life)
{
	for (int i = 0; i < 2; i++) {
		int64_t seq = rows_cursor(&life->rows, i == 0);

		must(seq <= life->seq, "a cursor never passes the end of the log");
		if (seq < 0) {
			must(life->forgotten[i] || life_may_forget(life, i),
				"a cursor is kept while its events are");
			life->forgotten[i] = true;
			continue;
		}
		must(seq >= life->cursors[i], "a cursor never goes back");
		life->cursors[i] = seq;
		life->forgotten[i] = false;
	}
}

static inline void
life_load_cursors(struct life *life)
{
	struct store_notify_load load = {.name = "hook"};
	struct store_consumer consumer = {.name = "stream", .now = life->model.now};

	store_notify_load(life->store, &load);
	life_wait_home(life);
	must(load.head.result == 0, "a notifier is loaded");
	life->notify = load.id;
	arena_fini(&load.arena);
	store_consumer(life->store, &consumer);
	life_wait_home(life);
	must(consumer.head.result == 0, "a consumer is made");
	life_check_cursors(life);
}

/* The database after a step: the rows and the new events are those of the model. */
static inline void
life_check(struct life *life)
{
	struct event_row event;
	struct model *model = &life->model;
	int n = 0, rekeyed = 0;

	rows_check_items(&life->rows, model);
	while (rows_event(&life->rows, life->seq, &event)) {
		must(event.seq > life->seq, "seq rises");
		life->seq = event.seq;
		model->over = model->over || event.seq >= ROWS_EVENTS - 1;
		life->at[event.seq % ROWS_EVENTS] = event.at;
		rekeyed += strcmp(event.kind, "feed.rekeyed") == 0;
		if (!event.item)
			continue;
		must(n < model->n_events, "nothing is told that is not new");
		const struct expected *want = &model->events[n++];
		must(strcmp(event.kind, want->update ? "item.updated" : "item.new") == 0,
			"new items are new, and edited ones updated");
		must(event.item == model->known[want->known].item, "the log is in order");
	}
	must(n == model->n_events, "what is new is told");
	must(rekeyed == (model->n_held > 0), "new ids of a site are one event");
	must(store_seq(life->store) == life->seq, "the store knows the end of its log");
	life_check_cursors(life);
	model->n_events = model->n_held = 0;
}

static inline struct life *
life_new(int shape, int more)
{
	static const int64_t backlogs[] = {0, 3, BACKLOG_ALL, 0};
	struct life *life = xcalloc(1, sizeof(*life));
	bool forgets = (more & 1) && (shape & 3) != SITE_SAME;

	life_place(&place.empty, &(struct image){0});
	queue_init(&life->home, NULL, NULL);
	life->site = (struct site){.mode = (enum site_mode)(shape & 3),
		.dated = shape & 4,
		.mixed = shape & 8,
		.guid_last = shape & 16,
		.twice = -1};
	life->model = (struct model){.mode = life->site.mode,
		.now = SITE_BEGAN + 365 * (int64_t)MODEL_DAY,
		.backlog = backlogs[shape >> 5 & 3],
		.first = true};
	life->settings = (struct feed_settings){.weight = 1,
		.min_interval = 300,
		.max_interval = MODEL_DAY,
		.keep = LIFE_KEEP,
		.max_size = 1 << 24,
		.backlog = life->model.backlog};
	strcpy(life->name, "feed");
	strcpy(life->url, "http://site.example/feed");
	life->feed = (struct feed_config){
		.name = life->name, .url = life->url, .settings = &life->settings};
	life->hook = (struct notify_config){.name = "hook"};
	life->config = (struct config){.max_hint = MODEL_DAY,
		.max_retry_after = 2 * MODEL_DAY,
		.max_backoff = MODEL_DAY,
		.full_fetch_after = 8 * MODEL_DAY,
		.forget = forgets ? 400 * (int64_t)MODEL_DAY : 0,
		.keep_events = more & 2 ? 60 * (int64_t)MODEL_DAY : 0,
		.rekeyed_timeout = more & 4 ? 7 * MODEL_DAY : 0,
		.search = more & 8 ? SEARCH_TITLE : SEARCH_OFF,
		.max_items = 5000,
		.feeds = &life->feed,
		.n_feeds = 1,
		.notifies = &life->hook,
		.n_notifies = 1};
	life_open(life);
	life_sync(life);
	life_load_cursors(life);
	return life;
}

static inline void
life_free(struct life *life)
{
	life_close(life);
	queue_fini(&life->home);
	free(life);
}

/* Once: the directory, and the database that each life begins with. */
static inline void
life_prepare(void)
{
	struct store *store;
	AUTO(freep) char *error = NULL;

	parse_init();
	strcpy(place.directory,
		access("/dev/shm", W_OK) == 0 ? "/dev/shm/feedd-XXXXXX" : "/tmp/feedd-XXXXXX");
	must(mkdtemp(place.directory) != NULL, "the test has a directory");
	must(store_open(&store, place.directory, SEARCH_OFF, &error) == 0, "the store opens");
	store_stop(store);
	place.empty = image_read("feedd.db");
}

/* Stopped, or killed and started over what was on the disk. */
static inline void
life_restart(struct life *life, bool kill)
{
	struct image database = {0}, log = {0};

	kill = kill && !life->in_doubt;
	life->in_doubt = false;
	if (kill) { /* in this order: what a checkpoint moves meanwhile is in both */
		log = image_read("feedd.db-wal");
		database = image_read("feedd.db");
	}
	life_close(life);
	if (kill)
		life_place(&database, &log);
	free(database.data);
	free(log.data);
	life_open(life);
	life_sync(life);
	life_load_cursors(life);
	life_check(life);
}

/* --- polls -------------------------------------------------------------------------------------
 */

/* The server answers. Returns how many items the answer shows in full. */
static inline int
answer_fill(const struct answer *answer, const struct page *page, struct http_request *request)
{
	size_t len = page->body.len;
	char tag[32];
	int n = 0;

	snprintf(tag, sizeof(tag), "\"%016llx\"",
		(unsigned long long)hash64(0, page->body.data, len));
	request->status = answer->status;
	request->error = answer->status ? HTTP_OK : HTTP_CONNECT;
	request->ret_etag = xstrdup(answer->tags ? tag : NULL);
	request->answer = BUF_INIT((size_t)1 << 24);
	if (answer->status == 200 && answer->tags && !answer->body && !answer->cut &&
		request->etag && strcmp(request->etag, tag) == 0) {
		request->status = 304;
		return 0;
	}
	if (answer->body) {
		buf_puts(&request->answer, answer->body);
		return 0;
	}
	if (answer->cut)
		len = len * (size_t)answer->cut / 257;
	buf_append(&request->answer, page->body.data, len);
	request->truncated = answer->cut && answer->noticed;
	request->partial = answer->status == 226;
	while (n < page->n && page->items[n].end <= len)
		n++;
	return n;
}

static inline enum poll_outcome
poll_outcome_of(struct poll *poll)
{
	const struct http_request *request = &poll->request;

	if (request->error == HTTP_OK && request->status == 304)
		return POLL_UNCHANGED;
	if (request->error != HTTP_OK || request->status < 200 || request->status > 299)
		return POLL_FAILED;
	poll_digest(&poll->digest);
	if (poll->same_body)
		return POLL_UNCHANGED;
	return poll->document ? POLL_DOCUMENT : POLL_FAILED;
}

/* What the model makes of the answer. */
static inline void
life_foresee(struct life *life, const struct poll *poll, const struct page *page, int shown)
{
	struct model *model = &life->model;

	if (poll->store.outcome == POLL_UNCHANGED) {
		life->scratch = *model;
		for (int i = 0; i < page->n; i++)
			must(model_find(&life->scratch, &page->items[i], true) != NULL,
				"nothing that was not read hides behind a 304");
		return;
	}
	if (poll->store.outcome != POLL_DOCUMENT)
		return;
	must(poll->document->n_items == (size_t)shown, "an item is read whole or not at all");
	must(shown == page->n || poll->store.partial, "what is cut is known to be cut");
	rows_recall(&life->rows, model);
	model_read(model, page->items, shown, !poll->store.partial);
}

static inline void
life_send(struct life *life, struct poll *poll)
{
	struct store_poll *store = &poll->store;

	store->outcome = poll_outcome_of(poll);
	store->arena = &poll->arena;
	store->backlog = life->settings.backlog;
	store->now = poll->now;
	store->plan = poll_conclude;
	poll->theta = 40000;
	store_poll(life->store, store);
	life_wait_home(life);
}

static inline void
life_poll(struct life *life, const struct answer *answer)
{
	struct poll *poll = xcalloc(1, sizeof(*poll));
	struct page page = {.body = BUF_INIT((size_t)1 << 24)};
	struct store_load load = {.id = life->id};
	int n = life->site.n;

	if (answer->newest && answer->newest < n)
		life->site.n = answer->newest;
	site_page(&life->site, &page, answer->fault);
	life->site.n = n;
	store_load(life->store, &load);
	life_wait_home(life);
	if (load.head.result < 0 && answer->disk_fails) {
		feed_state_fini(&load.state);
		buf_fini(&page.body);
		free(poll);
		return;
	}
	must(load.head.result == 0, "the feed's state is read");
	poll->config = &life->config;
	poll->settings_of = &life->feed;
	poll->now = life->model.now;
	poll->store.state = load.state;
	poller_policy(&life->config, &life->settings, &poll->policy);
	poll_prepare(poll, &load.state);
	int shown = answer_fill(answer, &page, &poll->request);
	life_send(life, poll);
	must(poll->store.head.result == 0 || answer->disk_fails, "a poll is stored");
	life->in_doubt = poll->store.head.result < 0;
	if (!life->in_doubt) {
		must(poll->store.state.next_poll_at > life->model.now, "a poll has a next one");
		life_foresee(life, poll, &page, shown);
	}
	if (!life->model.over)
		life_check(life);
	http_request_fini(&poll->request);
	feed_state_fini(&poll->store.state);
	arena_fini(&poll->arena);
	free(poll->private_host);
	free(poll);
	buf_fini(&page.body);
}

/* --- what the store is asked beside polls ------------------------------------------------------
 */

/* What is held is told in the order in which it was stored. */
static inline void
life_foresee_release(struct life *life)
{
	struct model *model = &life->model;

	for (int i = 0; i < model->n; i++) {
		if (!model->known[i].held)
			continue;
		model->known[i].held = false;
		must(model->n_events < (int)ARRAY_SIZE(model->events), "no flood is held");
		model->events[model->n_events++] = (struct expected){false, i};
	}
}

static inline void
life_release(struct life *life)
{
	struct store_feed_command release = {
		.command = FEED_RELEASE, .id = life->id, .now = life->model.now};

	store_feed_command(life->store, &release);
	life_wait_home(life);
	must(release.head.result == 0, "what is held is released");
	life_foresee_release(life);
	must(release.count == life->model.n_events, "a release tells all that was held");
	life_check(life);
}

/* May retention take this item? */
static inline bool
life_may_go(struct life *life, const struct known *known)
{
	int64_t now = life->model.now, cursor = life->cursors[0], keep = LIFE_KEEP;
	bool expired = false;

	if (life->config.n_feeds == 0)
		keep = life->config.keep_events;
	else if (known->listed || known->held || life->waits[known->seq])
		return false;
	if (!life->forgotten[1] && life->cursors[1] < cursor)
		cursor = life->cursors[1];
	for (int64_t i = known->seq; i <= life->seq && life->config.keep_events > 0; i++)
		expired = expired || life->at[i] < now - life->config.keep_events;
	return keep > 0 && known->first_seen < now - keep && (known->seq <= cursor || expired);
}

/* What retention took, it was allowed to take; what it may forget is remembered here as faint. */
static inline void
life_look_for_loss(struct life *life)
{
	struct model *model = &life->model;
	int64_t forget = life->config.forget;

	for (int i = 0; i < model->n; i++) {
		struct known *known = &model->known[i];

		if (known->stored && !rows_has(&life->rows, ROWS_ITEM, known->item)) {
			must(life_may_go(life, known),
				"retention takes nothing that is listed, held or still to be told");
			known->stored = known->held = false;
		}
		if (!known->stored && forget > 0 &&
			known->last_listed - MODEL_DAY < model->now - forget)
			known->faint = true;
	}
}

static inline void
life_tidy(struct life *life)
{
	struct store_tidy tidy = {.config = &life->config, .now = life->model.now};
	bool released = false;

	do {
		store_tidy(life->store, &tidy);
		life_wait_home(life);
		must(tidy.head.result == 0, "the database is tidied");
		if (tidy.released > 0) {
			must(!released, "a release is made once");
			released = true;
			life_foresee_release(life);
			must(tidy.released == life->model.n_events,
				"a release tells all that was held");
		}
		life_look_for_loss(life);
	} while (tidy.more);
	life_check(life);
}

/* A cursor is moved to this seq, or is asked to go back. */
static inline void
life_acknowledge(struct life *life, bool stream, int64_t seq)
{
	struct store_consumer consumer = {
		.name = "stream", .ack = true, .seq = seq, .now = life->model.now};
	struct delivery done = {.seq = seq, .state = DELIVERY_DONE, .attempts = 1};
	struct store_deliver deliver = {.notify = life->notify, .cursor = seq};

	if (stream) {
		store_consumer(life->store, &consumer);
	} else if (seq > life->seq || seq <= 0) {
		return; /* a notifier only acknowledges what it was given */
	} else {
		deliver.deliveries = &done;
		deliver.n_deliveries = 1;
		life->waits[seq] = false;
		store_deliver(life->store, &deliver);
	}
	life_wait_home(life);
	int want = seq > life->seq ? -ERANGE : life->forgotten[1] ? -ENOENT : 0;
	must(stream ? consumer.head.result == want : deliver.head.result == 0, "a cursor moves");
	life_check(life);
}

/* A delivery of the notifier has failed, and waits for another try. */
static inline void
life_wait(struct life *life, int64_t seq)
{
	struct delivery waiting = {.seq = seq, .state = DELIVERY_WAITING, .attempts = 1};
	struct store_deliver deliver = {
		.notify = life->notify, .deliveries = &waiting, .n_deliveries = 1};

	if (seq <= 0 || !rows_has(&life->rows, ROWS_HAS_EVENT, seq))
		return;
	life->waits[seq] = true;
	store_deliver(life->store, &deliver);
	life_wait_home(life);
	must(deliver.head.result == 0, "a delivery is kept");
	life_check(life);
}

static inline void
life_reconfigure(struct life *life, enum life_change change)
{
	switch (change) {
	case LIFE_MOVE:
		snprintf(life->url, sizeof(life->url), "http://site.example/%d", ++life->urls);
		life->model.first = true;
		break;
	case LIFE_RENAME:
		snprintf(life->name, sizeof(life->name), "feed%d", ++life->names % 1000);
		break;
	case LIFE_LEAVE:
		life->config.n_feeds = 0;
		life_sync(life);
		life_tidy(life);
		life->config.n_feeds = 1;
		break;
	case LIFE_CHANGES:
		break;
	}
	life_sync(life);
	life_check(life);
}

#endif
