/* RFC 3161 timestamps: tokens are SignedData themselves, and are judged like any other. */
#include "clients/lib/ades/verify_internal.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <string.h>

#define TOKENS_MAX 8

static const uint64_t untrusted = VERIFY_BIT(VERIFY_UNTRUSTED) | VERIFY_BIT(VERIFY_EXPIRED) |
				  VERIFY_BIT(VERIFY_NOT_YET_VALID) | VERIFY_BIT(VERIFY_KEY_USAGE) |
				  VERIFY_BIT(VERIFY_WEAK_KEY) | VERIFY_BIT(VERIFY_REVOKED);

/* The digest over what is stamped, as the authority confirmed it. */
static bool imprint_fits(TS_TST_INFO *info, const struct content *content, uint64_t *faults)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	const EVP_MD *md = EVP_get_digestbyobj(TS_MSG_IMPRINT_get_algo(imprint)->algorithm);
	const ASN1_OCTET_STRING *said = TS_MSG_IMPRINT_get_msg(imprint);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	bool done = md != NULL && context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1;
	for (size_t i = 0; done && i < 2; i++)
		done = EVP_DigestUpdate(context, content->parts[i].data, content->parts[i].len) ==
		       1;
	done = done && EVP_DigestFinal_ex(context, digest, &len) == 1;
	EVP_MD_CTX_free(context);
	if (done && len < 32)
		*faults |= VERIFY_BIT(VERIFY_WEAK_DIGEST);
	return done && ASN1_STRING_length(said) == (int)len &&
	       memcmp(ASN1_STRING_get0_data(said), digest, len) == 0;
}

static rc_t judge_authority(struct verifying *verifying, const struct signed_data *data,
	const struct signer_facts *signer, struct token_facts *facts)
{
	const struct chain_question question = {
		.leaf = signer->certificate,
		.certificates = data->certificates,
		.crls = data->crls,
		.at_ms = facts->timestamp.time_ms,
		.timestamping = true,
	};

	if (X509_up_ref(signer->certificate) != 1)
		return RC_NO_MEMORY;
	facts->certificate = signer->certificate;
	verify_common_name(X509_get_subject_name(signer->certificate), facts->timestamp.issuer);
	rc_t rc = chain_judge(verifying, &question, &facts->chain);
	if (rc != RC_OK)
		return rc;
	if ((facts->chain.faults & untrusted) != 0)
		facts->faults |= VERIFY_BIT(VERIFY_TIMESTAMP_UNTRUSTED);
	if ((facts->chain.faults & VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN)) != 0)
		facts->faults |= VERIFY_BIT(VERIFY_TIMESTAMP_REVOCATION);
	if (verify_time_ms(X509_get0_notAfter(signer->certificate)) < verifying->options->now_ms)
		facts->faults |= VERIFY_BIT(VERIFY_TIMESTAMP_EXPIRED);
	return RC_OK;
}

static rc_t judge_token(struct verifying *verifying, struct signed_data *data, TS_TST_INFO *info,
	const struct content *content, struct token_facts *facts)
{
	const struct content inside = {{data->inside, SPAN_NONE}};
	static const uint64_t passed_on =
		VERIFY_BIT(VERIFY_WEAK_DIGEST) | VERIFY_BIT(VERIFY_WEAK_KEY);
	struct signer_facts signer;

	rc_t rc = signer_judge(data, 0, &inside, NID_id_smime_ct_TSTInfo, true, &signer);
	if (rc != RC_OK)
		return rc;
	memcpy(facts->algorithm, signer.algorithm, sizeof(facts->algorithm));
	facts->timestamp.time_ms = verify_time_ms(TS_TST_INFO_get_time(info));
	facts->faults |= signer.faults & passed_on;
	if ((signer.faults & ~passed_on) != 0 || facts->timestamp.time_ms <= 0 ||
		!imprint_fits(info, content, &facts->faults))
		facts->faults |= VERIFY_BIT(VERIFY_TIMESTAMP_WRONG);
	return signer.certificate == NULL ? RC_OK
					  : judge_authority(verifying, data, &signer, facts);
}

rc_t token_judge(struct verifying *verifying, struct span token, const struct content *content,
	struct token_facts *facts)
{
	struct signed_data data = {0};
	TS_TST_INFO *info = NULL;

	*facts = (struct token_facts){.timestamp.state = VERIFY_BAD};
	rc_t rc = signed_data_read(token, &data);
	if (rc == RC_OK && data.inside.data != NULL && signed_data_signers(&data) == 1) {
		const unsigned char *at = data.inside.data;
		info = d2i_TS_TST_INFO(NULL, &at, (long)data.inside.len);
	}
	if (info == NULL) {
		facts->faults |= VERIFY_BIT(VERIFY_TIMESTAMP_WRONG);
		rc = RC_OK;
		goto out;
	}
	rc = judge_token(verifying, &data, info, content, facts);
	bool wrong = facts->faults != 0 &&
		     (facts->faults & ~(VERIFY_BIT(VERIFY_TIMESTAMP_REVOCATION) |
					      VERIFY_BIT(VERIFY_TIMESTAMP_EXPIRED))) != 0;
	if (rc == RC_OK && !wrong)
		facts->timestamp.state = VERIFY_GOOD;
out:
	TS_TST_INFO_free(info);
	signed_data_free(&data);
	ERR_clear_error();
	if (rc != RC_OK)
		token_facts_free(facts);
	return rc;
}

void token_facts_free(struct token_facts *facts)
{
	X509_free(facts->certificate);
	facts->certificate = NULL;
}

static rc_t take_better(struct verifying *verifying, const ASN1_TYPE *value,
	const struct content *stamped, struct token_facts *best)
{
	struct token_facts facts;

	if (value == NULL || value->type != V_ASN1_SEQUENCE)
		return RC_OK;
	const ASN1_STRING *der = value->value.sequence;
	rc_t rc = token_judge(verifying,
		SPAN(ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der)), stamped, &facts);
	if (rc != RC_OK)
		return rc;
	if (best->timestamp.state == VERIFY_UNKNOWN ||
		(best->timestamp.state == VERIFY_BAD && facts.timestamp.state == VERIFY_GOOD)) {
		token_facts_free(best);
		*best = facts;
	} else {
		token_facts_free(&facts);
	}
	return RC_OK;
}

rc_t signer_timestamp(
	struct verifying *verifying, const struct signer_facts *signer, struct token_facts *facts)
{
	const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer->info);
	const struct content stamped = {
		{SPAN(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)),
			SPAN_NONE}};
	size_t seen = 0;
	rc_t rc = RC_OK;

	*facts = (struct token_facts){0};
	for (int at = -1; rc == RC_OK && (at = CMS_unsigned_get_attr_by_NID(signer->info,
						  NID_id_smime_aa_timeStampToken, at)) >= 0;) {
		X509_ATTRIBUTE *found = CMS_unsigned_get_attr(signer->info, at);
		for (int i = 0; rc == RC_OK && i < X509_ATTRIBUTE_count(found); i++) {
			if (seen++ < TOKENS_MAX)
				rc = take_better(verifying, X509_ATTRIBUTE_get0_type(found, i),
					&stamped, facts);
		}
	}
	if (rc != RC_OK)
		token_facts_free(facts);
	return rc;
}
