/*
 * server.c - serves generated feeds on loopback to whoever benchmarks, with ETags.
 *
 *     server SECONDS          prints its port, ends after SECONDS or when standard input ends
 *     GET /N.xml              feed number N; 304 where If-None-Match holds
 *     GET /small/N.xml        the same, of two items without text, where it is not the content that
 * counts GET /version/V          feeds 0, 10, 20, … have V more items from now on
 *
 * One thread, epoll, keep-alive; a client that sends garbage is dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "feeds.h"

#define REQUEST_MAX 8192

struct client {
	int fd;
	size_t got;
	char request[REQUEST_MAX + 1];
	struct buf answer;
	size_t sent;
	bool closing;
};

static unsigned version;

static void
answer_status(struct buf *out, const char *status, const char *etag)
{
	buf_printf(out, "HTTP/1.1 %s\r\nContent-Length: 0\r\n", status);
	if (etag)
		buf_printf(out, "ETag: %s\r\n", etag);
	buf_puts(out, "\r\n");
}

static void
answer_feed(struct client *client, unsigned n)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(1 << 20);
	char etag[32];
	const char *asked = strcasestr(client->request, "\r\nif-none-match:");

	snprintf(etag, sizeof(etag), "\"%u-%u\"", n, bench_version(n, version));
	if (asked && strstr(asked, etag)) {
		answer_status(&client->answer, "304 Not Modified", etag);
		return;
	}
	bench_feed(&body, n, version);
	buf_printf(&client->answer,
		"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: "
		"%zu\r\nETag: %s\r\n\r\n",
		body.len, etag);
	buf_append(&client->answer, body.data, body.len);
}

static void
answer_small(struct client *client, unsigned n)
{
	char body[512], etag[32];
	const char *asked = strcasestr(client->request, "\r\nif-none-match:");

	snprintf(etag, sizeof(etag), "\"small-%u\"", n);
	if (asked && strstr(asked, etag)) {
		answer_status(&client->answer, "304 Not Modified", etag);
		return;
	}
	int len = snprintf(body, sizeof(body),
		"<rss version='2.0'><channel><title>Feed "
		"%u</title><item><guid>%u-2</guid><title>Two</title></item>"
		"<item><guid>%u-1</guid><title>One</title></item></channel></rss>",
		n, n, n);
	buf_printf(&client->answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: %s\r\n\r\n%s",
		len, etag, body);
}

static void
answer(struct client *client)
{
	unsigned n;

	buf_reset(&client->answer);
	client->sent = 0;
	client->closing = strcasestr(client->request, "\r\nconnection: close") != NULL;
	if (sscanf(client->request, "GET /version/%u", &version) == 1)
		answer_status(&client->answer, "200 OK", NULL);
	else if (sscanf(client->request, "GET /%u.xml", &n) == 1)
		answer_feed(client, n);
	else if (sscanf(client->request, "GET /small/%u.xml", &n) == 1)
		answer_small(client, n);
	else
		answer_status(&client->answer, "404 Not Found", NULL);
}

/* False when the client is done. */
static bool
send_answer(struct client *client)
{
	while (client->sent < client->answer.len) {
		ssize_t n = send(client->fd, client->answer.data + client->sent,
			client->answer.len - client->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		client->sent += (size_t)n;
	}
	return !client->closing;
}

static bool
serve(struct client *client)
{
	if (client->sent < client->answer.len)
		return send_answer(client);
	ssize_t n = recv(client->fd, client->request + client->got, REQUEST_MAX - client->got, 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	client->got += (size_t)n;
	client->request[client->got] = '\0';
	if (!strstr(client->request, "\r\n\r\n"))
		return client->got < REQUEST_MAX;
	client->got = 0;
	answer(client);
	return send_answer(client);
}

static void
drop(struct client *client)
{
	close(client->fd);
	buf_fini(&client->answer);
	free(client);
}

static void
take_clients(int listener, int epoll)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *client = xcalloc(1, sizeof(*client));
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};

		client->fd = fd;
		client->answer = BUF_INIT(2 << 20);
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

static int
listen_on_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 1024) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		perror("server");
		exit(1);
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? strtol(argv[1], NULL, 10) : 60);
	int listener = listen_on_loopback(), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	while (time(NULL) < end) {
		char byte;
		int n = epoll_wait(epoll, events, 256, 500);

		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;

			if (!client)
				take_clients(listener, epoll);
			else if (!serve(client))
				drop(client);
		}
		if (read(STDIN_FILENO, &byte, 1) == 0) /* whoever started it is gone */
			return 0;
	}
	return 0;
}
