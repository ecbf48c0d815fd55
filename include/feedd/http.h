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
	HTTP_REDIRECT,	/* too many, in a ring, without a usable Location, or to another protocol;
			   also 300, 305, 306 */
	HTTP_PRIVATE,	/* an address that this request may not connect to */
	HTTP_PROTOCOL,	/* what came is no HTTP, or a broken encoding */
	HTTP_FILE,	/* file://: cannot be read */
	HTTP_CANCELLED, /* http_cancel or http_stop */
};

/*
 * What the bodies of many requests may take together, counted from their first byte until
 * http_request_fini. A body may always have its share. Where all of them are over max_bytes, the
 * largest of those still on their way that are over their share gives way, and fails with
 * HTTP_TOO_LARGE: who holds much for long makes no room scarce for others.
 */
struct http_allowance {
	size_t max_bytes, share_bytes;
	size_t used_bytes;
};

struct http_request {
	/* in; everything is copied or used before http_start returns */
	const char *method; /* NULL: GET, or POST where there is a body. Only GET and HEAD are
			       redirected */
	const char *url;    /* http, https; file:// or an absolute path where allow_file.
			     * user:password@ is used where    username is NULL */
	const char *etag, *last_modified; /* validators, sent byte for byte; NULL for an
					     unconditional request */
	const char *const *headers; /* "Name: value", n_headers of them; but for a few harmless ones
				     * (Accept and the like) they are secrets and never follow a
				     * redirect to another origin, like the credentials */
	size_t n_headers;
	const char *body; /* of POST */
	size_t body_len;
	const char *user_agent, *proxy, *ca_file, *client_cert, *client_key, *http_version,
		*username, *password;
	bool bearer; /* password is a bearer token; else basic, or digest where the server asks for
			it */
	bool away;   /* url is not where credentials and headers are at home, as after a redirect to
			another origin */
	bool tls_verify, allow_private, allow_file, follow;
	const char *private_host; /* the one host that may be private (from the feed's own URL), or
				     NULL */
	bool keep_alive;	  /* more requests to this host are waiting: keep the connection */
	int64_t timeout_ms, max_bytes; /* for all hops together, 0: 60 s; decoded body, 0: 16 MiB */
	struct http_allowance *allowance; /* shared with others, outlives http_request_fini; NULL:
					     max_bytes is the only limit */
	/* called once, on the loop, never from within http_start; the request is the caller's again
	 */
	void (*done)(struct http_request *request);
	void *arg;
	/* out; zeroed before http_start, owned by the request, freed by http_request_fini. Of a
	 * status that is not 2xx, and of a POST, at most 64 KiB of the body are kept and the rest
	 * is not waited for. */
	enum http_error error;
	int status;   /* of the last hop; 0 where none came. file://: 200, or 304 when unchanged */
	char *detail; /* a sentence for people when error != HTTP_OK or truncated, else NULL; no
			 secrets in it */
	struct buf answer; /* decoded body */
	bool truncated; /* HTTP_OK, but the transfer ended before its announced end; what came is in
			 * answer and detail says how it ended */
	bool partial; /* 226 IM Used: only what is new; nothing may be concluded from what is absent
		       */
	bool connected; /* a connection was made, by some hop; not told of files */
	char *content_type, *ret_etag, *ret_last_modified; /* of the last hop, or NULL; validators
							      over 1 KiB are dropped */
	char *cache_control, *expires, *date, *age, *server,
		*cf_mitigated; /* of the last hop, or NULL */
	char *location;	       /* Location of a 3xx that was not followed */
	int64_t retry_after;   /* seconds, 0 none */
	char *effective_url;   /* after redirects, without userinfo */
	char *moved_to; /* where the permanent redirects (301, 308) that the chain begins with lead,
			 * or NULL; to be believed only with an answer that is a feed */
	int redirects;
	int64_t bytes_wire, elapsed_ms;
	struct http_transfer *transfer; /* internal, while in flight */
	size_t held_bytes;		/* internal, of the allowance */
};

/* Starts the engine. user_agent: the default one. The program must ignore SIGPIPE. Returns -errno.
 */
int http_new(struct http **ret_http, struct ev_loop *loop, const char *user_agent) MUST_USE;
/* Begins a request; `done` will be called. Returns 0, or -errno where it could not even begin (done
 * is not called). */
int http_start(struct http *http, struct http_request *request) MUST_USE;
/* Ends one early: done is called with HTTP_CANCELLED before this returns. Nothing happens if it is
 * not in flight. */
void http_cancel(struct http *http, struct http_request *request);
/* Requests in flight. */
size_t http_in_flight(const struct http *http);
/* Cancels what is in flight and frees. Accepts NULL. May be called from within `done`, as may
 * http_start and http_cancel; http_start gives -ESHUTDOWN meanwhile. */
void http_free(struct http *http);
/* Frees what came out and zeroes it; the in part is not touched. */
void http_request_fini(struct http_request *request);

/* One request with a loop of its own, for programs without one; blocks until it is over. The same
 * limits and outcomes; `done` is called, where it is set. Returns 0 with the outcome in the
 * request, or -errno where no engine could be made. */
int http_fetch_once(struct http_request *request) MUST_USE;

/* What the freshness headers of an answer ask for, in seconds from now, 0 for nothing: max-age,
 * else Expires minus Date, each minus Age; no-cache, no-store and what cannot be read give 0.
 * s-maxage is for shared caches and ignored. All may be NULL. RFC 9111, 4.2 and 5.2. Pure. */
int64_t http_freshness(const char *cache_control, const char *expires, const char *date,
	const char *age, int64_t now);
/* True for `Expires: 0` and the like without a max-age: an answer whose validators are not to be
 * trusted. Pure. */
bool http_expires_at_once(const char *cache_control, const char *expires);
/* Seconds that a Retry-After asks for: a number, or a date taken relative to the answer's own Date
 * (else to now). 0 for NULL, the past and what cannot be read. RFC 9110, 10.2.3. Pure. */
int64_t http_retry_after(const char *retry_after, const char *date, int64_t now);

/*
 * The client's side of the daemon's socket, for feedctl: one blocking request.
 */
/* A connection that is kept from one request to the next, for one thread. Zeroed: none yet. */
struct http_kept {
	void *handle;
};
void http_kept_fini(struct http_kept *kept);
struct http_local {
	struct http_kept *kept;		    /* NULL: a connection of its own */
	int64_t timeout_ms;		    /* for all of it; 0: none */
	const char *socket, *method, *path; /* path with query */
	const char *accept;		    /* NULL: application/json */
	const char *last_event_id;
	/* Called with each piece of the body of a 2xx; non-zero ends the request. NULL: collected
	 * in answer, as is the body of any other status. */
	int (*data)(void *arg, const char *data, size_t len);
	void *arg;
	/* out; zeroed before, freed by http_local_fini */
	int status;
	struct buf answer;
	char *detail; /* a sentence, where it failed */
};
/* Blocks, without timeout_ms for as long as the daemon lets it: streams are endless. 0 with status
 * set; -ENOENT/-ECONNREFUSED/-EACCES where no daemon is at the socket; -ECANCELED when data ended
 * it; -EIO else. */
int http_local_request(struct http_local *local) MUST_USE;
/* Frees and zeroes what came out. */
void http_local_fini(struct http_local *local);

#endif
