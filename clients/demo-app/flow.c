/* The journeys of the browser: first, once, for a token of scope service, which names the teacher's
 * credential and certificate; then for each signing one of scope credential, for these hashes. */
#include "clients/demo-app/demo.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define UNAUTHORIZED 401

static struct client *client_of(struct demo *demo, const struct visit *visit)
{
	return demo->clients[visit->lang];
}

static const char *lang_of(const struct visit *visit)
{
	return visit_text(visit, (struct text){"vi", "en"});
}

static rc_t trouble(struct visit *visit, enum trouble what, rc_t rc)
{
	notice_trouble(visit, what, rc);
	return rc == RC_OK ? RC_RANGE : rc;
}

static void keep_time(struct visit *visit)
{
	visit->tokens_end_ms = clock_monotonic_ms() + visit->tokens.expires_in_s * 1000;
}

/* The teacher is not known any more: the next signing begins with scope service. */
static void drop_teacher(struct visit *visit)
{
	oauth_tokens_free(&visit->tokens);
	csc_credential_free(&visit->credential);
}

/* journeys out */

static rc_t go_service(
	struct demo *demo, struct visit *visit, unsigned chosen, bool visible, struct buf *url)
{
	const struct oauth_ask ask = {.scope = "service", .lang = lang_of(visit)};
	struct flow *flow = NULL;

	rc_t rc = visit_flow_new(visit, FLOW_SERVICE, &flow);
	if (rc != RC_OK)
		return trouble(visit, TROUBLE_TOO_MANY, rc);
	flow->chosen = chosen;
	flow->visible = visible;
	rc = oauth_ask_url(client_of(demo, visit), demo->settings.service, &demo->who,
		&flow->pending, &ask, url);
	if (rc != RC_OK) {
		flow_end(flow);
		return trouble(visit, TROUBLE_OUR_FAULT, rc);
	}
	return RC_OK;
}

static rc_t push_signing(struct demo *demo, struct visit *visit, struct flow *flow, struct buf *url)
{
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct span items[DEMO_RECORDS];
	const char *labels[DEMO_RECORDS];
	struct buf details = BUF_INIT;
	struct oauth_ask ask = {.scope = "credential", .lang = lang_of(visit)};
	const struct csc_hashes hashes = {.items = items,
		.count = signing_hashes(demo, visit, flow, items, labels),
		.digest = signing_digest(&visit->credential)};

	rc_t rc = oauth_details(visit->credential.id, &hashes, labels, &details);
	if (rc == RC_OK)
		rc = buf_string(&details, &ask.details);
	if (rc == RC_OK)
		rc = oauth_push_url(client_of(demo, visit), demo->settings.service, &demo->who,
			&flow->pending, &ask, url, &answer);
	if (rc != RC_OK)
		notice_answer(visit, rc, &answer);
	client_answer_free(&answer);
	buf_free(&details);
	return rc;
}

static rc_t go_sign(
	struct demo *demo, struct visit *visit, unsigned chosen, bool visible, struct buf *url)
{
	struct flow *flow = NULL;

	rc_t rc = visit_flow_new(visit, FLOW_SIGN, &flow);
	if (rc != RC_OK)
		return trouble(visit, TROUBLE_TOO_MANY, rc);
	flow->chosen = chosen;
	flow->visible = visible;
	rc = signing_prepare(demo, visit, flow);
	if (rc != RC_OK)
		rc = trouble(visit, TROUBLE_DOCUMENT, rc);
	else
		rc = push_signing(demo, visit, flow, url);
	if (rc != RC_OK)
		flow_end(flow);
	return rc;
}

/* the teacher's credential */

/* The only one, or the first that can sign now. */
static rc_t read_credential(struct demo *demo, struct visit *visit, struct client_answer *answer)
{
	struct client *client = client_of(demo, visit);

	rc_t rc = client_bearer(client, secret_span(&visit->tokens.access));
	if (rc == RC_OK)
		rc = csc_list(client, NULL, answer);
	if (rc != RC_OK)
		return rc;
	json_t *ids = json_incref(json_object_get(answer->body, "credentialIDs"));
	for (size_t i = 0; rc == RC_OK && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		rc = id == NULL ? RC_SERVER_ANSWER
				: csc_credential_info(client, id, &visit->credential, answer);
		if (rc == RC_OK && visit->credential.enabled)
			break;
	}
	json_decref(ids);
	return rc;
}

static bool is_stale(rc_t rc, const struct client_answer *answer)
{
	return rc == RC_SERVER_REFUSED && answer->status == UNAUTHORIZED;
}

/* What was granted is over: revoked, ended for good, or never renewed. */
static bool is_over(rc_t rc, const struct client_answer *answer)
{
	return rc == RC_SERVER_REFUSED && (answer->status == 0 || answer->status == UNAUTHORIZED ||
						  strcmp(answer->error, "invalid_grant") == 0);
}

static rc_t refresh(struct demo *demo, struct visit *visit, struct client_answer *answer)
{
	if (visit->tokens.refresh.bytes.len == 0)
		return RC_SERVER_REFUSED;
	rc_t rc = oauth_refresh(client_of(demo, visit), &demo->who, &visit->tokens, answer);
	if (rc == RC_OK)
		keep_time(visit);
	return rc;
}

/* Reads the credential anew; once more with a new token when the old one has ended. */
static rc_t know_credential(struct demo *demo, struct visit *visit, struct client_answer *answer)
{
	rc_t rc = RC_OK;

	if (clock_monotonic_ms() > visit->tokens_end_ms) {
		rc = refresh(demo, visit, answer);
		return rc == RC_OK ? read_credential(demo, visit, answer) : rc;
	}
	rc = read_credential(demo, visit, answer);
	if (!is_stale(rc, answer))
		return rc;
	rc = refresh(demo, visit, answer);
	return rc == RC_OK ? read_credential(demo, visit, answer) : rc;
}

static rc_t check_credential(struct visit *visit)
{
	if (visit->credential.certificate_count == 0)
		return trouble(visit, TROUBLE_NO_CREDENTIAL, RC_NOT_FOUND);
	if (!visit->credential.enabled)
		return trouble(visit, TROUBLE_DISABLED, RC_CREDENTIAL_DISABLED);
	return RC_OK;
}

rc_t flow_begin(
	struct demo *demo, struct visit *visit, unsigned chosen, bool visible, struct buf *url)
{
	struct client_answer answer = CLIENT_ANSWER_INIT;

	if (chosen == 0)
		return trouble(visit, TROUBLE_NOTHING_CHOSEN, RC_RANGE);
	if (visit->tokens.access.bytes.len == 0)
		return go_service(demo, visit, chosen, visible, url);
	rc_t rc = know_credential(demo, visit, &answer);
	if (is_over(rc, &answer)) {
		/* the teacher says again who he is */
		drop_teacher(visit);
		rc = go_service(demo, visit, chosen, visible, url);
	} else if (rc != RC_OK) {
		notice_answer(visit, rc, &answer);
	} else {
		rc = check_credential(visit);
		if (rc == RC_OK)
			rc = go_sign(demo, visit, chosen, visible, url);
	}
	client_answer_free(&answer);
	return rc;
}

/* journeys back */

static rc_t back_service(struct demo *demo, struct visit *visit, struct flow *flow,
	const char *code, struct buf *url)
{
	struct client_answer answer = CLIENT_ANSWER_INIT;
	unsigned chosen = flow->chosen;
	bool visible = flow->visible;

	rc_t rc = oauth_redeem(
		client_of(demo, visit), &demo->who, &flow->pending, code, &visit->tokens, &answer);
	flow_end(flow);
	if (rc == RC_OK) {
		keep_time(visit);
		rc = read_credential(demo, visit, &answer);
	}
	if (rc != RC_OK)
		notice_answer(visit, rc, &answer);
	client_answer_free(&answer);
	if (rc == RC_OK)
		rc = check_credential(visit);
	return rc == RC_OK ? go_sign(demo, visit, chosen, visible, url) : rc;
}

static rc_t sign(struct demo *demo, struct visit *visit, struct flow *flow,
	const struct oauth_tokens *tokens, struct client_answer *answer)
{
	struct client *client = client_of(demo, visit);
	struct buf signatures[DEMO_RECORDS] = {0};
	struct span items[DEMO_RECORDS];
	const char *labels[DEMO_RECORDS];
	const struct csc_hashes hashes = {.items = items,
		.count = signing_hashes(demo, visit, flow, items, labels),
		.digest = signing_digest(&visit->credential)};

	rc_t rc = client_bearer(client, secret_span(&tokens->access));
	if (rc == RC_OK)
		rc = csc_sign_hash(client, visit->credential.id, &hashes,
			signing_scheme(&visit->credential), NULL, signatures, answer);
	if (rc != RC_OK)
		notice_answer(visit, rc, answer);
	else if (signing_finish(demo, visit, flow, signatures) != RC_OK)
		rc = trouble(visit, TROUBLE_DOCUMENT, RC_SIGNATURE_BAD);
	else
		notice_good(visit, hashes.count);
	for (size_t i = 0; i < DEMO_RECORDS; i++)
		buf_free(&signatures[i]);
	return rc;
}

static rc_t back_sign(struct demo *demo, struct visit *visit, struct flow *flow, const char *code)
{
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct oauth_tokens tokens = {0};

	rc_t rc = oauth_redeem(
		client_of(demo, visit), &demo->who, &flow->pending, code, &tokens, &answer);
	if (rc != RC_OK)
		notice_answer(visit, rc, &answer);
	else
		rc = sign(demo, visit, flow, &tokens, &answer);
	client_answer_free(&answer);
	oauth_tokens_free(&tokens);
	flow_end(flow);
	return rc;
}

/* The state must be of this very session, and the answer of the service that was asked (RFC 9207):
 * what another one sent along is neither used nor shown. */
rc_t flow_return(struct demo *demo, struct visit *visit, const char *query, struct buf *url)
{
	struct oauth_return back;
	struct flow *flow = NULL;
	rc_t rc = oauth_return_read(query, &back);

	if (rc == RC_OK)
		flow = visit_flow_find(visit, back.state);
	if (flow == NULL) {
		rc = trouble(visit, TROUBLE_UNKNOWN_RETURN, rc);
	} else if (strcmp(back.issuer, demo->settings.service) != 0) {
		flow_end(flow);
		rc = trouble(visit, TROUBLE_OTHER_ISSUER, RC_RANGE);
	} else if (back.error[0] != 0 || back.code[0] == 0) {
		flow_end(flow);
		notice_error(visit, back.error, back.text);
		rc = RC_SERVER_REFUSED;
	} else if (flow->kind == FLOW_SERVICE) {
		rc = back_service(demo, visit, flow, back.code, url);
	} else {
		rc = back_sign(demo, visit, flow, back.code);
	}
	explicit_bzero(&back, sizeof(back));
	return rc;
}

void flow_forget(struct demo *demo, struct visit *visit)
{
	struct client_answer answer = CLIENT_ANSWER_INIT;
	const struct secret *token = visit->tokens.refresh.bytes.len > 0 ? &visit->tokens.refresh
									 : &visit->tokens.access;

	/* the session ends here whatever the service says */
	if (token->bytes.len > 0 &&
		oauth_revoke(client_of(demo, visit), &demo->who, token, &answer) != RC_OK)
		fprintf(stderr, "rssp-demo: tokens were not revoked: %s\n", answer.text);
	client_answer_free(&answer);
}
