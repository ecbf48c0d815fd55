/* config_ref.c - how long a configuration lives. Loop thread only. */
#include "feedd/config.h"

struct config *
config_ref(struct config *config)
{
	config->refs++;
	return config;
}

void
config_unref(struct config *config)
{
	if (config && --config->refs == 0)
		config_free(config);
}
