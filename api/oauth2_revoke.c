/* Tokens given back: oauth2/revoke (RFC 7009; CSC 1.0.4 and 2.0.0.2) and CSC auth/revoke. */
#include "api/client_proof.h"
#include "api/handlers.h"
#include "core/oauth/token.h"

#include <stddef.h>
#include <string.h>

struct revoke_values {
	struct client_proof_values proof; /* oauth2/revoke only */
	const char *token, *hint, *client_data;
};

#define REVOKE(member) offsetof(struct revoke_values, member)
#define FIELD_CLIENT_DATA                                                                 \
	{                                                                                 \
		.name = "clientData", .type = SPEC_TEXT, .wrong = RC_CLIENT_DATA_INVALID, \
		.invalid = RC_CLIENT_DATA_INVALID, .offset = REVOKE(client_data)          \
	}

static const struct spec_field oauth2_fields[] = {
	CLIENT_PROOF_FIELDS(REVOKE(proof)),
	{.name = "token",
		.type = SPEC_TEXT,
		.wrong = RC_REVOKED_MISSING,
		.invalid = RC_REVOKED_INVALID,
		.offset = REVOKE(token)},
	{.name = "token_type_hint",
		.type = SPEC_TEXT,
		.wrong = RC_HINT_INVALID,
		.invalid = RC_HINT_INVALID,
		.offset = REVOKE(hint)},
	FIELD_CLIENT_DATA,
};
const struct spec oauth2_revoke_spec = SPEC(oauth2_fields, struct revoke_values);

static const struct spec_field csc_fields[] = {
	{.name = "token",
		.type = SPEC_TEXT,
		.required = true,
		.wrong = RC_REVOKED_NO_STRING,
		.invalid = RC_REVOKED_INVALID,
		.offset = REVOKE(token)},
	{.name = "token_type_hint",
		.type = SPEC_TEXT,
		.wrong = RC_HINT_NO_STRING,
		.invalid = RC_HINT_NO_STRING,
		.offset = REVOKE(hint)},
	FIELD_CLIENT_DATA,
};
const struct spec csc_revoke_spec = SPEC(csc_fields, struct revoke_values);

/* The form of the token says more than the hint, which only has to be one that the standard has. */
static bool hint_good(const char *hint)
{
	return hint == NULL || strcmp(hint, "access_token") == 0 ||
	       strcmp(hint, "refresh_token") == 0;
}

static void on_revoked(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc == RC_OK)
		request_reply_status(request, 204, NULL);
	else
		request_fault(request, fault);
}

static void revoke(struct request *request)
{
	const struct revoke_values *values = request->values;

	core_token_revoke(
		request->core, &request->call, span_string(values->token), on_revoked, request);
}

static void revoke_proved(struct request *request, const struct client_known *client)
{
	(void)client;
	revoke(request);
}

void oauth2_revoke(struct request *request)
{
	const struct revoke_values *values = request->values;
	rc_t rc = client_proof_check(request, &values->proof);

	if (rc == RC_OK && (values->token == NULL || values->token[0] == 0))
		rc = RC_REVOKED_MISSING;
	if (rc == RC_OK && !hint_good(values->hint))
		rc = RC_HINT_INVALID;
	if (rc == RC_OK)
		client_proof_authenticate(request, &values->proof, revoke_proved);
	else
		request_refuse(request, rc);
}

void csc_revoke(struct request *request)
{
	const struct revoke_values *values = request->values;

	if (hint_good(values->hint))
		revoke(request);
	else
		request_refuse(request, RC_HINT_NO_STRING);
}
