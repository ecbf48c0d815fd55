/* command.c - what the socket asks of the loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "feedd/log.h"
#include "room.h"

/* Puts {"name": value} into the answer; value is released. */
static void
put(struct api_command *command, const char *name, json_t *value)
{
	json_t *object = json_object();

	json_object_set_new(object, name, value);
	AUTO(freep) char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	buf_puts(&command->body, text ? text : "{}");
}

static void
answer(struct daemon *daemon, struct api_command *command, int status)
{
	command->status = status;
	api_answer(daemon->api, command);
}

static void
refuse(struct daemon *daemon, struct api_command *command, int status, const char *why)
{
	put(command, "error", json_string(why));
	answer(daemon, command, status);
}

static void
refuse_errno(struct daemon *daemon, struct api_command *command, int error)
{
	if (error == -ENOENT)
		refuse(daemon, command, 404, "there is nothing of that name");
	else if (error == -EBUSY)
		refuse(daemon, command, 409,
			"this feed is not polled: it is gone (410, see feedctl resume) or "
			"disabled");
	else
		refuse(daemon, command, 503, strerror(-error));
}

/* A request that waits for something on the loop. */
struct pending {
	struct daemon *daemon;
	struct api_command *command;
};

static struct pending *
pend(struct daemon *daemon, struct api_command *command)
{
	struct pending *pending = xcalloc(1, sizeof(*pending));

	*pending = (struct pending){daemon, command};
	return pending;
}

static void
on_feed_done(void *arg, int result, int64_t count)
{
	AUTO(freep) struct pending *pending = arg;

	if (result < 0) {
		refuse_errno(pending->daemon, pending->command, result);
		return;
	}
	if (pending->command->verb == API_ACCEPT_MOVE && count == 0) {
		refuse(pending->daemon, pending->command, 409, "this feed has not moved");
		return;
	}
	if (pending->command->verb == API_RELEASE)
		put(pending->command, "released", json_integer(count));
	answer(pending->daemon, pending->command, 200);
}

static void
command_feed(struct daemon *daemon, struct api_command *command, enum feed_command what)
{
	struct pending *pending = pend(daemon, command);
	int r = poller_command(daemon->poller, command->name, what, on_feed_done, pending);

	if (r == 0)
		return;
	free(pending);
	refuse_errno(daemon, command, r);
}

static void
command_poll(struct daemon *daemon, struct api_command *command)
{
	int r = poller_poll(daemon->poller, command->name, command->force);

	if (r < 0) {
		refuse_errno(daemon, command, r);
		return;
	}
	put(command, "polls", json_integer(r));
	answer(daemon, command, 202);
}

static void
on_retried(void *arg, int64_t count)
{
	AUTO(freep) struct pending *pending = arg;

	put(pending->command, "retried", json_integer(count));
	answer(pending->daemon, pending->command, 200);
}

static void
on_tested(void *arg, bool ok, const char *detail)
{
	AUTO(freep) struct pending *pending = arg;

	if (ok) {
		put(pending->command, "delivered", json_true());
		answer(pending->daemon, pending->command, 200);
	} else {
		refuse(pending->daemon, pending->command, 502,
			detail ? detail : "the delivery failed");
	}
}

static void
command_test(struct daemon *daemon, struct api_command *command)
{
	struct pending *pending = pend(daemon, command);
	int r = notify_test(daemon->notify, command->name, on_tested, pending);

	if (r == 0)
		return;
	free(pending);
	refuse_errno(daemon, command, r);
}

static void
add_notifier(void *arg, const struct notify_status *status)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(status->name));
	json_object_set_new(object, "kind", json_string(status->kind));
	json_object_set_new(object, "disabled", json_boolean(status->disabled));
	if (status->disabled_why)
		json_object_set_new(object, "disabled_why", json_string(status->disabled_why));
	json_object_set_new(object, "cursor", json_integer(status->cursor));
	json_object_set_new(object, "queued", json_integer(status->queued));
	json_object_set_new(object, "in_flight", json_integer(status->in_flight));
	json_object_set_new(object, "waiting", json_integer(status->waiting));
	json_object_set_new(object, "failed", json_integer(status->failed));
	json_object_set_new(object, "delivered", json_integer(status->delivered));
	json_object_set_new(object, "failures", json_integer(status->failures));
	if (status->last_error)
		json_object_set_new(object, "last_error", json_string(status->last_error));
	if (status->last_success_at)
		json_object_set_new(
			object, "last_success_at", json_integer(status->last_success_at));
	if (status->next_try_at)
		json_object_set_new(object, "next_try_at", json_integer(status->next_try_at));
	json_array_append_new(arg, object);
}

static void
command_status(struct daemon *daemon, struct api_command *command)
{
	AUTO(buf_fini) struct buf polls = BUF_INIT(1 << 20);
	json_t *notifiers = json_array();

	poller_status(daemon->poller, &polls);
	json_t *status = json_loads(polls.data ? polls.data : "{}", 0, NULL);
	notify_each(daemon->notify, add_notifier, notifiers);
	json_object_set_new(status, "notifiers", notifiers);
	json_object_set_new(status, "uptime_seconds",
		json_integer((json_int_t)(ev_time() - daemon->started_at)));
	json_object_set_new(
		status, "http_in_flight", json_integer((json_int_t)http_in_flight(daemon->http)));
	AUTO(freep) char *text = json_dumps(status, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(status);
	buf_puts(&command->body, text ? text : "{}");
	answer(daemon, command, 200);
}

static void
add_delivered(void *arg, const struct notify_status *status)
{
	buf_printf(arg, "feedd_deliveries_total{notifier=\"%s\",result=\"ok\"} %lld\n",
		status->name, (long long)status->delivered);
	buf_printf(arg, "feedd_deliveries_total{notifier=\"%s\",result=\"failed\"} %lld\n",
		status->name, (long long)status->failures);
}

static void
add_disabled(void *arg, const struct notify_status *status)
{
	buf_printf(arg, "feedd_notifier_disabled{notifier=\"%s\"} %d\n", status->name,
		status->disabled);
}

static void
command_metrics(struct daemon *daemon, struct api_command *command)
{
	struct buf *out = &command->body;

	buf_printf(out,
		"# HELP feedd_start_time_seconds When feedd started, in unix time.\n# TYPE "
		"feedd_start_time_seconds gauge\n"
		"feedd_start_time_seconds %.0f\n",
		daemon->started_at);
	poller_metrics(daemon->poller, out);
	buf_puts(out,
		"# HELP feedd_deliveries_total Deliveries since the start.\n# TYPE "
		"feedd_deliveries_total counter\n");
	notify_each(daemon->notify, add_delivered, out);
	buf_puts(out,
		"# HELP feedd_notifier_disabled 1 where a webhook said 410.\n# TYPE "
		"feedd_notifier_disabled gauge\n");
	notify_each(daemon->notify, add_disabled, out);
	answer(daemon, command, 200);
}

static void
command_why(struct daemon *daemon, struct api_command *command)
{
	int r = poller_why(daemon->poller, command->name, &command->body);

	if (r < 0)
		refuse_errno(daemon, command, r);
	else
		answer(daemon, command, 200);
}

void
command_take(void *arg, struct api_command *command)
{
	struct daemon *daemon = arg;

	if (daemon->stopping && command->verb != API_STATUS && command->verb != API_METRICS) {
		refuse(daemon, command, 503, "feedd is stopping");
		return;
	}
	switch (command->verb) {
	case API_STATUS:
		command_status(daemon, command);
		return;
	case API_METRICS:
		command_metrics(daemon, command);
		return;
	case API_POLL:
		command_poll(daemon, command);
		return;
	case API_RELOAD:
		reload_begin(daemon, command);
		return;
	case API_RESUME:
		command_feed(daemon, command, FEED_RESUME);
		return;
	case API_ACCEPT_MOVE:
		command_feed(daemon, command, FEED_ACCEPT_MOVE);
		return;
	case API_RELEASE:
		command_feed(daemon, command, FEED_RELEASE);
		return;
	case API_RETRY:
		notify_retry(daemon->notify, command->seq, on_retried, pend(daemon, command));
		return;
	case API_TEST:
		command_test(daemon, command);
		return;
	case API_WHY:
		command_why(daemon, command);
		return;
	case API_NOTIFIERS:
		api_describe_notifiers(daemon->config, command);
		api_answer(daemon->api, command);
		return;
	}
}
