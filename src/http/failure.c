/*
 * failure.c - libcurl's errors as classes and as sentences for people.
 *
 * The sentences say what happened and, where a setting decides it, which one. Hosts are named,
 * addresses never: they may hold secrets. May touch: what libcurl says of a transfer that ended.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transfer.h"

#define LIBRARY_TEXT_MAX ((size_t)160)

/* What follows the sentence. */
enum tail {
	TAIL_NONE,
	TAIL_HOST,
	TAIL_LIBRARY, /* what libcurl or OpenSSL said */
	TAIL_ERRNO,
};

static const struct failure {
	CURLcode code;
	enum http_error error;
	enum tail tail;
	const char *text;
} failures[] = {
	{CURLE_URL_MALFORMAT, HTTP_URL, TAIL_LIBRARY, "the address is malformed"},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_PROTOCOL, TAIL_NONE, "what came is not HTTP"},
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_RESOLVE, TAIL_HOST, "name does not resolve"},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_RESOLVE, TAIL_NONE,
		"the name of the proxy does not resolve"},
	{CURLE_COULDNT_CONNECT, HTTP_CONNECT, TAIL_ERRNO, "cannot connect to"},
	{CURLE_PROXY, HTTP_CONNECT, TAIL_LIBRARY, "the proxy refused"},
	{CURLE_SEND_ERROR, HTTP_CONNECT, TAIL_HOST, "connection lost while asking"},
	{CURLE_RECV_ERROR, HTTP_CONNECT, TAIL_LIBRARY, "connection lost"},
	{CURLE_GOT_NOTHING, HTTP_CONNECT, TAIL_HOST, "connection closed without an answer"},
	{CURLE_WEIRD_SERVER_REPLY, HTTP_PROTOCOL, TAIL_LIBRARY, "what came is not HTTP"},
	{CURLE_BAD_FUNCTION_ARGUMENT, HTTP_PROTOCOL, TAIL_NONE,
		"what came is not HTTP: the first header begins with a blank"},
	{CURLE_HTTP2, HTTP_PROTOCOL, TAIL_LIBRARY, "broken HTTP/2"},
	{CURLE_HTTP2_STREAM, HTTP_PROTOCOL, TAIL_LIBRARY, "broken HTTP/2 stream"},
	{CURLE_PARTIAL_FILE, HTTP_PROTOCOL, TAIL_NONE,
		"the transfer ended before its announced end"},
	{CURLE_BAD_CONTENT_ENCODING, HTTP_PROTOCOL, TAIL_LIBRARY,
		"broken or unknown content encoding"},
	{CURLE_WRITE_ERROR, HTTP_PROTOCOL, TAIL_LIBRARY, "broken content encoding"},
	{CURLE_TOO_MANY_REDIRECTS, HTTP_REDIRECT, TAIL_NONE, "too many redirects"},
	{CURLE_SSL_CERTPROBLEM, HTTP_TLS, TAIL_LIBRARY,
		"client certificate (client_cert) cannot be used"},
	{CURLE_SSL_CACERT_BADFILE, HTTP_TLS, TAIL_LIBRARY, "CA file (ca_file) cannot be used"},
	{CURLE_SSL_CONNECT_ERROR, HTTP_TLS, TAIL_LIBRARY, "TLS handshake failed"},
	{CURLE_SSL_CIPHER, HTTP_TLS, TAIL_LIBRARY, "TLS handshake failed"},
	{CURLE_SSL_CLIENTCERT, HTTP_TLS, TAIL_LIBRARY, "the server wants a client certificate"},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_TLS, TAIL_LIBRARY, "certificate status is invalid"},
	{CURLE_SSL_ISSUER_ERROR, HTTP_TLS, TAIL_LIBRARY, "certificate has the wrong issuer"},
	{CURLE_OUT_OF_MEMORY, HTTP_CONNECT, TAIL_NONE, "out of memory, descriptors or threads"},
	{CURLE_AUTH_ERROR, HTTP_PROTOCOL, TAIL_LIBRARY, "authentication failed"},
};

/* What OpenSSL says of certificates, and what a person needs to know. */
static const struct {
	const char *needle, *text;
} certificates[] = {
	{"certificate has expired", "certificate expired"},
	{"not yet valid", "certificate is not yet valid"},
	{"self-signed certificate in",
		"certificate is signed by an unknown authority (self-signed)"},
	{"self-signed", "certificate is self-signed"},
	{"self signed", "certificate is self-signed"},
	{"unable to get local issuer", "certificate is signed by an unknown authority"},
	{"subject name", "certificate is for another name than that of the host"},
};

/* The first sentence that the library said, cut where it gets long. */
static char *
library_text(struct http_transfer *transfer, CURLcode code)
{
	const char *text =
		transfer->error_text[0] ? transfer->error_text : curl_easy_strerror(code);
	const char *end = strstr(text, ". ");
	size_t len = end ? (size_t)(end - text) : strlen(text);

	return arena_strndup(
		&transfer->arena, text, len < LIBRARY_TEXT_MAX ? len : LIBRARY_TEXT_MAX);
}

char *
failure_size(struct arena *arena, int64_t bytes)
{
	if (bytes >= 1 << 20 && bytes % (1 << 20) == 0)
		return arena_printf(arena, "%lld MiB", (long long)(bytes >> 20));
	if (bytes >= 1 << 10 && bytes % (1 << 10) == 0)
		return arena_printf(arena, "%lld KiB", (long long)(bytes >> 10));
	return arena_printf(arena, "%lld bytes", (long long)bytes);
}

static void
describe_timeout(struct http_transfer *transfer)
{
	curl_off_t resolved = 0, connected = 0, total = 0;
	CURL *easy = transfer->easy;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total);
	double seconds = (double)total / 1e6;
	const char *host = transfer->host;
	if (strstr(transfer->error_text, "Operation too slow"))
		transfer_fail(transfer, HTTP_TIMEOUT,
			"no data for 30 s (less than 100 bytes a second) from %s", host);
	else if (resolved == 0)
		transfer_fail(transfer, HTTP_TIMEOUT, "name not resolved within %.2g s: %s",
			seconds, host);
	else if (connected == 0)
		transfer_fail(transfer, HTTP_TIMEOUT, "no %sconnection within %.2g s: %s",
			strncmp(transfer->origin, "https:", 6) == 0 ? "TLS " : "", seconds, host);
	else if (transfer->header_bytes == 0)
		transfer_fail(transfer, HTTP_TIMEOUT, "no answer within %.3g s (timeout)",
			(double)transfer->in.timeout_ms / 1000);
	else
		transfer_fail(transfer, HTTP_TIMEOUT, "answer not complete within %.3g s (timeout)",
			(double)transfer->in.timeout_ms / 1000);
}

static void
describe_certificate(struct http_transfer *transfer, const char *said)
{
	for (size_t i = 0; i < ARRAY_SIZE(certificates); i++)
		if (strstr(said, certificates[i].needle)) {
			transfer_fail(
				transfer, HTTP_TLS, "%s: %s", certificates[i].text, transfer->host);
			return;
		}
	transfer_fail(transfer, HTTP_TLS, "certificate refused: %s", said);
}

/* libcurl's own words would show the address of the proxy, with the password in it. */
static void
describe_proxy(struct http_transfer *transfer)
{
	long os_errno = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
	transfer_fail(transfer, HTTP_CONNECT, "cannot connect to the proxy: %s",
		os_errno ? strerror((int)os_errno) : "its address is not usable");
}

static void
describe_private(struct http_transfer *transfer)
{
	transfer_fail(transfer, HTTP_PRIVATE,
		"%s is at the private address %s, which this feed may not connect to (private)",
		transfer->host, transfer->refused);
}

/* True if one of our own limits ended the transfer. */
static bool
describe_stop(struct http_transfer *transfer)
{
	switch (transfer->stop) {
	case STOP_NONE:
		return false;
	case STOP_ENOUGH:
		return true;
	case STOP_BODY:
		transfer_fail(transfer, HTTP_TOO_LARGE, "body is over %s (max_size)",
			failure_size(&transfer->arena, transfer->in.max_bytes));
		return true;
	case STOP_HEADERS:
		transfer_fail(transfer, HTTP_TOO_LARGE, "headers are over %s",
			failure_size(&transfer->arena, (int64_t)HTTP_HEADERS_MAX));
		return true;
	case STOP_CROWDED:
		transfer_fail(transfer, HTTP_TOO_LARGE,
			"no room for the body: those of all polls were over %s, and this was the "
			"largest",
			failure_size(&transfer->arena, (int64_t)transfer->in.allowance->max_bytes));
		return true;
	case STOP_PRIVATE:
		describe_private(transfer);
		return true;
	}
	return false;
}

static void
describe_by_table(struct http_transfer *transfer, const struct failure *failure, const char *said)
{
	long os_errno = 0;

	switch (failure->tail) {
	case TAIL_NONE:
		transfer_fail(transfer, failure->error, "%s", failure->text);
		break;
	case TAIL_HOST:
		transfer_fail(transfer, failure->error, "%s: %s", failure->text, transfer->host);
		break;
	case TAIL_LIBRARY:
		transfer_fail(transfer, failure->error, "%s: %s", failure->text, said);
		break;
	case TAIL_ERRNO:
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
		if (transfer->open_errno)
			os_errno = transfer->open_errno;
		transfer_fail(transfer, failure->error, "%s %s: %s", failure->text, transfer->host,
			os_errno ? strerror((int)os_errno) : said);
		break;
	}
}

void
failure_describe(struct http_transfer *transfer, CURLcode code)
{
	if (describe_stop(transfer))
		return;
	const char *said = library_text(transfer, code);
	if (code == CURLE_COULDNT_CONNECT && transfer->refused[0]) {
		describe_private(transfer);
		return;
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		describe_timeout(transfer);
		return;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		describe_certificate(transfer, said);
		return;
	}
	if (code == CURLE_COULDNT_CONNECT && transfer->in.proxy && *transfer->in.proxy) {
		describe_proxy(transfer);
		return;
	}
	/* Where a server of TLS 1.3 refuses us, it says so after the handshake. */
	if (code == CURLE_RECV_ERROR && strstr(said, "alert")) {
		transfer_fail(transfer, HTTP_TLS, "TLS handshake failed: %s", said);
		return;
	}
	if (code == CURLE_RECV_ERROR && strstr(said, "chunked")) {
		transfer_fail(transfer, HTTP_PROTOCOL, "broken chunked encoding");
		return;
	}
	/* A length that no number holds. */
	if (code == CURLE_FILESIZE_EXCEEDED)
		transfer->stop = STOP_BODY;
	/* libcurl has a ceiling of its own for one header line, and reports it like this. */
	if (code == CURLE_OUT_OF_MEMORY && transfer->header_bytes > 0 && !transfer->has_body)
		transfer->stop = STOP_HEADERS;
	if (describe_stop(transfer))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code) {
			describe_by_table(transfer, &failures[i], said);
			return;
		}
	transfer_fail(transfer, HTTP_PROTOCOL, "transfer failed: %s", said);
}
