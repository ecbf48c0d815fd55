/* notify.c - see notify.h. The list of notifiers, and what concerns them all. */
#include "feedd/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/log.h"

#include "log_line.h"
#include "notifier.h"

#define LOG_LINES 20
#define LOG_SPAN_MS 10000

static void
kill_calls(struct notify *notify)
{
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next)
		for (struct call *call = notifier->calls, *next; call; call = next) {
			next = call->next;
			call_kill(call);
		}
}

static void
on_grace(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)events;
	kill_calls(timer->data);
}

static void
free_ended(struct notify *notify)
{
	struct notifier **place = &notify->notifiers;

	while (*place) {
		struct notifier *notifier = *place;

		if (!notifier->ending || !notifier_is_quiet(notifier)) {
			place = &notifier->next;
			continue;
		}
		*place = notifier->next;
		notifier_free(notifier);
	}
}

static bool
all_quiet(const struct notify *notify)
{
	for (const struct notifier *notifier = notify->notifiers; notifier;
		notifier = notifier->next)
		if (!notifier_is_quiet(notifier))
			return false;
	return true;
}

static void
on_sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct notify *notify = timer->data;

	(void)events;
	free_ended(notify);
	if (notify->stopping) {
		if (notify->stop_told || !all_quiet(notify))
			return;
		notify->stop_told = true;
		ev_timer_stop(loop, &notify->grace);
		notify->stopped(notify->stopped_arg);
		return;
	}
	bool busy = !notify_is_idle(notify), told = notify->was_busy && !busy;
	notify->was_busy = busy;
	if (told && notify->tools.idle)
		notify->tools.idle(notify->tools.arg);
}

void
notify_changed(struct notify *notify)
{
	if (!ev_is_active(&notify->sweep)) {
		ev_timer_set(&notify->sweep, 0., 0.);
		ev_timer_start(notify->tools.loop, &notify->sweep);
	}
}

int
notify_new(struct notify **ret_notify, const struct notify_tools *tools)
{
	struct notify *notify = xcalloc(1, sizeof(*notify));

	const struct sigaction ignore = {.sa_handler = SIG_IGN}, standard = {.sa_handler = SIG_DFL};

	/* A hook that does not read its input must not end the daemon. And where our parent ignored
	 * SIGCHLD, hooks would leave no exit status: a failure could not be told from a success. */
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGCHLD, &standard, NULL) < 0) {
		free(notify);
		return -errno;
	}
	notify->tools = *tools;
	ev_timer_init(&notify->grace, on_grace, 0., 0.);
	ev_timer_init(&notify->sweep, on_sweep, 0., 0.);
	notify->grace.data = notify->sweep.data = notify;
	*ret_notify = notify;
	return 0;
}

static struct notifier *
find(const struct notify *notify, const char *name)
{
	struct notifier *notifier = notify->notifiers;

	while (notifier && strcmp(notifier->name, name) != 0)
		notifier = notifier->next;
	return notifier;
}

void
notify_configure(struct notify *notify, const struct config *config)
{
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next)
		notifier->wanted = false;
	for (size_t i = 0; i < config->n_notifies; i++) {
		struct notifier *notifier = find(notify, config->notifies[i].name);

		if (notifier) {
			notifier_change(notifier, &config->notifies[i]);
		} else {
			notifier = notifier_new(notify, &config->notifies[i]);
			notifier->next = notify->notifiers;
			notify->notifiers = notifier;
		}
		notifier->wanted = true;
	}
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next)
		if (!notifier->wanted) {
			notifier->ending = true;
			notifier_pump(notifier);
		}
	notify->was_busy = true;
	notify_changed(notify);
}

void
notify_check(const struct config *config, struct config_faults *faults)
{
	for (size_t i = 0; i < config->n_notifies; i++) {
		const struct notify_config *one = &config->notifies[i];
		AUTO(freep) char *error = NULL;

		if (!one->where)
			continue;
		struct filter *filter = filter_new(one->where, &error);
		if (!filter)
			config_faults_add(faults, one->file, one->where_line,
				"notify \"%s\": where: %s", one->name,
				error ? error : "not an expression");
		filter_free(filter);
	}
}

void
notify_wake(struct notify *notify)
{
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next)
		notifier_pump(notifier);
	notify->was_busy = true;
	notify_changed(notify);
}

bool
notify_is_idle(const struct notify *notify)
{
	for (const struct notifier *notifier = notify->notifiers; notifier;
		notifier = notifier->next)
		if (notifier_is_busy(notifier))
			return false;
	return true;
}

bool
notify_had_failures(const struct notify *notify)
{
	for (const struct notifier *notifier = notify->notifiers; notifier;
		notifier = notifier->next)
		if (notifier->failed_once)
			return true;
	return false;
}

void
notify_stop(struct notify *notify, int64_t grace_ms, void (*stopped)(void *arg), void *arg)
{
	struct ev_loop *loop = notify->tools.loop;

	notify->stopping = true;
	notify->stopped = stopped;
	notify->stopped_arg = arg;
	ev_now_update(loop);
	ev_timer_set(&notify->grace, (double)grace_ms / 1000.0, 0.);
	ev_timer_start(loop, &notify->grace);
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next)
		notifier_pump(notifier);
	notify_changed(notify);
}

void
notify_free(struct notify *notify)
{
	if (!notify)
		return;
	while (notify->notifiers) {
		struct notifier *notifier = notify->notifiers;

		notify->notifiers = notifier->next;
		notifier_free(notifier);
	}
	ev_timer_stop(notify->tools.loop, &notify->grace);
	ev_timer_stop(notify->tools.loop, &notify->sweep);
	free(notify);
}

int
notify_test(struct notify *notify, const char *name,
	void (*done)(void *arg, bool ok, const char *detail), void *arg)
{
	struct notifier *notifier = find(notify, name);

	if (!notifier || notifier->ending)
		return -ENOENT;
	journey_test(notifier, done, arg);
	return 0;
}

static struct notify_status
status_of(const struct notifier *notifier)
{
	static const char *const kinds[] = {
		[NOTIFY_EXEC] = "exec", [NOTIFY_WEBHOOK] = "webhook", [NOTIFY_FILE] = "file"};
	const struct bundle *first = waiting_first(&notifier->waiting);
	struct notify_status status = {
		.name = notifier->name,
		.kind = kinds[notifier->setup->config.kind],
		.disabled = notifier->disabled,
		.disabled_why = notifier->disabled_why,
		.cursor = notifier->cursor,
		.queued = (int64_t)notifier->lineup.n,
		.waiting = (int64_t)notifier->waiting.n_events,
		.failed = notifier->n_failed,
		.delivered = notifier->n_delivered,
		.failures = notifier->n_failures,
		.last_error = notifier->last_error,
		.last_success_at = notifier->last_success_at,
	};

	for (const struct call *call = notifier->calls; call; call = call->next)
		status.in_flight += call->bundle ? (int64_t)call->bundle->n : 0;
	int64_t next = first ? first->due_mono : 0;
	if (notifier->gate_mono > next && (first || notifier->lineup.n > 0))
		next = notifier->gate_mono;
	if (next > 0)
		status.next_try_at = notifier_now() + (next - notifier_mono()) / 1000;
	return status;
}

void
notify_each(const struct notify *notify, void (*row)(void *arg, const struct notify_status *status),
	void *arg)
{
	for (const struct notifier *notifier = notify->notifiers; notifier;
		notifier = notifier->next) {
		const struct notify_status status = status_of(notifier);

		if (!notifier->ending)
			row(arg, &status);
	}
}

void
log_line(struct notifier *notifier, int level, int64_t seq, const char *fmt, ...)
{
	const struct log_about about = {.notify = notifier->name, .seq = seq};
	int64_t mono = notifier_mono();
	va_list args;

	if (mono - notifier->log_since_mono >= LOG_SPAN_MS) {
		if (notifier->log_left_out > 0)
			log_at(LOG_NOTICE, &about, "notify \"%s\": %u lines were left out",
				notifier->name, notifier->log_left_out);
		notifier->log_since_mono = mono;
		notifier->log_lines = notifier->log_left_out = 0;
	}
	if (notifier->log_lines >= LOG_LINES) {
		notifier->log_left_out++;
		return;
	}
	notifier->log_lines++;
	AUTO(freep) char *text = NULL;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		mem_exhausted(0);
	va_end(args);
	if (seq)
		log_at(level, &about, "notify \"%s\": seq=%" PRId64 ": %s", notifier->name, seq,
			text);
	else
		log_at(level, &about, "notify \"%s\": %s", notifier->name, text);
}
