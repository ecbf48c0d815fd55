/*
 * namespace.c - namespaces by their addresses, old and wrong ones too, and by the prefixes that
 * everybody gives them.
 *
 * Addresses are compared without case, scheme, "www." and a closing '/' or '#': that covers most of
 * what people write. Pure.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "feedd/mem.h"
#include "rules.h"

struct known {
	const char *text;
	enum ns ns;
};

static const struct known addresses[] = {
	{"backend.userland.com/rss", NS_RSS},
	{"backend.userland.com/rss091", NS_RSS},
	{"backend.userland.com/rss092", NS_RSS},
	{"backend.userland.com/rss2", NS_RSS},
	{"backend.userland.com/rss2.1", NS_RSS},
	{"blogs.law.harvard.edu/tech/rss", NS_RSS},
	{"channel.netscape.com/rdf/simple/0.9", NS_RSS},
	{"cyber.law.harvard.edu/rss/rss.html", NS_RSS},
	{"cyber.harvard.edu/rss/rss.html", NS_RSS},
	{"example.com/necho", NS_ATOM},
	{"example.com/newformat", NS_ATOM},
	{"github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md", NS_PODCAST},
	{"georss.org/georss", NS_GEORSS},
	{"georss.org/georss/10", NS_GEORSS},
	{"itunes.com/dtds/podcast-1.0.dtd", NS_ITUNES},
	{"itunes.com/ext/podcasts-1.0", NS_ITUNES},
	{"example.com/dtds/podcast-1.0.dtd", NS_ITUNES},
	{"my.netscape.com/publish/formats/rss-0.9.dtd", NS_RSS},
	{"my.netscape.com/publish/formats/rss-0.91.dtd", NS_RSS},
	{"my.netscape.com/rdf/simple/0.9", NS_RSS},
	{"opengis.net/gml", NS_GML},
	{"podcastindex.org/namespace/1.0", NS_PODCAST},
	{"prismstandard.org/namespaces/1.2/basic", NS_PRISM},
	{"prismstandard.org/namespaces/basic/2.0", NS_PRISM},
	{"purl.oclc.org/net/rss_2.0/enc", NS_RSS},
	{"purl.org/atom/ns", NS_ATOM},
	{"purl.org/dc/elements/1.0", NS_DC},
	{"purl.org/dc/elements/1.1", NS_DC},
	{"purl.org/dc/terms", NS_DCTERMS},
	{"purl.org/echo", NS_ATOM},
	{"purl.org/echo/ns", NS_ATOM},
	{"purl.org/metadata/dublin_core", NS_DC},
	{"purl.org/net/rss1.0", NS_RSS},
	{"purl.org/net/rss1.1", NS_RSS},
	{"purl.org/pie", NS_ATOM},
	{"purl.org/rss/1.0", NS_RSS},
	{"purl.org/rss/1.0/modules/content", NS_CONTENT},
	{"purl.org/rss/1.0/modules/rss091", NS_RSS},
	{"purl.org/rss/1.0/modules/slash", NS_SLASH},
	{"purl.org/rss/1.0/modules/syndication", NS_SY},
	{"purl.org/rss/1.0/modules/dcterms", NS_DCTERMS},
	{"purl.org/rss/2.0", NS_RSS},
	{"purl.org/syndication/thread/1.0", NS_THREAD},
	{"rssnamespace.org/feedburner/ext/1.0", NS_FEEDBURNER},
	{"search.yahoo.com/mrss", NS_MEDIA},
	{"search.yahoo.com/mrss/rss-extension", NS_MEDIA},
	{"video.search.yahoo.com/mrss", NS_MEDIA},
	{"tools.search.yahoo.com/mrss", NS_MEDIA},
	{"w3.org/1998/math/mathml", NS_MATHML},
	{"w3.org/1999/02/22-rdf-syntax-ns", NS_RDF},
	{"w3.org/1999/xhtml", NS_XHTML},
	{"w3.org/2000/svg", NS_SVG},
	{"w3.org/2003/01/geo/wgs84_pos", NS_GEO},
	{"w3.org/2005/atom", NS_ATOM},
	{"w3.org/xml/1998/namespace", NS_XML},
	{"webfeeds.org/rss/1.0", NS_WEBFEEDS},
	{"wellformedweb.org/commentapi", NS_WFW},
};

/* Believed where the address is unknown or missing. */
static const struct known prefixes[] = {
	{"atom", NS_ATOM},
	{"atom03", NS_ATOM},
	{"atom10", NS_ATOM},
	{"content", NS_CONTENT},
	{"dc", NS_DC},
	{"dcterms", NS_DCTERMS},
	{"feedburner", NS_FEEDBURNER},
	{"geo", NS_GEO},
	{"georss", NS_GEORSS},
	{"gml", NS_GML},
	{"itunes", NS_ITUNES},
	{"media", NS_MEDIA},
	{"podcast", NS_PODCAST},
	{"prism", NS_PRISM},
	{"rdf", NS_RDF},
	{"rss", NS_RSS},
	{"slash", NS_SLASH},
	{"sy", NS_SY},
	{"thr", NS_THREAD},
	{"webfeeds", NS_WEBFEEDS},
	{"wfw", NS_WFW},
	{"xhtml", NS_XHTML},
	{"xml", NS_XML},
};

/* The part of an address that is compared. */
static const char *
trim(const char *uri, size_t *ret_len)
{
	while (*uri == ' ' || (*uri >= '\t' && *uri <= '\r'))
		uri++;
	const char *colon = strchr(uri, ':');
	if (colon && colon - uri <= 5 && colon[1] == '/' && colon[2] == '/')
		uri = colon + 3;
	if (strncasecmp(uri, "www.", 4) == 0)
		uri += 4;
	*ret_len = strlen(uri);
	while (*ret_len > 0 && strchr("/# \t\r\n", uri[*ret_len - 1]))
		--*ret_len;
	return uri;
}

static enum ns
find_address(const char *uri)
{
	size_t len;

	uri = trim(uri, &len);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		const char *known = addresses[i].text;

		if ((*known | 0x20) == (*uri | 0x20) && strncasecmp(uri, known, len) == 0 &&
			known[len] == '\0')
			return addresses[i].ns;
	}
	return NS_UNKNOWN;
}

enum ns
namespace_find(const char *uri, const char *prefix, enum ns dialect)
{
	enum ns ns = uri && *uri ? find_address(uri) : NS_UNKNOWN;

	if (ns != NS_UNKNOWN)
		return ns;
	if (!prefix || !*prefix)
		return dialect;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strcasecmp(prefix, prefixes[i].text) == 0)
			return prefixes[i].ns;
	return NS_UNKNOWN;
}
