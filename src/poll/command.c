/*
 * command.c - commands on one feed: they wait until no poll of it is in flight, since a poll writes
 * the whole state back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

struct waiting_command {
	struct waiting_command *next;
	struct store_feed_command store;
	struct poller *poller;
	int64_t feed_id;
	void (*done)(void *arg, int result, int64_t count);
	void *arg;
};

static struct feed *
find_by_id(const struct poller *poller, int64_t id)
{
	for (size_t i = 0; i < poller->n_feeds; i++)
		if (poller->feeds[i]->id == id)
			return poller->feeds[i];
	return NULL;
}

static void
on_written(struct parcel *parcel)
{
	struct waiting_command *command =
		CONTAINER_OF(parcel, struct waiting_command, store.head.parcel);
	struct poller *poller = command->poller;
	struct feed *feed = find_by_id(poller, command->feed_id);
	int result = command->store.head.result;

	poller->in_flight--;
	if (feed && result == 0 && command->store.command == FEED_RESUME) {
		feed->health = FEED_OK;
		feed->fails = 0;
		feed->retry_after_at = 0;
		feed->next_poll_at = poller_now();
		if (!feed->poll && feed->pace.where == PACE_OUT)
			poller_schedule(poller, feed);
	}
	command->done(command->arg, result, command->store.count);
	if (result == 0 && command->store.command == FEED_RELEASE && command->store.count > 0)
		poller->tools.news(poller->tools.arg);
	free(command);
	poller_advance(poller);
	if (poller_is_idle(poller) && poller->tools.idle)
		poller->tools.idle(poller->tools.arg);
}

void
commands_run(struct poller *poller, struct feed *feed)
{
	struct waiting_command *command;

	while (!feed->poll && (command = feed->commands)) {
		feed->commands = command->next;
		poller->in_flight++;
		command->store.head.parcel.done = on_written;
		store_feed_command(poller->tools.store, &command->store);
	}
}

void
commands_drop(struct feed *feed)
{
	struct waiting_command *command;

	while ((command = feed->commands)) {
		feed->commands = command->next;
		command->done(command->arg, -ENOENT, 0);
		free(command);
	}
}

int
poller_command(struct poller *poller, const char *name, enum feed_command what,
	void (*done)(void *arg, int result, int64_t count), void *arg)
{
	const struct feed_config *config =
		poller->config ? config_feed(poller->config, name) : NULL;

	if (!config)
		return -ENOENT;
	struct feed *feed = poller->feeds[config - poller->config->feeds];
	struct waiting_command *command = xcalloc(1, sizeof(*command)), **tail = &feed->commands;
	command->poller = poller;
	command->feed_id = feed->id;
	command->done = done;
	command->arg = arg;
	command->store.command = what;
	command->store.id = feed->id;
	command->store.now = poller_now();
	while (*tail)
		tail = &(*tail)->next;
	*tail = command;
	commands_run(poller, feed);
	return 0;
}
