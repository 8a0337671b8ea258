/* Policies that were read; each stays in memory until the core ends, so a decision's texts do too.
 */
#ifndef CORE_POLICY_CACHE_H
#define CORE_POLICY_CACHE_H

#include "core/internal.h"

/* The newest one that was read; NULL: none yet. */
const struct policy *core_policy_newest(const struct core *core);

#endif
