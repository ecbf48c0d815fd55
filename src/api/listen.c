/* listen.c - the listening sockets: a Unix one, and a TCP one where it is configured. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "feedd/api.h"

/* Clients that come at once, before one is taken: what the kernel allows. */
#define BACKLOG SOMAXCONN
#define DYING_MS 2000
#define LOOK_MS 50

/* True if somebody answers at the address. */
static bool
is_alive(const struct sockaddr_un *address)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return true; /* not known: rather refuse than take over */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return true;
	return errno == EAGAIN || errno == EACCES || errno == EPERM;
}

/* A hook that a killed daemon was just starting has the daemon's descriptors until it runs: whoever
 * answers for no more than that moment is dead. */
static bool
stays_alive(const struct sockaddr_un *address)
{
	for (int waited_ms = 0; is_alive(address); waited_ms += LOOK_MS) {
		if (waited_ms >= DYING_MS)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

/* Binds under a name of its own and renames, so that there is never a moment without mode 0660, and
 * a dead socket is replaced in one step. */
static int
bind_at(int fd, const struct sockaddr_un *address)
{
	struct sockaddr_un beside = {.sun_family = AF_UNIX};
	int n = snprintf(beside.sun_path, sizeof(beside.sun_path), "%s.%d", address->sun_path,
		(int)getpid());

	if (n < 0 || (size_t)n >= sizeof(beside.sun_path))
		return -ENAMETOOLONG;
	unlink(beside.sun_path);
	if (bind(fd, (const struct sockaddr *)&beside, sizeof(beside)) < 0)
		return -errno;
	if (chmod(beside.sun_path, 0660) < 0 || listen(fd, BACKLOG) < 0 ||
		rename(beside.sun_path, address->sun_path) < 0) {
		int error = errno;

		unlink(beside.sun_path);
		return -error;
	}
	return 0;
}

int
api_listen_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat found;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (lstat(path, &found) == 0) {
		if (!S_ISSOCK(found.st_mode))
			return -EEXIST; /* somebody's file: not ours to replace */
		if (stays_alive(&address))
			return -EADDRINUSE;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = bind_at(fd, &address);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* Splits "address:port" and "[address]:port"; both parts are malloc'd. */
static int
split_address(const char *text, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (len == 0 || !colon[1])
		return -EINVAL;
	if (text[0] == '[') {
		if (len < 3 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL; /* IPv6 wants brackets */
	}
	*ret_host = xstrndup(text, len);
	*ret_port = xstrdup(colon + 1);
	return 0;
}

static int
listen_on(const struct addrinfo *info, int *ret_fd)
{
	const int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	*ret_fd = fd;
	return 0;
}

int
api_listen_tcp(const char *address, int *ret_fd)
{
	AUTO(freep) char *host = NULL;
	AUTO(freep) char *port = NULL;
	struct addrinfo *info;
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
	};

	int r = split_address(address, &host, &port);
	if (r < 0)
		return r;
	/* The one name that is no matter of a resolver. */
	const char *number = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	if (getaddrinfo(number, port, &hints, &info) != 0)
		return -EINVAL;
	r = listen_on(info, ret_fd);
	freeaddrinfo(info);
	return r;
}
