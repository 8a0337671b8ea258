#include "hsm/jobs.h"

#include <stdlib.h>

void job_activated_free(struct job_activated *answer)
{
	buf_free(&answer->certificate);
	buf_free(&answer->public_key);
	buf_free(&answer->salt);
	buf_free(&answer->key_seal);
	buf_free(&answer->otp_seal);
	buf_free(&answer->otp_secret);
}

void job_authorized_free(struct job_authorized *answer)
{
	buf_free(&answer->secret);
	buf_free(&answer->seal);
	buf_free(&answer->slot.salt);
	buf_free(&answer->slot.key_seal);
}

void job_pin_changed_free(struct job_pin_changed *answer)
{
	buf_free(&answer->slot.salt);
	buf_free(&answer->slot.key_seal);
}

void job_signed_free(struct job_signed *answer)
{
	for (uint64_t i = 0; i < answer->count; i++)
		buf_free(&answer->signatures[i]);
	free(answer->signatures);
	*answer = (struct job_signed){0};
}

void job_extended_free(struct job_extended *answer)
{
	buf_free(&answer->secret);
	buf_free(&answer->seal);
}

void job_crl_made_free(struct job_crl_made *answer)
{
	buf_free(&answer->crl);
}

void job_token_key_given_free(struct job_token_key_given *answer)
{
	buf_free(&answer->key);
}
