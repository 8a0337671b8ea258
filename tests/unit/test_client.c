/* link: csc */
/* The client library against a server of its own: HTTPS in a child process, one canned answer a
 * path; /echo/… answers with what it was sent. */
#include "clients/lib/csc.h"
#include "clients/lib/oauth.h"
#include "clients/lib/operator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_ID "0f0e0d0c-0b0a-4908-8706-050403020100"
#define REQUEST_MAX 65536

static struct {
	char dir[64];
	char root[128];
	char key[128];
	char url[64];
	EVP_PKEY *operator_key;
	pid_t server;
} fixture;

/* the server */

static const struct answer {
	const char *path;
	int status;
	const char *headers;
	const char *body;
} answers[] = {
	{"/oauth2/token", 200, "", "{\"access_token\":\"t0k\",\"expires_in\":3600}"},
	{"/oauth2/pushed_authorize", 201, "",
		"{\"request_uri\":\"urn:ietf:params:oauth:request_uri:a b\",\"expires_in\":90}"},
	{"/oauth2/revoke", 204, "", ""},
	{"/csc/v2/signatures/signHash", 200, "", "{\"signatures\":[\"AQI=\"]}"},
	{"/refused", 400, "X-Request-Id: " REQUEST_ID "\r\nRetry-After: 17\r\n",
		"{\"error\":\"invalid_otp\",\"error_description\":\"a\\u001b[31mb\\nc\"}"},
	{"/bare", 503, "X-Request-Id: not an id\r\n", "upstream is away"},
	{"/html", 200, "", "<html>"},
	{"/array", 200, "", "[]"},
	{"/twice", 200, "", "{\"a\":1,\"a\":2}"},
	{"/moved", 302, "Location: /oauth2/token\r\n", ""},
	{"/csc/v1/credentials/list", 200, "", "{\"credentialIDs\":\"x\"}"},
	{"/csc/v1/credentials/info", 200, "", "{\"key\":{\"status\":\"enabled\"},\"cert\":{}}"},
	{"/csc/v1/credentials/authorize", 200, "", "{\"SAD\":\"first\",\"expiresIn\":600}"},
	{"/csc/v1/credentials/extendTransaction", 200, "", "{\"SAD\":\"second\"}"},
	{"/csc/v1/signatures/signHash", 200, "", "{\"signatures\":[\"AQI=\",\"AwQ=\"]}"},
	{"/operator/v1/enrolments/check", 200, "",
		"{\"effect\":\"deny\",\"rule\":\"authority\",\"reason\":{\"vi\":\"vì\",\"en\":\"why\"},"
		"\"alternative\":{\"vi\":\"thay\",\"en\":\"instead\"}}"},
};

static const struct answer *answer_for(const char *request)
{
	const char *path = strchr(request, ' ') + 1;
	size_t len = strcspn(path, " ?");

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strlen(answers[i].path) == len && strncmp(answers[i].path, path, len) == 0)
			return &answers[i];
	}
	return NULL;
}

static bool request_complete(const char *request, size_t len)
{
	const char *end = strstr(request, "\r\n\r\n");
	const char *length = strstr(request, "Content-Length: ");

	if (end == NULL)
		return false;
	size_t body = length == NULL || length > end ? 0 : strtoul(length + 16, NULL, 10);
	return len >= (size_t)(end + 4 - request) + body;
}

static void serve_request(SSL *ssl, const char *request)
{
	const struct answer *answer = answer_for(request);
	struct buf out = BUF_INIT;
	char *echo = NULL;

	if (answer == NULL) {
		json_t *body = json_pack("{s:s}", "request", request);
		echo = json_dumps(body, JSON_COMPACT);
		json_decref(body);
	}
	const char *body = answer == NULL ? echo : answer->body;
	rc_t rc = buf_printf(&out, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s",
		answer == NULL ? 200 : answer->status, answer == NULL ? "" : answer->headers,
		strlen(body), body);
	if (rc == RC_OK)
		SSL_write(ssl, out.data, (int)out.len);
	client_text_free(echo);
	buf_free(&out);
}

static void serve_connection(SSL *ssl)
{
	static char request[REQUEST_MAX];
	size_t len = 0;

	for (;;) {
		int got = SSL_read(ssl, request + len, (int)(sizeof(request) - 1 - len));
		if (got <= 0)
			return;
		len += (size_t)got;
		request[len] = 0;
		if (!request_complete(request, len))
			continue;
		serve_request(ssl, request);
		len = 0;
	}
}

static _Noreturn void serve(int listener, SSL_CTX *context)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		SSL *ssl = SSL_new(context);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			serve_connection(ssl);
		SSL_free(ssl);
		close(fd);
	}
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_EXTENSION *address =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)"Mau", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, address, -1);
	X509_EXTENSION_free(address);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	return fdopen(fd, "w");
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(
		fixture.url, sizeof(fixture.url), "https://127.0.0.1:%u/", ntohs(address.sin_port));
	return fd;
}

static int setup(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = self_signed(key);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	(void)state;
	assert_int_equal(client_global_init(), RC_OK);
	snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/test-client-XXXXXX");
	assert_non_null(mkdtemp(fixture.dir));
	snprintf(fixture.root, sizeof(fixture.root), "%s/root.pem", fixture.dir);
	snprintf(fixture.key, sizeof(fixture.key), "%s/operator.key", fixture.dir);
	fixture.operator_key = EVP_EC_gen("P-256");
	FILE *file = create(fixture.root, 0600);
	PEM_write_X509(file, certificate);
	fclose(file);
	file = create(fixture.key, 0600);
	PEM_write_PrivateKey(file, fixture.operator_key, NULL, NULL, 0, NULL, NULL);
	fclose(file);

	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	int listener = listen_somewhere();
	fixture.server = fork();
	assert_true(fixture.server >= 0);
	if (fixture.server == 0)
		serve(listener, context);
	close(listener);
	SSL_CTX_free(context);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(fixture.server, SIGKILL);
	waitpid(fixture.server, NULL, 0);
	unlink(fixture.root);
	unlink(fixture.key);
	rmdir(fixture.dir);
	EVP_PKEY_free(fixture.operator_key);
	return 0;
}

static struct client *connect_client(const char *ca_file)
{
	const struct client_config config = {.url = fixture.url, .ca_file = ca_file, .lang = "vi"};
	struct client *client = NULL;

	assert_int_equal(client_new(&config, &client), RC_OK);
	return client;
}

/* tests */

static void test_a_request_carries_token_language_and_json(void **state)
{
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;

	(void)state;
	assert_int_equal(client_login(client, "app", span_string("s&=' +"), &answer), RC_OK);
	assert_int_equal(
		client_post(client, "/echo", json_pack("{s:s}", "a", "ví dụ"), &answer), RC_OK);
	const char *request = client_answer_string(&answer, "request");
	assert_non_null(strstr(request, "POST /echo HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Authorization: Bearer t0k\r\n"));
	assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(request, "\r\n\r\n{\"a\":\"ví dụ\",\"lang\":\"vi\"}"));
	client_answer_free(&answer);
	client_free(&client);
	assert_null(client);
}

static void test_parameters_of_a_query_are_encoded_and_empty_ones_left_out(void **state)
{
	const struct client_parameter parameters[] = {
		{"name", "Ví & Dụ=1"}, {"none", NULL}, {"empty", ""}};
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;

	(void)state;
	assert_int_equal(client_get(client, "/echo/x", parameters, 3, &answer), RC_OK);
	assert_non_null(strstr(client_answer_string(&answer, "request"),
		"GET /echo/x?name=V%C3%AD%20%26%20D%E1%BB%A5%3D1&empty= HTTP/1.1\r\n"));
	client_answer_free(&answer);
	client_free(&client);
}

static void test_words_from_outside_do_not_steer_a_terminal_nor_turn_its_writing(void **state)
{
	char words[] = "a\x1b[31m\x7f \xc2\x9b\u202egnp.exe Dụ\n\xff\xe1\xba";
	char lines[] = "một\nhai\thai";

	(void)state;
	client_text_disarm(words, false);
	assert_string_equal(words, "a [31m       gnp.exe Dụ ???");
	client_text_disarm(lines, true);
	assert_string_equal(lines, "một\nhai hai");
}

static void test_a_refusal_is_told_whole_and_cannot_steer_a_terminal(void **state)
{
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;

	(void)state;
	assert_int_equal(
		client_post(client, "/refused", json_object(), &answer), RC_SERVER_REFUSED);
	assert_int_equal(answer.status, 400);
	assert_string_equal(answer.error, "invalid_otp");
	assert_string_equal(answer.text, "a [31mb c");
	assert_string_equal(answer.request, REQUEST_ID);
	assert_int_equal(answer.retry_after_s, 17);

	assert_int_equal(client_post(client, "/bare", json_object(), &answer), RC_SERVER_REFUSED);
	assert_string_equal(answer.text, "HTTP 503");
	assert_string_equal(answer.request, "");
	client_answer_free(&answer);
	client_free(&client);
}

static void test_what_is_no_json_object_is_no_answer(void **state)
{
	static const char *const paths[] = {"/html", "/array", "/twice"};
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(
			client_post(client, paths[i], json_object(), &answer), RC_SERVER_ANSWER);
	/* nor is a redirection followed: the token would go along */
	assert_int_equal(client_post(client, "/moved", json_object(), &answer), RC_SERVER_REFUSED);
	assert_int_equal(client_post(client, "/echo", NULL, &answer), RC_FORMAT);
	client_answer_free(&answer);
	client_free(&client);
}

static void test_only_the_trusted_server_over_https_is_spoken_to(void **state)
{
	const struct client_config plain = {.url = "http://127.0.0.1:1"};
	const struct client_config nobody = {.url = "https://127.0.0.1:1"};
	struct client *client = NULL;
	struct client_answer answer = CLIENT_ANSWER_INIT;

	(void)state;
	assert_int_equal(client_new(&plain, &client), RC_CONFIG);
	assert_int_equal(client_new(&nobody, &client), RC_OK);
	assert_int_equal(csc_info(client, &answer), RC_SERVER_UNREACHABLE);
	assert_true(answer.text[0] != 0);
	client_free(&client);

	client = connect_client(NULL);
	assert_int_equal(csc_info(client, &answer), RC_SERVER_UNREACHABLE);
	client_answer_free(&answer);
	client_free(&client);
}

static void test_hashes_are_authorised_extended_and_signed_in_order(void **state)
{
	const struct span items[] = {span_string("one"), span_string("two")};
	const struct csc_hashes hashes = {.items = items, .count = 2, .digest = ADES_SHA256};
	const struct csc_hashes three = {.items = items, .count = 1, .digest = ADES_SHA256};
	const struct csc_factors factors = {
		.pin = span_string("PIN"), .otp = span_string("123456")};
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct buf signatures[2] = {0};
	struct secret sad = SECRET_INIT;

	(void)state;
	assert_int_equal(csc_authorize(client, "c", &hashes, &factors, &sad, &answer), RC_OK);
	assert_true(secret_equal(secret_span(&sad), span_string("first")));
	assert_int_equal(csc_extend(client, "c", &hashes, &sad, &answer), RC_OK);
	assert_true(secret_equal(secret_span(&sad), span_string("second")));
	assert_int_equal(
		csc_sign_hash(client, "c", &hashes, ADES_RSA_PSS, &sad, signatures, &answer),
		RC_OK);
	assert_memory_equal(signatures[0].data, "\x01\x02", 2);
	assert_memory_equal(signatures[1].data, "\x03\x04", 2);
	/* more signatures than hashes */
	assert_int_equal(csc_sign_hash(client, "c", &three, ADES_ECDSA, &sad, signatures, &answer),
		RC_SERVER_ANSWER);
	buf_free(&signatures[0]);
	buf_free(&signatures[1]);
	secret_free(&sad);
	client_answer_free(&answer);
	client_free(&client);
}

static void test_credentials_that_lack_what_signing_needs_are_no_answer(void **state)
{
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct csc_credential credential = {0};

	(void)state;
	assert_int_equal(csc_list(client, "u", &answer), RC_SERVER_ANSWER);
	assert_int_equal(csc_credential_info(client, "c", &credential, &answer), RC_SERVER_ANSWER);
	assert_int_equal(credential.certificate_count, 0);
	client_answer_free(&answer);
	client_free(&client);
}

static void test_a_decision_is_read_in_the_language_asked_for(void **state)
{
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct operator_decision decision = {0};

	(void)state;
	assert_int_equal(
		operator_check(client, "vi", span_string("line"), &decision, &answer), RC_OK);
	assert_string_equal(decision.effect, "deny");
	assert_string_equal(decision.rule, "authority");
	assert_string_equal(decision.reason, "vì");
	assert_string_equal(decision.alternative, "thay");
	assert_string_equal(decision.enrolment, "");
	client_answer_free(&answer);
	client_free(&client);
}

static void test_a_statement_is_signed_by_the_operators_key(void **state)
{
	struct operator_key *key = NULL;
	struct buf signature = BUF_INIT;
	const struct span statement = span_string("a statement");

	(void)state;
	assert_int_equal(operator_key_load(fixture.key, &key), RC_OK);
	assert_int_equal(operator_sign(key, statement, &signature), RC_OK);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(
		EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, fixture.operator_key), 1);
	assert_int_equal(EVP_DigestVerify(context, signature.data, signature.len, statement.data,
				 statement.len),
		1);
	EVP_MD_CTX_free(context);
	buf_free(&signature);
	operator_key_free(&key);
}

static void test_a_key_that_others_can_read_or_of_another_kind_is_refused(void **state)
{
	struct operator_key *key = NULL;

	(void)state;
	assert_int_equal(chmod(fixture.key, 0640), 0);
	assert_int_equal(operator_key_load(fixture.key, &key), RC_CONFIG);
	assert_int_equal(chmod(fixture.key, 0600), 0);
	assert_int_equal(operator_key_load(fixture.root, &key), RC_CONFIG);
	assert_int_equal(operator_key_load("/nonexistent", &key), RC_SYSTEM);
	assert_null(key);
}

static const struct oauth_client application = {.id = "app",
	.secret = {(const uint8_t *)"s&=", 3},
	.redirect_uri = "https://app.mau.vn/back?a=1"};
static const struct oauth_pending pending = {.state = "S", .verifier = "V"};

/* A client whose every request is answered with what it was. */
static struct client *connect_echo(void)
{
	char url[128];
	const struct client_config config = {.url = url, .ca_file = fixture.root};
	struct client *client = NULL;

	snprintf(url, sizeof(url), "%secho", fixture.url);
	assert_int_equal(client_new(&config, &client), RC_OK);
	return client;
}

static void test_a_pushed_request_leaves_only_its_name_to_the_browser(void **state)
{
	const struct oauth_ask ask = {.scope = "credential", .details = "[{}]", .lang = "en"};
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct buf url = BUF_INIT;
	const char *text = NULL;

	(void)state;
	assert_int_equal(oauth_push_url(client, "https://rssp.mau.vn/", &application, &pending,
				 &ask, &url, &answer),
		RC_OK);
	assert_int_equal(buf_string(&url, &text), RC_OK);
	assert_string_equal(text, "https://rssp.mau.vn/oauth2/authorize?client_id=app&request_uri="
				  "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Aa%20b");
	client_free(&client);

	client = connect_echo();
	assert_int_equal(oauth_push_url(client, "https://rssp.mau.vn", &application, &pending, &ask,
				 &url, &answer),
		RC_SERVER_ANSWER);
	assert_non_null(strstr(client_answer_string(&answer, "request"),
		"\r\n\r\nresponse_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.mau.vn%2Fback"
		"%3Fa%3D1&scope=credential&state=S&code_challenge="));
	assert_non_null(strstr(client_answer_string(&answer, "request"),
		"&code_challenge_method=S256&authorization_details=%5B%7B%7D%5D&lang=en&"
		"client_secret=s%26%3D"));
	client_answer_free(&answer);
	client_free(&client);
	buf_free(&url);
}

static void test_a_code_becomes_tokens_and_a_refresh_token_serves_once(void **state)
{
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct oauth_tokens tokens = {0};

	(void)state;
	assert_int_equal(secret_set(&tokens.refresh, span_string("old")), RC_OK);
	assert_int_equal(oauth_refresh(client, &application, &tokens, &answer), RC_OK);
	assert_true(secret_equal(secret_span(&tokens.access), span_string("t0k")));
	assert_int_equal(tokens.refresh.bytes.len, 0);
	assert_int_equal(tokens.expires_in_s, 3600);
	assert_int_equal(oauth_revoke(client, &application, &tokens.access, &answer), RC_OK);
	client_free(&client);

	client = connect_echo();
	assert_int_equal(oauth_redeem(client, &application, &pending, "c/", &tokens, &answer),
		RC_SERVER_ANSWER);
	assert_non_null(strstr(client_answer_string(&answer, "request"),
		"\r\n\r\ngrant_type=authorization_code&client_id=app&code=c%2F&redirect_uri=https%3A%2F"
		"%2Fapp.mau.vn%2Fback%3Fa%3D1&code_verifier=V&client_secret=s%26%3D"));
	client_answer_free(&answer);
	client_free(&client);
	oauth_tokens_free(&tokens);
}

static void test_a_token_of_scope_credential_signs_without_a_sad(void **state)
{
	const struct span hash = SPAN("01234567890123456789012345678901", 32);
	const struct csc_hashes hashes = {.items = &hash, .count = 1, .digest = ADES_SHA256};
	struct client *client = connect_client(fixture.root);
	struct client_answer answer = CLIENT_ANSWER_INIT;
	struct buf signature = BUF_INIT;

	(void)state;
	assert_int_equal(client_bearer(client, span_string("sad")), RC_OK);
	assert_int_equal(
		csc_sign_hash(client, "c", &hashes, ADES_ECDSA, NULL, &signature, &answer), RC_OK);
	assert_int_equal(signature.len, 2);
	client_free(&client);

	client = connect_echo();
	assert_int_equal(client_bearer(client, span_string("sad")), RC_OK);
	assert_int_equal(csc_sign_hash(client, "c", &hashes, ADES_ECDSA, NULL, &signature, &answer),
		RC_SERVER_ANSWER);
	assert_non_null(
		strstr(client_answer_string(&answer, "request"), "Authorization: Bearer sad\r\n"));
	assert_null(strstr(client_answer_string(&answer, "request"), "SAD"));
	client_answer_free(&answer);
	client_free(&client);
	buf_free(&signature);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_carries_token_language_and_json),
		cmocka_unit_test(test_parameters_of_a_query_are_encoded_and_empty_ones_left_out),
		cmocka_unit_test(test_a_refusal_is_told_whole_and_cannot_steer_a_terminal),
		cmocka_unit_test(
			test_words_from_outside_do_not_steer_a_terminal_nor_turn_its_writing),
		cmocka_unit_test(test_what_is_no_json_object_is_no_answer),
		cmocka_unit_test(test_only_the_trusted_server_over_https_is_spoken_to),
		cmocka_unit_test(test_hashes_are_authorised_extended_and_signed_in_order),
		cmocka_unit_test(test_credentials_that_lack_what_signing_needs_are_no_answer),
		cmocka_unit_test(test_a_decision_is_read_in_the_language_asked_for),
		cmocka_unit_test(test_a_statement_is_signed_by_the_operators_key),
		cmocka_unit_test(test_a_key_that_others_can_read_or_of_another_kind_is_refused),
		cmocka_unit_test(test_a_pushed_request_leaves_only_its_name_to_the_browser),
		cmocka_unit_test(test_a_code_becomes_tokens_and_a_refresh_token_serves_once),
		cmocka_unit_test(test_a_token_of_scope_credential_signs_without_a_sad),
	};
	return cmocka_run_group_tests_name("client", tests, setup, teardown);
}
