/* test_heap.c - the heap gives what is due first, whatever was moved and taken out in between. */
#include "test.h"

#include <stdlib.h>

#include "feedd/heap.h"
#include "feedd/mem.h"

enum { NODES = 300, STEPS = 20000 };

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* The first of all nodes that are in, by looking at each. */
static struct heap_node *
first_of(struct heap_node *nodes)
{
	struct heap_node *first = NULL;

	for (size_t i = 0; i < NODES; i++) {
		if (!heap_has(&nodes[i]))
			continue;
		if (!first || nodes[i].key < first->key ||
			(nodes[i].key == first->key && nodes[i].tie < first->tie))
			first = &nodes[i];
	}
	return first;
}

static void
agrees_with_a_search(void **state)
{
	(void)state;
	AUTO(heap_fini) struct heap heap = {0};
	struct heap_node nodes[NODES] = {0};
	uint32_t seed = 1;

	for (int step = 0; step < STEPS; step++) {
		uint32_t i = next_random(&seed) % NODES;

		if (next_random(&seed) % 3)
			heap_set(&heap, &nodes[i], next_random(&seed) % 50, i);
		else
			heap_remove(&heap, &nodes[i]);
		assert_ptr_equal(heap_first(&heap), first_of(nodes));
	}
}

static void
equal_keys_come_by_tie(void **state)
{
	(void)state;
	AUTO(heap_fini) struct heap heap = {0};
	struct heap_node nodes[20] = {0};

	assert_null(heap_first(&heap));
	for (uint32_t i = 0; i < 20; i++)
		heap_set(&heap, &nodes[i], 7, 100 - i);
	for (uint32_t i = 20; i-- > 0;) {
		assert_ptr_equal(heap_first(&heap), &nodes[i]);
		heap_remove(&heap, &nodes[i]);
		heap_remove(&heap, &nodes[i]); /* being out already is no harm */
	}
	assert_null(heap_first(&heap));
}

static void
a_crowd_leaves_no_memory(void **state)
{
	(void)state;
	AUTO(heap_fini) struct heap heap = {0};
	struct heap_node nodes[NODES] = {0};

	for (uint32_t i = 0; i < NODES; i++)
		heap_set(&heap, &nodes[i], i, 0);
	assert_true(heap.capacity >= NODES);
	for (uint32_t i = 0; i < NODES; i++) {
		assert_ptr_equal(heap_first(&heap), &nodes[i]);
		heap_remove(&heap, &nodes[i]);
	}
	assert_in_range(heap.capacity, 0, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_search),
		cmocka_unit_test(equal_keys_come_by_tie),
		cmocka_unit_test(a_crowd_leaves_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
