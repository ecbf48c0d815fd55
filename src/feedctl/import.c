/* import.c - feed blocks for feedd.conf(5) made of a subscription list. Needs no daemon; reads one
 * file. */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define LIST_MAX ((size_t)256 << 20)

/* A string as the configuration reads it back: what would end it, escape or name a variable is
 * escaped. */
static void
write_string(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (*text == '$' && text[1] == '{'))
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

static void
write_block(struct buf *out, const struct opml_feed *feed)
{
	buf_printf(out, "feed \"%s\" {\n\turl = ", feed->name);
	write_string(out, feed->url);
	if (feed->title) {
		buf_puts(out, "\n\ttitle = ");
		write_string(out, feed->title);
	}
	for (size_t i = 0; i < feed->n_tags; i++) {
		buf_puts(out, i == 0 ? "\n\ttags = {" : ", ");
		write_string(out, feed->tags[i]);
	}
	buf_puts(out, feed->n_tags > 0 ? "}\n}\n" : "\n}\n");
}

void
import_blocks(const struct opml *opml, struct buf *out)
{
	for (size_t i = 0; i < opml->n_feeds; i++)
		write_block(out, &opml->feeds[i]);
}

static int
read_all(int fd, struct buf *data)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		int rc = buf_append(data, chunk, (size_t)n);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
write_all(const struct buf *out)
{
	if (out->len > 0 && fwrite(out->data, 1, out->len, stdout) != out->len)
		return -errno;
	return fflush(stdout) == 0 ? 0 : -errno;
}

static int
import_data(const char *path, const struct buf *data)
{
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(buf_fini) struct buf out = BUF_INIT(SIZE_MAX / 2);
	const char *error;
	struct opml opml;
	int line;

	if (opml_read(data->data ? data->data : "", data->len, &arena, &opml, &error, &line) < 0) {
		fprintf(stderr, "%s:%d: %s\n", path, line, error);
		return EXIT_FAILED;
	}
	if (opml.n_skipped > 0)
		fprintf(stderr,
			"feedctl import: %zu outlines are left out: their addresses are neither "
			"http "
			"nor https\n",
			opml.n_skipped);
	import_blocks(&opml, &out);
	int rc = write_all(&out);
	if (rc < 0) {
		fprintf(stderr, "feedctl import: standard output: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

int
verb_import(const struct ctl *ctl, int argc, char **argv)
{
	AUTO(buf_fini) struct buf data = BUF_INIT(LIST_MAX);
	AUTO(closep) int fd = -1;

	(void)ctl;
	int rc = verb_options(argc, argv, NULL, 1, 1);
	if (rc != EXIT_DONE)
		return rc;
	const char *path = argv[optind];
	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = strcmp(path, "-") == 0 ? read_all(STDIN_FILENO, &data)
		: fd < 0	    ? -errno
				    : read_all(fd, &data);
	if (rc < 0) {
		fprintf(stderr, "feedctl import: %s: %s\n", path, strerror(-rc));
		return EXIT_FAILED;
	}
	return import_data(path, &data);
}
