/* The CSC codecs and the token endpoint, string by string. link: api */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "fake_core.h"

#include "ask.h"

#include "base/base64.h"
#include "base/log.h"

#define HASH32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HASH32B "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HASH20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ID "\"credentialID\":\"" CREDENTIAL "\""
#define SIGN_TAIL ",\"SAD\":\"s\",\"signAlgo\":\"1.2.840.10045.4.3.2\"}"
#define SHA256_OID "2.16.840.1.101.3.4.2.1"

/* CN=Trần Văn Mẫu,O=Trường Mẫu,C=VN, self-signed, 2026-01-01 to 2036-01-01, serial 1A2B */
static const char certificate[] =
	"MIIBdDCCARqgAwIBAgICGiswCgYIKoZIzj0EAwIwQzELMAkGA1UEBhMCVk4xGDAWBgNVBAoMD1Ry"
	"xrDhu51uZyBN4bqrdTEaMBgGA1UEAwwRVHLhuqduIFbEg24gTeG6q3UwHhcNMjYwMTAxMDAwMDAw"
	"WhcNMzYwMTAxMDAwMDAwWjBDMQswCQYDVQQGEwJWTjEYMBYGA1UECgwPVHLGsOG7nW5nIE3huqt1"
	"MRowGAYDVQQDDBFUcuG6p24gVsSDbiBN4bqrdTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGr6"
	"pUN32bD7RSFNATurK9yV4oW9xBgrPpGudLwCWJtC14f7l7hZ50rB3LfkRQlA/657fo5yWdu6NuxR"
	"VdQf9TAwCgYIKoZIzj0EAwIDSAAwRQIhAKfdAvgALs1PxKFpVaqoiPUhrrTEpwpKxlZwmpANT7Bb"
	"AiBTt8F6bTECz+1cwIqahq2vP9ZoADM8TdqKOB12gIL0QA==";

static struct buf der;

static int setup(void **state)
{
	int failed = ask_reset(state);

	buf_clear(&der);
	if (base64_decode(&der, span_string(certificate)) != RC_OK)
		return -1;
	fake.view = (struct credential_view){.key = key_algo_by_kind(KEY_P_256),
		.enabled = true,
		.factors = "PIN AND OTP",
		.scal = SCAL_2,
		.mode = CLIENT_EXPLICIT,
		.multisign = 500,
		.certificate = buf_span(&der),
		.issuer_certificate = buf_span(&der)};
	fake.view_count = 1;
	if (id_parse(&fake.view.id, CREDENTIAL) != RC_OK)
		return -1;
	return failed;
}

static void assert_refused(const char *path, const char *body, const char *text)
{
	assert_int_equal(ask_json(path, body), 400);
	assert_string_equal(ask_error(), "invalid_request");
	assert_string_equal(ask_text_of_error(), text);
}

static json_t *member(const char *path)
{
	json_t *at = ask.body;
	char name[32];

	for (; *path != 0; path += *path == '.') {
		size_t len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		at = json_object_get(at, name);
		path += len;
	}
	return at;
}

static const char *text_at(const char *path)
{
	const char *text = json_string_value(member(path));

	return text == NULL ? "" : text;
}

static void info_speaks_each_version(void **state)
{
	(void)state;
	ask.authorization = NULL;
	assert_int_equal(ask_json("/csc/v1/info", ""), 200);
	assert_string_equal(text_at("specs"), "1.0.4.0");
	assert_string_equal(text_at("oauth2"), "https://127.0.0.1:8443");
	assert_non_null(strstr(text_at("logo"), "https://"));
	assert_int_equal(json_array_size(member("signAlgorithms.algos")), 2);
	assert_null(member("conformance_levels"));
	assert_int_equal(ask_text("GET", "/csc/v2/info", NULL, ""), 200);
	assert_string_equal(text_at("specs"), "2.0.0.2");
	assert_int_equal(json_array_size(member("signature_formats.formats")),
		json_array_size(member("signature_formats.envelope_properties")));
	assert_string_equal(
		json_string_value(json_array_get(member("conformance_levels"), 0)), "Ades-B-B");
	assert_null(member("oauth2Issuer"));
}

static void info_announces_only_what_works(void **state)
{
	static const char *const expected[] = {"info", "credentials/list", "credentials/info",
		"credentials/authorize", "credentials/extendTransaction", "signatures/signHash",
		"auth/revoke", "oauth2/authorize", "oauth2/pushed_authorize", "oauth2/token",
		"oauth2/revoke"};
	const size_t count = sizeof(expected) / sizeof(expected[0]);

	(void)state;
	assert_int_equal(ask_json("/csc/v1/info", "{\"lang\":\"en-GB\"}"), 200);
	assert_string_equal(text_at("lang"), "en");
	assert_int_equal(json_array_size(member("methods")), count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(
			json_string_value(json_array_get(member("methods"), i)), expected[i]);
}

static void a_client_must_name_the_user(void **state)
{
	(void)state;
	assert_refused("/csc/v1/credentials/list", "{}", "Invalid parameter userID");
	assert_refused("/csc/v1/credentials/list", "{\"userID\":1}", "Invalid parameter userID");
	assert_refused(
		"/csc/v1/credentials/list", "{\"userID\":\"x\"}", "Invalid parameter userID");
	assert_refused("/csc/v2/credentials/list",
		"{\"userID\":\"" USER "\",\"certificates\":\"all\"}",
		"Invalid parameter certificates");
	assert_refused("/csc/v1/credentials/list", "{\"userID\":\"" USER "\",\"pageToken\":\"x\"}",
		"Invalid parameter pageToken");
	assert_int_equal(fake.asked, 0);
}

static void pages_only_for_those_who_ask(void **state)
{
	(void)state;
	fake.more = true;
	assert_int_equal(ask_json("/csc/v1/credentials/list", "{\"userID\":\"" USER "\"}"), 200);
	assert_null(member("nextPageToken"));
	assert_null(member("credentialInfos"));
	assert_int_equal(fake.limit, 1000);
	assert_int_equal(
		ask_json("/csc/v1/credentials/list", "{\"userID\":\"" USER "\",\"maxResults\":1}"),
		200);
	assert_int_equal(fake.limit, 1);
	assert_string_equal(text_at("nextPageToken"), CREDENTIAL);
	assert_int_equal(ask_json("/csc/v1/credentials/list",
				 "{\"userID\":\"" USER
				 "\",\"maxResults\":-4,\"pageToken\":\"" CREDENTIAL "\"}"),
		200);
	assert_int_equal(fake.limit, 100);
	assert_false(id_is_zero(&fake.after));
}

static void v2_lists_whole_credentials(void **state)
{
	(void)state;
	assert_int_equal(
		ask_json("/csc/v2/credentials/list",
			"{\"userID\":\"" USER
			"\",\"credentialInfo\":true,\"onlyValid\":true,\"certificates\":\"none\"}"),
		200);
	assert_true(json_is_true(member("onlyValid")));
	const json_t *info = json_array_get(member("credentialInfos"), 0);
	assert_string_equal(json_string_value(json_object_get(info, "credentialID")), CREDENTIAL);
	assert_null(json_object_get(json_object_get(info, "cert"), "certificates"));
	assert_non_null(json_object_get(info, "auth"));
}

static void v1_credential_has_strings_and_numbers_as_they_must_be(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/csc/v1/credentials/info", "{" ID "}"), 200);
	assert_string_equal(text_at("authMode"), "explicit");
	assert_string_equal(text_at("SCAL"), "2");
	assert_true(json_is_integer(member("multisign")));
	assert_true(json_is_integer(member("key.len")));
	assert_string_equal(text_at("key.status"), "enabled");
	assert_string_equal(text_at("key.curve"), "1.2.840.10045.3.1.7");
	assert_int_equal(json_array_size(member("cert.certificates")), 1);
	assert_null(member("PIN"));
	assert_null(member("OTP"));
	assert_null(member("auth"));
	assert_null(member("cert.subjectDN"));
	assert_null(member("credentialID"));
}

static void v1_auth_info_shows_the_factors(void **state)
{
	(void)state;
	assert_int_equal(
		ask_json("/csc/v1/credentials/info",
			"{" ID ",\"authInfo\":true,\"certInfo\":true,\"certificates\":\"chain\"}"),
		200);
	assert_string_equal(text_at("PIN.presence"), "true");
	assert_string_equal(text_at("OTP.presence"), "true");
	assert_string_equal(text_at("OTP.type"), "offline");
	assert_string_equal(text_at("OTP.format"), "N");
	assert_string_equal(text_at("OTP.ID"), "OTP");
	assert_int_equal(json_array_size(member("cert.certificates")), 2);
	assert_string_equal(text_at("cert.subjectDN"), "CN=Trần Văn Mẫu,O=Trường Mẫu,C=VN");
	assert_string_equal(text_at("cert.serialNumber"), "1A2B");
	assert_string_equal(text_at("cert.validFrom"), "20260101000000Z");
	fake.view.factors = "PIN";
	assert_int_equal(ask_json("/csc/v1/credentials/info", "{" ID ",\"authInfo\":true}"), 200);
	assert_string_equal(text_at("OTP.presence"), "false");
	assert_null(member("OTP.ID"));
}

static void v2_credential_has_auth_objects(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/csc/v2/credentials/info", "{" ID "}"), 200);
	assert_string_equal(text_at("auth.mode"), "explicit");
	assert_string_equal(text_at("auth.expression"), "PIN AND OTP");
	const json_t *object = json_array_get(member("auth.objects"), 1);
	assert_string_equal(json_string_value(json_object_get(object, "type")), "Password");
	assert_string_equal(json_string_value(json_object_get(object, "id")), "OTP");
	assert_string_equal(json_string_value(json_object_get(object, "generator")), "totp");
	fake.view.mode = CLIENT_OAUTH2CODE;
	assert_int_equal(ask_json("/csc/v2/credentials/info", "{" ID "}"), 200);
	assert_string_equal(text_at("auth.mode"), "oauth2code");
	assert_int_equal(json_array_size(member("auth.objects")), 0);
	assert_true(json_is_array(member("auth.objects")));
}

static void credential_faults(void **state)
{
	(void)state;
	assert_refused("/csc/v1/credentials/info", "{}",
		"Missing (or invalid type) string parameter credentialID");
	assert_refused("/csc/v1/credentials/info", "{\"credentialID\":7}",
		"Missing (or invalid type) string parameter credentialID");
	assert_refused("/csc/v1/credentials/info", "{\"credentialID\":\"x\"}",
		"Invalid parameter credentialID");
	assert_refused("/csc/v1/credentials/info", "{" ID ",\"certificates\":\"all\"}",
		"Invalid parameter certificates");
	fake.views_fault.rc = RC_CREDENTIAL_ID_INVALID;
	assert_refused("/csc/v2/credentials/info", "{" ID "}", "Invalid parameter credentialID");
}

static void authorize_reads_both_ways_of_naming_factors(void **state)
{
	static const char *const bodies[] = {
		"{" ID ",\"numSignatures\":1,\"hash\":[\"" HASH32
		"\"],\"PIN\":\"p\",\"OTP\":\"1\"}",
		"{" ID ",\"numSignatures\":1,\"hashes\":[\"" HASH32
		"\"],\"hashAlgorithmOID\":\"" SHA256_OID
		"\",\"authData\":[{\"id\":\"PIN\",\"value\":\"p\"},{\"id\":\"OTP\",\"value\":\"1\"}]}",
		"{" ID ",\"numSignatures\":1,\"hashes\":[\"" HASH32 "\"],\"PIN\":\"p\","
		"\"authData\":[{\"id\":\"OTP\",\"value\":\"1\"},{\"id\":\"PIN\",\"value\":\"p\"}]}",
	};

	for (int i = 0; i < 6; i++) {
		setup(state);
		const char *path = i % 2 == 0 ? "/csc/v1/credentials/authorize"
					      : "/csc/v2/credentials/authorize";
		assert_int_equal(ask_json(path, bodies[i / 2]), 200);
		assert_string_equal(text_at("SAD"), "SAD-text");
		assert_int_equal(json_integer_value(member("expiresIn")), 600);
		assert_string_equal(fake.pin, "p");
		assert_string_equal(fake.otp, "1");
		assert_int_equal(fake.hash_count, 1);
		assert_int_equal(fake.hash_len, 32);
	}
}

static void authorize_faults_in_the_words_of_the_standard(void **state)
{
	static const char path[] = "/csc/v1/credentials/authorize";

	(void)state;
	assert_refused(
		path, "{" ID "}", "Missing (or invalid type) integer parameter numSignatures");
	assert_refused(path, "{" ID ",\"numSignatures\":\"1\"}",
		"Missing (or invalid type) integer parameter numSignatures");
	assert_refused(
		path, "{" ID ",\"numSignatures\":0}", "Invalid value for parameter numSignatures");
	assert_refused(path, "{" ID ",\"numSignatures\":501}", "Numbers of signatures is too high");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"PIN\":1}", "Invalid parameter PIN");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"OTP\":1}", "Invalid parameter OTP");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"hash\":\"x\"}",
		"Missing (or invalid type) array parameter hash");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"hash\":[]}", "Empty hash array");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"hash\":[\"" HASH20 "\"]}",
		"Invalid digest value length");
	assert_refused(path,
		"{" ID ",\"numSignatures\":1,\"hash\":[\"" HASH32 "\"],\"hashes\":[\"" HASH32B
		"\"]}",
		"The parameters hash and hashes are both present and differ");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"authData\":[{\"id\":\"PIN\"}]}",
		"Invalid parameter authData");
	assert_refused(path,
		"{" ID ",\"numSignatures\":1,\"PIN\":\"a\","
		"\"authData\":[{\"id\":\"PIN\",\"value\":\"b\"}]}",
		"Invalid parameter authData");
	assert_refused(path,
		"{" ID ",\"numSignatures\":1,\"hash\":[\"" HASH32
		"\"],\"hashAlgo\":\"1.3.14.3.2.26\"}",
		"Invalid parameter hashAlgo");
	assert_refused(path, "{" ID ",\"numSignatures\":1,\"clientData\":{}}",
		"Invalid parameter clientData");
	assert_false(fake.authorized);
}

static void factor_faults_differ_by_version(void **state)
{
	static const char body[] = "{" ID ",\"numSignatures\":1,\"PIN\":\"a\",\"OTP\":\"1\"}";
	static const struct {
		rc_t rc;
		const char *error[2], *text[2];
	} cases[] = {
		{RC_PIN_WRONG, {"invalid_pin", "invalid_authentication_data"},
			{"The PIN is invalid", "The authentication data is invalid"}},
		{RC_OTP_WRONG, {"invalid_otp", "invalid_authentication_data"},
			{"The OTP is invalid", "The authentication data is invalid"}},
		{RC_PIN_LOCKED, {"invalid_request", "invalid_request"},
			{"PIN locked", "Credential locked"}},
		{RC_CREDENTIAL_DISABLED, {"invalid_request", "invalid_request"},
			{"The credential identified by credentialID is disabled",
				"The credential identified by credentialID is disabled"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.sad.rc = cases[i].rc;
		for (int v = 0; v < 2; v++) {
			assert_int_equal(ask_json(v == 0 ? "/csc/v1/credentials/authorize"
							 : "/csc/v2/credentials/authorize",
						 body),
				400);
			assert_string_equal(ask_error(), cases[i].error[v]);
			assert_string_equal(ask_text_of_error(), cases[i].text[v]);
		}
	}
}

static void a_refusal_carries_the_cores_words(void **state)
{
	static const char body[] = "{" ID ",\"numSignatures\":1,\"PIN\":\"a\",\"OTP\":\"1\"}";

	(void)state;
	fake.sad = (struct fault){.rc = RC_POLICY_DENIED, .text = "Hiệu trưởng: USB token"};
	assert_int_equal(ask_json("/csc/v1/credentials/authorize", body), 400);
	assert_string_equal(ask_error(), "access_denied");
	assert_string_equal(ask_text_of_error(), "Hiệu trưởng: USB token");
	fake.sad = (struct fault){.rc = RC_OTP_REPLAYED,
		.retry_after_s = 12,
		.text = "The OTP was used already; wait 12 s"};
	assert_int_equal(ask_json("/csc/v2/credentials/authorize", body), 400);
	assert_string_equal(ask_error(), "invalid_authentication_data");
	assert_string_equal(ask_text_of_error(), "The OTP was used already; wait 12 s");
	assert_string_equal(ask_header("Retry-After"), "12");
}

/* A foreign credential looks unknown even to a request that has another fault. */
static void faults_of_value_come_after_ownership(void **state)
{
	(void)state;
	fake.views_fault.rc = RC_CREDENTIAL_ID_INVALID;
	assert_refused("/csc/v1/credentials/authorize", "{" ID ",\"numSignatures\":501}",
		"Invalid parameter credentialID");
	fake.sign.rc = RC_CREDENTIAL_ID_INVALID;
	assert_refused("/csc/v1/signatures/signHash", "{" ID ",\"hash\":[\"%\"]" SIGN_TAIL,
		"Invalid parameter credentialID");
	assert_refused("/csc/v1/credentials/sendOTP", "{" ID "}", "Invalid parameter credentialID");
}

static void codes_come_from_the_authenticator(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/csc/v1/credentials/sendOTP", "{" ID "}"), 400);
	assert_string_equal(fake.rows[0].code, "CODE_FROM_AUTHENTICATOR");
	assert_refused(
		"/csc/v2/credentials/getChallenge", "{" ID "}", "Invalid parameter authObjectID");
	assert_refused("/csc/v2/credentials/getChallenge", "{" ID ",\"authObjectID\":\"x\"}",
		"Invalid parameter authObjectID");
	assert_int_equal(
		ask_json("/csc/v2/credentials/getChallenge", "{" ID ",\"authObjectID\":\"OTP\"}"),
		400);
	assert_non_null(strstr(ask_text_of_error(), "authenticator"));
}

static void extend_passes_sad_and_hashes(void **state)
{
	static const char path[] = "/csc/v1/credentials/extendTransaction";

	(void)state;
	assert_refused(path, "{" ID "}", "Missing (or invalid type) string parameter SAD");
	assert_int_equal(ask_json(path, "{" ID ",\"SAD\":\"old\",\"hash\":[\"" HASH32 "\"]}"), 200);
	assert_string_equal(fake.sad_sent, "old");
	assert_int_equal(fake.hash_count, 1);
	fake.sad.rc = RC_SAD_EXPIRED;
	assert_refused(path, "{" ID ",\"SAD\":\"old\",\"hash\":[\"" HASH32 "\"]}", "SAD expired");
}

static void sign_keeps_the_order_of_hashes(void **state)
{
	(void)state;
	fake.signature_count = 3;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash",
				 "{" ID ",\"hash\":[\"" HASH32B "\",\"" HASH32 "\",\"" HASH32B
				 "\"]" SIGN_TAIL),
		200);
	assert_int_equal(fake.hash_count, 3);
	assert_int_equal(fake.first_hash[0], 1);
	assert_string_equal(fake.sad_sent, "s");
	assert_string_equal(fake.sign_algo, "1.2.840.10045.4.3.2");
	assert_int_equal(json_array_size(member("signatures")), 3);
	/* "signature 2" */
	assert_string_equal(
		json_string_value(json_array_get(member("signatures"), 2)), "c2lnbmF0dXJlIDI=");
}

static void sign_faults_in_the_words_of_the_standard(void **state)
{
	static const char path[] = "/csc/v1/signatures/signHash",
			  v2[] = "/csc/v2/signatures/signHash";
	static const char all[] = ",\"hash\":[\"" HASH32 "\"]";
	char body[512];

	(void)state;
	assert_refused(path, "{}", "Missing (or invalid type) string parameter credentialID");
	assert_refused(path, "{" ID "}", "Missing (or invalid type) string parameter SAD");
	assert_refused(
		path, "{" ID ",\"SAD\":\"s\"}", "Missing (or invalid type) array parameter hash");
	assert_refused(path, "{" ID ",\"SAD\":\"s\",\"hash\":[]}",
		"Missing (or invalid type) string parameter signAlgo");
	assert_refused(path, "{" ID ",\"hash\":[]" SIGN_TAIL, "Empty hash array");
	assert_refused(
		path, "{" ID ",\"hash\":[1]" SIGN_TAIL, "Invalid Base64 hash string parameter");
	assert_refused(path, "{" ID ",\"hash\":[\"" HASH20 "\",\"-_\"]" SIGN_TAIL,
		"Invalid Base64 hash string parameter");
	assert_refused(
		path, "{" ID ",\"hash\":[\"" HASH20 "\"]" SIGN_TAIL, "Invalid digest value length");
	snprintf(body, sizeof(body), "{%s%s,\"clientData\":1%s", ID, all, SIGN_TAIL);
	assert_refused(path, body, "Invalid parameter clientData");
	snprintf(body, sizeof(body), "{%s%s,\"hashAlgo\":1%s", ID, all, SIGN_TAIL);
	assert_refused(path, body, "Missing (or invalid type) string parameter hashAlgo");
	assert_refused(v2, body, "Missing (or invalid type) string parameter hashAlgorithmOID");
	snprintf(body, sizeof(body), "{%s%s,\"signAlgoParams\":1%s", ID, all, SIGN_TAIL);
	assert_refused(path, body, "Missing (or invalid type) string parameter signAlgoParams");
	snprintf(body, sizeof(body), "{%s%s,\"operationMode\":\"A\"%s", ID, all, SIGN_TAIL);
	assert_refused(v2, body, "Invalid parameter operationMode");
	assert_false(fake.signed_);
	snprintf(body, sizeof(body), "{%s%s%s", ID, all, SIGN_TAIL);
	fake.sign.rc = RC_HASH_NOT_AUTHORIZED;
	assert_refused(path, body, "Hash is not authorized by the SAD.");
	assert_refused(v2, body, "Hash is not authorized by the SAD");
	fake.sign.rc = RC_CERTIFICATE_EXPIRED;
	assert_refused(
		path, body, "Signing certificate 'O=Trường Mẫu,CN=Trần Văn Mẫu' is expired.");
	assert_refused(v2, body, "Signing certificate is expired");
}

static void five_hundred_hashes_and_no_more(void **state)
{
	struct buf body = BUF_INIT;

	(void)state;
	for (int count = 500; count <= 501; count++) {
		buf_clear(&body);
		assert_int_equal(buf_append_string(&body, "{" ID ",\"hash\":["), RC_OK);
		for (int i = 0; i < count; i++)
			assert_int_equal(
				buf_printf(&body, "%s\"" HASH32 "\"", i == 0 ? "" : ","), RC_OK);
		assert_int_equal(buf_append_string(&body, "]" SIGN_TAIL), RC_OK);
		int status = ask_span("POST", "/csc/v1/signatures/signHash", JSON, buf_span(&body));
		assert_int_equal(status, count == 500 ? 200 : 400);
	}
	assert_string_equal(ask_text_of_error(), "Hash is not authorized by the SAD.");
	assert_int_equal(fake.hash_count, 500);
	buf_free(&body);
}

/* oauth2/token */

static void assert_token(const char *body, int status, const char *error, const char *text)
{
	assert_int_equal(ask_text("POST", "/oauth2/token", FORM, body), status);
	assert_string_equal(ask_error(), error);
	assert_string_equal(ask_text_of_error(), text);
}

static void a_token_for_id_and_secret(void **state)
{
	(void)state;
	ask.authorization = NULL;
	assert_token("grant_type=client_credentials&client_id=a&client_secret=b%2Bc&scope=service",
		200, "", "");
	assert_string_equal(text_at("access_token"), "TOKEN");
	assert_string_equal(text_at("token_type"), "Bearer");
	assert_int_equal(json_integer_value(member("expires_in")), 3600);
	assert_string_equal(ask_header("Cache-Control"), "no-store");
	assert_string_equal(fake.client_id, "a");
	assert_string_equal(fake.client_secret, "b+c");
	assert_string_equal(fake.endpoint, "https://127.0.0.1:8443/oauth2/token");
	ask.authorization = "Basic YTpiJTJCYw=="; /* a:b%2Bc */
	assert_token("grant_type=client_credentials", 200, "", "");
	assert_string_equal(fake.client_secret, "b+c");
}

static void token_faults_in_the_words_of_the_standard(void **state)
{
	(void)state;
	ask.authorization = NULL;
	assert_token("", 400, "invalid_request", "Missing parameter client_id");
	assert_token("client_id=a", 400, "invalid_request", "Missing parameter grant_type");
	assert_token("client_id=a&grant_type=password", 400, "invalid_request",
		"Invalid parameter grant_type");
	assert_token("client_id=a&grant_type=client_credentials", 401, "invalid_request",
		"Client authorization required");
	assert_string_not_equal(ask_header("WWW-Authenticate"), "");
	assert_token("client_id=a&grant_type=client_credentials&client_secret=b&scope=credential",
		400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.");
	assert_token("client_id=a&client_id=a&grant_type=client_credentials&client_secret=b", 400,
		"invalid_request", rc_text(RC_MALFORMED, RC_CSC_V1));
	assert_int_equal(fake.asked, 0);
	fake.client.rc = RC_CLIENT_ID_INVALID;
	assert_token("client_id=a&grant_type=client_credentials&client_secret=b", 400,
		"invalid_request", "Invalid parameter client_id");
	fake.client.rc = RC_CLIENT_SECRET_INVALID;
	assert_token("client_id=a&grant_type=client_credentials&client_secret=b", 400,
		"invalid_request", "Invalid parameter client_secret");
	ask.authorization = "Basic !";
	assert_token("grant_type=client_credentials", 401, "invalid_client",
		"Invalid authorization header");
	ask.authorization = "Basic YTpi";
	assert_token("grant_type=client_credentials&client_secret=b", 400, "invalid_request",
		rc_text(RC_MALFORMED, RC_CSC_V1));
	assert_token("grant_type=client_credentials&client_id=z", 400, "invalid_request",
		"Invalid parameter client_id");
}

static void a_query_serves_without_a_body_but_never_for_secrets(void **state)
{
	(void)state;
	ask.authorization = NULL;
	ask.query = "grant_type=client_credentials&client_id=a&client_secret=b";
	assert_token("", 401, "invalid_request", "Client authorization required");
	ask.authorization = "Basic YTpi";
	assert_token("", 200, "", "");
	assert_token("client_id=a", 400, "invalid_request", "Missing parameter grant_type");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(info_speaks_each_version, setup),
		cmocka_unit_test_setup(info_announces_only_what_works, setup),
		cmocka_unit_test_setup(a_client_must_name_the_user, setup),
		cmocka_unit_test_setup(pages_only_for_those_who_ask, setup),
		cmocka_unit_test_setup(v2_lists_whole_credentials, setup),
		cmocka_unit_test_setup(
			v1_credential_has_strings_and_numbers_as_they_must_be, setup),
		cmocka_unit_test_setup(v1_auth_info_shows_the_factors, setup),
		cmocka_unit_test_setup(v2_credential_has_auth_objects, setup),
		cmocka_unit_test_setup(credential_faults, setup),
		cmocka_unit_test_setup(authorize_reads_both_ways_of_naming_factors, setup),
		cmocka_unit_test_setup(authorize_faults_in_the_words_of_the_standard, setup),
		cmocka_unit_test_setup(factor_faults_differ_by_version, setup),
		cmocka_unit_test_setup(a_refusal_carries_the_cores_words, setup),
		cmocka_unit_test_setup(faults_of_value_come_after_ownership, setup),
		cmocka_unit_test_setup(codes_come_from_the_authenticator, setup),
		cmocka_unit_test_setup(extend_passes_sad_and_hashes, setup),
		cmocka_unit_test_setup(sign_keeps_the_order_of_hashes, setup),
		cmocka_unit_test_setup(sign_faults_in_the_words_of_the_standard, setup),
		cmocka_unit_test_setup(five_hundred_hashes_and_no_more, setup),
		cmocka_unit_test_setup(a_token_for_id_and_secret, setup),
		cmocka_unit_test_setup(token_faults_in_the_words_of_the_standard, setup),
		cmocka_unit_test_setup(a_query_serves_without_a_body_but_never_for_secrets, setup),
	};

	log_open("test", LOG_ERROR);
	int failed = cmocka_run_group_tests(tests, NULL, ask_end);

	buf_free(&der);
	return failed;
}
