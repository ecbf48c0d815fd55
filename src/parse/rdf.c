/* rdf.c - what RSS 0.90, 1.0 and 1.1 have that the others have not: the root, and addresses as
 * attributes. A table. */
#include "feedd/mem.h"
#include "rules.h"

static const struct rule rules[] = {
	{"rdf", NS_RDF, IN_DOCUMENT, ENTER_RDF, SLOT_NONE, 1},
	{"value", NS_RDF, IN_ITEM, READ_HTML, SLOT_CONTENT, 5},
};

const struct rule_table RULES_RDF = {rules, ARRAY_SIZE(rules)};
