/*
 * server.h - what the files of the room share: the server, a request, how to answer one.
 *
 * Private to the room. Everything here belongs to the api thread, but for what is said to cross.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <ev.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "feedd/api.h"
#include "feedd/config.h"
#include "feedd/store.h"
#include "query.h"

/* A client that does nothing for so long is shown out; MHD spares suspended ones. */
#define CLIENT_IDLE_S 60
/* But sooner while every place is taken. */
#define IDLE_ENOUGH_S 1.0
/* Bodies of requests are read and thrown away up to here. */
#define UPLOAD_MAX 65536
/* What a connection may use: the request line, the headers, the block that is being written. */
#define CONNECTION_MEMORY (96 * 1024)
/* Live streams get a sign of life so often. */
#define BEAT_S 15.0
/* A refill of a stream stops at so many bytes, one event later. */
#define STREAM_BATCH (64 * 1024)
/* Longer events are sent in slices of this, and read anew for each: what a stream holds is bounded.
 */
#define STREAM_SLICE (960 * 1024)
/* A page of items ends here, at least one item later. */
#define PAGE_BYTES (4 * 1024 * 1024)
#define PAGE_ITEMS 10000
/* Items that a view gives in one call at most. */
#define VIEW_ITEMS_MAX 1000

struct client;
struct request;
struct stream;

struct api_socket {
	struct api *api;
	struct MHD_Daemon *daemon; /* NULL: this socket is not there */
	struct ev_io io;
	bool tcp;
};

struct api {
	struct api_options options;
	char *unlink_path;
	struct stat unlink_as; /* what stood there at the start */
	pthread_t thread;
	struct view *view;
	struct ev_loop *loop;
	struct ev_async woken; /* the log grew, a parcel is home, or it is time to stop */
	struct ev_prepare prepare;
	struct ev_timer due; /* MHD's next timeout */
	struct ev_timer beat;
	struct ev_timer crowded;      /* runs while every place is taken */
	struct api_socket sockets[2]; /* Unix, TCP */
	struct queue home;
	struct request *waiting; /* suspended until a parcel is home */
	struct stream *streams;
	struct client *idle_first, *idle_last;
	unsigned n_clients, n_streams, max_streams;
	size_t at_store; /* parcels that the store has */
	size_t n_requests;
	bool rerun;	    /* a place became free in a full house */
	bool ending, again; /* again: a stream waits for its turn */
	/* these cross */
	atomic_bool stop, grown;
	atomic_uint at_loop; /* commands that the loop has */
	bool joined;	     /* the loop's: the thread has ended */
};

/* Where a request is on its way. */
enum request_state {
	REQUEST_NEW,	  /* the headers are not complete */
	REQUEST_UPLOAD,	  /* its body is being thrown away */
	REQUEST_WAITING,  /* suspended, a parcel is on its way */
	REQUEST_ANSWERED, /* a response is queued */
};

struct request {
	struct api *api;
	struct MHD_Connection *connection;
	struct query query;
	int fault; /* of query_parse */
	enum request_state state;
	bool tcp, head;
	size_t upload;
	char *name;					  /* the segment that a route leaves open */
	enum MHD_Result (*next)(struct request *request); /* after the parcel came home */
	struct api_command *command;			  /* out on the loop, or home */
	bool command_home;
	struct store_consumer *consumer;      /* out at the store, or home */
	struct request *previous, *following; /* in api->waiting */
};

/* What a notifier selects, apart from the configuration (notifiers.c). */
struct selection {
	struct notify_config notify;
	struct arena arena;
	json_t *object;
};
void selection_free(struct selection *selection);

struct route {
	const char *method; /* "GET" (and HEAD) or "POST" */
	const char *pattern;
	enum MHD_Result (*run)(struct request *request);
	bool told; /* who asked for it stands in the log */
};

/*
 * Clients (clients.c). slot: where MHD keeps what belongs to a connection.
 */
void client_begin(struct api *api, struct MHD_Connection *connection, void **slot);
void client_end(struct api *api, void **slot);
/* While the house is full: shows out who is idle. */
void clients_crowded(struct api *api);
void client_busy(struct api *api, struct MHD_Connection *connection, struct request *request);
/* server.c: the request is over, or will never be whole. */
void request_free(struct request *request);
/* Says in the log who asks for what: user and process of the Unix socket, the address of TCP. */
void client_log(const struct request *request, const char *method);

/* Finds the route and runs it, or answers 404, 405 with Allow (routes.c). */
enum MHD_Result route_request(struct request *request, const char *method);

/*
 * Answers (respond.c). Each queues exactly one response and returns what MHD wants to hear.
 */
/* Takes the object over. */
enum MHD_Result respond_json(struct request *request, unsigned status, json_t *object);
/* Takes the contents of body over. */
enum MHD_Result
respond_body(struct request *request, unsigned status, const char *type, struct buf *body);
/* {"error":"…"}; hostile text in the arguments is made harmless by JSON. */
enum MHD_Result
respond_error(struct request *request, unsigned status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* For a result of the store or of a view: 404, 400, 507 or 500. */
enum MHD_Result respond_errno(struct request *request, int error);
/* A response with headers that is made elsewhere; takes it over. allow: of 405, or NULL. */
enum MHD_Result respond_queue(
	struct request *request, unsigned status, const char *type, struct MHD_Response *response);
/* A request header, or NULL. */
const char *request_header(const struct request *request, const char *name);

/*
 * Waiting for a parcel (wait.c). The connection is suspended; `next` runs when it is home.
 */
enum MHD_Result ask_loop(struct request *request, enum api_verb verb, char *name,
	enum MHD_Result (*next)(struct request *request));
/* wish: ack, placed and seq. */
enum MHD_Result ask_consumer(struct request *request, const char *name,
	const struct store_consumer *wish, enum MHD_Result (*next)(struct request *request));
/* Answers with what the loop said. */
enum MHD_Result answer_command(struct request *request);
/* Frees the parcels of a request; those that are on their way are freed when they come home. */
void request_forget(struct request *request);
/* All that is home goes on. */
void wait_drain(struct api *api);
/* Stop: nobody waits for the loop any more. */
void wait_end(struct api *api);
/* On the loop, after the thread has ended: frees the api, or leaves that to the last command that
 * the loop still has. */
void api_joined(struct api *api);

/*
 * Streams (stream.c).
 */
enum MHD_Result route_events(struct request *request);
/* Wakes suspended streams: with `grown` also those that wait for the log. */
void streams_wake(struct api *api, bool grown);
/* The events after `after` that a selection takes, as JSON Lines, to the end of the log. Takes the
 * selection over. */
enum MHD_Result
stream_rehearse(struct request *request, int64_t after, struct selection *selection);
/* A sign of life to each suspended stream; those whose client has gone end. */
void streams_beat(struct api *api);

/* Handlers, by file. */
enum MHD_Result route_status(struct request *request);
enum MHD_Result route_metrics(struct request *request);
enum MHD_Result route_feeds(struct request *request);
enum MHD_Result route_feed(struct request *request);
enum MHD_Result route_feed_why(struct request *request);
enum MHD_Result route_items(struct request *request);
enum MHD_Result route_failed(struct request *request);
enum MHD_Result route_consumers(struct request *request);
enum MHD_Result route_ack(struct request *request);
enum MHD_Result route_event_why(struct request *request);
enum MHD_Result route_match(struct request *request);

/* A date as JSON, null for 0 and DATE_NONE. New reference. */
json_t *json_date(int64_t at);
/* A string or null, cleaned of what is no UTF-8. New reference. */
json_t *json_text(const char *text);
/* False if there is no feed of that name, configured or left. */
bool feed_exists(struct request *request, const char *name);
/* Cursors as a JSON array: notifiers or consumers (consumers.c). */
int cursors_json(struct api *api, bool notifiers, json_t **ret_array) MUST_USE;

#endif
