/* test_config_faults.c - feedd.conf(5): every fault is told, with its line, and without secrets. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/config.h"
#include "place.h"

/* Every line but those of braces is wrong in a way of its own; the numbers are those of the lines.
 */
static const char many_faults[] =
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
	"title = \"no end\n";

static void
test_every_fault(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, many_faults), -EINVAL);
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

/* limit: includes */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
