/* Subscribers as operators manage them, and what the policy is asked about. */
#ifndef STORE_SUBSCRIBER_H
#define STORE_SUBSCRIBER_H

#include "base/digest.h"
#include "store/agency.h"

#define SUBSCRIBER_TEXT 512

/* Rows of the list: one for each credential, in order of subscriber; one without a credential for
 * who has none. Strings live as long as the rows. */
struct subscriber_filter {
	struct id agency, subscriber;	/* zero: any; an agency means it and those below */
	const char *name;		/* a part of it, any case; NULL: any */
	uint32_t limit;			/* subscribers, not rows */
};
struct subscriber_row {
	struct id id;
	const char *name, *position, *state;
	const char *agency[AGENCY_LEVELS];
	struct id credential;		/* zero: has none */
	const char *status, *key;	/* "active", "locked", "disabled", "revoked"; "rsa-2048" … */
	int64_t valid_to_ms;
};
void store_subscriber_list(struct pg *pg, const struct subscriber_filter *filter, pg_done_fn done,
	void *arg);
void store_subscriber_read(const struct pg_rows *rows, size_t row, struct subscriber_row *out);

/* What the policy decides about, with the versions that it was read at. */
struct subscriber_facts {
	int64_t version, policy_version;
	char position[SUBSCRIBER_TEXT], budget_code[SUBSCRIBER_TEXT], sector[16];
	bool disabled;
};
/* One row, or none: there is no such subscriber. */
void store_subscriber_facts(struct pg *pg, const struct id *subscriber, pg_done_fn done, void *arg);
must_check rc_t store_subscriber_facts_read(
	const struct pg_rows *rows, struct subscriber_facts *facts);

/* Each: one row when it was done. set_position: none if the subscriber is not at that version. */
void store_subscriber_set_position(struct pg *pg, const struct audit_row *audit,
	const struct id *subscriber, int64_t version, const char *position, pg_done_fn done,
	void *arg);
void store_subscriber_disable(struct pg *pg, const struct audit_row *audit,
	const struct id *subscriber, pg_done_fn done, void *arg);

/* The credential's owner and the newest unlock statement (empty: none); no row: no such one. */
void store_unlock_find(struct pg *pg, const struct id *credential, pg_done_fn done, void *arg);
must_check rc_t store_unlock_found(
	const struct pg_rows *rows, struct id *subscriber, struct buf *unlock);

struct unlock_new {
	struct id credential, subscriber;
	struct span before;		/* what store_unlock_find() found */
	struct span statement, signature;
	const uint8_t *fingerprint;	/* SHA256_LEN */
};
/* One row when it was done; none if another unlock came first. */
void store_unlock(struct pg *pg, const struct audit_row *audit, const struct unlock_new *fresh,
	pg_done_fn done, void *arg);

#endif
