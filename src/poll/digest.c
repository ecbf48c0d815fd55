/*
 * digest.c - on the pool: an answer's body becomes a document with keys.
 *
 * Touches the poll alone.
 */
#include "feedd/parse.h"
#include "journey.h"

/* A feed on its first poll has only new items: their texts are made here, off the store's thread.
 */
static void
finish_items(struct poll *poll)
{
	for (size_t i = 0; i < poll->document->n_items; i++)
		item_finish(&poll->document->items[i], &poll->arena);
}

void
poll_digest(struct parcel *parcel)
{
	struct poll *poll = CONTAINER_OF(parcel, struct poll, digest);
	const struct feed_state *state = &poll->store.state;
	struct http_request *request = &poll->request;

	poll->body_hash =
		hash64(0, request->answer.data ? request->answer.data : "", request->answer.len);
	if (poll->body_hash == 0) /* which stands for none */
		poll->body_hash = 1;
	poll->same_body =
		poll->body_hash == state->body_hash && !request->truncated && !request->partial;
	if (poll->same_body)
		return;
	struct parse_limits limits = PARSE_LIMITS;
	limits.max_items = (size_t)poll->config->max_items;
	struct parse_input input = {
		.data = request->answer.data ? request->answer.data : "",
		.len = request->answer.len,
		.content_type = request->content_type,
		.url = request->effective_url ? request->effective_url : state->url,
		.limits = &limits,
		.truncated = request->truncated,
		.spent = &request->answer,
	};
	if (parse_feed(&input, &poll->arena, &poll->document, &poll->parse_error) < 0) {
		poll->document = NULL;
		if (!poll->parse_error)
			poll->parse_error = "not a feed";
		return;
	}
	struct store_poll *store = &poll->store;
	store->document = poll->document;
	store->partial = poll->document->bozo || poll->document->incomplete || request->truncated ||
		request->partial;
	store->keys = identity_keys(poll->document, &poll->settings_of->settings->identity,
		state->sticky_guid_link, &store->sticky, &poll->arena);
	if (state->first_poll_at == 0)
		finish_items(poll);
	buf_fini(&request->answer); /* the document has copies of all that it needs */
}
