/* link: sam
 * The whole way of a key: enrolled, activated, authorised, signed with. */
#include "sam_fixture.h"

#include "hsm/sam/sad.h"
#include "hsm/sam/slot.h"

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

/* One authorised SAD of 3 hashes, and a signing SAM to try it on. */
struct bench {
	struct person *person;
	struct attempt *attempt;
	struct job_authorized sad;
	struct sam *sam;
};

static struct bench bench_as(enum key_kind kind, enum scal scal, size_t resident_keys)
{
	bool pin_only = scal == SCAL_1;
	struct bench bench = {.attempt = calloc(1, sizeof(*bench.attempt))};
	struct sam_options options = fixture_options(SAM_ACTIVATE);
	unsigned retry_after_s = 0;

	bench.person = person_new_as(kind, scal, pin_only ? "PIN" : "PIN AND OTP", pin_only);
	attempt_make(bench.attempt, bench.person, DIGEST_SHA256, 3, 0);
	options.pin_only = pin_only;
	assert_int_equal(sam_new(&options, &bench.sam), RC_OK);
	assert_int_equal(
		sam_authorize(bench.sam, &bench.attempt->job, &bench.sad, &retry_after_s), RC_OK);
	sam_free(&bench.sam);
	options = fixture_options(SAM_SIGN);
	options.resident_keys = resident_keys;
	assert_int_equal(sam_new(&options, &bench.sam), RC_OK);
	return bench;
}

static struct bench bench_new(void)
{
	return bench_as(KEY_P_256, SCAL_2, 16);
}

static void bench_free(struct bench *bench)
{
	sam_free(&bench->sam);
	job_authorized_free(&bench->sad);
	free(bench->attempt);
	person_free(bench->person);
}

static struct job_sign bench_job(const struct bench *bench)
{
	return signing_of(bench->attempt, &bench->sad, SCHEME_ECDSA, in_order, 3);
}

static rc_t sign(struct bench *bench, const struct job_sign *job)
{
	struct job_signed made = {NULL, 0};
	rc_t rc = sam_sign(bench->sam, job, &made);

	if (rc == RC_OK)
		verify_all(bench->person, bench->attempt, job, &made);
	else
		assert_null(made.signatures);
	job_signed_free(&made);
	return rc;
}

static uint8_t spoiled[8192];

static struct span spoil(struct span span, size_t at)
{
	memcpy(spoiled, span.data, span.len);
	spoiled[at] ^= 1;
	return SPAN(spoiled, span.len);
}

static void t_credential(struct job_sign *job)
{
	job->terms.credential.bytes[3] ^= 1;
}

static void t_subscriber(struct job_sign *job)
{
	job->terms.subscriber.bytes[3] ^= 1;
}

static void t_client(struct job_sign *job)
{
	job->terms.client.bytes[3] ^= 1;
}

static void t_certificate_digest(struct job_sign *job)
{
	job->terms.certificate_sha256[3] ^= 1;
}

static void t_certificate(struct job_sign *job)
{
	job->certificate = spoil(job->certificate, job->certificate.len - 1);
	assert_int_equal(digest_sha256(job->certificate, job->terms.certificate_sha256), RC_OK);
}

static void t_scal(struct job_sign *job)
{
	job->terms.scal = SCAL_1;
	job->hashes = job->terms.hashes;
	job->terms.hashes = SPAN_NONE;
}

static void t_digest(struct job_sign *job)
{
	job->terms.digest = DIGEST_SHA384;
	job->terms.hash_count = 2;
}

static void t_hash(struct job_sign *job)
{
	job->terms.hashes = spoil(job->terms.hashes, 0);
}

static void t_order(struct job_sign *job)
{
	memcpy(spoiled, job->terms.hashes.data + 32, 32);
	memcpy(spoiled + 32, job->terms.hashes.data, 32);
	memcpy(spoiled + 64, job->terms.hashes.data + 64, 32);
	job->terms.hashes = SPAN(spoiled, 96);
}

static void t_one_hash_more(struct job_sign *job)
{
	memcpy(spoiled, job->terms.hashes.data, 96);
	job->terms.hashes = SPAN(spoiled, 128);
	job->terms.hash_count = 4;
}

static void t_one_hash_less(struct job_sign *job)
{
	job->terms.hashes.len = 64;
	job->terms.hash_count = 2;
	job->index_count = 2;
}

static void t_count(struct job_sign *job)
{
	job->terms.hash_count = 2;
}

static void t_start(struct job_sign *job)
{
	job->terms.start_ms--;
}

static void t_end(struct job_sign *job)
{
	job->terms.end_ms++;
}

static void t_secret(struct job_sign *job)
{
	job->secret = spoil(job->secret, 31);
}

static void t_secret_short(struct job_sign *job)
{
	job->secret.len--;
}

static void t_seal(struct job_sign *job)
{
	job->seal = spoil(job->seal, 60);
}

static void t_seal_generation(struct job_sign *job)
{
	job->seal = spoil(job->seal, 9);
}

static void t_seal_empty(struct job_sign *job)
{
	job->seal = SPAN_NONE;
}

static void t_ended(struct job_sign *job)
{
	job->terms.start_ms -= 601000;
	job->terms.end_ms -= 601000;
}

static const uint32_t twice[] = {0, 1, 0}, beyond[] = {0, 1, 3}, far[] = {UINT32_MAX};

static void t_index_twice(struct job_sign *job)
{
	job->indices = twice;
}

static void t_index_beyond(struct job_sign *job)
{
	job->indices = beyond;
}

static void t_index_far(struct job_sign *job)
{
	job->indices = far;
	job->index_count = 1;
}

static void t_no_index(struct job_sign *job)
{
	job->index_count = 0;
}

static void t_many_indices(struct job_sign *job)
{
	job->index_count = 501;
}

static void t_hashes_brought(struct job_sign *job)
{
	job->hashes = job->terms.hashes;
}

static void t_scheme(struct job_sign *job)
{
	job->scheme = SCHEME_RSA_PKCS1;
}

static const struct {
	const char *what;
	void (*edit)(struct job_sign *job);
	rc_t rc;
} edits[] = {
	{"credential", t_credential, RC_HSM_REFUSED},
	{"subscriber", t_subscriber, RC_HSM_REFUSED},
	{"client", t_client, RC_HSM_REFUSED},
	{"digest of the certificate", t_certificate_digest, RC_HSM_REFUSED},
	{"certificate", t_certificate, RC_HSM_REFUSED},
	{"SCAL", t_scal, RC_HSM_REFUSED},
	{"digest kind", t_digest, RC_HSM_REFUSED},
	{"a hash", t_hash, RC_HSM_REFUSED},
	{"order of the hashes", t_order, RC_HSM_REFUSED},
	{"one hash more", t_one_hash_more, RC_HSM_REFUSED},
	{"one hash less", t_one_hash_less, RC_HSM_REFUSED},
	{"number of hashes", t_count, RC_HSM_REFUSED},
	{"start", t_start, RC_HSM_REFUSED},
	{"end", t_end, RC_HSM_REFUSED},
	{"S", t_secret, RC_HSM_REFUSED},
	{"S, short", t_secret_short, RC_HSM_REFUSED},
	{"seal", t_seal, RC_HSM_REFUSED},
	{"generation in the seal", t_seal_generation, RC_HSM_REFUSED},
	{"no seal", t_seal_empty, RC_HSM_REFUSED},
	{"ended", t_ended, RC_SAD_EXPIRED},
	{"an index twice", t_index_twice, RC_HASH_NOT_AUTHORIZED},
	{"an index beyond the list", t_index_beyond, RC_HASH_NOT_AUTHORIZED},
	{"an index far beyond", t_index_far, RC_HASH_NOT_AUTHORIZED},
	{"no index", t_no_index, RC_HASH_NOT_AUTHORIZED},
	{"501 indices", t_many_indices, RC_HASH_NOT_AUTHORIZED},
	{"hashes beside the list", t_hashes_brought, RC_HASH_NOT_AUTHORIZED},
	{"a scheme of another key", t_scheme, RC_SIGN_ALGO_INVALID},
};

static void edits_are_refused(struct bench *bench)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct job_sign job = bench_job(bench);
		edits[i].edit(&job);
		rc_t rc = sign(bench, &job);
		if (rc != edits[i].rc)
			fail_msg("%s: %s", edits[i].what, rc_name(rc));
		assert_false(sam_is_broken(bench->sam));
	}
	struct job_sign job = bench_job(bench);
	assert_int_equal(sign(bench, &job), RC_OK);
}

static void nothing_is_signed_beyond_what_was_authorised(void **state)
{
	struct bench bench = bench_new();

	(void)state;
	edits_are_refused(&bench);
	bench_free(&bench);
}

static void nor_with_a_sad_that_was_opened_before(void **state)
{
	struct bench bench = bench_new();
	struct job_sign job = bench_job(&bench);

	(void)state;
	assert_int_equal(sign(&bench, &job), RC_OK);
	edits_are_refused(&bench);
	bench_free(&bench);
}

/* Two SADs of two subscribers: no part of one goes with the other. */
static void swapped_sads_do_not_open(void **state)
{
	struct bench mine = bench_new();
	struct job_sign job;

	(void)state;
	sam_free(&mine.sam);
	struct bench his = bench_new();
	job = bench_job(&mine);
	job.seal = buf_span(&his.sad.seal);
	assert_int_equal(sign(&his, &job), RC_HSM_REFUSED);
	job.secret = buf_span(&his.sad.secret);
	assert_int_equal(sign(&his, &job), RC_HSM_REFUSED);
	job = bench_job(&his);
	job.certificate = mine.attempt->job.factors.certificate;
	assert_int_equal(sign(&his, &job), RC_HSM_REFUSED);
	memcpy(job.terms.certificate_sha256, mine.attempt->job.terms.certificate_sha256,
		SHA256_LEN);
	assert_int_equal(sign(&his, &job), RC_HSM_REFUSED);
	bench_free(&his);
	bench_free(&mine);
}

static void a_resident_key_is_unwrapped_once(void **state)
{
	struct bench bench = bench_new();
	struct job_sign job = bench_job(&bench);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(sign(&bench, &job), RC_OK);
	assert_int_equal(bench.sam->unwraps, 1);
	assert_false(sam_is_worn(bench.sam));
	bench.sam->options.recycle_unwraps = 1;
	assert_true(sam_is_worn(bench.sam));
	bench_free(&bench);
}

static void without_resident_keys_each_job_unwraps(void **state)
{
	struct bench bench = bench_as(KEY_P_256, SCAL_2, 0);
	struct job_sign job = bench_job(&bench);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(sign(&bench, &job), RC_OK);
	assert_int_equal(bench.sam->unwraps, 5);
	bench_free(&bench);
}

/* A set of one: two subscribers in turn, each with his own key. */
static void the_resident_set_is_bounded(void **state)
{
	struct bench mine = bench_new();

	(void)state;
	sam_free(&mine.sam);
	struct bench his = bench_as(KEY_P_256, SCAL_2, 1);
	for (int i = 0; i < 4; i++) {
		struct bench *turn = i % 2 == 0 ? &mine : &his;
		struct job_sign job = bench_job(turn);
		mine.sam = his.sam;
		assert_int_equal(sign(turn, &job), RC_OK);
		mine.sam = NULL;
	}
	assert_int_equal(his.sam->unwraps, 4);
	bench_free(&his);
	bench_free(&mine);
}

/* A handle that came to name another key: what it signs stays inside. */
static void a_signature_of_another_key_is_not_released(void **state)
{
	struct bench bench = bench_new();
	struct job_sign job = bench_job(&bench);
	struct buf w = BUF_INIT;
	EVP_PKEY *public_key = NULL;
	CK_OBJECT_HANDLE other = 0;

	(void)state;
	assert_int_equal(sign(&bench, &job), RC_OK);
	CK_OBJECT_HANDLE wrap = bench.sam->generations[0].wrap;
	assert_int_equal(
		p11_wrap_new_pair(bench.sam->session, wrap, KEY_P_256, &w, &public_key), RC_OK);
	assert_int_equal(
		p11_wrap_open(bench.sam->session, wrap, KEY_P_256, buf_span(&w), &other), RC_OK);
	/* what the set holds under this W, exchanged */
	struct {
		CK_OBJECT_HANDLE handle;
		enum key_kind kind;
	} *held = NULL;
	struct wrapped_key key;
	struct buf plain = BUF_INIT;
	uint8_t digest[SHA256_LEN], public_sha256[SHA256_LEN];
	struct certificate *certificate = NULL;
	assert_int_equal(certificate_parse(job.certificate, &certificate), RC_OK);
	memcpy(public_sha256, certificate->public_sha256, sizeof(public_sha256));
	certificate_free(&certificate);
	assert_int_equal(
		sad_open(bench.sam, &job.terms, public_sha256, job.secret, job.seal, &plain, &key),
		RC_OK);
	assert_int_equal(digest_sha256(key.w, digest), RC_OK);
	held = lru_get(bench.sam->resident, digest);
	assert_non_null(held);
	held->handle = other;
	assert_int_equal(sign(&bench, &job), RC_SIGNATURE_BAD);
	assert_true(sam_is_broken(bench.sam));
	buf_free(&plain);
	EVP_PKEY_free(public_key);
	buf_free(&w);
	bench_free(&bench);
}

static void scal_1_signs_what_the_job_brings_within_the_budget(void **state)
{
	struct bench bench = bench_as(KEY_P_256, SCAL_1, 16);
	struct job_sign job = bench_job(&bench);

	(void)state;
	job.hashes = SPAN(bench.attempt->hashes, 96);
	assert_int_equal(sign(&bench, &job), RC_OK);
	job.hashes = SPAN(bench.attempt->hashes, 128);
	job.index_count = 4;
	assert_int_equal(sign(&bench, &job), RC_HASH_NOT_AUTHORIZED);
	job.index_count = 3;
	job.hashes.len = 95;
	assert_int_equal(sign(&bench, &job), RC_HASH_LENGTH);
	job.hashes.len = 64;
	assert_int_equal(sign(&bench, &job), RC_HASH_NOT_AUTHORIZED);
	bench_free(&bench);
}

static struct job_extend extension_of(const struct bench *bench, const uint32_t *keep, size_t count)
{
	return (struct job_extend){
		.terms = bench->attempt->job.terms,
		.certificate = bench->attempt->job.factors.certificate,
		.secret = buf_span(&bench->sad.secret),
		.seal = buf_span(&bench->sad.seal),
		.keep = keep,
		.keep_count = count,
		.end_ms = bench->attempt->job.terms.end_ms,
	};
}

static void an_extended_sad_holds_what_was_kept_under_a_new_secret(void **state)
{
	static const uint32_t keep[] = {2, 0};
	struct bench bench = bench_new();
	struct job_extend job = extension_of(&bench, keep, 2);
	struct job_extended made = {BUF_INIT, BUF_INIT};
	uint8_t kept[64];

	(void)state;
	job.end_ms -= 1000;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_OK);
	assert_int_equal(made.secret.len, SAD_SECRET_LEN);
	assert_false(secret_equal(buf_span(&made.secret), buf_span(&bench.sad.secret)));
	struct job_sign again = bench_job(&bench);
	/* the new terms: hashes 2 and 0, the earlier end */
	memcpy(kept, bench.attempt->hashes + 64, 32);
	memcpy(kept + 32, bench.attempt->hashes, 32);
	again.terms.hashes = SPAN(kept, 64);
	again.terms.hash_count = 2;
	again.terms.end_ms = job.end_ms;
	again.secret = buf_span(&made.secret);
	again.seal = buf_span(&made.seal);
	again.index_count = 2;
	struct job_signed signatures = {NULL, 0};
	assert_int_equal(sam_sign(bench.sam, &again, &signatures), RC_OK);
	job_signed_free(&signatures);
	/* not with the old end, nor the old S */
	again.terms.end_ms += 1000;
	assert_int_equal(sign(&bench, &again), RC_HSM_REFUSED);
	again.terms.end_ms -= 1000;
	again.secret = buf_span(&bench.sad.secret);
	assert_int_equal(sign(&bench, &again), RC_HSM_REFUSED);
	job_extended_free(&made);
	bench_free(&bench);
}

static void an_extension_never_adds_and_never_ends_later(void **state)
{
	static const uint32_t keep_twice[] = {1, 1}, keep_beyond[] = {3};
	struct bench bench = bench_new();
	struct job_extended made = {BUF_INIT, BUF_INIT};
	struct job_extend job;

	(void)state;
	job = extension_of(&bench, keep_twice, 2);
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HASH_NOT_AUTHORIZED);
	job = extension_of(&bench, keep_beyond, 1);
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HASH_NOT_AUTHORIZED);
	job = extension_of(&bench, keep_beyond, 0);
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HASH_NOT_AUTHORIZED);
	job = extension_of(&bench, in_order, 3);
	job.end_ms++;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HSM_REFUSED);
	job = extension_of(&bench, in_order, 3);
	job.end_ms = job.terms.start_ms;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HSM_REFUSED);
	job = extension_of(&bench, in_order, 3);
	job.terms.end_ms++;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HSM_REFUSED);
	job = extension_of(&bench, in_order, 3);
	job.terms.client.bytes[0] ^= 1;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HSM_REFUSED);
	assert_int_equal(made.secret.len, 0);
	bench_free(&bench);
}

static void an_extension_of_scal_1_never_raises_the_budget(void **state)
{
	struct bench bench = bench_as(KEY_P_256, SCAL_1, 16);
	struct job_extended made = {BUF_INIT, BUF_INIT};
	struct job_extend job = extension_of(&bench, NULL, 0);

	(void)state;
	job.budget = 4;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HASH_NOT_AUTHORIZED);
	job.budget = 0;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_HASH_NOT_AUTHORIZED);
	job.budget = 2;
	assert_int_equal(sam_extend(bench.sam, &job, &made), RC_OK);
	struct job_sign again = bench_job(&bench);
	again.secret = buf_span(&made.secret);
	again.seal = buf_span(&made.seal);
	again.terms.hash_count = 2;
	again.hashes = SPAN(bench.attempt->hashes, 96);
	assert_int_equal(sign(&bench, &again), RC_HASH_NOT_AUTHORIZED);
	again.index_count = 2;
	assert_int_equal(sign(&bench, &again), RC_OK);
	job_extended_free(&made);
	bench_free(&bench);
}

/* The right PIN has moved the slot to generation 2, with W still under the first `wrap`; there it
 * opens for the same PIN alone, and moves no more. */
static void moved_slot_opens(const struct attempt *attempt, const struct slot_renewed *slot)
{
	struct sam *sam = sam_as(SAM_ACTIVATE);
	struct certificate *certificate = NULL;
	struct sealed_key key = attempt->job.factors.key;
	struct slot_renewed again = {.generation = 0};
	struct wrapped_key wrapped;
	struct buf plain = BUF_INIT;

	key.generation = slot->generation;
	key.kdf = slot->kdf;
	key.salt = buf_span(&slot->salt);
	key.key_seal = buf_span(&slot->key_seal);
	assert_int_equal(certificate_parse(attempt->job.factors.certificate, &certificate), RC_OK);
	assert_int_equal(slot_open(sam, &key, certificate->public_sha256, span_string("not it 8"),
				 &plain, &wrapped),
		RC_SEAL_BROKEN);
	assert_int_equal(slot_open(sam, &key, certificate->public_sha256, attempt->job.factors.pin,
				 &plain, &wrapped),
		RC_OK);
	assert_int_equal(slot->generation, 2);
	assert_int_equal(wrapped.generation, 1);
	assert_int_equal(slot_renew(sam, &key, certificate->public_sha256, attempt->job.factors.pin,
				 &wrapped, &again),
		RC_OK);
	assert_int_equal(again.key_seal.len, 0);
	buf_free(&plain);
	certificate_free(&certificate);
	sam_free(&sam);
}

/* Old slots and SADs still open, new ones are of the new generation. Last: it changes the token. */
static void a_new_generation_is_for_new_seals_and_keeps_the_old_ones(void **state)
{
	struct bench old = bench_new();
	struct job_sign job = bench_job(&old);
	struct p11_module *module = NULL;
	struct job_authorized sad = {.otp_step = 0};

	(void)state;
	sam_free(&old.sam);
	assert_int_equal(p11_module_open(MODULE_PATH, &module), RC_OK);
	struct p11_session *session = fixture_session(module, "keys", P11_WRITE);
	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++)
		assert_int_equal(p11_key_make(session, service, 2), RC_OK);
	p11_session_free(&session);
	p11_module_free(&module);
	old.sam = sam_as(SAM_SIGN);
	assert_int_equal(sign(&old, &job), RC_OK);
	sam_free(&old.sam);
	/* the old slot under a SAD of the new generation */
	person_otp(old.person, 1, old.attempt->otp);
	authorize_good(old.attempt, &sad);
	job.secret = buf_span(&sad.secret);
	job.seal = buf_span(&sad.seal);
	assert_int_equal(job.seal.data[9], 2);
	old.sam = sam_as(SAM_SIGN);
	assert_int_equal(sign(&old, &job), RC_OK);
	sam_free(&old.sam);
	moved_slot_opens(old.attempt, &sad.slot);
	struct bench fresh = bench_new();
	assert_int_equal(old.person->sealed.generation, 1);
	assert_int_equal(fresh.person->sealed.generation, 2);
	job = bench_job(&fresh);
	assert_int_equal(sign(&fresh, &job), RC_OK);
	bench_free(&fresh);
	job_authorized_free(&sad);
	bench_free(&old);
}

static void a_certificate_is_good_within_its_time_only(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct certificate *certificate = NULL;

	(void)state;
	assert_int_equal(
		certificate_parse(buf_span(&person->sealed.certificate), &certificate), RC_OK);
	int64_t first = certificate->not_before_ms, last = certificate->not_after_ms;
	assert_int_equal(certificate_check_time(certificate, clock_wall_ms()), RC_OK);
	assert_int_equal(certificate_check_time(certificate, first), RC_OK);
	assert_int_equal(certificate_check_time(certificate, first - 1), RC_CERTIFICATE_EXPIRED);
	assert_int_equal(certificate_check_time(certificate, last), RC_OK);
	assert_int_equal(certificate_check_time(certificate, last + 1), RC_CERTIFICATE_EXPIRED);
	certificate_free(&certificate);
	person_free(person);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p256_signs_with_a_pin_sealed_key),
		cmocka_unit_test(p384_signs_with_a_pin_sealed_key),
		cmocka_unit_test(rsa_2048_signs_pkcs1_and_pss),
		cmocka_unit_test(rsa_3072_signs_pkcs1_and_pss),
		cmocka_unit_test(rsa_4096_signs_pkcs1_and_pss),
		cmocka_unit_test(nothing_is_signed_beyond_what_was_authorised),
		cmocka_unit_test(nor_with_a_sad_that_was_opened_before),
		cmocka_unit_test(swapped_sads_do_not_open),
		cmocka_unit_test(a_resident_key_is_unwrapped_once),
		cmocka_unit_test(without_resident_keys_each_job_unwraps),
		cmocka_unit_test(the_resident_set_is_bounded),
		cmocka_unit_test(a_signature_of_another_key_is_not_released),
		cmocka_unit_test(scal_1_signs_what_the_job_brings_within_the_budget),
		cmocka_unit_test(an_extended_sad_holds_what_was_kept_under_a_new_secret),
		cmocka_unit_test(an_extension_never_adds_and_never_ends_later),
		cmocka_unit_test(an_extension_of_scal_1_never_raises_the_budget),
		cmocka_unit_test(a_certificate_is_good_within_its_time_only),
		cmocka_unit_test(a_new_generation_is_for_new_seals_and_keeps_the_old_ones),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
