/* link: sam
 * Enrolment lines, activation codes, certificates, revocation lists. */
#include "sam_fixture.h"

#include "hsm/sam/code.h"
#include "hsm/sam/profile.h"

static struct sam *issue;

static int issue_start(void **state)
{
	int rc = fixture_start(state);

	issue = sam_as(SAM_ISSUE);
	return rc;
}

static int issue_stop(void **state)
{
	sam_free(&issue);
	return fixture_stop(state);
}

static struct person *enrolled(void)
{
	struct person *person = calloc(1, sizeof(*person));

	person->line = line_sample();
	person->kind = KEY_P_256;
	person->scal = SCAL_2;
	person->factors = "PIN AND OTP";
	person_enrol(issue, person);
	return person;
}

static rc_t activate(struct person *person, const struct job_activate *job)
{
	job_activated_free(&person->sealed);
	return sam_activate(issue, job, &person->sealed);
}

static void the_code_goes_by_mail_to_the_official_address(void **state)
{
	struct statement_enrol line = line_sample();
	struct buf statement = BUF_INIT, signature = BUF_INIT, mail = BUF_INIT;
	struct job_enrolled answer;
	const char *text = NULL;
	char code[CODE_TEXT];

	(void)state;
	assert_int_equal(statement_enrol_encode(&statement, &line), RC_OK);
	operator_sign(fixture.operator_key, buf_span(&statement), &signature);
	struct job_enrol job = {
		.statement = buf_span(&statement), .signature = buf_span(&signature)};
	memcpy(job.operator_fingerprint, fixture.fingerprint, SHA256_LEN);
	int64_t before = clock_wall_ms();
	assert_int_equal(sam_enrol(issue, &job, &answer), RC_OK);
	assert_in_range(answer.code_expires_ms - before, 72 * 3600000, 72 * 3600000 + 60000);
	mail_take(&mail);
	mail_code(&mail, code);
	assert_int_equal(buf_string(&mail, &text), RC_OK);
	assert_non_null(strstr(text, "\nTo: <nguyen.vi.du@mau.edu.vn>\n"));
	assert_non_null(strstr(text, "Nguyễn Thị Ví Dụ"));
	assert_non_null(strstr(text, "rssp activate --url https://127.0.0.1:8443\n"));
	assert_non_null(strstr(text, "    https://127.0.0.1:8443/activate\n"));
	assert_non_null(strstr(text, "\nSubject: =?UTF-8?B?"));
	assert_int_equal(strspn(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), 23);
	buf_free(&mail);
	buf_free(&signature);
	buf_free(&statement);
}

static void a_forged_statement_gets_no_code(void **state)
{
	struct statement_enrol line = line_sample();
	struct buf statement = BUF_INIT, signature = BUF_INIT;
	EVP_PKEY *stranger = EVP_EC_gen("P-256");
	struct job_enrolled answer;

	(void)state;
	assert_int_equal(statement_enrol_encode(&statement, &line), RC_OK);
	operator_sign(stranger, buf_span(&statement), &signature);
	struct job_enrol job = {
		.statement = buf_span(&statement), .signature = buf_span(&signature)};
	memcpy(job.operator_fingerprint, fixture.fingerprint, SHA256_LEN);
	assert_int_equal(sam_enrol(issue, &job, &answer), RC_STATEMENT_INVALID);
	operator_sign(fixture.operator_key, buf_span(&statement), &signature);
	job.signature = buf_span(&signature);
	statement.data[statement.len / 2] ^= 1;
	assert_int_equal(sam_enrol(issue, &job, &answer), RC_STATEMENT_INVALID);
	statement.data[statement.len / 2] ^= 1;
	job.operator_fingerprint[31] ^= 1;
	assert_int_equal(sam_enrol(issue, &job, &answer), RC_STATEMENT_INVALID);
	EVP_PKEY_free(stranger);
	buf_free(&signature);
	buf_free(&statement);
}

static void put(char *field, const char *text)
{
	snprintf(field, STATEMENT_TEXT, "%s", text);
}

#define TEN "mười chữ ạ"

static void lines_that_no_certificate_can_be_made_of_are_refused(void **state)
{
	struct statement_enrol line;

	(void)state;
	line = line_sample();
	assert_int_equal(profile_check(&line), RC_OK);
	put(line.name, TEN TEN TEN TEN TEN TEN "1234");
	assert_int_equal(profile_check(&line), RC_OK);
	put(line.name, TEN TEN TEN TEN TEN TEN "12345");
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	line.name[0] = 0;
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	put(line.name, "Nguyễn\nThị");
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	put(line.name, "Nguy\xe1\xbb");
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	put(line.agency[1], TEN TEN TEN TEN TEN TEN TEN "và nhiều chữ nữa");
	assert_int_equal(profile_check(&line), RC_OK);
	line = line_sample();
	line.agency[0][0] = 0;
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	line.agency[1][0] = 0;
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	line.province[0] = 0;
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	line = line_sample();
	snprintf(line.identity_number, sizeof(line.identity_number), "0011 8701");
	assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	static const char *const emails[] = {"", "mau.edu.vn", "a@b", "a@mau.edu.vn, b@mau.edu.vn",
		"a b@mau.edu.vn", "a@mau.edu.vn\nBcc: b@mau.edu.vn", "<a@mau.edu.vn>", "a@.vn",
		"a@mau.edu.vn.", "a@@mau.edu.vn", "\"a\"@mau.edu.vn", "ạ@mau.edu.vn"};
	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
		line = line_sample();
		put(line.email, emails[i]);
		assert_int_equal(profile_check(&line), RC_STATEMENT_INVALID);
	}
}

static void a_code_is_good_only_with_all_it_was_made_for(void **state)
{
	struct person *person = enrolled(), *other = enrolled();
	struct job_activate job;
	uint8_t mac[CODE_MAC_LEN];

	(void)state;
	job = person_activation(person);
	job.code = span_string(other->code);
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.code = SPAN_NONE;
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.enrolment = other->enrolment;
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.code_expires_ms++;
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.identity_number = span_string("001187012346");
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	memcpy(mac, person->enrolled.code_mac, sizeof(mac));
	mac[0] ^= 1;
	job.code_mac = SPAN(mac, sizeof(mac));
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job.code_mac = SPAN_NONE;
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.signature = SPAN_NONE;
	assert_int_equal(activate(person, &job), RC_STATEMENT_INVALID);
	/* typed as people do */
	job = person_activation(person);
	for (char *c = person->code; *c != 0; c++)
		*c = *c == '-' ? ' ' : *c >= 'A' ? (char)(*c - 'A' + 'a') : *c;
	assert_int_equal(activate(person, &job), RC_OK);
	person_free(other);
	person_free(person);
}

/* A code of an hour ago whose MAC is right. */
static void an_expired_code_is_refused(void **state)
{
	struct person *person = enrolled();
	struct job_activate job = person_activation(person);
	uint8_t mac[CODE_MAC_LEN];

	(void)state;
	job.code_expires_ms = clock_wall_ms() - 1;
	assert_int_equal(code_mac(secret_span(&issue->generations[0].code), &job.enrolment,
				 job.statement, job.code_expires_ms, job.code, mac),
		RC_OK);
	job.code_mac = SPAN(mac, sizeof(mac));
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	person_free(person);
}

static void a_weak_pin_is_said_only_to_who_has_the_code(void **state)
{
	struct person *person = enrolled();
	struct job_activate job = person_activation(person);

	(void)state;
	job.pin = span_string("12071987");
	assert_int_equal(activate(person, &job), RC_PIN_WEAK);
	job.pin = span_string("701234");
	assert_int_equal(activate(person, &job), RC_PIN_WEAK);
	job.code = span_string("00000-00000-00000-00000");
	assert_int_equal(activate(person, &job), RC_ACTIVATION_REFUSED);
	job = person_activation(person);
	job.key = 77;
	assert_int_equal(activate(person, &job), RC_KEY_ALGO_INVALID);
	job.key = KEY_P_256;
	job.factors = "PIN";
	job.scal = SCAL_1;
	assert_int_equal(activate(person, &job), RC_PARAMETER_INVALID);
	person_free(person);
}

static char *name_text(const X509 *x509)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL, *copy;

	X509_NAME_print_ex(out, X509_get_subject_name(x509), 0,
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	long len = BIO_get_mem_data(out, &text);
	copy = strndup(text, (size_t)len);
	BIO_free(out);
	return copy;
}

static bool extension_says(const X509 *x509, int nid, bool critical, const char *wanted)
{
	int at = X509_get_ext_by_NID(x509, nid, -1);
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (at < 0) {
		BIO_free(out);
		return false;
	}
	X509_EXTENSION *extension = X509_get_ext(x509, at);
	X509V3_EXT_print(out, extension, 0, 0);
	BIO_write(out, "", 1);
	BIO_get_mem_data(out, &text);
	bool says = strstr(text, wanted) != NULL &&
		    (X509_EXTENSION_get_critical(extension) != 0) == critical;
	if (!says)
		print_message("%s\n", text);
	BIO_free(out);
	return says;
}

static X509 *ca_read(void)
{
	FILE *file = fopen(fixture.path_ca, "r");
	X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);

	assert_non_null(x509);
	fclose(file);
	return x509;
}

static void certificates_have_the_profile(void **state)
{
	struct person *person = enrolled();
	struct job_activate job = person_activation(person);
	int days = 0, seconds = 0;

	(void)state;
	assert_int_equal(activate(person, &job), RC_OK);
	const uint8_t *at = person->sealed.certificate.data;
	X509 *x509 = d2i_X509(NULL, &at, (long)person->sealed.certificate.len);
	assert_non_null(x509);
	char *name = name_text(x509);
	assert_string_equal(name, "CN=Nguyễn Thị Ví Dụ,L=Tỉnh Mẫu,"
				  "OU=TRƯỜNG TRUNG HỌC PHỔ THÔNG VÍ DỤ,"
				  "OU=SỞ GIÁO DỤC VÀ ĐÀO TẠO,O=ỦY BAN NHÂN DÂN TỈNH MẪU,C=VN");
	free(name);
	assert_int_equal(X509_get_key_usage(x509), KU_NON_REPUDIATION);
	assert_true(extension_says(x509, NID_key_usage, true, "Non Repudiation"));
	assert_true(
		extension_says(x509, NID_subject_alt_name, false, "email:nguyen.vi.du@mau.edu.vn"));
	assert_true(extension_says(
		x509, NID_crl_distribution_points, false, "URI:http://127.0.0.1:8081/ca.crl"));
	assert_true(extension_says(
		x509, NID_info_access, false, "CA Issuers - URI:http://127.0.0.1:8081/ca.cer"));
	assert_true(X509_get_ext_by_NID(x509, NID_basic_constraints, -1) < 0);
	assert_true(X509_get_ext_by_NID(x509, NID_certificate_policies, -1) < 0);
	assert_int_equal(X509_get_version(x509), X509_VERSION_3);
	assert_in_range(ASN1_STRING_length(X509_get0_serialNumber(x509)), 10, 16);
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509),
				 X509_get0_notAfter(x509)),
		1);
	assert_int_equal(days, 1826);
	X509 *ca = ca_read();
	assert_int_equal(X509_check_issued(ca, x509), X509_V_OK);
	assert_int_equal(X509_verify(x509, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_true(extension_says(ca, NID_basic_constraints, true, "CA:TRUE, pathlen:0"));
	/* the public key that is answered is the certificate's */
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(X509_get0_pubkey(x509), &der);
	assert_true(span_equal(SPAN(der, (size_t)len), buf_span(&person->sealed.public_key)));
	OPENSSL_free(der);
	X509_free(ca);
	X509_free(x509);
	person_free(person);
}

static void a_certificate_validates_against_the_ca_and_its_list(void **state)
{
	struct person *person = enrolled();
	struct job_activate job = person_activation(person);
	struct crl_entry entries[2] = {
		{.serial_len = 16, .revoked_at_ms = clock_wall_ms() - 5000, .reason = 1},
		{.serial = {0xab}, .serial_len = 16, .revoked_at_ms = 1000000, .reason = 0},
	};
	struct job_crl list = {1, clock_wall_ms() + 86400000, entries, 0};
	struct job_crl_made made = {BUF_INIT};

	(void)state;
	assert_int_equal(activate(person, &job), RC_OK);
	const uint8_t *at = person->sealed.certificate.data;
	X509 *x509 = d2i_X509(NULL, &at, (long)person->sealed.certificate.len), *ca = ca_read();
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	assert_int_equal(BN_bn2binpad(serial, entries[0].serial, 16), 16);
	BN_free(serial);
	for (uint64_t count = 0; count <= 2; count += 2) {
		list.number++;
		list.count = count;
		assert_int_equal(sam_crl(issue, &list, &made), RC_OK);
		at = made.crl.data;
		X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)made.crl.len);
		assert_non_null(crl);
		X509_STORE *store = X509_STORE_new();
		X509_STORE_CTX *context = X509_STORE_CTX_new();
		X509_STORE_add_cert(store, ca);
		X509_STORE_add_crl(store, crl);
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
		X509_STORE_CTX_init(context, store, x509, NULL);
		int valid = X509_verify_cert(context);
		assert_int_equal(valid, count == 0 ? 1 : 0);
		if (valid == 0)
			assert_int_equal(
				X509_STORE_CTX_get_error(context), X509_V_ERR_CERT_REVOKED);
		X509_STORE_CTX_free(context);
		X509_STORE_free(store);
		X509_CRL_free(crl);
		job_crl_made_free(&made);
	}
	entries[0].reason = 7;
	assert_int_equal(sam_crl(issue, &list, &made), RC_RANGE);
	entries[0].reason = 11;
	assert_int_equal(sam_crl(issue, &list, &made), RC_RANGE);
	entries[0].reason = 0;
	entries[0].serial_len = 0;
	assert_int_equal(sam_crl(issue, &list, &made), RC_RANGE);
	entries[0].serial_len = 21;
	assert_int_equal(sam_crl(issue, &list, &made), RC_RANGE);
	entries[0].serial_len = 16;
	list.next_update_ms = 1;
	assert_int_equal(sam_crl(issue, &list, &made), RC_RANGE);
	X509_free(ca);
	X509_free(x509);
	person_free(person);
}

static void a_list_may_be_long(void **state)
{
	static const uint64_t sizes[] = {1, 3, 4, 1500, 3000};
	struct crl_entry *entries = calloc(3000, sizeof(*entries));
	struct job_crl list = {9, clock_wall_ms() + 86400000, entries, 0};

	(void)state;
	assert_non_null(entries);
	for (size_t i = 0; i < 3000; i++) {
		entries[i].serial_len = 16;
		memcpy(entries[i].serial + 8, &i, sizeof(i));
		entries[i].serial[0] = 0x91;
		entries[i].reason = 4;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct job_crl_made made = {BUF_INIT};
		list.count = sizes[i];
		assert_int_equal(sam_crl(issue, &list, &made), RC_OK);
		const uint8_t *at = made.crl.data;
		X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)made.crl.len);
		assert_ptr_equal(at, made.crl.data + made.crl.len);
		assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), (int)sizes[i]);
		X509_CRL_free(crl);
		job_crl_made_free(&made);
	}
	free(entries);
}

/* Two subscribers: nothing drawn at random is the same. */
static void every_activation_is_its_own(void **state)
{
	struct person *one = enrolled(), *two = enrolled();
	struct job_activate first = person_activation(one), second = person_activation(two);

	(void)state;
	assert_int_equal(activate(one, &first), RC_OK);
	assert_int_equal(activate(two, &second), RC_OK);
	assert_string_not_equal(one->code, two->code);
	assert_false(span_equal(buf_span(&one->sealed.salt), buf_span(&two->sealed.salt)));
	assert_false(
		span_equal(buf_span(&one->sealed.otp_secret), buf_span(&two->sealed.otp_secret)));
	assert_false(
		span_equal(buf_span(&one->sealed.public_key), buf_span(&two->sealed.public_key)));
	assert_int_equal(one->sealed.otp_secret.len, 20);
	assert_int_equal(one->sealed.salt.len, SALT_LEN);
	assert_int_equal(one->sealed.generation, 1);
	person_free(two);
	person_free(one);
}

static void nothing_of_a_users_key_stays_in_the_token(void **state)
{
	struct person *person = enrolled();
	struct job_activate job = person_activation(person);
	CK_FUNCTION_LIST *f = p11_session_functions(issue->session);
	CK_SESSION_HANDLE handle = p11_session_handle(issue->session);
	CK_OBJECT_HANDLE found[16];
	CK_ULONG count = 0;

	(void)state;
	assert_int_equal(activate(person, &job), RC_OK);
	assert_int_equal(f->C_FindObjectsInit(handle, NULL, 0), CKR_OK);
	assert_int_equal(f->C_FindObjects(handle, found, 16, &count), CKR_OK);
	assert_int_equal(f->C_FindObjectsFinal(handle), CKR_OK);
	assert_int_equal(count, 3); /* wrap, pin, sam */
	person_free(person);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_code_goes_by_mail_to_the_official_address),
		cmocka_unit_test(a_forged_statement_gets_no_code),
		cmocka_unit_test(lines_that_no_certificate_can_be_made_of_are_refused),
		cmocka_unit_test(a_code_is_good_only_with_all_it_was_made_for),
		cmocka_unit_test(an_expired_code_is_refused),
		cmocka_unit_test(a_weak_pin_is_said_only_to_who_has_the_code),
		cmocka_unit_test(certificates_have_the_profile),
		cmocka_unit_test(a_certificate_validates_against_the_ca_and_its_list),
		cmocka_unit_test(a_list_may_be_long),
		cmocka_unit_test(every_activation_is_its_own),
		cmocka_unit_test(nothing_of_a_users_key_stays_in_the_token),
	};

	return cmocka_run_group_tests(tests, issue_start, issue_stop);
}
