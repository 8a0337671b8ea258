#include "clients/lib/oauth.h"

#include "base/base64.h"
#include "base/digest.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_LEN 32

static rc_t text_of(const struct buf *bytes, char out[OAUTH_RANDOM])
{
	struct buf text = BUF_INIT;

	rc_t rc = base64url_encode(&text, buf_span(bytes));
	if (rc == RC_OK)
		snprintf(out, OAUTH_RANDOM, "%.*s", (int)text.len, (const char *)text.data);
	buf_free(&text);
	return rc;
}

rc_t oauth_pending_new(struct oauth_pending *pending)
{
	struct secret bytes = SECRET_INIT;

	rc_t rc = secret_random(&bytes, RANDOM_LEN);
	if (rc == RC_OK)
		rc = text_of(&bytes.bytes, pending->state);
	if (rc == RC_OK)
		rc = secret_random(&bytes, RANDOM_LEN);
	if (rc == RC_OK)
		rc = text_of(&bytes.bytes, pending->verifier);
	secret_free(&bytes);
	return rc;
}

rc_t oauth_challenge(const char *verifier, char challenge[OAUTH_RANDOM])
{
	uint8_t sha256[SHA256_LEN];
	const struct buf bytes = {.data = sha256, .len = sizeof(sha256)};

	rc_t rc = digest_sha256(span_string(verifier), sha256);
	return rc == RC_OK ? text_of(&bytes, challenge) : rc;
}

static rc_t add_ask(struct client *client, const struct oauth_client *who,
	const struct oauth_pending *pending, const struct oauth_ask *ask, struct buf *form)
{
	char challenge[OAUTH_RANDOM];

	rc_t rc = oauth_challenge(pending->verifier, challenge);
	if (rc != RC_OK)
		return rc;
	const struct client_parameter parameters[] = {
		{"response_type", "code"},
		{"client_id", who->id},
		{"redirect_uri", who->redirect_uri},
		{"scope", ask->scope},
		{"state", pending->state},
		{"code_challenge", challenge},
		{"code_challenge_method", "S256"},
		{"authorization_details", ask->details},
		{"lang", ask->lang},
	};
	return client_form(client, parameters, sizeof(parameters) / sizeof(parameters[0]), form);
}

static rc_t begin_url(const char *service, struct buf *url)
{
	buf_clear(url);
	rc_t rc = buf_append_string(url, service);
	while (rc == RC_OK && url->len > 0 && url->data[url->len - 1] == '/')
		url->len--;
	return rc == RC_OK ? buf_append_string(url, "/oauth2/authorize?") : rc;
}

rc_t oauth_ask_url(struct client *client, const char *service, const struct oauth_client *who,
	const struct oauth_pending *pending, const struct oauth_ask *ask, struct buf *url)
{
	rc_t rc = begin_url(service, url);

	return rc == RC_OK ? add_ask(client, who, pending, ask, url) : rc;
}

/* client_secret_post, as client_login() does. */
static rc_t add_proof(struct client *client, const struct oauth_client *who, struct buf *form)
{
	struct buf secret = BUF_INIT;
	const char *text = NULL;

	rc_t rc = buf_append_span(&secret, who->secret);
	if (rc == RC_OK && secret.len > 0)
		rc = buf_string(&secret, &text);
	if (rc == RC_OK) {
		const struct client_parameter proof = {"client_secret", text};
		rc = client_form(client, &proof, 1, form);
	}
	buf_free(&secret);
	return rc;
}

rc_t oauth_push_url(struct client *client, const char *service, const struct oauth_client *who,
	const struct oauth_pending *pending, const struct oauth_ask *ask, struct buf *url,
	struct client_answer *answer)
{
	struct buf form = BUF_INIT;

	rc_t rc = add_ask(client, who, pending, ask, &form);
	if (rc == RC_OK)
		rc = add_proof(client, who, &form);
	if (rc == RC_OK)
		rc = client_post_form(client, "/oauth2/pushed_authorize", buf_span(&form), answer);
	buf_free(&form);
	if (rc != RC_OK)
		return rc;
	const char *name = client_answer_string(answer, "request_uri");
	if (name == NULL || strlen(name) >= OAUTH_URI)
		return RC_SERVER_ANSWER;
	/* RFC 9126 §4: nothing else may stand beside it */
	const struct client_parameter parameters[] = {
		{"client_id", who->id}, {"request_uri", name}};
	rc = begin_url(service, url);
	return rc == RC_OK ? client_form(client, parameters, 2, url) : rc;
}

rc_t oauth_details(const char *credential, const struct csc_hashes *hashes,
	const char *const labels[], struct buf *out)
{
	json_t *documents = json_array();
	char *text = NULL;

	for (size_t i = 0; documents != NULL && i < hashes->count; i++) {
		json_t *one = json_pack("{s:o, s:s}", "hash", client_json_base64(hashes->items[i]),
			"label", labels[i]);
		if (json_array_append_new(documents, one) != 0) {
			json_decref(documents);
			return RC_FORMAT;
		}
	}
	json_t *all = json_pack("[{s:s, s:s, s:I, s:s, s:o}]", "type", "credential", "credentialID",
		credential, "numSignatures", (json_int_t)hashes->count, "hashAlgorithmOID",
		csc_digest_oid(hashes->digest), "documentDigests", documents);
	if (all != NULL)
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	rc_t rc = text == NULL ? RC_FORMAT : buf_set(out, span_string(text));
	client_text_free(text);
	return rc;
}

/* what comes back */

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == 0 ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* RC_FORMAT: a wrong escape, a zero byte, or more than fits. */
static rc_t decode(const char *text, size_t len, char *out, size_t size)
{
	size_t put = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%') {
			int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return RC_FORMAT;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == 0 || put + 1 >= size)
			return RC_FORMAT;
		out[put++] = c;
	}
	out[put] = 0;
	return RC_OK;
}

static rc_t take(
	const char *name, size_t name_len, const char *value, size_t len, struct oauth_return *out)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
		{"code", out->code, sizeof(out->code)},
		{"state", out->state, sizeof(out->state)},
		{"iss", out->issuer, sizeof(out->issuer)},
		{"error", out->error, sizeof(out->error)},
		{"error_description", out->text, sizeof(out->text)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != name_len || memcmp(known[i].name, name, name_len) != 0)
			continue;
		if (known[i].to[0] != 0)
			return RC_FORMAT;
		return decode(value, len, known[i].to, known[i].size);
	}
	return RC_OK;
}

rc_t oauth_return_read(const char *query, struct oauth_return *out)
{
	struct oauth_return fresh = {0};
	rc_t rc = RC_OK;

	for (const char *at = query; rc == RC_OK && *at != 0;) {
		size_t len = strcspn(at, "&");
		size_t name = strcspn(at, "=");
		if (name < len)
			rc = take(at, name, at + name + 1, len - name - 1, &fresh);
		at += len + (at[len] == '&' ? 1 : 0);
	}
	if (rc == RC_OK) {
		client_text_disarm(fresh.error, false);
		client_text_disarm(fresh.text, false);
		*out = fresh;
	}
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return rc;
}

/* tokens */

void oauth_tokens_free(struct oauth_tokens *tokens)
{
	secret_free(&tokens->access);
	secret_free(&tokens->refresh);
	tokens->expires_in_s = 0;
}

static rc_t read_tokens(const struct client_answer *answer, struct oauth_tokens *tokens)
{
	const char *access = client_answer_string(answer, "access_token");
	const char *refresh = client_answer_string(answer, "refresh_token");
	const json_t *seconds = json_object_get(answer->body, "expires_in");
	rc_t rc = RC_OK;

	if (access == NULL || !json_is_integer(seconds))
		return RC_SERVER_ANSWER;
	rc = secret_set(&tokens->access, span_string(access));
	if (rc == RC_OK && refresh != NULL)
		rc = secret_set(&tokens->refresh, span_string(refresh));
	else if (rc == RC_OK)
		secret_free(&tokens->refresh);
	tokens->expires_in_s = (int64_t)json_integer_value(seconds);
	return rc;
}

static rc_t post_token(struct client *client, const struct oauth_client *who,
	const struct client_parameter *parameters, size_t count, struct oauth_tokens *tokens,
	struct client_answer *answer)
{
	struct buf form = BUF_INIT;

	rc_t rc = client_form(client, parameters, count, &form);
	if (rc == RC_OK)
		rc = add_proof(client, who, &form);
	if (rc == RC_OK)
		rc = client_post_form(client, "/oauth2/token", buf_span(&form), answer);
	if (rc == RC_OK)
		rc = read_tokens(answer, tokens);
	buf_free(&form);
	return rc;
}

rc_t oauth_redeem(struct client *client, const struct oauth_client *who,
	const struct oauth_pending *pending, const char *code, struct oauth_tokens *tokens,
	struct client_answer *answer)
{
	const struct client_parameter parameters[] = {
		{"grant_type", "authorization_code"},
		{"client_id", who->id},
		{"code", code},
		{"redirect_uri", who->redirect_uri},
		{"code_verifier", pending->verifier},
	};

	return post_token(client, who, parameters, sizeof(parameters) / sizeof(parameters[0]),
		tokens, answer);
}

rc_t oauth_refresh(struct client *client, const struct oauth_client *who,
	struct oauth_tokens *tokens, struct client_answer *answer)
{
	const char *token = NULL;

	rc_t rc = buf_string(&tokens->refresh.bytes, &token);
	if (rc != RC_OK)
		return rc;
	const struct client_parameter parameters[] = {
		{"grant_type", "refresh_token"},
		{"client_id", who->id},
		{"refresh_token", token},
	};
	return post_token(client, who, parameters, 3, tokens, answer);
}

rc_t oauth_revoke(struct client *client, const struct oauth_client *who, const struct secret *token,
	struct client_answer *answer)
{
	struct buf form = BUF_INIT;
	struct buf copy = BUF_INIT;
	const char *text = NULL;

	rc_t rc = buf_append_span(&copy, secret_span(token));
	if (rc == RC_OK)
		rc = buf_string(&copy, &text);
	if (rc == RC_OK) {
		const struct client_parameter parameters[] = {
			{"token", text}, {"client_id", who->id}};
		rc = client_form(client, parameters, 2, &form);
	}
	if (rc == RC_OK)
		rc = add_proof(client, who, &form);
	if (rc == RC_OK)
		rc = client_post_form(client, "/oauth2/revoke", buf_span(&form), answer);
	buf_free(&copy);
	buf_free(&form);
	return rc;
}
