/* test_store.c - what is new, in which order it enters the log, and that it stays there. */
#include "test.h"

#include <errno.h>

#include "storing.h"

#define NEWS(...) ((struct item[]){__VA_ARGS__})

static const struct feed_settings settings;

static int64_t
one_feed(struct storing *storing)
{
	struct feed_config feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	int64_t id;

	storing_sync(storing, 1, &feed, &id);
	return id;
}

/* Titles of the events after `after`, comma-separated, "updated:" before those that are updates. */
static int
add_title(void *arg, const struct rendered *event, int64_t at)
{
	struct buf *out = arg;

	(void)at;
	buf_printf(out, "%s%s%s", out->len ? "," : "",
		strcmp(event->event, "item.new") == 0 ? "" : event->event + 5, event->title);
	return 0;
}

static char *
told(struct storing *storing, int64_t after)
{
	struct buf out = BUF_INIT(1 << 16);
	struct view *view;
	int64_t scanned;
	struct view_events query = {.after = after, .limit = 1000, .row = add_title, .arg = &out};

	assert_int_equal(view_open(&view, store_path(storing->store)), 0);
	assert_int_equal(view_events(view, &query, &scanned), 0);
	view_close(view);
	return buf_steal(&out);
}

#define ASSERT_TOLD(storing, after, want)                                                          \
	do {                                                                                       \
		AUTO(freep) char *titles = told(storing, after);                                   \
		assert_string_equal(titles, want);                                                 \
	} while (0)

static size_t
poll(struct storing *storing, int64_t feed, struct item *items, size_t n)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct store_poll poll = {0};

	storing_poll(storing, feed, items, n, &poll, &arena);
	assert_int_equal(poll.head.result, 0);
	return poll.n_new;
}

static void
first_fetch_is_silent(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("1", NULL, "one"), storing_item("2", NULL, "two")), 2),
		2);
	ASSERT_TOLD(storing, 0, "");
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("4", NULL, "four"), storing_item("3", NULL, "three"),
				storing_item("2", NULL, "two")),
			3),
		2);
	/* undated: from the bottom of the document to its top */
	ASSERT_TOLD(storing, 0, "three,four");
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("4", NULL, "four"), storing_item("1", NULL, "one")), 2),
		0);
	ASSERT_TOLD(storing, 2, "");
}

static void
backlog_tells_the_newest(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	AUTO(arena_fini) struct arena arena = {0};
	struct store_poll poll = {.backlog = 2};
	struct item items[] = {storing_item("1", NULL, "old"), storing_item("2", NULL, "newest"),
		storing_item("3", NULL, "new")};

	items[0].published_at = 100;
	items[1].published_at = 300;
	items[2].published_at = 200;
	storing_poll(storing, feed, items, 3, &poll, &arena);
	ASSERT_TOLD(storing, 0, "new,newest");
}

static void
scheme_flip_is_no_news(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	poll(storing, feed, NEWS(storing_item("http://x.org/a", NULL, "a")), 1);
	assert_int_equal(
		poll(storing, feed, NEWS(storing_item("https://www.x.org/a/", NULL, "a")), 1), 0);
	assert_int_equal(
		poll(storing, feed, NEWS(storing_item("http://x.org/a", NULL, "a")), 1), 0);
	/* but side by side they are two */
	assert_int_equal(poll(storing, feed,
				 NEWS(storing_item("http://x.org/b", NULL, "b"),
					 storing_item("http://x.org/b/", NULL, "B")),
				 2),
		2);
	assert_int_equal(
		poll(storing, feed, NEWS(storing_item("http://x.org/b/", NULL, "B")), 1), 0);
}

static void
one_guid_for_all(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	poll(storing, feed,
		NEWS(storing_item("same", "http://x/1", "1"),
			storing_item("same", "http://x/2", "2")),
		2);
	/* the new one is put on top, as feeds do: it alone is told */
	poll(storing, feed,
		NEWS(storing_item("same", "http://x/3", "3"),
			storing_item("same", "http://x/1", "1"),
			storing_item("same", "http://x/2", "2")),
		3);
	ASSERT_TOLD(storing, 0, "3");
	/* the policy stays when only one is left */
	assert_int_equal(poll(storing, feed, NEWS(storing_item("same", "http://x/4", "4")), 1), 1);
	ASSERT_TOLD(storing, 1, "4");
}

static void
guids_that_begin_to_collide(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	poll(storing, feed,
		NEWS(storing_item("g", "http://x/1", "1"), storing_item("h", "http://x/h", "h")),
		2);
	poll(storing, feed,
		NEWS(storing_item("g", "http://x/2", "2"), storing_item("g", "http://x/1", "1"),
			storing_item("h", "http://x/h", "h")),
		3);
	ASSERT_TOLD(storing, 0, "2");
}

static void
link_is_the_key_without_a_guid(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	poll(storing, feed, NEWS(storing_item(NULL, "http://x/1", "one")), 1);
	assert_int_equal(
		poll(storing, feed, NEWS(storing_item(NULL, "http://x/1", "one, corrected")), 1),
		0);
	ASSERT_TOLD(storing, 0, "updatedone, corrected");
	/* all with the same link: told apart by their titles */
	poll(storing, feed,
		NEWS(storing_item(NULL, "http://x/", "a"), storing_item(NULL, "http://x/", "b")),
		2);
	ASSERT_TOLD(storing, 1, "b,a");
	poll(storing, feed,
		NEWS(storing_item(NULL, "http://x/", "c"), storing_item(NULL, "http://x/", "a")),
		2);
	ASSERT_TOLD(storing, 3, "c");
}

static void
updates_are_capped(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	char title[32];

	poll(storing, feed, NEWS(storing_item("1", NULL, "0")), 1);
	for (int i = 1; i <= 40; i++) {
		snprintf(title, sizeof(title), "%d", i);
		poll(storing, feed, NEWS(storing_item("1", NULL, title)), 1);
	}
	assert_int_equal(store_seq(storing->store), 24);
}

static void
repeated_items_count_once(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	poll(storing, feed, NEWS(storing_item("0", NULL, "0")), 1);
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("1", NULL, "x"), storing_item("1", NULL, "x")), 2),
		1);
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("1", NULL, "x"), storing_item("1", NULL, "x")), 2),
		0);
	ASSERT_TOLD(storing, 0, "x");
}

/* 30 items under ids, titles and links of a site; new ids for all of them later. */
static size_t
poll_site(struct storing *storing, int64_t feed, const char *ids, const char *titles,
	size_t *ret_held)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct store_poll poll = {0};
	struct item items[30];

	for (int i = 0; i < 30; i++)
		items[i] = storing_item(arena_printf(&arena, "%s%d", ids, i),
			arena_printf(&arena, "http://x/%s%d", titles, i),
			arena_printf(&arena, "%s%d", titles, i));
	storing_poll(storing, feed, items, 30, &poll, &arena);
	*ret_held = poll.n_held;
	return poll.n_new;
}

static void
new_ids_of_a_site_are_one_event(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	size_t held;

	poll_site(storing, feed, "old", "t", &held);
	assert_int_equal(poll_site(storing, feed, "new", "t", &held), 30);
	assert_int_equal(held, 30);
	assert_int_equal(store_seq(storing->store), 1);
	struct store_feed_command release = {.command = FEED_RELEASE, .id = feed, .now = 1};
	store_feed_command(storing->store, &release);
	storing_wait(storing);
	assert_int_equal(release.count, 30);
	assert_int_equal(store_seq(storing->store), 31);
	/* news, however many, are never held */
	assert_int_equal(poll_site(storing, feed, "fresh", "u", &held), 30);
	assert_int_equal(held, 0);
	assert_int_equal(store_seq(storing->store), 61);
}

static void
new_ids_at_every_poll_are_one_event(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	size_t held;

	poll_site(storing, feed, "a", "t", &held);
	poll_site(storing, feed, "b", "t", &held);
	assert_int_equal(held, 30);
	poll_site(storing, feed, "c", "t", &held);
	assert_int_equal(held, 0);
	poll_site(storing, feed, "d", "t", &held);
	assert_int_equal(store_seq(storing->store), 1); /* feed.rekeyed, once */
	struct store_feed_command release = {.command = FEED_RELEASE, .id = feed, .now = 1};
	store_feed_command(storing->store, &release);
	storing_wait(storing);
	assert_int_equal(release.count, 30); /* each article once */
}

static void
renamed_and_moved_feeds(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing), id;
	struct feed_config renamed = {
		.name = "b", .url = "https://example.org/feed", .settings = &settings};
	struct feed_config moved = {
		.name = "b", .url = "https://example.org/elsewhere", .settings = &settings};

	poll(storing, feed, NEWS(storing_item("1", NULL, "one")), 1);
	storing_sync(storing, 1, &renamed, &id);
	assert_int_equal(id, feed);
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("1", NULL, "one"), storing_item("2", NULL, "two")), 2),
		1);
	ASSERT_TOLD(storing, 0, "two");
	storing_sync(storing, 1, &moved, &id);
	assert_int_equal(id, feed);
	/* another address: what stands there at first is no news */
	assert_int_equal(
		poll(storing, feed,
			NEWS(storing_item("3", NULL, "three"), storing_item("2", NULL, "two")), 2),
		1);
	ASSERT_TOLD(storing, 1, "");
}

/* A list in another order gives the bare name of a title to another of its feeds: what is known
 * goes with the address, or the news of both would pass for what stands in a new feed. */
static void
feeds_of_a_list_in_another_order(void **state)
{
	struct storing *storing = *state;
	struct feed_config before[] = {
		{.name = "news", .url = "https://a.example/", .settings = &settings},
		{.name = "news-b", .url = "https://b.example/", .settings = &settings}};
	struct feed_config after[] = {
		{.name = "news", .url = "https://b.example/", .settings = &settings},
		{.name = "news-a", .url = "https://a.example/", .settings = &settings}};
	struct feed_config apart = {
		.name = "news", .url = "https://a.example/", .settings = &settings};
	int64_t old[2], new[2];

	storing_sync(storing, 2, before, old);
	poll(storing, old[0], NEWS(storing_item("1", NULL, "one")), 1);
	poll(storing, old[1], NEWS(storing_item("2", NULL, "two")), 1);
	storing_sync(storing, 2, after, new);
	assert_int_equal(new[0], old[1]);
	assert_int_equal(new[1], old[0]);
	assert_int_equal(
		poll(storing, new[0],
			NEWS(storing_item("2", NULL, "two"), storing_item("3", NULL, "three")), 2),
		1);
	ASSERT_TOLD(storing, 0, "three");
	assert_int_equal(
		poll(storing, new[1],
			NEWS(storing_item("1", NULL, "one"), storing_item("4", NULL, "four")), 2),
		1);
	ASSERT_TOLD(storing, 1, "four");
	/* the one with the bare name has left, and the other takes the name over */
	storing_sync(storing, 1, &apart, new);
	assert_int_equal(new[0], old[0]);
}

/* A poll that began with the state of `before`, and brings an article; what the store says of it.
 */
static int
poll_late(struct storing *storing, struct feed_state *before, const char *id)
{
	static const struct identity identity;
	AUTO(arena_fini) struct arena arena = {0};
	struct item item = storing_item(id, NULL, id);
	struct document document = {.items = &item, .n_items = 1};
	struct store_poll poll = {.outcome = POLL_DOCUMENT,
		.document = &document,
		.arena = &arena,
		.state = *before,
		.now = 5,
		.plan = storing_plan};

	poll.keys = identity_keys(&document, &identity, false, &poll.sticky, &arena);
	free(poll.state.etag);
	poll.state.etag = xstrdup("of the poll");
	store_poll(storing->store, &poll);
	storing_wait(storing);
	feed_state_fini(&poll.state);
	return poll.head.result;
}

static struct feed_state
load_state(struct storing *storing, int64_t feed)
{
	struct store_load load = {.id = feed};

	store_load(storing->store, &load);
	storing_wait(storing);
	assert_int_equal(load.head.result, 0);
	return load.state;
}

/* A poll writes the whole state back: one that began before the feed got another address would give
 * the new address the validators of the old one, and its first document would be news. */
static void
a_poll_of_a_former_address_changes_nothing(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing), id;
	struct feed_config moved = {
		.name = "a", .url = "https://example.org/elsewhere", .settings = &settings};

	poll(storing, feed, NEWS(storing_item("1", NULL, "one")), 1);
	struct feed_state before = load_state(storing, feed);
	storing_sync(storing, 1, &moved, &id);
	assert_int_equal(poll_late(storing, &before, "2"), -ESTALE);
	struct feed_state now = load_state(storing, feed);
	assert_null(now.etag);
	assert_int_equal(now.first_poll_at, 0);
	feed_state_fini(&now);
	assert_int_equal(poll(storing, feed, NEWS(storing_item("2", NULL, "two")), 1), 1);
	ASSERT_TOLD(storing, 0, "");
}

static void
a_poll_undoes_no_command(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	AUTO(arena_fini) struct arena arena = {0};
	struct store_feed_command command = {.command = FEED_ACCEPT_MOVE, .id = feed, .now = 3};
	struct store_poll moves = {.outcome = POLL_UNCHANGED,
		.arena = &arena,
		.state = load_state(storing, feed),
		.plan = storing_plan};

	moves.state.moved_to = xstrdup("https://example.org/b");
	store_poll(storing->store, &moves);
	storing_wait(storing);
	assert_int_equal(moves.head.result, 0);
	feed_state_fini(&moves.state);
	struct feed_state before = load_state(storing, feed);
	store_feed_command(storing->store, &command);
	storing_wait(storing);
	assert_int_equal(command.count, 1);
	assert_int_equal(poll_late(storing, &before, "1"), -ESTALE);
	before = load_state(storing, feed);
	assert_string_equal(before.accepted_url, "https://example.org/b");
	assert_int_equal(poll_late(storing, &before, "1"), 0);
	before = load_state(storing, feed);
	assert_string_equal(before.etag, "of the poll");
	feed_state_fini(&before);
}

static void
plan_to_move(struct store_poll *poll)
{
	storing_plan(poll);
	free(poll->state.accepted_url);
	poll->state.accepted_url = xstrdup("https://example.org/accepted");
}

static void
state_comes_back_as_it_was(void **state)
{
	struct storing *storing = *state;
	struct store_load before = {.id = one_feed(storing)}, after = before;
	struct store_poll poll = {.outcome = POLL_UNCHANGED, .now = 77, .plan = plan_to_move};
	AUTO(arena_fini) struct arena arena = {0};

	store_load(storing->store, &before);
	storing_wait(storing);
	poll.arena = &arena;
	poll.state = before.state;
	char **const strings[] = {&poll.state.title, &poll.state.home_page_url,
		&poll.state.language, &poll.state.etag, &poll.state.last_modified,
		&poll.state.detail, &poll.state.moved_to, &poll.state.reason};
	int64_t *const numbers[] = {&poll.state.first_poll_at, &poll.state.last_poll_at,
		&poll.state.last_success_at, &poll.state.last_change_at, &poll.state.full_fetch_at,
		&poll.state.failing_since, &poll.state.moved_since, &poll.state.retry_after_at,
		&poll.state.silent_told_at, &poll.state.hint, &poll.state.hints.ttl,
		&poll.state.hints.update_period, &poll.state.polls, &poll.state.polls_304,
		&poll.state.items, &poll.state.bytes};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		free(*strings[i]);
		*strings[i] = xasprintf("string %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*numbers[i] = (int64_t)i + 1000;
	poll.state.body_hash = UINT64_MAX - 5;
	poll.state.health = FEED_FAILING;
	poll.state.fails = 3;
	poll.state.status = 500;
	poll.state.hints.skip_hours = 0x800001;
	poll.state.hints.skip_days = 0x41;
	memset(poll.state.schedule, 0xa5, sizeof(poll.state.schedule));
	store_poll(storing->store, &poll);
	storing_wait(storing);
	assert_int_equal(poll.head.result, 0);
	store_load(storing->store, &after);
	storing_wait(storing);
	char **const read_strings[] = {&after.state.title, &after.state.home_page_url,
		&after.state.language, &after.state.etag, &after.state.last_modified,
		&after.state.detail, &after.state.moved_to, &after.state.reason};
	int64_t *const read_numbers[] = {&after.state.first_poll_at, &after.state.last_poll_at,
		&after.state.last_success_at, &after.state.last_change_at,
		&after.state.full_fetch_at, &after.state.failing_since, &after.state.moved_since,
		&after.state.retry_after_at, &after.state.silent_told_at, &after.state.hint,
		&after.state.hints.ttl, &after.state.hints.update_period, &after.state.polls,
		&after.state.polls_304, &after.state.items, &after.state.bytes};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		assert_string_equal(*strings[i], *read_strings[i]);
	assert_string_equal(after.state.accepted_url, "https://example.org/accepted");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(*numbers[i], *read_numbers[i]);
	assert_true(after.state.body_hash == UINT64_MAX - 5);
	assert_int_equal(after.state.health, FEED_FAILING);
	assert_int_equal(after.state.fails, 3);
	assert_int_equal(after.state.status, 500);
	assert_int_equal(after.state.hints.skip_hours, 0x800001);
	assert_int_equal(after.state.hints.skip_days, 0x41);
	assert_memory_equal(
		after.state.schedule, poll.state.schedule, sizeof(after.state.schedule));
	feed_state_fini(&poll.state);
	feed_state_fini(&after.state);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, storing_setup, storing_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(first_fetch_is_silent),
		WITH_STORE(backlog_tells_the_newest),
		WITH_STORE(scheme_flip_is_no_news),
		WITH_STORE(one_guid_for_all),
		WITH_STORE(guids_that_begin_to_collide),
		WITH_STORE(link_is_the_key_without_a_guid),
		WITH_STORE(updates_are_capped),
		WITH_STORE(repeated_items_count_once),
		WITH_STORE(new_ids_of_a_site_are_one_event),
		WITH_STORE(new_ids_at_every_poll_are_one_event),
		WITH_STORE(renamed_and_moved_feeds),
		WITH_STORE(feeds_of_a_list_in_another_order),
		WITH_STORE(a_poll_of_a_former_address_changes_nothing),
		WITH_STORE(a_poll_undoes_no_command),
		WITH_STORE(state_comes_back_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
