/* state.c - verbs that show feeds: feeds, show. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

static enum colour
state_colour(const char *state)
{
	static const struct {
		const char *state;
		enum colour colour;
	} colours[] = {
		{"ok", COLOUR_GOOD},
		{"new", COLOUR_FAINT},
		{"error", COLOUR_WARN},
		{"failing", COLOUR_BAD},
		{"gone", COLOUR_BAD},
	};

	for (size_t i = 0; state && i < ARRAY_SIZE(colours); i++)
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].colour;
	return COLOUR_NONE;
}

/* A feed that left the configuration still has its items. */
static const char *
feed_state(const json_t *feed)
{
	return json_is_false(json_object_get(feed, "configured")) ? "removed"
								  : client_text(feed, "state");
}

int
verb_feeds(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const headings[] = {
		"NAME", "STATE", "LAST POLL", "NEXT POLL", "ITEMS", "LAST ERROR", NULL};
	bool json = false;
	json_t *answer, *feed;
	size_t i;
	int code = verb_options(argc, argv, &json, 0, 0);

	if (code != EXIT_DONE)
		return code;
	code = client_show(ctl, "/v1/feeds", json, &answer);
	if (!answer)
		return code;
	struct table table;
	table_begin(&table, headings);
	json_array_foreach(json_object_get(answer, "feeds"), i, feed)
	{
		const char *state = feed_state(feed);

		table_add(&table, COLOUR_NONE, client_text(feed, "name"));
		table_add(&table, state_colour(state), state);
		table_add(&table, COLOUR_NONE, output_ago(client_text(feed, "last_poll")));
		table_add(&table, COLOUR_NONE, output_ago(client_text(feed, "next_poll")));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(feed, "items"));
		table_add(&table, COLOUR_NONE, client_text(feed, "last_error"));
	}
	json_decref(answer);
	return table_print(&table);
}

static void
print_date(const json_t *object, const char *label, const char *name)
{
	const char *date = client_text(object, name);

	if (date)
		output_fieldf(label, "%s (%s)", date, output_ago(date));
}

static void
print_number(const json_t *object, const char *label, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		output_fieldf(label, "%lld", (long long)json_integer_value(value));
}

static void
print_tags(const json_t *tags)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		buf_puts(&text, i ? ", " : "");
		buf_puts(&text, json_string_value(tag));
	}
	output_field("tags", text.data);
}

static void
print_feed(const json_t *feed)
{
	output_field("name", client_text(feed, "name"));
	output_field("title", client_text(feed, "title"));
	output_field("url", client_text(feed, "url"));
	output_field("home page", client_text(feed, "home_page_url"));
	print_tags(json_object_get(feed, "tags"));
	output_field("state", feed_state(feed));
	output_field("last error", client_text(feed, "last_error"));
	if (client_number(feed, "status") > 0)
		print_number(feed, "last status", "status");
	if (client_number(feed, "failures") > 0)
		print_number(feed, "errors in a row", "failures");
	print_date(feed, "failing since", "failing_since");
	print_date(feed, "last poll", "last_poll");
	print_date(feed, "last success", "last_success");
	print_date(feed, "last change", "last_change");
	print_date(feed, "next poll", "next_poll");
	output_field("because", client_text(feed, "reason"));
	if (client_number(feed, "interval") > 0)
		output_field("interval", output_span(client_number(feed, "interval")));
	print_date(feed, "not before", "retry_after");
	output_field("moved to", client_text(feed, "moved_to"));
	print_date(feed, "moved since", "moved_since");
	print_number(feed, "items", "items");
	print_date(feed, "last item", "last_item");
	if (client_number(feed, "held") > 0)
		print_number(feed, "items held", "held");
	print_number(feed, "polls", "polls");
	print_number(feed, "of them unchanged", "polls_unchanged");
	output_field("received", output_bytes(client_number(feed, "bytes")));
}

int
verb_show(const struct ctl *ctl, int argc, char **argv)
{
	bool json = false;
	json_t *answer;
	int code = verb_options(argc, argv, &json, 1, 1);

	if (code != EXIT_DONE)
		return code;
	AUTO(freep) char *path = client_path("/v1/feeds/%s", argv[optind]);
	code = client_show(ctl, path, json, &answer);
	if (!answer)
		return code;
	print_feed(answer);
	json_decref(answer);
	return output_end();
}
