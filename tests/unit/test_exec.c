/* test_exec.c - real hooks: their input, output, signals and deadlines; and their environment. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/notify/exec.h"
#include "../../src/notify/hookenv.h"
#include "feedd/text.h"

static int n_done;

static void
on_done(struct exec_job *job)
{
	n_done++;
	ev_break(job->loop, EVBREAK_ONE);
}

static struct exec_job
job_of(struct ev_loop *loop, char *const *argv, int64_t timeout_ms)
{
	static char path[] = "PATH=/usr/bin:/bin";
	static char *env[] = {path, NULL};

	return (struct exec_job){.loop = loop,
		.argv = argv,
		.envp = env,
		.timeout_ms = timeout_ms,
		.input = BUF_INIT((size_t)16 << 20),
		.done = on_done};
}

/* Runs a script to its end. */
static struct exec_job
run_script(const char *script, size_t input_len, int64_t timeout_ms)
{
	struct ev_loop *loop = ev_loop_new(0);
	char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, xstrdup(script), NULL};
	struct exec_job job = job_of(loop, argv, timeout_ms);
	/* The watchers hold the address of the job, which must not move. */
	static struct exec_job running;

	running = job;
	for (size_t i = 0; i < input_len; i++)
		buf_putc(&running.input, i % 64 == 63 ? '\n' : 'x');
	n_done = 0;
	assert_int_equal(exec_start(&running), 0);
	assert_int_equal(n_done, 0);
	ev_run(loop, 0);
	assert_int_equal(n_done, 1);
	assert_int_equal(running.pidfd, -1);
	assert_int_equal(running.output_fd, -1);
	ev_loop_destroy(loop);
	free(argv[2]);
	return running;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
large_input_arrives_whole(void **state)
{
	struct exec_job job = run_script("wc -c | tr -d ' \\n'; pwd >&2; exit 3", 1000000, 20000);

	(void)state;
	assert_string_equal(job.output.data, "1000000/\n");
	assert_int_equal(WEXITSTATUS(job.status), 3);
	assert_false(job.timed_out || job.output_cut);
	struct buf text = BUF_INIT(100);
	exec_describe(&job, &text);
	assert_string_equal(text.data, "exit status 3");
	buf_fini(&text);
	exec_fini(&job);
}

static void
unread_input_is_no_error(void **state)
{
	struct exec_job job = run_script("exec <&-; exit 0", 1000000, 20000);

	(void)state;
	assert_int_equal(job.status, 0);
	exec_fini(&job);
}

static bool no_pidfds;

int pidfd_open(pid_t pid, unsigned flags);

/* Stands in for the C library's: as on a kernel that has none. */
int
pidfd_open(pid_t pid, unsigned flags)
{
	if (!no_pidfds)
		return (int)syscall(SYS_pidfd_open, pid, flags);
	errno = ENOSYS;
	return -1;
}

static void
without_pidfds_it_is_looked_at(void **state)
{
	(void)state;
	no_pidfds = true;
	struct exec_job job = run_script("cat >/dev/null; echo done; exit 3", 100000, 20000);
	assert_int_equal(WEXITSTATUS(job.status), 3);
	assert_string_equal(job.output.data, "done\n");
	exec_fini(&job);
	job = run_script("sleep 100", 0, 100);
	assert_true(job.timed_out);
	exec_fini(&job);
	no_pidfds = false;
}

/* limit: output */
static void
input_is_a_file_that_stays_as_it_is(void **state)
{
	struct exec_job job = run_script("read -r a; sed 1q; exec 2>&1\n"
					 "(echo x >>/dev/stdin) 2>/dev/null || echo sealed\n"
					 "wc -c </dev/stdin | tr -d ' '",
		640, 20000);

	(void)state;
	assert_non_null(strstr(job.output.data, "x\nsealed\n640\n"));
	exec_fini(&job);
}

static void
endless_output_is_bounded(void **state)
{
	struct exec_job job = run_script("head -c 3000000 /dev/zero; echo end", 0, 20000);

	(void)state;
	assert_int_equal(job.output.len, EXEC_OUTPUT_MAX);
	assert_true(job.output_cut);
	assert_int_equal(job.status, 0);
	exec_fini(&job);
}

static void
deadline_ends_the_whole_group(void **state)
{
	int64_t began = now_ms();
	struct exec_job job = run_script("sleep 100 & echo $!; sleep 100", 0, 200);

	(void)state;
	assert_true(job.timed_out);
	assert_in_range(now_ms() - began, 190, 4000);
	pid_t child = (pid_t)strtol(job.output.data, NULL, 10);
	assert_true(child > 1);
	/* Gone, or a zombie that waits for whoever inherited it. */
	for (int i = 0; i < 200 && kill(child, 0) == 0; i++) {
		char path[64], line[256] = "";

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		FILE *file = fopen(path, "re");
		if (!file)
			break;
		bool read_it = fgets(line, sizeof(line), file) != NULL;
		fclose(file);
		if (!read_it || strstr(line, ") Z"))
			break;
		assert_true(i < 199);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	exec_fini(&job);
}

static void
what_runs_on_in_the_background_holds_up_nothing(void **state)
{
	int64_t began = now_ms();
	struct exec_job job = run_script("sleep 3 & exit 0", 0, 20000);

	(void)state;
	assert_in_range(now_ms() - began, 0, 2500);
	assert_int_equal(job.status, 0);
	exec_fini(&job);
}

/* SIGTERM before SIGKILL, also to those that the hook has started. */
static void
the_whole_group_may_end_by_itself(void **state)
{
	(void)state;
	struct exec_job job =
		run_script("(trap 'echo told; exit' TERM; while :; do sleep 0.1; done) &"
			   " trap '' TERM; wait $!",
			0, 500);
	assert_true(job.timed_out);
	assert_non_null(strstr(job.output.data, "told\n")); /* dash adds "Terminated" */
	exec_fini(&job);
}

static void
signals_are_as_a_program_expects(void **state)
{
	struct sigaction old;
	sigset_t block, before;

	(void)state;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	sigaction(SIGPIPE, NULL, &old);
	struct exec_job job = run_script("kill -TERM $$; sleep 1; echo survived", 0, 20000);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(WIFSIGNALED(job.status));
	assert_int_equal(WTERMSIG(job.status), SIGTERM);
	exec_fini(&job);
	job = run_script("grep SigIgn /proc/$$/status | cut -f2", 0, 20000);
	/* Signals 32 and 33 are the C library's own. */
	assert_int_equal(strtoull(job.output.data, NULL, 16) & 0x7fffffffu, 0);
	exec_fini(&job);
	job = run_script("echo /proc/self/fd/*", 0, 20000);
	assert_non_null(strstr(job.output.data, "/2"));
	assert_null(strstr(job.output.data, "/5"));
	exec_fini(&job);
}

/* Somebody else has reaped it, as the kernel does where SIGCHLD is ignored. */
static void
an_exit_status_that_got_lost_is_no_success(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	struct exec_job job = run_script("sleep 0.3", 0, 20000);
	signal(SIGCHLD, SIG_DFL);
	assert_true(WIFEXITED(job.status));
	assert_int_not_equal(WEXITSTATUS(job.status), 0);
	exec_fini(&job);
}

static void
a_missing_program_is_an_error_at_once(void **state)
{
	if (getenv("FEEDD_VALGRIND"))
		skip(); /* there posix_spawn forks, and cannot say that exec failed */
	struct ev_loop *loop = ev_loop_new(0);
	char *argv[] = {(char[]){"/nonexistent/program"}, NULL};
	struct exec_job job = job_of(loop, argv, 1000);
	int before = dup(0);

	(void)state;
	close(before);
	assert_int_equal(exec_start(&job), -ENOENT);
	exec_fini(&job);
	AUTO(freep) char *huge = xmalloc(3000000);
	memset(huge, 'x', 2999999);
	huge[2999999] = '\0';
	char *too_long[] = {(char[]){"/bin/true"}, huge, NULL};
	job = job_of(loop, too_long, 1000);
	assert_int_equal(exec_start(&job), -E2BIG);
	exec_fini(&job);
	int after = dup(0);
	assert_int_equal(before, after); /* no descriptor leaked */
	close(after);
	ev_loop_destroy(loop);
}

static void
killing_ends_it_at_once(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	char *argv[] = {(char[]){"/bin/sleep"}, (char[]){"100"}, NULL};
	struct exec_job job = job_of(loop, argv, 100000);

	(void)state;
	n_done = 0;
	assert_int_equal(exec_start(&job), 0);
	exec_kill(&job);
	ev_run(loop, 0);
	assert_int_equal(n_done, 1);
	assert_true(job.killed);
	assert_true(WIFSIGNALED(job.status));
	exec_fini(&job);
	ev_loop_destroy(loop);
}

static const char *
value_of(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* limit: field */
static void
environment_is_clean_and_bounded(void **state)
{
	struct arena arena = {0};
	AUTO(freep) char *title = xmalloc(10001);
	struct rendered event = {
		.seq = 4711, .event = "item.new", .feed = "hn", .id = "a\nLD_PRELOAD=/x\rb\x1b[2J"};

	(void)state;
	for (size_t i = 0; i < 10000; i += 2)
		memcpy(title + i, "ä", 2);
	title[10000] = '\0';
	event.title = title;
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	setenv("CREDENTIALS_DIRECTORY", "/run/y", 1);
	setenv("HOME", "/home/somebody", 1);
	unsetenv("LANG");
	char **env = hookenv_make(&arena, "mail", &event, 1);
	size_t n = 0;
	for (; env[n]; n++) {
		assert_true(strlen(env[n]) < HOOKENV_MAX);
		assert_true(text_is_utf8(env[n], strlen(env[n])));
		assert_null(strpbrk(env[n], "\n\r\x1b"));
	}
	assert_int_equal(n, 11);
	assert_string_equal(value_of(env, "FEEDD_SEQ"), "4711");
	assert_string_equal(value_of(env, "FEEDD_NOTIFY"), "mail");
	assert_string_equal(value_of(env, "FEEDD_FEED"), "hn");
	assert_string_equal(value_of(env, "FEEDD_URL"), "");
	assert_true(strlen(value_of(env, "FEEDD_TITLE")) > 4000);
	assert_string_equal(value_of(env, "HOME"), "/home/somebody");
	assert_string_equal(value_of(env, "LANG"), "C.UTF-8");
	assert_non_null(value_of(env, "PATH"));
	assert_null(value_of(env, "NOTIFY_SOCKET"));
	assert_null(value_of(env, "LD_PRELOAD"));
	arena_fini(&arena);
}

static void
a_batch_shows_what_its_events_share(void **state)
{
	struct arena arena = {0};
	const struct rendered events[] = {
		{.seq = 1, .event = "item.new", .feed = "hn", .title = "one"},
		{.seq = 2, .event = "item.new", .feed = "hn", .title = "two"},
	};

	(void)state;
	char **env = hookenv_make(&arena, "mail", events, 2);
	assert_string_equal(value_of(env, "FEEDD_SEQ"), "");
	assert_string_equal(value_of(env, "FEEDD_FEED"), "hn");
	assert_string_equal(value_of(env, "FEEDD_TITLE"), "");
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_input_arrives_whole),
		cmocka_unit_test(unread_input_is_no_error),
		cmocka_unit_test(input_is_a_file_that_stays_as_it_is),
		cmocka_unit_test(without_pidfds_it_is_looked_at),
		cmocka_unit_test(endless_output_is_bounded),
		cmocka_unit_test(deadline_ends_the_whole_group),
		cmocka_unit_test(what_runs_on_in_the_background_holds_up_nothing),
		cmocka_unit_test(the_whole_group_may_end_by_itself),
		cmocka_unit_test(signals_are_as_a_program_expects),
		cmocka_unit_test(an_exit_status_that_got_lost_is_no_success),
		cmocka_unit_test(a_missing_program_is_an_error_at_once),
		cmocka_unit_test(killing_ends_it_at_once),
		cmocka_unit_test(environment_is_clean_and_bounded),
		cmocka_unit_test(a_batch_shows_what_its_events_share),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
