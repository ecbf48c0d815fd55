/*
 * parse.c - feedctl parse, feedctl discover: feeds and pages without a daemon.
 *
 * Reads files, standard input and, with the daemon's own fetcher, addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feedctl.h"
#include "feedd/feed.h"
#include "feedd/http.h"
#include "feedd/parse.h"
#include "feedd/url.h"
#include "verbs.h"

/* The daemon's default of max_size. */
#define MAX_SIZE ((size_t)16 << 20)

/* A document and where it came from. */
struct source {
	struct buf bytes;
	char *content_type, *url; /* NULL where unknown */
	bool truncated;
};

/* Where feeds are when a page does not say. */
static const char *const well_known[] = {
	"/feed", "/rss", "/atom.xml", "/feed.xml", "/rss.xml", "/index.xml", "/feed.json"};

static void
source_fini(struct source *source)
{
	buf_fini(&source->bytes);
	free(source->content_type);
	free(source->url);
}

static bool
is_address(const char *name)
{
	return strncasecmp(name, "http://", 7) == 0 || strncasecmp(name, "https://", 8) == 0;
}

/* One line on standard error. */
static int
complain(const char *verb, const char *name, const char *what)
{
	fprintf(stderr, "feedctl: %s: %s: %s\n", verb,
		strcmp(name, "-") == 0 ? "standard input" : name, what);
	return -EIO;
}

static int
read_file(const char *verb, const char *name, struct source *source)
{
	bool standard = strcmp(name, "-") == 0;
	AUTO(closep) int fd = standard ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return complain(verb, name, strerror(errno));
	source->bytes = BUF_INIT(MAX_SIZE);
	for (;;) {
		char chunk[65536];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain(verb, name, strerror(errno));
		if (n == 0)
			return 0;
		if (buf_append(&source->bytes, chunk, (size_t)n) < 0)
			return complain(
				verb, name, "refused: larger than 16 MiB, the limit of max_size");
	}
}

static int
fetch(const char *verb, const char *url, struct source *source, bool quiet)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct http_request request = {
		.url = url,
		.user_agent = "feedctl/" FEEDD_VERSION,
		.tls_verify = true,
		.follow = true,
		.max_bytes = MAX_SIZE,
	};
	char *host = url_host(&arena, url);
	char status[64];
	int r = 0;

	/* Who names a private address on the command line means it. */
	if (host && url_host_is_private(host))
		request.private_host = host;
	if (http_fetch_once(&request) < 0)
		return quiet ? -EIO
			     : complain(verb, url_redact(&arena, url), "cannot start the fetcher");
	snprintf(status, sizeof(status), "the server answered %d", request.status);
	if (request.error != HTTP_OK || request.status != 200) {
		const char *what =
			request.error != HTTP_OK && request.detail ? request.detail : status;

		r = quiet ? -EIO : complain(verb, url_redact(&arena, url), what);
	} else {
		source->bytes = request.answer;
		request.answer = BUF_INIT(0);
		source->content_type = xstrdup(request.content_type);
		source->url = xstrdup(request.effective_url ? request.effective_url : url);
		source->truncated = request.truncated;
	}
	http_request_fini(&request);
	return r;
}

static int
load(const char *verb, const char *name, struct source *source)
{
	return is_address(name) ? fetch(verb, name, source, false) : read_file(verb, name, source);
}

static struct parse_input
input_of(const struct source *source)
{
	return (struct parse_input){
		.data = source->bytes.data ? source->bytes.data : "",
		.len = source->bytes.len,
		.content_type = source->content_type,
		.url = source->url,
		.truncated = source->truncated,
	};
}

/* The one argument, or what stands for none; NULL for wrong usage. */
static const char *
argument(int argc, char **argv, const char *none, bool *json)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j' || !json)
			return NULL;
		*json = true;
	}
	if (argc - optind > 1)
		return NULL;
	return optind < argc ? argv[optind] : none;
}

static int
flush_output(const char *verb)
{
	if (fflush(stdout) == 0)
		return EXIT_DONE;
	fprintf(stderr, "feedctl: %s: cannot write: %s\n", verb, strerror(errno));
	return EXIT_FAILED;
}

int
verb_parse(const struct ctl *ctl, int argc, char **argv)
{
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(source_fini) struct source source = {0};
	const char *name = argument(argc, argv, "-", NULL);
	struct document *document;
	const char *error;

	(void)ctl;
	if (!name)
		return verb_usage(verb_find(argv[0]));
	parse_init();
	if (load(argv[0], name, &source) < 0)
		return EXIT_FAILED;
	struct parse_input input = input_of(&source);
	input.spent = &source.bytes;
	if (parse_feed(&input, &arena, &document, &error) < 0) {
		complain(argv[0], name, error);
		return EXIT_FAILED;
	}
	/* All that is needed of the bytes is in the document. */
	buf_fini(&source.bytes);
	AUTO(freep) char *line = document_to_json(document, &arena);
	puts(line);
	return flush_output(argv[0]);
}

static void
print_feed(const struct announced_feed *feed, bool json)
{
	if (!json) {
		printf("%s\t%s\t%s\n", feed->url, feed->type ? feed->type : "",
			feed->title ? feed->title : "");
		return;
	}
	json_t *object = json_object();
	json_object_set_new(object, "url", json_string(feed->url));
	if (feed->type)
		json_object_set_new(object, "type", json_string(feed->type));
	if (feed->title)
		json_object_set_new(object, "title", json_string(feed->title));
	json_object_set_new(object, "rank", json_integer(feed->rank));
	AUTO(freep) char *line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	puts(line ? line : "{}");
}

/* True if the source is a feed itself, and then says so. */
static bool
print_itself(const struct source *source, const char *name, bool json)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct parse_input input = input_of(source);
	struct document *document;
	const char *error;

	if (parse_feed(&input, &arena, &document, &error) < 0)
		return false;
	print_feed(&(struct announced_feed){source->url ? source->url : name, document->title,
			   feed_format_name(document->format), 100},
		json);
	return true;
}

/* The last resort: ask at the usual places, as long as the page's host is known. */
static size_t
try_well_known(const struct source *page, bool json)
{
	AUTO(arena_fini) struct arena arena = {0};
	size_t found = 0;

	for (size_t i = 0; page->url && i < ARRAY_SIZE(well_known); i++) {
		AUTO(source_fini) struct source source = {0};
		const char *url = url_resolve(&arena, page->url, well_known[i]);

		if (url && fetch("discover", url, &source, true) == 0)
			found += print_itself(&source, url, json);
	}
	return found;
}

int
verb_discover(const struct ctl *ctl, int argc, char **argv)
{
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(source_fini) struct source source = {0};
	bool json = false;
	const char *name = argument(argc, argv, NULL, &json);
	struct announced_feed *feeds;

	(void)ctl;
	if (!name)
		return verb_usage(verb_find(argv[0]));
	parse_init();
	if (load(argv[0], name, &source) < 0)
		return EXIT_FAILED;
	if (print_itself(&source, name, json))
		return flush_output(argv[0]);
	struct parse_input input = input_of(&source);
	size_t n = parse_announced(&input, &arena, &feeds);
	for (size_t i = 0; i < n; i++)
		print_feed(&feeds[i], json);
	if (n == 0 && try_well_known(&source, json) == 0) {
		complain(argv[0], name, "no feed is announced");
		return EXIT_FAILED;
	}
	return flush_output(argv[0]);
}
