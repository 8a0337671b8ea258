/* The jobs of a subscriber's account: password, change of PIN, proof of a factor. */
#include "hsm/proto_fields.h"

/* ---- PASSWORD CHECK ---- */

rc_t proto_password_check_encode(struct buf *body, const struct job_password_check *job)
{
	struct proto_writer writer = proto_writer(body);

	put_id(&writer, &job->subscriber);
	put_password(&writer, &job->record);
	put_bytes(&writer, job->password);
	return proto_writer_end(&writer);
}

rc_t proto_password_check_decode(struct job_password_check *job, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_password_check got = {0};

	get_id(&reader, &got.subscriber);
	get_password(&reader, &got.record);
	got.password = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- CHANGE PIN ---- */

rc_t proto_change_pin_encode(struct buf *body, const struct job_change_pin *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = job_factors_fit(&job->factors) ? RC_OK : RC_FORMAT;
	put_factors(&writer, &job->factors);
	put_bytes(&writer, job->new_pin);
	put_bytes(&writer, job->birth_date);
	put_bytes(&writer, job->identity_number);
	put_bytes(&writer, job->phone);
	return proto_writer_end(&writer);
}

rc_t proto_change_pin_decode(
	struct job_change_pin *job, char factors[FACTORS_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_change_pin got = {0};

	get_factors(&reader, &got.factors, factors);
	got.new_pin = wire_get_bytes(&reader);
	got.birth_date = wire_get_bytes(&reader);
	got.identity_number = wire_get_bytes(&reader);
	got.phone = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && !job_factors_fit(&got.factors))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- PROVE ---- */

rc_t proto_prove_encode(struct buf *body, const struct job_prove *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = job_factors_fit(&job->factors) ? RC_OK : RC_FORMAT;
	put_factors(&writer, &job->factors);
	put_bytes(&writer, job->new_password);
	put_bytes(&writer, job->identity_number);
	put_bytes(&writer, job->email);
	return proto_writer_end(&writer);
}

rc_t proto_prove_decode(struct job_prove *job, char factors[FACTORS_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_prove got = {0};

	get_factors(&reader, &got.factors, factors);
	got.new_password = wire_get_bytes(&reader);
	got.identity_number = wire_get_bytes(&reader);
	got.email = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && !job_factors_fit(&got.factors))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- answers ---- */

rc_t proto_password_checked_encode(struct buf *body, const struct job_password_checked *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_password(&writer, &answer->renewed);
	return proto_writer_end(&writer);
}

rc_t proto_password_checked_decode(struct job_password_checked *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_password_checked got = {0};

	get_password(&reader, &got.renewed);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	return rc;
}

rc_t proto_pin_changed_encode(struct buf *body, const struct job_pin_changed *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_step(&writer, answer->otp_step);
	put_slot(&writer, &answer->slot);
	return proto_writer_end(&writer);
}

rc_t proto_pin_changed_decode(struct job_pin_changed *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_pin_changed got = {0};

	got.otp_step = get_step(&reader);
	get_slot(&reader, &got.slot);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && (got.slot.salt.len != SALT_LEN || got.slot.key_seal.len == 0))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*answer = got;
	else
		job_pin_changed_free(&got);
	return rc;
}

rc_t proto_proved_encode(struct buf *body, const struct job_proved *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_step(&writer, answer->otp_step);
	put_password(&writer, &answer->password);
	return proto_writer_end(&writer);
}

rc_t proto_proved_decode(struct job_proved *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_proved got = {0};

	got.otp_step = get_step(&reader);
	get_password(&reader, &got.password);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	return rc;
}
