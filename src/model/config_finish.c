/* config_finish.c - checks blocks and makes the configuration of them. May read credentials and
 * look whether files exist. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_loader.h"
#include "config_value.h"
#include "feedd/text.h"
#include "feedd/url.h"

#define CREDENTIAL_MAX ((size_t)64 << 10)

static uint64_t
settings_bit(const char *name)
{
	return UINT64_C(1) << (option_find(SECTION_SETTINGS, name) -
		       option_tables[SECTION_SETTINGS].options);
}

/* The content of a credential without the line end behind it; NULL after a fault. */
static char *
read_credential(struct config_loader *loader, const char *name, int line)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct arena *arena = &loader->config->arena;
	struct config_file file;
	const char *error;
	size_t len;

	if (!folder || !*folder) {
		loader_fault(loader, line, "credential: $CREDENTIALS_DIRECTORY is not set");
		return NULL;
	}
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	AUTO(freep) char *data = loader_read(path, CREDENTIAL_MAX, &len, &file, &error);
	if (!data) {
		loader_fault(loader, line, "credential: %s: %s", path, error);
		return NULL;
	}
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
		len--;
	if (len == 0 || !text_is_utf8(data, len)) {
		loader_fault(loader, line, "credential: %s is empty or not valid UTF-8", path);
		return NULL;
	}
	return arena_strndup(arena, data, len);
}

static void
check_feed_url(struct config_loader *loader, struct feed_block *block)
{
	struct arena *arena = &loader->config->arena;
	const char *name = block->feed.name;
	int line = block->url_line;
	char *user, *password;

	if (!block->feed.url) {
		loader_fault(loader, block->feed.line, "feed \"%.128s\" has no url", name);
		return;
	}
	if (url_file_path(arena, block->feed.url))
		return;
	/* the address itself is not repeated: it may hold a password */
	if (strlen(block->feed.url) >= URL_MAX ||
		block->feed.url[strcspn(block->feed.url, " \t\r\n")] != '\0' ||
		!url_is_http(block->feed.url)) {
		loader_fault(loader, line,
			"feed \"%.128s\": url: an address with http, https or file is needed, or "
			"an "
			"absolute path",
			name);
		return;
	}
	block->feed.url = url_split_userinfo(arena, block->feed.url, &user, &password);
	if (!block->feed.url) {
		loader_fault(loader, line, "feed \"%.128s\": url: this is no address", name);
		return;
	}
	if (!user && !password)
		return;
	if (block->set & (settings_bit("username") | settings_bit("password"))) {
		loader_fault(loader, line,
			"feed \"%.128s\": username and password stand in url and beside it", name);
		return;
	}
	block->own.settings.username = user;
	block->own.settings.password = password;
	block->set |= settings_bit("username");
	block->set |= password ? settings_bit("password") : 0;
}

void
feed_block_end(struct config_loader *loader, struct feed_block *block)
{
	struct feed_settings *own = &block->own.settings;
	int line = block->feed.line;

	check_feed_url(loader, block);
	if (own->credential && (block->set & settings_bit("password")))
		loader_fault(loader, line, "feed \"%.128s\" has a password and a credential",
			block->feed.name);
	else if (own->credential) {
		own->password = read_credential(loader, own->credential, line);
		block->set |= settings_bit("password");
	}
	if (own->client_key && !own->client_cert)
		loader_fault(loader, line, "feed \"%.128s\" has a client_key without a client_cert",
			block->feed.name);
}

void
host_block_end(struct config_loader *loader, struct host_block *block)
{
	if (strcmp(block->host.host, "*") == 0 && block->host.subdomains)
		config_faults_warn(loader->faults, block->file, block->line,
			"host \"*\" holds for all hosts, also without subdomains");
}

/* What does not exist yet may come: a warning. */
static void
warn_missing(struct config_loader *loader, const struct notify_config *notify)
{
	const char *path = notify->path ? notify->path
		: notify->exec.n > 0	? notify->exec.at[0]
					: NULL;

	if (!path || path[0] != '/')
		return;
	if (!notify->path) {
		if (access(path, X_OK) < 0)
			config_faults_warn(loader->faults, notify->file, notify->line,
				"notify \"%s\": %s: %s", notify->name, path, strerror(errno));
		return;
	}
	size_t len = (size_t)(strrchr(path, '/') - path);
	const char *folder = arena_strndup(&loader->config->arena, path, len > 0 ? len : 1);
	if (access(folder, F_OK) < 0)
		config_faults_warn(loader->faults, notify->file, notify->line,
			"notify \"%s\": %s: %s", notify->name, folder, strerror(errno));
}

/* The lines of a credential are secrets: one, or two while rotating. */
static void
read_secrets(struct config_loader *loader, struct notify_block *block)
{
	struct arena *arena = &loader->config->arena;
	const char *name = block->notify.credential;
	char *text = read_credential(loader, name, block->credential_line);
	char *rest = NULL;
	const char **at = arena_zalloc(arena, 3 * sizeof(*at));
	size_t n = 0;

	if (!text)
		return;
	for (char *line = strtok_r(text, "\r\n", &rest); line;
		line = strtok_r(NULL, "\r\n", &rest)) {
		const char *error = n < 2 ? check_secret(line) : "at most two secrets can be given";
		if (error) {
			loader_fault(
				loader, block->credential_line, "credential: %s: %s", name, error);
			return;
		}
		at[n++] = line;
	}
	block->notify.secrets = (struct string_list){at, n};
}

static void
check_kind(struct config_loader *loader, struct notify_block *block)
{
	struct notify_config *notify = &block->notify;
	int kinds = (notify->exec.n > 0) + (notify->webhook != NULL) + (notify->path != NULL);

	if (kinds != 1)
		loader_fault(loader, notify->line,
			"notify \"%.128s\" needs exactly one of exec, webhook and file",
			notify->name);
	if (notify->exec.n > 0 && notify->exec.at[0][0] != '/')
		loader_fault(loader, block->exec_line,
			"notify \"%.128s\": exec: the first word must be an absolute path",
			notify->name);
	notify->kind = notify->webhook ? NOTIFY_WEBHOOK : notify->path ? NOTIFY_FILE : NOTIFY_EXEC;
	if (notify->webhook)
		return;
	if (notify->secrets.n > 0 || notify->credential || notify->headers.n > 0)
		loader_fault(loader, notify->line,
			"notify \"%.128s\": secret, credential and headers are for a webhook",
			notify->name);
}

void
notify_block_end(struct config_loader *loader, struct notify_block *block)
{
	struct notify_config *notify = &block->notify;

	check_kind(loader, block);
	if (notify->secrets.n > 2)
		loader_fault(loader, notify->line,
			"notify \"%.128s\": at most two secrets can be given", notify->name);
	if (notify->credential && notify->secrets.n > 0)
		loader_fault(loader, notify->line,
			"notify \"%.128s\" has a secret and a credential", notify->name);
	else if (notify->credential)
		read_secrets(loader, block);
	if (notify->events.n == 0)
		loader_fault(
			loader, notify->line, "notify \"%.128s\": events is empty", notify->name);
	warn_missing(loader, notify);
}

static void
check_settings(struct config_loader *loader, const struct feed_settings *settings, const char *file,
	int line)
{
	if (settings->interval > 0 && settings->interval < settings->min_interval)
		config_faults_add(loader->faults, file, line,
			"interval %lld s is below min_interval %lld s",
			(long long)settings->interval, (long long)settings->min_interval);
	if (settings->min_interval > settings->max_interval)
		config_faults_add(loader->faults, file, line,
			"min_interval %lld s is above max_interval %lld s",
			(long long)settings->min_interval, (long long)settings->max_interval);
	if (settings->weight <= 0)
		config_faults_add(loader->faults, file, line, "weight must be more than 0");
}

struct feed_config *
loader_add_feed(struct config_loader *loader)
{
	loader->done = loader_grow(loader->done, loader->n_done, sizeof(*loader->done));
	return &loader->done[loader->n_done++];
}

/* The feed of a block, with what it says put over the defaults. */
static void
finish_feed(struct config_loader *loader, const struct feed_block *block)
{
	const struct option_table *table = &option_tables[SECTION_SETTINGS];
	struct feed_config *feed = loader_add_feed(loader);
	uint64_t tags = settings_bit("tags");

	*feed = block->feed;
	feed->settings = loader->shared;
	feed->tags = block->set & tags ? block->own.tags : loader->defaults.tags;
	if ((block->set & ~tags) == 0)
		return;
	struct settings_block merged = loader->defaults;
	for (size_t i = 0; i < table->n; i++)
		if (block->set >> i & 1)
			option_copy(&table->options[i], &merged, &block->own);
	if (block->interval_line > 0 || (block->set & settings_bit("weight")))
		check_settings(loader, &merged.settings, feed->file,
			block->interval_line > 0 ? block->interval_line : feed->line);
	struct feed_settings *settings = arena_alloc(&loader->config->arena, sizeof(*settings));
	*settings = merged.settings;
	feed->settings = settings;
}

static int
compare_feeds(const void *a, const void *b)
{
	const struct feed_config *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return (x->line > y->line) - (x->line < y->line);
}

static void
finish_feeds(struct config_loader *loader)
{
	struct feed_settings *shared = arena_alloc(&loader->config->arena, sizeof(*shared));

	*shared = loader->defaults.settings;
	loader->shared = shared;
	loader->config->defaults = shared;
	check_settings(loader, shared,
		loader->interval_file ? loader->interval_file : loader->config->path,
		loader->interval_file ? loader->interval_line : 1);
	for (size_t i = 0; i < loader->n_feeds; i++)
		finish_feed(loader, &loader->feeds[i]);
	if (loader->n_done > 0)
		qsort(loader->done, loader->n_done, sizeof(*loader->done), compare_feeds);
	for (size_t i = 1; i < loader->n_done; i++) {
		const struct feed_config *one = &loader->done[i - 1], *two = &loader->done[i];
		if (strcmp(one->name, two->name) == 0)
			config_faults_add(loader->faults, two->file, two->line,
				"feed \"%.128s\" is configured in %s:%d already", two->name,
				one->file, one->line);
	}
}

static int
compare_hosts(const void *a, const void *b)
{
	const struct host_block *x = a, *y = b;
	int order = strcmp(x->host.host, y->host.host);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static void
finish_hosts(struct config_loader *loader)
{
	const struct option_table *table = &option_tables[SECTION_HOST];
	struct config *config = loader->config;
	struct host_config built_in = {.host = "*"};
	size_t n = loader->n_hosts;

	for (size_t i = 0; i < table->n; i++)
		option_reset(&table->options[i], &built_in, &config->arena);
	if (n > 0)
		qsort(loader->hosts, n, sizeof(*loader->hosts), compare_hosts);
	config->hosts = arena_alloc(&config->arena, (n + 1) * sizeof(*config->hosts));
	for (size_t i = 0; i < n; i++) {
		struct host_block *block = &loader->hosts[i];
		if (i > 0 && strcmp(block->host.host, block[-1].host.host) == 0)
			config_faults_add(loader->faults, block->file, block->line,
				"host \"%.128s\" is configured in %s:%d already", block->host.host,
				block[-1].file, block[-1].line);
		struct host_config host = built_in;
		host.host = block->host.host;
		for (size_t bit = 0; bit < table->n; bit++)
			if (block->set >> bit & 1)
				option_copy(&table->options[bit], &host, &block->host);
		config->hosts[i] = host;
		/* "*" sorts before all names: what it says is the default of those behind it */
		if (strcmp(host.host, "*") == 0)
			built_in = host;
	}
	built_in.host = "*";
	if (n == 0 || strcmp(config->hosts[0].host, "*") != 0) {
		memmove(config->hosts + 1, config->hosts, n * sizeof(*config->hosts));
		config->hosts[0] = built_in;
		n++;
	}
	config->n_hosts = n;
}

static int
compare_notifies(const void *a, const void *b)
{
	const struct notify_block *x = a, *y = b;
	int order = strcmp(x->notify.name, y->notify.name);

	return order != 0 ? order
			  : (x->notify.line > y->notify.line) - (x->notify.line < y->notify.line);
}

/* A name that no feed has is most likely a slip of the pen, but the feed may also just have left.
 */
static void
warn_selectors(struct config_loader *loader, const struct notify_config *notify)
{
	for (size_t i = 0; i < notify->feeds.n; i++) {
		const char *name = notify->feeds.at[i];
		if (strncmp(name, "tag:", 4) != 0 && !strpbrk(name, "*?[") &&
			!config_feed(loader->config, name))
			config_faults_warn(loader->faults, notify->file, notify->line,
				"notify \"%s\": there is no feed \"%s\"", notify->name, name);
	}
}

static void
finish_notifies(struct config_loader *loader)
{
	struct config *config = loader->config;
	size_t n = loader->n_notifies;

	if (n > 0)
		qsort(loader->notifies, n, sizeof(*loader->notifies), compare_notifies);
	config->notifies = arena_alloc(&config->arena, (n + 1) * sizeof(*config->notifies));
	config->n_notifies = n;
	for (size_t i = 0; i < n; i++) {
		const struct notify_config *notify = &loader->notifies[i].notify;
		config->notifies[i] = *notify;
		warn_selectors(loader, notify);
		if (i == 0 || strcmp(notify->name, config->notifies[i - 1].name) != 0)
			continue;
		config_faults_add(loader->faults, notify->file, notify->line,
			"notify \"%.128s\" is configured in %s:%d already", notify->name,
			config->notifies[i - 1].file, config->notifies[i - 1].line);
	}
}

static void
finish_top(struct config_loader *loader)
{
	struct config *config = loader->config;
	const char *state = getenv("STATE_DIRECTORY");

	if (!config->state_directory && state && state[0] == '/')
		config->state_directory = arena_strndup(&config->arena, state, strcspn(state, ":"));
	if (!config->state_directory)
		config->state_directory = "/var/lib/feedd";
	if (config->polls_per_feed_per_day <= 0)
		config_faults_add(loader->faults, config->path, 1,
			"polls_per_feed_per_day must be more than 0");
	if (config->listen && !listen_is_loopback(config->listen))
		config_faults_warn(loader->faults, config->path, 1,
			"listen: %s can be reached from other machines, and asks for no password",
			config->listen);
}

void
loader_finish(struct config_loader *loader)
{
	struct config *config = loader->config;

	finish_top(loader);
	finish_hosts(loader);
	finish_feeds(loader);
	loader_subscriptions(loader);
	size_t size = loader->n_done * sizeof(*config->feeds);
	config->feeds = arena_alloc(&config->arena, size + 1);
	config->n_feeds = loader->n_done;
	if (size > 0) {
		memcpy(config->feeds, loader->done, size);
		qsort(config->feeds, config->n_feeds, sizeof(*config->feeds), compare_feeds);
	}
	finish_notifies(loader);
}
