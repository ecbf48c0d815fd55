/* test_config.c - feedd.conf(5): what it says, every fault with its line, and what it costs. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "feedd/config.h"

/* A folder with files, and the configuration that was read from it last. */
struct place {
	char folder[64];
	struct config *config;
	struct config_faults faults;
};

static int
setup(void **state)
{
	struct place *place = xcalloc(1, sizeof(*place));

	strcpy(place->folder, "/tmp/feedd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	unsetenv("STATE_DIRECTORY");
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = place;
	return 0;
}

static void
forget(struct place *place)
{
	config_free(place->config);
	config_faults_fini(&place->faults);
	place->config = NULL;
}

static int
teardown(void **state)
{
	struct place *place = *state;
	char command[128];

	forget(place);
	snprintf(command, sizeof(command), "rm -rf %s", place->folder);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

static const char *
path_of(const struct place *place, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	return path;
}

static void
put(const struct place *place, const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(place, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(place, name), mode), 0);
}

static int
load(struct place *place, const char *text)
{
	forget(place);
	put(place, "feedd.conf", text, 0600);
	return config_load(path_of(place, "feedd.conf"), &place->config, &place->faults);
}

static void
load_well(struct place *place, const char *text)
{
	int rc = load(place, text);

	for (size_t i = 0; i < place->faults.n; i++)
		print_message("%s\n", place->faults.at[i]);
	assert_int_equal(rc, 0);
	assert_int_equal(place->faults.n, 0);
}

/* True if a fault (or warning) begins with FILE:LINE: and holds the words. */
static bool
is_told(char *const *at, size_t n, const char *file, int line, const char *words)
{
	char where[128];

	snprintf(where, sizeof(where), "/%s:%d: ", file, line);
	for (size_t i = 0; i < n; i++) {
		const char *found = strstr(at[i], where);
		if (found && strstr(found, words))
			return true;
	}
	return false;
}

static void
expect(const struct place *place, const char *file, int line, const char *words)
{
	const struct config_faults *faults = &place->faults;

	if (is_told(faults->at, faults->n, file, line, words))
		return;
	for (size_t i = 0; i < faults->n; i++)
		print_message("%s\n", faults->at[i]);
	fail_msg("no fault %s:%d: %s", file, line, words);
}

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
test_every_fault(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		load(place,
			"foo = 3\n"							    /* 1 */
			"bar = { 1, 2 }\n"						    /* 2 */
			"interval = \"3\"\n"						    /* 3 */
			"feed \"a\" {\n"						    /* 4 */
			"\turl = \"gopher://x/\"\n"					    /* 5 */
			"\tbaz = 1\n"							    /* 6 */
			"\tqux = {\"a\"}\n"						    /* 7 */
			"\tkeep = \"9q\" timeout = \"-1s\"\n"				    /* 8 */
			"\ttags = { \"a\" \"b\" }\n"					    /* 9 */
			"\tidentity = \"(\"\n"						    /* 10 */
			"}\n"								    /* 11 */
			"feed \"b c\" { }\n"						    /* 12 */
			"feed \"a\" { url = \"http://x/\" }\n"				    /* 13 */
			"host \"h:80\" { gap = 1 }\n"					    /* 14 */
			"notify n { exec = {\"relative\"} file = /x events = {\"new\"} }\n" /* 15 */
			"wibble \"x\" { a = b c = { d } e \"f\" { } }\n"		    /* 16 */
			"}\n"								    /* 17 */
			"log = loud\n"							    /* 18 */
			"x y z\n"							    /* 19 */
			"max_size = \"10MB\"\n"						    /* 20 */
			"nosuch(\"x\")\n"						    /* 21 */
			"user_agent = \"\\400\"\n"					    /* 22 */
			"password = p\n"						    /* 23 */
			"title = \"no end\n"),
		-EINVAL);
	expect(place, "feedd.conf", 1, "\"foo\"");
	expect(place, "feedd.conf", 2, "\"bar\"");
	expect(place, "feedd.conf", 3, "interval");
	expect(place, "feedd.conf", 5, "url");
	expect(place, "feedd.conf", 6, "\"baz\"");
	expect(place, "feedd.conf", 7, "\"qux\"");
	expect(place, "feedd.conf", 8, "keep");
	expect(place, "feedd.conf", 8, "timeout");
	expect(place, "feedd.conf", 9, "comma");
	expect(place, "feedd.conf", 10, "identity");
	expect(place, "feedd.conf", 12, "b c");
	expect(place, "feedd.conf", 12, "url");
	expect(place, "feedd.conf", 13, "already");
	expect(place, "feedd.conf", 14, "port");
	expect(place, "feedd.conf", 14, "gap");
	expect(place, "feedd.conf", 15, "exactly one");
	expect(place, "feedd.conf", 15, "absolute");
	expect(place, "feedd.conf", 15, "events");
	expect(place, "feedd.conf", 16, "wibble");
	expect(place, "feedd.conf", 17, "}");
	expect(place, "feedd.conf", 18, "log");
	expect(place, "feedd.conf", 19, "missing");
	expect(place, "feedd.conf", 20, "max_size");
	expect(place, "feedd.conf", 21, "nosuch");
	expect(place, "feedd.conf", 22, "escape");
	expect(place, "feedd.conf", 23, "password");
	expect(place, "feedd.conf", 24, "no end");
	assert_int_equal(place->faults.n, 27);
	assert_null(place->config);
}

static void
test_unclosed(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place,
				 "feed a {\n\turl = \"http://x/\"\n\n"
				 "feed b {\n\turl = \"http://y/\"\n\tnope = 1\n}\nfoo = 1\n"),
		-EINVAL);
	expect(place, "feedd.conf", 4, "line 1");
	expect(place, "feedd.conf", 6, "nope");
	expect(place, "feedd.conf", 8, "foo");
	assert_int_equal(load(place, "tags = {\"a\",\n\"b\"\ninterval = \"1x\"\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "closed");
	expect(place, "feedd.conf", 3, "interval");
	assert_int_equal(load(place, "feed a {\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "closed");
	assert_int_equal(load(place, "/* for ever\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "comment");
	/* the lexer is as new after a string that it did not see the end of */
	load_well(place, "feed a { url = \"http://x/\" }\n");
}

static void
test_intervals(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		load(place, "feed a { url = \"http://x/\"\n interval = \"1m\" }\n"), -EINVAL);
	expect(place, "feedd.conf", 2, "min_interval");
	load_well(
		place, "feed a { url = \"http://x/\" interval = \"1m\" min_interval = \"1s\" }\n");
	assert_int_equal(load(place, "interval = \"1m\"\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "min_interval");
	/* where it stands does not matter */
	load_well(place, "interval = \"1m\"\nmin_interval = \"1m\"\n");
	assert_int_equal(load(place, "min_interval = \"2d\"\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "max_interval");
	load_well(place, "interval = \"7d\"\n");
}

static void
test_durations_and_sizes(void **state)
{
	static const char *const bad[] = {"90", "1.5h", "-1s", "1 h", "1w", "s", "", "1h30m", "h1",
		"99999999999999999999s", "0x10s", "inf"};
	static const char *const bad_sizes[] = {
		"1KB", "1M", "-1", "1.5MiB", "MiB", "", "2GiB", "1"};
	struct place *place = *state;
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "keep_events = \"%s\"\n", bad[i]);
		assert_int_equal(load(place, text), -EINVAL);
		expect(place, "feedd.conf", 1, "keep_events");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
		snprintf(text, sizeof(text), "max_size = \"%s\"\n", bad_sizes[i]);
		assert_int_equal(load(place, text), -EINVAL);
		expect(place, "feedd.conf", 1, "max_size");
	}
	load_well(place, "keep_events = \"6h\"\nmax_size = 4096\nrekeyed_timeout = \"0s\"\n");
	assert_int_equal(place->config->keep_events, 21600);
	assert_int_equal(place->config->defaults->max_size, 4096);
}

static void
test_include(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkdir(path_of(place, "feeds.d"), 0700), 0);
	put(place, "feeds.d/b.conf", "feed b { url = \"http://b/\" }\n", 0600);
	put(place, "feeds.d/a.conf", "\nfeed a { url = \"http://a/\" }\ninclude(\"sub/*.conf\")\n",
		0600);
	load_well(place, "include(\"feeds.d/*.conf\")\ninclude(\"none.d/*.conf\")\n");
	assert_int_equal(place->config->n_feeds, 2);
	assert_string_equal(strrchr(place->config->feeds[0].file, '/'), "/a.conf");
	assert_int_equal(place->config->feeds[0].line, 2);

	put(place, "feeds.d/c.conf", "feed a { url = \"http://x/\" }\nnope = 1\n", 0600);
	assert_int_equal(load(place, "include(\"feeds.d/*.conf\")\nwrong = 1\n"), -EINVAL);
	expect(place, "c.conf", 2, "nope");
	expect(place, "feedd.conf", 2, "wrong");
	assert_int_equal(place->faults.n, 3);

	assert_int_equal(load(place, "include(\"missing.conf\")\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "missing.conf");
	assert_int_equal(load(place, "\ninclude(\"feedd.conf\")\n"), -EINVAL);
	expect(place, "feedd.conf", 2, "itself");
}

static void
test_include_depth(void **state)
{
	struct place *place = *state;
	char name[32], text[64];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include(\"%d.conf\")\n", i + 1);
		put(place, name, text, 0600);
	}
	assert_int_equal(load(place, "include(\"0.conf\")\n"), -EINVAL);
	assert_int_equal(place->faults.n, 1);
	expect(place, "14.conf", 1, "deep");
}

static void
test_secrets(void **state)
{
	static const char *const secrets[] = {"feed a { url = \"http://x/\"\npassword = p }\n",
		"feed a {\nurl = \"http://u:p@x/\" }\n",
		"feed a { url = \"http://x/\"\nproxy = \"http://u:p@x/\" }\n",
		"feed a { url = \"http://x/\"\nheaders = {\"Authorization: Bearer x\"} }\n",
		"notify n { webhook = \"http://x/\"\nsecret = s }\n"};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		load_well(place, secrets[i]);
		forget(place);
		put(place, "feedd.conf", secrets[i], 0644);
		assert_int_equal(
			config_load(path_of(place, "feedd.conf"), &place->config, &place->faults),
			-EINVAL);
		expect(place, "feedd.conf", 2, "everybody");
	}
	forget(place);
	put(place, "feedd.conf", "feed a { url = \"http://x/\" }\n", 0644);
	assert_int_equal(
		config_load(path_of(place, "feedd.conf"), &place->config, &place->faults), 0);
}

static void
test_faults_keep_secrets(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		load(place,
			"feed a { url = \"ftp://u:hunter2@x/\" proxy = \"u:hunter2@x\" }\n"
			"notify n { webhook = \"hunter2@x\" secret = \"whsec_hunter2!\" }\n"),
		-EINVAL);
	for (size_t i = 0; i < place->faults.n; i++)
		assert_null(strstr(place->faults.at[i], "hunter2"));
}

static void
test_credentials(void **state)
{
	struct place *place = *state;

	const char *text = "feed a { url = \"http://x/\" username = u\ncredential = pw }\n"
			   "notify n { webhook = \"http://x/\" credential = two }\n";
	assert_int_equal(load(place, text), -EINVAL);
	expect(place, "feedd.conf", 1, "CREDENTIALS_DIRECTORY");
	setenv("CREDENTIALS_DIRECTORY", place->folder, 1);
	assert_int_equal(load(place, text), -EINVAL);
	expect(place, "feedd.conf", 1, "No such file");
	put(place, "pw", "secret word\n", 0400);
	put(place, "two", "one\nwhsec_YWJj\n", 0400);
	load_well(place, text);
	assert_string_equal(config_feed(place->config, "a")->settings->password, "secret word");
	assert_int_equal(place->config->notifies[0].secrets.n, 2);
	assert_string_equal(place->config->notifies[0].secrets.at[1], "whsec_YWJj");
	assert_int_equal(
		load(place, "feed a { url = \"http://x/\" credential = \"../pw\" }\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "without a path");
}

static void
test_warnings(void **state)
{
	struct place *place = *state;

	load_well(place,
		"listen = \"0.0.0.0:8470\"\n"
		"notify a { exec = {\"/nonexistent/hook\"} }\n"
		"notify b { file = \"/nonexistent/dir/file\" }\n");
	assert_int_equal(place->faults.n_warnings, 3);
	load_well(place, "listen = \"127.0.0.1:8470\"\n");
	assert_int_equal(place->faults.n_warnings, 0);
	load_well(place, "listen = \"[::1]:8470\"\n");
	assert_int_equal(place->faults.n_warnings, 0);
	assert_int_equal(load(place, "listen = \"example.org:80\"\n"), -EINVAL);
	assert_int_equal(load(place, "listen = \"127.0.0.1\"\n"), -EINVAL);
	assert_int_equal(load(place, "listen = \"127.0.0.1:99999\"\n"), -EINVAL);
}

static void
test_odd_files(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		config_load(path_of(place, "none.conf"), &place->config, &place->faults), -EINVAL);
	expect(place, "none.conf", 1, "No such file");
	forget(place);
	assert_int_equal(config_load(place->folder, &place->config, &place->faults), -EINVAL);
	assert_int_equal(place->faults.n, 1);
	load_well(place, "\xef\xbb\xbf# with a mark\r\nlog = info\r\n");
	assert_int_equal(load(place, "user_agent = \"\xff\"\n"), -EINVAL);
	expect(place, "feedd.conf", 1, "UTF-8");
	setenv("FEEDD_TEST_NAME", "from-environment", 1);
	load_well(place, "user_agent = \"x/${FEEDD_TEST_NAME}/${FEEDD_TEST_NONE:-none}/\\${A}\"\n");
	assert_string_equal(place->config->defaults->user_agent, "x/from-environment/none/${A}");
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

/* The cost of a feed must not grow with their number: ten times as many may cost no more than
 * thirty times. */
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
		cmocka_unit_test_setup_teardown(test_every_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unclosed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intervals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_durations_and_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_include, setup, teardown),
		cmocka_unit_test_setup_teardown(test_include_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults_keep_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subscriptions, setup, teardown),
		cmocka_unit_test(test_option_names),
		cmocka_unit_test_setup_teardown(test_linear, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
