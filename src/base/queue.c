/* queue.c - see queue.h. DESIGN: the lock is held for a few instructions; the one call out under it
 * is `wake`, which must not wait. */
#include "feedd/queue.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

void
queue_init(struct queue *queue, void (*wake)(void *arg), void *wake_arg)
{
	*queue = (struct queue){.wake = wake, .wake_arg = wake_arg};
	queue->tail = &queue->head;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->filled, NULL);
}

void
queue_fini(struct queue *queue)
{
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->lock);
}

void
queue_push(struct queue *queue, struct parcel *parcel)
{
	parcel->next = NULL;
	pthread_mutex_lock(&queue->lock);
	bool was_empty = !queue->head;
	*queue->tail = parcel;
	queue->tail = &parcel->next;
	queue->length++;
	if (queue->waiting)
		pthread_cond_signal(&queue->filled);
	/* Under the lock: whoever takes the parcel may end the queue and what wake_arg points to.
	 */
	if (was_empty && queue->wake)
		queue->wake(queue->wake_arg);
	pthread_mutex_unlock(&queue->lock);
}

/* Waits with the lock held until there is a parcel; false if the queue is closed and empty. */
static bool
wait_filled(struct queue *queue)
{
	queue->waiting++;
	while (!queue->head && !queue->closed)
		pthread_cond_wait(&queue->filled, &queue->lock);
	queue->waiting--;
	return queue->head;
}

static struct parcel *
take_all(struct queue *queue)
{
	struct parcel *all = queue->head;

	queue->head = NULL;
	queue->tail = &queue->head;
	queue->length = 0;
	return all;
}

struct parcel *
queue_pop(struct queue *queue)
{
	struct parcel *one = NULL;

	pthread_mutex_lock(&queue->lock);
	if (wait_filled(queue)) {
		one = queue->head;
		queue->head = one->next;
		if (!queue->head)
			queue->tail = &queue->head;
		queue->length--;
		one->next = NULL;
	}
	pthread_mutex_unlock(&queue->lock);
	return one;
}

struct parcel *
queue_take(struct queue *queue)
{
	struct parcel *all = NULL;

	pthread_mutex_lock(&queue->lock);
	if (wait_filled(queue))
		all = take_all(queue);
	pthread_mutex_unlock(&queue->lock);
	return all;
}

struct parcel *
queue_drain(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	struct parcel *all = take_all(queue);
	pthread_mutex_unlock(&queue->lock);
	return all;
}

void
queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}

size_t
queue_length(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	size_t length = queue->length;
	pthread_mutex_unlock(&queue->lock);
	return length;
}

int
thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *arg), void *arg)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(ret_thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(*ret_thread, name);
	return -r;
}

struct pool {
	struct queue queue;
	struct queue *home;
	unsigned threads;
	pthread_t thread[];
};

static void *
pool_main(void *arg)
{
	struct pool *pool = arg;
	struct parcel *parcel;

	while ((parcel = queue_pop(&pool->queue))) {
		parcel->run(parcel);
		queue_push(parcel->home ? parcel->home : pool->home, parcel);
	}
	return NULL;
}

int
pool_start(struct pool **ret_pool, unsigned threads, struct queue *home)
{
	if (threads < 1 || threads > 64)
		return -EINVAL;
	struct pool *pool = xcalloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
	pool->home = home;
	queue_init(&pool->queue, NULL, NULL);
	for (; pool->threads < threads; pool->threads++) {
		int r = thread_start(&pool->thread[pool->threads], "feedd-worker", pool_main, pool);

		if (r < 0) {
			pool_stop(pool);
			return r;
		}
	}
	*ret_pool = pool;
	return 0;
}

void
pool_push(struct pool *pool, struct parcel *parcel)
{
	queue_push(&pool->queue, parcel);
}

size_t
pool_length(struct pool *pool)
{
	return queue_length(&pool->queue);
}

void
pool_stop(struct pool *pool)
{
	if (!pool)
		return;
	queue_close(&pool->queue);
	for (unsigned i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	queue_fini(&pool->queue);
	free(pool);
}

int64_t
thread_processor_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) < 0)
		return 0;
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}
