/* routes.c - the table of what the socket answers, and how a request finds its row. */
#include <string.h>

#include "server.h"

static enum MHD_Result
poll_all(struct request *request)
{
	return ask_loop(request, API_POLL, NULL, answer_command);
}

static enum MHD_Result
poll_one(struct request *request)
{
	return ask_loop(request, API_POLL, request->name, answer_command);
}

static enum MHD_Result
reload(struct request *request)
{
	return ask_loop(request, API_RELOAD, NULL, answer_command);
}

static enum MHD_Result
resume_feed(struct request *request)
{
	return ask_loop(request, API_RESUME, request->name, answer_command);
}

static enum MHD_Result
accept_move(struct request *request)
{
	return ask_loop(request, API_ACCEPT_MOVE, request->name, answer_command);
}

static enum MHD_Result
release(struct request *request)
{
	return ask_loop(request, API_RELEASE, request->name, answer_command);
}

static enum MHD_Result
retry(struct request *request)
{
	return ask_loop(request, API_RETRY, NULL, answer_command);
}

static enum MHD_Result
test(struct request *request)
{
	return ask_loop(request, API_TEST, request->name, answer_command);
}

static const struct route routes[] = {
	{"GET", "/v1/status", route_status, false},
	{"GET", "/v1/feeds", route_feeds, false},
	{"GET", "/v1/feeds/*", route_feed, false},
	{"GET", "/v1/feeds/*/why", route_feed_why, false},
	{"POST", "/v1/feeds/*/poll", poll_one, false},
	{"POST", "/v1/feeds/*/resume", resume_feed, true},
	{"POST", "/v1/feeds/*/accept-move", accept_move, true},
	{"POST", "/v1/feeds/*/release", release, true},
	{"POST", "/v1/poll", poll_all, false},
	{"GET", "/v1/items", route_items, false},
	{"GET", "/v1/events", route_events, false},
	{"GET", "/v1/events/*/why", route_event_why, false},
	{"GET", "/v1/consumers", route_consumers, false},
	{"POST", "/v1/consumers/*/ack", route_ack, false},
	{"GET", "/v1/failed", route_failed, false},
	{"POST", "/v1/retry", retry, true},
	{"POST", "/v1/notifiers/*/test", test, true},
	{"GET", "/v1/notifiers/*/match", route_match, false},
	{"POST", "/v1/reload", reload, true},
	{"GET", "/metrics", route_metrics, false},
};

static enum MHD_Result
not_allowed(struct request *request, const struct route *route)
{
	static char body[] = "{\"error\":\"this address does not take that method\"}\n";
	struct MHD_Response *response =
		MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);

	MHD_add_response_header(
		response, "Allow", strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method);
	return respond_queue(request, MHD_HTTP_METHOD_NOT_ALLOWED, "application/json", response);
}

enum MHD_Result
route_request(struct request *request, const char *method)
{
	const char *wanted = request->head ? "GET" : method;
	const struct route *other = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!path_matches(routes[i].pattern, request->query.path, &request->query.arena,
			    &request->name))
			continue;
		if (strcmp(routes[i].method, wanted) == 0) {
			if (routes[i].told)
				client_log(request, method);
			return routes[i].run(request);
		}
		other = &routes[i];
	}
	if (other)
		return not_allowed(request, other);
	return respond_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address");
}
