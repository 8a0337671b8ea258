/*
 * Whole requests through the router and the codecs, with a core that answers: whatever is sent is
 * answered exactly once, as JSON, with the id of its audit row. link: api
 *
 * Input: one byte picks the route, one the method, type and bearer; then the query up to a newline;
 * then the body.
 */
#include <stdint.h>
#include <strings.h>

#include "../unit/fake_core.h"

#include "../unit/ask.h"

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct operator_entry operator_ = {.name = "Vận hành Mẫu"};
static const uint8_t der[] = {0x30, 0x00};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("fuzz", LOG_ERROR);
	return ask_reset(NULL);
}

static void fuzz_reset(uint8_t how)
{
	ask_reset(NULL);
	fake.view = (struct credential_view){.key = key_algo_by_kind(KEY_P_256),
		.enabled = true,
		.factors = "PIN AND OTP",
		.scal = SCAL_2,
		.multisign = 500,
		.certificate = SPAN(der, sizeof(der))};
	fake.view_count = 1;
	fake.signature_count = 2;
	fake.redirects = (how & 16) != 0;
	fake.other.rc = how & 32 ? RC_STATE_INVALID : RC_OK;
	ask.operator_ = &operator_;
	if (how & 8)
		ask.authorization = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char query[256];
	static const char *const types[] = {JSON, FORM, "application/json; charset=utf-8", NULL};

	if (size < 3)
		return 0;
	const struct route *route = &routes[data[0] % route_count];
	uint8_t how = data[1];
	const uint8_t *rest = data + 2, *end = memchr(rest, '\n', size - 2);
	size_t query_len = end == NULL ? 0 : (size_t)(end - rest);

	fuzz_reset(how);
	if (query_len < sizeof(query)) {
		memcpy(query, rest, query_len);
		query[query_len] = 0;
		ask.query = query;
	}
	const uint8_t *body = end == NULL ? rest : end + 1;
	const char *method = how & 4 ? "GET" : "POST";
	int status = ask_span(
		method, route->path, types[how % 4], SPAN(body, (size_t)(data + size - body)));
	bool json = strcmp(ask_header("Content-Type"), "application/json") == 0;
	bool page = strncmp(ask_header("Content-Type"), "text/html", 9) == 0 ||
		    strncmp(route->path, "/assets/", 8) == 0;
	if (status < 200 || ask_header("X-Request-Id")[0] == 0 ||
		(json ? !json_is_object(ask.body) : status != 204 && status != 303 && !page))
		abort();
	if (fake.row_count > 1 || router_under_way(ask.router) != 0)
		abort();
	return 0;
}
