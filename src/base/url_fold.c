/*
 * url_fold.c - addresses made alike, for comparison only. Pure: touches nothing but its arguments.
 *
 * url_fold() takes away what never matters, url_article() also what never matters for the same
 * article. What may matter stays: "?id=7" and "?page=2" are content, "?ref=master" is a branch.
 */
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/mem.h"
#include "url_parts.h"

/* False where a name that was decoded or cut would be read as another the next time: "%37", or
 * "1.7", which is an address. */
static bool
is_final(struct arena *arena, const char *name)
{
	bool v6 = strchr(name, ':') != NULL;
	const char *again =
		url_host(arena, arena_printf(arena, v6 ? "http://[%s]/" : "http://%s/", name));

	return again && strcmp(again, name) == 0;
}

/* Host and port of an http(s) address as they are compared: lower case, ACE, without "www.", final
 * dot and default port. NULL if it is none. */
static char *
fold_host(struct arena *arena, const char *url, const struct url_parts *parts)
{
	struct span user, host, port;
	const char *real_port = NULL;

	if (!url_is_http(url))
		return NULL;
	url_take_authority(&parts->authority, &user, &host, &port);
	bool plain = url_host_is_plain(&host);
	char *name = plain ? url_host(arena, url) : url_curl_host(arena, url, &real_port);
	if (!name || !*name)
		return NULL;
	size_t len = strlen(name);
	while (len > 1 && name[len - 1] == '.')
		len--;
	while (len > 4 && strncmp(name, "www.", 4) == 0 && memchr(name + 4, '.', len - 4)) {
		name += 4;
		len -= 4;
		plain = false;
	}
	/* Without its dot a number would become an address. */
	struct span bare = {name, len};
	if (url_host_is_plain(&bare))
		name[len] = '\0';
	if (!plain && !is_final(arena, name))
		return NULL;
	struct span digits = {port.at, port.len};
	if (!port.at || port.len == 0 || span_is(&digits, "80") || span_is(&digits, "443"))
		return name;
	return arena_printf(arena, "%s:%.*s", name, (int)port.len, port.at);
}

char *
url_fold(struct arena *arena, const char *url)
{
	struct url_parts parts;

	url_take_apart(url, &parts);
	char *host = fold_host(arena, url, &parts);
	if (!host)
		return arena_strdup(arena, url);
	const char *rest = parts.path.at;
	size_t len = strlen(rest);
	if (!parts.query.at && !parts.fragment.at)
		while (len > 0 && rest[len - 1] == '/')
			len--;
	return arena_printf(arena, "http://%s%s%.*s", host, len > 0 && rest[0] != '/' ? "/" : "",
		(int)len, rest);
}

/*
 * Articles
 */

/* Parameters that say where a reader came from, or who he is; "*" at the end takes all that begin
 * so. Lower case. */
static const char *const TRACKING[] = {
	"__s",
	"__twitter_impression",
	"_ga",
	"_gl",
	"_hsenc",
	"_hsmi",
	"amp",
	"aspsessionid*",
	"at_*",
	"cid_source",
	"cmp",
	"cmpid",
	"cmpref",
	"cvid",
	"dclid",
	"echobox",
	"ef_id",
	"emc",
	"fb_action_*",
	"fb_ref",
	"fb_source",
	"fbclid",
	"feedname",
	"feedtype",
	"gbraid",
	"gclid",
	"gclsrc",
	"guccounter",
	"guce_*",
	"hss_channel",
	"icid",
	"igsh",
	"igshid",
	"int_source",
	"intcmp",
	"ito",
	"jsessionid",
	"li_fat_id",
	"matomo_*",
	"mbid",
	"mc_cid",
	"mc_eid",
	"mkt_tok",
	"msclkid",
	"mtm_*",
	"ncid",
	"ns_*",
	"ocid",
	"oly_anon_id",
	"oly_enc_id",
	"outputtype",
	"partner",
	"phpsessid",
	"piwik_*",
	"pk_*",
	"rb_clickid",
	"ref_src",
	"ref_url",
	"rss",
	"s_cid",
	"s_kwcid",
	"scm",
	"smid",
	"smtyp",
	"soc_src",
	"soc_trk",
	"spm",
	"sr_share",
	"sref",
	"taid",
	"trk",
	"trkcampaign",
	"ttclid",
	"twclid",
	"utm_*",
	"vero_conv",
	"vero_id",
	"wbraid",
	"wickedid",
	"wt.mc_*",
	"wt_mc",
	"wt_zmc",
	"xtor",
	"yclid",
};

/* Hosts of one site with several faces: these labels before the name are taken away. */
static const char *const FACES[] = {"amp.", "m.", "mobile.", "www."};
static const char *const REDDIT_FACES[] = {"i.", "new.", "np.", "old.", "sh."};

/* Names of the file that a server shows for its folder. */
static const char *const INDEXES[] = {"default.asp", "default.aspx", "default.htm", "default.html",
	"index.asp", "index.aspx", "index.cgi", "index.htm", "index.html", "index.jsp", "index.php",
	"index.shtml", "index.xhtml"};

static bool
is_name(const char *word, const char *name, size_t len)
{
	size_t n = strlen(word);

	if (word[n - 1] == '*')
		return len >= n - 1 && strncasecmp(word, name, n - 1) == 0;
	return len == n && strncasecmp(word, name, n) == 0;
}

/* True for "news.example.org", "https%3A%2F%2Fexample.org": a link that names where it stands. */
static bool
names_a_host(const struct span *value)
{
	struct span host = *value;

	if (memmem(host.at, host.len, "%3A%2F%2F", 9) ||
		memmem(host.at, host.len, "%3a%2f%2f", 9) || memmem(host.at, host.len, "://", 3))
		return true;
	const char *dot = memrchr(host.at, '.', host.len);
	return dot && host.at + host.len - dot > 2 && url_host_is_plain(&host);
}

static bool
is_tracking(const struct span *parameter)
{
	const char *equals = memchr(parameter->at, '=', parameter->len);
	size_t len = equals ? (size_t)(equals - parameter->at) : parameter->len;

	if (equals && is_name("ref", parameter->at, len)) {
		struct span value = {equals + 1, parameter->len - len - 1};

		return names_a_host(&value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(TRACKING); i++)
		if (is_name(TRACKING[i], parameter->at, len))
			return true;
	return false;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, 2.3. */
static bool
is_unreserved(int c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
		c == '.' || c == '_' || c == '~';
}

/* Copies with one spelling for each byte: unreserved ones plain, others that were or need to be
 * encoded as %XX. Needs room for three times the length. */
static char *
put_spelled(char *at, const char *s, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)s[i];
		bool encoded = c == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0;

		if (encoded) {
			c = hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]);
			i += 2;
		}
		if (is_unreserved(c) ||
			(!encoded && c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c))) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = digits[c >> 4];
			*at++ = digits[c & 15];
		}
	}
	return at;
}

/* An article on its way to one form. */
struct article {
	struct arena *arena;
	char *host; /* folded, may hold a port */
	struct span path, query, fragment;
};

static bool
ends_with(const struct span *span, const char *end)
{
	size_t n = strlen(end);

	return span->len >= n && strncasecmp(span->at + span->len - n, end, n) == 0;
}

static bool
begins_with(const struct span *span, const char *start)
{
	size_t n = strlen(start);

	return span->len >= n && strncmp(span->at, start, n) == 0;
}

/* "https://example-com.cdn.ampproject.org/c/s/example.com/a" and
 * "https://google.com/amp/s/example.com/a" hold the address that they stand for. */
static void
open_amp_cache(struct article *article)
{
	struct span host = {article->host, strlen(article->host)};
	struct span path = article->path;
	static const char *const cached[] = {"/c/s/", "/c/", "/v/s/", "/v/"};
	size_t skip = 0;

	if (ends_with(&host, ".cdn.ampproject.org")) {
		for (size_t i = 0; i < ARRAY_SIZE(cached) && skip == 0; i++)
			skip = begins_with(&path, cached[i]) ? strlen(cached[i]) : 0;
	} else if (strncmp(article->host, "google.", 7) == 0) {
		skip = begins_with(&path, "/amp/s/") ? 7 : 0;
	}
	const char *rest = path.at + skip;
	size_t len = path.len - skip;
	const char *slash = memchr(rest, '/', len);
	struct span inner = {rest, slash ? (size_t)(slash - rest) : len};
	if (skip == 0 || !url_host_is_plain(&inner))
		return;
	article->host = url_host(article->arena,
		arena_printf(article->arena, "http://%.*s/", (int)inner.len, inner.at));
	article->path = (struct span){rest + inner.len, len - inner.len};
}

/* True if the name stands for a site without what was before it: "m.example.org" does, "m.co.uk"
 * does not. */
static bool
is_whole(const char *host)
{
	const psl_ctx_t *list = psl_builtin();

	return strchr(host, '.') && (!list || !psl_is_public_suffix(list, host));
}

static char *
strip_label(char *host, const char *const *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(labels[i]);

		if (strncmp(host, labels[i], len) == 0 && is_whole(host + len))
			return host + len;
	}
	return host;
}

static bool
is_host(const struct article *article, const char *host)
{
	return strcmp(article->host, host) == 0;
}

static void
fold_faces(struct article *article)
{
	char *before;

	do {
		before = article->host;
		article->host = strip_label(before, FACES, ARRAY_SIZE(FACES));
		struct span host = {article->host, strlen(article->host)};
		if (ends_with(&host, ".reddit.com"))
			article->host =
				strip_label(article->host, REDDIT_FACES, ARRAY_SIZE(REDDIT_FACES));
	} while (article->host != before);
	/* "en.m.wikipedia.org" */
	char *mobile = strstr(article->host, ".m.");
	if (mobile && is_whole(mobile + 3))
		memmove(mobile, mobile + 2, strlen(mobile + 2) + 1);
}

/* One address for one video. */
static void
fold_youtube(struct article *article)
{
	static const char *const players[] = {"/shorts/", "/embed/", "/live/", "/v/"};
	struct span id = {0};

	if (is_host(article, "youtu.be") && article->path.len > 1) {
		id = (struct span){article->path.at + 1, article->path.len - 1};
	} else if (is_host(article, "youtube.com") || is_host(article, "youtube-nocookie.com")) {
		for (size_t i = 0; i < ARRAY_SIZE(players); i++) {
			size_t len = strlen(players[i]);

			if (begins_with(&article->path, players[i]) && article->path.len > len)
				id = (struct span){article->path.at + len, article->path.len - len};
		}
		const char *v = article->query.at;
		const char *end = v ? v + article->query.len : NULL;
		while (v && v < end && begins_with(&article->path, "/watch") && !id.at) {
			size_t len = strcspn(v, "&#");

			if (len > 2 && strncmp(v, "v=", 2) == 0)
				id = (struct span){v + 2, len - 2};
			v += len + 1;
		}
	}
	if (!id.at)
		return;
	id.len = strcspn(id.at, "/?&#");
	article->host = arena_strdup(article->arena, "youtube.com");
	article->path = (struct span){"/watch", 6};
	char *query = arena_printf(article->arena, "v=%.*s", (int)id.len, id.at);
	article->query = (struct span){query, strlen(query)};
}

/* Session ids, folder's files, AMP's endings, slashes: what the end of a path may have too much. */
static void
fold_path(struct article *article)
{
	struct span *path = &article->path;
	const char *semicolon = memmem(path->at, path->len, ";jsessionid=", 12);

	if (semicolon)
		path->len = (size_t)(semicolon - path->at);
	const char *slash = memrchr(path->at, '/', path->len);
	struct span file = {slash ? slash + 1 : path->at, 0};
	file.len = (size_t)(path->at + path->len - file.at);
	for (size_t i = 0; i < ARRAY_SIZE(INDEXES); i++)
		if (span_is(&file, INDEXES[i]))
			path->len -= file.len;
	while (path->len > 0 && path->at[path->len - 1] == '/')
		path->len--;
	if (ends_with(path, "/amp") || ends_with(path, ".amp"))
		path->len -= 4;
	else if (ends_with(path, ".amp.html"))
		*path = (struct span){
			arena_printf(article->arena, "%.*s.html", (int)path->len - 9, path->at),
			path->len - 4};
	while (path->len > 0 && path->at[path->len - 1] == '/')
		path->len--;
}

static int
compare_spans(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;
	int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Parameters beyond this are kept unsorted in the last one. */
#define PARAMETERS_MAX 64

/* Appends what is left of the query, in one order. */
static char *
put_query(char *at, const struct span *query)
{
	struct span list[PARAMETERS_MAX];
	size_t n = 0;

	if (!query->at)
		return at;
	const char *s = query->at;
	size_t left = query->len;
	while (left > 0) {
		const char *amp = n + 1 < PARAMETERS_MAX ? memchr(s, '&', left) : NULL;
		struct span one = {s, amp ? (size_t)(amp - s) : left};

		if (one.len > 0 && !is_tracking(&one))
			list[n++] = one;
		size_t step = one.len + (amp != NULL);
		s += step;
		left -= step;
	}
	qsort(list, n, sizeof(list[0]), compare_spans);
	for (size_t i = 0; i < n; i++) {
		*at++ = i == 0 ? '?' : '&';
		at = put_spelled(at, list[i].at, list[i].len);
	}
	return at;
}

char *
url_article(struct arena *arena, const char *url)
{
	struct url_parts parts;

	url_take_apart(url, &parts);
	char *host = fold_host(arena, url, &parts);
	if (!host)
		return arena_strdup(arena, url);
	struct article article = {
		.arena = arena, .host = host, .path = parts.path, .query = parts.query};
	/* "#!/story/7" is the address of a page, any other fragment a place on it. */
	if (parts.fragment.len > 1 && parts.fragment.at[0] == '!')
		article.fragment = parts.fragment;
	open_amp_cache(&article);
	fold_faces(&article);
	fold_youtube(&article);
	fold_path(&article);
	size_t room = strlen(article.host) +
		3 * (article.path.len + article.query.len + article.fragment.len) + 16;
	char *out = arena_alloc(arena, room);
	char *at = mempcpy(out, "http://", 7);
	at = mempcpy(at, article.host, strlen(article.host));
	if (article.path.len > 0 && article.path.at[0] != '/')
		*at++ = '/';
	at = put_spelled(at, article.path.at, article.path.len);
	at = put_query(at, &article.query);
	if (article.fragment.at) {
		*at++ = '#';
		at = put_spelled(at, article.fragment.at, article.fragment.len);
	}
	*at = '\0';
	arena_trim(arena, out, room, (size_t)(at - out) + 1);
	return out;
}
