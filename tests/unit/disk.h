/*
 * disk.h - a disk that fails when told to and remembers what was done to it: a VFS for SQLite in
 * front of the real one.
 *
 * Only the database, its log and its journal count; temporary files and shared memory pass. One
 * test program at a time.
 */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"

#define DISK_FILES 3

enum disk_kind { DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_DELETE };

/* What was done to a file, in order. Writes own a copy of their bytes. */
struct disk_step {
	enum disk_kind kind;
	int file; /* index in disk_suffixes */
	sqlite3_int64 offset, len;
	unsigned char *data;
};

struct disk_file {
	sqlite3_file base;
	int file;
	sqlite3_file *real;
};

static const char *const disk_suffixes[DISK_FILES] = {".db", ".db-wal", ".db-journal"};

static struct {
	pthread_mutex_t lock;
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods;
	long calls;	   /* that could fail, since disk_fail() */
	long fail_at;	   /* the number of the call that fails; 0 for none */
	bool for_good;	   /* and all after it */
	bool reads;	   /* reads count and fail, and nothing else */
	_Atomic bool cut;  /* those of the database, as if it ended there */
	_Atomic bool full; /* writes fail for want of room, not for a fault of the medium */
	long failed;	   /* so many did */
	_Atomic bool recording;
	struct disk_step *steps;
	size_t n_steps, cap_steps;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* From now on the n-th call fails, once or together with all that follow; 0: none does. */
static inline void
disk_fail(long n, bool for_good, bool full)
{
	pthread_mutex_lock(&disk.lock);
	disk.calls = disk.failed = 0;
	disk.fail_at = n;
	disk.for_good = for_good;
	disk.reads = false;
	disk.cut = false;
	disk.full = full;
	pthread_mutex_unlock(&disk.lock);
}

/* The same of reads alone. */
static inline void
disk_fail_reads(long n, bool for_good, bool cut)
{
	disk_fail(n, for_good, false);
	pthread_mutex_lock(&disk.lock);
	disk.reads = true;
	disk.cut = cut;
	pthread_mutex_unlock(&disk.lock);
}

static inline long
disk_failed(void)
{
	pthread_mutex_lock(&disk.lock);
	long failed = disk.failed;
	pthread_mutex_unlock(&disk.lock);
	return failed;
}

static inline bool
disk_call_fails(bool read)
{
	pthread_mutex_lock(&disk.lock);
	long call = disk.calls += disk.reads == read;
	bool fails = disk.reads == read && disk.fail_at &&
		(disk.for_good ? call >= disk.fail_at : call == disk.fail_at);

	disk.failed += fails;
	pthread_mutex_unlock(&disk.lock);
	return fails;
}

static inline bool
disk_fails(void)
{
	return disk_call_fails(false);
}

static inline void
disk_record(struct disk_step step, const void *data)
{
	pthread_mutex_lock(&disk.lock);
	if (disk.recording) {
		if (disk.n_steps == disk.cap_steps) {
			disk.cap_steps = disk.cap_steps ? 2 * disk.cap_steps : 256;
			disk.steps = xrealloc(disk.steps, disk.cap_steps, sizeof(*disk.steps));
		}
		if (data) {
			step.data = xcalloc(1, (size_t)step.len);
			memcpy(step.data, data, (size_t)step.len);
		}
		disk.steps[disk.n_steps++] = step;
	}
	pthread_mutex_unlock(&disk.lock);
}

/* How many steps were recorded so far. */
static inline size_t
disk_steps(void)
{
	pthread_mutex_lock(&disk.lock);
	size_t n = disk.n_steps;
	pthread_mutex_unlock(&disk.lock);
	return n;
}

static inline void
disk_forget(void)
{
	for (size_t i = 0; i < disk.n_steps; i++)
		free(disk.steps[i].data);
	free(disk.steps);
	disk.steps = NULL;
	disk.n_steps = disk.cap_steps = 0;
	disk.recording = false;
}

static inline struct disk_file *
disk_file(sqlite3_file *file)
{
	return (struct disk_file *)file;
}

#define DISK_PASS(name, parameters, ...)                                                           \
	static int disk_##name parameters                                                          \
	{                                                                                          \
		sqlite3_file *real = disk_file(file)->real;                                        \
		return real->pMethods->name(real, ##__VA_ARGS__);                                  \
	}

/* clang-format off */
DISK_PASS(xFileSize, (sqlite3_file *file, sqlite3_int64 *size), size)
DISK_PASS(xLock, (sqlite3_file *file, int level), level)
DISK_PASS(xUnlock, (sqlite3_file *file, int level), level)
DISK_PASS(xCheckReservedLock, (sqlite3_file *file, int *result), result)
DISK_PASS(xFileControl, (sqlite3_file *file, int op, void *arg), op, arg)
DISK_PASS(xShmLock, (sqlite3_file *file, int offset, int n, int flags), offset, n, flags)
DISK_PASS(xShmUnmap, (sqlite3_file *file, int remove), remove)
/* clang-format on */

static int
disk_xRead(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	sqlite3_file *real = disk_file(file)->real;

	if ((!disk.cut || disk_file(file)->file == 0) && disk_call_fails(true)) {
		if (!disk.cut)
			return SQLITE_IOERR_READ;
		memset(data, 0, (size_t)len);
		return SQLITE_IOERR_SHORT_READ;
	}
	return real->pMethods->xRead(real, data, len, offset);
}

static int
disk_xWrite(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	sqlite3_file *real = disk_file(file)->real;

	if (disk_fails())
		return disk.full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	disk_record((struct disk_step){.kind = DISK_WRITE,
			    .file = disk_file(file)->file,
			    .offset = offset,
			    .len = len},
		data);
	return real->pMethods->xWrite(real, data, len, offset);
}

static int
disk_xTruncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *real = disk_file(file)->real;

	if (disk_fails())
		return SQLITE_IOERR_TRUNCATE;
	disk_record(
		(struct disk_step){
			.kind = DISK_TRUNCATE, .file = disk_file(file)->file, .offset = size},
		NULL);
	return real->pMethods->xTruncate(real, size);
}

/* The disk is an array in memory as far as these tests know: nothing is really synced. */
static int
disk_xSync(sqlite3_file *file, int flags)
{
	(void)flags;
	if (disk_fails())
		return SQLITE_IOERR_FSYNC;
	disk_record((struct disk_step){.kind = DISK_SYNC, .file = disk_file(file)->file}, NULL);
	return SQLITE_OK;
}

static int
disk_xShmMap(sqlite3_file *file, int page, int size, int extend, void volatile **ret_memory)
{
	sqlite3_file *real = disk_file(file)->real;

	if (disk_fails())
		return SQLITE_IOERR_SHMMAP;
	return real->pMethods->xShmMap(real, page, size, extend, ret_memory);
}

static void
disk_xShmBarrier(sqlite3_file *file)
{
	sqlite3_file *real = disk_file(file)->real;

	real->pMethods->xShmBarrier(real);
}

/* One that keeps no promise: every sector may be torn from the next. */
static int
disk_xSectorSize(sqlite3_file *file)
{
	(void)file;
	return 512;
}

static int
disk_xDeviceCharacteristics(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static int
disk_xClose(sqlite3_file *file)
{
	sqlite3_file *real = disk_file(file)->real;

	return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int
disk_number(const char *path)
{
	for (int i = 0; path && i < DISK_FILES; i++) {
		size_t n = strlen(path), len = strlen(disk_suffixes[i]);

		if (n > len && strcmp(path + n - len, disk_suffixes[i]) == 0)
			return i;
	}
	return -1;
}

static int
disk_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *ret_flags)
{
	int number = disk_number(path);

	(void)vfs;
	if (number < 0)
		return disk.real->xOpen(disk.real, path, file, flags, ret_flags);
	struct disk_file *mine = disk_file(file);
	mine->base.pMethods = NULL;
	if (disk_fails())
		return SQLITE_CANTOPEN;
	mine->file = number;
	mine->real = (sqlite3_file *)&mine[1];
	int code = disk.real->xOpen(disk.real, path, mine->real, flags, ret_flags);
	if (code == SQLITE_OK)
		mine->base.pMethods = &disk.methods;
	return code;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	int number = disk_number(path);

	(void)vfs;
	if (number >= 0) {
		if (disk_fails())
			return SQLITE_IOERR_DELETE;
		disk_record((struct disk_step){.kind = DISK_DELETE, .file = number}, NULL);
		if (sync)
			disk_record((struct disk_step){.kind = DISK_SYNC, .file = number}, NULL);
	}
	return disk.real->xDelete(disk.real, path, 0);
}

/* Puts the disk in front of all databases that are opened from now on. */
static inline void
disk_insert(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = disk_xClose,
		.xRead = disk_xRead,
		.xWrite = disk_xWrite,
		.xTruncate = disk_xTruncate,
		.xSync = disk_xSync,
		.xFileSize = disk_xFileSize,
		.xLock = disk_xLock,
		.xUnlock = disk_xUnlock,
		.xCheckReservedLock = disk_xCheckReservedLock,
		.xFileControl = disk_xFileControl,
		.xSectorSize = disk_xSectorSize,
		.xDeviceCharacteristics = disk_xDeviceCharacteristics,
		.xShmMap = disk_xShmMap,
		.xShmLock = disk_xShmLock,
		.xShmBarrier = disk_xShmBarrier,
		.xShmUnmap = disk_xShmUnmap,
	};
	disk.vfs = *disk.real;
	disk.vfs.zName = "disk";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	sqlite3_vfs_register(&disk.vfs, 1);
}

#endif
