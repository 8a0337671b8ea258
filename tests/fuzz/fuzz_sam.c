/* link: sam
 * What the SAM takes apart: seals, records inside them, PINs, codes, certificates. */
#include "hsm/sam/certificate.h"
#include "hsm/sam/code.h"
#include "hsm/sam/otp.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/seal.h"
#include "hsm/sam/terms.h"
#include "hsm/sam/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_seal(struct span input)
{
	struct seal_terms terms = {
		SEAL_SAD, 1, span_string("0123456789abcdef0123456789abcdef"), span_string("bound")};
	struct buf plain = BUF_INIT;

	if (seal_open(&plain, &terms, input) == RC_OK)
		abort(); /* nobody guesses a tag */
	buf_free(&plain);
}

static void try_records(struct span input)
{
	struct wrapped_key key;
	struct span secret;
	rc_t rc = otp_record_decode(input, &secret);

	if (rc == RC_OK && secret.len != OTP_SECRET_LEN)
		abort();
	rc = wrapped_decode(input, &key);
	if (rc == RC_OK && (key_algo_by_kind(key.kind) == NULL || key.w.len > input.len))
		abort();
}

static void try_people(struct span input)
{
	struct pin_person person = {"1987-07-05", "001187012345", "0912345678"};
	uint8_t mac[CODE_MAC_LEN];
	struct id id = {{0}};
	rc_t rc = pin_check_rules(input, &person);

	if (rc == RC_OK && (input.len < PIN_MIN || input.len > PIN_BYTES_MAX))
		abort();
	rc = code_mac(span_string("key"), &id, input, 1, input, mac);
	if (rc == RC_OK && input.len < CODE_CHARACTERS)
		abort();
}

static void try_text(struct span input)
{
	char *text = malloc(input.len + 1);
	struct pin_person person = {text, text, text};

	if (text == NULL)
		return;
	if (input.len > 0)
		memcpy(text, input.data, input.len);
	text[input.len] = 0;
	if (text_is_plain(text, 10) && strlen(text) > 40)
		abort();
	rc_t rc = pin_check_rules(span_string("481927"), &person);
	if (rc != RC_OK && rc != RC_PIN_WEAK)
		abort();
	free(text);
}

static void try_certificate(struct span input)
{
	struct certificate *certificate = NULL;

	if (certificate_parse(input, &certificate) == RC_OK)
		certificate_free(&certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = SPAN(data, size);

	try_seal(input);
	try_records(input);
	try_people(input);
	try_text(input);
	try_certificate(input);
	return 0;
}
