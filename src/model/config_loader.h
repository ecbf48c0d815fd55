/*
 * config_loader.h - a configuration on its way from files to struct config.
 *
 * Private to the configuration. config_load.c reads files into blocks by way of config_parser.c,
 * config_finish.c makes the configuration of them, and config_opml.c adds the feeds of subscription
 * lists. Everything that is to stay is in the configuration's arena.
 */
#ifndef FEEDD_CONFIG_LOADER_H
#define FEEDD_CONFIG_LOADER_H

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config_table.h"
#include "feedd/config.h"

#define CONFIG_DEPTH_MAX 16
#define CONFIG_FILE_MAX ((size_t)64 << 20)
#define CONFIG_FILES_MAX 100000

struct feed_block {
	struct feed_config feed;
	struct settings_block
		own; /* valid where `set` has the bit of the option's place in its table */
	uint64_t set;
	int url_line;
	int interval_line; /* of interval, min_interval or max_interval, for the comparison of them
			    */
};

struct host_block {
	struct host_config host;
	uint64_t set;
	const char *file;
	int line;
};

struct notify_block {
	struct notify_config notify;
	int credential_line, exec_line;
};

/* A file that is being read. */
struct config_file {
	const char *path; /* as messages name it; in the arena */
	dev_t dev;
	ino_t ino;
	bool world_readable; /* and that was not complained of yet */
};

struct subscription {
	const char *pattern; /* absolute or relative to the working directory */
	const char *file;
	int line;
};

struct config_loader {
	struct config *config;
	struct config_faults *faults;
	struct settings_block defaults;
	const char *interval_file; /* where the top level sets interval, min_interval or
				      max_interval last */
	int interval_line;
	struct feed_block *feeds;
	struct host_block *hosts;
	struct notify_block *notifies;
	struct subscription *subscriptions;
	size_t n_feeds, n_hosts, n_notifies, n_subscriptions;
	struct feed_config *done; /* feeds that are complete */
	size_t n_done;
	const struct feed_settings *shared; /* the defaults, as feeds that say nothing share them */
	struct config_file files[CONFIG_DEPTH_MAX];
	size_t depth, n_files;
	enum option_section section; /* that is open; SECTION_TOP for none */
	int section_line;
	cfg_t *parsers[N_SECTIONS];
	char error[256];  /* libConfuse's last */
	char **arguments; /* of include() */
	size_t n_arguments;
};

/* A fault in the file that is being read. */
void loader_fault(struct config_loader *loader, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* To be called where a secret was read: a fault if everybody may read the file, once a file. */
void loader_secret(struct config_loader *loader, int line);
/* config_parser.c: what libConfuse reads the statements of a section with; for cfg_free(). */
cfg_t *loader_parser(enum option_section section) MUST_USE;
/* Lets libConfuse read one statement, into the parser of the section that is open. 0, or -EINVAL
 * after a fault. */
struct config_statement;
int loader_parse(struct config_loader *loader, const struct config_statement *st) MUST_USE;
/* A whole regular file of at most max bytes, NUL-terminated, malloc'd; NULL and *ret_error (static
 * or of strerror) if not. mode and identity of the file go to *ret_file. */
char *loader_read(const char *path, size_t max, size_t *ret_len, struct config_file *ret_file,
	const char **ret_error) MUST_USE;
/* The paths that a pattern stands for, sorted, relative to the folder of a file; called for each.
 * No call for none; a path without wildcards is always called for. */
typedef void loader_path_fn(struct config_loader *loader, const char *path, void *arg);
void loader_glob(struct config_loader *loader, const char *file, const char *pattern,
	loader_path_fn *fn, void *arg);
/* Makes room for one more element of a vector that grows by doubling. */
void *loader_grow(void *at, size_t n, size_t size);

/* Ends a block: what can be said of it alone. */
void feed_block_end(struct config_loader *loader, struct feed_block *block);
void host_block_end(struct config_loader *loader, struct host_block *block);
void notify_block_end(struct config_loader *loader, struct notify_block *block);
/* After the last file: defaults into feeds, names compared, tables sorted. */
void loader_finish(struct config_loader *loader);
/* Adds a feed to those that are complete. */
struct feed_config *loader_add_feed(struct config_loader *loader);
/* Adds the feeds of all subscription lists to those of the configuration, which are complete by
 * now. */
void loader_subscriptions(struct config_loader *loader);

#endif
