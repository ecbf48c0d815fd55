/* config_opml.c - takes the feeds of subscription lists into a configuration. May read files. */
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"
#include "feedd/opml.h"
#include "feedd/url.h"

#define OPML_FILE_MAX ((size_t)256 << 20)

/* Feeds by name or by address: open addressing over their places in loader->done, at most half
 * full. */
struct feed_index {
	uint32_t *slots; /* place + 1, 0 for none */
	size_t mask;
	bool by_name;
};

struct lists {
	struct config_loader *loader;
	struct feed_index names, urls;
	const struct subscription *from;
	uint64_t last_tags; /* hash of the tags that were copied last */
	struct string_list tags;
};

static const char *
index_key(const struct feed_index *index, const struct feed_config *feed)
{
	return index->by_name ? feed->name : feed->url;
}

/* The slot of that key, empty where there is none. */
static uint32_t *
index_find(const struct feed_index *index, const struct config_loader *loader, const char *key)
{
	size_t i = (size_t)hash64_str(0, key) & index->mask;

	while (index->slots[i] &&
		strcmp(index_key(index, &loader->done[index->slots[i] - 1]), key) != 0)
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

/* Makes room for n more feeds, and takes in those that came since. */
static void
index_reserve(struct feed_index *index, const struct config_loader *loader, size_t n)
{
	size_t want = (loader->n_done + n + 32) * 2;

	if (index->slots && index->mask >= want)
		return;
	free(index->slots);
	for (index->mask = 63; index->mask < want;)
		index->mask = index->mask * 2 + 1;
	index->slots = xcalloc(index->mask + 1, sizeof(*index->slots));
	for (size_t i = 0; i < loader->n_done; i++)
		*index_find(index, loader, index_key(index, &loader->done[i])) = (uint32_t)(i + 1);
}

static uint64_t
hash_tags(const struct opml_feed *feed)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < feed->n_tags; i++)
		hash = hash64_str(hash, feed->tags[i]);
	return hash;
}

static bool
same_tags(const struct string_list *tags, const struct opml_feed *feed)
{
	if (tags->n != feed->n_tags)
		return false;
	for (size_t i = 0; i < tags->n; i++)
		if (strcmp(tags->at[i], feed->tags[i]) != 0)
			return false;
	return true;
}

/* Feeds of one folder stand together and share the copy of its tags. */
static struct string_list
copy_tags(struct lists *lists, const struct opml_feed *feed)
{
	struct arena *arena = &lists->loader->config->arena;
	uint64_t hash = hash_tags(feed);

	if (feed->n_tags == 0)
		return lists->loader->defaults.tags;
	if (hash == lists->last_tags && same_tags(&lists->tags, feed))
		return lists->tags;
	const char **at = arena_alloc(arena, (feed->n_tags + 1) * sizeof(*at));
	for (size_t i = 0; i < feed->n_tags; i++)
		at[i] = arena_strdup(arena, feed->tags[i]);
	at[feed->n_tags] = NULL;
	lists->last_tags = hash;
	lists->tags = (struct string_list){at, feed->n_tags};
	return lists->tags;
}

/* The defaults with the user and password of an address. */
static const struct feed_settings *
settings_with(struct lists *lists, const char *user, const char *password)
{
	struct feed_settings *settings =
		arena_alloc(&lists->loader->config->arena, sizeof(*settings));

	*settings = *lists->loader->shared;
	settings->username = user;
	settings->password = password;
	return settings;
}

static const char *
free_name(struct lists *lists, const struct opml_feed *feed)
{
	struct arena *arena = &lists->loader->config->arena;
	uint64_t hash = hash64_str(0, feed->url);

	if (*index_find(&lists->names, lists->loader, feed->name) == 0)
		return arena_strdup(arena, feed->name);
	for (;; hash++) {
		const char *name =
			arena_printf(arena, "%.90s-%06x", feed->name, (unsigned)(hash & 0xffffff));
		if (*index_find(&lists->names, lists->loader, name) == 0)
			return name;
	}
}

static void
take_feed(struct lists *lists, const struct opml_feed *feed, const char *path)
{
	struct config_loader *loader = lists->loader;
	struct arena *arena = &loader->config->arena;
	const struct feed_settings *settings = loader->shared;
	char *user = NULL, *password = NULL;
	const char *url;

	if (!memchr(feed->url, '@', strlen(feed->url)))
		url = arena_strdup(arena, feed->url);
	else
		url = url_split_userinfo(arena, feed->url, &user, &password);
	if (!url)
		return;
	if (user || password)
		settings = settings_with(lists, user, password);
	uint32_t *slot = index_find(&lists->urls, loader, url);
	if (*slot > 0)
		return; /* a block of the configuration, or an earlier list, says more */
	const char *name = free_name(lists, feed);
	*loader_add_feed(loader) = (struct feed_config){.name = name,
		.url = url,
		.title = arena_strdup(arena, feed->title),
		.settings = settings,
		.tags = copy_tags(lists, feed),
		.file = path,
		.line = feed->line};
	*slot = (uint32_t)loader->n_done;
	*index_find(&lists->names, loader, name) = (uint32_t)loader->n_done;
}

/* A password in a list that everybody may read. */
static void
check_secrets(struct lists *lists, const struct opml *opml, const char *path)
{
	for (size_t i = 0; i < opml->n_feeds; i++) {
		const char *at = strchr(opml->feeds[i].url, '@');
		if (!at ||
			strcspn(opml->feeds[i].url + 8, "/?#") + 8 <
				(size_t)(at - opml->feeds[i].url))
			continue;
		config_faults_add(lists->loader->faults, path, opml->feeds[i].line,
			"everybody can read this file and it holds a password: chmod o-r it");
		return;
	}
}

static void
take_list(struct config_loader *loader, const char *path, void *arg)
{
	struct lists *lists = arg;
	AUTO(arena_fini) struct arena scratch = {0};
	struct config_file file;
	struct opml opml;
	const char *error;
	size_t len;
	int line;

	AUTO(freep) char *data = loader_read(path, OPML_FILE_MAX, &len, &file, &error);
	if (!data) {
		config_faults_add(loader->faults, lists->from->file, lists->from->line,
			"subscriptions: %s: %s", path, error);
		return;
	}
	if (opml_read(data, len, &scratch, &opml, &error, &line) < 0) {
		config_faults_add(loader->faults, path, line, "%s", error);
		return;
	}
	if (opml.n_skipped > 0)
		config_faults_warn(loader->faults, path, 1,
			"%zu outlines are left out: their addresses are neither http nor https",
			opml.n_skipped);
	if (file.world_readable)
		check_secrets(lists, &opml, path);
	index_reserve(&lists->names, loader, opml.n_feeds);
	index_reserve(&lists->urls, loader, opml.n_feeds);
	path = arena_strdup(&loader->config->arena, path);
	for (size_t i = 0; i < opml.n_feeds; i++)
		take_feed(lists, &opml.feeds[i], path);
}

void
loader_subscriptions(struct config_loader *loader)
{
	struct lists lists = {.loader = loader};

	lists.names.by_name = true;
	for (size_t i = 0; i < loader->n_subscriptions; i++) {
		lists.from = &loader->subscriptions[i];
		loader_glob(loader, lists.from->file, lists.from->pattern, take_list, &lists);
	}
	free(lists.names.slots);
	free(lists.urls.slots);
}
