/*
 * extension.c - elements of the extensions that feeds are written with: Dublin Core, content, Media
 * RSS, iTunes, podcast, syndication, FeedBurner, XHTML. A table, nothing else. slash, wfw, georss
 * and thr say nothing that an item holds.
 */
#include "feedd/mem.h"
#include "rules.h"

static const struct rule rules[] = {
	{"abstract", NS_DCTERMS, IN_ITEM, READ_HTML, SLOT_DESCRIPTION, 4},
	{"author", NS_DC, IN_ANY, READ_AUTHOR, SLOT_NONE, 2},
	{"author", NS_ITUNES, IN_ANY, READ_AUTHOR, SLOT_NONE, 3},
	{"body", NS_XHTML, IN_ITEM, READ_XHTML, SLOT_CONTENT, 2},
	{"category", NS_ITUNES, IN_ITEM | IN_TAG, READ_TAG, SLOT_NONE, 1},
	{"category", NS_MEDIA, IN_ITEM | IN_MEDIA, READ_TAG, SLOT_NONE, 1},
	{"content", NS_MEDIA, IN_ANY | IN_MEDIA, TAKE_MEDIA, SLOT_NONE, 1},
	{"created", NS_DCTERMS, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 5},
	{"creator", NS_DC, IN_ANY, READ_AUTHOR, SLOT_NONE, 2},
	{"creator", NS_DCTERMS, IN_ANY, READ_AUTHOR, SLOT_NONE, 2},
	{"date", NS_DC, IN_FEED, READ_DATE, SLOT_MODIFIED, 2},
	{"date", NS_DC, IN_ITEM, READ_DATE, SLOT_DATE, 4},
	{"description", NS_DC, IN_ANY, READ_HTML, SLOT_DESCRIPTION, 2},
	{"description", NS_DCTERMS, IN_ANY, READ_HTML, SLOT_DESCRIPTION, 3},
	{"description", NS_MEDIA, IN_ITEM | IN_MEDIA, READ_CONSTRUCT, SLOT_TEXT, 1},
	{"div", NS_XHTML, IN_ITEM, READ_XHTML, SLOT_CONTENT, 4},
	{"duration", NS_ITUNES, IN_ITEM, READ_DURATION, SLOT_DURATION, 1},
	{"encoded", NS_CONTENT, IN_ITEM, READ_HTML, SLOT_CONTENT, 1},
	{"group", NS_MEDIA, IN_ITEM | IN_MEDIA, ENTER_MEDIA, SLOT_NONE, 1},
	{"icon", NS_WEBFEEDS, IN_FEED, READ_URL, SLOT_FAVICON, 2},
	{"identifier", NS_DC, IN_ITEM, READ_ID, SLOT_ID, 4},
	{"image", NS_ITUNES, IN_FEED, TAKE_IMAGE, SLOT_IMAGE, 3},
	{"image", NS_ITUNES, IN_ITEM, TAKE_IMAGE, SLOT_IMAGE, 1},
	{"image", NS_PODCAST, IN_ANY, TAKE_IMAGE, SLOT_IMAGE, 5},
	{"issued", NS_DCTERMS, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 2},
	{"keywords", NS_ITUNES, IN_ITEM, READ_TAGS, SLOT_NONE, 1},
	{"language", NS_DC, IN_ANY, READ_LINE, SLOT_LANGUAGE, 2},
	{"link", NS_ITUNES, IN_FEED, READ_LINK, SLOT_NONE, 4},
	{"logo", NS_WEBFEEDS, IN_FEED, READ_URL, SLOT_IMAGE, 6},
	{"modified", NS_DCTERMS, IN_FEED, READ_DATE, SLOT_MODIFIED, 3},
	{"modified", NS_DCTERMS, IN_ITEM, READ_DATE, SLOT_MODIFIED, 2},
	{"origlink", NS_FEEDBURNER, IN_ITEM, READ_URL, SLOT_LINK, 8},
	{"subject", NS_DC, IN_ITEM, READ_TAG, SLOT_NONE, 1},
	{"subject", NS_DCTERMS, IN_ITEM, READ_TAG, SLOT_NONE, 1},
	{"subtitle", NS_ITUNES, IN_ANY, READ_HTML, SLOT_DESCRIPTION, 6},
	{"summary", NS_ITUNES, IN_ANY, READ_HTML, SLOT_DESCRIPTION, 5},
	{"thumbnail", NS_MEDIA, IN_FEED, TAKE_IMAGE, SLOT_IMAGE, 5},
	{"thumbnail", NS_MEDIA, IN_ITEM | IN_MEDIA, TAKE_IMAGE, SLOT_IMAGE, 2},
	{"title", NS_DC, IN_ANY, READ_TITLE, SLOT_TITLE, 2},
	{"title", NS_DCTERMS, IN_ANY, READ_TITLE, SLOT_TITLE, 3},
	{"title", NS_ITUNES, IN_ANY, READ_TITLE, SLOT_TITLE, 5},
	{"title", NS_MEDIA, IN_ITEM | IN_MEDIA, READ_TITLE, SLOT_TITLE, 4},
	{"updatefrequency", NS_SY, IN_FEED, READ_NUMBER, SLOT_FREQUENCY, 1},
	{"updateperiod", NS_SY, IN_FEED, READ_PERIOD, SLOT_PERIOD, 1},
};

const struct rule_table RULES_EXTENSION = {rules, ARRAY_SIZE(rules)};
