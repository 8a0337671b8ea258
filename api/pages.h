/* The pages that subscribers trust with a PIN: static, from memory. All that a page shows of a
 * person or a request it asks for in JSON; these answers say nothing of anybody. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "api/request.h"

/* GET /consent, /account, /activate, /problem. */
void pages_show(struct request *request);
/* GET /assets/…: what the pages load; 404 otherwise. */
void pages_asset(struct request *request);

/* The page that says why, with status 400 or the fault's: where a browser came with a request that
 * must not be answered by a redirect (RFC 6749 §4.1.2.1). Ends the request as request_fault() does:
 * audited with the fault's code. */
void pages_problem(struct request *request, const struct fault *fault);

/* The page with its marks replaced: {{service}}, {{code}}, {{text}}, as text of HTML. RC_NOT_FOUND:
 * no such page. */
must_check rc_t pages_render(const char *path, const char *service, const char *code,
	const char *text, struct buf *html);

#endif
