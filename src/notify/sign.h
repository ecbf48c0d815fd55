/* sign.h - Standard Webhooks signatures: the one door to libcrypto. Pure. */
#ifndef FEEDD_NOTIFY_SIGN_H
#define FEEDD_NOTIFY_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "feedd/config.h"
#include "feedd/mem.h"

struct signed_message {
	const char *id;
	int64_t timestamp; /* unix seconds */
	const char *body;
	size_t body_len;
};

/* "v1,BASE64" for each secret, separated by blanks, appended to out. A secret is "whsec_" and
 * base64; any other text is the key itself. Returns 0,
 * -ENOMEM or -EMSGSIZE. */
int sign_message(struct buf *out, const struct string_list *secrets,
	const struct signed_message *message) MUST_USE;

#endif
