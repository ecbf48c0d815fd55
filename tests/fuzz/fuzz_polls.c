/*
 * fuzz_polls.c - one feed's life: polls of every outcome, restarts, kills, a disk that fails, a
 * clock that jumps, retention, releases and acknowledgements, in any order.
 *
 * The bytes are steps. A poll goes its whole way but for the network: request, digest, store. After
 * each step the database is held to the model: what is stored, what entered the log and in which
 * order, and that cursors never go back.
 */
#include <stdint.h>
#include <unistd.h>

#include "../unit/disk.h"
#include "life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define STEPS 120

/* The steps that are left. */
struct tape {
	const uint8_t *at, *end;
};

static int
take(struct tape *tape, int below)
{
	int value = tape->at < tape->end ? *tape->at++ % below : 0, last = diary.n - 1;

	if (diary.n > 0 && diary.at[last].n < (int)ARRAY_SIZE(diary.at[last].arguments))
		diary.at[last].arguments[diary.at[last].n++] = value;
	return value;
}

static void
note(const char *step)
{
	diary.at[diary.n].step = step;
	diary.at[diary.n++].n = 0;
}

/* --- what happens to the site ----------------------------------------------------------------- */

static void
publish(struct life *life, struct tape *tape)
{
	int n = take(tape, 40);

	site_publish(&life->site, n < 30 ? n % 4 + 1 : n);
}

static void
shrink(struct life *life, struct tape *tape)
{
	life->site.n -= take(tape, life->site.n + 1);
}

static void
withdraw(struct life *life, struct tape *tape)
{
	if (life->site.n > 0)
		site_remove(&life->site, take(tape, life->site.n));
}

/* An old article is shown again, anywhere. */
static void
bring_back(struct life *life, struct tape *tape)
{
	if (life->site.next > 0)
		site_insert(&life->site, take(tape, life->site.n + 1), take(tape, life->site.next));
}

static void
edit(struct life *life, struct tape *tape)
{
	int from = take(tape, life->site.n + 1), n = take(tape, 4) == 0 ? SITE_LISTED : 1;

	for (int i = from; i < life->site.n && n-- > 0; i++)
		life->site.texts[life->site.list[i]]++;
}

static void
retitle(struct life *life, struct tape *tape)
{
	struct site *site = &life->site;

	if (site->n == 0)
		return;
	int *title = &site->titles[site->list[take(tape, site->n)]];
	*title += *title < SITE_TITLES - 1;
}

static void
reorder(struct life *life, struct tape *tape)
{
	if (life->site.n > 0)
		site_rotate(&life->site, take(tape, life->site.n));
}

static void
rekey(struct life *life, struct tape *tape)
{
	(void)tape;
	life->site.generation += life->site.mode == SITE_GUID;
}

static void
respell(struct life *life, struct tape *tape)
{
	life->site.spelling = take(tape, SITE_SPELLINGS);
	life->site.twice_spelling = life->site.spelling;
}

/* One article is shown twice, with guids also under two spellings. */
static void
repeat(struct life *life, struct tape *tape)
{
	struct site *site = &life->site;

	site->twice = take(tape, site->n + 2) - 1;
	site->twice_spelling = site->spelling;
	if (site->mode == SITE_GUID)
		site->twice_spelling = (site->spelling + take(tape, 2)) % SITE_SPELLINGS;
}

/* --- what happens to the daemon --------------------------------------------------------------- */

static void
poll_whole(struct life *life, struct tape *tape)
{
	(void)tape;
	life_poll(life, &(struct answer){.status = 200, .tags = true});
}

static void
poll_plain(struct life *life, struct tape *tape)
{
	(void)tape;
	life_poll(life, &(struct answer){.status = 200});
}

static void
poll_faulty(struct life *life, struct tape *tape)
{
	life_poll(life,
		&(struct answer){.status = 200,
			.tags = true,
			.fault = (enum site_fault)take(tape, SITE_FAULTS)});
}

/* The transfer ends early; with or without anybody noticing. */
static void
poll_cut(struct life *life, struct tape *tape)
{
	int place = take(tape, 256);

	life_poll(life,
		&(struct answer){
			.status = 200, .tags = true, .cut = place + 1, .noticed = place & 1});
}

static void
poll_partial(struct life *life, struct tape *tape)
{
	life_poll(life, &(struct answer){.status = 226, .tags = true, .newest = take(tape, 6) + 1});
}

static void
poll_error(struct life *life, struct tape *tape)
{
	static const int statuses[] = {0, 404, 429, 500, 503};

	life_poll(life,
		&(struct answer){
			.status = statuses[take(tape, ARRAY_SIZE(statuses))], .tags = true});
}

/* A page that is no feed, or nothing at all. */
static void
poll_other(struct life *life, struct tape *tape)
{
	static const char *const bodies[] = {
		"", "<html><body>Log in</body></html>", "{}", "<rss", "moved"};

	life_poll(life,
		&(struct answer){.status = 200,
			.tags = true,
			.body = bodies[take(tape, ARRAY_SIZE(bodies))]});
}

static void
poll_failing_disk(struct life *life, struct tape *tape)
{
	int n = take(tape, 32);

	disk_fail(n / 2 + 1, n & 1, n & 2);
	life_poll(life, &(struct answer){.status = 200, .tags = true, .disk_fails = true});
	disk_fail(0, false, false);
}

static void
restart(struct life *life, struct tape *tape)
{
	(void)tape;
	life_restart(life, false);
}

static void
kill_it(struct life *life, struct tape *tape)
{
	(void)tape;
	life_restart(life, true);
}

static void
step_clock(struct life *life, struct tape *tape)
{
	static const int hours[] = {
		1, 1, 12, 24, 24, 10 * 24, 40 * 24, 100 * 24, 500 * 24, -1, -3 * 24, -400 * 24};

	life->model.now += (int64_t)hours[take(tape, ARRAY_SIZE(hours))] * 3600;
	if (life->model.now < SITE_BEGAN / 2)
		life->model.now = SITE_BEGAN;
}

static void
tidy(struct life *life, struct tape *tape)
{
	(void)tape;
	life_tidy(life);
}

static void
release(struct life *life, struct tape *tape)
{
	(void)tape;
	life_release(life);
}

static void
acknowledge(struct life *life, struct tape *tape)
{
	int which = take(tape, 4);

	life_acknowledge(life, which & 1, life->seq - take(tape, 8) + (which == 3 ? 4 : 0));
}

static void
wait_for(struct life *life, struct tape *tape)
{
	life_wait(life, life->seq - take(tape, 8));
}

/* Another address, another name, or gone for a while. */
static void
reconfigure(struct life *life, struct tape *tape)
{
	life_reconfigure(life, (enum life_change)take(tape, LIFE_CHANGES));
}

/* --- */

#define STEP(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct {
	const char *name;
	void (*run)(struct life *life, struct tape *tape);
} steps[] = {STEP(publish), STEP(publish), STEP(shrink), STEP(withdraw), STEP(bring_back),
	STEP(edit), STEP(retitle), STEP(reorder), STEP(rekey), STEP(respell), STEP(repeat),
	STEP(poll_whole), STEP(poll_whole), STEP(poll_whole), STEP(poll_plain), STEP(poll_faulty),
	STEP(poll_cut), STEP(poll_partial), STEP(poll_error), STEP(poll_other),
	STEP(poll_failing_disk), STEP(restart), STEP(kill_it), STEP(step_clock), STEP(step_clock),
	STEP(tidy), STEP(release), STEP(acknowledge), STEP(wait_for), STEP(reconfigure)};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	disk_insert();
	life_prepare();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tape tape = {data, data + size};
	diary.n = 0;
	note("life");
	int shape = take(&tape, 256), more = take(&tape, 256);
	struct life *life = life_new(shape, more);

	site_publish(&life->site, take(&tape, 45));
	for (int i = 0; i < STEPS && tape.at < tape.end && !life->model.over; i++) {
		size_t step = (size_t)*tape.at++ % ARRAY_SIZE(steps);

		note(steps[step].name);
		steps[step].run(life, &tape);
		life->site.twice = life->site.twice < life->site.n ? life->site.twice : -1;
	}
	/* Whatever befell it: what stands there in the end is known. */
	if (!life->model.over) {
		note("end");
		poll_whole(life, &tape);
		poll_plain(life, &tape);
	}
	life_free(life);
	return 0;
}
