/*
 * config_load.c - reads configuration files and those that they include.
 *
 * libConfuse reads every statement, one at a time, so that each fault is found and has its line
 * (see config_scan.h and config_parser.c). May touch files.
 */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"
#include "config_scan.h"
#include "config_value.h"
#include "feedd/text.h"

void
loader_fault(struct config_loader *loader, int line, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	config_faults_add(
		loader->faults, loader->files[loader->depth - 1].path, line, "%s", message);
}

void
loader_secret(struct config_loader *loader, int line)
{
	struct config_file *file = &loader->files[loader->depth - 1];

	if (!file->world_readable)
		return;
	file->world_readable = false;
	loader_fault(
		loader, line, "everybody can read this file and it holds a password: chmod o-r it");
}

void *
loader_grow(void *at, size_t n, size_t size)
{
	if (n >= 16 && (n & (n - 1)) != 0)
		return at;
	return n < 16 && n > 0 ? at : xrealloc(at, n < 16 ? 16 : n * 2, size);
}

static void load_file(struct config_loader *loader, const char *path, void *arg);

static void
load_include(struct config_loader *loader, const struct config_statement *st)
{
	char **arguments;
	int line = st->line;

	if (loader->section != SECTION_TOP || strcmp(st->name, "include") != 0) {
		loader_fault(loader, line,
			loader->section == SECTION_TOP ? "unknown function \"%s\""
						       : "%s() cannot stand in a section",
			st->name);
		return;
	}
	if (loader_parse(loader, st) < 0)
		return;
	arguments = loader->arguments;
	if (loader->n_arguments != 1)
		loader_fault(loader, line, "include takes one path or pattern");
	for (size_t i = 0; loader->n_arguments == 1 && i < 1; i++)
		loader_glob(loader, loader->files[loader->depth - 1].path, arguments[0], load_file,
			&line);
	for (size_t i = 0; arguments[i]; i++)
		free(arguments[i]);
	free(arguments);
}

static void
add_subscriptions(struct config_loader *loader, int line, const struct option_values *values)
{
	struct arena *arena = &loader->config->arena;

	for (size_t i = 0; i < values->n; i++) {
		loader->subscriptions = loader_grow(loader->subscriptions, loader->n_subscriptions,
			sizeof(*loader->subscriptions));
		loader->subscriptions[loader->n_subscriptions++] =
			(struct subscription){arena_strdup(arena, values->at[i]),
				loader->files[loader->depth - 1].path, line};
	}
}

/* The struct that an option of the open section belongs to, and the set of bits that says which
 * were set. */
static void *
find_base(struct config_loader *loader, enum option_section table, uint64_t **ret_set)
{
	bool top = loader->section == SECTION_TOP;

	*ret_set = NULL;
	switch (table) {
	case SECTION_TOP:
		return loader->config;
	case SECTION_HOST:
		*ret_set = &loader->hosts[loader->n_hosts - 1].set;
		return &loader->hosts[loader->n_hosts - 1].host;
	case SECTION_NOTIFY:
		return &loader->notifies[loader->n_notifies - 1].notify;
	case SECTION_FEED:
		return &loader->feeds[loader->n_feeds - 1].feed;
	case SECTION_SETTINGS:
		if (!top)
			*ret_set = &loader->feeds[loader->n_feeds - 1].set;
		return top ? &loader->defaults : &loader->feeds[loader->n_feeds - 1].own;
	}
	return NULL;
}

/* What is to be remembered of some options beside their values. */
static void
note_option(struct config_loader *loader, const char *name, int line,
	const struct option_values *values)
{
	bool interval = strstr(name, "interval") != NULL;
	bool secret = strcmp(name, "password") == 0 || strcmp(name, "secret") == 0;

	for (size_t i = 0; i < values->n; i++)
		secret = secret || url_has_password(values->at[i]) ||
			(strcmp(name, "headers") == 0 && header_is_secret(values->at[i]));
	if (secret)
		loader_secret(loader, line);
	if (loader->section == SECTION_FEED && interval)
		loader->feeds[loader->n_feeds - 1].interval_line = line;
	if (loader->section == SECTION_FEED && strcmp(name, "url") == 0)
		loader->feeds[loader->n_feeds - 1].url_line = line;
	if (loader->section == SECTION_TOP && interval) {
		loader->interval_file = loader->files[loader->depth - 1].path;
		loader->interval_line = line;
	}
	if (loader->section != SECTION_NOTIFY)
		return;
	struct notify_block *block = &loader->notifies[loader->n_notifies - 1];
	if (strcmp(name, "where") == 0)
		block->notify.where_line = line;
	if (strcmp(name, "credential") == 0)
		block->credential_line = line;
	if (strcmp(name, "exec") == 0)
		block->exec_line = line;
}

static const struct option *
find_option(struct config_loader *loader, const char *name, enum option_section *ret_table)
{
	enum option_section second =
		loader->section == SECTION_HOST || loader->section == SECTION_NOTIFY
		? loader->section
		: SECTION_SETTINGS;

	*ret_table = loader->section;
	const struct option *option = option_find(loader->section, name);
	if (!option) {
		*ret_table = second;
		option = option_find(second, name);
	}
	return option;
}

static bool
is_for_feeds_alone(const char *name)
{
	return strcmp(name, "username") == 0 || strcmp(name, "password") == 0 ||
		strcmp(name, "credential") == 0;
}

static void
apply(struct config_loader *loader, const struct config_statement *st,
	const struct option_values *values)
{
	enum option_section table;
	const struct option *option = find_option(loader, st->name, &table);
	char message[256];
	uint64_t *set;

	if (loader->section == SECTION_TOP && strcmp(st->name, "subscriptions") == 0) {
		add_subscriptions(loader, st->line, values);
		return;
	}
	if (loader->section == SECTION_TOP && is_for_feeds_alone(st->name)) {
		loader_fault(loader, st->line,
			"%s belongs into a feed: at the top level it would go to every server",
			st->name);
		return;
	}
	void *base = find_base(loader, table, &set);
	note_option(loader, st->name, st->line, values);
	if (option_set(option, base, values, &loader->config->arena, message) < 0)
		loader_fault(loader, st->line, "%s", message);
	else if (set)
		*set |= UINT64_C(1) << (option - option_tables[table].options);
}

static void
load_set(struct config_loader *loader, const struct config_statement *st)
{
	static const char *const names[] = {[SECTION_TOP] = "at the top level",
		[SECTION_FEED] = "in a feed",
		[SECTION_HOST] = "in a host",
		[SECTION_NOTIFY] = "in a notify"};
	enum option_section table;
	bool subscriptions =
		loader->section == SECTION_TOP && strcmp(st->name, "subscriptions") == 0;

	if (!subscriptions && !find_option(loader, st->name, &table)) {
		loader_fault(loader, st->line, "unknown option \"%s\" %s", st->name,
			names[loader->section]);
		return;
	}
	if (loader_parse(loader, st) < 0)
		return;
	cfg_opt_t *opt = cfg_getopt(loader->parsers[loader->section], st->name);
	size_t n = cfg_opt_size(opt);
	const char **at = xcalloc(n + 1, sizeof(*at));
	bool utf8 = true;
	for (size_t i = 0; i < n; i++) {
		at[i] = cfg_opt_getnstr(opt, (unsigned)i);
		utf8 = utf8 && text_is_utf8(at[i], strlen(at[i]));
	}
	const char *mark = st->text + strcspn(st->text, "+=");
	const struct option_values values = {at, n, *mark == '+'};
	if (utf8)
		apply(loader, st, &values);
	else
		loader_fault(loader, st->line, "%s: this is not valid UTF-8", st->name);
	free(at);
	cfg_free_value(opt);
}

static void
open_feed(struct config_loader *loader, const char *title, int line)
{
	loader->feeds = loader_grow(loader->feeds, loader->n_feeds, sizeof(*loader->feeds));
	struct feed_block *block = &loader->feeds[loader->n_feeds++];
	*block = (struct feed_block){.feed = {.name = title, .line = line}};
	block->feed.file = loader->files[loader->depth - 1].path;
}

static void
open_host(struct config_loader *loader, char *title, int line)
{
	loader->hosts = loader_grow(loader->hosts, loader->n_hosts, sizeof(*loader->hosts));
	struct host_block *block = &loader->hosts[loader->n_hosts++];
	size_t len = strlen(title);
	if (len > 2 && title[0] == '[' && title[len - 1] == ']') {
		title[len - 1] = '\0';
		title++;
	}
	for (char *p = title; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	*block = (struct host_block){.host = {.host = title}, .line = line};
	block->file = loader->files[loader->depth - 1].path;
}

static void
open_notify(struct config_loader *loader, const char *title, int line)
{
	const struct option_table *table = &option_tables[SECTION_NOTIFY];

	loader->notifies =
		loader_grow(loader->notifies, loader->n_notifies, sizeof(*loader->notifies));
	struct notify_block *block = &loader->notifies[loader->n_notifies++];
	*block = (struct notify_block){.notify = {.name = title, .line = line}};
	block->notify.file = loader->files[loader->depth - 1].path;
	for (size_t i = 0; i < table->n; i++)
		option_reset(&table->options[i], &block->notify, &loader->config->arena);
}

static void
close_block(struct config_loader *loader)
{
	switch (loader->section) {
	case SECTION_FEED:
	case SECTION_SETTINGS:
		feed_block_end(loader, &loader->feeds[loader->n_feeds - 1]);
		break;
	case SECTION_HOST:
		host_block_end(loader, &loader->hosts[loader->n_hosts - 1]);
		break;
	case SECTION_NOTIFY:
		notify_block_end(loader, &loader->notifies[loader->n_notifies - 1]);
		break;
	case SECTION_TOP:
		break;
	}
	loader->section = SECTION_TOP;
}

static enum option_section
section_of(const char *name)
{
	if (strcmp(name, "feed") == 0)
		return SECTION_FEED;
	if (strcmp(name, "host") == 0)
		return SECTION_HOST;
	return strcmp(name, "notify") == 0 ? SECTION_NOTIFY : SECTION_TOP;
}

/* Over the rest of a section that cannot be read. */
static void
skip_block(struct config_scan *scan)
{
	struct config_statement st;
	int depth = 1;

	while (depth > 0) {
		config_scan_next(scan, &st);
		depth += (st.kind == STATEMENT_OPEN) - (st.kind == STATEMENT_CLOSE);
		if (st.kind == STATEMENT_END)
			return;
	}
}

static void
load_open(struct config_loader *loader, struct config_scan *scan, const struct config_statement *st)
{
	enum option_section section = section_of(st->name);
	const char *error = NULL;

	if (section == SECTION_TOP) {
		loader_fault(loader, st->line, "unknown section \"%s\"", st->name);
		skip_block(scan);
		return;
	}
	if (loader->section != SECTION_TOP) {
		loader_fault(loader, st->line,
			"the section opened in line %d is not closed before this one",
			loader->section_line);
		close_block(loader);
	}
	char *title =
		arena_strndup(&loader->config->arena, st->title ? st->title : "", st->title_len);
	if (section == SECTION_FEED)
		open_feed(loader, title, st->line);
	else if (section == SECTION_HOST)
		open_host(loader, title, st->line);
	else
		open_notify(loader, title, st->line);
	loader->section = section;
	loader->section_line = st->line;
	if (!st->title)
		error = "a name is missing";
	else if (section != SECTION_HOST)
		error = check_name(title);
	else
		error = check_host(loader->hosts[loader->n_hosts - 1].host.host);
	if (error)
		loader_fault(loader, st->line, "%s \"%.80s\": %s", st->name, title, error);
}

static void
load_statements(struct config_loader *loader, char *text, size_t len)
{
	struct config_scan scan;
	struct config_statement st;

	config_scan_init(&scan, text, len);
	do {
		config_scan_next(&scan, &st);
		switch (st.kind) {
		case STATEMENT_SET:
			load_set(loader, &st);
			break;
		case STATEMENT_CALL:
			load_include(loader, &st);
			break;
		case STATEMENT_OPEN:
			load_open(loader, &scan, &st);
			break;
		case STATEMENT_CLOSE:
			if (loader->section == SECTION_TOP)
				loader_fault(loader, st.line, "} closes nothing");
			close_block(loader);
			break;
		case STATEMENT_BAD:
			loader_fault(loader, st.line, "%s", st.error);
			break;
		case STATEMENT_END:
			break;
		}
	} while (st.kind != STATEMENT_END);
	if (loader->section != SECTION_TOP)
		loader_fault(loader, loader->section_line, "this section is not closed by }");
	close_block(loader);
}

/* True, after a fault, if the file may not be read here. */
static bool
is_refused(struct config_loader *loader, const struct config_file *file, int line)
{
	for (size_t i = 0; i < loader->depth; i++) {
		if (loader->files[i].dev == file->dev && loader->files[i].ino == file->ino) {
			loader_fault(loader, line, "%s includes itself", file->path);
			return true;
		}
	}
	if (loader->depth == CONFIG_DEPTH_MAX) {
		loader_fault(
			loader, line, "files are included more than %d deep", CONFIG_DEPTH_MAX);
		return true;
	}
	if (++loader->n_files > CONFIG_FILES_MAX) {
		loader_fault(loader, line, "more than %d files are included", CONFIG_FILES_MAX);
		return true;
	}
	return false;
}

/* arg: the line of the include statement, or NULL for the first file. */
static void
load_file(struct config_loader *loader, const char *path, void *arg)
{
	struct config_file file = {.path = arena_strdup(&loader->config->arena, path)};
	int line = arg ? *(const int *)arg : 0;
	const char *error;
	size_t len;

	AUTO(freep) char *data = loader_read(path, CONFIG_FILE_MAX, &len, &file, &error);
	if (!data) {
		if (arg)
			loader_fault(loader, line, "%s: %s", path, error);
		else
			config_faults_add(loader->faults, path, 1, "%s", error);
		return;
	}
	if (is_refused(loader, &file, line))
		return;
	loader->files[loader->depth++] = file;
	char *text = data;
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (memchr(text, '\0', len))
		loader_fault(loader, 1, "this file holds NUL characters");
	else
		load_statements(loader, text, len);
	loader->depth--;
}

static void
loader_fini(struct config_loader *loader)
{
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (loader->parsers[i])
			cfg_free(loader->parsers[i]);
	free(loader->feeds);
	free(loader->hosts);
	free(loader->notifies);
	free(loader->subscriptions);
	free(loader->done);
}

static void
loader_init(struct config_loader *loader, struct config_faults *faults)
{
	static const enum option_section sections[] = {
		SECTION_TOP, SECTION_FEED, SECTION_HOST, SECTION_NOTIFY};

	*loader = (struct config_loader){
		.config = xcalloc(1, sizeof(struct config)), .faults = faults};
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		loader->parsers[sections[i]] = loader_parser(sections[i]);
	for (size_t i = 0; i < option_tables[SECTION_TOP].n; i++)
		option_reset(&option_tables[SECTION_TOP].options[i], loader->config,
			&loader->config->arena);
	for (size_t i = 0; i < option_tables[SECTION_SETTINGS].n; i++)
		option_reset(&option_tables[SECTION_SETTINGS].options[i], &loader->defaults,
			&loader->config->arena);
}

int
config_load_checked(const char *path, config_check_fn *check, struct config **ret_config,
	struct config_faults *faults)
{
	AUTO(loader_fini) struct config_loader loader;

	loader_init(&loader, faults);
	loader.config->path = arena_strdup(&loader.config->arena, path);
	load_file(&loader, path, NULL);
	loader_finish(&loader);
	if (check)
		check(loader.config, faults);
	if (faults->n > 0) {
		config_free(loader.config);
		return -EINVAL;
	}
	*ret_config = loader.config;
	return 0;
}

int
config_load(const char *path, struct config **ret_config, struct config_faults *faults)
{
	return config_load_checked(path, NULL, ret_config, faults);
}
