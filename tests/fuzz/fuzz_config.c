/*
 * fuzz_config.c - any bytes as feedd.conf(5).
 *
 * Oracle: a configuration or at least one fault, never both; each fault is one line with FILE:LINE;
 * what is accepted keeps the promises of config.h, and is accepted again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feedd/config.h"
#include "feedd/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int condition)
{
	if (!condition)
		abort();
}

static void
check_fault(const char *fault, const char *path)
{
	size_t len = strlen(path);
	char *end;

	require(strncmp(fault, "/", 1) == 0);
	const char *line = strncmp(fault, path, len) == 0 ? fault + len : strstr(fault, ":");
	require(line && *line == ':');
	require(strtol(line + 1, &end, 10) > 0 && strncmp(end, ": ", 2) == 0);
}

static void
check_config(const struct config *config)
{
	require(config->state_directory[0] == '/' && config->socket[0] == '/');
	require(config->n_hosts > 0 && config_host(config, "example.org") != NULL);
	for (size_t i = 0; i < config->n_feeds; i++) {
		const struct feed_config *feed = &config->feeds[i];
		const struct feed_settings *settings = feed->settings;
		require(config_feed(config, feed->name) == feed);
		require(feed->url && feed->line > 0 && settings->user_agent);
		require(text_is_utf8(feed->url, strlen(feed->url)));
		require(settings->interval == 0 || settings->interval >= settings->min_interval);
		require(settings->min_interval <= settings->max_interval && settings->weight > 0);
		require(settings->max_size > 0 && settings->timeout > 0);
	}
	for (size_t i = 0; i < config->n_notifies; i++) {
		const struct notify_config *notify = &config->notifies[i];
		require((notify->exec.n > 0) + (notify->webhook != NULL) + (notify->path != NULL) ==
			1);
		require(notify->kind != NOTIFY_EXEC || notify->exec.at[0][0] == '/');
		require(notify->events.n > 0 && notify->batch > 0 && notify->concurrency > 0);
	}
}

static int
load_once(const char *path)
{
	struct config_faults faults = {0};
	struct config *config = NULL;
	int rc = config_load(path, &config, &faults);

	require((rc == 0) == (faults.n == 0) && (rc == 0) == (config != NULL));
	for (size_t i = 0; i < faults.n; i++)
		check_fault(faults.at[i], path);
	if (config)
		check_config(config);
	config_free(config);
	config_faults_fini(&faults);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[64];

	if (fd < 0)
		fd = memfd_create("feedd.conf", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	/* A file of its own name: an include of "*" finds descriptors, which are no regular files
	 * or are refused. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(load_once(path) == load_once(path));
	return 0;
}
