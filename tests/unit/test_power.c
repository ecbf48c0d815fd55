/*
 * test_power.c - power cuts: from a record of all that was written, images are made of what a disk
 * may hold when the power fails, with unsynced writes kept, lost, torn or out of order. On each the
 * store opens and keeps its promises. FEEDD_TORTURE=1 cuts at every step, SEED= chooses the order
 * of what is lost.
 */
#include "test.h"

#include <fcntl.h>

#include "ledger.h"

#define POLLS 6
#define SECTOR 512

/* A file as it stands on the disk. */
struct image {
	unsigned char *data;
	size_t len, cap;
	bool exists;
};

static uint64_t chance_state;

static unsigned
chance(unsigned n)
{
	chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(chance_state >> 33) % n;
}

static void
image_size(struct image *image, size_t len)
{
	if (len > image->cap) {
		image->data = xrealloc(image->data, len, 1);
		memset(image->data + image->cap, 0, len - image->cap);
		image->cap = len;
	}
	if (len < image->len)
		memset(image->data + len, 0, image->len - len);
	image->len = len;
}

/* Applies a step to its file; of a write only `len` bytes from `from`. */
static void
image_apply(struct image *image, const struct disk_step *step, size_t from, size_t len)
{
	size_t end = (size_t)step->offset + from + len;

	switch (step->kind) {
	case DISK_WRITE:
		image->exists = true;
		if (end > image->len)
			image_size(image, end);
		memcpy(image->data + step->offset + from, step->data + from, len);
		break;
	case DISK_TRUNCATE:
		if ((size_t)step->offset < image->len)
			image_size(image, (size_t)step->offset);
		break;
	case DISK_DELETE:
		image_size(image, 0);
		image->exists = false;
		break;
	case DISK_SYNC:
		break;
	}
}

enum loss { KEEP_ALL, LOSE_ALL, SHUFFLE };

/* What is not synced is kept, lost, or reaches the disk in parts and in any order. */
static void
apply_pending(struct image *image, struct disk_step **pending, size_t n, enum loss loss)
{
	if (loss == LOSE_ALL)
		return;
	for (size_t i = n; loss == SHUFFLE && i > 1; i--) {
		size_t at = chance((unsigned)i);
		struct disk_step *other = pending[at];

		pending[at] = pending[i - 1];
		pending[i - 1] = other;
	}
	for (size_t i = 0; i < n; i++) {
		size_t from = 0, len = (size_t)pending[i]->len;

		if (loss == SHUFFLE && chance(3) == 0)
			continue;
		if (loss == SHUFFLE && len > SECTOR && chance(3) == 0) {
			from = SECTOR * chance((unsigned)(len / SECTOR));
			len -= from;
			len = SECTOR * chance((unsigned)(len / SECTOR) + 1);
		}
		image_apply(image, pending[i], from, len);
	}
}

/* A file at a cut after so many steps of the disk. */
static void
image_make(struct image *image, int file, size_t cut, enum loss loss)
{
	AUTO(freep) struct disk_step **pending = xcalloc(cut + 1, sizeof(struct disk_step *));
	size_t n = 0;

	for (size_t i = 0; i < cut; i++) {
		struct disk_step *step = &disk.steps[i];

		if (step->file != file)
			continue;
		if (step->kind != DISK_SYNC) {
			pending[n++] = step;
			continue;
		}
		for (size_t j = 0; j < n; j++)
			image_apply(image, pending[j], 0, (size_t)pending[j]->len);
		n = 0;
	}
	apply_pending(image, pending, n, loss);
}

static void
write_images(const char *directory, size_t cut, enum loss loss)
{
	ledger_empty(directory);
	for (int file = 0; file < DISK_FILES; file++) {
		struct image image = {0};
		AUTO(freep) char *path = xasprintf("%s/feedd%s", directory, disk_suffixes[file]);

		image_make(&image, file, cut, loss);
		if (image.exists) {
			int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

			assert_int_equal(write(fd, image.data, image.len), (ssize_t)image.len);
			close(fd);
		}
		free(image.data);
	}
}

/* After the cut: what was promised before it is there, and what comes gets numbers of its own. */
static void
survive(const struct ledger *before, struct ledger *after, size_t cut, enum loss loss)
{
	int64_t highest = 0;

	memcpy(after->promises, before->promises, sizeof(before->promises));
	memcpy(after->cursors, before->cursors, sizeof(before->cursors));
	after->n_promises = before->n_promises;
	after->n_cursors = before->n_cursors;
	write_images(after->storing.directory, cut, loss);
	assert_int_equal(ledger_open(after), 0);
	ledger_check(after, after->storing.directory, cut);
	for (size_t i = 0; i < after->n_promises; i++)
		if (after->promises[i].steps <= cut)
			highest = after->promises[i].seq;
	assert_true(store_seq(after->storing.store) >= highest);
	assert_int_equal(ledger_poll(after, POLLS + 1), 0);
	for (size_t i = before->n_promises; i < after->n_promises; i++)
		assert_true(after->promises[i].seq > highest);
	ledger_stop(after);
	ledger_check_all(after->storing.directory, POLLS + 1);
}

/* Work to be cut short: a database is made, used, left clean, and used again. */
static void
record(struct ledger *ledger)
{
	ledger_init(ledger);
	disk.recording = true;
	assert_int_equal(ledger_open(ledger), 0);
	for (int k = 1; k <= POLLS; k++) {
		assert_int_equal(ledger_poll(ledger, k), 0);
		assert_int_equal(ledger_deliver(ledger), 0);
		if (k != POLLS / 2)
			continue;
		ledger_stop(ledger);
		assert_int_equal(ledger_open(ledger), 0);
	}
	ledger_stop(ledger);
	disk.recording = false;
}

static void
power_cuts(void **state)
{
	static const enum loss losses[] = {KEEP_ALL, LOSE_ALL, SHUFFLE, SHUFFLE, SHUFFLE};
	bool torture = getenv("FEEDD_TORTURE");
	const char *seed = getenv("SEED");
	struct ledger before, after;
	size_t images = 0;

	(void)state;
	chance_state = seed ? strtoull(seed, NULL, 10) : 1;
	record(&before);
	ledger_init(&after);
	assert_in_range(disk.n_steps, 100, 100000);
	for (size_t cut = 0; cut <= disk.n_steps; cut += torture ? 1 : 1 + chance(20)) {
		for (size_t i = 0; i < (torture ? ARRAY_SIZE(losses) : 3); i++, images++)
			survive(&before, &after, cut, losses[i]);
	}
	print_message("%zu steps, %zu images\n", disk.n_steps, images);
	disk_forget();
	ledger_fini(&before);
	ledger_fini(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(power_cuts)};

	disk_insert();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
