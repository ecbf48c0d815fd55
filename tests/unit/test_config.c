/* test_config.c - feedd.conf(5): what it says, and what it costs. */
#include "test.h"

#include <string.h>
#include <time.h>

#include "feedd/config.h"
#include "place.h"

static void
test_defaults(void **state)
{
	struct place *place = *state;

	load_well(place, "");
	const struct config *config = place->config;
	assert_string_equal(config->state_directory, "/var/lib/feedd");
	assert_string_equal(config->socket, "/run/feedd.sock");
	assert_null(config->listen);
	assert_int_equal(config->shutdown_timeout, 5);
	assert_true(config->polls_per_feed_per_day == 24.0);
	assert_int_equal(config->max_hint, 86400);
	assert_int_equal(config->max_retry_after, 172800);
	assert_int_equal(config->max_backoff, 86400);
	assert_int_equal(config->forget, 400 * 86400);
	assert_int_equal(config->search, SEARCH_TITLE);
	assert_int_equal(config->log_level, 6);
	assert_int_equal(config->defaults->interval, 0);
	assert_int_equal(config->defaults->min_interval, 300);
	assert_int_equal(config->defaults->max_interval, 86400);
	assert_int_equal(config->defaults->timeout, 60);
	assert_int_equal(config->defaults->max_size, 16 << 20);
	assert_true(config->defaults->enabled && config->defaults->tls_verify);
	assert_int_equal(config->n_feeds, 0);
	assert_int_equal(config_host(config, "example.org")->gap_ms, 1000);
	assert_int_equal(config_host(config, "example.org")->connections, 2);
}

static void
test_state_directory(void **state)
{
	struct place *place = *state;

	setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
	load_well(place, "");
	assert_string_equal(place->config->state_directory, "/var/lib/one");
	load_well(place, "state_directory = /srv/feedd\n");
	assert_string_equal(place->config->state_directory, "/srv/feedd");
}

static void
test_feed(void **state)
{
	struct place *place = *state;

	load_well(place,
		"feed \"hn\" {\n"
		"\turl = \"https://me:s%20t@news.example/rss\"\n"
		"\tinterval = \"10m\"\n"
		"\ttags = {\"tech\", 'news', bare}\n"
		"\ttags += {\"more\"}\n"
		"\tbacklog = \"all\"\n"
		"\tidentity = \"[?]utm.*$\"\n"
		"\tmax_size = \"64KiB\" private = yes http = \"1.1\" weight = 2.5\n"
		"}\n"
		"timeout = \"7s\"   # holds for feeds above too\n"
		"feed b { url = /srv/feed.xml }\n"
		"feed 'c' { url = \"file:///srv/feed.xml\" timeout = 9s keep = forever }\n");
	const struct feed_config *hn = config_feed(place->config, "hn");
	assert_non_null(hn);
	assert_string_equal(hn->url, "https://news.example/rss");
	assert_string_equal(hn->settings->username, "me");
	assert_string_equal(hn->settings->password, "s t");
	assert_int_equal(hn->settings->interval, 600);
	assert_int_equal(hn->tags.n, 4);
	assert_string_equal(hn->tags.at[3], "more");
	assert_true(hn->settings->backlog == BACKLOG_ALL);
	assert_int_equal(hn->settings->identity.kind, IDENTITY_REGEX);
	assert_int_equal(hn->settings->max_size, 65536);
	assert_true(hn->settings->private);
	assert_int_equal(hn->settings->timeout, 7);
	assert_int_equal(hn->line, 1);
	assert_int_equal(config_feed(place->config, "b")->settings->timeout, 7);
	assert_int_equal(config_feed(place->config, "c")->settings->timeout, 9);
	assert_int_equal(config_feed(place->config, "c")->settings->keep, 0);
	assert_ptr_equal(config_feed(place->config, "b")->settings, place->config->defaults);
	assert_null(config_feed(place->config, "d"));
}

static void
test_hosts(void **state)
{
	struct place *place = *state;

	load_well(place,
		"host \"Reddit.com\" { gap = \"61s\" connections = 1 subdomains = true }\n"
		"host \"127.0.0.1\" { gap = \"0s\" connections = 64 gate = \"feed\" }\n"
		"host \"[::1]\" { gap = \"500ms\" }\n"
		"host \"*\" { connections = 3 }\n"
		"host \"only.example\" { gap = 2s }\n");
	const struct config *config = place->config;
	assert_int_equal(config_host(config, "www.old.reddit.com")->gap_ms, 61000);
	assert_int_equal(config_host(config, "reddit.com")->connections, 1);
	assert_string_equal(config_host(config, "notreddit.com")->host, "*");
	assert_int_equal(config_host(config, "notreddit.com")->connections, 3);
	assert_true(config_host(config, "127.0.0.1")->gate_feed);
	assert_int_equal(config_host(config, "127.0.0.1")->gap_ms, 0);
	assert_int_equal(config_host(config, "::1")->gap_ms, 500);
	/* what a block leaves open is as "*" has it */
	assert_int_equal(config_host(config, "::1")->connections, 3);
	assert_string_equal(config_host(config, "sub.only.example")->host, "*");
}

static void
test_notify(void **state)
{
	struct place *place = *state;

	load_well(place,
		"notify \"slack\" {\n"
		"\texec = {\"/bin/sh\", \"-c\", \"exit \\\"0\\\"\"}\n"
		"\tfeeds = {\"hn\", \"tag:security\", \"k-*\"}\n"
		"\n"
		"\twhere = \"title REGEXP 'CVE-[0-9]+' AND tags LIKE '%security%'\"\n"
		"}\n"
		"notify web { webhook = \"https://h.example/x\" secret = {\"whsec_YWJj\", plain} "
		"retries = 3 "
		"at = \"07:30\" events = {\"item.new\", \"feed.gone\"} duplicates = suppress }\n"
		"notify log { file = \"/tmp/x.jsonl\" }\n");
	assert_int_equal(place->config->n_notifies, 3);
	const struct notify_config *log = &place->config->notifies[0];
	const struct notify_config *slack = &place->config->notifies[1];
	const struct notify_config *web = &place->config->notifies[2];
	assert_int_equal(log->kind, NOTIFY_FILE);
	assert_int_equal(slack->kind, NOTIFY_EXEC);
	assert_int_equal(slack->exec.n, 3);
	assert_string_equal(slack->exec.at[2], "exit \"0\"");
	assert_int_equal(slack->where_line, 5);
	assert_int_equal(slack->retries, -1);
	assert_int_equal(slack->retry_for, 3 * 86400);
	assert_int_equal(slack->concurrency, 4);
	assert_int_equal(slack->batch, 1);
	assert_int_equal(slack->events.n, 1);
	assert_string_equal(slack->events.at[0], "item.new");
	assert_int_equal(web->kind, NOTIFY_WEBHOOK);
	assert_int_equal(web->secrets.n, 2);
	assert_int_equal(web->retries, 3);
	assert_true(web->duplicates_suppress);
	/* "hn" is no feed: most likely a slip of the pen, but the feed may also have left */
	assert_true(
		is_told(place->faults.warnings, place->faults.n_warnings, "feedd.conf", 1, "hn"));
}

static void
test_selects(void **state)
{
	const char *tags[] = {"security", "daily"}, *by[] = {"tag:security", "k-*"};
	struct string_list with = {tags, 2}, without = {0}, selectors = {by, 2}, all = {0};

	(void)state;
	assert_true(config_selects(&all, "x", &without));
	assert_true(config_selects(&selectors, "x", &with));
	assert_true(config_selects(&selectors, "k-1", &without));
	assert_false(config_selects(&selectors, "x", &without));
}

static void
test_subscriptions(void **state)
{
	struct place *place = *state;

	put(place, "one.opml",
		"<opml version=\"2.0\"><body>\n"
		"<outline text=\"News\"><outline text=\"Taken\" "
		"xmlUrl=\"http://taken.example/\"/>\n"
		"<outline text=\"Plain\" "
		"xmlUrl=\"https://plain.example/?a=1&amp;b=2\"/></outline>\n"
		"<outline text=\"a\" xmlUrl=\"http://other.example/\"/>\n"
		"<outline text=\"odd\" xmlUrl=\"file:///etc/passwd\"/>\n"
		"<outline text=\"locked\" xmlUrl=\"https://u:p@locked.example/\"/>\n"
		"</body></opml>\n",
		0600);
	put(place, "two.opml",
		"<opml><body><outline text=\"Plain\" "
		"xmlUrl=\"https://plain.example/?a=1&amp;b=2\"/>"
		"<outline text=\"Plain\" xmlUrl=\"https://plain2.example/\"/></body></opml>",
		0600);
	const char *text = "feed a { url = \"http://taken.example/\" }\ntags = {\"all\"}\n"
			   "subscriptions = {\"*.opml\"}\n";
	load_well(place, text);
	const struct config *config = place->config;
	assert_int_equal(config->n_feeds, 5);
	const struct feed_config *plain = config_feed(config, "plain");
	assert_non_null(plain);
	assert_string_equal(plain->url, "https://plain.example/?a=1&b=2");
	assert_string_equal(plain->title, "Plain");
	assert_int_equal(plain->tags.n, 1);
	assert_string_equal(plain->tags.at[0], "News");
	assert_ptr_equal(plain->settings, config->defaults);
	assert_string_equal(config_feed(config, "a")->url, "http://taken.example/");
	assert_string_equal(config_feed(config, "locked")->settings->password, "p");
	assert_string_equal(config_feed(config, "locked")->url, "https://locked.example/");
	assert_int_equal(place->faults.n_warnings, 1);
	for (size_t i = 1; i < config->n_feeds; i++)
		assert_true(strcmp(config->feeds[i - 1].name, config->feeds[i].name) < 0);

	put(place, "two.opml", "<opml><body>\n<outline></body></opml>", 0600);
	chmod(path_of(place, "one.opml"), 0644);
	assert_int_equal(load(place, text), -EINVAL);
	expect(place, "two.opml", 2, "");
	expect(place, "one.opml", 6, "everybody");
}

static void
test_option_names(void **state)
{
	AUTO(arena_fini) struct arena arena = {0};
	const char *const *names = config_option_names(&arena);
	size_t n = 0;

	(void)state;
	for (; names[n]; n++)
		assert_non_null(strchr(names[n], '.'));
	assert_true(n > 60);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
test_linear(void **state)
{
	struct place *place = *state;
	double took[2];

	for (int round = 0; round < 2; round++) {
		struct buf text = BUF_INIT(16 << 20);
		int n = round == 0 ? 400 : 4000;
		for (int i = 0; i < n; i++)
			buf_printf(&text,
				"feed f%d { url = \"http://x/%d\" interval = \"10m\" tags = {a, b} "
				"}\n",
				i * 7919 % n, i);
		double start = seconds();
		load_well(place, text.data);
		took[round] = seconds() - start;
		assert_int_equal(place->config->n_feeds, n);
		buf_fini(&text);
	}
	assert_true(took[1] < took[0] * 30 + 0.02);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_feed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify, setup, teardown),
		cmocka_unit_test(test_selects),
		cmocka_unit_test_setup_teardown(test_subscriptions, setup, teardown),
		cmocka_unit_test(test_option_names),
		cmocka_unit_test_setup_teardown(test_linear, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
