/*
 * heap.c - the binary heap of heap.h. Touches nothing but its array and the nodes in it.
 */
#include "feedd/heap.h"

#include <stdlib.h>

#include "feedd/mem.h"

enum { FIRST_CAPACITY = 4 };

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void
place(struct heap *heap, struct heap_node *node, uint32_t i)
{
	heap->nodes[i] = node;
	node->at = i + 1;
}

static void
resize(struct heap *heap, uint32_t capacity)
{
	heap->nodes = xrealloc(heap->nodes, capacity, sizeof(struct heap_node *));
	heap->capacity = capacity;
}

/* Moves the node at i towards the root while it comes before its parent. */
static void
sift_up(struct heap *heap, uint32_t i)
{
	struct heap_node *node = heap->nodes[i];

	while (i > 0 && before(node, heap->nodes[(i - 1) / 2])) {
		place(heap, heap->nodes[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	place(heap, node, i);
}

/* Moves the node at i towards the leaves while a child comes before it. */
static void
sift_down(struct heap *heap, uint32_t i)
{
	struct heap_node *node = heap->nodes[i];

	for (;;) {
		size_t child = 2 * (size_t)i + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!before(heap->nodes[child], node))
			break;
		place(heap, heap->nodes[child], i);
		i = (uint32_t)child;
	}
	place(heap, node, i);
}

void
heap_fini(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){0};
}

void
heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint32_t tie)
{
	node->key = key;
	node->tie = tie;
	if (!node->at) {
		if (heap->n == heap->capacity)
			resize(heap, heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY);
		place(heap, node, heap->n++);
	}
	sift_up(heap, node->at - 1);
	sift_down(heap, node->at - 1);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	if (!node->at)
		return;
	uint32_t i = node->at - 1;
	struct heap_node *last = heap->nodes[--heap->n];

	node->at = 0;
	if (last != node) {
		place(heap, last, i);
		sift_up(heap, i);
		sift_down(heap, last->at - 1);
	}
	/* A crowd that is gone leaves no memory behind. */
	if (heap->capacity > FIRST_CAPACITY && heap->n < heap->capacity / 8)
		resize(heap, heap->capacity / 4);
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->n ? heap->nodes[0] : NULL;
}

bool
heap_has(const struct heap_node *node)
{
	return node->at != 0;
}
