/* setup.c - see setup.h. Memory, and the filter's compilation. */
#include "setup.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/store.h"

#include "timing.h"

/* A digest of single calls would be none; a file is written in larger strides. */
#define DIGEST_BATCH 1000
#define FILE_BATCH 256
#define BATCH_MAX 10000

static struct string_list
copy_list(struct arena *arena, const struct string_list *from)
{
	struct string_list to = {arena_alloc(arena, (from->n + 1) * sizeof(char *)), from->n};

	for (size_t i = 0; i < from->n; i++)
		to.at[i] = arena_strdup(arena, from->at[i]);
	to.at[from->n] = NULL;
	return to;
}

static void
copy_config(struct setup *setup, const struct notify_config *from)
{
	struct arena *arena = &setup->arena;
	struct notify_config *to = &setup->config;

	*to = *from;
	to->name = arena_strdup(arena, from->name);
	to->exec = copy_list(arena, &from->exec);
	to->webhook = arena_strdup(arena, from->webhook);
	to->path = arena_strdup(arena, from->path);
	to->feeds = copy_list(arena, &from->feeds);
	to->events = copy_list(arena, &from->events);
	to->headers = copy_list(arena, &from->headers);
	to->where = arena_strdup(arena, from->where);
	to->secrets = copy_list(arena, &from->secrets);
	to->at = arena_strdup(arena, from->at);
	to->file = arena_strdup(arena, from->file);
}

static size_t
within(int64_t value, size_t least, size_t most)
{
	if (value < (int64_t)least)
		return least;
	return (uint64_t)value > most ? most : (size_t)value;
}

static void
derive(struct setup *setup)
{
	const struct notify_config *config = &setup->config;

	setup->digest_minute = config->at ? digest_parse(config->at) : -1;
	setup->batch = within(config->batch, 1, BATCH_MAX);
	setup->concurrency = within(config->concurrency, 1, 1000);
	if (setup->digest_minute >= 0 && setup->batch == 1)
		setup->batch = DIGEST_BATCH;
	setup->array = setup->batch > 1;
	if (config->kind == NOTIFY_FILE) {
		setup->batch = FILE_BATCH;
		setup->concurrency = 1;
		setup->digest_minute = -1;
	}
}

struct setup *
setup_new(const struct notify_config *config)
{
	struct setup *setup = xcalloc(1, sizeof(*setup));

	setup->refs = 1;
	copy_config(setup, config);
	derive(setup);
	setup->sink = (struct file_sink){.path = setup->config.path, .fd = -1};
	setup->argv = arena_zalloc(&setup->arena, (config->exec.n + 1) * sizeof(char *));
	for (size_t i = 0; i < config->exec.n; i++)
		setup->argv[i] = arena_strdup(&setup->arena, config->exec.at[i]);
	if (config->where)
		setup->filter = filter_new(config->where, &setup->fault);
	return setup;
}

struct setup *
setup_ref(struct setup *setup)
{
	setup->refs++;
	return setup;
}

void
setup_unref(struct setup *setup)
{
	if (!setup || --setup->refs > 0)
		return;
	file_close(&setup->sink);
	filter_free(setup->filter);
	free(setup->fault);
	arena_fini(&setup->arena);
	free(setup);
}

static bool
same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same_list(const struct string_list *a, const struct string_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

bool
setup_selects_same(const struct setup *a, const struct setup *b)
{
	return same_list(&a->config.feeds, &b->config.feeds) &&
		same_list(&a->config.events, &b->config.events) &&
		same_string(a->config.where, b->config.where) &&
		a->config.duplicates_suppress == b->config.duplicates_suppress;
}
