/* test_file.c - whole lines in a file, whatever happened to it before. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/notify/file.h"
#include "feedd/mem.h"

static char dir[] = "/tmp/feedd-test-XXXXXX", path[64], old_path[80];

static int n_synced; /* directories */

/* Stands before the C library's. */
int
fsync(int fd)
{
	struct stat st;

	n_synced += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(old_path, sizeof(old_path), "%s.1", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(old_path);
	return rmdir(dir);
}

static void
put(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
assert_holds(const char *name, const char *expected)
{
	char text[4096];
	FILE *file = fopen(name, "re");

	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void
append(struct file_sink *sink, const char *a, const char *b)
{
	const char *lines[] = {a, b};

	assert_int_equal(file_append(sink, lines, b ? 2 : 1), 0);
}

static void
lines_are_appended(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};
	struct stat st;

	(void)state;
	umask(0);
	append(&sink, "{\"a\":1}", "{\"b\":2}");
	append(&sink, "{\"c\":3}", NULL);
	assert_holds(path, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
	stat(path, &st);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_true(fcntl(sink.fd, F_GETFD) & FD_CLOEXEC);
	file_close(&sink);
	file_close(&sink);
	unlink(path);
}

static void
a_torn_line_is_taken_away(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};

	(void)state;
	put("{\"a\":1}\n{\"b\":");
	append(&sink, "{\"b\":2}", NULL);
	assert_holds(path, "{\"a\":1}\n{\"b\":2}\n");
	file_close(&sink);
	put("{\"only\":");
	append(&sink, "{\"b\":2}", NULL);
	assert_holds(path, "{\"b\":2}\n");
	file_close(&sink);
	/* Longer than what is read at once. */
	FILE *file = fopen(path, "ae");
	fputc('{', file);
	for (int i = 0; i < 20000; i++)
		fputc('x', file);
	fclose(file);
	append(&sink, "{\"c\":3}", NULL);
	assert_holds(path, "{\"b\":2}\n{\"c\":3}\n");
	file_close(&sink);
	unlink(path);
}

static void
text_of_others_is_left_alone(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};

	(void)state;
	put("notes\nwithout an end");
	append(&sink, "{\"b\":2}", NULL);
	assert_holds(path, "notes\nwithout an end\n{\"b\":2}\n");
	file_close(&sink);
	unlink(path);
}

static void
a_rotated_file_is_opened_anew(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};

	(void)state;
	append(&sink, "{\"a\":1}", NULL);
	assert_int_equal(rename(path, old_path), 0);
	append(&sink, "{\"b\":2}", NULL);
	assert_holds(old_path, "{\"a\":1}\n");
	assert_holds(path, "{\"b\":2}\n");
	file_close(&sink);
	unlink(path);
	unlink(old_path);
}

static void
a_full_disk_leaves_no_torn_line(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};
	const struct rlimit small = {.rlim_cur = 20, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	const char *lines[] = {"{\"one\":1}", "{\"two\":\"does not fit\"}"};

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &small);
	int r = file_append(&sink, lines, 2);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(r < 0);
	assert_int_equal(sink.fd, -1);
	assert_holds(path, "{\"one\":1}\n");
	append(&sink, "{\"two\":2}", NULL);
	assert_holds(path, "{\"one\":1}\n{\"two\":2}\n");
	file_close(&sink);
	unlink(path);
}

static void
what_cannot_be_written_is_an_error(void **state)
{
	const char *line = "{}";
	struct file_sink missing = {.path = "/nonexistent/log", .fd = -1};
	struct file_sink is_dir = {.path = dir, .fd = -1};
	struct file_sink full = {.path = "/dev/full", .fd = -1};

	(void)state;
	assert_int_equal(file_append(&missing, &line, 1), -ENOENT);
	assert_int_equal(file_append(&is_dir, &line, 1), -EISDIR);
	assert_int_equal(file_append(&full, &line, 1), -ENOSPC);
	/* A pipe that nobody reads must not hold a thread. */
	assert_int_equal(mkfifo(path, 0600), 0);
	struct file_sink pipe_sink = {.path = path, .fd = -1};
	assert_int_equal(file_append(&pipe_sink, &line, 1), -ENXIO);
	unlink(path);
}

/* Else a power cut takes the file with all that was acknowledged. */
static void
the_entry_of_a_new_file_is_synced(void **state)
{
	struct file_sink sink = {.path = path, .fd = -1};

	(void)state;
	unlink(path);
	n_synced = 0;
	append(&sink, "{}", NULL);
	append(&sink, "{}", NULL);
	assert_int_equal(n_synced, 1);
	assert_int_equal(rename(path, old_path), 0);
	append(&sink, "{}", NULL);
	assert_int_equal(n_synced, 2);
	file_close(&sink);
	append(&sink, "{}", NULL);
	assert_int_equal(n_synced, 2);
	file_close(&sink);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_appended),
		cmocka_unit_test(a_torn_line_is_taken_away),
		cmocka_unit_test(text_of_others_is_left_alone),
		cmocka_unit_test(a_rotated_file_is_opened_anew),
		cmocka_unit_test(a_full_disk_leaves_no_torn_line),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
		cmocka_unit_test(the_entry_of_a_new_file_is_synced),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
