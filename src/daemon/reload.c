/*
 * reload.c - a new configuration while running: read on a worker, checked whole, taken over or
 * refused whole.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "feedd/log.h"
#include "room.h"

/* A client that waits for the end of a reload. */
struct waiting_answer {
	struct waiting_answer *next;
	struct api_command *command;
};

/* The reading, on a worker. */
struct reading {
	struct parcel parcel;
	struct daemon *daemon;
	const char *path; /* the daemon's */
	struct config *config;
	struct config_faults faults;
};

static void
run_reading(struct parcel *parcel)
{
	struct reading *reading = CONTAINER_OF(parcel, struct reading, parcel);

	if (config_load_checked(reading->path, notify_check, &reading->config, &reading->faults) <
		0)
		reading->config = NULL;
}

static json_t *
strings_json(char *const *at, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(at[i]));
	return array;
}

/* Tells all who wait what came of it. faults may be NULL: the database refused. */
static void
answer_all(struct daemon *daemon, int status, const struct config_faults *faults, const char *error)
{
	json_t *body = json_object();

	if (error)
		json_object_set_new(body, "error", json_string(error));
	if (faults) {
		json_object_set_new(body, "faults", strings_json(faults->at, faults->n));
		json_object_set_new(
			body, "warnings", strings_json(faults->warnings, faults->n_warnings));
	}
	AUTO(freep) char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	while (daemon->waiting) {
		struct waiting_answer *waiting = daemon->waiting;

		daemon->waiting = waiting->next;
		waiting->command->status = status;
		buf_puts(&waiting->command->body, text ? text : "{}");
		api_answer(daemon->api, waiting->command);
		free(waiting);
	}
}

static void
end(struct daemon *daemon)
{
	daemon->reloading = false;
	service_ready(daemon);
	if (daemon->reload_again && !daemon->stopping) {
		daemon->reload_again = false;
		reload_begin(daemon, NULL);
	}
}

static void
on_applied(struct daemon *daemon, int result)
{
	static const struct config_faults none;

	if (result < 0) {
		log_error("reload: the database refused: %s; the old configuration stays",
			strerror(-result));
		answer_all(daemon, 503, NULL,
			"the database cannot be written; the old configuration stays");
	} else {
		log_notice("reloaded: %zu feed%s, %zu notifier%s", daemon->config->n_feeds,
			daemon->config->n_feeds == 1 ? "" : "s", daemon->config->n_notifies,
			daemon->config->n_notifies == 1 ? "" : "s");
		answer_all(daemon, 200, &none, NULL);
	}
	end(daemon);
}

/* What is opened once, at the start, does not change with a reload. */
static void
warn_of_restart(const struct config *old, const struct config *config)
{
	const char *const names[] = {"state_directory", "socket", "listen"};
	const char *const before[] = {old->state_directory, old->socket, old->listen};
	const char *const after[] = {config->state_directory, config->socket, config->listen};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(before[i] ? before[i] : "", after[i] ? after[i] : "") != 0)
			log_warning("%s changes with a restart only", names[i]);
}

static void
on_read(struct parcel *parcel)
{
	struct reading *reading = CONTAINER_OF(parcel, struct reading, parcel);
	struct daemon *daemon = reading->daemon;
	struct config *config = reading->config;

	for (size_t i = 0; i < reading->faults.n_warnings; i++)
		log_warning("%s", reading->faults.warnings[i]);
	if (!config || reading->faults.n > 0) {
		for (size_t i = 0; i < reading->faults.n; i++)
			log_error("%s", reading->faults.at[i]);
		log_error("reload: the configuration has faults; the old one stays");
		answer_all(daemon, 422, &reading->faults,
			"the configuration has faults; the old one stays");
		config_free(config);
		end(daemon);
	} else if (daemon->stopping) {
		answer_all(daemon, 503, NULL, "feedd is stopping");
		config_free(config);
		end(daemon);
	} else {
		warn_of_restart(daemon->config, config);
		daemon_apply(daemon, config, on_applied);
	}
	config_faults_fini(&reading->faults);
	free(reading);
}

void
reload_begin(struct daemon *daemon, struct api_command *command)
{
	if (command) {
		struct waiting_answer *waiting = xcalloc(1, sizeof(*waiting));

		waiting->command = command;
		waiting->next = daemon->waiting;
		daemon->waiting = waiting;
	}
	if (daemon->reloading) {
		/* What is being read may be older than what was asked for: once more, however many
		 * ask. */
		daemon->reload_again = true;
		return;
	}
	struct reading *reading = xcalloc(1, sizeof(*reading));
	daemon->reloading = true;
	service_reloading(daemon);
	reading->daemon = daemon;
	reading->path = daemon->options.config_path;
	reading->parcel.run = run_reading;
	reading->parcel.done = on_read;
	pool_push(daemon->pool, &reading->parcel);
}
