/* test_notify.c - delivery from a log to real hooks and files, over a store that lives in memory.
 */
#include "notify_bench.h"

#include "../../src/notify/notifier.h"

static void
events_reach_the_hook_in_order(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	for (int i = 0; i < 3; i++)
		add_event(1);
	begin(&one, false); /* a new one: from the end of the log on */
	run_until_idle();
	assert_int_equal(db.cursor, 3);
	add_event(1);
	add_event(1);
	notify_wake(notify);
	run_until_idle();
	assert_out("{\"seq\":4}\n{\"seq\":5}\n");
	assert_int_equal(db.cursor, 5);
	assert_int_equal(db.rows[4].state, DELIVERY_DONE);
	assert_int_equal(db.rows[5].attempts, 1);
	assert_int_equal(status_now().delivered, 2);
	stop(1000);
}

static void
feeds_take_turns(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 0;
	for (int i = 0; i < 6; i++)
		add_event(1);
	add_event(2);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":7}\n{\"seq\":2}\n{\"seq\":3}\n{\"seq\":4}\n{\"seq\":5}\n"
		   "{\"seq\":6}\n");
	assert_int_equal(db.cursor, 7);
	stop(1000);
}

static void
batches_are_sent_together(void **state)
{
	struct notify_config one = config_of("cat >> $0; echo end >> $0");

	(void)state;
	db.cursor = 0;
	one.batch = 3;
	for (int i = 0; i < 5; i++)
		add_event(i % 2);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\nend\n{\"seq\":4}\n{\"seq\":5}\nend\n");
	stop(1000);
}

static void
a_batch_waits_for_more(void **state)
{
	struct notify_config one = config_of("cat >> $0; echo end >> $0");

	(void)state;
	db.cursor = 0;
	one.batch = 3;
	one.batch_wait = 60;
	add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_out("");
	assert_int_equal(status_now().queued, 1);
	add_event(1);
	add_event(2);
	notify_wake(notify);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\nend\n");
	stop(1000);
}

static void
a_failure_waits_and_holds_up_nothing(void **state)
{
	struct notify_config one =
		config_of("read l; echo \"$l\" >> $0; case $l in *1*) exit 3;; esac");

	(void)state;
	db.cursor = 0;
	add_event(1);
	add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n");
	assert_int_equal(db.cursor, 2);
	assert_int_equal(db.rows[1].state, DELIVERY_WAITING);
	assert_int_equal(db.rows[1].attempts, 1);
	assert_int_equal(db.rows[1].next_at - db.rows[1].at, 5);
	assert_int_equal(db.rows[2].state, DELIVERY_DONE);
	assert_int_equal(status_now().waiting, 1);
	assert_string_equal(status_now().last_error, "exit status 3");
	stop(1000);
}

static void
not_now_uses_up_no_retry(void **state)
{
	struct notify_config one = config_of("exit 75");

	(void)state;
	db.cursor = 0;
	one.retries = 0;
	one.retry_for = 1;
	add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_int_equal(db.rows[1].state, DELIVERY_WAITING);
	assert_int_equal(db.rows[1].attempts, 0);
	stop(1000);
}

static void
count_retried(void *arg, int64_t count)
{
	*(int64_t *)arg = count;
}

static void
what_is_set_aside_can_be_sent_again(void **state)
{
	struct notify_config one = config_of("test -e $0 && cat >> $0");
	int64_t count = -1;

	(void)state;
	db.cursor = 0;
	one.retries = 0;
	add_event(1);
	add_event(2);
	begin(&one, false);
	run_until_idle();
	assert_int_equal(db.rows[1].state, DELIVERY_FAILED);
	assert_int_equal(status_now().failed, 2);
	fclose(fopen(out_path, "we"));
	notify_retry(notify, 2, count_retried, &count);
	run_until_idle();
	assert_int_equal(count, 1);
	assert_out("{\"seq\":2}\n");
	notify_retry(notify, 0, count_retried, &count);
	run_until_idle();
	assert_int_equal(count, 1);
	assert_out("{\"seq\":2}\n{\"seq\":1}\n");
	assert_int_equal(db.rows[1].state, DELIVERY_DONE);
	assert_int_equal(status_now().failed, 0);
	stop(1000);
}

static void
a_set_out_of_tries_is_taken_apart(void **state)
{
	struct notify_config one =
		config_of("x=$(cat); case $x in *2*) exit 1;; esac; echo \"$x\" >> $0");

	(void)state;
	db.cursor = 0;
	one.batch = 10;
	one.retries = 0;
	for (int i = 0; i < 3; i++)
		add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":3}\n");
	assert_int_equal(db.rows[1].state, DELIVERY_DONE);
	assert_int_equal(db.rows[2].state, DELIVERY_FAILED);
	assert_int_equal(db.rows[3].state, DELIVERY_DONE);
	stop(1000);
}

static void
a_missing_program_fails_the_delivery(void **state)
{
	struct notify_config one = config_of("");

	(void)state;
	if (getenv("FEEDD_VALGRIND"))
		skip(); /* there posix_spawn forks, and cannot say that exec failed */
	db.cursor = 0;
	one.exec.at[0] = "/nonexistent/hook";
	add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_int_equal(db.rows[1].state, DELIVERY_WAITING);
	assert_string_equal(status_now().last_error, "No such file or directory");
	stop(1000);
}

static void
what_was_done_ahead_is_not_repeated(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 1;
	for (int i = 0; i < 5; i++)
		add_event(1);
	db.rows[1] = (struct delivery){.seq = 1, .state = DELIVERY_WAITING, .attempts = 1};
	db.rows[3] = (struct delivery){.seq = 3, .state = DELIVERY_DONE, .attempts = 1};
	db.rows[4] = (struct delivery){.seq = 4, .state = DELIVERY_FAILED, .attempts = 1};
	db.rows[4].state = DELIVERY_DONE;
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":5}\n");
	assert_int_equal(db.cursor, 5);
	stop(1000);
}

static void
no_hook_runs_on_while_the_disk_is_full(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 0;
	db.deliver_result = -ENOSPC;
	one.concurrency = 2;
	for (int i = 0; i < 20; i++)
		add_event(i);
	begin(&one, false);
	while (db.n_delivers < 1)
		ev_run(loop, EVRUN_ONCE);
	for (int i = 0; i < 50; i++)
		ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(db.cursor, 0);
	assert_true(status_now().delivered <= 2);
	assert_false(notify_is_idle(notify));
	stop(5000);
	assert_int_equal(db.cursor, 0);
}

static void
stopping_kills_after_the_grace(void **state)
{
	struct notify_config one = config_of("sleep 60");

	(void)state;
	db.cursor = 0;
	add_event(1);
	begin(&one, false);
	while (status_now().in_flight == 0)
		ev_run(loop, EVRUN_ONCE);
	for (int i = 0; i < 10; i++)
		ev_run(loop, EVRUN_NOWAIT);
	stop(50);
	assert_int_equal(db.rows[1].attempts, -1); /* as if it had not been begun */
	assert_int_equal(db.cursor, 0);
}

static void
once_tries_each_once(void **state)
{
	struct notify_config one = config_of("cat >> $0; exit 1");

	(void)state;
	db.cursor = 1;
	add_event(1);
	add_event(1);
	db.rows[1] = (struct delivery){.seq = 1,
		.state = DELIVERY_WAITING,
		.attempts = 1,
		.first_at = time(NULL),
		.next_at = time(NULL) + 3600};
	begin(&one, true);
	run_until_idle();
	assert_true(notify_had_failures(notify));
	assert_out("{\"seq\":1}\n{\"seq\":2}\n");
	assert_int_equal(db.rows[1].attempts, 2);
	assert_int_equal(db.rows[2].attempts, 1);
	stop(1000);
}

static void
once_leaves_a_dead_hook_after_ten(void **state)
{
	struct notify_config one = config_of("exit 1");
	int tried = 0;

	(void)state;
	db.cursor = 0;
	for (int i = 0; i < 30; i++)
		add_event(1);
	begin(&one, true);
	run_until_idle();
	for (int64_t seq = 1; seq <= 30; seq++)
		tried += db.rows[seq].attempts >= 0;
	assert_int_equal(tried, 10);
	assert_true(notify_had_failures(notify));
	stop(1000);
}

static void
a_file_gets_the_log_in_order(void **state)
{
	struct notify_config one = config_of(NULL);

	(void)state;
	db.cursor = 0;
	for (int i = 0; i < 4; i++)
		add_event(i % 3);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n{\"seq\":4}\n");
	assert_int_equal(db.cursor, 4);
	stop(1000);
}

static void
a_file_that_fails_waits_in_order(void **state)
{
	struct notify_config one = config_of(NULL);

	(void)state;
	db.cursor = 0;
	one.path = "/nonexistent/file";
	one.retries = 0;
	add_event(1);
	add_event(2);
	begin(&one, false);
	run_until_idle();
	assert_int_equal(db.cursor, 0);
	assert_int_equal(db.rows[1].attempts, -1);
	assert_int_equal(status_now().queued, 2);
	one.path = out_path;
	configure(&one); /* a reload opens it anew */
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n");
	assert_int_equal(db.cursor, 2);
	stop(1000);
}

static void
a_large_backlog_is_rendered_in_parts(void **state)
{
	struct notify_config one = config_of("wc -l >> $0");

	(void)state;
	db.cursor = 0;
	one.batch = 1000;
	for (int i = 0; i < 250; i++)
		add_event(i % 2);
	begin(&one, false);
	run_until_idle();
	assert_out("100\n100\n50\n");
	assert_int_equal(db.cursor, 250);
	stop(1000);
}

static void
events_that_are_gone_hold_up_nothing(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 0;
	db.log_start = 3;
	for (int i = 0; i < 3; i++)
		add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":3}\n");
	assert_int_equal(db.cursor, 3);
	stop(1000);
}

static void
too_many_an_hour_end_in_a_summary(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 0;
	one.max_per_hour = 2;
	for (int i = 0; i < 6; i++)
		add_event(1);
	begin(&one, false);
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n");
	assert_int_equal(status_now().queued, 4);
	assert_int_equal(db.cursor, 2);
	/* The hour is over, and more was held back than the next one allows. */
	notify->notifiers->quota.began_mono -= (int64_t)3600 * 1000;
	notify_wake(notify);
	run_until_idle();
	assert_out(
		"{\"seq\":1}\n{\"seq\":2}\n"
		"{\"id\":\"urn:feedd:summary:n:6\",\"title\":\"4 more events were held back\","
		"\"content_text\":\"one: 4\\n\",\"_feedd\":{\"seq\":6,\"event\":\"notify.summary\","
		"\"notify\":\"n\",\"held\":{\"count\":4,\"first_seq\":3,\"last_seq\":6,"
		"\"feeds\":{\"one\":4}}}}\n");
	assert_int_equal(db.cursor, 6);
	assert_int_equal(db.rows[4].state, DELIVERY_DONE);
	stop(1000);
}

static void
a_removed_notifier_ends(void **state)
{
	struct notify_config one = config_of("cat >> $0");

	(void)state;
	db.cursor = 0;
	add_event(1);
	begin(&one, false);
	run_until_idle();
	configure(NULL);
	run_until_idle();
	assert_null(status_now().name);
	add_event(1);
	notify_wake(notify);
	run_until_idle();
	configure(&one); /* comes back with its cursor */
	run_until_idle();
	assert_out("{\"seq\":1}\n{\"seq\":2}\n");
	stop(1000);
}

static void
another_selection_reads_anew(void **state)
{
	struct notify_config one = config_of("cat >> $0");
	const char *feeds[] = {"two"};

	(void)state;
	db.cursor = 0;
	one.batch = 5;
	one.batch_wait = 60;
	add_event(1);
	add_event(2);
	db.events[1].at = 0; /* will have no row */
	begin(&one, false);
	run_until_idle();
	one.batch = 1;
	one.feeds = (struct string_list){feeds, 1};
	configure(&one);
	run_until_idle();
	assert_out("{\"seq\":2}\n");
	assert_int_equal(db.cursor, 2);
	stop(1000);
}

static void
take_test(void *arg, bool ok, const char *detail)
{
	snprintf(arg, 200, "%d %s", ok, detail);
	ev_break(loop, EVBREAK_ONE);
}

static void
a_sample_touches_no_cursor(void **state)
{
	struct notify_config one = config_of("grep -q urn:feedd:sample && echo $FEEDD_EVENT >&2");
	char answer[200] = "";

	(void)state;
	begin(&one, false);
	run_until_idle();
	assert_int_equal(notify_test(notify, "unknown", take_test, answer), -ENOENT);
	assert_int_equal(notify_test(notify, "n", take_test, answer), 0);
	assert_string_equal(answer, "");
	ev_run(loop, 0);
	assert_string_equal(answer, "1 delivered");
	one = config_of("echo broken; exit 4");
	configure(&one);
	assert_int_equal(notify_test(notify, "n", take_test, answer), 0);
	do
		ev_run(loop, 0);
	while (answer[0] == '1');
	assert_string_equal(answer, "0 exit status 4: broken");
	assert_int_equal(db.n_delivers, 0);
	stop(1000);
}

static void
wrong_filters_are_faults(void **state)
{
	struct notify_config one = config_of("true");
	const struct config config = {.notifies = &one, .n_notifies = 1};
	struct config_faults faults = {0};

	(void)state;
	one.where = "wrong";
	one.file = "feedd.conf";
	one.line = 5;
	one.where_line = 7;
	notify_check(&config, &faults);
	assert_int_equal(faults.n, 1);
	assert_string_equal(
		faults.at[0], "feedd.conf:7: notify \"n\": where: no such column: wrong");
	config_faults_fini(&faults);
	begin(&one, false);
	run_until_idle();
	stop(0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(events_reach_the_hook_in_order),
		TEST(feeds_take_turns),
		TEST(batches_are_sent_together),
		TEST(a_batch_waits_for_more),
		TEST(a_failure_waits_and_holds_up_nothing),
		TEST(not_now_uses_up_no_retry),
		TEST(what_is_set_aside_can_be_sent_again),
		TEST(a_set_out_of_tries_is_taken_apart),
		TEST(a_missing_program_fails_the_delivery),
		TEST(what_was_done_ahead_is_not_repeated),
		TEST(no_hook_runs_on_while_the_disk_is_full),
		TEST(stopping_kills_after_the_grace),
		TEST(once_tries_each_once),
		TEST(once_leaves_a_dead_hook_after_ten),
		TEST(a_file_gets_the_log_in_order),
		TEST(a_file_that_fails_waits_in_order),
		TEST(a_large_backlog_is_rendered_in_parts),
		TEST(events_that_are_gone_hold_up_nothing),
		TEST(too_many_an_hour_end_in_a_summary),
		TEST(a_removed_notifier_ends),
		TEST(another_selection_reads_anew),
		TEST(a_sample_touches_no_cursor),
		TEST(wrong_filters_are_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
