/* test_queue.c - parcels arrive in order, once each, and closing a queue loses none. */
#include "test.h"

#include <pthread.h>
#include <string.h>

#include "feedd/queue.h"

#define N_PARCELS 1000

struct numbered {
	struct parcel parcel;
	int number;
	int runs;
};

static void
count_wakes(void *arg)
{
	(*(int *)arg)++;
}

static void
keeps_the_order(void **state)
{
	(void)state;
	struct numbered parcels[5] = {0};
	struct queue queue;
	int wakes = 0;

	queue_init(&queue, count_wakes, &wakes);
	assert_null(queue_drain(&queue));
	for (int i = 0; i < 5; i++) {
		parcels[i].number = i;
		queue_push(&queue, &parcels[i].parcel);
	}
	assert_int_equal(wakes, 1);
	assert_int_equal(queue_length(&queue), 5);
	assert_ptr_equal(queue_pop(&queue), &parcels[0].parcel);
	struct parcel *list = queue_take(&queue);
	for (int i = 1; i < 5; i++, list = list->next)
		assert_ptr_equal(list, &parcels[i].parcel);
	assert_null(list);
	assert_int_equal(queue_length(&queue), 0);
	queue_push(&queue, &parcels[0].parcel);
	assert_int_equal(wakes, 2);
	/* Closed, it still gives what it holds, and takes what is late. */
	queue_close(&queue);
	assert_ptr_equal(queue_pop(&queue), &parcels[0].parcel);
	assert_null(queue_pop(&queue));
	assert_null(queue_take(&queue));
	queue_push(&queue, &parcels[1].parcel);
	assert_ptr_equal(queue_drain(&queue), &parcels[1].parcel);
	queue_fini(&queue);
}

static void *
pop_until_closed(void *arg)
{
	struct queue *queue = arg;
	intptr_t count = 0;

	while (queue_pop(queue))
		count++;
	return (void *)count;
}

static void
closing_wakes_all_that_wait(void **state)
{
	(void)state;
	static struct numbered parcels[N_PARCELS];
	struct queue queue;
	pthread_t threads[3];
	intptr_t total = 0;

	queue_init(&queue, NULL, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start(&threads[i], "popper", pop_until_closed, &queue), 0);
	for (int i = 0; i < N_PARCELS; i++)
		queue_push(&queue, &parcels[i].parcel);
	queue_close(&queue);
	for (int i = 0; i < 3; i++) {
		void *count;

		assert_int_equal(pthread_join(threads[i], &count), 0);
		total += (intptr_t)count;
	}
	assert_int_equal(total, N_PARCELS);
	queue_fini(&queue);
}

static void
run_once(struct parcel *parcel)
{
	CONTAINER_OF(parcel, struct numbered, parcel)->runs++;
}

static void
pools_bring_everything_home(void **state)
{
	(void)state;
	static struct numbered parcels[N_PARCELS];
	struct queue home;
	struct pool *pool;

	queue_init(&home, NULL, NULL);
	assert_int_equal(pool_start(&pool, 4, &home), 0);
	for (int i = 0; i < N_PARCELS; i++) {
		parcels[i].parcel.run = run_once;
		pool_push(pool, &parcels[i].parcel);
	}
	pool_stop(pool);
	pool_stop(NULL);
	assert_int_equal(queue_length(&home), N_PARCELS);
	for (int i = 0; i < N_PARCELS; i++)
		assert_int_equal(parcels[i].runs, 1);
	int back = 0;
	for (struct parcel *parcel = queue_drain(&home); parcel; parcel = parcel->next)
		back++;
	assert_int_equal(back, N_PARCELS);
	queue_fini(&home);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order),
		cmocka_unit_test(closing_wakes_all_that_wait),
		cmocka_unit_test(pools_bring_everything_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
