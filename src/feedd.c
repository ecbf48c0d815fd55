/* feedd.c - the daemon's main: options, then run. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "feedd/daemon.h"
#include "feedd/log.h"
#include "feedd/mem.h"

static void
help(FILE *out)
{
	fputs("usage: feedd [-c FILE] [-1] [-n] [-v]\n"
	      "\n"
	      "Polls feeds and tells scripts of every new article.\n"
	      "\n"
	      "  -c, --config FILE   configuration (default /etc/feedd/feedd.conf)\n"
	      "  -1, --once          poll every feed once, deliver what is due, exit\n"
	      "  -n, --check         check the configuration and exit\n"
	      "  -v, --verbose       more log; may be repeated\n"
	      "  -V, --version       print the version and exit\n"
	      "  -h, --help          print this and exit\n"
	      "\n"
	      "Exit status: 0 done, 1 failed while running, 2 usage or configuration, 3 the "
	      "database cannot be used.\n"
	      "See feedd(8), feedd.conf(5), feedctl(1), feedd-events(7).\n",
		out);
}

/* What was closed when we were started would become a database or a socket, and the log go into
 * it. */
static void
open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"once", no_argument, NULL, '1'},
		{"check", no_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct daemon_options run = {.config_path = "/etc/feedd/feedd.conf"};
	bool check = false;
	int c;

	open_standard_descriptors();
	mem_guard_libraries();
	while ((c = getopt_long(argc, argv, "c:1nvVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			run.config_path = optarg;
			break;
		case '1':
			run.once = true;
			break;
		case 'n':
			check = true;
			break;
		case 'v':
			run.verbose++;
			break;
		case 'V':
			puts("feedd " FEEDD_VERSION);
			return DAEMON_DONE;
		case 'h':
			help(stdout);
			return DAEMON_DONE;
		default:
			fputs("Try 'feedd --help'.\n", stderr);
			return DAEMON_CONFIG;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "feedd: unexpected argument: %s\nTry 'feedd --help'.\n",
			argv[optind]);
		return DAEMON_CONFIG;
	}
	if (check)
		return (int)daemon_check(run.config_path);
	daemon_init_log(LOG_INFO + run.verbose);
	daemon_become_init();
	return (int)daemon_run(&run);
}
