/* link: sam
 * The whole way of a key: enrolled, activated, authorised, signed with. */
#include "sam_fixture.h"

static void authorize_good(struct attempt *attempt, struct job_authorized *sad)
{
	struct sam *sam = sam_as(SAM_ACTIVATE);
	unsigned retry = 0;

	assert_int_equal(sam_authorize(sam, &attempt->job, sad, &retry), RC_OK);
	sam_free(&sam);
}

static void verify_all(const struct person *person, const struct attempt *attempt,
	const struct job_sign *job, const struct job_signed *made)
{
	size_t len = digest_algo_by_kind(job->terms.digest)->len;
	struct p11_signing signing = {
		person->kind, job->scheme, job->terms.digest, (size_t)job->salt_len};
	struct certificate *certificate = NULL;
	struct verifier *verifier = NULL;

	assert_int_equal(
		certificate_parse(buf_span(&person->sealed.certificate), &certificate), RC_OK);
	assert_int_equal(verifier_new(certificate->public_key, &signing, &verifier), RC_OK);
	assert_int_equal(made->count, job->index_count);
	for (size_t i = 0; i < made->count; i++)
		assert_int_equal(
			verifier_check(verifier, SPAN(attempt->hashes + len * job->indices[i], len),
				buf_span(&made->signatures[i])),
			RC_OK);
	verifier_free(&verifier);
	certificate_free(&certificate);
}

static const enum digest_kind all_digests[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};

/* One authorisation for each digest: steps before, now and after. */
static void key_signs(enum key_kind kind, const enum scheme_kind *schemes, size_t count)
{
	static const uint32_t order[] = {2, 0, 1};
	struct person *person = person_new(kind);
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	for (size_t d = 0; d < 3; d++) {
		struct job_authorized sad = {.otp_step = 0};
		attempt_make(attempt, person, all_digests[d], 3, 0);
		area_reset(); /* the same code again */
		authorize_good(attempt, &sad);
		struct sam *sam = sam_as(SAM_SIGN);
		for (size_t s = 0; s < count; s++) {
			struct job_sign job = signing_of(attempt, &sad, schemes[s], order, 3);
			struct job_signed made = {NULL, 0};
			assert_int_equal(sam_sign(sam, &job, &made), RC_OK);
			verify_all(person, attempt, &job, &made);
			job_signed_free(&made);
		}
		sam_free(&sam);
		job_authorized_free(&sad);
	}
	free(attempt);
	person_free(person);
}

static void p256_signs_with_a_pin_sealed_key(void **state)
{
	(void)state;
	key_signs(KEY_P_256, (const enum scheme_kind[]){SCHEME_ECDSA}, 1);
}

static void p384_signs_with_a_pin_sealed_key(void **state)
{
	(void)state;
	key_signs(KEY_P_384, (const enum scheme_kind[]){SCHEME_ECDSA}, 1);
}

static void rsa_2048_signs_pkcs1_and_pss(void **state)
{
	(void)state;
	key_signs(KEY_RSA_2048, (const enum scheme_kind[]){SCHEME_RSA_PKCS1, SCHEME_RSA_PSS}, 2);
}

static void rsa_3072_signs_pkcs1_and_pss(void **state)
{
	(void)state;
	key_signs(KEY_RSA_3072, (const enum scheme_kind[]){SCHEME_RSA_PKCS1, SCHEME_RSA_PSS}, 2);
}

static void rsa_4096_signs_pkcs1_and_pss(void **state)
{
	(void)state;
	key_signs(KEY_RSA_4096, (const enum scheme_kind[]){SCHEME_RSA_PKCS1, SCHEME_RSA_PSS}, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p256_signs_with_a_pin_sealed_key),
		cmocka_unit_test(p384_signs_with_a_pin_sealed_key),
		cmocka_unit_test(rsa_2048_signs_pkcs1_and_pss),
		cmocka_unit_test(rsa_3072_signs_pkcs1_and_pss),
		cmocka_unit_test(rsa_4096_signs_pkcs1_and_pss),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
