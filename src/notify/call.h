/*
 * call.h - one call of a hook, one post, one append: from events to an outcome.
 *
 * Knows the three kinds of delivery, and nothing of cursors, retries and the log.
 */
#ifndef FEEDD_NOTIFY_CALL_H
#define FEEDD_NOTIFY_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/http.h"
#include "feedd/mem.h"
#include "feedd/queue.h"
#include "feedd/store.h"

#include "entry.h"
#include "exec.h"
#include "setup.h"

struct call;
struct notifier;
struct notify_tools;

enum result {
	RESULT_DONE,	  /* acknowledged */
	RESULT_LATER,	  /* not now: uses up no retry */
	RESULT_FAILED,	  /* to be tried again */
	RESULT_HOPELESS,  /* would fail for ever */
	RESULT_GONE,	  /* the receiver wants no more (410) */
	RESULT_ABANDONED, /* ended by us: as if it had not been begun */
};

struct outcome {
	enum result result;
	int64_t retry_after; /* seconds that the receiver asks for; 0 none */
	const char *detail;  /* why it failed, valid during the call; NULL with RESULT_DONE */
};

struct call {
	struct call *next;		  /* in the notifier's list */
	const struct notify_tools *tools; /* in */
	struct notifier *notifier;	  /* in: whose it is; the owner's business */
	struct setup *setup;		  /* a reference */
	struct bundle *bundle;		  /* what it delivers; NULL for a sample. Owned */
	void (*finished)(struct call *call, const struct outcome *outcome);
	void (*tested)(void *arg, bool ok, const char *detail); /* of a sample */
	void *tested_arg;
	/* internal */
	struct store_render render;
	int64_t *seqs;
	bool started; /* the kind's start was called, and its end is awaited */
	struct arena arena;
	struct exec_job exec;
	struct http_request request;
	struct parcel parcel; /* of a file, on the pool */
	const char **lines;
	size_t n_lines;
	int append_result;
	char *text; /* of a summary or a sample */
};

/* A call of that notifier; takes the bundle over. */
struct call *call_new(const struct notify_tools *tools, struct notifier *notifier,
	struct setup *setup, struct bundle *bundle) MUST_USE;
/* Delivers these events (by seq; valid until the end of the call). `finished` is called once, also
 * from within where it could not even begin. */
void call_start(struct call *call, const struct rendered *events, size_t n);
/* Ends it by force; `finished` follows with RESULT_ABANDONED, maybe from within. An append is left
 * to end by itself. */
void call_kill(struct call *call);
/* Not while it runs. Accepts NULL. */
void call_free(struct call *call);

/* exec_call.c, webhook.c and file_call.c: one for each kind. Start returns 0, or -errno where
 * `finished` will not come by itself. */
int exec_call_start(struct call *call, const struct rendered *events, size_t n) MUST_USE;
int webhook_call_start(struct call *call, const struct rendered *events, size_t n) MUST_USE;
int file_call_start(struct call *call, const struct rendered *events, size_t n) MUST_USE;

#endif
