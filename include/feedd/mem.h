/*
 * mem.h - memory: allocation that cannot fail, arenas, buffers with a ceiling, 64-bit hashes.
 *
 * Layer 0. Out of memory is not an error that callers handle: every input of feedd has a ceiling,
 * so only a real shortage gets here. The x-functions then log one line and abort; the service
 * manager starts feedd again, and the database is sound by construction. Libraries that would go
 * on with half of a document, of an event or of their settings are made to do the same.
 */
#ifndef FEEDD_MEM_H
#define FEEDD_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* A local that is released by fn(&local) when it goes out of scope. */
#define AUTO(fn) __attribute__((cleanup(fn)))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* The struct that holds `member`, from a pointer to the member. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* malloc(3) that aborts with a log line instead of returning NULL. Caller frees. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull)) MUST_USE;
/* calloc(3), likewise: zeroed, and checked for overflow. */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull)) MUST_USE;
/* reallocarray(3), likewise; the contents beyond the old size are undefined. */
void *xrealloc(void *old, size_t count, size_t size) __attribute__((returns_nonnull)) MUST_USE;
/* strdup(3), likewise; NULL gives NULL. */
char *xstrdup(const char *s) MUST_USE;
/* A NUL-terminated copy of the first len bytes of s. */
char *xstrndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull)) MUST_USE;
/* asprintf(3), likewise. */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull)) MUST_USE;

/* realloc(3), likewise: as libraries want it, xrealloc() where we call. */
void *xresize(void *old, size_t size) __attribute__((returns_nonnull)) MUST_USE;
/* What the x-functions do when memory is gone: one line, then abort. For what a library says of its
 * own calls. size: the bytes asked for, 0 where that is not known. */
void mem_exhausted(size_t size) __attribute__((noreturn));
/* From now on jansson, libxml2 and OpenSSL allocate by the x-functions. First of all in main(),
 * before any of them is used; libcurl, SQLite and PCRE2 are told so where they are started. */
void mem_guard_libraries(void);

/* AUTO(freep): free(3) of the pointer that the local holds. */
void freep(void *pointer_to_pointer);
/* AUTO(closep): close(2) of the descriptor that the local holds, unless it is negative. */
void closep(const int *fd);

/*
 * An arena: many small allocations, freed in one call. Not shared between threads.
 * A zeroed struct arena is a valid empty one.
 */
struct arena_chunk;
struct arena {
	struct arena_chunk *chunk; /* newest first */
	char *at;		   /* next free byte of the newest chunk */
	size_t left;		   /* bytes left in it */
	size_t total;		   /* bytes handed to chunks in all */
};

/* size bytes, aligned for any object, not zeroed; valid until arena_fini(). */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull)) MUST_USE;
/* The same, zeroed. */
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((returns_nonnull)) MUST_USE;
/* A NUL-terminated copy of the first len bytes of s (no alignment, no waste). */
char *arena_strndup(struct arena *arena, const char *s, size_t len) MUST_USE;
/* A copy of s; NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *s) MUST_USE;
/* printf(3) into the arena. */
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Gives back what is behind the first `kept` of the `size` bytes of block, if it is the newest
 * allocation: for results whose length is known only afterwards. */
void arena_trim(struct arena *arena, void *block, size_t size, size_t kept);
/* Frees what was allocated since *mark was copied from *arena. */
void arena_rewind(struct arena *arena, const struct arena *mark);
/* Frees everything; the arena is empty and usable again. Accepts a zeroed arena. */
void arena_fini(struct arena *arena);

/*
 * A growing byte buffer with a ceiling from birth. The data is NUL-terminated at all times once
 * something was appended. BUF_INIT(max) makes an empty one; max counts the bytes without the NUL.
 */
struct buf {
	char *data; /* NULL while empty and never used */
	size_t len, cap, max;
};
#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

/* Appends; -EMSGSIZE and no change if the ceiling would be passed. Callers for which the ceiling
 * is out of reach may ignore the result, hence no MUST_USE. */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_puts(struct buf *buf, const char *s);
int buf_putc(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Forgets the contents, keeps the memory. */
void buf_reset(struct buf *buf);
/* The data as a malloc'd string, never NULL; the buffer is empty afterwards. Caller frees. */
char *buf_steal(struct buf *buf) MUST_USE;
void buf_fini(struct buf *buf);

/*
 * A 64-bit hash for keys and change detection: the same on every machine and in every release,
 * since it is stored. Not for secrets. seed: 0, or an earlier result to go on from.
 */
uint64_t hash64(uint64_t seed, const void *data, size_t len);
/* hash64 of a string with its terminating NUL, so that ("ab","c") and ("a","bc") differ; NULL
 * counts as one more value of its own. */
uint64_t hash64_str(uint64_t seed, const char *s);

#endif
