/*
 * daemon.c - owns everything: start order, homecoming parcels, stop order.
 *
 * Stop in the order of the flow: no new polls, requests in flight finish or are cancelled, hooks
 * get their grace, then sockets, workers and the store, whose last commit ends it. Each stage ends
 * when its input is closed and empty.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feedd/log.h"
#include "feedd/parse.h"
#include "room.h"

/* What the service manager is asked for at the start: the check of a large database takes long. */
#define START_SECONDS 600
/* A start on a full disk looks so often whether there is room. */
#define ROOM_SECONDS 5

static void
on_homecoming(struct ev_loop *loop, ev_async *async, int events)
{
	struct daemon *daemon = async->data;
	struct parcel *list = queue_drain(&daemon->home);

	(void)loop;
	(void)events;
	while (list) {
		struct parcel *next = list->next;

		list->done(list);
		list = next;
	}
}

/* Called by any thread that pushed the first parcel of a batch. */
static void
wake_loop(void *arg)
{
	struct daemon *daemon = arg;

	ev_async_send(daemon->loop, &daemon->homecoming);
}

static void
end_if_idle(struct daemon *daemon)
{
	if (daemon->stopping && daemon->polls_home && daemon->hooks_home)
		ev_break(daemon->loop, EVBREAK_ALL);
}

/* Nothing is polled any more: either we stop, or --once has seen every feed; then the hooks have
 * their turn. */
static void
on_polls_idle(void *arg)
{
	struct daemon *daemon = arg;

	if (!daemon->polls_home && daemon->stopping) {
		daemon->polls_home = true;
		end_if_idle(daemon);
	} else if (daemon->options.once && !daemon->stopping) {
		notify_wake(daemon->notify);
		if (notify_is_idle(daemon->notify))
			daemon_stop(daemon);
	}
}

static void
on_notify_idle(void *arg)
{
	struct daemon *daemon = arg;

	if (daemon->options.once && !daemon->stopping && poller_is_idle(daemon->poller))
		daemon_stop(daemon);
}

static void
on_hooks_home(void *arg)
{
	struct daemon *daemon = arg;

	daemon->hooks_home = true;
	end_if_idle(daemon);
}

void
daemon_news(void *arg)
{
	struct daemon *daemon = arg;

	notify_wake(daemon->notify);
	if (daemon->api)
		api_wake(daemon->api);
}

static void
on_grace_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = timer->data;

	(void)loop;
	(void)events;
	poller_cancel(daemon->poller);
}

void
daemon_stop(struct daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	service_stopping(daemon);
	retention_stop(daemon);
	/* Requests and hooks share the time; what is left of it goes to the last commit. */
	double grace = daemon->config ? (double)daemon->config->shutdown_timeout : 5;
	ev_timer_set(&daemon->stop_timer, grace, 0);
	ev_timer_start(daemon->loop, &daemon->stop_timer);
	notify_stop(daemon->notify, (int64_t)(grace * 1000), on_hooks_home, daemon);
	poller_stop(daemon->poller);
	end_if_idle(daemon);
}

static void
on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct daemon *daemon = signal->data;

	(void)loop;
	(void)events;
	if (signal->signum == SIGHUP) {
		/* Not before there is something to reload. */
		if (daemon->ready)
			reload_begin(daemon, NULL);
		else
			daemon->reload_again = true;
		return;
	}
	log_notice("stopping");
	if (daemon->poller)
		daemon_stop(daemon);
	else
		daemon->stopping = true; /* start() sees to it */
}

static void
start_signals(struct daemon *daemon)
{
	const struct {
		ev_signal *watcher;
		int number;
	} signals[] = {
		{&daemon->on_term, SIGTERM}, {&daemon->on_int, SIGINT}, {&daemon->on_hup, SIGHUP}};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		ev_signal_init(signals[i].watcher, on_signal, signals[i].number);
		signals[i].watcher->data = daemon;
		ev_signal_start(daemon->loop, signals[i].watcher);
	}
}

/* A configuration on its way to the database and back. */
struct applying {
	struct store_sync sync;
	struct daemon *daemon;
	struct config *config; /* a reference */
	void (*applied)(struct daemon *daemon, int result);
};

static void
on_synced(struct parcel *parcel)
{
	struct applying *applying = CONTAINER_OF(parcel, struct applying, sync.head.parcel);
	struct daemon *daemon = applying->daemon;
	int result = applying->sync.head.result;

	if (result == 0 && !daemon->stopping) {
		struct config *old = daemon->config;

		daemon->config = config_ref(applying->config);
		log_set_level(daemon->config->log_level + daemon->options.verbose);
		notify_configure(daemon->notify, daemon->config);
		poller_configure(daemon->poller, daemon->config, applying->sync.feeds);
		config_unref(old);
	}
	applying->applied(daemon, result);
	config_unref(applying->config);
	free(applying->sync.feeds);
	free(applying);
}

void
daemon_apply(struct daemon *daemon, struct config *config,
	void (*applied)(struct daemon *daemon, int result))
{
	struct applying *applying = xcalloc(1, sizeof(*applying));

	applying->daemon = daemon;
	applying->config = config_ref(config);
	applying->applied = applied;
	applying->sync.config = config;
	applying->sync.head.parcel.done = on_synced;
	store_sync(daemon->store, &applying->sync);
}

/* A while, and what signals had to say meanwhile. */
static void
wait_for_room(struct daemon *daemon)
{
	poll(NULL, 0, ROOM_SECONDS * 1000);
	ev_run(daemon->loop, EVRUN_NOWAIT);
}

/* Where the disk is full there will be room again, and nobody who starts us then: it is waited for.
 * -ECANCELED at the stop. */
static int
open_store(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	bool said = false;

	for (;;) {
		AUTO(freep) char *error = NULL;

		service_extend(START_SECONDS);
		int r = store_open(&daemon->store, config->state_directory, config->search, &error);
		bool waits = r == -ENOSPC && !daemon->options.once;
		if (r < 0 && !said)
			log_error("%s%s", error ? error : strerror(-r),
				waits ? "; waiting for room" : "");
		if (!waits)
			return r;
		said = true;
		wait_for_room(daemon);
		if (daemon->stopping)
			return -ECANCELED;
	}
}

static enum daemon_exit
start_store(struct daemon *daemon)
{
	int r = open_store(daemon);

	if (r == -ECANCELED)
		return DAEMON_DONE;
	if (r < 0)
		return r == -ENOSPC ? DAEMON_FAILED : DAEMON_DATABASE;
	r = store_start(daemon->store, &daemon->home);
	if (r < 0) {
		log_error("the store could not be started: %s", strerror(-r));
		return DAEMON_FAILED;
	}
	return DAEMON_DONE;
}

static unsigned
count_workers(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long workers = config->workers ? (long)config->workers : cores - 1;

	return workers < 1 ? 1 : workers > 8 && !config->workers ? 8 : (unsigned)workers;
}

static enum daemon_exit
start_engines(struct daemon *daemon)
{
	const struct notify_tools notify_tools = {
		.loop = daemon->loop,
		.http = NULL,
		.store = daemon->store,
		.once = daemon->options.once,
		.idle = on_notify_idle,
		.arg = daemon,
	};
	int r = pool_start(&daemon->pool, count_workers(daemon->config), &daemon->home);

	if (r == 0)
		r = http_new(&daemon->http, daemon->loop,
			"feedd/" FEEDD_VERSION " (+https://feedd.example/)");
	if (r == 0) {
		struct notify_tools tools = notify_tools;

		tools.http = daemon->http;
		tools.pool = daemon->pool;
		r = notify_new(&daemon->notify, &tools);
	}
	if (r == 0) {
		const struct poller_tools tools = {
			.loop = daemon->loop,
			.http = daemon->http,
			.store = daemon->store,
			.pool = daemon->pool,
			.once = daemon->options.once,
			.news = daemon_news,
			.idle = on_polls_idle,
			.arg = daemon,
		};

		r = poller_new(&daemon->poller, &tools);
	}
	if (r == 0)
		return DAEMON_DONE;
	log_error("could not start: %s", strerror(-r));
	return DAEMON_FAILED;
}

/* Before the store: a living daemon at the socket is reason enough not to touch anything. */
static enum daemon_exit
listen_sockets(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	int r = 0;

	daemon->unix_fd = service_socket("control");
	if (daemon->unix_fd < 0) {
		r = api_listen_unix(config->socket, &daemon->unix_fd);
		daemon->unix_is_ours = r == 0;
	}
	if (r < 0) {
		log_error("socket %s: %s", config->socket,
			r == -EADDRINUSE ? "in use by another feedd" : strerror(-r));
		return DAEMON_FAILED;
	}
	if (!config->listen)
		return DAEMON_DONE;
	r = api_listen_tcp(config->listen, &daemon->tcp_fd);
	if (r == 0)
		return DAEMON_DONE;
	log_error("listen = \"%s\": %s", config->listen, strerror(-r));
	return DAEMON_FAILED;
}

static enum daemon_exit
start_api(struct daemon *daemon)
{
	const struct api_options options = {
		.store = daemon->store,
		.unix_fd = daemon->unix_fd,
		.unlink_path = daemon->unix_is_ours ? daemon->config->socket : NULL,
		.tcp_fd = daemon->tcp_fd,
		.max_clients = (unsigned)daemon->config->max_clients,
		.loop_home = &daemon->home,
		.command = command_take,
		.arg = daemon,
	};
	int r = api_start(&daemon->api, &options);

	daemon->unix_fd = daemon->tcp_fd =
		-1; /* the api's from now on, which closed them if it failed */
	if (r == 0)
		return DAEMON_DONE;
	log_error("the socket could not be served: %s", strerror(-r));
	return DAEMON_FAILED;
}

static void on_configured(struct daemon *daemon, int result);

static void
on_room(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = timer->data;

	(void)loop;
	(void)events;
	service_extend(START_SECONDS);
	if (!daemon->stopping)
		daemon_apply(daemon, daemon->config, on_configured);
}

/* There was room to open the database, but none for what the configuration changes in it. */
static void
wait_to_configure(struct daemon *daemon)
{
	if (!daemon->room.data)
		log_error("%s: no space left on the disk; waiting for room",
			store_path(daemon->store));
	ev_timer_init(&daemon->room, on_room, ROOM_SECONDS, 0);
	daemon->room.data = daemon;
	ev_timer_start(daemon->loop, &daemon->room);
}

static void
on_configured(struct daemon *daemon, int result)
{
	if (daemon->stopping)
		return;
	if (result == -ENOSPC && !daemon->options.once) {
		wait_to_configure(daemon);
		return;
	}
	if (result < 0) {
		log_error("the configuration could not be stored: %s", strerror(-result));
		daemon->exit = DAEMON_FAILED;
		daemon_stop(daemon);
		return;
	}
	if (daemon->options.once)
		return;
	/* Clients wait in the sockets until there is something to tell them. */
	if (start_api(daemon) != DAEMON_DONE) {
		daemon->exit = DAEMON_FAILED;
		daemon_stop(daemon);
		return;
	}
	retention_start(daemon);
	service_ready(daemon);
	daemon->ready = true;
	log_notice("ready: %zu feed%s, %zu notifier%s", daemon->config->n_feeds,
		daemon->config->n_feeds == 1 ? "" : "s", daemon->config->n_notifies,
		daemon->config->n_notifies == 1 ? "" : "s");
	if (daemon->reload_again) {
		daemon->reload_again = false;
		reload_begin(daemon, NULL);
	}
}

static enum daemon_exit
start(struct daemon *daemon)
{
	enum daemon_exit e = daemon->options.once ? DAEMON_DONE : listen_sockets(daemon);

	if (e == DAEMON_DONE)
		e = start_store(daemon);
	if (e == DAEMON_DONE && !daemon->stopping)
		e = start_engines(daemon);
	return e;
}

/* Everything that start() began, in the opposite order; also half of it. */
static void
tear_down(struct daemon *daemon)
{
	api_stop(daemon->api);
	poller_free(daemon->poller);
	notify_free(daemon->notify);
	http_free(daemon->http);
	pool_stop(daemon->pool);
	/* What came home since the loop ended, and what the store had still to do. */
	on_homecoming(daemon->loop, &daemon->homecoming, 0);
	store_stop(daemon->store);
	on_homecoming(daemon->loop, &daemon->homecoming, 0);
	if (daemon->unix_fd >= 0)
		close(daemon->unix_fd);
	if (daemon->unix_fd >= 0 && daemon->unix_is_ours)
		unlink(daemon->config->socket);
	if (daemon->tcp_fd >= 0)
		close(daemon->tcp_fd);
	config_unref(daemon->config);
	ev_loop_destroy(daemon->loop);
	queue_fini(&daemon->home);
}

static void
say_faults(const struct config_faults *faults, bool to_stderr)
{
	for (size_t i = 0; i < faults->n_warnings; i++) {
		if (to_stderr)
			fprintf(stderr, "%s (warning)\n", faults->warnings[i]);
		else
			log_warning("%s", faults->warnings[i]);
	}
	for (size_t i = 0; i < faults->n; i++) {
		if (to_stderr)
			fprintf(stderr, "%s\n", faults->at[i]);
		else
			log_error("%s", faults->at[i]);
	}
}

/* Reads and checks a configuration whole. */
static struct config *
load(const char *path, bool to_stderr)
{
	AUTO(config_faults_fini) struct config_faults faults = {0};
	struct config *config = NULL;

	if (config_load_checked(path, notify_check, &config, &faults) < 0)
		config = NULL;
	say_faults(&faults, to_stderr);
	return config;
}

enum daemon_exit
daemon_check(const char *config_path)
{
	struct config *config = load(config_path, true);

	if (!config)
		return DAEMON_CONFIG;
	config_free(config);
	return DAEMON_DONE;
}

/* Bodies and documents come and go: large ones are given back at once, and threads share two heaps,
 * so that a burst does not stay resident in every one of them. */
static void
bound_heaps(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

static void
init(struct daemon *daemon)
{
	daemon->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	queue_init(&daemon->home, wake_loop, daemon);
	ev_async_init(&daemon->homecoming, on_homecoming);
	daemon->homecoming.data = daemon;
	ev_async_start(daemon->loop, &daemon->homecoming);
	ev_timer_init(&daemon->stop_timer, on_grace_over, 0, 0);
	daemon->stop_timer.data = daemon;
	daemon->started_at = ev_time();
	start_signals(daemon);
}

enum daemon_exit
daemon_run(const struct daemon_options *options)
{
	struct daemon daemon = {.options = *options, .unix_fd = -1, .tcp_fd = -1};

	bound_heaps();
	parse_init();
	struct config *config = load(options->config_path, false);
	if (!config)
		return DAEMON_CONFIG;
	daemon.config = config_ref(config);
	log_set_level(config->log_level + options->verbose);
	init(&daemon);
	enum daemon_exit e = start(&daemon);
	if (e == DAEMON_DONE && !daemon.stopping) {
		service_start_watchdog(&daemon);
		daemon_apply(&daemon, config, on_configured);
		ev_run(daemon.loop, 0);
		e = daemon.exit;
		if (e == DAEMON_DONE && options->once &&
			(poller_had_failures(daemon.poller) || notify_had_failures(daemon.notify)))
			e = DAEMON_FAILED;
	}
	tear_down(&daemon);
	parse_fini();
	return e;
}
