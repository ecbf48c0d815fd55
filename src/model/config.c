/* config.c - the finished configuration: lookups, and the list of faults on the way to it. Pure;
 * see config.h. */
#include "feedd/config.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"

/* So many faults are kept; a file of another kind would make one in every line. */
#define FAULTS_MAX 1000

void
config_free(struct config *config)
{
	if (!config)
		return;
	arena_fini(&config->arena);
	free(config);
}

static void
free_list(char **at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(at[i]);
	free(at);
}

void
config_faults_fini(struct config_faults *faults)
{
	free_list(faults->at, faults->n);
	free_list(faults->warnings, faults->n_warnings);
	*faults = (struct config_faults){0};
}

static void
add_line(char ***at, size_t *n, const char *file, int line, const char *fmt, va_list ap)
{
	char message[1024];

	if (*n > FAULTS_MAX)
		return;
	vsnprintf(message, sizeof(message), *n == FAULTS_MAX ? "there are more" : fmt, ap);
	*at = xrealloc(*at, *n + 1, sizeof(**at));
	(*at)[(*n)++] = xasprintf("%s:%d: %s", file, line, message);
}

void
config_faults_add(struct config_faults *faults, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&faults->at, &faults->n, file, line, fmt, ap);
	va_end(ap);
}

void
config_faults_warn(struct config_faults *faults, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&faults->warnings, &faults->n_warnings, file, line, fmt, ap);
	va_end(ap);
}

static int
compare_feed(const void *key, const void *element)
{
	return strcmp(key, ((const struct feed_config *)element)->name);
}

const struct feed_config *
config_feed(const struct config *config, const char *name)
{
	if (config->n_feeds == 0)
		return NULL;
	return bsearch(name, config->feeds, config->n_feeds, sizeof(*config->feeds), compare_feed);
}

static int
compare_host(const void *key, const void *element)
{
	return strcmp(key, ((const struct host_config *)element)->host);
}

static const struct host_config *
find_host(const struct config *config, const char *host)
{
	return bsearch(host, config->hosts, config->n_hosts, sizeof(*config->hosts), compare_host);
}

const struct host_config *
config_host(const struct config *config, const char *host)
{
	const struct host_config *found = find_host(config, host);
	const char *dot = strchr(host, '.');

	for (; !found && dot; dot = strchr(dot + 1, '.')) {
		found = find_host(config, dot + 1);
		if (found && !found->subdomains)
			found = NULL;
	}
	return found ? found : find_host(config, "*");
}

bool
config_selects(
	const struct string_list *selectors, const char *feed, const struct string_list *tags)
{
	if (selectors->n == 0)
		return true;
	for (size_t i = 0; i < selectors->n; i++) {
		const char *selector = selectors->at[i];
		if (strncmp(selector, "tag:", 4) != 0) {
			if (fnmatch(selector, feed, 0) == 0)
				return true;
			continue;
		}
		for (size_t j = 0; j < tags->n; j++)
			if (strcmp(selector + 4, tags->at[j]) == 0 ||
				fnmatch(selector + 4, tags->at[j], 0) == 0)
				return true;
	}
	return false;
}

const char *const *
config_option_names(struct arena *arena)
{
	static const char *const prefixes[N_SECTIONS] = {[SECTION_TOP] = "top",
		[SECTION_SETTINGS] = "feed",
		[SECTION_FEED] = "feed",
		[SECTION_HOST] = "host",
		[SECTION_NOTIFY] = "notify"};
	size_t n = 2, total = 2;

	for (size_t s = 0; s < N_SECTIONS; s++)
		total += option_tables[s].n;
	const char **names = arena_alloc(arena, (total + 1) * sizeof(*names));
	names[0] = "top.include";
	names[1] = "top.subscriptions";
	for (size_t s = 0; s < N_SECTIONS; s++)
		for (size_t i = 0; i < option_tables[s].n; i++)
			names[n++] = arena_printf(
				arena, "%s.%s", prefixes[s], option_tables[s].options[i].name);
	names[n] = NULL;
	return names;
}
