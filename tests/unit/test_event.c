/* test_event.c - events and items as JSON, ids that stand in for missing ones, copies of a feed's
 * state. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/event.h"
#include "feedd/feed.h"

static void
item_event_has_all_members(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct author authors[] = {{"Ann", "https://a.example/", NULL}};
	struct attachment attachments[] = {{"https://x.example/a.mp3", "audio/mpeg", "A", 5, 6},
		{"https://x.example/b", NULL, NULL, -1, -1}};
	const char *tags[] = {"t\"1"};
	const char *const feed_tags[] = {"tech"};
	struct item item = {
		.id = "i",
		.url = "https://x.example/1",
		.title = "T \xe2\x82\xac",
		.content_html = "<p>a</p><p>b</p>",
		.summary = "s",
		.image = "https://x.example/i.png",
		.language = "en",
		.base_url = "https://x.example/",
		.published_at = 1795465020,
		.modified_at = DATE_NONE,
		.authors = authors,
		.n_authors = 1,
		.tags = tags,
		.n_tags = 1,
		.attachments = attachments,
		.n_attachments = 2,
		.extras = &(struct item_extras){.comments_feed_url = "https://x.example/c",
			.n_comments = -1,
			.place = "Here"},
	};
	struct event event = {
		.seq = 4711,
		.kind = EVENT_ITEM_NEW,
		.at = 1795465023,
		.feed = {"hn", "News", "https://f.example/", "https://h.example/", feed_tags, 1},
		.item = &item,
		.also_json = "[\"other\"]",
	};

	(void)state;
	item_finish(&item, &arena);
	item_finish(&item, &arena);
	AUTO(freep) char *line = event_to_json(&event);
	assert_string_equal(line,
		"{\"id\":\"i\",\"url\":\"https://x.example/1\",\"title\":\"T "
		"\xe2\x82\xac\",\"content_html\":\"<p>a</p><p>b</p>\","
		"\"content_text\":\"a\\n\\nb\",\"summary\":\"s\",\"image\":\"https://x.example/"
		"i.png\",\"date_published\":\"2026-11-23T20:17:00Z\","
		"\"authors\":[{\"name\":\"Ann\",\"url\":\"https://a.example/"
		"\"}],\"tags\":[\"t\\\"1\"],\"language\":\"en\","
		"\"attachments\":[{\"url\":\"https://x.example/a.mp3\",\"mime_type\":\"audio/"
		"mpeg\",\"title\":\"A\",\"size_in_bytes\":5,"
		"\"duration_in_seconds\":6},{\"url\":\"https://x.example/"
		"b\"}],\"_feedd\":{\"seq\":4711,\"event\":\"item.new\","
		"\"first_seen\":\"2026-11-23T20:17:03Z\",\"feed\":{\"name\":\"hn\",\"title\":"
		"\"News\",\"url\":\"https://f.example/\","
		"\"home_page_url\":\"https://h.example/"
		"\",\"tags\":[\"tech\"]},\"base_url\":\"https://x.example/"
		"\",\"comments\":{\"feed_url\":\"https://x.example/"
		"c\"},\"location\":{\"name\":\"Here\"},\"also\":[\"other\"]}}");
	assert_null(strchr(line, '\n'));
}

static void
feed_event_has_a_title_alone(void **state)
{
	struct event event = {
		.seq = 1,
		.kind = EVENT_FEED_FAILING,
		.at = 0,
		.feed = {.name = "hn"},
		.title = "hn has failed for 6 hours: HTTP 500",
	};

	(void)state;
	AUTO(freep) char *line = event_to_json(&event);
	assert_string_equal(line,
		"{\"title\":\"hn has failed for 6 hours: HTTP "
		"500\",\"_feedd\":{\"seq\":1,\"event\":\"feed.failing\","
		"\"first_seen\":\"1970-01-01T00:00:00Z\",\"feed\":{\"name\":\"hn\"}}}");
}

static void
kinds_have_names(void **state)
{
	(void)state;
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		assert_int_equal(event_kind_parse(event_kind_name((enum event_kind)kind)), kind);
	assert_int_equal(event_kind_parse("item"), -EINVAL);
	assert_int_equal(event_kind_parse(""), -EINVAL);
	assert_string_equal(feed_health_name(FEED_GONE), "gone");
	assert_string_equal(feed_format_name(FORMAT_RSS_093), "rss-0.93");
}

static void
missing_ids_are_made(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct item item = {.id = "own", .url = "http://u"};

	(void)state;
	assert_string_equal(item_event_id(&item, &arena), "own");
	item.id = NULL;
	assert_string_equal(item_event_id(&item, &arena), "http://u");
	item.url = NULL;
	item.title = "title";
	item.content_html = "<p>text";
	const char *id = item_event_id(&item, &arena);
	assert_memory_equal(id, "urn:feedd:", 10);
	assert_int_equal(strlen(id), 26);
	/* What is derived later changes nothing; what the feed says does. */
	item_finish(&item, &arena);
	assert_string_equal(item_event_id(&item, &arena), id);
	item.content_html = "<p>other";
	assert_string_not_equal(item_event_id(&item, &arena), id);
}

static void
states_are_copied_deeply(void **state)
{
	char name[] = "n", etag[] = "\"e\"";
	struct feed_state from = {.id = 7, .name = name, .etag = etag, .polls = 3}, to;

	(void)state;
	feed_state_copy(&to, &from);
	name[0] = etag[0] = 'x';
	assert_string_equal(to.name, "n");
	assert_string_equal(to.etag, "\"e\"");
	assert_null(to.title);
	assert_int_equal(to.polls, 3);
	feed_state_fini(&to);
	assert_null(to.name);
	feed_state_fini(&to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(item_event_has_all_members),
		cmocka_unit_test(feed_event_has_a_title_alone),
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(missing_ids_are_made),
		cmocka_unit_test(states_are_copied_deeply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
