/* What the route table points to: handlers, and the specs of their parameters. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/request.h"
#include "api/spec.h"

/* csc_info.c */
extern const struct spec csc_info_spec;
void csc_info(struct request *request);
/* Other CSC methods: 501. */
void csc_not_offered(struct request *request);

/* csc_credentials.c */
extern const struct spec csc_list_spec, csc_credential_spec;
void csc_list(struct request *request);
void csc_credential(struct request *request);

/* csc_sad.c */
extern const struct spec csc_authorize_spec, csc_extend_spec, csc_challenge_spec, csc_send_otp_spec;
void csc_authorize(struct request *request);
void csc_extend(struct request *request);
/* sendOTP, getChallenge: codes come from the authenticator. */
void csc_challenge(struct request *request);
void csc_send_otp(struct request *request);

/* csc_sign.c */
extern const struct spec csc_sign_hash_spec;
void csc_sign_hash(struct request *request);

/* oauth2_authorize.c */
extern const struct spec oauth2_push_spec;
void oauth2_authorize(struct request *request);
void oauth2_push(struct request *request);

/* consent.c */
extern const struct spec consent_request_spec, consent_approve_spec;
void consent_request(struct request *request);
void consent_approve(struct request *request);
void consent_decline(struct request *request);

/* oauth2_token.c */
extern const struct spec oauth2_token_spec;
void oauth2_token(struct request *request);

/* oauth2_revoke.c */
extern const struct spec oauth2_revoke_spec, csc_revoke_spec;
void oauth2_revoke(struct request *request);
void csc_revoke(struct request *request);

/* oauth2_metadata.c: RFC 8414 */
void oauth2_metadata(struct request *request);
/* oauth2_keys.c */
void oauth2_keys(struct request *request);

/* activation.c */
extern const struct spec activation_spec;
void activation_activate(struct request *request);

/* account.c */
extern const struct spec account_session_spec, account_sign_in_spec, account_signatures_spec,
	account_factor_spec, account_change_pin_spec, account_change_password_spec;
void account_session(struct request *request);
void account_sign_in(struct request *request);
void account_sign_out(struct request *request);
void account_sign_out_everywhere(struct request *request);
void account_credentials(struct request *request);
void account_signatures(struct request *request);
void account_change_pin(struct request *request);
void account_change_password(struct request *request);

/* operator_*.c */
extern const struct spec operator_agency_add_spec;
void operator_agency_add(struct request *request);
void operator_agency_list(struct request *request);
extern const struct spec operator_client_add_spec, operator_client_change_spec,
	operator_client_list_spec, operator_client_spec;
void operator_client_change(struct request *request);
void operator_client_list(struct request *request);
void operator_client_add(struct request *request);
void operator_client_rotate(struct request *request);
void operator_client_disable(struct request *request);
extern const struct spec operator_subscriber_list_spec, operator_position_spec,
	operator_subscriber_spec, operator_signed_spec, operator_statement_spec;
void operator_subscriber_list(struct request *request);
void operator_subscriber_set_position(struct request *request);
void operator_subscriber_disable(struct request *request);
void operator_subscriber_unlock(struct request *request);
void operator_enrolment_check(struct request *request);
void operator_enrolment_submit(struct request *request);
void operator_status(struct request *request);
extern const struct spec operator_audit_spec;
void operator_audit(struct request *request);

/* health.c */
void health_live(struct request *request);
void health_ready(struct request *request);

#endif
