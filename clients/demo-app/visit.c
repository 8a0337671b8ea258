#include "clients/demo-app/demo.h"

#include "base/base64.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE_MS ((int64_t)2 * 60 * 60 * 1000)
#define FLOW_MS ((int64_t)30 * 60 * 1000) /* as long as the service keeps a request, and longer */

const char *visit_text(const struct visit *visit, struct text text)
{
	return visit->lang == LANG_EN ? text.en : text.vi;
}

void flow_end(struct flow *flow)
{
	for (size_t i = 0; i < DEMO_RECORDS; i++)
		pades_free(&flow->pades[i]);
	explicit_bzero(flow, sizeof(*flow));
}

static void visit_free(struct visit **visit)
{
	if (*visit == NULL)
		return;
	for (size_t i = 0; i < DEMO_FLOWS; i++)
		flow_end(&(*visit)->flows[i]);
	for (size_t i = 0; i < DEMO_RECORDS; i++)
		buf_free(&(*visit)->results[i].pdf);
	oauth_tokens_free(&(*visit)->tokens);
	csc_credential_free(&(*visit)->credential);
	explicit_bzero(*visit, sizeof(**visit));
	free(*visit);
	*visit = NULL;
}

static void visits_expire(struct demo *demo)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < DEMO_VISITS; i++) {
		struct visit *visit = demo->visits[i];
		if (visit != NULL && now - visit->seen_ms > SILENCE_MS)
			visit_free(&demo->visits[i]);
	}
}

struct visit *visit_find(struct demo *demo, const char *cookie)
{
	uint8_t sha256[SHA256_LEN];

	visits_expire(demo);
	if (digest_sha256(span_string(cookie), sha256) != RC_OK)
		return NULL;
	for (size_t i = 0; i < DEMO_VISITS; i++) {
		struct visit *visit = demo->visits[i];
		if (visit == NULL || !secret_equal(SPAN(sha256, sizeof(sha256)),
					     SPAN(visit->cookie_sha256, SHA256_LEN)))
			continue;
		visit->seen_ms = clock_monotonic_ms();
		return visit;
	}
	return NULL;
}

/* A free place, or that of the one that is silent longest. */
static struct visit **visit_place(struct demo *demo)
{
	struct visit **oldest = &demo->visits[0];

	for (size_t i = 0; i < DEMO_VISITS; i++) {
		if (demo->visits[i] == NULL)
			return &demo->visits[i];
		if (demo->visits[i]->seen_ms < (*oldest)->seen_ms)
			oldest = &demo->visits[i];
	}
	visit_free(oldest);
	return oldest;
}

rc_t visit_new(struct demo *demo, char cookie[OAUTH_RANDOM], struct visit **visit)
{
	struct oauth_pending random;
	struct visit *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	rc_t rc = oauth_pending_new(&random);
	if (rc == RC_OK)
		rc = digest_sha256(span_string(random.state), fresh->cookie_sha256);
	if (rc != RC_OK) {
		visit_free(&fresh);
		return rc;
	}
	memcpy(cookie, random.state, OAUTH_RANDOM);
	memcpy(fresh->csrf, random.verifier, OAUTH_RANDOM);
	explicit_bzero(&random, sizeof(random));
	fresh->seen_ms = clock_monotonic_ms();
	*visit_place(demo) = fresh;
	*visit = fresh;
	return RC_OK;
}

rc_t visit_renew(struct visit *visit, char cookie[OAUTH_RANDOM])
{
	struct oauth_pending random;
	uint8_t sha256[SHA256_LEN];

	rc_t rc = oauth_pending_new(&random);
	if (rc == RC_OK)
		rc = digest_sha256(span_string(random.state), sha256);
	if (rc != RC_OK)
		return rc;
	memcpy(visit->cookie_sha256, sha256, sizeof(sha256));
	memcpy(cookie, random.state, OAUTH_RANDOM);
	explicit_bzero(&random, sizeof(random));
	return RC_OK;
}

void visit_end(struct demo *demo, struct visit *visit)
{
	for (size_t i = 0; i < DEMO_VISITS; i++) {
		if (demo->visits[i] == visit)
			visit_free(&demo->visits[i]);
	}
}

void visits_free(struct demo *demo)
{
	for (size_t i = 0; i < DEMO_VISITS; i++)
		visit_free(&demo->visits[i]);
}

static bool flow_is_over(const struct flow *flow)
{
	return flow->kind == FLOW_NONE || clock_monotonic_ms() > flow->ends_ms;
}

rc_t visit_flow_new(struct visit *visit, enum flow_kind kind, struct flow **flow)
{
	for (size_t i = 0; i < DEMO_FLOWS; i++) {
		struct flow *one = &visit->flows[i];
		if (!flow_is_over(one))
			continue;
		flow_end(one);
		rc_t rc = oauth_pending_new(&one->pending);
		if (rc != RC_OK)
			return rc;
		one->kind = kind;
		one->ends_ms = clock_monotonic_ms() + FLOW_MS;
		*flow = one;
		return RC_OK;
	}
	return RC_RANGE;
}

struct flow *visit_flow_find(struct visit *visit, const char *state)
{
	for (size_t i = 0; i < DEMO_FLOWS; i++) {
		struct flow *flow = &visit->flows[i];
		if (!flow_is_over(flow) &&
			secret_equal(span_string(state), span_string(flow->pending.state)))
			return flow;
	}
	return NULL;
}
