/* main.c - feedctl: the client's options and the table of its verbs. */
#include <getopt.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "feedd/mem.h"
#include "import.h"
#include "simulate.h"
#include "verbs.h"

static const struct verb verbs[] = {
	{"status", "[--json]", "what the daemon does, its notifiers and consumers", verb_status},
	{"feeds", "[--json]", "all feeds, one a line", verb_feeds},
	{"show", "[--json] NAME", "all that is known of a feed", verb_show},
	{"poll", "[--force] [NAME...]", "poll feeds now (all, where none is named)", verb_poll},
	{"reload", "", "read the configuration anew; faults are said, and change nothing",
		verb_reload},
	{"resume", "NAME", "poll a feed again that was gone (410)", verb_resume},
	{"accept-move", "NAME", "take the new address of a feed that has moved", verb_accept_move},
	{"release", "NAME", "tell the items that were held when a site changed all ids",
		verb_release},
	{"why", "[--json] NAME|SEQ", "why a feed is polled when it is; why an event came about",
		verb_why},
	{"follow",
		"[--consumer NAME] [--after SEQ|now] [--feed NAME] [--where EXPR] [--limit N] "
		"[--no-wait] [--no-ack]",
		"the events of the log as JSON Lines, then live", verb_follow},
	{"ack", "CONSUMER SEQ", "all up to this event was dealt with", verb_ack},
	{"items", "[--feed NAME] [--tag TAG] [--search WORDS] [--limit N] [--json]",
		"stored items, newest first", verb_items},
	{"failed", "[--json]", "deliveries that were set aside", verb_failed},
	{"retry", "[SEQ...]", "send again what was set aside", verb_retry},
	{"test", "NOTIFY", "send a sample event through a notifier", verb_test},
	{"match", "NOTIFY [--since 7d] [--json]", "what a notifier would have sent", verb_match},
	{"backup", "FILE", "a sound copy of the database", verb_backup},
	{"export", "> FILE.opml", "the subscriptions as OPML", verb_export},
	{"import", "FILE.opml", "feed blocks out of an OPML file, - for standard input",
		verb_import},
	{"simulate", "[--budget N] [--policy adaptive|fixed] [--polls FILE] < TRACE",
		"run the schedule against a trace of publications", verb_simulate},
	{"parse", "[FILE|URL|-]", "any feed as one JSON Feed object (no daemon needed)",
		verb_parse},
	{"discover", "[--json] FILE|URL|-", "the feeds that a page announces (no daemon needed)",
		verb_discover},
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
	fprintf(stderr, "usage: feedctl %s%s%s\n", verb->name, *verb->usage ? " " : "",
		verb->usage);
	return EXIT_USAGE;
}

static void
help(FILE *out)
{
	fputs("usage: feedctl [-s SOCKET] VERB ...\n\n"
	      "Asks and steers a running feedd.\n\n"
	      "  -s, --socket SOCKET  the daemon's socket (default $FEEDD_SOCKET, else "
	      "/run/feedd.sock)\n"
	      "  -V, --version        print the version and exit\n"
	      "  -h, --help           print this and exit; after a verb: its usage\n\n",
		out);
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(out, "  %s%s%s\n      %s\n", verb->name, *verb->usage ? " " : "",
			verb->usage, verb->help);
	fputs("\nExit status: 0 done, 1 what was asked for failed, 2 wrong usage, 3 no daemon at "
	      "the "
	      "socket.\nSee feedctl(1), feedd(8), feedd.conf(5), feedd-events(7).\n",
		out);
}

/* "" and "--option=": what a script makes of a variable without a value. No verb takes that for all
 * there is. */
static bool
is_empty(const char *argument)
{
	const char *equals = strncmp(argument, "--", 2) == 0 ? strchr(argument, '=') : NULL;

	return *argument == '\0' || (equals && equals[1] == '\0');
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

	mem_guard_libraries();
	setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of characters only */
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
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		verb_help(argv[0]);
	for (int i = 1; i < argc; i++)
		if (is_empty(argv[i]))
			return verb_wrong(argv[0], "an argument is empty");
	optind = 0; /* begins anew, and lets operands stand before options */
	return verb->run(&ctl, argc, argv);
}
