#include "core/policy_cache.h"

#include "base/log.h"
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

struct policy_waiter {
	core_policy_fn done;
	void *arg;
	struct policy_waiter *next;
};

/* Versions are few and small: none is ever dropped, so that decisions may point into them. */
struct core_policies {
	struct policy **read; /* in order of reading; the last one is the newest */
	size_t count;
	struct policy_waiter *waiters;
	bool reading;
};

rc_t core_policies_start(struct core *core)
{
	core->policies = core_alloc(sizeof(*core->policies));
	return RC_OK;
}

void core_policies_stop(struct core *core)
{
	struct core_policies *policies = core->policies;

	if (policies == NULL)
		return;
	for (size_t i = 0; i < policies->count; i++)
		policy_free(&policies->read[i]);
	free(policies->read);
	free(policies);
	core->policies = NULL;
}

const struct policy *core_policy_newest(const struct core *core)
{
	const struct core_policies *policies = core->policies;

	return policies->count == 0 ? NULL : policies->read[policies->count - 1];
}

const struct policy *core_policy_at(const struct core *core, int64_t version)
{
	const struct core_policies *policies = core->policies;

	for (size_t i = policies->count; i > 0; i--) {
		if (policy_version(policies->read[i - 1]) == version)
			return policies->read[i - 1];
	}
	return NULL;
}

static rc_t policies_keep(struct core *core, const struct pg_rows *rows)
{
	struct core_policies *policies = core->policies;
	struct policy *policy = NULL;
	struct buf why = BUF_INIT;
	const char *fault = "";
	int64_t version = 0;

	const char *document = store_policy_read(rows, &version);
	if (core_policy_at(core, version) != NULL)
		return RC_OK;
	rc_t rc = policy_parse(&policy, document, strlen(document), version, &why);
	if (rc != RC_OK) {
		if (buf_string(&why, &fault) != RC_OK)
			fault = "";
		log_error("policy: version=%lld is not valid, nothing is permitted: %s",
			(long long)version, fault);
		rc = rc == RC_CONFIG ? RC_UNAVAILABLE : rc;
		goto out;
	}
	struct policy **grown =
		reallocarray(policies->read, policies->count + 1, sizeof(*policies->read));
	if (grown == NULL) {
		rc = RC_NO_MEMORY;
		goto out;
	}
	policies->read = grown;
	policies->read[policies->count++] = policy;
	policy = NULL;
	log_info("policy: read version=%lld", (long long)version);
out:
	policy_free(&policy);
	buf_free(&why);
	return rc;
}

/* A waiter may ask for the next reading at once: the list is taken over first. */
static void policies_on_rows(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct core *core = arg;
	struct policy_waiter *waiter = core->policies->waiters;

	core->policies->waiters = NULL;
	core->policies->reading = false;
	if (rc == RC_OK && pg_row_count(rows) == 0) {
		log_error("policy: there is none in the database, nothing is permitted");
		rc = RC_UNAVAILABLE;
	}
	if (rc == RC_OK)
		rc = policies_keep(core, rows);
	while (waiter != NULL) {
		struct policy_waiter *next = waiter->next;
		waiter->done(waiter->arg, rc);
		free(waiter);
		waiter = next;
	}
}

void core_policy_read(struct core *core, core_policy_fn done, void *arg)
{
	struct policy_waiter *waiter = core_alloc(sizeof(*waiter));

	*waiter = (struct policy_waiter){done, arg, core->policies->waiters};
	core->policies->waiters = waiter;
	if (core->policies->reading)
		return;
	core->policies->reading = true;
	store_policy_newest(core->pg, policies_on_rows, core);
}
