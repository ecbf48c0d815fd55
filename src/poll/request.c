/* request.c - a feed's settings and state become a request. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "feedd/url.h"
#include "journey.h"

/* Last-Modified in the year where 32 bits end: some servers send it for everything. */
static bool
is_honest(const char *last_modified)
{
	return last_modified && !strstr(last_modified, "2038");
}

/* Now and then a feed that only ever answers 304 is asked without validators: some servers lie. */
static bool
is_conditional(const struct poll *poll, const struct feed_state *state)
{
	int64_t after = poll->config->full_fetch_after;

	if (poll->force)
		return false;
	/* In the future: the clock was put back. */
	int64_t age = poll->now - state->full_fetch_at;

	return after == 0 || state->full_fetch_at == 0 || (age >= 0 && age < after);
}

/* True if an origin is the other one but for TLS, at the same port or at those that go by default.
 */
static bool
is_same_by_tls(const char *plain, const char *secured)
{
	if (strncmp(plain, "http://", 7) != 0 || strncmp(secured, "https://", 8) != 0)
		return false;
	const char *port = strrchr(plain, ':'), *other = strrchr(secured, ':');
	size_t len = (size_t)(port - plain) - 7;
	return len == (size_t)(other - secured) - 8 && strncmp(plain + 7, secured + 8, len) == 0 &&
		(strcmp(port, other) == 0 ||
			(strcmp(port, ":80") == 0 && strcmp(other, ":443") == 0));
}

/* True if the accepted address is of another origin: the feed was read there without credentials
 * when it moved, and they stay at home. That it is protected now is no reason. */
static bool
is_away(const struct feed_state *state)
{
	AUTO(arena_fini) struct arena arena = {0};

	if (!state->accepted_url)
		return false;
	const char *own = url_origin(&arena, state->url),
		   *now = url_origin(&arena, state->accepted_url);
	return !own || !now || (strcmp(own, now) != 0 && !is_same_by_tls(own, now));
}

void
poll_prepare(struct poll *poll, const struct feed_state *state)
{
	const struct feed_settings *settings = poll->settings_of->settings;
	struct http_request *request = &poll->request;
	AUTO(arena_fini) struct arena arena = {0};
	const char *host = url_host(&arena, state->url);

	*request = (struct http_request){
		.url = state->accepted_url ? state->accepted_url : state->url,
		.headers = settings->headers.at,
		.n_headers = settings->headers.n,
		.user_agent = settings->user_agent,
		.proxy = settings->proxy,
		.ca_file = settings->ca_file,
		.client_cert = settings->client_cert,
		.client_key = settings->client_key,
		.http_version = settings->http,
		.username = settings->username,
		.password = settings->password,
		.bearer = settings->password && !settings->username,
		.away = is_away(state),
		.tls_verify = settings->tls_verify,
		.allow_private = settings->private,
		.allow_file = true,
		.follow = true,
		.timeout_ms = settings->timeout * 1000,
		.max_bytes = settings->max_size,
	};
	if (is_conditional(poll, state)) {
		request->etag = state->etag;
		request->last_modified =
			is_honest(state->last_modified) ? state->last_modified : NULL;
	}
	if (host && url_host_is_private(host)) {
		poll->private_host = xstrdup(host);
		request->private_host = poll->private_host;
	}
}
