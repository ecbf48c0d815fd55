/*
 * service.c - the service manager: readiness, status, watchdog, passed sockets, the journal. The
 * door to libsystemd.
 *
 * Built with SYSTEMD=no, or started without a service manager, nothing of this does anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "feedd/log.h"
#include "room.h"

#if HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

/* How often STATUS= is renewed. */
#define STATUS_SECONDS 30

static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return strcmp(stream, own) == 0;
}

static void
to_journal(const struct log_record *record)
{
	char text[LOG_LINE_MAX * 4 + 32], priority[16], file[256], line[32], func[128], feed[160],
		notify[160], seq[64], id[64];
	struct iovec fields[9];
	int n = 0;
	const struct {
		char *to;
		size_t size;
		const char *name, *value;
	} strings[] = {
		{text, sizeof(text), "MESSAGE", record->text},
		{file, sizeof(file), "CODE_FILE", record->file},
		{func, sizeof(func), "CODE_FUNC", record->func},
		{feed, sizeof(feed), "FEEDD_FEED", record->about.feed},
		{notify, sizeof(notify), "FEEDD_NOTIFY", record->about.notify},
		{id, sizeof(id), "MESSAGE_ID", record->about.message_id},
	};
	const struct {
		char *to;
		size_t size;
		const char *name;
		int64_t value;
	} numbers[] = {
		{priority, sizeof(priority), "PRIORITY", record->level},
		{line, sizeof(line), "CODE_LINE", record->line},
		{seq, sizeof(seq), "FEEDD_SEQ", record->about.seq},
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!strings[i].value)
			continue;
		snprintf(
			strings[i].to, strings[i].size, "%s=%s", strings[i].name, strings[i].value);
		fields[n++] = (struct iovec){strings[i].to, strlen(strings[i].to)};
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].value == 0 && numbers[i].to == seq)
			continue;
		snprintf(numbers[i].to, numbers[i].size, "%s=%lld", numbers[i].name,
			(long long)numbers[i].value);
		fields[n++] = (struct iovec){numbers[i].to, strlen(numbers[i].to)};
	}
	sd_journal_sendv(fields, n);
}

void
daemon_init_log(int level)
{
	log_init(level, getenv("JOURNAL_STREAM") != NULL);
	if (is_journal())
		log_set_sink(to_journal);
}

void
service_status(struct daemon *daemon)
{
	struct poller_summary summary = poller_summarise(daemon->poller);

	sd_notifyf(0, "STATUS=%zu feeds, %zu failing, %zu polls in flight, log at %lld",
		summary.feeds, summary.failing, summary.in_flight,
		(long long)store_seq(daemon->store));
}

static void
on_status(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	service_status(timer->data);
}

void
service_ready(struct daemon *daemon)
{
	if (daemon->stopping)
		return;
	if (!daemon->ready && getenv("NOTIFY_SOCKET")) {
		ev_timer_init(&daemon->status, on_status, STATUS_SECONDS, STATUS_SECONDS);
		daemon->status.data = daemon;
		ev_timer_start(daemon->loop, &daemon->status);
	}
	sd_notify(0, "READY=1");
	service_status(daemon);
}

void
service_reloading(struct daemon *daemon)
{
	struct timespec now;

	(void)daemon;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reading the configuration",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
service_stopping(struct daemon *daemon)
{
	(void)daemon;
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}

void
service_extend(int64_t seconds)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=Opening the database",
		(long long)seconds * 1000000);
}

static void
on_watchdog(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	sd_notify(0, "WATCHDOG=1");
}

void
service_start_watchdog(struct daemon *daemon)
{
	uint64_t microseconds;

	if (sd_watchdog_enabled(0, &microseconds) <= 0)
		return;
	double half = (double)microseconds / 2e6;
	ev_timer_init(&daemon->watchdog, on_watchdog, 0, half);
	ev_timer_start(daemon->loop, &daemon->watchdog);
}

int
service_socket(const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), found = -1;

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		/* A single nameless socket is ours, too. */
		if (found < 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 &&
			(strcmp(names[i], name) == 0 || n == 1))
			found = fd;
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return found;
}

#else

void
daemon_init_log(int level)
{
	log_init(level, getenv("JOURNAL_STREAM") != NULL);
}

void
service_status(struct daemon *daemon)
{
	(void)daemon;
}

void
service_ready(struct daemon *daemon)
{
	(void)daemon;
}

void
service_reloading(struct daemon *daemon)
{
	(void)daemon;
}

void
service_stopping(struct daemon *daemon)
{
	(void)daemon;
}

void
service_extend(int64_t seconds)
{
	(void)seconds;
}

void
service_start_watchdog(struct daemon *daemon)
{
	(void)daemon;
}

int
service_socket(const char *name)
{
	(void)name;
	return -1;
}

#endif
