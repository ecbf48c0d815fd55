/*
 * loopback.h - a tiny scripted HTTP server for unit tests: threads on 127.0.0.1 or a Unix socket, a
 * log of what was asked.
 */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "feedd/mem.h"

#define LOOPBACK_CONNECTIONS 256

struct loopback;

struct page {
	const char *path;
	const char
		*answer; /* as it stands; %u becomes the port of the other server, or of itself */
	void (*serve)(struct loopback *server, int fd, const char *request); /* instead */
	bool keep;							     /* the connection */
};

struct loopback {
	const struct page *pages; /* ends with path NULL */
	int fd, stop[2];	  /* stop: closed at its end to wake those who stall */
	unsigned port;
	_Atomic unsigned other_port;
	pthread_t thread, connection[LOOPBACK_CONNECTIONS];
	int fds[LOOPBACK_CONNECTIONS];
	atomic_uint connections;
	pthread_mutex_t lock;
	struct buf log; /* all requests, one after the other */
};

struct loopback_connection {
	struct loopback *server;
	int fd;
};

static inline bool
loopback_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool
loopback_puts(int fd, const char *text)
{
	return loopback_send(fd, text, strlen(text));
}

/* Waits until the client is gone or the server is stopped. */
static inline void
loopback_stall(struct loopback *server, int fd)
{
	struct pollfd ready[] = {{.fd = fd, .events = POLLIN | POLLRDHUP}, {.fd = server->stop[0]}};

	poll(ready, 2, -1);
}

/* One request with its body; false at the end. */
static inline bool
loopback_read(struct loopback *server, int fd, struct buf *request)
{
	char byte;
	size_t left = 0;

	buf_reset(request);
	while (request->len < 4 || memcmp(request->data + request->len - 4, "\r\n\r\n", 4) != 0) {
		if (recv(fd, &byte, 1, 0) != 1)
			return false;
		buf_putc(request, byte);
	}
	const char *length = strcasestr(request->data, "\r\nContent-Length:");
	if (length)
		left = strtoul(length + 17, NULL, 10);
	for (; left > 0; left--) {
		if (recv(fd, &byte, 1, 0) != 1)
			return false;
		buf_putc(request, byte);
	}
	pthread_mutex_lock(&server->lock);
	buf_append(&server->log, request->data, request->len);
	pthread_mutex_unlock(&server->lock);
	return true;
}

static inline const struct page *
loopback_find(const struct loopback *server, const char *request)
{
	const char *path = strchr(request, ' ');
	size_t len = path ? strcspn(++path, " ?") : 0;

	for (const struct page *page = server->pages; page->path; page++)
		if (path && strlen(page->path) == len && memcmp(page->path, path, len) == 0)
			return page;
	return NULL;
}

/* Sends an answer with each %u in it replaced by the other server's port. */
static inline void
loopback_answer(struct loopback *server, int fd, const char *answer)
{
	char port[16];
	const char *mark;

	snprintf(port, sizeof(port), "%u", server->other_port ? server->other_port : server->port);
	while ((mark = strstr(answer, "%u"))) {
		loopback_send(fd, answer, (size_t)(mark - answer));
		loopback_puts(fd, port);
		answer = mark + 2;
	}
	loopback_puts(fd, answer);
}

static inline void *
loopback_serve(void *arg)
{
	struct loopback_connection *connection = arg;
	struct loopback *server = connection->server;
	int fd = connection->fd;
	struct buf request = BUF_INIT((size_t)1 << 20);
	bool more = true;

	while (more && loopback_read(server, fd, &request)) {
		const struct page *page = loopback_find(server, request.data);

		if (!page)
			loopback_puts(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
		else if (page->serve)
			page->serve(server, fd, request.data);
		else
			loopback_answer(server, fd, page->answer);
		more = page && page->keep;
	}
	shutdown(fd, SHUT_RDWR);
	buf_fini(&request);
	free(connection);
	return NULL;
}

static inline void *
loopback_main(void *arg)
{
	struct loopback *server = arg;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		unsigned n = server->connections;

		if (fd < 0)
			return NULL;
		if (n == LOOPBACK_CONNECTIONS)
			abort();
		struct loopback_connection *connection = xmalloc(sizeof(*connection));
		*connection = (struct loopback_connection){server, fd};
		server->fds[n] = fd;
		server->connections = n + 1; /* before it is served: clients count */
		pthread_create(&server->connection[n], NULL, loopback_serve, connection);
	}
}

/* path: of a Unix socket, or NULL for 127.0.0.1 and a free port. */
static inline void
loopback_start(struct loopback *server, const struct page *pages, const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(in);

	memset(server, 0, sizeof(*server));
	server->pages = pages;
	server->log = BUF_INIT((size_t)16 << 20);
	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (path)
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (pipe(server->stop) < 0 ||
		bind(server->fd, path ? (struct sockaddr *)&un : (struct sockaddr *)&in,
			path ? sizeof(un) : sizeof(in)) < 0 ||
		listen(server->fd, 64) < 0)
		abort();
	if (!path && getsockname(server->fd, (struct sockaddr *)&in, &len) == 0)
		server->port = ntohs(in.sin_port);
	pthread_create(&server->thread, NULL, loopback_main, server);
}

static inline void
loopback_stop(struct loopback *server)
{
	close(server->stop[1]);
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->connections; i++) {
		shutdown(server->fds[i], SHUT_RDWR);
		pthread_join(server->connection[i], NULL);
		close(server->fds[i]);
	}
	close(server->fd);
	close(server->stop[0]);
	buf_fini(&server->log);
	pthread_mutex_destroy(&server->lock);
}

/* How often text stands in the log since the last loopback_forget(). */
static inline int
loopback_count(struct loopback *server, const char *text)
{
	int count = 0;

	pthread_mutex_lock(&server->lock);
	for (const char *p = server->log.data; p && (p = strstr(p, text)); p++)
		count++;
	pthread_mutex_unlock(&server->lock);
	return count;
}

static inline void
loopback_forget(struct loopback *server)
{
	pthread_mutex_lock(&server->lock);
	buf_reset(&server->log);
	pthread_mutex_unlock(&server->lock);
}

#endif
