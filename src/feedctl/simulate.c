/*
 * simulate.c - runs the daemon's own schedule against a trace with a simulated clock, and says how
 * late news were seen. Touches the streams that it is given and nothing of a daemon. It knows the
 * future and must never show it to the schedule: a poll at t is told of items up to t only.
 */
#include "simulate.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/heap.h"
#include "feedd/schedule.h"
#include "trace.h"

enum { START_SPREAD = 900, START_STRIDE = 557, MIN_INTERVAL = 60, MAX_INTERVAL = 86400 };

struct sim_feed {
	struct heap_node due; /* tie: index of the feed */
	struct schedule_state state;
	size_t shown; /* times[0..shown) were listed in a poll, or fell out of the window before one
		       */
	bool polled;
};

struct sim {
	const struct simulation *simulation;
	struct trace trace;
	struct schedule_policy policy;
	struct schedule_budget budget;
	struct schedule_price price;
	struct sim_feed *feeds; /* as trace.feeds */
	struct heap heap;
	int64_t *times;	 /* room for the new items of one poll */
	int64_t *delays; /* of scored items */
	size_t n_delays, n_items, n_lost, n_polls;
	size_t n_polls_solved; /* n_polls when theta was last solved */
};

static void
sim_fini(struct sim *sim)
{
	heap_fini(&sim->heap);
	free(sim->feeds);
	free(sim->times);
	free(sim->delays);
	trace_fini(&sim->trace);
}

static void
sim_init(struct sim *sim)
{
	const struct simulation *simulation = sim->simulation;
	const struct trace *trace = &sim->trace;
	size_t most = 0, total = 0;

	sim->policy = (struct schedule_policy){
		.interval = simulation->fixed
			? llround(fmax(86400 / simulation->polls_per_feed_per_day, MIN_INTERVAL))
			: 0,
		.min_interval = MIN_INTERVAL,
		.max_interval = MAX_INTERVAL,
		.max_hint = MAX_INTERVAL,
		.max_retry_after = 2 * MAX_INTERVAL,
		.max_backoff = MAX_INTERVAL,
		.weight = 1,
	};
	sim->budget.polls_per_feed_per_day = simulation->polls_per_feed_per_day;
	schedule_price_init(&sim->price, &sim->budget, trace->start_at);
	sim->feeds = xcalloc(trace->n_feeds + 1, sizeof(*sim->feeds));
	for (size_t i = 0; i < trace->n_feeds; i++) {
		size_t n = trace->feeds[i].n_times;

		most = n > most ? n : most;
		total += n;
		heap_set(&sim->heap, &sim->feeds[i].due,
			trace->start_at + (int64_t)(i * START_STRIDE % START_SPREAD), (uint32_t)i);
	}
	sim->times = xcalloc(most + 1, sizeof(*sim->times));
	sim->delays = xcalloc(total + 1, sizeof(*sim->delays));
}

/* Scores the items that became visible at now: [shown, end), of which those before `listed` are
 * lost. */
static void
score(struct sim *sim, const struct trace_feed *trace, size_t shown, size_t listed, size_t end,
	int64_t now)
{
	for (size_t i = shown; i < end; i++) {
		if (trace->times[i] < sim->trace.start_at)
			continue;
		sim->n_items++;
		if (i < listed)
			sim->n_lost++;
		else
			sim->delays[sim->n_delays++] = now - trace->times[i];
	}
}

/* How many items were published until now. */
static size_t
published(const struct trace_feed *trace, size_t from, int64_t now)
{
	while (from < trace->n_times && trace->times[from] <= now)
		from++;
	return from;
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void
observe(struct sim *sim, struct sim_feed *feed, const struct trace_feed *trace, int64_t now)
{
	size_t end = published(trace, feed->shown, now);
	size_t listed = end > trace->window ? end - trace->window : 0;
	size_t first_new = larger(feed->shown, listed);
	struct schedule_poll poll = {
		.now = now,
		.times = sim->times,
		.n_new = end - first_new,
		.n_listed = end > feed->shown ? end - listed : 0,
		.hint = trace->max_age,
		.first = !feed->polled,
	};

	for (size_t i = first_new; i < end; i++)
		sim->times[i - first_new] = trace->dates ? trace->times[i] : DATE_NONE;
	score(sim, trace, feed->shown, listed, end, now);
	feed->shown = end;
	schedule_observe(&feed->state, &sim->policy, &poll);
}

/* All feeds began within minutes, and those that are asked for at max_interval would stay together,
 * day after day: the second poll has the daemon's jitter, but the same one in every run. */
static double
jitter(const struct sim *sim, const struct sim_feed *feed, uint32_t index)
{
	if (sim->simulation->fixed || feed->polled)
		return 0;
	return (double)(hash64(0, &index, sizeof(index)) >> 11) / 4503599627370496.0 - 1;
}

static void
poll_feed(struct sim *sim, struct sim_feed *feed, const struct trace_feed *trace, int64_t now)
{
	uint32_t index = feed->due.tie;

	observe(sim, feed, trace, now);
	sim->n_polls++;
	if (sim->simulation->polls)
		fprintf(sim->simulation->polls, "%" PRId64 ".000 %s\n", now, trace->name);
	struct schedule_plan plan = schedule_next(
		&feed->state, &sim->policy, NULL, sim->price.theta, now, jitter(sim, feed, index));
	int64_t next = plan.next_poll;

	/* All feeds began within minutes; with one interval for all they would stay together. */
	if (sim->simulation->fixed && !feed->polled) {
		uint64_t hash = hash64(0, &index, sizeof(index));
		int64_t fraction = (int64_t)((double)(hash >> 11) / 9007199254740992.0 *
			(double)sim->policy.interval);

		next = now + (fraction > MIN_INTERVAL ? fraction : MIN_INTERVAL);
		next = next > now + trace->max_age ? next : now + trace->max_age;
	}
	feed->polled = true;
	heap_set(&sim->heap, &feed->due, next, index);
}

static const struct schedule_state *
state_at(void *arg, size_t i, const struct schedule_policy **ret_policy)
{
	const struct sim *sim = arg;

	*ret_policy = &sim->policy;
	return &sim->feeds[i].state;
}

static void
solve(struct sim *sim, int64_t now)
{
	const struct schedule_feeds feeds = {
		.n = sim->trace.n_feeds, .state_at = state_at, .arg = sim};

	schedule_price_solve(&sim->price, &sim->budget, &feeds,
		(double)(sim->n_polls - sim->n_polls_solved), now);
	sim->n_polls_solved = sim->n_polls;
}

static void
run(struct sim *sim)
{
	const struct trace *trace = &sim->trace;
	int64_t solve_at = trace->start_at + SCHEDULE_SOLVE_EVERY;

	for (struct heap_node *node;
		(node = heap_first(&sim->heap)) && node->key < trace->end_at;) {
		for (; solve_at <= node->key; solve_at += SCHEDULE_SOLVE_EVERY)
			solve(sim, solve_at);
		poll_feed(sim, CONTAINER_OF(node, struct sim_feed, due), &trace->feeds[node->tie],
			node->key);
	}
	for (size_t i = 0; i < trace->n_feeds; i++) {
		const struct trace_feed *feed = &trace->feeds[i];
		size_t end = published(feed, sim->feeds[i].shown, trace->end_at);

		score(sim, feed, sim->feeds[i].shown, end > feed->window ? end - feed->window : 0,
			end, trace->end_at);
	}
}

static int
compare_delays(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
percentile(const struct sim *sim, double q)
{
	return sim->n_delays ? sim->delays[(size_t)floor(q * (double)sim->n_delays)] : 0;
}

static void
report(struct sim *sim)
{
	double total = 0;

	qsort(sim->delays, sim->n_delays, sizeof(*sim->delays), compare_delays);
	for (size_t i = 0; i < sim->n_delays; i++)
		total += (double)sim->delays[i];
	fprintf(sim->simulation->out,
		"{\"polls\":%zu,\"items\":%zu,\"lost\":%zu,\"delay_mean_s\":%.3f,\"delay_p50_s\":"
		"%" PRId64 ",\"delay_p90_s\":%" PRId64 ",\"delay_p99_s\":%" PRId64 "}\n",
		sim->n_polls, sim->n_items, sim->n_lost,
		sim->n_delays ? total / (double)sim->n_delays : 0, percentile(sim, 0.5),
		percentile(sim, 0.9), percentile(sim, 0.99));
}

int
simulate_run(const struct simulation *simulation, char *fault, size_t fault_size)
{
	AUTO(sim_fini) struct sim sim = {.simulation = simulation};
	int r = trace_read(&sim.trace, simulation->in, fault, fault_size);

	if (r < 0)
		return r;
	sim_init(&sim);
	run(&sim);
	report(&sim);
	return 0;
}

static int
wrong_usage(const char *what)
{
	fprintf(stderr, "feedctl: simulate: %s\n", what);
	return EXIT_USAGE;
}

static void
fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Runs and says what went wrong; a full disk is seen when the files are flushed. */
static int
run_and_tell(const struct simulation *simulation)
{
	char fault[200];
	int r = simulate_run(simulation, fault, sizeof(fault));

	if (r < 0) {
		fprintf(stderr, "feedctl: simulate: trace: %s\n", fault);
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	if (fflush(simulation->out) || (simulation->polls && fflush(simulation->polls))) {
		fprintf(stderr, "feedctl: simulate: cannot write: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

int
verb_simulate(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"budget", required_argument, NULL, 'b'},
		{"policy", required_argument, NULL, 'p'},
		{"polls", required_argument, NULL, 'o'},
		{0},
	};
	struct simulation simulation = {.polls_per_feed_per_day = 24, .in = stdin, .out = stdout};
	const char *path = NULL;
	char *end;
	int c;

	(void)ctl;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			simulation.polls_per_feed_per_day = strtod(optarg, &end);
			if (end == optarg || *end || !(simulation.polls_per_feed_per_day >= 0.01) ||
				simulation.polls_per_feed_per_day > 86400)
				return wrong_usage(
					"--budget takes polls per feed and day, 0.01 to 86400");
			break;
		case 'p':
			simulation.fixed = strcmp(optarg, "fixed") == 0;
			if (!simulation.fixed && strcmp(optarg, "adaptive") != 0)
				return wrong_usage("--policy is adaptive or fixed");
			break;
		case 'o':
			path = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return wrong_usage("the trace is read from standard input");
	AUTO(fclosep) FILE *polls = path ? fopen(path, "we") : NULL;

	if (path && !polls) {
		fprintf(stderr, "feedctl: simulate: %s: %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	simulation.polls = polls;
	return run_and_tell(&simulation);
}
