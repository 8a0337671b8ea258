/* Role issue: an operator's line becomes a code, and a code a key with its certificate. */
#include "hsm/sam/state.h"

#include "base/clock.h"
#include "hsm/p11/sign.h"
#include "hsm/p11/wrap.h"
#include "hsm/sam/code.h"
#include "hsm/sam/mail.h"
#include "hsm/sam/otp.h"
#include "hsm/sam/password.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/profile.h"
#include "hsm/sam/slot.h"
#include "hsm/sam/verify.h"

#include <openssl/rand.h>

/* What an operator signed; neither database nor daemon can name a subscriber. */
static rc_t line_read(struct sam *sam, struct span statement, struct span signature,
	const uint8_t fingerprint[SHA256_LEN], struct statement_enrol *line)
{
	rc_t rc = operators_verify(sam->operators, fingerprint, statement, signature);

	if (rc == RC_OK)
		rc = statement_enrol_decode(line, statement);
	if (rc == RC_OK)
		rc = profile_check(line);
	return rc;
}

static rc_t code_send(
	struct sam *sam, const struct statement_enrol *line, struct span code, int64_t expires_ms)
{
	struct mail_code mail = {
		.service_name = sam->options.service_name,
		.public_url = sam->options.public_url,
		.name = line->name,
		.email = line->email,
		.code = code,
		.expires_ms = expires_ms,
	};
	struct buf text = BUF_INIT;

	rc_t rc = mail_code_compose(&text, &mail);
	if (rc == RC_OK)
		rc = mail_spool(sam->options.codes_spool, buf_span(&text));
	buf_free(&text);
	return rc;
}

rc_t sam_enrol(struct sam *sam, const struct job_enrol *job, struct job_enrolled *answer)
{
	struct job_enrolled made = {.code_expires_ms = clock_wall_ms() + CODE_VALID_MS};
	struct secret code = SECRET_INIT;
	struct statement_enrol line;

	rc_t rc = line_read(sam, job->statement, job->signature, job->operator_fingerprint, &line);
	if (rc == RC_OK)
		rc = code_draw(&code);
	if (rc == RC_OK)
		rc = code_mac(secret_span(&sam_generation_current(sam)->code), &job->enrolment,
			job->statement, made.code_expires_ms, secret_span(&code), made.code_mac);
	if (rc == RC_OK)
		rc = code_send(sam, &line, secret_span(&code), made.code_expires_ms);
	secret_free(&code);
	if (rc == RC_OK)
		*answer = made;
	return sam_note(sam, rc);
}

/* A code made just before a new generation came is still good: each generation is tried. */
static bool code_is_right(const struct sam *sam, const struct job_activate *job)
{
	bool right = false;
	uint8_t mac[CODE_MAC_LEN];

	for (size_t i = 0; i < sam->generation_count; i++) {
		rc_t rc = code_mac(secret_span(&sam->generations[i].code), &job->enrolment,
			job->statement, job->code_expires_ms, job->code, mac);
		if (rc == RC_OK && secret_equal(SPAN(mac, sizeof(mac)), job->code_mac))
			right = true;
	}
	return right;
}

/* One answer for every way to be wrong. */
static rc_t redeemer_check(
	const struct sam *sam, const struct job_activate *job, const struct statement_enrol *line)
{
	bool right = code_is_right(sam, job);

	right = secret_equal(job->identity_number, span_string(line->identity_number)) && right;
	right = clock_wall_ms() < job->code_expires_ms && right;
	return right ? RC_OK : RC_ACTIVATION_REFUSED;
}

static rc_t request_check(const struct sam *sam, const struct job_activate *job,
	const struct statement_enrol *line, bool *with_otp)
{
	struct pin_person person = {line->birth_date, line->identity_number, line->phone};

	rc_t rc = slot_factors(job->factors, job->scal, sam->options.pin_only, with_otp);
	if (rc == RC_OK)
		rc = redeemer_check(sam, job, line);
	if (rc == RC_OK)
		rc = pin_check_rules(job->pin, &person);
	if (rc == RC_OK && job->password.len > 0)
		rc = password_check_rules(job->password, span_string(line->identity_number),
			span_string(line->email));
	if (rc == RC_OK && key_algo_by_kind(job->key) == NULL)
		rc = RC_KEY_ALGO_INVALID;
	return rc;
}

/* The wrapped key, unwrapped again, signs what the public key confirms: before anybody relies on
 * it. */
static rc_t pair_prove(struct sam *sam, enum key_kind kind, struct span w, EVP_PKEY *public_key)
{
	const struct p11_signing signing = {kind,
		key_algo_by_kind(kind)->rsa ? SCHEME_RSA_PKCS1 : SCHEME_ECDSA, DIGEST_SHA256, 0};
	uint8_t digest[SHA256_LEN], signature[P11_SIGNATURE_MAX];
	struct verifier *verifier = NULL;
	CK_OBJECT_HANDLE key;
	size_t len = 0;

	if (RAND_bytes(digest, sizeof(digest)) != 1)
		return RC_CRYPTO;
	sam->unwraps++;
	rc_t rc = p11_wrap_open(sam->session, sam_generation_current(sam)->wrap, kind, w, &key);
	if (rc != RC_OK)
		return rc;
	rc = p11_sign(sam->session, key, &signing, SPAN(digest, sizeof(digest)), signature, &len);
	p11_wrap_close(sam->session, key);
	if (rc == RC_OK)
		rc = verifier_new(public_key, &signing, &verifier);
	if (rc == RC_OK)
		rc = verifier_check(verifier, SPAN(digest, sizeof(digest)), SPAN(signature, len));
	verifier_free(&verifier);
	return rc;
}

static rc_t public_encode(EVP_PKEY *public_key, struct buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(public_key, &der);
	rc_t rc = len <= 0 ? RC_CRYPTO : buf_append(out, der, (size_t)len);

	OPENSSL_free(der);
	return rc;
}

static rc_t otp_make(struct sam *sam, const struct job_activate *job, struct job_activated *made)
{
	struct secret secret = SECRET_INIT;
	struct buf record = BUF_INIT;

	rc_t rc = secret_random(&secret, OTP_SECRET_LEN);
	if (rc == RC_OK)
		rc = otp_record_encode(&record, secret_span(&secret));
	if (rc == RC_OK)
		rc = slot_otp_seal(sam, &job->credential, buf_span(&record), &made->otp_seal);
	if (rc == RC_OK)
		rc = buf_append_span(&made->otp_secret, secret_span(&secret));
	buf_free(&record);
	secret_free(&secret);
	return rc;
}

/* After the public key. */
static rc_t slot_make(
	struct sam *sam, const struct job_activate *job, struct span w, struct job_activated *made)
{
	struct wrapped_key wrapped = {made->generation, job->key, w};
	struct secret salt = SECRET_INIT;
	uint8_t public_sha256[SHA256_LEN];

	rc_t rc = secret_random(&salt, SALT_LEN);
	if (rc == RC_OK)
		rc = buf_append_span(&made->salt, secret_span(&salt));
	if (rc == RC_OK)
		rc = digest_sha256(buf_span(&made->public_key), public_sha256);
	struct sealed_key slot = {
		.credential = job->credential,
		.subscriber = job->subscriber,
		.slot = 0,
		.scal = job->scal,
		.factors = job->factors,
		.kdf = made->kdf,
		.generation = made->generation,
		.salt = buf_span(&made->salt),
		.otp_seal = buf_span(&made->otp_seal),
	};
	if (rc == RC_OK)
		rc = slot_seal(sam, &slot, public_sha256, job->pin, &wrapped, &made->key_seal);
	secret_free(&salt);
	return rc;
}

static rc_t credential_make(struct sam *sam, const struct job_activate *job,
	const struct statement_enrol *line, bool with_otp, struct job_activated *made)
{
	struct buf w = BUF_INIT;
	EVP_PKEY *public_key = NULL;

	rc_t rc = p11_wrap_new_pair(
		sam->session, sam_generation_current(sam)->wrap, job->key, &w, &public_key);
	if (rc == RC_OK)
		rc = pair_prove(sam, job->key, buf_span(&w), public_key);
	if (rc == RC_OK && with_otp)
		rc = otp_make(sam, job, made);
	if (rc == RC_OK)
		rc = public_encode(public_key, &made->public_key);
	if (rc == RC_OK)
		rc = slot_make(sam, job, buf_span(&w), made);
	if (rc == RC_OK)
		rc = profile_certify(
			sam->ca, line, public_key, sam->options.pki_url, &made->certificate);
	EVP_PKEY_free(public_key);
	buf_free(&w);
	return rc;
}

rc_t sam_activate(struct sam *sam, const struct job_activate *job, struct job_activated *answer)
{
	struct job_activated made = {
		.kdf = {PIN_KDF_MEMORY_KIB, PIN_KDF_PASSES},
		.generation = sam_generation_current(sam)->number,
	};
	struct statement_enrol line;
	bool with_otp = true;

	rc_t rc = line_read(sam, job->statement, job->signature, job->operator_fingerprint, &line);
	if (rc == RC_OK)
		rc = request_check(sam, job, &line, &with_otp);
	if (rc == RC_OK && job->password.len > 0)
		rc = password_make(sam, &job->subscriber, job->password, &made.password);
	if (rc == RC_OK)
		rc = credential_make(sam, job, &line, with_otp, &made);
	if (rc != RC_OK) {
		job_activated_free(&made);
		return sam_note(sam, rc);
	}
	*answer = made;
	return RC_OK;
}
