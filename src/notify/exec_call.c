/* exec_call.c - a call of a hook: event objects on its standard input, its exit status as the
 * answer. */
#include <errno.h>
#include <sys/wait.h>

#include "feedd/log.h"
#include "feedd/notify.h"

#include "call.h"
#include "hookenv.h"
#include "log_line.h"

/* EX_TEMPFAIL of sysexits.h: not now. */
#define EXIT_LATER 75

static enum result
result_of(const struct exec_job *job)
{
	if (job->killed)
		return RESULT_ABANDONED;
	if (job->timed_out || !WIFEXITED(job->status))
		return RESULT_FAILED;
	if (WEXITSTATUS(job->status) == 0)
		return RESULT_DONE;
	return WEXITSTATUS(job->status) == EXIT_LATER ? RESULT_LATER : RESULT_FAILED;
}

static void
on_done(struct exec_job *job)
{
	struct call *call = CONTAINER_OF(job, struct call, exec);
	struct outcome outcome = {.result = result_of(job)};
	struct buf detail = BUF_INIT(8192);

	while (job->output.len > 0 && job->output.data[job->output.len - 1] == '\n')
		job->output.data[--job->output.len] = '\0';
	exec_describe(job, &detail);
	if (job->output.len > 0)
		buf_printf(&detail, ": %s%s", job->output.data, job->output_cut ? " …" : "");
	if (outcome.result != RESULT_DONE)
		outcome.detail = detail.data;
	else if (job->output.len > 0)
		log_line(call->notifier, LOG_INFO, call->bundle ? call->bundle->entries->seq : 0,
			"%s%s", job->output.data, job->output_cut ? " …" : "");
	call->finished(call, &outcome);
	buf_fini(&detail);
}

int
exec_call_start(struct call *call, const struct rendered *events, size_t n)
{
	const struct notify_config *config = &call->setup->config;

	call->exec = (struct exec_job){
		.loop = call->tools->loop,
		.argv = call->setup->argv,
		.envp = hookenv_make(&call->arena, config->name, events, n),
		.input = BUF_INIT(SIZE_MAX / 2),
		.timeout_ms = config->timeout * 1000,
		.done = on_done,
	};
	for (size_t i = 0; i < n; i++) {
		buf_puts(&call->exec.input, events[i].json);
		buf_putc(&call->exec.input, '\n');
	}
	return exec_start(&call->exec);
}
