/* What the statements of every aggregate share: how parameters begin and how texts are read. */
#ifndef STORE_UNIT_H
#define STORE_UNIT_H

#include "store/audit.h"

/* A statement's row of the audit: `source` is the CTE whose rows say that the change happened. */
#define AUDIT_INSERT(source) \
	"INSERT INTO audit.event (" AUDIT_COLUMNS ") SELECT " AUDIT_PARAMS " FROM " source

/* The same in a batch. AUDIT_ASKED names the units' own arrays ($18 on) and their columns; each row
 * carries all that the unit asks, up to the row of the audit. */
#define AUDIT_ASKED(arrays, columns)                                                               \
	"asked AS MATERIALIZED (SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], "  \
	"$4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::uuid[], $10::uuid[], "    \
	"$11::uuid[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[], "         \
	"$17::text[], " arrays ") WITH ORDINALITY AS u (" AUDIT_COLUMNS ", " columns ", unit))"
#define AUDIT_INSERT_BATCH(event, result, code, source)                                            \
	"INSERT INTO audit.event (" AUDIT_COLUMNS ") SELECT at, id, request, " event ", " result   \
	", " code ", client, operator, subscriber, credential, agency, address::inet, rule, "      \
	"policy_version, detail::json, digests::bytea[], signatures::bytea[] FROM " source

/* The version in force; 0: there is no policy. */
#define POLICY_VERSION_SQL "(SELECT coalesce(max(version), 0) FROM rssp.policy)"

/* The sector in force of the agency that `alias` names: the nearest one above that has a sector,
 * itself first; "" when none has. */
#define SECTOR_SQL(alias)                                                          \
	"coalesce((SELECT up.sector FROM rssp.agency up WHERE up.id = ANY (" alias \
	".path) AND up.sector IS NOT NULL ORDER BY up.level DESC LIMIT 1), '')"

/* Fresh parameters, the row's first when there is one. Never NULL: without memory for them the
 * process ends, to be started again. */
struct pg_params *unit_params(const struct audit_row *row);

/* RC_INTERNAL if the text does not fit: it was not written by us, and half of it could mean
 * something else. NULL in the database reads as "". */
must_check rc_t unit_text(
	const struct pg_rows *rows, size_t row, int column, char *out, size_t size);
/* Exactly len bytes, or RC_INTERNAL. */
must_check rc_t unit_fixed(
	const struct pg_rows *rows, size_t row, int column, void *out, size_t len);

#endif
