/*
 * room.h - the daemon's parts, for the files of its room. Loop thread only.
 */
#ifndef DAEMON_ROOM_H
#define DAEMON_ROOM_H

#include <ev.h>

#include "feedd/api.h"
#include "feedd/config.h"
#include "feedd/daemon.h"
#include "feedd/http.h"
#include "feedd/notify.h"
#include "feedd/poll.h"
#include "feedd/queue.h"
#include "feedd/store.h"

struct waiting_answer;

/* On main's stack; passed by pointer, there is no global. Members in the order in which they start.
 */
struct daemon {
	struct daemon_options options;
	struct ev_loop *loop;
	struct queue home; /* parcels that come home to the loop */
	ev_async homecoming;
	struct config *config;
	struct store *store;
	struct pool *pool;
	struct http *http;
	struct notify *notify;
	struct poller *poller;
	struct api *api;
	ev_signal on_term, on_int, on_hup;
	ev_timer tidy_timer, stop_timer, watchdog, status, room;
	int unix_fd, tcp_fd;
	bool unix_is_ours; /* we bound it: we unlink it */
	bool ready, stopping, polls_home, hooks_home, tidying;
	bool reloading, reload_again;
	struct waiting_answer *waiting; /* clients that wait for the end of a reload */
	double started_at;
	enum daemon_exit exit;
};

/* daemon.c */
void daemon_news(void *arg); /* the log has grown */
void daemon_stop(struct daemon *daemon);
void daemon_apply(struct daemon *daemon, struct config *config,
	void (*applied)(struct daemon *daemon, int result));

/* reload.c: reads the configuration anew on a worker; a faulty one is refused whole. command: the
 * client that asked, or NULL. */
void reload_begin(struct daemon *daemon, struct api_command *command);

/* command.c: what the socket asks of the loop. */
void command_take(void *arg, struct api_command *command);

/* retention.c */
void retention_start(struct daemon *daemon);
void retention_stop(struct daemon *daemon);

/* service.c: the service manager. All do nothing where there is none. */
void service_ready(struct daemon *daemon);
void service_reloading(struct daemon *daemon);
void service_stopping(struct daemon *daemon);
void service_status(struct daemon *daemon);
/* More time to start, for a check of a large database. */
void service_extend(int64_t seconds);
void service_start_watchdog(struct daemon *daemon);
/* The listening socket that was passed in for `name`, or -1. */
int service_socket(const char *name);

#endif
