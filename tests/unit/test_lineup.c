/* test_lineup.c - turns between feeds, the cursor's window, and what waits for its time. */
#include "test.h"

#include <stdlib.h>

#include "../../src/notify/lineup.h"
#include "../../src/notify/window.h"
#include "feedd/mem.h"

static struct entry *
entry_of(int64_t seq, int64_t feed)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));

	entry->seq = seq;
	entry->feed = feed;
	entry->queued_mono = seq;
	return entry;
}

static int64_t
pop_seq(struct lineup *lineup)
{
	struct entry *entry = lineup_pop(lineup);
	int64_t seq = entry ? entry->seq : 0;

	free(entry);
	return seq;
}

static void
a_flood_delays_no_other_feed(void **state)
{
	struct lineup lineup = {0};

	(void)state;
	for (int64_t seq = 1; seq <= 1000; seq++)
		lineup_push(&lineup, 7, entry_of(seq, 7));
	lineup_push(&lineup, 8, entry_of(1001, 8));
	lineup_push(&lineup, 9, entry_of(1002, 9));
	lineup_push(&lineup, 8, entry_of(1003, 8));
	assert_int_equal(lineup.n, 1003);
	assert_int_equal(lineup_oldest(&lineup)->seq, 1);
	static const int64_t expected[] = {1, 1001, 1002, 2, 1003, 3, 4};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(pop_seq(&lineup), expected[i]);
	lineup_fini(&lineup);
	assert_int_equal(lineup.n, 0);
	assert_null(lineup_pop(&lineup));
}

static void
what_is_taken_back_comes_first(void **state)
{
	struct lineup lineup = {0};

	(void)state;
	for (int64_t seq = 1; seq <= 4; seq++)
		lineup_push(&lineup, seq % 2, entry_of(seq, seq % 2));
	struct entry *first = lineup_pop(&lineup);
	assert_int_equal(first->seq, 1);
	lineup_unpop(&lineup, 1, first);
	static const int64_t expected[] = {1, 2, 3, 4};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(pop_seq(&lineup), expected[i]);
	/* Also into a line that is gone. */
	lineup_unpop(&lineup, 5, entry_of(9, 5));
	assert_int_equal(lineup.n_lines, 1);
	assert_int_equal(pop_seq(&lineup), 9);
	lineup_fini(&lineup);
}

static void
many_feeds_share_buckets(void **state)
{
	struct lineup lineup = {0};

	(void)state;
	for (int64_t feed = 0; feed < 3; feed++)
		for (int64_t seq = 0; seq < 2; seq++)
			lineup_push(&lineup, feed * 4096, entry_of(seq * 3 + feed, feed * 4096));
	for (int64_t seq = 0; seq < 6; seq++) {
		struct entry *entry = lineup_pop(&lineup);

		assert_int_equal(entry->seq, seq);
		free(entry);
	}
	assert_int_equal(lineup.n_lines, 0);
	lineup_fini(&lineup);
}

static void
the_cursor_follows_the_oldest_open(void **state)
{
	struct window window = {0};

	(void)state;
	assert_int_equal(window_cursor(&window, 10), 10);
	assert_true(window_add(&window, 14, true)); /* done ahead, as loaded */
	assert_true(window_add(&window, 12, false));
	assert_true(window_add(&window, 13, false));
	assert_false(window_add(&window, 14, false));
	assert_true(window_add(&window, 17, false));
	assert_int_equal(window_cursor(&window, 20), 11);
	window_settle(&window, 13);
	assert_int_equal(window_cursor(&window, 20), 11);
	window_settle(&window, 12);
	assert_int_equal(window_cursor(&window, 20), 16);
	window_settle(&window, 17);
	assert_int_equal(window_cursor(&window, 20), 20);
	window_settle(&window, 3);
	assert_int_equal(window.n, 0);
	window_fini(&window);
}

static void
what_was_not_looked_at_holds_the_cursor(void **state)
{
	struct window window = {0};

	(void)state;
	window_add(&window, 50, true);
	assert_int_equal(window_cursor(&window, 40), 40);
	assert_false(window_add(&window, 50, false));
	window_add(&window, 45, false);
	assert_int_equal(window_cursor(&window, 43), 43);
	assert_int_equal(window_cursor(&window, 60), 44);
	window_fini(&window);
}

static bool
is_twelve(const void *arg, int64_t seq)
{
	(void)arg;
	return seq == 12;
}

static void
a_changed_filter_forgets_what_is_open(void **state)
{
	struct window window = {0};

	(void)state;
	for (int64_t seq = 10; seq < 2000; seq++)
		window_add(&window, seq, seq == 15);
	window_forget(&window, is_twelve, NULL);
	assert_int_equal(window.n, 2);
	assert_false(window_add(&window, 12, false));
	assert_false(window_add(&window, 15, false));
	assert_int_equal(window_cursor(&window, 2000), 11);
	window_fini(&window);
}

static void
a_long_run_keeps_the_window_small(void **state)
{
	struct window window = {0};

	(void)state;
	for (int64_t seq = 1; seq <= 100000; seq++) {
		window_add(&window, seq, false);
		if (seq > 30)
			window_settle(&window, seq - 30);
		window_cursor(&window, seq);
	}
	assert_true(window.cap <= 256);
	window_fini(&window);
}

static void
bundles_come_when_they_are_due(void **state)
{
	struct waiting waiting = {0};
	static const int64_t due[] = {50, 10, 40, 20, 30, 10, 60};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(due); i++) {
		struct bundle *bundle = bundle_new(entry_of((int64_t)i, 1), 1);

		bundle->due_mono = due[i];
		waiting_push(&waiting, bundle);
	}
	assert_int_equal(waiting.n_events, 7);
	int64_t last = 0;
	for (size_t i = 0; i < 5; i++) {
		struct bundle *bundle = waiting_pop(&waiting);

		assert_true(bundle->due_mono >= last);
		last = bundle->due_mono;
		bundle_free(bundle);
	}
	assert_int_equal(waiting_first(&waiting)->due_mono, 50);
	assert_int_equal(waiting.n_events, 2);
	waiting_fini(&waiting);
	assert_null(waiting_pop(&waiting));
}

static void
bundles_are_sorted_by_seq(void **state)
{
	struct entry *a = entry_of(5, 1), *b = entry_of(2, 2), *c = entry_of(9, 3);

	(void)state;
	a->next = b;
	b->next = c;
	struct bundle *bundle = bundle_new(a, 3);
	bundle_sort(bundle);
	assert_int_equal(bundle->entries->seq, 2);
	assert_int_equal(bundle->entries->next->seq, 5);
	assert_int_equal(bundle->entries->next->next->seq, 9);
	assert_null(bundle->entries->next->next->next);
	bundle_free(bundle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_delays_no_other_feed),
		cmocka_unit_test(what_is_taken_back_comes_first),
		cmocka_unit_test(many_feeds_share_buckets),
		cmocka_unit_test(the_cursor_follows_the_oldest_open),
		cmocka_unit_test(what_was_not_looked_at_holds_the_cursor),
		cmocka_unit_test(a_changed_filter_forgets_what_is_open),
		cmocka_unit_test(a_long_run_keeps_the_window_small),
		cmocka_unit_test(bundles_come_when_they_are_due),
		cmocka_unit_test(bundles_are_sorted_by_seq),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
