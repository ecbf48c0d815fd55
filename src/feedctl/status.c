/* status.c - the verb status: what the daemon does, for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

/* Members of "polls", in the order in which they are told. */
static const struct {
	const char *name, *one, *many;
} outcomes[] = {
	{"news", "with news", "with news"},
	{"no_news", "without news", "without news"},
	{"not_modified", "not modified", "not modified"},
	{"same_body", "same document", "same document"},
	{"http_error", "HTTP error", "HTTP errors"},
	{"network_error", "network error", "network errors"},
	{"not_a_feed", "not a feed", "not a feed"},
};

/* Appends "1 item" or "3 items", after a comma where it is not the first. */
static void
put_count(struct buf *line, json_int_t n, const char *word, const char *plural)
{
	buf_printf(line, "%s%lld %s", line->len ? ", " : "", n, n == 1 ? word : plural);
}

static void
print_health(const json_t *status)
{
	bool offline = json_is_true(json_object_get(status, "offline"));
	bool failing = json_is_true(json_object_get(status, "store_failing"));

	output_fieldf("feedd", "%s, up for %s", client_text(status, "version"),
		output_span(client_number(status, "uptime_seconds")));
	if (offline)
		output_field("network", "seems to be away; nothing is counted against feeds");
	if (failing)
		output_field(
			"store", "cannot be written: nothing is told until it can, see the log");
}

static void
print_feeds(const json_t *status)
{
	json_int_t all = client_number(status, "feeds");
	json_int_t failing = client_number(status, "failing"), gone = client_number(status, "gone");

	output_fieldf("feeds", "%lld: %lld ok, %lld failing, %lld gone", all, all - failing - gone,
		failing, gone);
}

static void
print_polls(const json_t *status)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);
	const json_t *polls = json_object_get(status, "polls");
	json_int_t total = client_number(status, "polls_total");

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		json_int_t n = client_number(polls, outcomes[i].name);

		if (n > 0)
			buf_printf(&line, "%s %lld %s (%.0f %%)", line.len ? "," : ":", n,
				n == 1 ? outcomes[i].one : outcomes[i].many,
				100. * (double)n / (double)total);
	}
	output_fieldf("polls", "%lld%s", total, line.data ? line.data : "");
	output_fieldf("requests", "%lld in the last hour; %s received, %.0f ms each on average",
		client_number(status, "requests_last_hour"),
		output_bytes(client_number(status, "bytes_received")),
		1000 * json_number_value(json_object_get(status, "mean_fetch_seconds")));
}

static void
print_news(const json_t *status)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);
	double age = json_number_value(json_object_get(status, "mean_age_of_news_seconds"));

	put_count(&line, client_number(status, "items_new"), "new item", "new items");
	put_count(&line, client_number(status, "items_updated"), "updated", "updated");
	if (age > 0)
		buf_printf(&line, "; on average %s old when found", output_span(llround(age)));
	output_field("news", line.data);
}

static void
print_log(const json_t *status)
{
	json_int_t events = client_number(status, "events"), seq = client_number(status, "seq");
	json_int_t unindexed = seq - client_number(status, "indexed_seq");
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);

	put_count(&line, events, "event", "events");
	if (events > 0)
		buf_printf(&line, " (%lld to %lld)", client_number(status, "oldest_seq"), seq);
	if (unindexed > 0)
		buf_printf(&line, "; the search index is %lld behind", unindexed);
	output_field("log", line.data);
}

static void
print_database(const json_t *status)
{
	json_int_t items = client_number(status, "items");

	output_fieldf("database", "%s in %lld %s, write-ahead log %s",
		output_bytes(client_number(status, "database_bytes")), items,
		items == 1 ? "item" : "items", output_bytes(client_number(status, "wal_bytes")));
	output_field("", client_text(status, "database"));
}

static void
print_queues(const json_t *status)
{
	const json_t *socket = json_object_get(status, "socket");
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);

	put_count(&line, client_number(status, "in_flight"), "poll under way", "polls under way");
	put_count(&line, client_number(status, "waiting_for_hosts"), "waits for its host",
		"wait for their hosts");
	put_count(&line, client_number(status, "store_queue"), "waits for the database",
		"wait for the database");
	output_field("queues", line.data);
	buf_reset(&line);
	put_count(&line, client_number(socket, "streams"), "stream", "streams");
	output_fieldf("socket", "%lld of %lld connections, %s", client_number(socket, "clients"),
		client_number(socket, "max_clients"), line.data);
}

/* {"name": number, …} as "name 5 s, other 3 s". */
static void
print_slowest(json_t *feeds)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);

	for (void *at = json_object_iter(feeds); at; at = json_object_iter_next(feeds, at))
		buf_printf(&line, "%s%s %.2f s", line.len ? ", " : "", json_object_iter_key(at),
			json_number_value(json_object_iter_value(at)));
	output_field("slowest feeds", line.data);
}

static void
print_failing(json_t *feeds)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);

	for (void *at = json_object_iter(feeds); at; at = json_object_iter_next(feeds, at)) {
		json_int_t n = json_integer_value(json_object_iter_value(at));

		buf_printf(&line, "%s%s (%lld %s)", line.len ? ", " : "", json_object_iter_key(at),
			n, n == 1 ? "error" : "errors");
	}
	output_field("failing feeds", line.data);
}

static const char *
notifier_state(const json_t *row, enum colour *ret_colour)
{
	if (json_is_true(json_object_get(row, "disabled"))) {
		*ret_colour = COLOUR_BAD;
		return "disabled";
	}
	if (client_number(row, "waiting") > 0) {
		*ret_colour = COLOUR_WARN;
		return "failing";
	}
	if (client_number(row, "failed") > 0) {
		*ret_colour = COLOUR_WARN;
		return "failed";
	}
	*ret_colour = COLOUR_GOOD;
	return "ok";
}

static int
print_notifiers(const json_t *rows)
{
	static const char *const headings[] = {"NOTIFIER", "KIND", "STATE", "SEQ", "LAG",
		"DELIVERED", "TRIED AGAIN", "SET ASIDE", "LAST ERROR", NULL};
	struct table table;
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return EXIT_DONE;
	putchar('\n');
	table_begin(&table, headings);
	json_array_foreach(rows, i, row)
	{
		json_int_t failed = client_number(row, "failed");
		enum colour colour;
		const char *state = notifier_state(row, &colour);

		table_add(&table, COLOUR_NONE, client_text(row, "name"));
		table_add(&table, COLOUR_NONE, client_text(row, "kind"));
		table_add(&table, colour, state);
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "seq"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "lag"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "delivered"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "waiting"));
		table_addf(&table, failed ? COLOUR_BAD : COLOUR_NONE, "%lld", failed);
		table_add(&table, COLOUR_NONE, client_text(row, "last_error"));
	}
	return table_print(&table);
}

static int
print_consumers(const json_t *rows)
{
	static const char *const headings[] = {"CONSUMER", "SEQ", "LAG", "ACKNOWLEDGED", NULL};
	struct table table;
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return EXIT_DONE;
	putchar('\n');
	table_begin(&table, headings);
	json_array_foreach(rows, i, row)
	{
		table_add(&table, COLOUR_NONE, client_text(row, "name"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "seq"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "lag"));
		table_add(&table, COLOUR_NONE, output_ago(client_text(row, "acknowledged")));
	}
	return table_print(&table);
}

int
verb_status(const struct ctl *ctl, int argc, char **argv)
{
	bool json = false;
	json_t *answer;
	int code = verb_options(argc, argv, &json, 0, 0);

	if (code != EXIT_DONE)
		return code;
	code = client_show(ctl, "/v1/status", json, &answer);
	if (!answer)
		return code;
	print_health(answer);
	print_feeds(answer);
	print_polls(answer);
	print_news(answer);
	print_log(answer);
	print_database(answer);
	print_queues(answer);
	print_slowest(json_object_get(answer, "slowest_feeds"));
	print_failing(json_object_get(answer, "failing_feeds"));
	(void)print_notifiers(json_object_get(answer, "notifiers"));
	(void)print_consumers(json_object_get(answer, "consumers"));
	json_decref(answer);
	return output_end();
}
