#include "core/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/token.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define SKEW_MAX_MS 2000

void *core_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		log_error("core: no memory for an operation bytes=%zu", size);
		abort();
	}
	return memory;
}

void core_defer(struct core *core, loop_fn fn, void *arg)
{
	if (loop_defer(core->loop, fn, arg) != RC_OK) {
		log_error("core: no memory to go on");
		abort();
	}
}

rc_t core_outcome(struct call *call, rc_t rc, const struct pg_rows *rows, rc_t none)
{
	if (rc != RC_OK)
		return rc;
	if (pg_row_count(rows) == 0)
		return none;
	call->audited = true;
	return RC_OK;
}

struct fault fault_of(rc_t rc)
{
	return (struct fault){.rc = rc};
}

struct span sha256_span(const uint8_t digest[SHA256_LEN])
{
	return SPAN(digest, SHA256_LEN);
}

rc_t core_decide(const struct policy *policy, struct call *call, enum policy_stage stage,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction, struct policy_decision *decision,
	struct buf *text)
{
	policy_decide(policy, stage, subject, client, transaction, decision);
	snprintf(call->rule, sizeof(call->rule), "%s", decision->rule);
	call->policy_version = decision->version;
	if (decision->effect == POLICY_PERMIT)
		return RC_OK;
	buf_clear(text);
	if (policy_decision_text(decision, call->lang == LANG_EN ? "en" : "vi", text) != RC_OK)
		buf_clear(text);
	return decision->effect == POLICY_WAIT ? RC_POLICY_WAIT : RC_POLICY_DENIED;
}

static rc_t ca_certificate_read(const char *path, struct buf *der)
{
	unsigned char *bytes = NULL;
	X509 *certificate = NULL;
	rc_t rc = RC_CONFIG;

	FILE *file = fopen(path, "re");
	if (file != NULL)
		certificate = PEM_read_X509(file, NULL, NULL, NULL);
	int len = certificate == NULL ? -1 : i2d_X509(certificate, &bytes);
	if (len > 0)
		rc = buf_set(der, SPAN(bytes, (size_t)len));
	if (rc == RC_CONFIG)
		log_error("core: no CA certificate path=\"%s\"; run rssp-keys init", path);
	OPENSSL_free(bytes);
	X509_free(certificate);
	if (file != NULL)
		fclose(file);
	return rc;
}

rc_t core_check_ca(const char *path)
{
	struct buf der = BUF_INIT;
	struct x509_facts facts = {0};
	int64_t now_ms = clock_wall_ms();
	rc_t rc = ca_certificate_read(path, &der);

	if (rc == RC_OK && (x509_facts_read(&facts, buf_span(&der)) != RC_OK ||
				   facts.valid_from_ms > now_ms || facts.valid_to_ms < now_ms)) {
		log_error("core: the CA's certificate is not valid at this time path=\"%s\"", path);
		rc = RC_CONFIG;
	}
	buf_free(&der);
	return rc;
}

/* Each is made in this order and ended in the reverse one. */
static const struct {
	rc_t (*start)(struct core *core);
	void (*stop)(struct core *core);
} parts[] = {
	{core_policies_start, core_policies_stop},
	{core_notices_start, core_notices_stop},
	{core_sweeper_start, core_sweeper_stop},
	{core_refresh_start, core_refresh_stop},
	{core_token_keys_start, core_token_keys_stop},
	{core_revocations_start, core_revocations_stop},
	{core_tokens_start, core_tokens_stop},
	{core_sads_start, core_sads_stop},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

rc_t core_new(struct loop *loop, struct pg *pg, struct hsm_client *hsm,
	const struct core_settings *settings, struct core **core)
{
	struct core *fresh = core_alloc(sizeof(*fresh));

	fresh->loop = loop;
	fresh->pg = pg;
	fresh->hsm = hsm;
	fresh->settings = *settings;
	rc_t rc = ca_certificate_read(settings->ca_certificate_path, &fresh->ca_certificate);
	if (rc == RC_OK)
		rc = operators_load(&fresh->operators, settings->operators_path);
	for (size_t i = 0; i < PARTS && rc == RC_OK; i++)
		rc = parts[i].start(fresh);
	if (rc != RC_OK) {
		core_free(&fresh);
		return rc;
	}
	*core = fresh;
	return RC_OK;
}

void core_free(struct core **core)
{
	struct core *old = *core;

	if (old == NULL)
		return;
	old->stopping = true;
	for (size_t i = PARTS; i > 0; i--)
		parts[i - 1].stop(old);
	operators_free(&old->operators);
	buf_free(&old->ca_certificate);
	buf_free(&old->crl);
	free(old);
	*core = NULL;
}

void core_health(const struct core *core, struct core_health *health)
{
	health->store = pg_ready(core->pg) && core_sweeper_ready(core);
	health->sams = hsm_client_ready(core->hsm);
	health->tokens = core_token_ready(core);
	health->clock = llabs(pg_clock_skew_ms(core->pg)) <= SKEW_MAX_MS;
}

void core_watch(const struct core *core, struct core_watch *watch)
{
	struct x509_facts ca = {0};

	if (x509_facts_read(&ca, buf_span(&core->ca_certificate)) != RC_OK)
		ca.valid_to_ms = 0;
	*watch = (struct core_watch){
		.skew_ms = pg_clock_skew_ms(core->pg),
		.ca_ends_ms = ca.valid_to_ms,
		.operators_end_ms = operators_expire_ms(core->operators),
		.crl_made_ms = core->crl_facts.this_update_ms,
		.crl_ends_ms = core->crl_facts.next_update_ms,
		.audit_until_ms = core_sweeper_audit_ms(core),
	};
	watch->revocations_known = core_revocations_known(core);
	watch->store_up = pg_connections_up(core->pg);
	watch->store_wanted = pg_connections(core->pg);
	for (int role = 0; role < SAM_ROLES; role++)
		hsm_client_load(core->hsm, (enum sam_role)role, &watch->sams[role]);
}

struct span core_crl(const struct core *core)
{
	return buf_span(&core->crl);
}

struct span core_ca_certificate(const struct core *core)
{
	return buf_span(&core->ca_certificate);
}
