/* test_simulate.c - the simulation never looks into the future, repeats itself, keeps its limits,
 * refuses bad traces. */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/feedctl/simulate.h"
#include "feedd/mem.h"

enum { FEEDS = 12, DAYS = 5, START = 1767571200, END = START + DAYS * 86400 };

struct result {
	char *out, *polls;
	int r;
	char fault[200];
};

static void
result_fini(struct result *result)
{
	free(result->out);
	free(result->polls);
}

static void
simulate(const char *trace, bool fixed, double budget, struct result *result)
{
	size_t out_size, polls_size;
	struct simulation simulation = {
		.polls_per_feed_per_day = budget,
		.fixed = fixed,
		.in = fmemopen((void *)(uintptr_t)trace, strlen(trace) + !*trace, "r"),
		.out = open_memstream(&result->out, &out_size),
		.polls = open_memstream(&result->polls, &polls_size),
	};

	if (!*trace)
		fgetc(simulation.in); /* fmemopen knows no empty file */
	result->r = simulate_run(&simulation, result->fault, sizeof(result->fault));
	fclose(simulation.in);
	fclose(simulation.out);
	fclose(simulation.polls);
}

/* Feeds with bursts, of rates that differ; nothing after cut_at. */
static char *
make_trace(int64_t cut_at)
{
	struct buf buf = BUF_INIT(1 << 20);
	uint32_t seed = 7;

	buf_printf(&buf, "{\"trace\":\"t\",\"start\":%d,\"end\":%d,\"feeds\":%d}\n", START, END,
		FEEDS);
	for (int feed = 0; feed < FEEDS; feed++) {
		buf_printf(&buf,
			"{\"feed\":\"f%d\",\"window\":10,\"max_age\":%d,\"dates\":%s,\"times\":[0",
			feed, feed % 3 ? 0 : 1800, feed % 4 ? "true" : "false");
		for (int64_t at = START - 5 * 86400; at < END;) {
			seed = seed * 1664525 + 1013904223;
			at += seed >> 24 < 100 ? 60 : (int64_t)(seed >> 20) * (feed + 1);
			if (at < END && at <= cut_at)
				buf_printf(&buf, ",%" PRId64, at);
		}
		buf_puts(&buf, "]}\n");
	}
	return buf_steal(&buf);
}

/* How many of the first bytes are about polls until the time. */
static size_t
bytes_until(const char *polls, int64_t at)
{
	const char *line = polls;

	while (*line && strtoll(line, NULL, 10) <= at)
		line = strchr(line, '\n') + 1;
	return (size_t)(line - polls);
}

static void
knows_no_future(void **state)
{
	(void)state;
	AUTO(freep) char *whole = make_trace(END);
	AUTO(result_fini) struct result all = {0};

	simulate(whole, false, 24, &all);
	assert_int_equal(all.r, 0);
	for (int64_t cut_at = START + 600; cut_at < END; cut_at += 40000) {
		AUTO(freep) char *part = make_trace(cut_at);
		AUTO(result_fini) struct result some = {0};

		simulate(part, false, 24, &some);
		assert_int_equal(some.r, 0);
		size_t n = bytes_until(all.polls, cut_at);

		assert_true(n > 0 || cut_at < START + 900);
		assert_int_equal(bytes_until(some.polls, cut_at), n);
		assert_memory_equal(some.polls, all.polls, n);
	}
	/* The comparison must be able to fail: later polls do differ. */
	AUTO(freep) char *half = make_trace(START + 2 * 86400);
	AUTO(result_fini) struct result cut = {0};

	simulate(half, false, 24, &cut);
	assert_string_not_equal(cut.polls, all.polls);
}

static void
repeats_itself(void **state)
{
	(void)state;
	AUTO(freep) char *trace = make_trace(END);

	for (int fixed = 0; fixed <= 1; fixed++) {
		AUTO(result_fini) struct result one = {0};
		AUTO(result_fini) struct result two = {0};

		simulate(trace, fixed, 24, &one);
		simulate(trace, fixed, 24, &two);
		assert_int_equal(one.r, 0);
		assert_string_equal(one.out, two.out);
		assert_string_equal(one.polls, two.polls);
	}
}

static void
keeps_budget_and_gaps(void **state)
{
	(void)state;
	AUTO(freep) char *trace = make_trace(END);
	const double budgets[] = {4, 24, 96};

	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
		AUTO(result_fini) struct result result = {0};
		int64_t last[FEEDS] = {0}, polls = 0, before = 0;

		simulate(trace, false, budgets[i], &result);
		for (const char *line = result.polls; *line; line = strchr(line, '\n') + 1) {
			int64_t at = strtoll(line, NULL, 10);
			long feed = strtol(strchr(line, 'f') + 1, NULL, 10);

			assert_in_range(feed, 0, FEEDS - 1);
			assert_true(at >= before && at < END);
			assert_true(last[feed] || at < START + 900);
			if (last[feed])
				assert_true(at - last[feed] >= (feed % 3 ? 60 : 1800));
			before = last[feed] = at;
			polls++;
		}
		assert_true((double)polls <= 1.02 * budgets[i] * FEEDS * DAYS);
		/* Four feeds of max_age 1800 cannot take their share of the largest budget, but
		 * others can. */
		assert_true((double)polls >= 0.95 * budgets[i] * FEEDS * DAYS);
	}
}

static void
scores_by_hand(void **state)
{
	(void)state;
	/* Polled at once, then at 60 s or later within ten minutes, then every ten minutes up to
	 * the end. The window holds one item. 999000 is backlog; of 1000000 the delay is 0; 1000001
	 * to 1000003 come before the second poll, which sees only the last of them; 1003599 comes
	 * after the last poll and waits for the end. */
	static const char trace[] =
		"{\"trace\":\"t\",\"start\":1000000,\"end\":1003600,\"feeds\":1}\n"
		"{\"feed\":\"x\",\"window\":1,\"times\":"
		"[999000,1000000,1000001,1000002,1000003,1003599,1003600,1003601]}\n";
	AUTO(result_fini) struct result result = {0};
	int polls = 0;

	simulate(trace, true, 144, &result);
	assert_int_equal(result.r, 0);
	for (const char *line = result.polls; *line; line = strchr(line, '\n') + 1)
		polls++;
	int64_t second = strtoll(strchr(result.polls, '\n') + 1, NULL, 10);
	AUTO(freep) char *want = NULL;

	assert_in_range(second, 1000060, 1000600);
	want = xasprintf(
		"{\"polls\":%d,\"items\":6,\"lost\":3,\"delay_mean_s\":%.3f,\"delay_p50_s\":0,"
		"\"delay_p90_s\":%" PRId64 ",\"delay_p99_s\":%" PRId64 "}\n",
		polls, (double)(second - 1000003) / 3, second - 1000003, second - 1000003);
	assert_string_equal(result.out, want);
}

static void
refuses_malformed_traces(void **state)
{
	(void)state;
	static const char head[] = "{\"trace\":\"t\",\"start\":1000,\"end\":2000,\"feeds\":1}\n";
	static const struct {
		const char *head, *rest, *word; /* word: stands in the message */
	} cases[] = {
		{"", "", "line 1"},
		{"", "x\n", "line 1"},
		{"", "[]\n", "line 1"},
		{"", "{\"trace\":\"t\",\"start\":1000,\"feeds\":1}\n", "end"},
		{"", "{\"trace\":\"t\",\"start\":2000,\"end\":2000,\"feeds\":1}\n", "end"},
		{"", "{\"trace\":\"t\",\"start\":\"1\",\"end\":2000,\"feeds\":1}\n", "start"},
		{"", "{\"trace\":\"t\",\"start\":1000,\"end\":2000}\n", "feeds"},
		{head, "\n", "line 2"},
		{head, "{\"feed\":\"x\",\"window\":1,\"times\":[1,2\n", "line 2"},
		{head, "{\"window\":1,\"times\":[]}\n", "feed"},
		{head, "{\"feed\":\"a b\",\"window\":1,\"times\":[]}\n", "feed"},
		{head, "{\"feed\":\"x\",\"times\":[]}\n", "window"},
		{head, "{\"feed\":\"x\",\"window\":0,\"times\":[]}\n", "window"},
		{head, "{\"feed\":\"x\",\"window\":1}\n", "times"},
		{head, "{\"feed\":\"x\",\"window\":1,\"times\":[2,1]}\n", "order"},
		{head, "{\"feed\":\"x\",\"window\":1,\"times\":[null]}\n", "times"},
		{head, "{\"feed\":\"x\",\"window\":1,\"times\":[1e300]}\n", "times"},
		{head, "{\"feed\":\"x\",\"window\":1,\"max_age\":-1,\"times\":[]}\n", "max_age"},
		{head, "{\"feed\":\"x\",\"window\":1,\"dates\":1,\"times\":[]}\n", "dates"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(result_fini) struct result result = {0};
		AUTO(freep) char *trace = xasprintf("%s%s", cases[i].head, cases[i].rest);

		simulate(trace, false, 24, &result);
		assert_int_equal(result.r, -EINVAL);
		assert_non_null(strstr(result.fault, cases[i].word));
		assert_string_equal(result.out, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_no_future),
		cmocka_unit_test(repeats_itself),
		cmocka_unit_test(keeps_budget_and_gaps),
		cmocka_unit_test(scores_by_hand),
		cmocka_unit_test(refuses_malformed_traces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
