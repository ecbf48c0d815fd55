/*
 * exec.h - runs one hook: a program with its input, its output and its deadline.
 *
 * Knows nothing of notifiers. Loop thread; SIGPIPE must be ignored by the process.
 */
#ifndef FEEDD_NOTIFY_EXEC_H
#define FEEDD_NOTIFY_EXEC_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "feedd/mem.h"

/* What is kept of a hook's output; the rest is read and thrown away. */
#define EXEC_OUTPUT_MAX ((size_t)4096)
/* From TERM to KILL. */
#define EXEC_KILL_AFTER_MS 5000

struct exec_job {
	/* in */
	struct ev_loop *loop;
	char *const *argv; /* NULL-ended, argv[0] absolute; like envp used only by exec_start */
	char *const *envp;
	struct buf input; /* standard input, which the job takes over */
	int64_t timeout_ms;
	/* called once, on the loop, never from within exec_start */
	void (*done)(struct exec_job *job);
	/* out */
	int status;	   /* as waitpid(2) gives it */
	bool timed_out;	   /* the deadline passed, and its process group was ended */
	bool killed;	   /* by exec_kill */
	struct buf output; /* the first EXEC_OUTPUT_MAX bytes of standard output and error */
	bool output_cut;   /* there was more */
	/* internal */
	pid_t pid;
	int pidfd, output_fd; /* -1 when closed; pidfd also where the system has none */
	ev_io exit_watch, output_watch;
	ev_timer deadline, look, rest;
};

/* Starts the program in a process group of its own, in the root directory, with signals as a
 * program expects them and no descriptor but 0, 1 and 2; 0 is a file in memory, not a pipe. 0, or
 * -errno where it could not be started: then `done` is not called, and exec_fini is still the
 * caller's. */
int exec_start(struct exec_job *job) MUST_USE;
/* Kills the process group now; `done` follows when it is gone. */
void exec_kill(struct exec_job *job);
/* Frees input and output. Not while it runs. Accepts a zeroed job. */
void exec_fini(struct exec_job *job);
/* "exit status 3", "killed by signal 9", "timed out": appended to out. */
void exec_describe(const struct exec_job *job, struct buf *out);

#endif
