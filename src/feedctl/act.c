/* act.c - verbs that ask the daemon to do something: poll, reload, resume, accept-move, release,
 * ack. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

/* One POST for each operand; all are tried, the worst exit status counts. */
static int
tell_each(const struct ctl *ctl, const char *fmt, int argc, char **argv)
{
	int worst = EXIT_DONE;

	for (int i = optind; i < argc; i++) {
		AUTO(freep) char *path = client_path(fmt, argv[i]);
		int code = client_tell(ctl, path);

		if (code > worst)
			worst = code;
		if (code == EXIT_NO_DAEMON)
			break;
	}
	return worst;
}

int
verb_poll(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"force", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool force = false;
	int c;

	while ((c = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (c == 'h')
			verb_help(argv[0]);
		if (c != 'f')
			return verb_usage(verb_find(argv[0]));
		force = true;
	}
	if (optind == argc)
		return client_tell(ctl, force ? "/v1/poll?force=1" : "/v1/poll");
	return tell_each(
		ctl, force ? "/v1/feeds/%s/poll?force=1" : "/v1/feeds/%s/poll", argc, argv);
}

static void
say_all(const json_t *lines)
{
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		AUTO(freep) char *clean = output_escape(json_string_value(line));
		fprintf(stderr, "%s\n", clean);
	}
}

/* Waits for the answer: 0 only if the new configuration is the running one. */
int
verb_reload(const struct ctl *ctl, int argc, char **argv)
{
	json_t *answer;
	int code = verb_options(argc, argv, NULL, 0, 0);

	if (code != EXIT_DONE)
		return code;
	code = client_ask(ctl, "POST", "/v1/reload", &answer);
	say_all(json_object_get(answer, "warnings"));
	say_all(json_object_get(answer, "faults"));
	json_decref(answer);
	return code;
}

int
verb_resume(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 1, 1);

	return code == EXIT_DONE ? tell_each(ctl, "/v1/feeds/%s/resume", argc, argv) : code;
}

int
verb_accept_move(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 1, 1);

	return code == EXIT_DONE ? tell_each(ctl, "/v1/feeds/%s/accept-move", argc, argv) : code;
}

int
verb_release(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 1, 1);
	json_int_t released = 0;

	if (code != EXIT_DONE)
		return code;
	AUTO(freep) char *path = client_path("/v1/feeds/%s/release", argv[optind]);
	code = client_count(ctl, path, "released", &released);
	if (code == EXIT_DONE)
		output_line("%lld %s released", released, released == 1 ? "item" : "items");
	return code;
}

int
verb_ack(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 2, 2);

	if (code != EXIT_DONE)
		return code;
	AUTO(freep)
	char *path = client_path("/v1/consumers/%s/ack?seq=%s", argv[optind], argv[optind + 1]);
	return client_tell(ctl, path);
}
