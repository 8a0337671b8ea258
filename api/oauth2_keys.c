/* The public keys of access tokens (RFC 7517), for whoever wants to read them beside us. */
#include "api/handlers.h"
#include "api/json.h"
#include "core/oauth/token.h"

void oauth2_keys(struct request *request)
{
	struct buf text = BUF_INIT;
	json_t *body = NULL;
	rc_t rc = core_token_keys(request->core, &text);

	if (rc == RC_OK)
		body = json_loadb((const char *)text.data, text.len, 0, NULL);
	buf_free(&text);
	if (rc == RC_OK)
		request_reply(request, body);
	else
		request_refuse(request, rc);
}
