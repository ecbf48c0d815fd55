/* items.c - the stored items, newest first. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

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
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			verb_help(argv[0]);
		if (c == '?')
			return verb_usage(verb_find(argv[0]));
		json = json || c == 'j';
		for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
			if (parameters[i].option == c)
				client_parameter(&path, parameters[i].parameter, optarg);
	}
	if (optind < argc)
		return verb_wrong(argv[0], "too many arguments");
	json_t *answer;
	int code = client_show(ctl, path, json, &answer);
	if (!answer)
		return code;
	code = print_items(json_object_get(answer, "items"));
	json_decref(answer);
	return code;
}
