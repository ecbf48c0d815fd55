/* rules.c - finding the rules of an element in the dialects' tables. */
#include "rules.h"

#include <string.h>

#include "feedd/mem.h"

/* The longest name in the tables is shorter. */
#define NAME_MAX_LEN ((size_t)24)

static const struct rule_table *const tables[] = {
	&RULES_RSS, &RULES_RDF, &RULES_ATOM, &RULES_EXTENSION};

/* The first rule that is not less than name. */
static const struct rule *
lower_bound(const struct rule_table *table, const char *name)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(table->rules[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return table->rules + low;
}

static size_t
collect(const char *name, enum ns ns, const struct rule *ret_rules[RULES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct rule *end = tables[i]->rules + tables[i]->count;

		for (const struct rule *rule = lower_bound(tables[i], name);
			rule < end && n < RULES_MAX && strcmp(rule->name, name) == 0; rule++)
			if (rule->ns == ns)
				ret_rules[n++] = rule;
	}
	return n;
}

size_t
rules_find(const char *name, enum ns ns, const struct rule *ret_rules[RULES_MAX])
{
	char lower[NAME_MAX_LEN];
	size_t len = 0;

	for (; name[len]; len++) {
		if (len + 1 >= sizeof(lower))
			return 0;
		lower[len] =
			(char)(name[len] >= 'A' && name[len] <= 'Z' ? name[len] + 32 : name[len]);
	}
	lower[len] = '\0';
	size_t n = collect(lower, ns, ret_rules);
	/* The two families are mixed up in the wild, above all by a default namespace that is the
	 * other's. */
	if (n == 0 && ns == NS_ATOM)
		n = collect(lower, NS_RSS, ret_rules);
	else if (n == 0 && ns == NS_RSS)
		n = collect(lower, NS_ATOM, ret_rules);
	return n;
}
