/* main.c - feedctl: the client's options and the table of its verbs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedctl.h"
#include "simulate.h"

static const struct verb verbs[] = {
	{"simulate", "[--budget N] [--policy adaptive|fixed] [--polls FILE] < TRACE",
		"run the schedule against a trace of publications", verb_simulate},
	{0},
};

const struct verb *
verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

int
verb_usage(const struct verb *verb)
{
	fprintf(stderr, "usage: feedctl %s %s\n", verb->name, verb->usage);
	return EXIT_USAGE;
}

static void
help(FILE *out)
{
	fputs("usage: feedctl [-s SOCKET] VERB ...\n\n", out);
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(out, "  %s %s\n      %s\n", verb->name, verb->usage, verb->help);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct ctl ctl = {.socket = getenv("FEEDD_SOCKET")};
	int c;

	while ((c = getopt_long(argc, argv, "+s:hV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			ctl.socket = optarg;
			break;
		case 'h':
			help(stdout);
			return EXIT_DONE;
		case 'V':
			puts("feedctl " FEEDD_VERSION);
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (!ctl.socket || !*ctl.socket)
		ctl.socket = "/run/feedd.sock";
	const struct verb *verb = optind < argc ? verb_find(argv[optind]) : NULL;
	if (!verb) {
		if (optind < argc)
			fprintf(stderr, "feedctl: unknown verb: %s\n", argv[optind]);
		help(stderr);
		return EXIT_USAGE;
	}
	argc -= optind;
	argv += optind;
	optind = 1;
	return verb->run(&ctl, argc, argv);
}
