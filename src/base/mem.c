/* mem.c - see mem.h. Knows nothing but the C library; logs only when memory is gone. */
#include "feedd/mem.h"

#include <endian.h>
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CHUNK_MIN ((size_t)4 << 10)
#define ARENA_CHUNK_MAX ((size_t)256 << 10)

/* AddressSanitizer sees what is written beside a block only where each has a chunk of its own. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_APART 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_APART 1
#endif
#ifndef ARENA_APART
#define ARENA_APART 0
#endif

struct arena_chunk {
	struct arena_chunk *older;
	alignas(max_align_t) char data[];
};

void
mem_exhausted(size_t size)
{
	/* No log.h here: its formatting may need memory. */
	char line[96];
	int len = snprintf(line, sizeof(line),
		"<2>feedd: out of memory (%zu bytes asked for), aborting\n", size);

	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0) {
		/* nothing is left to tell it to */
	}
	abort();
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		mem_exhausted(size);
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		mem_exhausted(count * size);
	return p;
}

void *
xrealloc(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count ? count : 1, size ? size : 1);

	if (!p)
		mem_exhausted(count * size);
	return p;
}

void *
xresize(void *old, size_t size)
{
	return xrealloc(old, size, 1);
}

char *
xstrdup(const char *s)
{
	return s ? xstrndup(s, strlen(s)) : NULL;
}

char *
xstrndup(const char *s, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	char *out;
	va_list args;

	va_start(args, fmt);
	int len = vasprintf(&out, fmt, args);
	va_end(args);
	if (len < 0)
		mem_exhausted(0);
	return out;
}

void
freep(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

void
closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Chunks double from 4 KiB to 256 KiB, so that a small document costs little and a large one few
 * calls; what is larger than a chunk gets one of its own. */
static void
arena_grow(struct arena *arena, size_t size)
{
	size_t want = arena->total < ARENA_CHUNK_MIN ? ARENA_CHUNK_MIN : arena->total;

	if (want > ARENA_CHUNK_MAX)
		want = ARENA_CHUNK_MAX;
	if (want < size || ARENA_APART)
		want = size;
	if (want > SIZE_MAX - sizeof(struct arena_chunk))
		mem_exhausted(size);
	/* What is left of a chunk that stands apart serves no other block. */
	if (ARENA_APART)
		arena->total -= arena->left;
	struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + want);
	chunk->older = arena->chunk;
	arena->chunk = chunk;
	arena->at = chunk->data;
	arena->left = want;
	arena->total += want;
}

static void *
arena_take(struct arena *arena, size_t size)
{
	if (arena->left < size || ARENA_APART)
		arena_grow(arena, size);
	void *p = arena->at;
	arena->at += size;
	arena->left -= size;
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	size_t skip = -(uintptr_t)arena->at & (alignof(max_align_t) - 1);

	if (skip > arena->left) {
		arena->left = 0;
	} else if (skip > 0) {
		arena->at += skip;
		arena->left -= skip;
	}
	return arena_take(arena, size ? size : 1);
}

void *
arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *
arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_take(arena, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *s)
{
	return s ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	AUTO(freep) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		mem_exhausted(0);
	return arena_strndup(arena, text, (size_t)len);
}

void
arena_trim(struct arena *arena, void *block, size_t size, size_t kept)
{
	if ((char *)block + size != arena->at || kept > size)
		return;
	arena->at -= size - kept;
	arena->left += size - kept;
}

void
arena_rewind(struct arena *arena, const struct arena *mark)
{
	struct arena_chunk *chunk = arena->chunk;

	while (chunk != mark->chunk) {
		struct arena_chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
	*arena = *mark;
}

void
arena_fini(struct arena *arena)
{
	arena_rewind(arena, &(struct arena){0});
}

/* Makes room for extra bytes and a NUL. */
static int
buf_reserve(struct buf *buf, size_t extra)
{
	if (extra > buf->max - buf->len)
		return -EMSGSIZE;
	size_t need = buf->len + extra + 1;
	if (need <= buf->cap)
		return 0;
	size_t cap = buf->cap ? buf->cap : 64;
	while (cap < need)
		cap += cap / 2;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	buf->data = xrealloc(buf->data, cap, 1);
	buf->cap = cap;
	return 0;
}

int
buf_append(struct buf *buf, const void *data, size_t len)
{
	int r = buf_reserve(buf, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *buf, const char *s)
{
	return buf_append(buf, s, strlen(s));
}

int
buf_putc(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

int
buf_printf(struct buf *buf, const char *fmt, ...)
{
	AUTO(freep) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		mem_exhausted(0);
	return buf_append(buf, text, (size_t)len);
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

char *
buf_steal(struct buf *buf)
{
	char *data = buf->data ? buf->data : xstrndup("", 0);

	*buf = BUF_INIT(buf->max);
	return data;
}

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT(buf->max);
}

/* Eight bytes at a time, multiply and fold; the tail is padded with its own length. */
uint64_t
hash64(uint64_t seed, const void *data, size_t len)
{
	const uint64_t k = 0x9e3779b97f4a7c15u;
	const unsigned char *p = data;
	uint64_t h = seed ^ (len * k);

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		w = le64toh(w);
		h = (h ^ w) * k;
		h ^= h >> 29;
	}
	uint64_t tail = 0;
	for (size_t i = 0; i < len; i++)
		tail |= (uint64_t)p[i] << (8 * i);
	h = (h ^ tail) * k;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ (h >> 32);
}

uint64_t
hash64_str(uint64_t seed, const char *s)
{
	return s ? hash64(seed, s, strlen(s) + 1) : hash64(seed, "\1", 1);
}
