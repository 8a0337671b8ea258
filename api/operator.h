/* What the operators' routes share. */
#ifndef API_OPERATOR_H
#define API_OPERATOR_H

#include "api/request.h"
#include "core/operation.h"

/* operator_statement_spec, operator_signed_spec */
struct statement_values {
	struct buf statement, signature;
};

/* effect, rule, policyVersion, reason and alternative in both languages. */
void operator_put_decision(json_t **body, const struct decision_view *decision);

#endif
