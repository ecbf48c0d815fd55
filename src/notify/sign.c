/* sign.c - see sign.h. */
#include "sign.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_PREFIX "whsec_"
#define KEY_MAX 512

/* The bytes of a secret: their number, at most KEY_MAX. */
static size_t
decode_secret(const char *secret, unsigned char key[KEY_MAX])
{
	bool is_base64 = strncmp(secret, SECRET_PREFIX, strlen(SECRET_PREFIX)) == 0;
	const char *text = is_base64 ? secret + strlen(SECRET_PREFIX) : secret;
	size_t len = strlen(text);

	if (len > KEY_MAX)
		len = KEY_MAX;
	int n = is_base64 ? EVP_DecodeBlock(key, (const unsigned char *)text, (int)len) : -1;
	if (n < 0) {
		memcpy(key, text, len);
		return len;
	}
	/* EVP_DecodeBlock counts the padding as bytes. */
	for (size_t i = len; i > 0 && text[i - 1] == '=' && n > 0; i--)
		n--;
	return (size_t)n;
}

int
sign_message(
	struct buf *out, const struct string_list *secrets, const struct signed_message *message)
{
	struct buf text = BUF_INIT(SIZE_MAX / 2);
	int r = 0;

	buf_printf(&text, "%s.%" PRId64 ".", message->id, message->timestamp);
	buf_append(&text, message->body, message->body_len);
	for (size_t i = 0; i < secrets->n && r == 0; i++) {
		unsigned char key[KEY_MAX], mac[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
		size_t key_len = decode_secret(secrets->at[i], key);
		unsigned int mac_len = 0;

		if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text.data,
			    text.len, mac, &mac_len)) {
			r = -ENOMEM;
			break;
		}
		EVP_EncodeBlock(base64, mac, (int)mac_len);
		r = buf_printf(out, "%sv1,%s", i ? " " : "", (const char *)base64);
	}
	buf_fini(&text);
	return r;
}
