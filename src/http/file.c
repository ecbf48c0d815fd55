/*
 * file.c - feeds in local files: regular ones only, never blocking, with a validator of their own.
 *
 * May touch: the file system (reading), the loop. A file is read in pieces, one a turn of the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "transfer.h"

#define PIECE ((size_t)256 << 10)
/* The kernel's clock for files has steps of up to 10 ms: a file that changed just now may change
 * again unseen. */
#define RACY_NS ((int64_t)20 * 1000 * 1000)

static int64_t
to_ns(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static void
fail_errno(struct http_transfer *transfer, const char *what, int error)
{
	transfer_fail(transfer, HTTP_FILE, "%s %s: %s", what, transfer->file.path, strerror(error));
}

static void
fail_size(struct http_transfer *transfer)
{
	transfer_fail(transfer, HTTP_TOO_LARGE, "file is over %s (max_size)",
		failure_size(&transfer->arena, transfer->in.max_bytes));
}

/* A validator that changes whenever the file does; NULL where the file is too young to tell. */
static char *
make_validator(struct http_transfer *transfer, const struct stat *st)
{
	struct timespec now;
	int64_t changed = to_ns(&st->st_mtim) > to_ns(&st->st_ctim) ? to_ns(&st->st_mtim)
								    : to_ns(&st->st_ctim);

	clock_gettime(CLOCK_REALTIME, &now);
	if (st->st_size == 0 || (to_ns(&now) >= changed && to_ns(&now) - changed < RACY_NS))
		return NULL;
	return arena_printf(&transfer->arena, "\"%llx-%llx-%llx-%llx\"",
		(unsigned long long)to_ns(&st->st_mtim), (unsigned long long)to_ns(&st->st_ctim),
		(unsigned long long)st->st_size, (unsigned long long)st->st_ino);
}

/* Opens the file, unless it is none that can be read without waiting. */
static int
open_regular(struct http_transfer *transfer, struct stat *st)
{
	struct http_file *file = &transfer->file;

	/* Looked at before it is opened: opening a device can do things. */
	if (stat(file->path, st) < 0) {
		fail_errno(transfer, "cannot read", errno);
		return -EIO;
	}
	if (S_ISREG(st->st_mode)) {
		file->fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (file->fd < 0 || fstat(file->fd, st) < 0) {
			fail_errno(transfer, "cannot read", errno);
			return -EIO;
		}
	}
	if (!S_ISREG(st->st_mode)) {
		transfer_fail(transfer, HTTP_FILE, "%s is no regular file", file->path);
		return -EIO;
	}
	return 0;
}

/* Reads one piece; false once there is nothing more to do. */
static bool
read_piece(struct http_transfer *transfer)
{
	struct buf *answer = &transfer->request->answer;
	AUTO(freep) char *piece = xmalloc(PIECE);
	ssize_t n = read(transfer->file.fd, piece, PIECE);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0) {
		fail_errno(transfer, "cannot read", errno);
	} else if (n > 0) {
		transfer->request->bytes_wire += n;
		if (buf_append(answer, piece, (size_t)n) == 0)
			return true;
		fail_size(transfer);
	}
	if (transfer->request->error != HTTP_OK)
		buf_fini(answer);
	return false;
}

static void
on_turn(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)revents;
	struct http_transfer *transfer = CONTAINER_OF(timer, struct http_transfer, file_timer);
	struct http *http = transfer->http;

	if (read_piece(transfer)) {
		ev_timer_set(timer, 0., 0.);
		ev_timer_start(loop, timer);
		return;
	}
	if (transfer->request->error == HTTP_OK)
		transfer->request->status = 200;
	http_finish(transfer);
	http_dispatch(http);
}

bool
file_start(struct http_transfer *transfer)
{
	struct http_request *request = transfer->request;
	struct stat st;

	request->effective_url = xstrdup(transfer->in.url);
	if (open_regular(transfer, &st) < 0)
		return false;
	char *validator = make_validator(transfer, &st);
	request->ret_etag = xstrdup(validator);
	if (validator && transfer->in.etag && strcmp(validator, transfer->in.etag) == 0) {
		request->status = 304;
		return false;
	}
	if (st.st_size > transfer->in.max_bytes) {
		fail_size(transfer);
		return false;
	}
	request->answer = BUF_INIT((size_t)transfer->in.max_bytes);
	ev_timer_init(&transfer->file_timer, on_turn, 0., 0.);
	ev_timer_start(transfer->http->loop, &transfer->file_timer);
	return true;
}

void
file_stop(struct http_transfer *transfer)
{
	ev_timer_stop(transfer->http->loop, &transfer->file_timer);
	closep(&transfer->file.fd);
	transfer->file.fd = -1;
}
