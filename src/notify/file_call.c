/* file_call.c - an append, done by a thread of the pool. */
#include <stdlib.h>
#include <string.h>

#include "feedd/notify.h"

#include "call.h"

static void
run(struct parcel *parcel)
{
	struct call *call = CONTAINER_OF(parcel, struct call, parcel);

	call->append_result = file_append(&call->setup->sink, call->lines, call->n_lines);
}

static void
done(struct parcel *parcel)
{
	struct call *call = CONTAINER_OF(parcel, struct call, parcel);
	struct outcome outcome = {.result = RESULT_DONE};

	if (call->append_result < 0) {
		outcome.result = RESULT_FAILED;
		outcome.detail = strerror(-call->append_result);
	}
	call->finished(call, &outcome);
}

int
file_call_start(struct call *call, const struct rendered *events, size_t n)
{
	call->lines = xcalloc(n, sizeof(*call->lines));
	call->n_lines = n;
	for (size_t i = 0; i < n; i++)
		call->lines[i] = events[i].json;
	call->parcel = (struct parcel){.run = run, .done = done};
	pool_push(call->tools->pool, &call->parcel);
	return 0;
}
