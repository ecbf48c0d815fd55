/* test_reader.c - a pipe and its reader: what was taken, what was left, who went away. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../src/feedctl/reader.h"

#define LONG_LINE 300000

struct fixture {
	int fds[2]; /* reading end, writing end */
	int stop_fd;
	struct reader reader;
};

static int
set_up(void **state)
{
	static struct fixture fixture;

	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	assert_int_equal(pipe(fixture.fds), 0);
	fixture.stop_fd = eventfd(0, 0);
	reader_init(&fixture.reader, fixture.fds[1], fixture.stop_fd, true);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->fds[0] >= 0)
		close(fixture->fds[0]);
	close(fixture->fds[1]);
	close(fixture->stop_fd);
	return 0;
}

static void
stop(struct fixture *fixture)
{
	uint64_t on = 1;

	assert_int_equal(write(fixture->stop_fd, &on, sizeof(on)), sizeof(on));
}

static void
nothing_written_is_taken(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture->reader.pipe);
	assert_int_equal(reader_wait_taken(&fixture->reader), 0);
}

static void
unread_is_not_taken(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(reader_write(&fixture->reader, "line\n", 5), 0);
	stop(fixture);
	assert_int_equal(reader_wait_taken(&fixture->reader), -ECANCELED);
}

static void
half_read_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	char byte;

	assert_int_equal(reader_write(&fixture->reader, "line\n", 5), 0);
	assert_int_equal(read(fixture->fds[0], &byte, 1), 1);
	close(fixture->fds[0]);
	fixture->fds[0] = -1;
	assert_int_equal(reader_wait_taken(&fixture->reader), -EPIPE);
}

static void
taken_by_one_who_left_is_taken(void **state)
{
	struct fixture *fixture = *state;
	char line[8];

	assert_int_equal(reader_write(&fixture->reader, "line\n", 5), 0);
	assert_int_equal(read(fixture->fds[0], line, sizeof(line)), 5);
	close(fixture->fds[0]);
	fixture->fds[0] = -1;
	assert_int_equal(reader_wait_taken(&fixture->reader), 0);
	assert_int_equal(reader_write(&fixture->reader, "next\n", 5), -EPIPE);
}

static void *
read_all(void *arg)
{
	struct fixture *fixture = arg;
	char *data = xmalloc(LONG_LINE);
	size_t n = 0;

	while (n < LONG_LINE) {
		size_t left = LONG_LINE - n;
		ssize_t r = read(fixture->fds[0], data + n, left < 1000 ? left : 1000);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	for (size_t i = 0; i < n; i++)
		if (data[i] != 'x')
			n = 0;
	free(data);
	return (void *)n;
}

static void
long_lines_go_through(void **state)
{
	struct fixture *fixture = *state;
	char *line = xmalloc(LONG_LINE);
	pthread_t thread;
	void *n;

	memset(line, 'x', LONG_LINE);
	assert_int_equal(pthread_create(&thread, NULL, read_all, fixture), 0);
	assert_int_equal(reader_write(&fixture->reader, line, LONG_LINE), 0);
	assert_int_equal(reader_wait_taken(&fixture->reader), 0);
	pthread_join(thread, &n);
	assert_int_equal((size_t)n, LONG_LINE);
	free(line);
}

static void
a_full_pipe_can_be_given_up(void **state)
{
	struct fixture *fixture = *state;
	char *line = xcalloc(1, LONG_LINE);

	stop(fixture);
	assert_int_equal(reader_write(&fixture->reader, line, LONG_LINE), -ECANCELED);
	free(line);
}

/* Where the pipe cannot be made small, looking takes the place of being told. */
static void
a_large_pipe_is_watched(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;
	void *n;

	fixture->reader.one_page = false;
	char *line = xmalloc(LONG_LINE);
	memset(line, 'x', LONG_LINE);
	assert_int_equal(pthread_create(&thread, NULL, read_all, fixture), 0);
	assert_int_equal(reader_write(&fixture->reader, line, LONG_LINE), 0);
	assert_int_equal(reader_wait_taken(&fixture->reader), 0);
	pthread_join(thread, &n);
	assert_int_equal((size_t)n, LONG_LINE);
	free(line);
	assert_int_equal(reader_write(&fixture->reader, "x", 1), 0);
	close(fixture->fds[0]);
	fixture->fds[0] = -1;
	assert_int_equal(reader_wait_taken(&fixture->reader), -EPIPE);
}

static void
files_take_at_once(void **state)
{
	struct reader reader;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	reader_init(&reader, fd, -1, true);
	assert_false(reader.pipe);
	assert_int_equal(reader_write(&reader, "line\n", 5), 0);
	assert_int_equal(reader_wait_taken(&reader), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_written_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unread_is_not_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_read_is_not_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(taken_by_one_who_left_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_lines_go_through, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_pipe_can_be_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_large_pipe_is_watched, set_up, tear_down),
		cmocka_unit_test(files_take_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
