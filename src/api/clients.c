/*
 * clients.c - who is connected, and who is shown out when the house is full.
 *
 * DESIGN: a client is busy from its request line to the end of its answer, else idle. While every
 * place is taken, those that were idle for a second have to go: connections that ask for nothing
 * cannot keep `feedctl status` out. MHD sees the closed connection and ends it.
 */
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "feedd/log.h"
#include "server.h"

struct client {
	struct MHD_Connection *connection;
	struct client *previous, *following; /* in api->idle, longest idle first */
	ev_tstamp idle_since;
	struct request *request; /* NULL: idle */
};

static void
unlink_idle(struct api *api, struct client *client)
{
	if (client->previous)
		client->previous->following = client->following;
	else
		api->idle_first = client->following;
	if (client->following)
		client->following->previous = client->previous;
	else
		api->idle_last = client->previous;
}

static void
link_idle(struct api *api, struct client *client)
{
	client->idle_since = ev_time();
	client->following = NULL;
	client->previous = api->idle_last;
	if (api->idle_last)
		api->idle_last->following = client;
	else
		api->idle_first = client;
	api->idle_last = client;
}

/* Runs every IDLE_ENOUGH_S while the house is full. */
void
clients_crowded(struct api *api)
{
	ev_tstamp now = ev_time();

	if (api->n_clients < api->options.max_clients) {
		ev_timer_stop(api->loop, &api->crowded);
		return;
	}
	for (const struct client *client = api->idle_first; client; client = client->following) {
		if (now - client->idle_since < IDLE_ENOUGH_S)
			break;
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(
			client->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
	}
}

void
client_begin(struct api *api, struct MHD_Connection *connection, void **slot)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->connection = connection;
	*slot = client;
	api->n_clients++;
	if (api->n_clients >= api->options.max_clients)
		ev_timer_again(api->loop, &api->crowded);
	link_idle(api, client);
}

void
client_end(struct api *api, void **slot)
{
	struct client *client = *slot;

	/* MHD looks at its listening socket again only when it runs once more */
	api->rerun = api->rerun || api->n_clients >= api->options.max_clients;
	api->n_clients--;
	if (!client->request)
		unlink_idle(api, client);
	/* Of one whose parameters had no room in its memory MHD never says the end. */
	request_free(client->request);
	free(client);
	*slot = NULL;
}

void
client_busy(struct api *api, struct MHD_Connection *connection, struct request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *client = info ? info->socket_context : NULL;

	if (!client || !client->request == !request)
		return;
	client->request = request;
	if (request)
		unlink_idle(api, client);
	else
		link_idle(api, client);
}

void
client_log(const struct request *request, const char *method)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1;
	struct ucred who;
	struct sockaddr_storage address;
	socklen_t who_len = sizeof(who), address_len = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (!request->tcp && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) == 0)
		log_notice("socket: uid=%u pid=%d asks for %s %s", (unsigned)who.uid, (int)who.pid,
			method, request->query.path);
	else if (request->tcp && getpeername(fd, (struct sockaddr *)&address, &address_len) == 0 &&
		getnameinfo((struct sockaddr *)&address, address_len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		log_notice("socket: %s port %s asks for %s %s", host, port, method,
			request->query.path);
}
