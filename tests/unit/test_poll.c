/* test_poll.c - the poller with a store and two servers: what a reload finds under way, and other
 * things that only the order of parcels decides. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/poll/room.h"
#include "feedd/poll.h"
#include "http_fixture.h"
#include "storing.h"

#define FEEDS_MAX 150

static void
serve_stalled(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_stall(server, fd);
}

static const struct page pages[] = {
	{"/a", OK("Content-Length: 5\r\n", "<rss/"), NULL, false},
	{"/b", OK("Content-Length: 5\r\n", "<rss/"), NULL, false},
	{"/same", "HTTP/1.1 304 Same\r\nETag: \"one\"\r\n\r\n", NULL, false},
	{"/rss",
		OK("Content-Length: 60\r\n",
			"<rss version='2.0'><channel><title>T</title></channel></rss>"),
		NULL, false},
	{"/elsewhere", MOVED("302", "http://localhost:%u/busy"), NULL, false},
	{"/busy", "HTTP/1.1 429 Busy\r\nRetry-After: 1000\r\nContent-Length: 0\r\n\r\n", NULL,
		false},
	{"/stalled", NULL, serve_stalled, false},
	{NULL, NULL, NULL, false},
};

/* By so many seconds the clock is wrong. */
static _Atomic int64_t ahead;

time_t
time(time_t *ret_now)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += ahead;
	if (ret_now)
		*ret_now = now.tv_sec;
	return now.tv_sec;
}

/* A poller, and a configuration that a test changes between two calls of configure(). */
struct polling {
	struct storing *storing;
	struct pool *pool;
	struct poller *poller;
	struct ev_async homecoming;
	struct feed_settings settings;
	struct host_config host;
	int set_before; /* the clock is set right before so many parcels are home, unless 0 */
};

static void
on_homecoming(struct ev_loop *ev, ev_async *async, int events)
{
	struct polling *polling = async->data;
	struct parcel *list = queue_drain(&polling->storing->home);

	(void)ev;
	(void)events;
	while (list) {
		struct parcel *next = list->next;

		if (polling->set_before > 0 && --polling->set_before == 0)
			ahead = 0;
		list->done(list);
		list = next;
	}
}

static void
wake(void *arg)
{
	struct polling *polling = arg;

	ev_async_send(loop, &polling->homecoming);
}

static void
ignore(void *arg)
{
	(void)arg;
}

static void
polling_open(struct polling *polling, void **state)
{
	*polling = (struct polling){
		.settings = {.interval = 3600,
			.min_interval = 1,
			.max_interval = 86400,
			.weight = 1,
			.timeout = 60,
			.max_size = 1 << 20,
			.user_agent = "test/1",
			.enabled = true},
		.host = {.host = "127.0.0.1", .connections = 1000},
	};
	assert_int_equal(fixture_start(pages), 0);
	assert_int_equal(storing_setup(state), 0);
	polling->storing = *state;
	assert_int_equal(pool_start(&polling->pool, 1, &polling->storing->home), 0);
	ev_async_init(&polling->homecoming, on_homecoming);
	polling->homecoming.data = polling;
	ev_async_start(loop, &polling->homecoming);
	const struct poller_tools tools = {.loop = loop,
		.http = http,
		.store = polling->storing->store,
		.pool = polling->pool,
		.news = ignore,
		.idle = ignore};
	assert_int_equal(poller_new(&polling->poller, &tools), 0);
}

/* Lets the database know of the feeds, all of one server, by path. */
static struct config *
learn(struct polling *polling, const struct loopback *server, const char *const *paths, size_t n,
	struct store_feed **ret_feeds)
{
	struct config *config = xcalloc(1, sizeof(*config));

	config->refs = 1;
	config->n_feeds = n;
	config->feeds = arena_zalloc(&config->arena, (n + 1) * sizeof(*config->feeds));
	config->hosts = arena_zalloc(&config->arena, 2 * sizeof(*config->hosts));
	config->hosts[0] = (struct host_config){.host = "*", .connections = 2};
	config->hosts[1] = polling->host;
	config->n_hosts = 2;
	config->polls_per_feed_per_day = 24;
	config->max_hint = config->max_backoff = config->max_retry_after = 86400;
	config->max_polls = 64;
	config->max_items = 100;
	struct feed_settings *settings = arena_alloc(&config->arena, sizeof(*settings));
	*settings = polling->settings;
	for (size_t i = 0; i < n; i++)
		config->feeds[i] =
			(struct feed_config){.name = arena_printf(&config->arena, "f%03zu", i),
				.url = arena_printf(&config->arena, "http://127.0.0.1:%u%s",
					server->port, paths[i]),
				.settings = settings};
	struct store_sync parcel = {.config = config};
	polling->storing->home.wake = NULL;
	store_sync(polling->storing->store, &parcel);
	storing_wait(polling->storing);
	polling->storing->home.wake = wake;
	polling->storing->home.wake_arg = polling;
	assert_int_equal(parcel.head.result, 0);
	*ret_feeds = parcel.feeds;
	return config;
}

static void
configure(struct polling *polling, const char *const *paths, size_t n)
{
	struct store_feed *feeds;
	struct config *config = learn(polling, &here, paths, n, &feeds);

	poller_configure(polling->poller, config, feeds);
	config_unref(config);
	free(feeds);
}

static size_t
in_flight(const struct polling *polling)
{
	return poller_summarise(polling->poller).in_flight;
}

static void
come_home(struct polling *polling)
{
	while (in_flight(polling) > 0)
		ev_run(loop, EVRUN_ONCE);
}

static void
polling_close(struct polling *polling, void **state)
{
	poller_stop(polling->poller);
	poller_cancel(polling->poller);
	come_home(polling);
	poller_free(polling->poller);
	pool_stop(polling->pool);
	polling->storing->home.wake = NULL;
	storing_teardown(state);
	fixture_stop();
}

/* Its state is on its way from the database when it leaves the configuration. */
static void
a_feed_leaves_while_it_is_loaded(void **state)
{
	static const char *const paths[] = {"/a", "/b"};
	struct polling polling;

	polling_open(&polling, state);
	configure(&polling, paths, 2);
	assert_int_equal(in_flight(&polling), 2);
	/* No turn of the loop was made, so nothing has come home yet. */
	struct config *config = xcalloc(1, sizeof(*config));
	config->refs = 1;
	config->polls_per_feed_per_day = 24;
	config->max_polls = 64;
	poller_configure(polling.poller, config, NULL);
	config_unref(config);
	come_home(&polling);
	assert_int_equal(poller_summarise(polling.poller).feeds, 0);
	assert_int_equal(loopback_count(&here, "GET /"), 0);
	polling_close(&polling, state);
}

/* The database knows of the new address before the poller does: what the old one was told in secret
 * is not for it. */
static void
secrets_of_the_former_address(void **state)
{
	static const char *const paths[] = {"/a"};
	static const char *headers[] = {"X-Key: s3cret"};
	struct polling polling;
	struct store_feed *feeds;

	polling_open(&polling, state);
	configure(&polling, paths, 1);
	come_home(&polling);
	polling.settings.headers = (struct string_list){headers, 1};
	configure(&polling, paths, 1);
	polling.settings.headers.n = 0;
	struct config *config = learn(&polling, &there, paths, 1, &feeds);
	assert_int_equal(poller_poll(polling.poller, "f000", false), 1);
	while (in_flight(&polling) > 0)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(loopback_count(&there, "s3cret"), 0);
	poller_configure(polling.poller, config, feeds);
	config_unref(config);
	free(feeds);
	while (loopback_count(&there, "GET /a") == 0)
		ev_run(loop, EVRUN_ONCE);
	come_home(&polling);
	assert_int_equal(loopback_count(&there, "s3cret"), 0);
	polling_close(&polling, state);
}

/* It waits for its host, and then it is switched off. */
static void
a_feed_is_disabled_while_it_waits(void **state)
{
	static const char *const paths[] = {"/stalled", "/b"};
	struct polling polling;

	polling_open(&polling, state);
	polling.host.connections = 1;
	configure(&polling, paths, 2);
	while (loopback_count(&here, "GET /stalled") == 0)
		ev_run(loop, EVRUN_ONCE);
	polling.settings.enabled = false;
	configure(&polling, paths, 2);
	poller_cancel(polling.poller);
	come_home(&polling);
	assert_int_equal(loopback_count(&here, "GET /b"), 0);
	polling_close(&polling, state);
}

/* A feed that is no longer configured does not hold up the end. */
static void
a_feed_that_left_is_cancelled_at_the_end(void **state)
{
	static const char *const paths[] = {"/stalled"};
	struct polling polling;

	polling_open(&polling, state);
	configure(&polling, paths, 1);
	while (loopback_count(&here, "GET /stalled") == 0)
		ev_run(loop, EVRUN_ONCE);
	configure(&polling, paths, 0);
	assert_int_equal(in_flight(&polling), 1);
	poller_stop(polling.poller);
	poller_cancel(polling.poller);
	assert_int_equal(in_flight(&polling), 0);
	polling_close(&polling, state);
}

/* Feeds that were spread over the time after the start stay so. */
static void
a_reload_makes_no_herd(void **state)
{
	const char *paths[FEEDS_MAX];
	struct polling polling;

	for (size_t i = 0; i < FEEDS_MAX; i++)
		paths[i] = "/stalled";
	polling_open(&polling, state);
	configure(&polling, paths, FEEDS_MAX);
	assert_in_range(in_flight(&polling), 0, 10);
	configure(&polling, paths, FEEDS_MAX);
	assert_in_range(in_flight(&polling), 0, 20);
	polling_close(&polling, state);
}

/* Who was not asked whether something changed cannot say that it did not. */
static void
a_304_that_nobody_asked_for(void **state)
{
	static const char *const paths[] = {"/same"};
	struct polling polling;

	polling_open(&polling, state);
	configure(&polling, paths, 1);
	come_home(&polling);
	assert_int_equal(poller_summarise(polling.poller).failing, 1);
	assert_int_equal(poller_poll(polling.poller, "f000", false), 1);
	come_home(&polling);
	assert_int_equal(loopback_count(&here, "GET /same"), 2);
	assert_int_equal(loopback_count(&here, "If-None-Match"), 0);
	polling_close(&polling, state);
}

/* Where a redirect led to another host, that one wants to be left alone, and not the one that
 * others share. */
static void
a_busy_host_behind_a_redirect(void **state)
{
	static const char *const paths[] = {"/elsewhere", "/b"};
	struct polling polling;

	polling_open(&polling, state);
	polling.host.connections = 1;
	polling.settings.private = true;
	configure(&polling, paths, 2);
	come_home(&polling);
	assert_int_equal(loopback_count(&there, "GET /busy"), 1);
	assert_int_equal(loopback_count(&here, "GET /b"), 1);
	struct pace_view view;
	assert_true(pace_look(polling.poller->pace, "localhost", &view));
	assert_true(view.held_until_ms > poller_mono_ms());
	polling_close(&polling, state);
}

/* Longer than max_interval and max_retry_after together. */
static void
an_interval_of_a_month(void **state)
{
	static const char *const paths[] = {"/rss"};
	const int64_t month = (int64_t)30 * 86400;
	struct polling polling;

	polling_open(&polling, state);
	polling.settings.interval = month;
	configure(&polling, paths, 1);
	come_home(&polling);
	assert_int_equal(poller_summarise(polling.poller).failing, 0);
	int64_t wait = polling.poller->feeds[0]->due.key - poller_mono_ms();
	assert_in_range(wait, month * 900, month * 1100);
	polling_close(&polling, state);
}

/* The clock was ahead by years, and is set while a poll is on its way to the database. */
static void
a_clock_that_is_set_meanwhile(void **state)
{
	static const char *const paths[] = {"/rss"};
	struct polling polling;

	polling_open(&polling, state);
	ahead = (int64_t)13 * 365 * 86400;
	configure(&polling, paths, 1);
	polling.set_before = 3; /* state, document, outcome */
	come_home(&polling);
	assert_int_equal(ahead, 0);
	assert_int_equal(poller_summarise(polling.poller).failing, 0);
	int64_t wait = polling.poller->feeds[0]->due.key - poller_mono_ms();
	assert_in_range(wait, 3600 * 900, 3600 * 1100);
	polling_close(&polling, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_feed_leaves_while_it_is_loaded),
		cmocka_unit_test(secrets_of_the_former_address),
		cmocka_unit_test(a_feed_is_disabled_while_it_waits),
		cmocka_unit_test(a_feed_that_left_is_cancelled_at_the_end),
		cmocka_unit_test(a_reload_makes_no_herd),
		cmocka_unit_test(a_304_that_nobody_asked_for),
		cmocka_unit_test(a_busy_host_behind_a_redirect),
		cmocka_unit_test(an_interval_of_a_month),
		cmocka_unit_test(a_clock_that_is_set_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
