/* copy.c - copies that leave the daemon: backup of the database, export of the subscriptions. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "feedd/mem.h"
#include "feedd/opml.h"
#include "feedd/store.h"
#include "feedd/url.h"
#include "output.h"
#include "verbs.h"

/* Opens the daemon's database with the caller's own rights and copies it. */
static int
copy_database(const char *database, const char *file)
{
	struct view *view = NULL;
	struct stat found;

	if (lstat(file, &found) == 0) {
		output_error("%s exists already", file);
		return EXIT_FAILED;
	}
	int r = view_open(&view, database);
	if (r < 0) {
		output_error("%s cannot be opened: %s", database, strerror(-r));
		return EXIT_FAILED;
	}
	/* Under its name there is a whole copy or none, whenever this is killed. */
	AUTO(freep) char *part = xasprintf("%s.part", file);
	unlink(part);
	mode_t before = umask(0077); /* it holds all that was read */
	r = view_backup(view, part);
	umask(before);
	view_close(view);
	if (r == 0 && rename(part, file) < 0)
		r = -errno;
	if (r == 0)
		return EXIT_DONE;
	unlink(part);
	output_error("%s cannot be written: %s", file, strerror(-r));
	return EXIT_FAILED;
}

int
verb_backup(const struct ctl *ctl, int argc, char **argv)
{
	json_t *answer;
	int code = verb_options(argc, argv, NULL, 1, 1);

	if (code != EXIT_DONE)
		return code;
	code = client_show(ctl, "/v1/status", false, &answer);
	if (!answer)
		return code;
	const char *database = client_text(answer, "database");
	if (database) {
		code = copy_database(database, argv[optind]);
	} else {
		output_error("the daemon does not say where its database is");
		code = EXIT_FAILED;
	}
	json_decref(answer);
	return code;
}

static void
take_feed(struct arena *arena, const json_t *feed, struct opml_feed *to)
{
	const json_t *tags = json_object_get(feed, "tags");
	json_t *tag;
	size_t i;

	to->name = client_text(feed, "name");
	to->title = client_text(feed, "title") ? client_text(feed, "title") : to->name;
	to->url = client_text(feed, "url");
	to->home_page_url = client_text(feed, "home_page_url");
	to->tags = arena_alloc(arena, (json_array_size(tags) + 1) * sizeof(*to->tags));
	json_array_foreach(tags, i, tag)
	{
		if (json_is_string(tag))
			to->tags[to->n_tags++] = json_string_value(tag);
	}
}

int
verb_export(const struct ctl *ctl, int argc, char **argv)
{
	json_t *answer, *feed;
	size_t i;
	int code = verb_options(argc, argv, NULL, 0, 0);

	if (code != EXIT_DONE)
		return code;
	code = client_show(ctl, "/v1/feeds", false, &answer);
	if (!answer)
		return code;
	const json_t *feeds = json_object_get(answer, "feeds");
	struct arena arena = {0};
	struct opml opml = {.title = "feedd subscriptions"};
	opml.feeds = arena_zalloc(&arena, (json_array_size(feeds) + 1) * sizeof(*opml.feeds));
	json_array_foreach(feeds, i, feed)
	{
		const char *url = client_text(feed, "url");

		/* lists hold what others can read too: no paths of this machine */
		if (url && url_is_http(url) && json_is_true(json_object_get(feed, "configured")))
			take_feed(&arena, feed, &opml.feeds[opml.n_feeds++]);
	}
	AUTO(freep) char *text = opml_write(&opml);
	code = output_raw(text, strlen(text));
	arena_fini(&arena);
	json_decref(answer);
	return code;
}
