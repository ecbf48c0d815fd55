/*
 * exec.c - see exec.h. Touches processes, pipes and files in memory, never the log or the store.
 *
 * Standard input is a file in memory, complete before the hook runs, and no pipe: the hook gets all
 * of it even if we are killed in the next moment, and one that does not read it is no case at all.
 *
 * A hook is over when its main process is: a pidfd says so, without a signal handler and on any
 * loop. What it left running in the background is its own affair unless it was ended by force, and
 * holds up nothing: the pipe is closed, whoever else still has them open. The group is signalled
 * only while its leader is not yet reaped, so the number cannot be somebody else's.
 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_AT_ONCE ((size_t)64 << 10)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
/* The C library knows it from 2.38 on. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
/* So often a hook is looked at where there are no pidfds: old kernels, some containers, valgrind.
 */
#define LOOK_S 0.02
/* Stands for an exit status that nobody can tell: no success, at any rate. */
#define STATUS_UNKNOWN 255
/* What is read only to be dropped is read so often: a hook that never stops writing sleeps
 * meanwhile, and the loop has other things to do. */
#define REST_S 0.02

static void
close_watched(struct exec_job *job, ev_io *watch, int *fd)
{
	if (*fd < 0)
		return;
	ev_io_stop(job->loop, watch);
	close(*fd);
	*fd = -1;
}

/* Reads at most READ_AT_ONCE, so that a hook that never stops writing does not hold the loop. */
static void
drain_output(struct exec_job *job)
{
	char chunk[4096];

	for (size_t total = 0; total < READ_AT_ONCE;) {
		ssize_t n = read(job->output_fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_watched(job, &job->output_watch, &job->output_fd);
			return;
		}
		size_t room = job->output.max - job->output.len;
		size_t keep = (size_t)n < room ? (size_t)n : room;
		buf_append(&job->output, chunk, keep);
		job->output_cut |= keep < (size_t)n;
		total += (size_t)n;
	}
}

static void
on_output(struct ev_loop *loop, ev_io *watch, int events)
{
	struct exec_job *job = watch->data;

	(void)events;
	drain_output(job);
	if (job->output_fd >= 0 && job->output_cut) {
		ev_io_stop(loop, watch);
		ev_timer_again(loop, &job->rest);
	}
}

static void
on_rest(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct exec_job *job = timer->data;

	(void)events;
	drain_output(job);
	if (job->output_fd < 0)
		ev_timer_stop(loop, timer);
}

static void
signal_group(const struct exec_job *job, int signal_number)
{
	kill(-job->pid, signal_number);
	kill(job->pid, signal_number); /* where it has left its group */
}

static void
on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct exec_job *job = timer->data;

	(void)events;
	signal_group(job, job->timed_out ? SIGKILL : SIGTERM);
	if (job->timed_out)
		return;
	job->timed_out = true;
	ev_timer_set(timer, EXEC_KILL_AFTER_MS / 1000.0, 0.);
	ev_timer_start(loop, timer);
}

/* The hook may have ended: then it is reaped and done. */
static void
look_for_exit(struct exec_job *job)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == 0)
		return;
	if (job->timed_out || job->killed)
		kill(-job->pid, SIGKILL);
	pid_t reaped;
	do
		reaped = waitpid(job->pid, &job->status, 0);
	while (reaped < 0 && errno == EINTR);
	if (reaped < 0)
		job->status = W_EXITCODE(STATUS_UNKNOWN, 0);
	ev_timer_stop(job->loop, &job->deadline);
	ev_timer_stop(job->loop, &job->look);
	ev_timer_stop(job->loop, &job->rest);
	close_watched(job, &job->exit_watch, &job->pidfd);
	if (job->output_fd >= 0)
		drain_output(job);
	close_watched(job, &job->output_watch, &job->output_fd);
	job->pid = 0;
	job->done(job);
}

static void
on_exit_of(struct ev_loop *loop, ev_io *watch, int events)
{
	(void)loop, (void)events;
	look_for_exit(watch->data);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)events;
	look_for_exit(timer->data);
}

/* Signals as a program expects them, its own process group, and descriptors 0 to 2 only. */
static int
spawn(struct exec_job *job, int input, int output)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	/* What is not noted for want of memory would not be done: a hook without its event. */
	int r = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
	r = r ? r : posix_spawn_file_actions_addclosefrom_np(&files, 3);
	r = r ? r : posix_spawn_file_actions_addchdir_np(&files, "/");
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	if (r == 0)
		r = posix_spawn(&job->pid, job->argv[0], &files, &attributes, job->argv, job->envp);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

static int
set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int
write_all(int fd, const struct buf *input)
{
	for (size_t written = 0; written < input->len;) {
		ssize_t n = write(fd, input->data + written, input->len - written);

		if (n > 0)
			written += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return n == 0 ? -EIO : -errno;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* The input as a file that nobody changes any more, read from its start: a descriptor. */
static int
input_file(const struct buf *input)
{
	int fd = memfd_create("event", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
		fd = memfd_create("event", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, input);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static void
watch_job(struct exec_job *job)
{
	ev_io_init(&job->exit_watch, on_exit_of, job->pidfd, EV_READ);
	ev_timer_init(&job->look, on_look, LOOK_S, LOOK_S);
	ev_io_init(&job->output_watch, on_output, job->output_fd, EV_READ);
	ev_timer_init(&job->deadline, on_deadline, (double)job->timeout_ms / 1000.0, 0.);
	job->exit_watch.data = job->output_watch.data = job;
	ev_timer_init(&job->rest, on_rest, 0., REST_S);
	job->deadline.data = job->look.data = job->rest.data = job;
	if (job->pidfd >= 0)
		ev_io_start(job->loop, &job->exit_watch);
	else
		ev_timer_start(job->loop, &job->look);
	ev_io_start(job->loop, &job->output_watch);
	/* The loop's idea of now may be some ms old: the deadline counts from here. */
	ev_now_update(job->loop);
	ev_timer_start(job->loop, &job->deadline);
}

int
exec_start(struct exec_job *job)
{
	AUTO(closep) int child_output = -1;
	int output[2];

	job->pidfd = job->output_fd = -1;
	job->output = BUF_INIT(EXEC_OUTPUT_MAX);
	AUTO(closep) int input = input_file(&job->input);
	if (input < 0)
		return input;
	buf_fini(&job->input);
	if (pipe2(output, O_CLOEXEC) < 0)
		return -errno;
	child_output = output[1];
	AUTO(closep) int our_output = output[0];
	if (set_nonblocking(our_output) < 0)
		return -errno;
	int r = spawn(job, input, child_output);
	if (r < 0)
		return r;
	job->pidfd = pidfd_open(job->pid, 0);
	if (job->pidfd < 0 && errno != ENOSYS && errno != EPERM) {
		r = -errno;
		signal_group(job, SIGKILL);
		waitpid(job->pid, NULL, 0);
		return r;
	}
	job->output_fd = our_output;
	our_output = -1;
	watch_job(job);
	return 0;
}

void
exec_kill(struct exec_job *job)
{
	if (job->pid <= 0)
		return;
	job->killed = true;
	signal_group(job, SIGKILL);
}

void
exec_fini(struct exec_job *job)
{
	buf_fini(&job->input);
	buf_fini(&job->output);
}

void
exec_describe(const struct exec_job *job, struct buf *out)
{
	if (job->timed_out)
		buf_puts(out, "timed out");
	else if (WIFSIGNALED(job->status))
		buf_printf(out, "killed by signal %d", WTERMSIG(job->status));
	else
		buf_printf(out, "exit status %d", WEXITSTATUS(job->status));
}
