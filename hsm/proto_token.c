#include "hsm/proto_fields.h"

rc_t proto_token_key_encode(struct buf *body, const struct job_token_key *job)
{
	struct proto_writer writer = proto_writer(body);

	put_number(&writer, job->epoch);
	return proto_writer_end(&writer);
}

rc_t proto_token_key_decode(struct job_token_key *job, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_token_key got = {.epoch = wire_get_number(&reader)};
	rc_t rc = wire_reader_end(&reader);

	if (rc == RC_OK)
		*job = got;
	return rc;
}

rc_t proto_token_key_given_encode(struct buf *body, const struct job_token_key_given *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_buf(&writer, &answer->key);
	return proto_writer_end(&writer);
}

rc_t proto_token_key_given_decode(struct job_token_key_given *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_token_key_given got = {BUF_INIT};

	get_buf(&reader, &got.key);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && got.key.len != TOKEN_KEY_LEN)
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*answer = got;
	else
		job_token_key_given_free(&got);
	return rc;
}
