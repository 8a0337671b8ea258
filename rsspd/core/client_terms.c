#include "core/client_terms.h"

#include "core/oauth/jws.h"
#include "core/operate.h"

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_MIN 2048

/* "the words of the list: what they are about" */
static rc_t refuse(struct client_terms *terms, rc_t rc, const char *about)
{
	snprintf(terms->text, sizeof(terms->text), "%s: %s", rc_text(rc, RC_CSC_V2), about);
	return rc;
}

static bool is_one_of(const char *text, const char *const *choices)
{
	for (; text != NULL && *choices != NULL; choices++) {
		if (strcmp(text, *choices) == 0)
			return true;
	}
	return false;
}

/* Addresses */

static bool port_is_good(struct span port)
{
	unsigned number = 0;

	for (size_t i = 0; i < port.len; i++) {
		if (port.data[i] < '0' || port.data[i] > '9' || number > 65535)
			return false;
		number = number * 10 + (unsigned)(port.data[i] - '0');
	}
	return number > 0 && number <= 65535;
}

static bool host_is_good(struct span host, bool tls)
{
	static const char *const loopback[] = {"127.0.0.1", "[::1]", "localhost"};
	static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	static const char literal[] = "0123456789abcdef:.[]";
	bool bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';

	for (size_t i = 0; !tls && i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		if (span_equal(host, span_string(loopback[i])))
			return true;
	}
	for (size_t i = 0; i < host.len; i++) {
		if (strchr(bracketed ? literal : name, host.data[i]) == NULL || host.data[i] == 0)
			return false;
	}
	return tls && host.len > 0;
}

/* host, host:port, [address], [address]:port */
static bool authority_is_good(struct span authority, bool tls)
{
	size_t end = authority.len;
	size_t from = 0;

	if (authority.len > 0 && authority.data[0] == '[') {
		const uint8_t *bracket = memchr(authority.data, ']', authority.len);
		if (bracket == NULL)
			return false;
		from = (size_t)(bracket - authority.data) + 1;
	}
	const uint8_t *colon =
		from < end ? memchr(authority.data + from, ':', authority.len - from) : NULL;
	if (colon != NULL) {
		end = (size_t)(colon - authority.data);
		if (!port_is_good(SPAN(colon + 1, authority.len - end - 1)))
			return false;
	} else if (from != 0 && from != end) {
		return false;
	}
	return host_is_good(SPAN(authority.data, end), tls);
}

bool client_redirect_is_good(struct span uri)
{
	static const char refused[] = "\"#<>\\^`{|}";
	static const char https[] = "https://", http[] = "http://";
	bool tls = uri.len > strlen(https) && memcmp(uri.data, https, strlen(https)) == 0;
	bool plain = uri.len > strlen(http) && memcmp(uri.data, http, strlen(http)) == 0;

	if ((!tls && !plain) || uri.len > CLIENT_REDIRECT_MAX)
		return false;
	for (size_t i = 0; i < uri.len; i++) {
		if (uri.data[i] <= ' ' || uri.data[i] > '~' || strchr(refused, uri.data[i]) != NULL)
			return false;
	}
	size_t from = tls ? strlen(https) : strlen(http), end = from;
	while (end < uri.len && uri.data[end] != '/' && uri.data[end] != '?')
		end++;
	return authority_is_good(SPAN(uri.data + from, end - from), tls);
}

static int text_append(const char *bytes, size_t len, void *arg)
{
	return buf_append(arg, bytes, len) == RC_OK ? 0 : -1;
}

static rc_t json_write(const json_t *value, struct buf *out, const char **text)
{
	if (json_dump_callback(value, text_append, out, JSON_COMPACT) != 0)
		return RC_NO_MEMORY;
	return buf_string(out, text);
}

static rc_t redirects_check(const struct client_add_request *request, struct client_terms *terms)
{
	const json_t *list = request->redirect_uris;
	size_t count = json_array_size(list);

	if (count > CLIENT_REDIRECTS_MAX)
		return refuse(terms, RC_PARAMETER_INVALID, "redirectURIs has more than 10");
	if (count == 0 && strcmp(request->mode, "oauth2code") == 0)
		return refuse(terms, RC_PARAMETER_MISSING,
			"redirectURIs: with mode oauth2code the browser comes back to one of them");
	for (size_t i = 0; i < count; i++) {
		const json_t *uri = json_array_get(list, i);
		const char *text = json_string_value(uri);
		if (text == NULL)
			return refuse(terms, RC_PARAMETER_INVALID, "redirectURIs holds no text");
		if (!client_redirect_is_good(SPAN(text, json_string_length(uri))))
			return refuse(terms, RC_REDIRECT_URI_REFUSED,
				operate_text_fits(text, 120) ? text : "redirectURIs");
		for (size_t k = 0; k < i; k++) {
			if (json_equal(json_array_get(list, k), uri))
				return refuse(terms, RC_PARAMETER_INVALID,
					"redirectURIs has one of them twice");
		}
	}
	if (list == NULL) {
		terms->fresh.redirect_uris = "[]";
		return RC_OK;
	}
	return json_write(list, &terms->redirect_uris, &terms->fresh.redirect_uris);
}

/* Keys and certificates */

static rc_t jwks_check(const struct client_add_request *request, struct client_terms *terms)
{
	struct jws_keys *keys = NULL;
	const char *why = "";

	if (request->jwks == NULL)
		return refuse(terms, RC_PARAMETER_MISSING, "jwks, with this authentication");
	rc_t rc = jws_keys_read(request->jwks, &keys, &why);
	if (rc == RC_FORMAT)
		return refuse(terms, RC_JWKS_INVALID, why);
	if (rc == RC_OK)
		rc = jws_keys_print(keys, &terms->jwks);
	if (rc == RC_OK)
		rc = buf_string(&terms->jwks, &terms->fresh.jwks);
	jws_keys_free(&keys);
	return rc;
}

static const char *certificate_fault(X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	char curve[32] = "";

	if (key == NULL)
		return "its key cannot be read";
	if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		return "its RSA key is too short";
	if (EVP_PKEY_is_a(key, "EC") &&
		(EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
			(strcmp(curve, "prime256v1") != 0 && strcmp(curve, "secp384r1") != 0)))
		return "its key is on another curve";
	if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC"))
		return "its key is of another kind";
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
		return "it is not valid yet";
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
		return "it has expired";
	return NULL;
}

static const char *certificate_read(const char *pem, X509 **certificate)
{
	size_t len = strlen(pem);
	BIO *file = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	X509 *second = NULL;

	if (file == NULL)
		return "it is too long";
	*certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
	if (*certificate != NULL)
		second = PEM_read_bio_X509(file, NULL, NULL, NULL);
	bool several = second != NULL;
	X509_free(second);
	BIO_free(file);
	ERR_clear_error();
	if (*certificate == NULL)
		return strstr(pem, "PRIVATE KEY") != NULL
			       ? "it holds a private key and no certificate"
			       : "there is none in it";
	if (several)
		return "it holds several: send the client's own alone";
	return strstr(pem, "PRIVATE KEY") != NULL
		       ? "it holds a private key: send the certificate alone"
		       : certificate_fault(*certificate);
}

static rc_t certificate_digest(const X509 *certificate, uint8_t out[SHA256_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	rc_t rc = len > 0 ? digest_sha256(SPAN(der, (size_t)len), out) : RC_NO_MEMORY;

	OPENSSL_free(der);
	return rc;
}

static rc_t certificate_check(const struct client_add_request *request, struct client_terms *terms)
{
	X509 *certificate = NULL;

	if (request->certificate == NULL)
		return refuse(terms, RC_PARAMETER_MISSING, "certificate, with this authentication");
	const char *why = certificate_read(request->certificate, &certificate);
	rc_t rc = why == NULL ? certificate_digest(certificate, terms->tls_sha256)
			      : refuse(terms, RC_CLIENT_CERTIFICATE_REFUSED, why);
	X509_free(certificate);
	if (rc == RC_OK)
		terms->fresh.tls_sha256 = SPAN(terms->tls_sha256, SHA256_LEN);
	return rc;
}

/* The whole */

static const char *choice_fault(const struct client_add_request *request)
{
	static const char *const modes[] = {"explicit", "oauth2code", NULL};
	static const char *const profiles[] = {"general", "finance", NULL};
	static const char *const ways[] = {"secret", "private-key-jwt", "tls", "none", NULL};

	if (!operate_text_fits(request->name, OPERATE_TEXT_MAX))
		return "name: 1 to 255 bytes";
	if (!is_one_of(request->mode, modes))
		return "mode: oauth2code or explicit";
	if (!is_one_of(request->profile, profiles))
		return "profile: general or finance";
	if (!is_one_of(request->authentication, ways))
		return "authentication: secret, private-key-jwt, tls or none";
	if (request->csc_version != 1 && request->csc_version != 2)
		return "cscVersion: 1 or 2";
	return NULL;
}

static const char *union_fault(const struct client_add_request *request)
{
	if (strcmp(request->authentication, "none") == 0 && strcmp(request->mode, "explicit") == 0)
		return "authentication none goes with mode oauth2code only: anybody could pretend "
		       "to be a public client and ask for PINs";
	if (request->jwks != NULL && strcmp(request->authentication, "private-key-jwt") != 0)
		return "jwks goes with authentication private-key-jwt only";
	if (request->certificate != NULL && strcmp(request->authentication, "tls") != 0)
		return "certificate goes with authentication tls only";
	return NULL;
}

rc_t client_terms_check(const struct client_add_request *request, struct client_terms *terms)
{
	const char *why = choice_fault(request);

	if (why == NULL)
		why = union_fault(request);
	if (why != NULL)
		return refuse(terms, RC_PARAMETER_INVALID, why);
	terms->fresh = (struct client_new){
		.agency = request->agency,
		.name = request->name,
		.mode = request->mode,
		.profile = request->profile,
		.authentication = request->authentication,
		.csc_version = request->csc_version,
	};
	rc_t rc = redirects_check(request, terms);
	if (rc == RC_OK && strcmp(request->authentication, "private-key-jwt") == 0)
		rc = jwks_check(request, terms);
	if (rc == RC_OK && strcmp(request->authentication, "tls") == 0)
		rc = certificate_check(request, terms);
	return rc;
}

rc_t client_terms_check_change(const struct client_add_request *request, struct client_terms *terms)
{
	const char *why = union_fault(request);
	rc_t rc = RC_OK;

	if (request->redirect_uris == NULL && request->jwks == NULL && request->certificate == NULL)
		return refuse(terms, RC_PARAMETER_MISSING, "redirectURIs, jwks or certificate");
	if (why != NULL)
		return refuse(terms, RC_PARAMETER_INVALID, why);
	terms->fresh = (struct client_new){
		.mode = request->mode, .authentication = request->authentication};
	if (request->redirect_uris != NULL)
		rc = redirects_check(request, terms);
	if (rc == RC_OK && request->jwks != NULL)
		rc = jwks_check(request, terms);
	if (rc == RC_OK && request->certificate != NULL)
		rc = certificate_check(request, terms);
	return rc;
}

void client_terms_free(struct client_terms *terms)
{
	buf_free(&terms->redirect_uris);
	buf_free(&terms->jwks);
}
