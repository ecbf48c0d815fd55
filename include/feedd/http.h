/*
 * http.h - the one libcurl multi handle on the loop.
 *
 * Layer 3, loop thread only. Fetches feeds and posts webhooks: conditional requests, redirects,
 * limits, TLS, and the check of every address that is connected to. Also file:// and local paths
 * for feeds. Knows nothing of feeds beyond a request.
 */
#ifndef FEEDD_HTTP_H
#define FEEDD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

struct ev_loop;
struct http;

/* Why a request failed, beside the sentence in `detail`. */
enum http_error {
	HTTP_OK,	/* an answer with a status came, whatever the status */
	HTTP_URL,	/* malformed, or of another protocol */
	HTTP_RESOLVE,	/* the name does not resolve */
	HTTP_CONNECT,	/* refused, unreachable, reset */
	HTTP_TLS,	/* handshake or certificate */
	HTTP_TIMEOUT,	/* total, connect or stall */
	HTTP_TOO_LARGE, /* decoded body or headers over the limit */
	HTTP_REDIRECT,	/* too many, empty, or to another protocol */
	HTTP_PRIVATE,	/* an address that this request may not connect to */
	HTTP_PROTOCOL,	/* what came is no HTTP, or a broken encoding */
	HTTP_FILE,	/* file://: cannot be read */
	HTTP_CANCELLED, /* http_cancel or http_stop */
};

struct http_request {
	/* in; everything is copied or used before http_start returns */
	const char *method;		  /* NULL: GET */
	const char *url;		  /* http, https; file:// where allow_file */
	const char *etag, *last_modified; /* validators, sent byte for byte; NULL for an
					     unconditional request */
	const char *const *headers;	  /* "Name: value", n_headers of them */
	size_t n_headers;
	const char *body; /* of POST */
	size_t body_len;
	const char *user_agent, *proxy, *ca_file, *client_cert, *client_key, *http_version,
		*username, *password;
	bool bearer; /* password is a bearer token */
	bool tls_verify, allow_private, allow_file, follow;
	const char *private_host; /* the one host that may be private (from the feed's own URL), or
				     NULL */
	bool keep_alive;	  /* more requests to this host are waiting: keep the connection */
	int64_t timeout_ms, max_bytes;
	/* called once, on the loop, never from within http_start; the request is the caller's again
	 */
	void (*done)(struct http_request *request);
	void *arg;
	/* out; owned by the request, freed by http_request_fini */
	enum http_error error;
	int status;   /* of the last hop; 0 where none came. file://: 200, or 304 when unchanged */
	char *detail; /* one sentence for people when error != HTTP_OK, else NULL */
	struct buf answer; /* decoded body */
	bool truncated;	   /* the transfer ended before its announced end; what came is in answer */
	char *content_type, *ret_etag, *ret_last_modified; /* of the last hop, or NULL; validators
							      over 1 KiB are dropped */
	char *cache_control, *expires, *date, *age, *server,
		*cf_mitigated; /* of the last hop, or NULL */
	char *location;	       /* Location of a 3xx that was not followed */
	int64_t retry_after;   /* seconds, 0 none */
	char *effective_url;   /* after redirects, without userinfo */
	char *moved_to;	       /* target if every hop so far was permanent (301, 308), or NULL */
	int redirects;
	int64_t bytes_wire, elapsed_ms;
	struct http_transfer *transfer; /* internal, while in flight */
};

/* Starts the engine. user_agent: the default one. Returns -errno. */
int http_new(struct http **ret_http, struct ev_loop *loop, const char *user_agent) MUST_USE;
/* Begins a request; `done` will be called. Returns 0, or -errno where it could not even begin (done
 * is not called). */
int http_start(struct http *http, struct http_request *request) MUST_USE;
/* Ends one early: done is called with HTTP_CANCELLED before this returns. */
void http_cancel(struct http *http, struct http_request *request);
/* Requests in flight. */
size_t http_in_flight(const struct http *http);
/* Cancels what is in flight and frees. Accepts NULL. */
void http_free(struct http *http);
/* Frees what came out and zeroes it; the in part is not touched. */
void http_request_fini(struct http_request *request);

/* What the freshness headers of an answer ask for, in seconds from now, 0 for nothing: max-age
 * minus Age, else Expires minus Date; no-cache and no-store give 0. RFC 9111, 5.2 and 5.3. Pure. */
int64_t http_freshness(const char *cache_control, const char *expires, const char *date,
	const char *age, int64_t now);
/* True for `Expires: 0` and the like: an answer whose validators are not to be trusted. */
bool http_expires_at_once(const char *cache_control, const char *expires);

/*
 * The client's side of the daemon's socket, for feedctl: one blocking request.
 */
struct http_local {
	const char *socket, *method, *path; /* path with query */
	const char *accept;		    /* NULL: application/json */
	const char *last_event_id;
	/* Called with each piece of the body; non-zero ends the request. NULL: collected in answer.
	 */
	int (*data)(void *arg, const char *data, size_t len);
	void *arg;
	int status;
	struct buf answer;
	char *detail; /* malloc'd, where it failed */
};
/* 0 with status set; -ENOENT/-ECONNREFUSED/-EACCES where no daemon is at the socket; -ECANCELED
 * when data ended it; -EIO else. */
int http_local_request(struct http_local *local) MUST_USE;

#endif
