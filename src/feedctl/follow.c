/*
 * follow.c - the log as JSON Lines on standard output, with or without a cursor at the daemon.
 *
 * DESIGN: the main thread asks for the stream and hands on each line; what it has written and the
 * reader has taken is acknowledged before the lock is given up. A second thread watches for signals
 * and for a reader that goes away while there is nothing to write; it ends the process, but only
 * with the lock held, so that a line is never taken and not acknowledged. Where the daemon goes
 * away, nothing more is written until it has heard what was taken last; following goes on from
 * there for a while.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "feedd/http.h"
#include "feedd/queue.h"
#include "output.h"
#include "reader.h"
#include "verbs.h"

/* So long a daemon may be away while it is restarted. */
#define AWAY_MS 5000
#define RETRY_MS 100

struct follow {
	const struct ctl *ctl;
	const char *consumer, *feed, *where;
	char *after;  /* where to start; NULL: where the daemon says */
	int64_t left; /* events still wanted; -1: no limit */
	bool wait, acknowledge;
	struct reader reader;
	int signal_fd, stop_fd;
	pthread_mutex_t lock; /* held while lines are handled, and for ever by who ends the process
			       */
	struct buf line;
	int64_t last; /* the last event that was written; 0 none */
	struct http_kept acks;
	int64_t unacked; /* taken by the reader, not yet acknowledged; 0 none */
	bool stalled;	 /* the daemon could not be told of it: no further line before it was */
	bool dying;	 /* a signal came: watch_main ends the process with it */
	bool over;	 /* nothing more is to be written */
	int code;	 /* exit status then */
	bool progress;	 /* an event came since the connection was made */
};

static void finish(struct follow *follow, int code) __attribute__((noreturn));

static void
finish(struct follow *follow, int code)
{
	pthread_mutex_lock(&follow->lock);
	_exit(code);
}

/* Dies of the signal as usual, once no line is between taken and acknowledged. */
static void
die_of(struct follow *follow, int number)
{
	static const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t one;
	uint64_t on = 1;

	if (write(follow->stop_fd, &on, sizeof(on)) < 0)
		_exit(EXIT_FAILED);
	pthread_mutex_lock(&follow->lock);
	sigaction(number, &usual, NULL);
	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	kill(getpid(), number);
	_exit(EXIT_FAILED);
}

/* The other thread sends the signal; an exit status before it would hide what ended us. */
static void __attribute__((noreturn)) wait_for_death(void)
{
	for (;;)
		pause();
}

static void
end_with(struct follow *follow, int code)
{
	if (follow->over)
		return;
	follow->over = true;
	follow->code = code;
}

/* The reader has gone: the end, but for what it took last and the daemon has yet to hear. */
static void
reader_gone(struct follow *follow)
{
	pthread_mutex_lock(&follow->lock);
	if (!follow->stalled)
		_exit(EXIT_DONE);
	end_with(follow, EXIT_DONE);
	pthread_mutex_unlock(&follow->lock);
}

static void *
watch_main(void *arg)
{
	struct follow *follow = arg;
	struct pollfd fds[] = {
		{.fd = follow->reader.fd},
		{.fd = follow->signal_fd, .events = POLLIN},
	};

	for (;;) {
		struct signalfd_siginfo info;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents & POLLIN) {
			if (read(follow->signal_fd, &info, sizeof(info)) == sizeof(info))
				die_of(follow, (int)info.ssi_signo);
		} else if (fds[0].revents) {
			reader_gone(follow);
			fds[0].fd = -1;
		}
	}
	return NULL;
}

static int
watch_start(struct follow *follow)
{
	static const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t signals;
	pthread_t thread;

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	follow->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	follow->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (follow->signal_fd < 0 || follow->stop_fd < 0)
		return -errno;
	reader_init(&follow->reader, STDOUT_FILENO, follow->stop_fd, follow->acknowledge);
	return thread_start(&thread, "follow-watch", watch_main, follow);
}

/* seq of an event object; 0 where there is none. The text that is looked for cannot stand inside a
 * JSON string, where its quotes would be escaped. */
static int64_t
seq_of(const char *line, size_t len)
{
	static const char mark[] = "\"_feedd\":{\"seq\":";
	const char *at = memmem(line, len, mark, sizeof(mark) - 1);

	if (at)
		return strtoll(at + sizeof(mark) - 1, NULL, 10);
	json_t *event = json_loadb(line, len, 0, NULL);
	int64_t seq = client_number(json_object_get(event, "_feedd"), "seq");
	json_decref(event);
	return seq;
}

/* What the daemon says of an error; malloc'd. */
static char *
error_of(const struct http_local *local)
{
	const char *body = local->answer.data ? local->answer.data : "";
	json_t *answer = json_loadb(body, local->answer.len, 0, NULL);
	const char *error = client_text(answer, "error");
	char *text = error ? xstrdup(error) : xasprintf("status %d", local->status);

	json_decref(answer);
	return text;
}

/* Tells the daemon what was taken. Where it is away, nothing goes on until it was told. */
static int
acknowledge(struct follow *follow, char **ret_detail)
{
	char seq[24];

	if (follow->unacked == 0 || !follow->acknowledge)
		return 0;
	snprintf(seq, sizeof(seq), "%lld", (long long)follow->unacked);
	AUTO(freep) char *path = client_path("/v1/consumers/%s/ack?seq=%s", follow->consumer, seq);
	AUTO(http_local_fini)
	struct http_local local = {
		.kept = &follow->acks,
		.timeout_ms = AWAY_MS,
		.socket = follow->ctl->socket,
		.method = "POST",
		.path = path,
	};
	int r = http_local_request(&local);
	if (r == 0 && local.status == 503)
		r = -EIO;
	follow->stalled = r < 0;
	if (r < 0 && ret_detail)
		*ret_detail = xasprintf("event %s cannot be acknowledged: %s", seq,
			local.detail ? local.detail : "the daemon is busy");
	if (r < 0)
		return r;
	follow->unacked = 0;
	/* Retention has forgotten the consumer: the next connection makes it again, at this place.
	 */
	follow->stalled = local.status == 404;
	if (local.status != 200 && local.status != 404) {
		AUTO(freep) char *error = error_of(&local);
		output_error("event %s cannot be acknowledged: %s", seq, error);
		end_with(follow, EXIT_FAILED);
	}
	return 0;
}

static void
handle_line(struct follow *follow, const char *line, size_t len)
{
	int64_t seq = seq_of(line, len);
	bool in_turn = follow->acknowledge && follow->reader.pipe;
	int r = reader_write(&follow->reader, line, len);

	if (r == 0 && in_turn)
		r = reader_wait_taken(&follow->reader);
	if (r < 0) {
		follow->dying = r == -ECANCELED;
		if (r != -EPIPE && r != -ECANCELED)
			output_error("standard output cannot be written: %s", strerror(-r));
		end_with(follow, r == -EPIPE || r == -ECANCELED ? EXIT_DONE : EXIT_FAILED);
		return;
	}
	follow->progress = true;
	follow->last = follow->unacked = seq;
	if (in_turn)
		(void)acknowledge(follow, NULL);
	if (follow->left > 0 && --follow->left == 0)
		end_with(follow, EXIT_DONE);
}

/* A piece of the stream: whole lines are handled, the rest waits for more. */
static int
take_data(void *arg, const char *data, size_t len)
{
	struct follow *follow = arg;

	pthread_mutex_lock(&follow->lock);
	while (len > 0 && !follow->over && !follow->stalled) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;

		buf_append(&follow->line, data, n);
		data += n;
		len -= n;
		if (!end)
			break;
		if (follow->line.len > 1)
			handle_line(follow, follow->line.data, follow->line.len);
		buf_reset(&follow->line);
	}
	if (!follow->stalled)
		(void)acknowledge(follow, NULL);
	int end = follow->over || follow->stalled;
	pthread_mutex_unlock(&follow->lock);
	return end;
}

static char *
stream_path(const struct follow *follow)
{
	char *path = xstrdup("/v1/events");
	char number[24];

	client_parameter(&path, "consumer", follow->consumer);
	client_parameter(&path, "feed", follow->feed);
	client_parameter(&path, "where", follow->where);
	snprintf(number, sizeof(number), "%lld", (long long)follow->last);
	client_parameter(&path, "after", follow->last > 0 ? number : follow->after);
	snprintf(number, sizeof(number), "%lld", (long long)follow->left);
	client_parameter(&path, "limit", follow->left > 0 ? number : NULL);
	client_parameter(&path, "wait", follow->wait ? NULL : "0");
	return path;
}

/* Nothing is left to do. The other thread may say so, too. */
static bool
is_over(struct follow *follow)
{
	pthread_mutex_lock(&follow->lock);
	bool over = follow->over && !follow->stalled;
	pthread_mutex_unlock(&follow->lock);
	return over;
}

enum connection { CONNECTION_DONE, CONNECTION_LOST, CONNECTION_REFUSED, CONNECTION_ABSENT };

/* One connection, to its end. */
static enum connection
connect_once(struct follow *follow, char **ret_detail)
{
	AUTO(freep) char *path = stream_path(follow);
	AUTO(http_local_fini)
	struct http_local local = {
		.socket = follow->ctl->socket,
		.path = path,
		.accept = "application/x-ndjson",
		.data = take_data,
		.arg = follow,
	};

	buf_reset(&follow->line);
	follow->progress = false;
	pthread_mutex_lock(&follow->lock);
	int r = acknowledge(follow, ret_detail);
	follow->stalled = r < 0;
	pthread_mutex_unlock(&follow->lock);
	if (r == 0 && !is_over(follow))
		r = http_local_request(&local);
	if (is_over(follow))
		return CONNECTION_DONE;
	if (r < 0) {
		if (!*ret_detail)
			*ret_detail = xstrdup(local.detail ? local.detail : strerror(-r));
		return r == -EIO || r == -ECANCELED ? CONNECTION_LOST : CONNECTION_ABSENT;
	}
	if (local.status == 200)
		return follow->wait && follow->left != 0 ? CONNECTION_LOST : CONNECTION_DONE;
	*ret_detail = error_of(&local);
	return local.status == 503 ? CONNECTION_LOST : CONNECTION_REFUSED;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
follow_run(struct follow *follow)
{
	int64_t lost_at = 0;

	for (bool first = true;; first = false) {
		AUTO(freep) char *detail = NULL;
		int64_t begun_at = now_ms();
		enum connection end = connect_once(follow, &detail);

		if (end == CONNECTION_DONE && follow->dying)
			wait_for_death();
		if (end == CONNECTION_DONE)
			return follow->over ? follow->code : EXIT_DONE;
		if (follow->progress || now_ms() - begun_at > AWAY_MS)
			lost_at = 0;
		if (lost_at == 0)
			lost_at = now_ms();
		bool give_up = now_ms() - lost_at > AWAY_MS || (first && end == CONNECTION_ABSENT);
		if (end == CONNECTION_REFUSED || give_up) {
			output_error("%s", detail ? detail : "the daemon ends the stream at once");
			return end == CONNECTION_ABSENT ? EXIT_NO_DAEMON : EXIT_FAILED;
		}
		poll(NULL, 0, RETRY_MS);
	}
}

/* "now" must mean the same after a new connection: it is asked for once. */
static int
settle_now(struct follow *follow)
{
	json_t *status;

	if (!follow->after || strcmp(follow->after, "now") != 0 || !follow->wait)
		return EXIT_DONE;
	int code = client_show(follow->ctl, "/v1/status", false, &status);
	if (!status)
		return code;
	free(follow->after);
	follow->after = xasprintf("%lld", client_number(status, "seq"));
	json_decref(status);
	return EXIT_DONE;
}

static int
read_limit(struct follow *follow, const char *text)
{
	char *end;

	errno = 0;
	follow->left = strtoll(text, &end, 10);
	return errno || *end || end == text || follow->left < 1 ? -EINVAL : 0;
}

static int
read_option(struct follow *follow, int c, char **argv)
{
	switch (c) {
	case 'c':
		follow->consumer = optarg;
		return EXIT_DONE;
	case 'a':
		free(follow->after);
		follow->after = xstrdup(optarg);
		return EXIT_DONE;
	case 'f':
		follow->feed = optarg;
		return EXIT_DONE;
	case 'w':
		follow->where = optarg;
		return EXIT_DONE;
	case 'l':
		return read_limit(follow, optarg) < 0
			? verb_wrong(argv[0], "--limit wants a number from 1")
			: EXIT_DONE;
	case 'n':
		follow->wait = false;
		return EXIT_DONE;
	case 'k':
		follow->acknowledge = false;
		return EXIT_DONE;
	case 'h':
		verb_help(argv[0]);
	default:
		return verb_usage(verb_find(argv[0]));
	}
}

int
verb_follow(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"consumer", required_argument, NULL, 'c'},
		{"after", required_argument, NULL, 'a'},
		{"feed", required_argument, NULL, 'f'},
		{"where", required_argument, NULL, 'w'},
		{"limit", required_argument, NULL, 'l'},
		{"no-wait", no_argument, NULL, 'n'},
		{"no-ack", no_argument, NULL, 'k'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct follow follow = {
		.ctl = ctl,
		.left = -1,
		.wait = true,
		.acknowledge = true,
		.line = BUF_INIT(SIZE_MAX / 2),
	};
	int c;

	pthread_mutex_init(&follow.lock, NULL);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		int code = c == 'j' ? EXIT_DONE : read_option(&follow, c, argv);

		if (code != EXIT_DONE)
			return code;
	}
	if (optind < argc)
		return verb_wrong(argv[0], "too many arguments");
	follow.acknowledge = follow.acknowledge && follow.consumer;
	int code = settle_now(&follow);
	if (code != EXIT_DONE)
		return code;
	int r = watch_start(&follow);
	if (r < 0) {
		output_error("%s", strerror(-r));
		return EXIT_FAILED;
	}
	finish(&follow, follow_run(&follow));
}
