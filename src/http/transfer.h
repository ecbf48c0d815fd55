/*
 * transfer.h - what the files of the fetcher share: the engine and one request on its way.
 *
 * Private to src/http. A request is one or more hops; each hop is one libcurl transfer on an easy
 * handle of its own, which never follows a redirect by itself: who may be told what, and who may be
 * connected to, is decided anew for each hop.
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include <curl/curl.h>
#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/http.h"
#include "feedd/mem.h"

#define HTTP_REDIRECTS_MAX 8
#define HTTP_HEADERS_MAX ((size_t)256 << 10)
/* Of bodies that only explain a status. */
#define HTTP_EXPLANATION_MAX ((size_t)64 << 10)
#define HTTP_ADDRESS_MAX ((size_t)8192)
#define HTTP_DIGEST_ORIGINS 64

struct http_list {
	struct http_transfer *first, *last;
};

struct http {
	struct ev_loop *loop;
	CURLM *multi;
	char *user_agent;
	struct ev_timer timer; /* libcurl's own */
	struct ev_timer due;   /* takes home what http_start finished */
	struct http_list active, finished;
	size_t in_flight;
	/* Hashes of origins that asked for digest, newest overwriting oldest: they are not shown
	 * the password again. */
	uint64_t digest_origins[HTTP_DIGEST_ORIGINS];
	size_t n_digest_origins;
	unsigned depth; /* of http_dispatch() */
	bool closing, released;
};

/* Why one of our own callbacks ended the transfer. */
enum http_stop {
	STOP_NONE,
	STOP_ENOUGH,  /* what is still to come is of no interest */
	STOP_BODY,    /* over max_bytes */
	STOP_HEADERS, /* over HTTP_HEADERS_MAX */
	STOP_CROWDED, /* gave way to the bodies of others, see struct http_allowance */
	STOP_PRIVATE, /* an address that may not be connected to */
};

struct http_file {
	int fd;	    /* -1: closed */
	char *path; /* NULL: the request is none for a file */
};

struct http_transfer {
	struct http *http;
	struct http_request *request;
	struct http_request in; /* copies of what came in, in `arena` */
	struct arena arena;
	struct http_list *list; /* active or finished */
	struct http_transfer *next, *previous;
	CURL *easy; /* of this hop; NULL for files */
	bool added; /* to the multi handle */
	struct curl_slist *headers;
	CURLU *url;		       /* of this hop, without userinfo and fragment */
	char *address, *host, *origin; /* its parts, in the arena */
	char *first_origin;
	uint64_t seen[HTTP_REDIRECTS_MAX + 1]; /* hashes of the addresses of all hops */
	bool permanent;			       /* so far */
	bool digest, asked_digest;
	/* of this hop */
	enum http_stop stop;
	bool has_body;
	size_t body_max;
	bool body_explains; /* over body_max is no fault */
	bool body_dropped;
	size_t dropped;
	size_t header_bytes;
	bool headers_ended; /* those of the last answer */
	char refused[64];   /* the private address, where stop == STOP_PRIVATE or none was left */
	int open_errno;
	char error_text[CURL_ERROR_SIZE];
	/* of all */
	int64_t started_mono_ms, deadline_mono_ms;
	struct http_file file;
	struct ev_timer file_timer;
};

/* Monotonic milliseconds. */
int64_t http_now_mono_ms(void);

/* transfer.c: copies what came in and reads the address. On a fault the outcome is set and -EINVAL
 * returned. */
int transfer_init(struct http_transfer *transfer);
/* Frees all but the request and the easy handle. */
void transfer_fini(struct http_transfer *transfer);
/* Reads the parts of transfer->url; -EINVAL, with the outcome set, where it may not be fetched. */
int transfer_read_url(struct http_transfer *transfer);
/* Sets the easy handle up for one hop. -errno, with the outcome set. */
int transfer_prepare(struct http_transfer *transfer);
/* Replaces, in place, what must not reach people raw: control characters, and bytes above ASCII
 * unless all is UTF-8. */
void make_printable(char *text);
/* Sets error and detail, unless an earlier one is there. */
void transfer_fail(struct http_transfer *transfer, enum http_error error, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* True while this hop is at the origin of the request's own address: only there are secrets told.
 */
bool transfer_at_home(const struct http_transfer *transfer);
/* True if the host of this hop may be private. */
bool transfer_may_be_private(const struct http_transfer *transfer);

/* receive.c: sets libcurl's callbacks of one hop. */
void receive_prepare(struct http_transfer *transfer);
/* Frees what there is of the body. */
void receive_drop(struct http_request *request);

enum outcome {
	OUTCOME_FINISHED,
	OUTCOME_AGAIN, /* another hop is to be made */
};
/* outcome.c: what a hop that libcurl ended means; fills the request in where it was the last. */
enum outcome outcome_of_hop(struct http_transfer *transfer, CURLcode code);
/* failure.c: turns libcurl's error into a class and a sentence. */
void failure_describe(struct http_transfer *transfer, CURLcode code);
/* "16 MiB", "10 KiB", "77 bytes"; in the arena. */
char *failure_size(struct arena *arena, int64_t bytes);

/* file.c: begins to read a local file. False if it is over at once, with the outcome set; else it
 * finishes itself. */
bool file_start(struct http_transfer *transfer);
/* Closes and stops; also what was never started. */
void file_stop(struct http_transfer *transfer);

/* http.c: makes libcurl ready, once a process, and has it end where memory is gone, see mem.h.
 * -ENOSYS where it cannot be used. */
int http_init(void) MUST_USE;
/* http.c: the transfer is over; it is brought home by the next http_dispatch(). */
void http_finish(struct http_transfer *transfer);
/* Calls done of all that are over. Nothing of the engine may be used afterwards: done may have
 * freed it. */
void http_dispatch(struct http *http);
/* Digest is known to be asked for by this origin; and remembers it. */
bool http_knows_digest(const struct http *http, const char *origin);
void http_learn_digest(struct http *http, const char *origin);

#endif
