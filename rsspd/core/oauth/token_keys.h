/* The keys of access tokens: of yesterday, today and tomorrow, as the SAMs derive them. */
#ifndef CORE_TOKEN_KEYS_H
#define CORE_TOKEN_KEYS_H

#include "core/internal.h"
#include "core/oauth/token_jwt.h"

#define TOKEN_KEYS 3

/* What tokens are made with now; NULL: not known yet. */
const struct token_key *core_token_key_today(const struct core *core);
/* TOKEN_KEYS of them; NULL where one is not known (yet). */
struct token_key *const *core_token_key_list(const struct core *core);

#endif
