/* link: core */
#include "core/client_terms.h"
#include "core/oauth/jws.h"

#include <stdlib.h>

/* Nothing that comes from outside verifies under a key that it did not bring; what is kept of a key
 * set is a key set again; an address that may be registered is printable and has no fragment. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keys(struct span input)
{
	struct jws_keys *first = NULL, *second = NULL;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	const char *why = NULL;

	rc_t rc = jws_keys_parse(input, &first, &why);
	if ((rc == RC_FORMAT && why == NULL) || (rc == RC_OK) != (first != NULL))
		abort();
	if (first != NULL && (jws_keys_print(first, &once) != RC_OK ||
				     jws_keys_parse(buf_span(&once), &second, &why) != RC_OK ||
				     jws_keys_print(second, &twice) != RC_OK ||
				     !span_equal(buf_span(&once), buf_span(&twice))))
		abort();
	jws_keys_free(&first);
	jws_keys_free(&second);
	buf_free(&once);
	buf_free(&twice);
}

static void token(struct span input)
{
	static const char set[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
				  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	static const uint8_t secret[32] = {1};
	struct jws_keys *registered = NULL;
	struct jws *jws = NULL;
	const char *why = NULL;

	if (jws_parse(input, &jws) != RC_OK)
		return;
	if (!json_is_object(jws_claims(jws)) ||
		jws_keys_parse(span_string(set), &registered, &why) != RC_OK)
		abort();
	(void)jws_type(jws);
	/* the example of RFC 7515, A.3, is the only text that verifies */
	if (jws_verify(jws, registered) == RC_OK &&
		json_object_get(jws_claims(jws), "http://example.com/is_root") == NULL)
		abort();
	if (jws_verify_hmac(jws, SPAN(secret, sizeof(secret))) == RC_OK)
		abort();
	jws_keys_free(&registered);
	jws_free(&jws);
}

static void address(struct span input)
{
	if (!client_redirect_is_good(input))
		return;
	for (size_t i = 0; i < input.len; i++) {
		if (input.data[i] <= ' ' || input.data[i] > '~' || input.data[i] == '#')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = SPAN(data, size);

	keys(input);
	token(input);
	address(input);
	return 0;
}
