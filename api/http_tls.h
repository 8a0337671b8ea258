/*
 * TLS of the public listeners: 1.2 with forward secrecy, or 1.3. A client certificate is asked for
 * and never required: who sends none is nobody's operator. One that is presented and not trusted
 * does not break the handshake either; it is treated as none, so that the refusal is answered in
 * words and audited.
 */
#ifndef API_HTTP_TLS_H
#define API_HTTP_TLS_H

#include "base/digest.h"
#include "hsm/statement.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* Whose certificates a listener's request for one names. A browser that has a certificate of
 * another issuer, a subscriber's own token, say, then asks its user nothing. Any is looked at all
 * the same. */
enum tls_asks {
	TLS_ASKS_OPERATORS, /* those of the operators' file */
	TLS_ASKS_ANYBODY,   /* nobody's: for clients whose software goes by the names */
};

/* RC_CONFIG, logged, when certificate and key do not load or do not fit together. Self-signed
 * certificates in the operators' file are trusted as peers, not as authorities; without a file no
 * client certificate is asked for. */
must_check rc_t tls_new(const char *certificate, const char *key, const char *operators_path,
	enum tls_asks asks, SSL_CTX **context);

/* When the server's certificate ends, milliseconds since 1970; 0 where that cannot be told. */
int64_t tls_expires_ms(const SSL_CTX *context);
/* RC_CONFIG, logged, if the server's certificate is not valid now. */
must_check rc_t tls_check_time(const SSL_CTX *context);

/* The operator whose key this connection proved, if its certificate was trusted and is valid now.
 */
const struct operator_entry *tls_operator(const SSL *ssl, const struct operators *operators);

/* The SHA-256 of the DER of the certificate that this connection proved to have, whoever issued it,
 * if it is valid now. False: none. */
bool tls_peer(const SSL *ssl, uint8_t sha256[SHA256_LEN]);

#endif
