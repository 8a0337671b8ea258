#include "api/http_tls.h"

#include "base/clock.h"
#include "base/log.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <time.h>

static const unsigned char session_context[] = "rsspd";

static rc_t tls_fail(const char *what, const char *path)
{
	char reason[160] = "";

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error();
	log_error("api: TLS cannot be set up what=\"%s\" path=\"%s\" error=\"%s\"", what, path,
		reason);
	return RC_CONFIG;
}

/* Or else OpenSSL asks for it on the terminal, and nobody is served until it is typed. */
static int tls_no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static rc_t tls_load_own(SSL_CTX *context, const char *certificate, const char *key)
{
	SSL_CTX_set_default_passwd_cb(context, tls_no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return tls_fail(
			"tls.certificate has to be PEM, the server's own first", certificate);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return tls_fail("tls.key has to be PEM, without a pass phrase", key);
	if (SSL_CTX_check_private_key(context) != 1)
		return tls_fail("tls.key does not belong to tls.certificate", key);
	return RC_OK;
}

/* The fault stays in the connection's verify result; tls_operator() asks for it. */
static int tls_on_verify(int good, X509_STORE_CTX *store)
{
	(void)good;
	(void)store;
	return 1;
}

static rc_t tls_load_operators(SSL_CTX *context, const char *path, enum tls_asks asks)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);

	if (path == NULL || path[0] == 0)
		return RC_OK;
	if (X509_STORE_load_file(store, path) != 1)
		return tls_fail("operators.file", path);
	/* the certificate itself is the anchor, nothing has to be above it */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return tls_fail("operators.file", path);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, tls_on_verify);
	if (asks == TLS_ASKS_ANYBODY)
		return RC_OK;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
	if (names == NULL)
		return tls_fail("operators.file", path);
	SSL_CTX_set_client_CA_list(context, names); /* takes them over */
	return RC_OK;
}

static rc_t tls_restrict(SSL_CTX *context)
{
	SSL_CTX_set_options(context,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
		SSL_CTX_set_session_id_context(
			context, session_context, sizeof(session_context) - 1) != 1)
		return tls_fail("protocol", "");
	return RC_OK;
}

rc_t tls_new(const char *certificate, const char *key, const char *operators_path,
	enum tls_asks asks, SSL_CTX **context)
{
	SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
	rc_t rc = fresh == NULL ? RC_NO_MEMORY : tls_restrict(fresh);

	if (rc == RC_OK)
		rc = tls_load_own(fresh, certificate, key);
	if (rc == RC_OK)
		rc = tls_load_operators(fresh, operators_path, asks);
	if (rc != RC_OK) {
		SSL_CTX_free(fresh);
		return rc;
	}
	*context = fresh;
	return RC_OK;
}

int64_t tls_expires_ms(const SSL_CTX *context)
{
	const X509 *certificate = SSL_CTX_get0_certificate(context);
	struct tm utc = {0};

	if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1)
		return 0;
	return (int64_t)timegm(&utc) * 1000;
}

rc_t tls_check_time(const SSL_CTX *context)
{
	const X509 *certificate = SSL_CTX_get0_certificate(context);
	time_t now = (time_t)(clock_wall_ms() / 1000);

	if (certificate != NULL && X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
		X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0)
		return RC_OK;
	log_error("api: tls.certificate is not valid at this time fix=\"renew it\"");
	return RC_CONFIG;
}

static rc_t tls_fingerprint(const X509 *certificate, uint8_t out[SHA256_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (len <= 0)
		return RC_FORMAT;
	rc_t rc = digest_sha256(SPAN(der, (size_t)len), out);
	OPENSSL_free(der);
	return rc;
}

/* The handshake, or the session that was resumed, may lie hours back. */
static bool tls_is_current(const X509 *certificate)
{
	return X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
}

const struct operator_entry *tls_operator(const SSL *ssl, const struct operators *operators)
{
	uint8_t fingerprint[SHA256_LEN];
	const X509 *certificate = SSL_get0_peer_certificate(ssl);

	if (certificate == NULL || operators == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
		!tls_is_current(certificate))
		return NULL;
	if (tls_fingerprint(certificate, fingerprint) != RC_OK)
		return NULL;
	return operators_find(operators, fingerprint);
}

bool tls_peer(const SSL *ssl, uint8_t sha256[SHA256_LEN])
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	unsigned len = 0;

	return certificate != NULL && tls_is_current(certificate) &&
	       X509_digest(certificate, EVP_sha256(), sha256, &len) == 1 && len == SHA256_LEN;
}
