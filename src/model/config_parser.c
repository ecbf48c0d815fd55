/*
 * config_parser.c - libConfuse, statement by statement, from its options to its errors.
 *
 * It hands its callbacks no pointer of ours and its lexer is a global, so the loader that is being
 * filled is in a thread-local variable for the length of a call, and configurations are loaded by
 * one thread at a time.
 */
#include <confuse.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_loader.h"
#include "config_scan.h"

static _Thread_local struct config_loader *parsing;

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	if (parsing)
		vsnprintf(parsing->error, sizeof(parsing->error), fmt, ap);
}

static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)cfg;
	(void)opt;
	parsing->arguments = xcalloc((size_t)argc + 1, sizeof(*parsing->arguments));
	for (int i = 0; i < argc; i++)
		parsing->arguments[i] = xstrdup(argv[i]);
	parsing->n_arguments = (size_t)argc;
	return 0;
}

#define N_OPTIONS_MAX 64

static size_t
add_options(cfg_opt_t opts[N_OPTIONS_MAX], size_t n, enum option_section section)
{
	const struct option_table *table = &option_tables[section];

	for (size_t i = 0; i < table->n; i++) {
		const char *name = table->options[i].name;
		opts[n++] = table->options[i].type == OPTION_LIST
			? (cfg_opt_t)CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
			: (cfg_opt_t)CFG_STR(name, NULL, CFGF_NODEFAULT);
	}
	return n;
}

cfg_t *
loader_parser(enum option_section section)
{
	cfg_opt_t opts[N_OPTIONS_MAX];
	size_t n = add_options(opts, 0, section);

	if (section == SECTION_TOP) {
		n = add_options(opts, n, SECTION_SETTINGS);
		opts[n++] = (cfg_opt_t)CFG_STR_LIST("subscriptions", NULL, CFGF_NODEFAULT);
		opts[n++] = (cfg_opt_t)CFG_FUNC("include", on_include);
	} else if (section == SECTION_FEED) {
		n = add_options(opts, n, SECTION_SETTINGS);
	}
	opts[n] = (cfg_opt_t)CFG_END();
	cfg_t *parser = cfg_init(opts, CFGF_NONE);
	if (!parser)
		mem_exhausted(0);
	cfg_set_error_function(parser, on_error);
	return parser;
}

/* Where memory is gone, libConfuse's scanner ends the process by exit(2): a status that says that
 * the configuration is at fault, and that nobody need start feedd again. */
static void
on_end_within(void)
{
	if (parsing)
		mem_exhausted(0);
}

static void
guard_end(void)
{
	if (atexit(on_end_within) != 0)
		mem_exhausted(0);
}

int
loader_parse(struct config_loader *loader, const struct config_statement *st)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char after = st->text[st->len];

	pthread_once(&once, guard_end);
	st->text[st->len] = '\0';
	loader->error[0] = '\0';
	parsing = loader;
	errno = 0;
	int rc = cfg_parse_buf(loader->parsers[loader->section], st->text);
	/* Without a word and for want of memory, it is no fault of the file. */
	if (rc != CFG_SUCCESS && !loader->error[0] && errno == ENOMEM)
		mem_exhausted(0);
	parsing = NULL;
	st->text[st->len] = after;
	if (rc == CFG_SUCCESS)
		return 0;
	loader_fault(loader, st->line, "%s", loader->error[0] ? loader->error : "syntax error");
	return -EINVAL;
}
