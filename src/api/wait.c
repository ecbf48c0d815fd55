/*
 * wait.c - requests that wait for the loop or for the store.
 *
 * DESIGN: the connection is suspended and a parcel sent; when it is home the connection is resumed
 * and MHD calls the handler again, which goes on with `next`. A request cannot end while it is
 * suspended, except at the stop: then it lets go of its parcel, which is freed when it comes home.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"

/* The api's own part around a command, so that the loop's end of it finds the api. */
struct errand {
	struct api_command command;
	struct api *api;
};

/* The same around a consumer's parcel. */
struct store_errand {
	struct store_consumer consumer;
	struct request *request;
};

static void
command_free(struct api_command *command)
{
	struct errand *errand = CONTAINER_OF(command, struct errand, command);

	free(command->name);
	buf_fini(&command->body);
	free(errand);
}

static void
free_if_done(struct api *api)
{
	if (api->joined && atomic_load(&api->at_loop) == 0) {
		queue_fini(&api->home);
		free(api);
	}
}

static void
suspend(struct request *request, enum MHD_Result (*next)(struct request *request))
{
	struct api *api = request->api;

	request->next = next;
	request->state = REQUEST_WAITING;
	request->previous = NULL;
	request->following = api->waiting;
	if (api->waiting)
		api->waiting->previous = request;
	api->waiting = request;
	MHD_suspend_connection(request->connection);
}

static void
resume(struct request *request)
{
	if (request->previous)
		request->previous->following = request->following;
	else
		request->api->waiting = request->following;
	if (request->following)
		request->following->previous = request->previous;
	MHD_resume_connection(request->connection);
}

/* On the loop: a command arrives. */
static void
command_arrived(struct parcel *parcel)
{
	struct api_command *command = CONTAINER_OF(parcel, struct api_command, parcel);
	struct errand *errand = CONTAINER_OF(command, struct errand, command);
	struct api *api = errand->api;

	if (!api->joined) {
		api->options.command(api->options.arg, command);
		return;
	}
	command_free(command);
	atomic_fetch_sub(&api->at_loop, 1);
	free_if_done(api);
}

/* On the api thread: it is home, with its answer. */
static void
command_home(struct parcel *parcel)
{
	struct api_command *command = CONTAINER_OF(parcel, struct api_command, parcel);
	struct request *request = command->request;

	if (!request) {
		command_free(command);
		return;
	}
	request->command_home = true;
	resume(request);
}

void
api_answer(struct api *api, struct api_command *command)
{
	if (api->joined) {
		command_free(command);
		atomic_fetch_sub(&api->at_loop, 1);
		free_if_done(api);
		return;
	}
	command->parcel.done = command_home;
	atomic_fetch_sub(&api->at_loop, 1);
	queue_push(&api->home, &command->parcel);
}

enum MHD_Result
ask_loop(struct request *request, enum api_verb verb, char *name,
	enum MHD_Result (*next)(struct request *request))
{
	if (request->api->ending)
		return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "feedd is stopping");
	struct errand *errand = xcalloc(1, sizeof(*errand));
	struct api_command *command = &errand->command;

	errand->api = request->api;
	command->parcel.done = command_arrived;
	command->verb = verb;
	command->name = xstrdup(name);
	command->body = BUF_INIT(SIZE_MAX / 2);
	command->request = request;
	if (query_flag(&request->query, "force", &command->force) < 0 ||
		query_number(&request->query, "seq", 1, INT64_MAX, &command->seq) < 0) {
		command_free(command);
		return respond_error(request, MHD_HTTP_BAD_REQUEST,
			"force is 0 or 1, seq the number of an event");
	}
	request->command = command;
	suspend(request, next);
	atomic_fetch_add(&request->api->at_loop, 1);
	queue_push(request->api->options.loop_home, &command->parcel);
	return MHD_YES;
}

enum MHD_Result
answer_command(struct request *request)
{
	struct api_command *command = request->command;
	unsigned status = command->status > 0 ? (unsigned)command->status : MHD_HTTP_OK;

	if (command->body.len == 0)
		buf_puts(&command->body, "{}");
	if (command->body.data[command->body.len - 1] != '\n')
		buf_putc(&command->body, '\n');
	return respond_body(request, status, "application/json", &command->body);
}

static void
consumer_home(struct parcel *parcel)
{
	struct store_parcel *head = CONTAINER_OF(parcel, struct store_parcel, parcel);
	struct store_consumer *consumer = CONTAINER_OF(head, struct store_consumer, head);
	struct store_errand *errand = CONTAINER_OF(consumer, struct store_errand, consumer);

	errand->request->api->at_store--;
	resume(errand->request);
}

enum MHD_Result
ask_consumer(struct request *request, const char *name, const struct store_consumer *wish,
	enum MHD_Result (*next)(struct request *request))
{
	if (request->api->ending)
		return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "feedd is stopping");
	struct store_errand *errand = xcalloc(1, sizeof(*errand));
	struct store_consumer *consumer = &errand->consumer;

	*consumer = *wish;
	consumer->head.parcel.done = consumer_home;
	consumer->head.parcel.home = &request->api->home;
	errand->request = request;
	memcpy(consumer->name, name, strlen(name) + 1);
	consumer->now = time(NULL);
	request->consumer = consumer;
	request->api->at_store++;
	suspend(request, next);
	store_consumer(request->api->options.store, consumer);
	return MHD_YES;
}

void
request_forget(struct request *request)
{
	if (request->consumer)
		free(CONTAINER_OF(request->consumer, struct store_errand, consumer));
	if (request->command && request->command_home)
		command_free(request->command);
	else if (request->command)
		request->command->request = NULL;
	request->command = NULL;
	request->consumer = NULL;
}

void
wait_drain(struct api *api)
{
	struct parcel *parcel = queue_drain(&api->home);

	while (parcel) {
		struct parcel *following = parcel->next;

		parcel->done(parcel);
		parcel = following;
	}
}

void
wait_end(struct api *api)
{
	struct request *request = api->waiting;

	while (request) {
		struct request *following = request->following;

		if (request->command && !request->command_home)
			resume(request);
		request = following;
	}
}

void
api_joined(struct api *api)
{
	wait_drain(api);
	api->joined = true;
	free_if_done(api);
}
