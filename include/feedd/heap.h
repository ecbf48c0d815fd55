/*
 * heap.h - what is due first.
 *
 * Layer 2, pure. An intrusive binary heap: the node lies in the caller's object, so that moving or
 * removing one needs no search. Equal keys come out by `tie`, so that the order never depends on
 * history. A zeroed heap or node is a valid empty one. Everything but heap_first is O(log n).
 */
#ifndef FEEDD_HEAP_H
#define FEEDD_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;  /* the smallest comes first: a time in the caller's unit */
	uint32_t tie; /* orders equal keys */
	uint32_t at;  /* place in the array + 1; 0 while in no heap */
};

struct heap {
	struct heap_node **nodes;
	uint32_t n, capacity;
};

/* Frees the array; nodes that are still in it must not be used with a heap any more. Accepts a
 * zeroed heap. */
void heap_fini(struct heap *heap);
/* Puts the node in with this key, or moves it if it is in this heap already. The heap refers to the
 * node, which must stay where it is until it is taken out. At most UINT32_MAX - 1 nodes. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint32_t tie);
/* Takes the node out; nothing happens if it is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* The node with the smallest key, left where it is; NULL if there is none. O(1). */
struct heap_node *heap_first(const struct heap *heap);
/* True while the node is in a heap. */
bool heap_has(const struct heap_node *node);

#endif
