/* test_known.c - what is known stays known: spellings of a key, edits, retention, and guids that
 * turn out not to tell items apart. */
#include "test.h"

#include "storing.h"

#define DAYS(n) ((int64_t)(n)*86400)

struct feed_now {
	struct storing *storing;
	int64_t id, now;
	struct identity identity;
	bool partial;
};

static struct feed_now
new_feed(struct storing *storing)
{
	static const struct feed_settings settings;
	struct feed_config feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	struct feed_now now = {.storing = storing, .now = 1700000000};

	storing_sync(storing, 1, &feed, &now.id);
	return now;
}

/* The feed shows these; returns how many events that was. */
static int64_t
shows(struct feed_now *feed, struct item *items, size_t n)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct store_load load = {.id = feed->id};
	struct document document = {.items = items, .n_items = n};
	struct store_poll poll = {.outcome = POLL_DOCUMENT,
		.document = &document,
		.arena = &arena,
		.partial = feed->partial,
		.now = feed->now,
		.plan = storing_plan};
	int64_t before = store_seq(feed->storing->store);

	store_load(feed->storing->store, &load);
	storing_wait(feed->storing);
	assert_int_equal(load.head.result, 0);
	poll.state = load.state;
	poll.keys = identity_keys(
		&document, &feed->identity, load.state.sticky_guid_link, &poll.sticky, &arena);
	store_poll(feed->storing->store, &poll);
	storing_wait(feed->storing);
	assert_int_equal(poll.head.result, 0);
	feed_state_fini(&poll.state);
	return store_seq(feed->storing->store) - before;
}

#define SHOWS(feed, ...)                                                                           \
	shows(feed, (struct item[]){__VA_ARGS__},                                                  \
		sizeof((struct item[]){__VA_ARGS__}) / sizeof(struct item))

static int
count_item(
	void *arg, int64_t id, const char *json, const struct rendered *fields, int64_t first_seen)
{
	struct buf *titles = arg;

	(void)id, (void)json, (void)first_seen;
	buf_printf(titles, "%s%s", titles->len ? "," : "", fields->title);
	return 0;
}

/* Titles of what is stored, newest first. */
static char *
stored(struct feed_now *feed)
{
	struct buf titles = BUF_INIT(1 << 16);
	struct view *view;
	struct view_items query = {.limit = 1000, .row = count_item, .arg = &titles};

	assert_int_equal(view_open(&view, store_path(feed->storing->store)), 0);
	assert_int_equal(view_items(view, &query), 0);
	view_close(view);
	return buf_steal(&titles);
}

#define ASSERT_STORED(feed, want)                                                                  \
	do {                                                                                       \
		AUTO(freep) char *titles = stored(feed);                                           \
		assert_string_equal(titles, want);                                                 \
	} while (0)

static int64_t
tidy(struct feed_now *feed)
{
	struct feed_settings settings = {.keep = DAYS(30)};
	struct feed_config config_feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	struct config config = {.feeds = &config_feed, .n_feeds = 1};
	struct store_tidy parcel = {.config = &config, .now = feed->now};

	store_tidy(feed->storing->store, &parcel);
	storing_wait(feed->storing);
	assert_int_equal(parcel.head.result, 0);
	return parcel.items;
}

static void
an_edit_under_a_new_spelling_of_a_torn_document(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("http://x.org/a", NULL, "a"));
	feed.partial = true;
	assert_int_equal(SHOWS(&feed, storing_item("https://x.org/a", NULL, "torn")), 0);
	ASSERT_STORED(&feed, "a");
	feed.partial = false;
	assert_int_equal(SHOWS(&feed, storing_item("https://x.org/a", NULL, "torn")), 1);
	ASSERT_STORED(&feed, "torn");
}

static void
an_edit_is_told_once_whatever_the_spelling(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("http://x.org/a", NULL, "a"));
	SHOWS(&feed, storing_item("https://x.org/a", NULL, "a"));
	assert_int_equal(SHOWS(&feed, storing_item("https://x.org/a", NULL, "b")), 1);
	assert_int_equal(SHOWS(&feed, storing_item("http://x.org/a", NULL, "b")), 0);
	assert_int_equal(SHOWS(&feed, storing_item("http://x.org/a", NULL, "c")), 1);
	assert_int_equal(SHOWS(&feed, storing_item("https://x.org/a", NULL, "c")), 0);
}

static void
what_is_listed_stays_whatever_its_spelling(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("http://x.org/a", NULL, "a"));
	feed.now += DAYS(40);
	SHOWS(&feed, storing_item("https://x.org/a", NULL, "b"));
	assert_int_equal(tidy(&feed), 0);
	ASSERT_STORED(&feed, "b");
	/* back to the first one, while the clock is back as well */
	feed.now -= DAYS(300);
	SHOWS(&feed, storing_item("http://x.org/a", NULL, "b"));
	feed.now += DAYS(300) + 3600;
	SHOWS(&feed, storing_item("https://x.org/a", NULL, "b"));
	assert_int_equal(tidy(&feed), 0);
	ASSERT_STORED(&feed, "b");
	/* and goes when it is listed no more */
	feed.now += DAYS(2);
	SHOWS(&feed, storing_item("z", NULL, "z"));
	assert_int_equal(tidy(&feed), 1);
	ASSERT_STORED(&feed, "z");
}

static void
a_guid_that_repeats_says_nothing_any_more(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("same", "http://x/1", "1"));
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/2", "2"),
				 storing_item("same", "http://x/1", "1")),
		1);
	/* alone in its document, and new all the same */
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/3", "3")), 1);
	ASSERT_STORED(&feed, "3,2,1");
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/1", "1")), 0);
}

static void
another_identity_tells_apart_what_the_guid_did_not(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("same", "http://x/1", "1"));
	feed.identity.kind = IDENTITY_GUID_LINK;
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/1", "1")), 0);
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/2", "2")), 1);
	feed.identity.kind = IDENTITY_LINK;
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/1", "1")), 0);
	assert_int_equal(SHOWS(&feed, storing_item("same", "http://x/3", "3")), 1);
	ASSERT_STORED(&feed, "3,2,1");
}

static void
an_edit_while_identities_change_is_told(void **state)
{
	struct feed_now feed = new_feed(*state);

	SHOWS(&feed, storing_item("g", "http://x/1", "1"));
	feed.identity.kind = IDENTITY_LINK;
	assert_int_equal(SHOWS(&feed, storing_item("g", "http://x/1", "one")), 1);
	ASSERT_STORED(&feed, "one");
}

/* 30 items whose guids begin with `ids`. */
static int64_t
shows_site(struct feed_now *feed, const char *ids, const char *summary)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct item items[30];

	for (int i = 0; i < 30; i++) {
		items[i] = storing_item(arena_printf(&arena, "%s%d", ids, i),
			arena_printf(&arena, "http://x/%d", i), arena_printf(&arena, "%d", i));
		items[i].summary = summary;
	}
	return shows(feed, items, 30);
}

static void
what_is_held_is_not_told_by_an_edit(void **state)
{
	struct feed_now feed = new_feed(*state);

	shows_site(&feed, "old", "s");
	assert_int_equal(shows_site(&feed, "new", "s"), 1); /* feed.rekeyed */
	assert_int_equal(shows_site(&feed, "new", "edited"), 0);
	struct store_feed_command release = {.command = FEED_RELEASE, .id = feed.id, .now = 1};
	store_feed_command(feed.storing->store, &release);
	storing_wait(feed.storing);
	assert_int_equal(release.count, 30);
	assert_int_equal(shows_site(&feed, "new", "again"), 30);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, storing_setup, storing_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_edit_under_a_new_spelling_of_a_torn_document),
		WITH_STORE(an_edit_is_told_once_whatever_the_spelling),
		WITH_STORE(what_is_listed_stays_whatever_its_spelling),
		WITH_STORE(a_guid_that_repeats_says_nothing_any_more),
		WITH_STORE(another_identity_tells_apart_what_the_guid_did_not),
		WITH_STORE(an_edit_while_identities_change_is_told),
		WITH_STORE(what_is_held_is_not_told_by_an_edit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
