/*
 * config.h - feedd.conf(5) as data.
 *
 * Layer 1. The door to libConfuse. A struct config is immutable after config_load and shared by
 * reference; everything in it lives as long as it does. Durations are in seconds, sizes in bytes.
 */
#ifndef FEEDD_CONFIG_H
#define FEEDD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/feed.h"
#include "feedd/mem.h"

#define BACKLOG_ALL INT64_MAX

enum search_mode { SEARCH_TITLE, SEARCH_TEXT, SEARCH_OFF };

struct string_list {
	const char **at;
	size_t n;
};

/* How a feed is polled: the defaults of the top level, with what the feed's own block says put over
 * them. Feeds that say nothing share one. Strings that are NULL were not set. */
struct feed_settings {
	int64_t interval; /* seconds, 0 for "adaptive" */
	int64_t min_interval, max_interval;
	double weight;
	int64_t backlog;  /* newest N of the first fetch that are told; BACKLOG_ALL for all */
	int64_t keep;	  /* seconds that items are kept at least; 0 for ever */
	int64_t timeout;  /* seconds for a whole request */
	int64_t max_size; /* bytes, decoded */
	struct string_list headers; /* "Name: value" */
	const char *user_agent;	    /* never NULL */
	const char *proxy, *ca_file, *client_cert, *client_key;
	const char *http;		 /* "1.1", "2", or NULL: whatever is offered */
	const char *username, *password; /* also of user:password@ in the URL; a password alone is a
					    bearer token */
	const char *credential; /* name of a file in $CREDENTIALS_DIRECTORY, read at the load into
				   password */
	struct identity identity;
	bool enabled, private, tls_verify;
};

/* One feed. Small, since there may be a million of them. */
struct feed_config {
	const char *name, *url;		      /* url without user:password */
	const char *title;		      /* overrides the feed's own where set */
	const struct feed_settings *settings; /* never NULL; often shared */
	struct string_list tags;
	const char *file; /* where it was configured, for messages */
	int line;
};

struct host_config {
	const char *host; /* lower case; "*" for the default of all hosts */
	int64_t gap_ms;	  /* between starts of requests */
	int64_t connections;
	bool subdomains; /* also for all hosts below it */
	bool gate_feed;	 /* gate = "feed": 429 and Retry-After hold back only the feed */
};

enum notify_kind { NOTIFY_EXEC, NOTIFY_WEBHOOK, NOTIFY_FILE };

struct notify_config {
	const char *name;
	enum notify_kind kind;
	struct string_list exec;    /* NOTIFY_EXEC: argv */
	const char *webhook, *path; /* NOTIFY_WEBHOOK: URL; NOTIFY_FILE: absolute path */
	struct string_list feeds;   /* names, "tag:…", globs; empty: every feed */
	struct string_list events;  /* default {"item.new"} */
	struct string_list headers;
	const char *where;	    /* SQL expression or NULL */
	int64_t batch, batch_wait;  /* events; seconds */
	int64_t timeout, retry_for; /* seconds */
	int64_t retries;	    /* -1: no limit */
	int64_t concurrency;
	struct string_list secrets; /* webhook; one, or two while rotating */
	const char *credential; /* name of a file in $CREDENTIALS_DIRECTORY, read at the load into
				   secrets */
	const char *at;		/* "HH:MM" for a daily digest, or NULL */
	int64_t max_per_hour;	/* 0: no limit */
	bool duplicates_suppress;
	const char *file; /* where it was configured, for messages */
	int line;	  /* of the block */
	int where_line;	  /* of `where` */
};

struct config {
	struct arena arena;
	unsigned refs;					      /* config_ref(); the loop's alone */
	const char *path, *state_directory, *socket, *listen; /* listen: NULL or "address:port" */
	int64_t shutdown_timeout;
	double polls_per_feed_per_day, max_requests_per_hour;
	int64_t max_hint, max_retry_after, max_backoff;
	int64_t accept_moves_after; /* seconds; 0: never by itself */
	int64_t full_fetch_after;   /* 8 d; 0: never */
	int64_t forget;		    /* 400 d: seen keys not sighted for so long */
	int64_t keep_events;	    /* bounds what a dead consumer may hold back */
	int64_t rekeyed_timeout;    /* held items are released by themselves after it; 0: never */
	enum search_mode search;
	int log_level;			      /* syslog.h */
	int64_t max_polls;		      /* polls in flight, 64 */
	int64_t workers;		      /* 0: cores - 1, within 1 to 8 */
	int64_t max_clients;		      /* of the socket */
	int64_t max_items;		      /* of one document */
	const struct feed_settings *defaults; /* of the top level, never NULL */
	struct feed_config *feeds;	      /* sorted by name (strcmp) */
	struct host_config *hosts;
	struct notify_config *notifies;
	size_t n_feeds, n_hosts, n_notifies;
};

/* Faults of a configuration: "FILE:LINE: message" each. Zeroed = empty. */
struct config_faults {
	char **at;
	size_t n;
	char **warnings;
	size_t n_warnings;
};

/* Reads the file with its includes, OPML files and secrets. 0 and *ret_config (free with
 * config_free), or -EINVAL and every fault that was found. Warnings may come with either. `faults`
 * must be zeroed and is freed by config_faults_fini. */
int
config_load(const char *path, struct config **ret_config, struct config_faults *faults) MUST_USE;
/* The same, with a check of what this room cannot judge (filters), which runs over whatever could
 * be read, so that its faults are told together with the others. */
typedef void config_check_fn(const struct config *config, struct config_faults *faults);
int config_load_checked(const char *path, config_check_fn *check, struct config **ret_config,
	struct config_faults *faults) MUST_USE;
void config_free(struct config *config);
/* A configuration lives on until the last poll that began under it is home. Loop thread only.
 * config_unref accepts NULL. */
struct config *config_ref(struct config *config);
void config_unref(struct config *config);
void config_faults_fini(struct config_faults *faults);
void config_faults_add(struct config_faults *faults, const char *file, int line, const char *fmt,
	...) PRINTF_LIKE(4, 5);
/* The same for a warning, which refuses nothing. */
void config_faults_warn(struct config_faults *faults, const char *file, int line, const char *fmt,
	...) PRINTF_LIKE(4, 5);

/* The feed of that name, or NULL. O(log n). */
const struct feed_config *config_feed(const struct config *config, const char *name);
/* The host block that holds for a host: its own, else the longest one with subdomains, else "*",
 * else the built-in one. */
const struct host_config *config_host(const struct config *config, const char *host);
/* True if a notifier's `feeds` selects this feed. */
bool config_selects(
	const struct string_list *selectors, const char *feed, const struct string_list *tags);
/* Every option's name for the tests that compare manual and sample with the program:
 * "top.interval", "feed.url", … NULL-ended, in the arena. */
const char *const *config_option_names(struct arena *arena);

#endif
