/*
 * test_disk.c - a disk that fails at its n-th call: nothing is announced that is not stored, and
 * when the disk is back the store goes on by itself. FEEDD_TORTURE=1 tries every n.
 */
#include "test.h"

#include "ledger.h"

#define POLLS 4
/* More calls than a run makes. */
#define CALLS_MAX 10000

struct mode {
	bool for_good, full, reads, cut;
};

/* What was promised just now is there for others at once: later it would be, even where the promise
 * was none, since the feed still has it. */
static void
check_newest(const struct ledger *ledger)
{
	AUTO(freep) char *path = xasprintf("%s/feedd.db", ledger->storing.directory);
	const int64_t seq = ledger->promises[ledger->n_promises - 1].seq;
	sqlite3 *db;

	/* Not through the disk that fails. */
	assert_int_equal(
		sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, disk.real->zName), SQLITE_OK);
	assert_int_equal(ledger_int(db, "SELECT max(seq) FROM events WHERE seq <= ?", seq), seq);
	sqlite3_close(db);
}

/* Opens, polls, delivers, and stops once in between; goes on whatever fails. */
static void
work(struct ledger *ledger)
{
	for (int k = 1; k <= POLLS; k++) {
		if (!ledger->storing.store && ledger_open(ledger) < 0)
			continue;
		if (ledger_poll(ledger, k) == 0) {
			check_newest(ledger);
			(void)!ledger_deliver(ledger);
		}
		if (k == POLLS / 2)
			ledger_stop(ledger);
	}
}

/* True if the run made less calls than that, so that none failed. */
static bool
run(long n, const struct mode *mode)
{
	struct ledger ledger;

	ledger_init(&ledger);
	if (mode->reads)
		disk_fail_reads(n, mode->for_good, mode->cut);
	else
		disk_fail(n, mode->for_good, mode->full);
	work(&ledger);
	bool passed = disk_failed() == 0;
	disk_fail(0, false, false);
	/* What was read short is still in SQLite's cache: all is refused until the next start. */
	if (mode->cut && ledger.storing.store)
		ledger_stop(&ledger);
	/* The disk is back: the same store goes on, or a new start does. */
	if (!ledger.storing.store)
		assert_int_equal(ledger_open(&ledger), 0);
	assert_int_equal(ledger_poll(&ledger, POLLS + 1), 0);
	assert_int_equal(ledger_deliver(&ledger), 0);
	ledger_check(&ledger, ledger.storing.directory, SIZE_MAX);
	ledger_stop(&ledger);
	ledger_check(&ledger, ledger.storing.directory, SIZE_MAX);
	ledger_check_all(ledger.storing.directory, POLLS + 1);
	ledger_fini(&ledger);
	return passed;
}

static void
every_call(const struct mode *mode)
{
	long step = getenv("FEEDD_TORTURE") ? 1 : 13, n = 1;

	while (!run(n, mode)) {
		n += step;
		assert_in_range(n, 1, CALLS_MAX);
	}
	assert_in_range(n, mode->reads ? 20 : 50, CALLS_MAX); /* else nothing was tried */
	print_message("%ld calls\n", n);
}

static void
fails_once(void **state)
{
	(void)state;
	every_call(&(struct mode){.for_good = false});
}

static void
fails_for_good(void **state)
{
	(void)state;
	every_call(&(struct mode){.for_good = true});
}

static void
is_full_once(void **state)
{
	(void)state;
	every_call(&(struct mode){.full = true});
}

static void
is_full(void **state)
{
	(void)state;
	every_call(&(struct mode){.for_good = true, .full = true});
}

static void
reads_fail_once(void **state)
{
	(void)state;
	every_call(&(struct mode){.reads = true});
}

static void
reads_fail_for_good(void **state)
{
	(void)state;
	every_call(&(struct mode){.reads = true, .for_good = true});
}

static void
reads_end_early_once(void **state)
{
	(void)state;
	every_call(&(struct mode){.reads = true, .cut = true});
}

static void
reads_end_early(void **state)
{
	(void)state;
	every_call(&(struct mode){.reads = true, .cut = true, .for_good = true});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_once),
		cmocka_unit_test(fails_for_good),
		cmocka_unit_test(is_full_once),
		cmocka_unit_test(is_full),
		cmocka_unit_test(reads_fail_once),
		cmocka_unit_test(reads_fail_for_good),
		cmocka_unit_test(reads_end_early_once),
		cmocka_unit_test(reads_end_early),
	};

	disk_insert();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
