/* link: sam
 * The token's keys: what they refuse, and that a deviating one is found out. */
#include "sam_fixture.h"

static struct p11_module *module;
static struct p11_session *session;

static int open_token(void **state)
{
	(void)state;
	assert_int_equal(p11_module_open(MODULE_PATH, &module), RC_OK);
	session = fixture_session(module, "keys", P11_WRITE);
	return 0;
}

static int close_token(void **state)
{
	(void)state;
	p11_session_free(&session);
	p11_module_free(&module);
	return 0;
}

static struct p11_key service_key(enum p11_service service)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;

	assert_int_equal(p11_key_list(session, service, keys, &count), RC_OK);
	assert_int_equal(count, 1);
	return keys[0];
}

static void the_keys_that_init_makes_hold_every_attribute(void **state)
{
	(void)state;
	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++) {
		struct p11_key key = service_key(service);
		assert_int_equal(key.generation, 1);
		assert_int_equal(p11_key_check(session, service, &key), RC_OK);
	}
}

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* A service key cannot be read, changed or copied into something that can. */
static void a_service_key_cannot_be_given_another_purpose(void **state)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);
	uint8_t value[64];

	(void)state;
	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++) {
		struct p11_key key = service_key(service);
		CK_OBJECT_HANDLE copy;
		CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof(value)};
		CK_ATTRIBUTE decrypt = {CKA_DECRYPT, &yes, sizeof(yes)};
		CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &yes, sizeof(yes)};
		CK_ATTRIBUTE session_object = {CKA_TOKEN, &no, sizeof(no)};
		assert_int_not_equal(f->C_GetAttributeValue(handle, key.handle, &read, 1), CKR_OK);
		assert_int_not_equal(
			f->C_SetAttributeValue(handle, key.handle, &decrypt, 1), CKR_OK);
		assert_int_not_equal(
			f->C_SetAttributeValue(handle, key.handle, &extractable, 1), CKR_OK);
		assert_int_not_equal(
			f->C_CopyObject(handle, key.handle, &decrypt, 1, &copy), CKR_OK);
		assert_int_not_equal(
			f->C_CopyObject(handle, key.handle, &session_object, 1, &copy), CKR_OK);
		CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, hmac = {CKM_SHA512_HMAC, NULL, 0};
		assert_int_not_equal(f->C_DecryptInit(handle, &ecb, key.handle), CKR_OK);
		assert_int_not_equal(f->C_EncryptInit(handle, &ecb, key.handle), CKR_OK);
		assert_int_not_equal(f->C_SignInit(handle, &hmac, key.handle), CKR_OK);
	}
}

/* However it was unwrapped: it has what the template demands. */
static void holds_template(CK_OBJECT_HANDLE key)
{
	for (size_t i = 0; i < p11_unwrap_template_len; i++) {
		CK_BBOOL value = 2;
		CK_ATTRIBUTE read = {p11_unwrap_template[i].type, &value, sizeof(value)};
		assert_int_equal(p11_session_functions(session)->C_GetAttributeValue(
					 p11_session_handle(session), key, &read, 1),
			CKR_OK);
		if (value != *(CK_BBOOL *)p11_unwrap_template[i].pValue)
			fail_msg("attribute 0x%lx is %d", read.type, value);
	}
}

/* Unwrapping with one attribute other than the template demands. */
static CK_RV unwrap_with(struct span w, CK_ATTRIBUTE_TYPE type, CK_BBOOL *value, bool leave_out)
{
	struct p11_key wrap = service_key(P11_WRAP);
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE key_type = CKK_EC;
	CK_ATTRIBUTE template[32];
	CK_ULONG count = 0;
	CK_OBJECT_HANDLE key;

	template[count++] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
	template[count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &key_type, sizeof(key_type)};
	for (size_t i = 0; i < p11_unwrap_template_len; i++) {
		CK_ATTRIBUTE attribute = p11_unwrap_template[i];
		if (attribute.type == type && leave_out)
			continue;
		if (attribute.type == type)
			attribute.pValue = value;
		template[count++] = attribute;
	}
	CK_RV rv =
		p11_session_functions(session)->C_UnwrapKey(p11_session_handle(session), &mechanism,
			wrap.handle, (CK_BYTE *)(uintptr_t)w.data, w.len, template, count, &key);
	if (rv == CKR_OK) {
		holds_template(key);
		p11_wrap_close(session, key);
	}
	return rv;
}

static void a_wrapped_key_unwraps_only_to_sign_and_never_to_leave(void **state)
{
	struct p11_key wrap = service_key(P11_WRAP);
	struct buf w = BUF_INIT;
	EVP_PKEY *public_key = NULL;

	(void)state;
	assert_int_equal(
		p11_wrap_new_pair(session, wrap.handle, KEY_P_256, &w, &public_key), RC_OK);
	assert_int_equal(unwrap_with(buf_span(&w), CKA_LABEL, NULL, false), CKR_OK);
	for (size_t i = 0; i < p11_unwrap_template_len; i++) {
		CK_BBOOL *is = p11_unwrap_template[i].pValue;
		CK_BBOOL other = *is ? CK_FALSE : CK_TRUE;
		CK_ATTRIBUTE_TYPE type = p11_unwrap_template[i].type;
		if (unwrap_with(buf_span(&w), type, &other, false) == CKR_OK)
			fail_msg("attribute 0x%lx may differ", type);
		/* left out, it is refused or as the template says */
		(void)unwrap_with(buf_span(&w), type, NULL, true);
	}
	EVP_PKEY_free(public_key);
	buf_free(&w);
}

static void an_unwrapped_key_cannot_be_extracted(void **state)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);
	struct p11_key wrap = service_key(P11_WRAP);
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_OBJECT_HANDLE key, copy;
	struct buf w = BUF_INIT;
	EVP_PKEY *public_key = NULL;
	uint8_t value[256];
	CK_ULONG len = sizeof(value);

	(void)state;
	assert_int_equal(
		p11_wrap_new_pair(session, wrap.handle, KEY_P_256, &w, &public_key), RC_OK);
	assert_int_equal(p11_wrap_open(session, wrap.handle, KEY_P_256, buf_span(&w), &key), RC_OK);
	CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof(value)};
	CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &yes, sizeof(yes)};
	CK_ATTRIBUTE plain = {CKA_SENSITIVE, &no, sizeof(no)};
	CK_ATTRIBUTE decrypt = {CKA_DECRYPT, &yes, sizeof(yes)};
	assert_int_equal(f->C_GetAttributeValue(handle, key, &read, 1), CKR_ATTRIBUTE_SENSITIVE);
	assert_int_not_equal(f->C_SetAttributeValue(handle, key, &extractable, 1), CKR_OK);
	assert_int_not_equal(f->C_SetAttributeValue(handle, key, &plain, 1), CKR_OK);
	assert_int_not_equal(f->C_SetAttributeValue(handle, key, &decrypt, 1), CKR_OK);
	assert_int_not_equal(f->C_CopyObject(handle, key, &extractable, 1, &copy), CKR_OK);
	assert_int_not_equal(
		f->C_WrapKey(handle, &mechanism, wrap.handle, key, value, &len), CKR_OK);
	p11_wrap_close(session, key);
	EVP_PKEY_free(public_key);
	buf_free(&w);
}

static void a_tampered_wrapped_key_does_not_unwrap(void **state)
{
	struct p11_key wrap = service_key(P11_WRAP);
	CK_OBJECT_HANDLE key;
	struct buf w = BUF_INIT;
	EVP_PKEY *public_key = NULL;

	(void)state;
	assert_int_equal(
		p11_wrap_new_pair(session, wrap.handle, KEY_P_256, &w, &public_key), RC_OK);
	for (size_t i = 0; i < w.len; i++) {
		w.data[i] ^= 1;
		assert_int_not_equal(
			p11_wrap_open(session, wrap.handle, KEY_P_256, buf_span(&w), &key), RC_OK);
		w.data[i] ^= 1;
	}
	EVP_PKEY_free(public_key);
	buf_free(&w);
}

/* A key of generation 2 that is like ours but for one attribute. */
static void make_deviating(CK_ATTRIBUTE_TYPE type, CK_BBOOL *value)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_MECHANISM_TYPE allowed[] = {CKM_SHA256_HMAC};
	CK_ULONG len = 32;
	uint8_t id[8] = {0, 0, 0, 0, 0, 0, 0, 2};
	CK_ATTRIBUTE template[] = {
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &yes, 1},
		{CKA_SENSITIVE, &yes, 1},
		{CKA_EXTRACTABLE, &no, 1},
		{CKA_MODIFIABLE, &no, 1},
		{CKA_COPYABLE, &no, 1},
		{CKA_DERIVE, &no, 1},
		{CKA_ENCRYPT, &no, 1},
		{CKA_DECRYPT, &no, 1},
		{CKA_SIGN, &yes, 1},
		{CKA_VERIFY, &no, 1},
		{CKA_WRAP, &no, 1},
		{CKA_UNWRAP, &no, 1},
		{CKA_LABEL, "rssp-pin", 8},
		{CKA_ID, id, sizeof(id)},
		{CKA_VALUE_LEN, &len, sizeof(len)},
		{CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed)},
	};
	CK_ULONG count = sizeof(template) / sizeof(template[0]);
	CK_OBJECT_HANDLE made;

	for (CK_ULONG i = 0; i < count; i++) {
		if (template[i].type != type)
			continue;
		if (value != NULL)
			template[i].pValue = value;
		else
			template[i] = template[--count]; /* left out */
	}
	assert_int_equal(
		f->C_GenerateKey(p11_session_handle(session), &mechanism, template, count, &made),
		CKR_OK);
}

static void destroy_generation_2(void)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;

	assert_int_equal(p11_key_list(session, P11_PIN, keys, &count), RC_OK);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].generation == 2)
			p11_wrap_close(session, keys[i].handle);
	}
}

static rc_t sam_starts(enum sam_role role)
{
	struct sam_options options = fixture_options(role);
	struct sam *sam = NULL;

	close_token(NULL);
	rc_t rc = sam_new(&options, &sam);
	sam_free(&sam);
	open_token(NULL);
	return rc;
}

static void a_sam_with_a_deviating_key_does_not_start(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		CK_BBOOL *value;
	} table[] = {
		{CKA_EXTRACTABLE, &yes},
		{CKA_MODIFIABLE, &yes},
		{CKA_COPYABLE, &yes},
		{CKA_DERIVE, &yes},
		{CKA_ENCRYPT, &yes},
		{CKA_DECRYPT, &yes},
		{CKA_VERIFY, &yes},
		{CKA_WRAP, &yes},
		{CKA_UNWRAP, &yes},
		{CKA_SENSITIVE, &no},
		{CKA_SIGN, &no},
		{CKA_ALLOWED_MECHANISMS, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		make_deviating(table[i].type, table[i].value);
		assert_int_equal(sam_starts(SAM_ACTIVATE), RC_TOKEN_ATTRIBUTES);
		assert_int_equal(sam_starts(SAM_ISSUE), RC_TOKEN_ATTRIBUTES);
		/* this role does not use that key, and does not look at it */
		assert_int_equal(sam_starts(SAM_SIGN), RC_OK);
		destroy_generation_2();
	}
	assert_int_equal(sam_starts(SAM_ACTIVATE), RC_OK);
}

static void generations_that_do_not_match_do_not_start(void **state)
{
	(void)state;
	assert_int_equal(p11_key_make(session, P11_PIN, 2), RC_OK);
	assert_int_equal(sam_starts(SAM_ACTIVATE), RC_TOKEN_ATTRIBUTES);
	assert_int_equal(p11_key_make(session, P11_PIN, 2), RC_OK);
	assert_int_equal(sam_starts(SAM_ACTIVATE), RC_TOKEN_ATTRIBUTES);
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;
	assert_int_equal(p11_key_list(session, P11_PIN, keys, &count), RC_TOKEN_ATTRIBUTES);
}

static void a_wrong_token_pin_is_sent_once(void **state)
{
	struct sam_options options = fixture_options(SAM_SIGN);
	struct p11_session *again = NULL;
	struct sam *sam = NULL;
	char path[128];

	(void)state;
	close_token(NULL);
	snprintf(path, sizeof(path), "%s/wrong-pin", fixture.folder);
	file_put(path, "11112222\n", 0600);
	options.key_pin_file = path;
	assert_int_equal(sam_new(&options, &sam), RC_CONFIG);
	/* the next process does not even send the right one, until a person has looked */
	options.key_pin_file = fixture.path_pin;
	assert_int_equal(sam_new(&options, &sam), RC_CONFIG);
	assert_int_equal(p11_module_open(MODULE_PATH, &module), RC_OK);
	assert_int_equal(
		p11_session_open(module, "keys", fixture.path_pin, P11_READ, &again), RC_CONFIG);
	session = fixture_session(module, "keys", P11_WRITE);
	close_token(NULL);
	assert_int_equal(sam_new(&options, &sam), RC_OK);
	sam_free(&sam);
	open_token(NULL);
}

static void a_pin_file_that_others_read_is_refused(void **state)
{
	struct p11_session *refused = NULL;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/open-pin", fixture.folder);
	file_put(path, TOKEN_PIN, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(p11_session_open(module, "ca", path, P11_READ, &refused), RC_CONFIG);
}

static void a_token_is_found_by_its_whole_label_or_not_at_all(void **state)
{
	static const char *const labels[] = {
		"", "key", "keyss", "keys ", "none", "a label that is longer than PKCS#11 allows"};
	struct p11_session *none = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (strcmp(labels[i], "keys ") == 0)
			continue; /* labels are padded with blanks: the same label */
		assert_int_equal(
			p11_session_open(module, labels[i], fixture.path_pin, P11_READ, &none),
			RC_CONFIG);
	}
}

static void what_is_no_module_is_refused(void **state)
{
	struct p11_module *none = NULL;

	(void)state;
	assert_int_equal(p11_module_open("/nonexistent.so", &none), RC_CONFIG);
	assert_int_equal(p11_module_open(fixture.path_pin, &none), RC_CONFIG);
}

static void schemes_fit_their_keys(void **state)
{
	static const struct {
		struct p11_signing signing;
		rc_t rc;
	} table[] = {
		{{KEY_P_256, SCHEME_ECDSA, DIGEST_SHA512, 0}, RC_OK},
		{{KEY_P_256, SCHEME_RSA_PKCS1, DIGEST_SHA256, 0}, RC_SIGN_ALGO_INVALID},
		{{KEY_P_384, SCHEME_RSA_PSS, DIGEST_SHA256, 32}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, SCHEME_ECDSA, DIGEST_SHA256, 0}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, SCHEME_RSA_PSS, DIGEST_SHA256, 0}, RC_OK},
		{{KEY_RSA_2048, SCHEME_RSA_PSS, DIGEST_SHA512, 190}, RC_OK},
		{{KEY_RSA_2048, SCHEME_RSA_PSS, DIGEST_SHA512, 191}, RC_SIGN_ALGO_PARAMS_INVALID},
		{{KEY_RSA_2048, SCHEME_RSA_PSS, DIGEST_SHA256, SIZE_MAX},
			RC_SIGN_ALGO_PARAMS_INVALID},
		{{0, SCHEME_RSA_PSS, DIGEST_SHA256, 32}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, 0, DIGEST_SHA256, 0}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, 9, DIGEST_SHA256, 0}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, SCHEME_RSA_PKCS1, 0, 0}, RC_SIGN_ALGO_INVALID},
		{{KEY_RSA_2048, SCHEME_RSA_PKCS1, 4, 0}, RC_SIGN_ALGO_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(p11_signing_check(&table[i].signing), table[i].rc);
}

static int start(void **state)
{
	return fixture_start(state) != 0 || open_token(state) != 0;
}

static int stop(void **state)
{
	close_token(state);
	return fixture_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_that_init_makes_hold_every_attribute),
		cmocka_unit_test(a_service_key_cannot_be_given_another_purpose),
		cmocka_unit_test(a_wrapped_key_unwraps_only_to_sign_and_never_to_leave),
		cmocka_unit_test(an_unwrapped_key_cannot_be_extracted),
		cmocka_unit_test(a_tampered_wrapped_key_does_not_unwrap),
		cmocka_unit_test(a_sam_with_a_deviating_key_does_not_start),
		cmocka_unit_test(a_wrong_token_pin_is_sent_once),
		cmocka_unit_test(a_pin_file_that_others_read_is_refused),
		cmocka_unit_test(a_token_is_found_by_its_whole_label_or_not_at_all),
		cmocka_unit_test(what_is_no_module_is_refused),
		cmocka_unit_test(schemes_fit_their_keys),
		cmocka_unit_test(generations_that_do_not_match_do_not_start),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
