/* deliver.c - verbs about notifiers: failed, retry, test, match. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "feedd/http.h"
#include "feedd/mem.h"
#include "output.h"
#include "verbs.h"

int
verb_failed(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const headings[] = {
		"SEQ", "NOTIFIER", "TRIES", "LAST TRY", "ERROR", "TITLE", NULL};
	bool json = false;
	json_t *answer, *row;
	size_t i;
	int code = verb_options(argc, argv, &json, 0, 0);

	if (code != EXIT_DONE)
		return code;
	code = client_show(ctl, "/v1/failed", json, &answer);
	if (!answer)
		return code;
	const json_t *rows = json_object_get(answer, "failed");
	struct table table;
	table_begin(&table, headings);
	json_array_foreach(rows, i, row)
	{
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "seq"));
		table_add(&table, COLOUR_NONE, client_text(row, "notify"));
		table_addf(&table, COLOUR_NONE, "%lld", client_number(row, "attempts"));
		table_add(&table, COLOUR_NONE, output_ago(client_text(row, "last_try")));
		table_add(&table, COLOUR_BAD, client_text(row, "error"));
		table_add(&table, COLOUR_NONE, client_text(row, "title"));
	}
	json_decref(answer);
	return table_print(&table);
}

int
verb_retry(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 0, argc);
	int worst = EXIT_DONE;
	json_int_t sum = 0;

	if (code != EXIT_DONE)
		return code;
	if (optind == argc)
		worst = client_count(ctl, "/v1/retry", "retried", &sum);
	for (int i = optind; i < argc && worst != EXIT_NO_DAEMON; i++) {
		AUTO(freep) char *path = client_path("/v1/retry?seq=%s", argv[i]);

		json_int_t before = sum;

		code = client_count(ctl, path, "retried", &sum);
		if (code == EXIT_DONE && sum == before) {
			output_error("nothing of event %s was set aside", argv[i]);
			code = EXIT_FAILED;
		}
		if (code > worst)
			worst = code;
	}
	if (worst == EXIT_DONE)
		output_line("%lld %s sent again", sum, sum == 1 ? "delivery is" : "deliveries are");
	return worst;
}

int
verb_test(const struct ctl *ctl, int argc, char **argv)
{
	int code = verb_options(argc, argv, NULL, 1, 1);

	if (code != EXIT_DONE)
		return code;
	AUTO(freep) char *path = client_path("/v1/notifiers/%s/test", argv[optind]);
	return client_tell(ctl, path);
}

/* One event of a rehearsal, for people. */
static void
print_match(struct buf *line)
{
	json_t *event = json_loadb(line->data, line->len, 0, NULL);
	const json_t *extension = json_object_get(event, "_feedd");

	output_line("%lld  %s  %s", client_number(extension, "seq"),
		client_text(json_object_get(extension, "feed"), "name"),
		client_text(event, "title") ? client_text(event, "title") : "-");
	json_decref(event);
	buf_reset(line);
}

static int
take_matches(void *arg, const char *data, size_t len)
{
	struct buf *line = arg;

	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		buf_append(line, data, n);
		if (!end)
			break;
		print_match(line);
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

static int
take_raw(void *arg, const char *data, size_t len)
{
	(void)arg;
	return fwrite(data, 1, len, stdout) != len;
}

static int
rehearse(const struct ctl *ctl, const char *path, bool json)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(SIZE_MAX / 2);
	AUTO(http_local_fini)
	struct http_local local = {
		.socket = ctl->socket,
		.path = path,
		.data = json ? take_raw : take_matches,
		.arg = &line,
	};
	int r = http_local_request(&local);

	if (r < 0) {
		output_error("%s", local.detail ? local.detail : strerror(-r));
		return r == -EIO || r == -ECANCELED ? EXIT_FAILED : EXIT_NO_DAEMON;
	}
	if (local.status == 200)
		return output_end();
	json_t *answer =
		json_loadb(local.answer.data ? local.answer.data : "", local.answer.len, 0, NULL);
	const char *error = client_text(answer, "error");
	output_error("%s", error ? error : "the daemon does not answer that");
	json_decref(answer);
	return EXIT_FAILED;
}

int
verb_match(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"since", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *since = NULL;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			since = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			verb_help(argv[0]);
		default:
			return verb_usage(verb_find(argv[0]));
		}
	}
	if (argc - optind != 1)
		return verb_wrong(argv[0], "the name of a notifier is wanted");
	AUTO(freep) char *path = client_path("/v1/notifiers/%s/match", argv[optind]);
	client_parameter(&path, "since", since);
	return rehearse(ctl, path, json);
}
