/* client.c - see client.h. */
#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/http.h"
#include "feedd/log.h"
#include "feedd/mem.h"
#include "output.h"

/* What the daemon says of an error, or of its status where it says nothing. */
static void
say_error(const json_t *answer, int status)
{
	const char *error = client_text(answer, "error");

	if (error)
		output_error("%s", error);
	else
		output_error("the daemon answered with status %d", status);
}

/* 0 and the answer in local, or the exit status after the fault was said. */
static int
request(const struct ctl *ctl, const char *method, const char *path, struct http_local *local)
{
	*local = (struct http_local){.socket = ctl->socket, .method = method, .path = path};
	int r = http_local_request(local);

	if (r == 0)
		return EXIT_DONE;
	output_error("%s", local->detail ? local->detail : strerror(-r));
	return r == -EIO ? EXIT_FAILED : EXIT_NO_DAEMON;
}

static int
ask(const struct ctl *ctl, const char *method, const char *path, bool print, json_t **ret_answer)
{
	AUTO(http_local_fini) struct http_local local;
	int code = request(ctl, method, path, &local);
	json_error_t fault;

	*ret_answer = NULL;
	if (code != EXIT_DONE)
		return code;
	json_t *answer = json_loadb(local.answer.data ? local.answer.data : "", local.answer.len,
		JSON_DECODE_ANY, &fault);
	if (local.status / 100 != 2) {
		if (json_array_size(json_object_get(answer, "faults")) == 0)
			say_error(answer, local.status);
		*ret_answer = answer;
		return EXIT_FAILED;
	}
	if (!answer) {
		output_error("the daemon's answer is not JSON: %s", fault.text);
		return EXIT_FAILED;
	}
	if (print) {
		json_decref(answer);
		return output_raw(local.answer.data, local.answer.len);
	}
	*ret_answer = answer;
	return EXIT_DONE;
}

int
client_ask(const struct ctl *ctl, const char *method, const char *path, json_t **ret_answer)
{
	return ask(ctl, method, path, false, ret_answer);
}

int
client_show(const struct ctl *ctl, const char *path, bool json, json_t **ret_answer)
{
	int code = ask(ctl, "GET", path, json, ret_answer);

	if (code != EXIT_DONE) {
		json_decref(*ret_answer);
		*ret_answer = NULL;
	}
	return code;
}

int
client_tell(const struct ctl *ctl, const char *path)
{
	json_t *answer;
	int code = ask(ctl, "POST", path, false, &answer);

	json_decref(answer);
	return code;
}

int
client_count(const struct ctl *ctl, const char *path, const char *name, json_int_t *sum)
{
	json_t *answer;
	int code = ask(ctl, "POST", path, false, &answer);

	if (code == EXIT_DONE)
		*sum += client_number(answer, name);
	json_decref(answer);
	return code;
}

static void
put_encoded(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

char *
client_path(const char *fmt, ...)
{
	struct buf out = BUF_INIT(1 << 20);
	va_list args;

	va_start(args, fmt);
	for (; *fmt; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			put_encoded(&out, va_arg(args, const char *));
			fmt++;
		} else {
			buf_putc(&out, *fmt);
		}
	}
	va_end(args);
	return buf_steal(&out);
}

void
client_parameter(char **path, const char *name, const char *value)
{
	struct buf out = BUF_INIT(1 << 20);

	if (!value)
		return;
	buf_puts(&out, *path);
	buf_putc(&out, strchr(*path, '?') ? '&' : '?');
	put_encoded(&out, name);
	buf_putc(&out, '=');
	put_encoded(&out, value);
	free(*path);
	*path = buf_steal(&out);
}

const char *
client_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

json_int_t
client_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_real(value) ? (json_int_t)json_real_value(value) : json_integer_value(value);
}

void
verb_help(const char *name)
{
	const struct verb *verb = verb_find(name);

	printf("usage: feedctl %s %s\n%s\n", verb->name, verb->usage, verb->help);
	exit(EXIT_DONE);
}

int
verb_wrong(const char *name, const char *what)
{
	output_error("%s: %s", name, what);
	return verb_usage(verb_find(name));
}

int
verb_options(int argc, char **argv, bool *ret_json, int min, int max)
{
	static const struct option with_json[] = {
		{"help", no_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	static const struct option without[] = {
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", ret_json ? with_json : without, NULL)) != -1) {
		if (c == 'h')
			verb_help(argv[0]);
		if (c != 'j' || !ret_json)
			return verb_usage(verb_find(argv[0]));
		*ret_json = true;
	}
	int given = argc - optind;
	if (given < min)
		return verb_wrong(argv[0], "an argument is missing");
	if (given > max)
		return verb_wrong(argv[0], "too many arguments");
	return EXIT_DONE;
}
