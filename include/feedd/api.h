/*
 * api.h - the socket: HTTP for scripts, on a thread of its own.
 *
 * Layer 4. libmicrohttpd on its own loop with its own read-only view. What only the loop knows or
 * may do is asked for with a struct api_command that travels to the loop and back.
 */
#ifndef FEEDD_API_H
#define FEEDD_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"
#include "feedd/queue.h"

struct api;
struct config;
struct store;

enum api_verb {
	API_STATUS,  /* body: members of the loop for /v1/status, as a JSON object */
	API_METRICS, /* body: the loop's part of /metrics, text, each line with its line feed */
	API_POLL,    /* name (NULL: all), force */
	API_RELOAD,  /* status 200, or 422 where the configuration has faults; body: {"faults":
			["FILE:LINE: message"], "warnings": […]} */
	API_RESUME,
	API_ACCEPT_MOVE,
	API_RELEASE, /* name */
	API_RETRY,   /* seq, 0: all */
	API_TEST,    /* name of a notifier */
	API_WHY, /* name of a feed: body: the loop's part (host gate, in flight) as a JSON object */
	API_NOTIFIERS, /* name of one (NULL: all): api_describe_notifiers() makes the body */
};

struct api_command {
	struct parcel parcel;
	enum api_verb verb;
	char *name; /* owned */
	bool force;
	int64_t seq;
	/* out */
	int status;	 /* HTTP status; 0 counts as 200 */
	struct buf body; /* JSON object (or text, API_METRICS); BUF_INIT was done; empty: "{}".
			    Where status is not 2xx: {"error": "a sentence"} */
	void *request;	 /* the api's own */
};

struct api_options {
	struct store *store;
	int unix_fd; /* listening socket; the api closes it, and unlinks unlink_path if it is not
			NULL */
	const char *unlink_path;
	int tcp_fd; /* of `listen`, or -1 */
	unsigned max_clients;
	struct queue *loop_home; /* the loop's home queue: commands go there, their `done` calls
				    `command` */
	void (*command)(void *arg,
		struct api_command *command); /* on the loop; ends in api_answer, now or later */
	void *arg;
};

/* Starts the thread. The sockets and what stands at `unlink_path` are the api's from now on: they
 * are closed and removed when it stops, or if it cannot start. Returns -errno. */
int api_start(struct api **ret_api, const struct api_options *options) MUST_USE;
/* Hands a command back with its answer. On the loop. */
void api_answer(struct api *api, struct api_command *command);
/* The log has grown: wakes live streams. On the loop; cheap. */
void api_wake(struct api *api);
/* API_NOTIFIERS: fills status (404 where there is none of that name) and body: what the notifiers
 * select. */
void api_describe_notifiers(const struct config *config, struct api_command *command);
/* Ends streams, answers nobody any more, joins, frees. Accepts NULL. To be called before
 * store_stop(). Commands that the loop still has are freed without a word when it answers them; the
 * api must not be used in any other way after this. */
void api_stop(struct api *api);

/* A listening Unix socket at path, mode 0660: -EADDRINUSE where a living daemon answers there, a
 * dead one's is taken over. */
int api_listen_unix(const char *path, int *ret_fd) MUST_USE;
/* A listening TCP socket at "address:port" ("[::1]:8470" for IPv6). -EINVAL where it cannot be
 * read. */
int api_listen_tcp(const char *address, int *ret_fd) MUST_USE;

#endif
