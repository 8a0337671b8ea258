#include "clients/lib/operator.h"

#include "base/base64.h"
#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct operator_key {
	EVP_PKEY *key;
};

/* No passphrase is ever asked for here: an encrypted key is not read. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static rc_t read_key(FILE *file, struct operator_key *key)
{
	struct stat status;
	char curve[32] = "";

	if (fstat(fileno(file), &status) != 0)
		return RC_SYSTEM;
	if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
		return RC_CONFIG;
	key->key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
	ERR_clear_error();
	if (key->key == NULL || !EVP_PKEY_is_a(key->key, "EC") ||
		EVP_PKEY_get_group_name(key->key, curve, sizeof(curve), NULL) != 1)
		return RC_CONFIG;
	return OBJ_txt2nid(curve) == NID_X9_62_prime256v1 ? RC_OK : RC_CONFIG;
}

rc_t operator_key_load(const char *path, struct operator_key **key)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return RC_SYSTEM;
	struct operator_key *fresh = calloc(1, sizeof(*fresh));
	rc_t rc = fresh == NULL ? RC_NO_MEMORY : read_key(file, fresh);
	fclose(file);
	if (rc != RC_OK) {
		operator_key_free(&fresh);
		return rc;
	}
	*key = fresh;
	return RC_OK;
}

void operator_key_free(struct operator_key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_free((*key)->key);
	free(*key);
	*key = NULL;
}

rc_t operator_sign(const struct operator_key *key, struct span statement, struct buf *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t value[128];
	size_t len = sizeof(value);
	rc_t rc = RC_CRYPTO;

	if (context != NULL &&
		EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
		EVP_DigestSign(context, value, &len, statement.data, statement.len) == 1)
		rc = buf_append(out, value, len);
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return rc;
}

/* NULL if memory ran out. An empty signature is left out. */
static json_t *statement_body(struct span statement, struct span signature)
{
	struct buf text = BUF_INIT;
	struct buf signed_text = BUF_INIT;
	const char *first = NULL;
	const char *second = NULL;
	json_t *body = NULL;

	if (base64_encode(&text, statement) != RC_OK || buf_string(&text, &first) != RC_OK ||
		base64_encode(&signed_text, signature) != RC_OK ||
		buf_string(&signed_text, &second) != RC_OK)
		goto out;
	body = signature.len == 0
		       ? json_pack("{s:s}", "statement", first)
		       : json_pack("{s:s, s:s}", "statement", first, "signature", second);
out:
	buf_free(&text);
	buf_free(&signed_text);
	return body;
}

static void copy_member(char *out, size_t size, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text == NULL ? "" : text);
	client_text_disarm(out, false);
}

static rc_t read_decision(
	const char *lang, const struct client_answer *answer, struct operator_decision *decision)
{
	struct operator_decision fresh = {0};
	const json_t *body = answer->body;

	copy_member(fresh.effect, sizeof(fresh.effect), body, "effect");
	copy_member(fresh.rule, sizeof(fresh.rule), body, "rule");
	copy_member(fresh.reason, sizeof(fresh.reason), json_object_get(body, "reason"), lang);
	copy_member(fresh.alternative, sizeof(fresh.alternative),
		json_object_get(body, "alternative"), lang);
	copy_member(fresh.enrolment, sizeof(fresh.enrolment), body, "enrolmentID");
	if (fresh.effect[0] == 0)
		return RC_SERVER_ANSWER;
	*decision = fresh;
	return RC_OK;
}

rc_t operator_check(struct client *client, const char *lang, struct span statement,
	struct operator_decision *decision, struct client_answer *answer)
{
	rc_t rc = client_post(client, "/operator/v1/enrolments/check",
		statement_body(statement, SPAN_NONE), answer);
	return rc == RC_OK ? read_decision(lang, answer, decision) : rc;
}

rc_t operator_enrol(struct client *client, const char *lang, struct span statement,
	struct span signature, struct operator_decision *decision, struct client_answer *answer)
{
	rc_t rc = client_post(
		client, "/operator/v1/enrolments", statement_body(statement, signature), answer);
	return rc == RC_OK ? read_decision(lang, answer, decision) : rc;
}

rc_t operator_unlock(struct client *client, const struct operator_key *key,
	const struct id *credential, struct client_answer *answer)
{
	struct statement_unlock unlock = {
		.credential = *credential, .issued_at_ms = clock_wall_ms()};
	struct buf encoded = BUF_INIT;
	struct buf signature = BUF_INIT;

	rc_t rc = statement_unlock_encode(&encoded, &unlock);
	if (rc == RC_OK)
		rc = operator_sign(key, buf_span(&encoded), &signature);
	if (rc == RC_OK)
		rc = client_post(client, "/operator/v1/subscribers/unlock",
			statement_body(buf_span(&encoded), buf_span(&signature)), answer);
	buf_free(&encoded);
	buf_free(&signature);
	return rc;
}
