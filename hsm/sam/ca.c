#include "hsm/sam/ca.h"

#include "base/digest.h"
#include "base/log.h"
#include "hsm/p11/key.h"
#include "hsm/p11/public.h"
#include "hsm/p11/sign.h"
#include "hsm/sam/ca_object.h"

#include <openssl/objects.h>
#include <stdlib.h>

struct ca {
	struct p11_session *session;
	CK_OBJECT_HANDLE key;
	X509 *certificate;
};

/* AlgorithmIdentifier sha256WithRSAEncryption, RFC 4055 §5 */
static const uint8_t algorithm[] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};

/* Tag and length, X.690 §8.1.3: a list of many entries takes three bytes of length. */
static rc_t der_head(struct buf *out, uint8_t tag, size_t len)
{
	size_t octets = len < 0x80 ? 0 : len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;
	uint8_t head[5] = {tag, (uint8_t)(octets == 0 ? len : 0x80 | octets)};

	if (len >= 0x1000000)
		return RC_TOO_LONG;
	for (size_t i = 0; i < octets; i++)
		head[2 + i] = (uint8_t)(len >> 8 * (octets - 1 - i));
	return buf_append(out, head, 2 + octets);
}

/* SEQUENCE { tbs, algorithm, BIT STRING signature } */
static rc_t der_signed(struct buf *out, struct span tbs, struct span signature)
{
	struct buf inner = BUF_INIT;
	uint8_t unused_bits = 0;

	rc_t rc = buf_append_span(&inner, tbs);
	if (rc == RC_OK)
		rc = buf_append(&inner, algorithm, sizeof(algorithm));
	if (rc == RC_OK)
		rc = der_head(&inner, 0x03, signature.len + 1);
	if (rc == RC_OK)
		rc = buf_append(&inner, &unused_bits, 1);
	if (rc == RC_OK)
		rc = buf_append_span(&inner, signature);
	if (rc == RC_OK)
		rc = der_head(out, 0x30, inner.len);
	if (rc == RC_OK)
		rc = buf_append_span(out, buf_span(&inner));
	buf_free(&inner);
	return rc;
}

static rc_t tbs_sign(
	struct p11_session *session, CK_OBJECT_HANDLE key, struct span tbs, struct buf *der)
{
	static const struct p11_signing signing = {
		KEY_RSA_3072, SCHEME_RSA_PKCS1, DIGEST_SHA256, 0};
	uint8_t digest[SHA256_LEN], signature[P11_SIGNATURE_MAX];
	size_t len = 0;

	rc_t rc = digest_sha256(tbs, digest);
	if (rc == RC_OK)
		rc = p11_sign(
			session, key, &signing, SPAN(digest, sizeof(digest)), signature, &len);
	if (rc == RC_OK)
		rc = der_signed(der, tbs, SPAN(signature, len));
	return rc;
}

/* Sets the algorithm inside, signs, checks under `issuer`. */
static rc_t x509_sign(struct p11_session *session, CK_OBJECT_HANDLE key, X509 *x509,
	EVP_PKEY *issuer, struct buf *out)
{
	X509_ALGOR *inside = (X509_ALGOR *)X509_get0_tbs_sigalg(x509);
	struct buf der = BUF_INIT;
	uint8_t *tbs = NULL;

	if (X509_ALGOR_set0(inside, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL) !=
		1)
		return RC_CRYPTO;
	int len = i2d_re_X509_tbs(x509, &tbs);
	rc_t rc = len <= 0 ? RC_CRYPTO : tbs_sign(session, key, SPAN(tbs, (size_t)len), &der);
	OPENSSL_free(tbs);
	const uint8_t *at = der.data;
	X509 *made = rc == RC_OK ? d2i_X509(NULL, &at, (long)der.len) : NULL;
	if (rc == RC_OK && (made == NULL || X509_verify(made, issuer) != 1))
		rc = RC_SIGNATURE_BAD;
	if (rc == RC_OK)
		rc = buf_append_span(out, buf_span(&der));
	X509_free(made);
	buf_free(&der);
	return rc;
}

rc_t ca_sign_certificate(struct ca *ca, X509 *certificate, struct buf *der)
{
	return x509_sign(ca->session, ca->key, certificate, X509_get0_pubkey(ca->certificate), der);
}

rc_t ca_sign_crl(struct ca *ca, struct span tbs, struct buf *out)
{
	struct buf der = BUF_INIT;
	rc_t rc = tbs_sign(ca->session, ca->key, tbs, &der);
	const uint8_t *at = der.data;

	X509_CRL *made = rc == RC_OK ? d2i_X509_CRL(NULL, &at, (long)der.len) : NULL;
	if (rc == RC_OK &&
		(made == NULL || X509_CRL_verify(made, X509_get0_pubkey(ca->certificate)) != 1))
		rc = RC_SIGNATURE_BAD;
	if (rc == RC_OK)
		rc = buf_append_span(out, buf_span(&der));
	X509_CRL_free(made);
	buf_free(&der);
	return rc;
}

static rc_t ca_key_find(struct p11_session *session, struct p11_key *key)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;

	rc_t rc = p11_key_list(session, P11_CA, keys, &count);
	if (rc != RC_OK)
		return rc;
	if (count != 1) {
		log_error(
			"ca: not exactly one CA key in the token found=%zu fix=\"rssp-keys init\"",
			count);
		return RC_TOKEN_ATTRIBUTES;
	}
	*key = keys[0];
	return RC_OK;
}

/* The key signs what the certificate's public key confirms. */
static rc_t ca_prove(const struct ca *ca)
{
	struct buf der = BUF_INIT;
	X509 *copy = X509_dup(ca->certificate);

	rc_t rc = copy == NULL ? RC_NO_MEMORY
			       : x509_sign(ca->session, ca->key, copy,
					 X509_get0_pubkey(ca->certificate), &der);
	X509_free(copy);
	buf_free(&der);
	return rc == RC_SIGNATURE_BAD ? RC_TOKEN_ATTRIBUTES : rc;
}

rc_t ca_open(struct p11_session *session, struct ca **ca)
{
	struct p11_key key;
	struct ca *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return RC_NO_MEMORY;
	made->session = session;
	rc_t rc = ca_key_find(session, &key);
	if (rc == RC_OK)
		rc = p11_key_check(session, P11_CA, &key);
	if (rc == RC_OK) {
		made->key = key.handle;
		rc = ca_object_read(session, &made->certificate);
	}
	if (rc == RC_OK)
		rc = ca_prove(made);
	if (rc != RC_OK) {
		ca_free(&made);
		return rc;
	}
	*ca = made;
	return RC_OK;
}

void ca_free(struct ca **ca)
{
	if (*ca == NULL)
		return;
	X509_free((*ca)->certificate);
	free(*ca);
	*ca = NULL;
}

const X509 *ca_certificate(const struct ca *ca)
{
	return ca->certificate;
}

static rc_t ca_certify_itself(struct p11_session *session, const struct p11_key *key,
	const char *service_name, const char *country)
{
	struct buf der = BUF_INIT;
	EVP_PKEY *public_key = NULL;
	X509 *x509 = NULL;

	rc_t rc = ca_object_public(session, &public_key);
	if (rc == RC_OK)
		rc = ca_object_build(public_key, service_name, country, &x509);
	if (rc == RC_OK)
		rc = x509_sign(session, key->handle, x509, public_key, &der);
	if (rc == RC_OK)
		rc = ca_object_store(session, key->generation, buf_span(&der));
	X509_free(x509);
	EVP_PKEY_free(public_key);
	buf_free(&der);
	return rc;
}

rc_t ca_init(struct p11_session *session, const char *service_name, const char *country)
{
	struct p11_key keys[P11_GENERATIONS_MAX], key;
	size_t count = 0;
	X509 *present = NULL;

	rc_t rc = p11_key_list(session, P11_CA, keys, &count);
	if (rc == RC_OK && count == 0)
		rc = p11_key_make(session, P11_CA, 1);
	if (rc == RC_OK)
		rc = ca_key_find(session, &key);
	if (rc == RC_OK)
		rc = p11_key_check(session, P11_CA, &key);
	if (rc != RC_OK)
		return rc;
	if (count != 0 && ca_object_read(session, &present) == RC_OK) {
		X509_free(present);
		return RC_OK;
	}
	return ca_certify_itself(session, &key, service_name, country);
}
