/*
 * failmalloc.c - a preloaded malloc(3) that fails when told to, whoever asks: the program, its
 * libraries, the C library itself.
 *
 * $FAILMALLOC names a file that holds a struct control. It is mapped and shared: a test arms it
 * before the program starts or while it runs, and reads it when the program is gone, however it
 * went. Who was refused first stands in $FAILMALLOC.trace, as backtrace(3) has it. Without the
 * variable nothing fails.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 40

struct control {
	_Atomic int64_t calls;	  /* so far */
	_Atomic int64_t fail_at;  /* the number of the call that fails; 0 for none */
	_Atomic int64_t for_good; /* and all after it */
	_Atomic int64_t failed;	  /* so many did */
};

/* What these calls are in the C library, which looks up "malloc" for its own needs as well. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct control *control;
static int trace = -1;

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("FAILMALLOC");
	char name[4096];
	void *frames[FRAMES];

	if (!path)
		return;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *map = fd < 0
		? MAP_FAILED
		: mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort();
	close(fd);
	snprintf(name, sizeof(name), "%s.trace", path);
	trace = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)backtrace(frames, FRAMES); /* the first call loads a library */
	control = map;
}

static void
tell(void)
{
	void *frames[FRAMES];

	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), trace);
}

static bool
fails(void)
{
	if (!control)
		return false;
	int64_t call = atomic_fetch_add(&control->calls, 1) + 1;
	int64_t fail_at = atomic_load(&control->fail_at);
	if (fail_at == 0 || call < fail_at || (call > fail_at && !control->for_good))
		return false;
	if (atomic_fetch_add(&control->failed, 1) == 0)
		tell();
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (!block)
		return ENOMEM;
	*ret = block;
	return 0;
}
