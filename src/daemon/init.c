/*
 * init.c - feedd as PID 1 of a container.
 *
 * PID 1 inherits every orphan and has no default handlers of signals. So the daemon runs in a
 * child; this process only passes signals on and reaps.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feedd/daemon.h"
#include "feedd/log.h"

/* Waits for the next signal and acts on it; returns when the child is gone, with its status. */
static int
serve(pid_t child, const sigset_t *signals)
{
	for (;;) {
		int number, status, result = -1;
		pid_t pid;

		if (sigwait(signals, &number) != 0)
			continue;
		if (number != SIGCHLD) {
			kill(child, number);
			continue;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
							   : 128 + WTERMSIG(status);
		if (result >= 0)
			return result;
	}
}

void
daemon_become_init(void)
{
	static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
	sigset_t signals, before;

	if (getpid() != 1)
		return;
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(&signals, passed[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid_t child = fork();
	if (child > 0)
		_exit(serve(child, &signals));
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		log_warning("cannot start a child as PID 1, running as it");
}
