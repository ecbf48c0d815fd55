/*
 * queue.h - parcels between threads.
 *
 * Layer 0. What crosses a thread is a parcel: queued, owned by whoever popped it last, brought home
 * by its `done`, which runs on the loop thread. After pushing it you no longer have it. A queue is
 * a mutex, a condition and a list: signalled only if somebody waits, woken only if it was empty.
 */
#ifndef FEEDD_QUEUE_H
#define FEEDD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

struct queue;

struct parcel {
	struct parcel *next;
	struct queue *home; /* where it goes when it was run; NULL: the default of the room */
	void (*run)(struct parcel *parcel); /* on the thread that it is sent to */
	void (*done)(struct parcel
			*parcel); /* on the loop thread: looks at the outcome, frees or goes on */
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct parcel *head, **tail;
	size_t length;
	unsigned waiting; /* threads in queue_pop or queue_take */
	bool closed;
	void (*wake)(void *arg); /* called under the lock when an empty queue got a parcel, so it
				    must not wait; may be NULL */
	void *wake_arg;
};

/* An empty, open queue. wake may be NULL. */
void queue_init(struct queue *queue, void (*wake)(void *arg), void *wake_arg);
/* The queue must be empty and nobody may wait. */
void queue_fini(struct queue *queue);
/* Hands the parcel over. Also works after queue_close(): whoever drains last gets it. */
void queue_push(struct queue *queue, struct parcel *parcel);
/* Waits for one parcel; NULL once the queue is closed and empty. */
struct parcel *queue_pop(struct queue *queue) MUST_USE;
/* Waits, then takes the whole list in order; NULL once the queue is closed and empty. */
struct parcel *queue_take(struct queue *queue) MUST_USE;
/* Takes the whole list without waiting; NULL if there is none. */
struct parcel *queue_drain(struct queue *queue) MUST_USE;
/* Waiters return once the queue is empty. */
void queue_close(struct queue *queue);
size_t queue_length(struct queue *queue);

/*
 * A pool of threads that run parcels, each then pushed to `home`. For work that takes time and
 * touches nothing but the parcel: parsing, writing a notifier's file.
 */
struct pool;
/* threads: 1 to 64; home: outlives the pool. Signals are blocked in the threads. Returns -errno. */
int pool_start(struct pool **ret_pool, unsigned threads, struct queue *home) MUST_USE;
void pool_push(struct pool *pool, struct parcel *parcel);
size_t pool_length(struct pool *pool);
/* Finishes what is queued, joins the threads, frees. Accepts NULL. */
void pool_stop(struct pool *pool);

/* pthread_create with all signals blocked and a name of at most 15 bytes. Returns -errno. */
int
thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *arg), void *arg) MUST_USE;

/* What this thread has had of a processor since it began, in ns: for work that gives up when it has
 * had too much, however busy the machine is. */
int64_t thread_processor_ns(void);

#endif
