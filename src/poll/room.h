/*
 * room.h - the poller and its feeds. Private to the poll room; loop thread only.
 */
#ifndef POLL_ROOM_H
#define POLL_ROOM_H

#include <ev.h>

#include "feedd/offline.h"
#include "feedd/pace.h"
#include "journey.h"

/* A command that waits until no poll of its feed is in flight. */
struct waiting_command;

/* One feed while the daemon runs. There may be a million: everything else lies in the database. */
struct feed {
	struct heap_node due; /* key: monotonic milliseconds */
	struct pace_entry pace;
	const struct feed_config *config; /* NULL once it left the configuration */
	struct poll *poll;		  /* in flight, or NULL */
	struct waiting_command *commands;
	char *moved_host; /* the host that it is polled at since a move was accepted, or NULL */
	int64_t id, next_poll_at, retry_after_at;
	struct schedule_state schedule;
	uint32_t fails;
	uint32_t left_out; /* items behind max_items, as they were last told of */
	enum feed_health health;
	bool force; /* the next poll is unconditional */
	bool again; /* asked for while a poll was in flight: once more after it */
	bool asked; /* the next poll was asked for: it goes out though we seem to be offline */
	bool tried; /* --once: it had its turn */
	bool kept;  /* poller_configure: it is in the new configuration, too */
};

struct poller {
	struct poller_tools tools;
	struct config *config;
	struct feed **feeds; /* in the order of config->feeds */
	size_t n_feeds;
	struct heap due;
	struct pace *pace;
	struct offline offline;
	int64_t probe_at; /* while offline: when the next feed may try; monotonic milliseconds */
	ev_timer wake, solve;
	struct schedule_price price;
	double made;		      /* polls since the price was solved */
	size_t in_flight;	      /* polls and commands not home yet */
	struct poll *polls;	      /* those under way, also of feeds that left */
	struct http_allowance bodies; /* what those of all polls in flight may take together */
	size_t untried;		      /* --once: feeds that have not had their turn */
	bool stopping, had_failures, store_failing;
	struct poll_stats stats;
	unsigned short random[3];
};

/* poller.c: milliseconds of a clock that never goes back and counts suspended time; unix seconds.
 */
int64_t poller_mono_ms(void);
int64_t poller_now(void);
/* Something became due or free: starts what may start, and sets the timer for the rest. */
void poller_advance(struct poller *poller);
/* Puts a feed's next poll into the heap by its next_poll_at. */
void poller_schedule(struct poller *poller, struct feed *feed);
/* Milliseconds from now for one of n feeds that all became due at once: they are spread. */
int64_t poller_spread_ms(size_t n, int64_t id);
/* Takes note of where a feed really is polled. True if that is another host than was thought. */
bool poller_learn_host(struct feed *feed, const char *accepted_url);
/* Solves the price of a request over the feeds that are polled. */
void poller_solve_price(struct poller *poller);
/* A poll is home. */
void poller_home(struct poller *poller, struct feed *feed);
void poller_policy(const struct config *config, const struct feed_settings *settings,
	struct schedule_policy *ret_policy);
/* How requests to a host are paced: under which name (the host, or its site), and by what
 * settings. */
void poller_pace(const struct poller *poller, const char *host, struct arena *arena,
	const char **ret_key, struct pace_settings *ret_settings);
/* The same of the host that a feed is polled at. */
void poller_host(const struct poller *poller, const struct feed *feed, struct arena *arena,
	const char **ret_key, struct pace_settings *ret_settings);
/* -1 to 1. */
double poller_jitter(struct poller *poller);

/* configure.c: --once does not wait for hosts that asked to be left alone: their feeds have failed.
 */
void poller_give_up_held(struct poller *poller);
void feed_free(struct feed *feed);

/* journey.c: starts the journey of a feed that pace gave out. */
void journey_start(struct poller *poller, struct feed *feed);
void journey_cancel(struct poller *poller);

/* command.c */
void commands_run(struct poller *poller, struct feed *feed);
void commands_drop(struct feed *feed);

#endif
