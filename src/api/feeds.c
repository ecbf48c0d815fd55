/* feeds.c - /v1/feeds, /v1/feeds/NAME and why it is polled when it is; /v1/items. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/url.h"
#include "server.h"

static json_t *
address_json(const char *url)
{
	struct arena arena = {0};
	json_t *json = json_text(url ? url_redact(&arena, url) : NULL);

	arena_fini(&arena);
	return json;
}

static void
set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

/* What a list shows of each feed. */
static json_t *
feed_summary(const struct view_feed *feed)
{
	const struct feed_state *state = feed->state;
	json_t *object = json_object();
	int64_t interval = state->last_poll_at > 0 && state->next_poll_at > state->last_poll_at
		? state->next_poll_at - state->last_poll_at
		: 0;

	set(object, "name", json_text(state->name));
	set(object, "title", json_text(state->title));
	set(object, "url", address_json(state->url));
	set(object, "home_page_url", address_json(state->home_page_url));
	json_t *tags = feed->tags_json ? json_loads(feed->tags_json, 0, NULL) : NULL;
	set(object, "tags", json_is_array(tags) ? json_incref(tags) : json_array());
	json_decref(tags);
	set(object, "configured", json_boolean(feed->configured));
	set(object, "state", json_string(feed_health_name(state->health)));
	set(object, "last_poll", json_date(state->last_poll_at));
	set(object, "next_poll", feed->configured ? json_date(state->next_poll_at) : json_null());
	set(object, "interval", interval > 0 ? json_integer(interval) : json_null());
	set(object, "last_error", json_text(state->detail));
	set(object, "status", state->status ? json_integer(state->status) : json_null());
	set(object, "items", json_integer(feed->n_items >= 0 ? feed->n_items : state->items));
	set(object, "last_item", json_date(feed->last_item_at));
	set(object, "failures", json_integer(state->fails));
	return object;
}

/* What one feed shows besides. */
static json_t *
feed_details(const struct view_feed *feed)
{
	const struct feed_state *state = feed->state;
	json_t *object = feed_summary(feed);

	set(object, "language", json_text(state->language));
	set(object, "first_poll", json_date(state->first_poll_at));
	set(object, "last_success", json_date(state->last_success_at));
	set(object, "last_change", json_date(state->last_change_at));
	set(object, "last_full_fetch", json_date(state->full_fetch_at));
	set(object, "failing_since", json_date(state->failing_since));
	set(object, "retry_after", json_date(state->retry_after_at));
	set(object, "moved_to", address_json(state->moved_to));
	set(object, "moved_since", json_date(state->moved_since));
	set(object, "reason", json_text(state->reason));
	set(object, "hint", state->hint > 0 ? json_integer(state->hint) : json_null());
	set(object, "ttl", state->hints.ttl > 0 ? json_integer(state->hints.ttl) : json_null());
	set(object, "etag", json_text(state->etag));
	set(object, "last_modified", json_text(state->last_modified));
	set(object, "held", json_integer(feed->n_held));
	set(object, "polls", json_integer(state->polls));
	set(object, "polls_unchanged", json_integer(state->polls_304));
	set(object, "items_seen", json_integer(state->items));
	set(object, "bytes", json_integer(state->bytes));
	return object;
}

static int
list_feed(void *arg, const struct view_feed *feed)
{
	struct buf *body = arg;
	json_t *object = feed_summary(feed);
	char *text = json_dumps(object, JSON_COMPACT);

	json_decref(object);
	if (!text)
		return 0;
	if (body->data[body->len - 1] != '[')
		buf_puts(body, ",\n");
	buf_puts(body, text);
	free(text);
	return 0;
}

enum MHD_Result
route_feeds(struct request *request)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(SIZE_MAX / 2);

	buf_puts(&body, "{\"feeds\":[");
	int r = view_feeds(request->api->view, NULL, list_feed, &body);
	if (r < 0)
		return respond_errno(request, r);
	buf_puts(&body, "]}\n");
	return respond_body(request, MHD_HTTP_OK, "application/json", &body);
}

static int
take_feed(void *arg, const struct view_feed *feed)
{
	json_t **ret_object = arg;

	*ret_object = feed_details(feed);
	return 1;
}

/* The feed that the request names, or NULL with *ret_error set. */
static json_t *
find_feed(struct request *request, int *ret_error)
{
	json_t *object = NULL;
	int r = view_feeds(request->api->view, request->name, take_feed, &object);

	*ret_error = object ? 0 : r < 0 ? r : -ENOENT;
	return object;
}

static enum MHD_Result
no_feed(struct request *request, int error)
{
	if (error == -ENOENT)
		return respond_error(
			request, MHD_HTTP_NOT_FOUND, "there is no feed \"%s\"", request->name);
	return respond_errno(request, error);
}

enum MHD_Result
route_feed(struct request *request)
{
	int error;
	json_t *object = find_feed(request, &error);

	return object ? respond_json(request, MHD_HTTP_OK, object) : no_feed(request, error);
}

/* The stored part and the loop's part in one object. */
static enum MHD_Result
answer_why(struct request *request)
{
	struct api_command *command = request->command;
	int error;
	json_t *object = find_feed(request, &error);

	if (!object)
		return no_feed(request, error);
	json_t *live = command->body.len > 0 && command->status / 100 != 4
		? json_loads(command->body.data, 0, NULL)
		: NULL;
	if (json_is_object(live))
		json_object_update(object, live);
	json_decref(live);
	return respond_json(request, MHD_HTTP_OK, object);
}

enum MHD_Result
route_feed_why(struct request *request)
{
	int error;
	json_t *object = find_feed(request, &error);

	json_decref(object);
	if (error < 0)
		return no_feed(request, error);
	return ask_loop(request, API_WHY, request->name, answer_why);
}

static int
take_nothing(void *arg, const struct view_feed *feed)
{
	(void)arg;
	(void)feed;
	return 1;
}

bool
feed_exists(struct request *request, const char *name)
{
	return view_feeds(request->api->view, name, take_nothing, NULL) != -ENOENT;
}

struct page {
	struct buf body;
	size_t limit, n, looked; /* looked: rows of the last call */
	int64_t last;
	bool more;
};

static int
page_item(
	void *arg, int64_t id, const char *json, const struct rendered *fields, int64_t first_seen)
{
	struct page *page = arg;

	(void)fields;
	(void)first_seen;
	page->looked++;
	if (page->n == page->limit || (page->n > 0 && page->body.len > PAGE_BYTES)) {
		page->more = true;
		return 1;
	}
	if (page->n > 0)
		buf_puts(&page->body, ",\n");
	buf_puts(&page->body, json);
	page->n++;
	page->last = id;
	return 0;
}

/* The address of the next page: this one's parameters with another `before`. */
static char *
next_address(struct request *request, int64_t before)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(4 * QUERY_URI_MAX);

	buf_puts(&out, "/v1/items?");
	for (size_t i = 0; i < request->query.n_pairs; i++) {
		const struct query_pair *pair = &request->query.pairs[i];

		if (strcmp(pair->name, "before") == 0)
			continue;
		for (const char *c = pair->name; *c; c++)
			buf_printf(&out, "%%%02X", (unsigned char)*c);
		buf_putc(&out, '=');
		for (const char *c = pair->value; *c; c++)
			buf_printf(&out, "%%%02X", (unsigned char)*c);
		buf_putc(&out, '&');
	}
	buf_printf(&out, "before=%lld", (long long)before);
	return buf_steal(&out);
}

static enum MHD_Result
answer_page(struct request *request, struct page *page)
{
	buf_puts(&page->body, "]");
	if (page->more) {
		AUTO(freep) char *next = next_address(request, page->last);

		buf_printf(&page->body, ",\"next_url\":\"http://feedd%s\"", next);
	}
	buf_puts(&page->body, "}\n");
	return respond_body(request, MHD_HTTP_OK, "application/feed+json", &page->body);
}

/* Fills the page, call by call, with one item more than it holds to see whether there is a next
 * one.
 */
static int
fill_page(struct request *request, struct view_items *items, struct page *page)
{
	do {
		size_t wanted = page->limit - page->n + 1;

		items->limit = wanted < VIEW_ITEMS_MAX ? wanted : VIEW_ITEMS_MAX;
		page->looked = 0;
		int r = view_items(request->api->view, items);
		if (r < 0)
			return r;
		items->before = page->last;
	} while (!page->more && page->looked == items->limit);
	return 0;
}

enum MHD_Result
route_items(struct request *request)
{
	const struct query *query = &request->query;
	struct page page = {.body = BUF_INIT(SIZE_MAX / 2)};
	int64_t limit = 50;
	struct view_items items = {
		.feed = query_get(query, "feed"),
		.tag = query_get(query, "tag"),
		.search = query_get(query, "q"),
		.row = page_item,
		.arg = &page,
	};

	if (query_number(query, "after", 0, INT64_MAX, &items.after) < 0 ||
		query_number(query, "before", 0, INT64_MAX, &items.before) < 0 ||
		query_number(query, "limit", 1, INT64_MAX, &limit) < 0)
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "after, before and limit are numbers");
	if (items.feed && !feed_exists(request, items.feed))
		return respond_error(
			request, MHD_HTTP_NOT_FOUND, "there is no feed \"%s\"", items.feed);
	page.limit = (size_t)(limit < PAGE_ITEMS ? limit : PAGE_ITEMS);
	buf_puts(&page.body,
		"{\"version\":\"https://jsonfeed.org/version/"
		"1.1\",\"title\":\"feedd\",\"items\":[");
	int r = fill_page(request, &items, &page);
	enum MHD_Result result;
	if (r == -EINVAL)
		result = respond_error(request, MHD_HTTP_BAD_REQUEST, "q cannot be searched for");
	else if (r < 0)
		result = respond_errno(request, r);
	else
		result = answer_page(request, &page);
	buf_fini(&page.body);
	return result;
}
