/*
 * test_parse_data.c - each feed of tests/data gives the object beside it, byte for byte.
 *
 * NAME.xml and NAME.json have their object in NAME.golden, as `feedctl parse` prints it.
 * FEEDD_GOLDEN=1 in the environment writes them anew, to be read before they are committed.
 */
#include "parsing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/feed.h"

#define DATA "tests/data"
#define SIZE_MAX_FILE ((size_t)1 << 20)

static char *
read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	struct buf buf = BUF_INIT(SIZE_MAX_FILE);
	char chunk[4096];
	size_t n;

	if (!file)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_append(&buf, chunk, n);
	fclose(file);
	*ret_len = buf.len;
	return buf_steal(&buf);
}

/* The object, or for what is no feed the reason, and a line feed. */
static char *
parse(const char *path)
{
	struct parse_input input = {0};
	struct document *document;
	const char *error;
	AUTO(freep) char *data = read_file(path, &input.len);

	assert_non_null(data);
	input.data = data;
	if (parse_feed(&input, &arena, &document, &error) < 0)
		return xasprintf("%s\n", error);
	AUTO(freep) char *line = document_to_json(document, &arena);
	return xasprintf("%s\n", line);
}

static bool
check(const char *name)
{
	AUTO(freep) char *path = xasprintf(DATA "/%s", name);
	AUTO(freep)
	char *golden = xasprintf(DATA "/%.*s.golden", (int)(strrchr(name, '.') - name), name);
	AUTO(freep) char *got = parse(path);
	size_t len = 0;

	if (getenv("FEEDD_GOLDEN")) {
		FILE *file = fopen(golden, "we");

		assert_non_null(file);
		fputs(got, file);
		fclose(file);
		return true;
	}
	AUTO(freep) char *want = read_file(golden, &len);
	if (want && strcmp(got, want) == 0)
		return true;
	print_error("%s\n got %s want %s\n", name, got, want ? want : "a file that is not there\n");
	return false;
}

static void
data_gives_its_golden_object(void **state)
{
	DIR *dir = opendir(DATA);
	struct dirent *entry;
	int checked = 0, bad = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!end ||
			(strcmp(end, ".xml") != 0 && strcmp(end, ".json") != 0 &&
				strcmp(end, ".html") != 0))
			continue;
		checked++;
		bad += !check(entry->d_name);
	}
	closedir(dir);
	assert_int_equal(bad, 0);
	assert_true(checked > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_gives_its_golden_object),
	};
	return cmocka_run_group_tests(tests, parsing_setup, parsing_teardown);
}
