/*
 * floor.c - what the job costs at least: fetch, SAX-parse, insert; one thread, nothing else.
 *
 *     floor PORT FEEDS DATABASE     fetches http://127.0.0.1:PORT/0.xml … with the ETags of the
 * last run, 64 at once
 *
 * No identity, no HTML, no events, no limits, no safety: the lower bound that feedd is held
 * against.
 */
#include <curl/curl.h>
#include <libxml/parser.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"

#define IN_FLIGHT 64

/* The fields of the item that is being read. */
enum field { FIELD_GUID, FIELD_TITLE, FIELD_LINK, FIELD_DATE, FIELD_TEXT, FIELDS };
static const char *const names[FIELDS] = {"guid", "title", "link", "pubDate", "description"};

struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	xmlParserCtxtPtr parser;
	struct buf fields[FIELDS];
	int field; /* -1: none */
	bool in_item;
	int feed;
	char etag[64];
};

static sqlite3 *db;
static sqlite3_stmt *insert, *set_etag, *get_etag;
static long base_port;

static void
start_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int nb_namespaces, const xmlChar **namespaces, int nb_attributes, int nb_defaulted,
	const xmlChar **attributes)
{
	struct transfer *transfer = arg;

	(void)prefix, (void)uri, (void)nb_namespaces, (void)namespaces, (void)nb_attributes,
		(void)nb_defaulted, (void)attributes;
	if (strcmp((const char *)name, "item") == 0) {
		transfer->in_item = true;
		for (int i = 0; i < FIELDS; i++)
			buf_reset(&transfer->fields[i]);
		return;
	}
	for (int i = 0; transfer->in_item && i < FIELDS; i++)
		if (strcmp((const char *)name, names[i]) == 0)
			transfer->field = i;
}

static void
end_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct transfer *transfer = arg;

	(void)prefix, (void)uri;
	transfer->field = -1;
	if (strcmp((const char *)name, "item") != 0)
		return;
	transfer->in_item = false;
	sqlite3_reset(insert);
	sqlite3_bind_int(insert, 1, transfer->feed);
	for (int i = 0; i < FIELDS; i++)
		sqlite3_bind_text(insert, i + 2, transfer->fields[i].data,
			(int)transfer->fields[i].len, SQLITE_STATIC);
	sqlite3_step(insert);
}

static void
characters(void *arg, const xmlChar *text, int len)
{
	struct transfer *transfer = arg;

	if (transfer->field >= 0)
		buf_append(&transfer->fields[transfer->field], text, (size_t)len);
}

static xmlSAXHandler handler = {
	.initialized = XML_SAX2_MAGIC,
	.startElementNs = start_element,
	.endElementNs = end_element,
	.characters = characters,
	.cdataBlock = characters,
};

static size_t
write_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;

	if (!transfer->parser)
		transfer->parser = xmlCreatePushParserCtxt(&handler, transfer, NULL, 0, NULL);
	xmlParseChunk(transfer->parser, data, (int)(size * n), 0);
	return size * n;
}

static void
begin(CURLM *multi, struct transfer *transfer, int feed)
{
	char url[64], header[96];

	transfer->feed = feed;
	transfer->field = -1;
	snprintf(url, sizeof(url), "http://127.0.0.1:%ld/%d.xml", base_port, feed);
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	sqlite3_reset(get_etag);
	sqlite3_bind_int(get_etag, 1, feed);
	if (sqlite3_step(get_etag) == SQLITE_ROW) {
		snprintf(header, sizeof(header), "If-None-Match: %s",
			(const char *)sqlite3_column_text(get_etag, 0));
		transfer->headers = curl_slist_append(NULL, header);
	}
	curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, write_body);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	curl_multi_add_handle(multi, transfer->easy);
}

static void
finish(struct transfer *transfer)
{
	struct curl_header *etag;

	if (transfer->parser) {
		xmlParseChunk(transfer->parser, "", 0, 1);
		xmlFreeParserCtxt(transfer->parser);
		transfer->parser = NULL;
	}
	if (curl_easy_header(transfer->easy, "ETag", 0, CURLH_HEADER, -1, &etag) != CURLHE_OK)
		return;
	sqlite3_reset(set_etag);
	sqlite3_bind_int(set_etag, 1, transfer->feed);
	sqlite3_bind_text(set_etag, 2, etag->value, -1, SQLITE_STATIC);
	sqlite3_step(set_etag);
}

static void
open_database(const char *path)
{
	sqlite3_open(path, &db);
	sqlite3_exec(db,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, feed INT, guid TEXT, "
		"title TEXT, link TEXT, date TEXT,"
		" text TEXT, UNIQUE(feed, guid)); CREATE TABLE IF NOT EXISTS feeds(id INTEGER "
		"PRIMARY KEY, etag TEXT)",
		NULL, NULL, NULL);
	sqlite3_prepare_v2(db,
		"INSERT OR IGNORE INTO items(feed, guid, title, link, date, text) VALUES(?, ?, ?, "
		"?, ?, ?)",
		-1, &insert, NULL);
	sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO feeds VALUES(?, ?)", -1, &set_etag, NULL);
	sqlite3_prepare_v2(db, "SELECT etag FROM feeds WHERE id = ?", -1, &get_etag, NULL);
}

int
main(int argc, char **argv)
{
	static struct transfer transfers[IN_FLIGHT];

	if (argc != 4)
		return 2;
	base_port = strtol(argv[1], NULL, 10);
	int feeds = (int)strtol(argv[2], NULL, 10), next = 0, running = 0, done = 0;
	open_database(argv[3]);
	CURLM *multi = curl_multi_init();
	for (; next < feeds && next < IN_FLIGHT; next++) {
		transfers[next].easy = curl_easy_init();
		for (int i = 0; i < FIELDS; i++)
			transfers[next].fields[i] = BUF_INIT(1 << 20);
		begin(multi, &transfers[next], next);
	}
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	while (done < feeds) {
		CURLMsg *message;
		int left;

		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left))) {
			struct transfer *transfer;

			curl_easy_getinfo(
				message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
			curl_multi_remove_handle(multi, transfer->easy);
			finish(transfer);
			if (++done % IN_FLIGHT == 0)
				sqlite3_exec(db, "COMMIT; BEGIN", NULL, NULL, NULL);
			if (next < feeds)
				begin(multi, transfer, next++);
		}
		if (done < feeds)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return 0;
}
