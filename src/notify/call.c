/* call.c - see call.h. The table of kinds, and what they have in common. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/notify.h"

static int (*const start_of[])(struct call *call, const struct rendered *events, size_t n) = {
	[NOTIFY_EXEC] = exec_call_start,
	[NOTIFY_WEBHOOK] = webhook_call_start,
	[NOTIFY_FILE] = file_call_start,
};

struct call *
call_new(const struct notify_tools *tools, struct notifier *notifier, struct setup *setup,
	struct bundle *bundle)
{
	struct call *call = xcalloc(1, sizeof(*call));

	call->tools = tools;
	call->notifier = notifier;
	call->setup = setup_ref(setup);
	call->bundle = bundle;
	return call;
}

/* What a failure to begin means. Our own want of processes or descriptors is not the hook's fault;
 * arguments that are too long will be too long again. */
static enum result
result_of_error(int error)
{
	switch (-error) {
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return RESULT_LATER;
	case E2BIG:
		return RESULT_HOPELESS;
	}
	return RESULT_FAILED;
}

void
call_start(struct call *call, const struct rendered *events, size_t n)
{
	int r = start_of[call->setup->config.kind](call, events, n);

	call->started = r == 0;
	if (r == 0)
		return;
	struct outcome outcome = {.result = result_of_error(r), .detail = strerror(-r)};
	call->finished(call, &outcome);
}

void
call_kill(struct call *call)
{
	if (!call->started)
		return;
	switch (call->setup->config.kind) {
	case NOTIFY_EXEC:
		exec_kill(&call->exec);
		break;
	case NOTIFY_WEBHOOK:
		http_cancel(call->tools->http, &call->request);
		break;
	case NOTIFY_FILE:
		break;
	}
}

void
call_free(struct call *call)
{
	if (!call)
		return;
	bundle_free(call->bundle);
	exec_fini(&call->exec);
	http_request_fini(&call->request);
	arena_fini(&call->render.arena);
	arena_fini(&call->arena);
	free(call->seqs);
	free(call->lines);
	free(call->text);
	setup_unref(call->setup);
	free(call);
}
