/* why.c - why a feed is polled when it is; why an event is there and who was told. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

static void
print_date(const json_t *object, const char *label, const char *name)
{
	const char *date = client_text(object, name);

	if (date)
		output_fieldf(label, "%s (%s)", date, output_ago(date));
}

/* Sentences one below the other. */
static void
print_explanation(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++)
		output_field(i == 0 ? "in words" : "", json_string_value(json_array_get(lines, i)));
}

static int
why_feed(const struct ctl *ctl, const char *name, bool json)
{
	AUTO(freep) char *path = client_path("/v1/feeds/%s/why", name);
	json_t *answer;
	int code = client_show(ctl, path, json, &answer);

	if (!answer)
		return code;
	output_field("feed", client_text(answer, "name"));
	print_date(answer, "next poll", "next_poll");
	output_field("because", client_text(answer, "reason"));
	print_date(answer, "last poll", "last_poll");
	output_field("state", client_text(answer, "state"));
	output_field("last error", client_text(answer, "last_error"));
	output_field("moved to", client_text(answer, "moved_to"));
	print_explanation(json_object_get(answer, "explanation"));
	json_decref(answer);
	return output_end();
}

static int
print_told(const json_t *rows)
{
	static const char *const headings[] = {
		"NOTIFIER", "STATE", "TRIES", "LAST TRY", "NEXT TRY", "WHY", NULL};
	struct table table;
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return EXIT_DONE;
	putchar('\n');
	table_begin(&table, headings);
	json_array_foreach(rows, i, row)
	{
		const char *by = client_text(row, "by");

		table_add(&table, COLOUR_NONE, client_text(row, "notify"));
		table_add(&table, COLOUR_NONE, client_text(row, "state"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "attempts"));
		table_add(&table, COLOUR_NONE, output_ago(client_text(row, "last_try")));
		table_add(&table, COLOUR_NONE, output_ago(client_text(row, "next_try")));
		table_add(&table, COLOUR_NONE, by ? by : client_text(row, "error"));
	}
	return table_print(&table);
}

static int
why_event(const struct ctl *ctl, const char *seq, bool json)
{
	AUTO(freep) char *path = client_path("/v1/events/%s/why", seq);
	json_t *answer;
	int code = client_show(ctl, path, json, &answer);

	if (!answer)
		return code;
	output_field("event", client_text(answer, "event"));
	output_field("feed", client_text(answer, "feed"));
	output_field("title", client_text(answer, "title"));
	output_field("url", client_text(answer, "url"));
	output_field("id", client_text(answer, "id"));
	print_date(answer, "first seen", "first_seen");
	print_date(answer, "told", "at");
	if (client_text(answer, "identity"))
		output_fieldf("new by", "its %s, which this feed had not shown before (key %s)",
			client_text(answer, "identity"), client_text(answer, "key"));
	code = print_told(json_object_get(answer, "notifiers"));
	json_decref(answer);
	return code;
}

/* Events are numbers; a feed whose name is one can still be asked for by --feed. */
int
verb_why(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"feed", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool json = false, feed = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			feed = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			verb_help(argv[0]);
		default:
			return verb_usage(verb_find(argv[0]));
		}
	}
	if (argc - optind != 1)
		return verb_wrong(argv[0], "a feed's name or an event's number is wanted");
	const char *what = argv[optind];
	if (!feed && *what && what[strspn(what, "0123456789")] == '\0')
		return why_event(ctl, what, json);
	return why_feed(ctl, what, json);
}
