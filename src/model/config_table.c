/* config_table.c - the tables of all options, and the functions that read by them. Pure; see
 * config_table.h. */
#include "config_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define TOP(member) offsetof(struct config, member)
#define SETTING(member) offsetof(struct settings_block, settings.member)
#define FEED(member) offsetof(struct feed_config, member)
#define HOST(member) offsetof(struct host_config, member)
#define NOTIFY(member) offsetof(struct notify_config, member)
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MIB (INT64_C(1) << 20)

static const struct option top_options[] = {
	{"state_directory", OPTION_TEXT, TOP(state_directory), .check = check_absolute},
	{"socket", OPTION_TEXT, TOP(socket), .initial = "/run/feedd.sock", .check = check_socket},
	{"listen", OPTION_TEXT, TOP(listen), .check = check_listen},
	{"shutdown_timeout", OPTION_DURATION, TOP(shutdown_timeout), .initial = "5s", .max = 3600},
	{"polls_per_feed_per_day", OPTION_NUMBER, TOP(polls_per_feed_per_day), .initial = "24",
		.max = 86400},
	{"max_requests_per_hour", OPTION_NUMBER, TOP(max_requests_per_hour), .initial = "0",
		.max = 1000000000},
	{"max_hint", OPTION_DURATION, TOP(max_hint), .initial = "24h"},
	{"max_retry_after", OPTION_DURATION, TOP(max_retry_after), .initial = "48h"},
	{"max_backoff", OPTION_DURATION, TOP(max_backoff), .initial = "24h", .min = 60},
	{"accept_moves_after", OPTION_DURATION, TOP(accept_moves_after), .initial = "never",
		.words = WORDS("never")},
	{"full_fetch_after", OPTION_DURATION, TOP(full_fetch_after), .initial = "8d",
		.words = WORDS("never")},
	{"forget", OPTION_DURATION, TOP(forget), .initial = "400d", .min = 86400,
		.words = WORDS("never")},
	{"keep_events", OPTION_DURATION, TOP(keep_events), .initial = "30d", .min = 1},
	{"rekeyed_timeout", OPTION_DURATION, TOP(rekeyed_timeout), .initial = "never",
		.words = WORDS("never")},
	{"search", OPTION_CHOICE, TOP(search), .initial = "title",
		.words = WORDS("title", "text", "off")},
	{"log", OPTION_CHOICE, TOP(log_level), .initial = "info",
		.words = WORDS("emergency", "alert", "critical", "error", "warning", "notice",
			"info", "debug")},
	{"max_polls", OPTION_COUNT, TOP(max_polls), .initial = "64", .min = 1, .max = 10000},
	{"workers", OPTION_COUNT, TOP(workers), .initial = "0", .max = 64},
	{"max_clients", OPTION_COUNT, TOP(max_clients), .initial = "64", .min = 4, .max = 10000},
	{"max_items", OPTION_COUNT, TOP(max_items), .initial = "5000", .min = 1, .max = 1000000},
};

static const struct option settings_options[] = {
	{"interval", OPTION_DURATION, SETTING(interval), .initial = "adaptive", .min = 1,
		.words = WORDS("adaptive")},
	{"min_interval", OPTION_DURATION, SETTING(min_interval), .initial = "5m", .min = 1},
	{"max_interval", OPTION_DURATION, SETTING(max_interval), .initial = "24h", .min = 1},
	{"weight", OPTION_NUMBER, SETTING(weight), .initial = "1", .max = 1000},
	{"backlog", OPTION_COUNT, SETTING(backlog), .initial = "0", .words = WORDS("all"),
		.word_value = BACKLOG_ALL},
	{"keep", OPTION_DURATION, SETTING(keep), .initial = "90d", .words = WORDS("forever")},
	{"enabled", OPTION_BOOL, SETTING(enabled), .initial = "true"},
	{"timeout", OPTION_DURATION, SETTING(timeout), .initial = "60s", .min = 1, .max = 3600},
	{"max_size", OPTION_SIZE, SETTING(max_size), .initial = "16MiB", .min = 1024,
		.max = 1024 * MIB},
	{"user_agent", OPTION_TEXT, SETTING(user_agent), .initial = "feedd/" FEEDD_VERSION,
		.check = check_line},
	{"headers", OPTION_LIST, SETTING(headers), .check = check_header},
	{"proxy", OPTION_TEXT, SETTING(proxy), .check = check_proxy},
	{"ca_file", OPTION_TEXT, SETTING(ca_file), .check = check_absolute},
	{"client_cert", OPTION_TEXT, SETTING(client_cert), .check = check_absolute},
	{"client_key", OPTION_TEXT, SETTING(client_key), .check = check_absolute},
	{"tls_verify", OPTION_BOOL, SETTING(tls_verify), .initial = "true"},
	{"http", OPTION_WORD, SETTING(http), .words = WORDS("1.1", "2")},
	{"private", OPTION_BOOL, SETTING(private), .initial = "false"},
	{"identity", OPTION_IDENTITY, SETTING(identity), .initial = "guid",
		.check = check_identity},
	{"tags", OPTION_LIST, offsetof(struct settings_block, tags), .check = check_line},
	/* of a feed alone: at the top level they would go to every server */
	{"username", OPTION_TEXT, SETTING(username), .check = check_line},
	{"password", OPTION_TEXT, SETTING(password), .check = check_line},
	{"credential", OPTION_TEXT, SETTING(credential), .check = check_file_name},
};

static const struct option feed_options[] = {
	{"url", OPTION_TEXT, FEED(url), .initial = NULL},
	{"title", OPTION_TEXT, FEED(title), .check = check_line},
};

static const struct option host_options[] = {
	{"gap", OPTION_DURATION_MS, HOST(gap_ms), .initial = "1s", .max = 86400000},
	{"connections", OPTION_COUNT, HOST(connections), .initial = "2", .min = 1, .max = 10000},
	{"subdomains", OPTION_BOOL, HOST(subdomains), .initial = "false"},
	{"gate", OPTION_SWITCH, HOST(gate_feed), .initial = "host", .words = WORDS("host", "feed")},
};

static const struct option notify_options[] = {
	{"exec", OPTION_LIST, NOTIFY(exec), .initial = NULL},
	{"webhook", OPTION_TEXT, NOTIFY(webhook), .check = check_webhook},
	{"file", OPTION_TEXT, NOTIFY(path), .check = check_absolute},
	{"feeds", OPTION_LIST, NOTIFY(feeds), .check = check_selector},
	{"events", OPTION_LIST, NOTIFY(events), .initial = "item.new", .check = check_event},
	{"where", OPTION_TEXT, NOTIFY(where), .initial = NULL},
	{"batch", OPTION_COUNT, NOTIFY(batch), .initial = "1", .min = 1, .max = 10000},
	{"batch_wait", OPTION_DURATION, NOTIFY(batch_wait), .initial = "10s", .max = 86400},
	{"timeout", OPTION_DURATION, NOTIFY(timeout), .initial = "60s", .min = 1, .max = 86400},
	{"retry_for", OPTION_DURATION, NOTIFY(retry_for), .initial = "3d"},
	{"retries", OPTION_COUNT, NOTIFY(retries), .initial = "unlimited", .max = 1000000,
		.words = WORDS("unlimited"), .word_value = -1},
	{"concurrency", OPTION_COUNT, NOTIFY(concurrency), .initial = "4", .min = 1, .max = 256},
	{"headers", OPTION_LIST, NOTIFY(headers), .check = check_header},
	{"secret", OPTION_LIST, NOTIFY(secrets), .check = check_secret},
	{"credential", OPTION_TEXT, NOTIFY(credential), .check = check_file_name},
	{"at", OPTION_TEXT, NOTIFY(at), .check = check_time},
	{"max_per_hour", OPTION_COUNT, NOTIFY(max_per_hour), .initial = "0", .max = 1000000},
	{"duplicates", OPTION_SWITCH, NOTIFY(duplicates_suppress), .initial = "keep",
		.words = WORDS("keep", "suppress")},
};

const struct option_table option_tables[N_SECTIONS] = {
	[SECTION_TOP] = {top_options, ARRAY_SIZE(top_options)},
	[SECTION_SETTINGS] = {settings_options, ARRAY_SIZE(settings_options)},
	[SECTION_FEED] = {feed_options, ARRAY_SIZE(feed_options)},
	[SECTION_HOST] = {host_options, ARRAY_SIZE(host_options)},
	[SECTION_NOTIFY] = {notify_options, ARRAY_SIZE(notify_options)},
};

const struct option *
option_find(enum option_section section, const char *name)
{
	const struct option_table *table = &option_tables[section];

	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->options[i].name, name) == 0)
			return &table->options[i];
	return NULL;
}

static int
word_index(const char *const *words, const char *text)
{
	for (int i = 0; words && words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

/* "… is none of a, b, c" */
static int
say_words(const struct option *option, const char *text, char message[256])
{
	int len = snprintf(message, 256, "%s: \"%.80s\" is none of", option->name, text);

	for (size_t i = 0; option->words[i] && len > 0 && len < 256; i++)
		len += snprintf(message + len, 256 - (size_t)len, "%s %s", i > 0 ? "," : "",
			option->words[i]);
	return -EINVAL;
}

struct number_form {
	int (*read)(const char *text, int64_t *ret_value);
	const char *example;
};

/* How a number of each type is written; empty for types that are no whole numbers. */
static const struct number_form number_forms[] = {
	[OPTION_DURATION] = {value_duration, "a duration (90s, 10m, 6h, 7d)"},
	[OPTION_DURATION_MS] = {value_duration_ms, "a duration (500ms, 90s, 10m)"},
	[OPTION_SIZE] = {value_size, "a size (1000, 64KiB, 10MiB, 1GiB)"},
	[OPTION_COUNT] = {value_count, "a whole number"},
	[OPTION_IDENTITY] = {NULL, NULL},
};

static void
format_bound(const struct option *option, int64_t value, char out[32])
{
	static const char *const units[] = {
		[OPTION_DURATION] = "s", [OPTION_DURATION_MS] = "ms", [OPTION_IDENTITY] = NULL};
	const char *unit = units[option->type];

	snprintf(out, 32, "%" PRId64 "%s", value, unit ? unit : "");
}

static int
check_bounds(const struct option *option, double value, const char *text, char message[256])
{
	char bound[32];

	if (value < (double)option->min) {
		format_bound(option, option->min, bound);
		snprintf(message, 256, "%s: \"%.80s\" is less than %s", option->name, text, bound);
		return -EINVAL;
	}
	if (option->max > 0 && value > (double)option->max) {
		format_bound(option, option->max, bound);
		snprintf(message, 256, "%s: \"%.80s\" is more than %s", option->name, text, bound);
		return -EINVAL;
	}
	return 0;
}

static int
set_number(const struct option *option, int64_t *to, const char *text, char message[256])
{
	const struct number_form *form = &number_forms[option->type];
	int64_t value;

	if (word_index(option->words, text) == 0) {
		*to = option->word_value;
		return 0;
	}
	if (form->read(text, &value) < 0) {
		snprintf(message, 256, "%s: \"%.80s\" is not %s%s%s", option->name, text,
			form->example, option->words ? " or " : "",
			option->words ? option->words[0] : "");
		return -EINVAL;
	}
	if (check_bounds(option, (double)value, text, message) < 0)
		return -EINVAL;
	*to = value;
	return 0;
}

static int
set_double(const struct option *option, double *to, const char *text, char message[256])
{
	double value;

	if (value_number(text, &value) < 0) {
		snprintf(message, 256, "%s: \"%.80s\" is not a number", option->name, text);
		return -EINVAL;
	}
	if (check_bounds(option, value, text, message) < 0)
		return -EINVAL;
	*to = value;
	return 0;
}

static int
set_bool(const struct option *option, bool *to, const char *text, char message[256])
{
	if (value_bool(text, to) == 0)
		return 0;
	snprintf(message, 256, "%s: \"%.80s\" is neither true nor false", option->name, text);
	return -EINVAL;
}

static int
check_text(const struct option *option, const char *text, char message[256])
{
	const char *error = option->check ? option->check(text) : NULL;

	if (!error)
		return 0;
	/* what may be a secret is not repeated */
	bool quiet = option->check == check_secret || option->check == check_line ||
		option->check == check_header || option->check == check_proxy ||
		option->check == check_webhook;
	if (quiet)
		snprintf(message, 256, "%s: %s", option->name, error);
	else
		snprintf(message, 256, "%s: \"%.60s\": %s", option->name, text, error);
	return -EINVAL;
}

static int
set_list(const struct option *option, struct string_list *to, const struct option_values *values,
	struct arena *arena, char message[256])
{
	size_t kept = values->append ? to->n : 0;
	const char **at = arena_alloc(arena, (kept + values->n + 1) * sizeof(*at));

	if (kept > 0)
		memcpy(at, to->at, kept * sizeof(*at));
	for (size_t i = 0; i < values->n; i++) {
		if (check_text(option, values->at[i], message) < 0)
			return -EINVAL;
		at[kept + i] = arena_strdup(arena, values->at[i]);
	}
	at[kept + values->n] = NULL;
	*to = (struct string_list){at, kept + values->n};
	return 0;
}

static int
set_words(const struct option *option, void *to, const char *text, char message[256])
{
	int index = word_index(option->words, text);

	if (index < 0)
		return say_words(option, text, message);
	if (option->type == OPTION_CHOICE)
		*(int *)to = index;
	else if (option->type == OPTION_SWITCH)
		*(bool *)to = index == 1;
	else
		*(const char **)to = option->words[index];
	return 0;
}

static int
set_text(const struct option *option, void *to, const char *text, struct arena *arena,
	char message[256])
{
	if (check_text(option, text, message) < 0)
		return -EINVAL;
	const char *copy = arena_strdup(arena, text);
	if (option->type == OPTION_IDENTITY)
		*(struct identity *)to = value_identity(copy);
	else
		*(const char **)to = copy;
	return 0;
}

int
option_set(const struct option *option, void *base, const struct option_values *values,
	struct arena *arena, char message[256])
{
	void *to = (char *)base + option->offset;
	const char *text = values->n > 0 ? values->at[0] : "";

	switch (option->type) {
	case OPTION_DURATION:
	case OPTION_DURATION_MS:
	case OPTION_SIZE:
	case OPTION_COUNT:
		return set_number(option, to, text, message);
	case OPTION_NUMBER:
		return set_double(option, to, text, message);
	case OPTION_BOOL:
		return set_bool(option, to, text, message);
	case OPTION_CHOICE:
	case OPTION_SWITCH:
	case OPTION_WORD:
		return set_words(option, to, text, message);
	case OPTION_TEXT:
	case OPTION_IDENTITY:
		return set_text(option, to, text, arena, message);
	case OPTION_LIST:
		return set_list(option, to, values, arena, message);
	}
	return -EINVAL;
}

void
option_reset(const struct option *option, void *base, struct arena *arena)
{
	char message[256];

	if (!option->initial)
		return;
	const struct option_values values = {&option->initial, 1, false};
	if (option_set(option, base, &values, arena, message) < 0)
		abort(); /* the unit test loads every default */
}

void
option_copy(const struct option *option, void *to, const void *from)
{
	static const size_t sizes[] = {
		[OPTION_DURATION] = sizeof(int64_t),
		[OPTION_DURATION_MS] = sizeof(int64_t),
		[OPTION_SIZE] = sizeof(int64_t),
		[OPTION_COUNT] = sizeof(int64_t),
		[OPTION_NUMBER] = sizeof(double),
		[OPTION_BOOL] = sizeof(bool),
		[OPTION_CHOICE] = sizeof(int),
		[OPTION_SWITCH] = sizeof(bool),
		[OPTION_WORD] = sizeof(const char *),
		[OPTION_TEXT] = sizeof(const char *),
		[OPTION_LIST] = sizeof(struct string_list),
		[OPTION_IDENTITY] = sizeof(struct identity),
	};

	memcpy((char *)to + option->offset, (const char *)from + option->offset,
		sizes[option->type]);
}
