/* items.c - the stored items, newest first. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

static int
print_items(const json_t *items)
{
	static const char *const headings[] = {"FIRST SEEN", "FEED", "TITLE", "URL", NULL};
	struct table table;
	json_t *item;
	size_t i;

	table_begin(&table, headings);
	json_array_foreach(items, i, item)
	{
		const json_t *extension = json_object_get(item, "_feedd");
		const json_t *feed = json_object_get(extension, "feed");
		const char *name =
			json_is_string(feed) ? json_string_value(feed) : client_text(feed, "name");

		table_add(&table, COLOUR_FAINT, output_ago(client_text(extension, "first_seen")));
		table_add(&table, COLOUR_NONE, name);
		table_add(&table, COLOUR_HEAD, client_text(item, "title"));
		table_add(&table, COLOUR_NONE, client_text(item, "url"));
	}
	return table_print(&table);
}

/* The place where the next page begins, as the daemon writes it at the end of next_url; NULL where
 * there is none. */
static const char *
next_place(const json_t *page)
{
	const char *next = client_text(page, "next_url");

	return next ? strstr(next, "before=") : NULL;
}

/* As many items as are wanted, however large: the daemon gives some MiB of them at a time. The
 * first page stands for all, with the items of the others behind its own and the last one's way on.
 */
static int
fetch_items(const struct ctl *ctl, const char *path, int64_t wanted, json_t **ret_answer)
{
	int code = client_show(ctl, path, false, ret_answer);
	json_t *items = json_object_get(*ret_answer, "items");
	const char *place;

	while (code == EXIT_DONE && (place = next_place(*ret_answer)) &&
		(int64_t)json_array_size(items) < wanted) {
		json_t *page;
		/* of two parameters of one name the last counts */
		AUTO(freep)
		char *more = xasprintf("%s%climit=%lld&%s", path, strchr(path, '?') ? '&' : '?',
			(long long)wanted - (long long)json_array_size(items), place);

		code = client_show(ctl, more, false, &page);
		if (code != EXIT_DONE)
			break;
		json_array_extend(items, json_object_get(page, "items"));
		const char *url = client_text(*ret_answer, "next_url");
		const char *next = next_place(page);
		json_t *way = next ? json_sprintf("%.*s%s", (int)(place - url), url, next) : NULL;
		if (way)
			json_object_set_new(*ret_answer, "next_url", way);
		else
			json_object_del(*ret_answer, "next_url");
		json_decref(page);
	}
	return code;
}

static int
print_json(const json_t *answer)
{
	AUTO(freep) char *text = json_dumps(answer, JSON_COMPACT);

	puts(text);
	return output_end();
}

int
verb_items(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"feed", required_argument, NULL, 'f'},
		{"tag", required_argument, NULL, 't'},
		{"search", required_argument, NULL, 's'},
		{"limit", required_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	static const struct {
		int option;
		const char *parameter;
	} parameters[] = {{'f', "feed"}, {'t', "tag"}, {'s', "q"}, {'l', "limit"}};
	AUTO(freep) char *path = xstrdup("/v1/items");
	int64_t limit = 50; /* the daemon's own, too, which also says what is no number */
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			verb_help(argv[0]);
		if (c == '?')
			return verb_usage(verb_find(argv[0]));
		json = json || c == 'j';
		limit = c == 'l' ? strtoll(optarg, NULL, 10) : limit;
		for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
			if (parameters[i].option == c)
				client_parameter(&path, parameters[i].parameter, optarg);
	}
	if (optind < argc)
		return verb_wrong(argv[0], "too many arguments");
	json_t *answer;
	int code = fetch_items(ctl, path, limit, &answer);
	if (code == EXIT_DONE)
		code = json ? print_json(answer) : print_items(json_object_get(answer, "items"));
	json_decref(answer);
	return code;
}
