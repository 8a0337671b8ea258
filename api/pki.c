#include "api/pki.h"

#include "core/core.h"

#include <string.h>

static const struct {
	const char *path, *type;
	struct span (*content)(const struct core *core);
} pki_files[] = {
	{"/ca.crl", "application/pkix-crl", core_crl},
	{"/ca.cer", "application/pkix-cert", core_ca_certificate},
};

static void pki_answer(
	const struct core *core, const struct http_message *message, struct http_answer *answer)
{
	bool reads = strcmp(message->method, "GET") == 0 || strcmp(message->method, "HEAD") == 0;

	http_answer_field(answer, "X-Content-Type-Options", "nosniff");
	answer->status = 404;
	for (size_t i = 0; reads && i < sizeof(pki_files) / sizeof(pki_files[0]); i++) {
		if (strcmp(pki_files[i].path, message->path) != 0)
			continue;
		struct span content = pki_files[i].content(core);
		if (content.len == 0 || buf_append_span(&answer->body, content) != RC_OK) {
			answer->status = 503; /* not made yet */
			http_answer_field(answer, "Retry-After", "5");
			return;
		}
		answer->status = 200;
		http_answer_field(answer, "Content-Type", "%s", pki_files[i].type);
		http_answer_field(answer, "Cache-Control", "public, max-age=300");
		return;
	}
}

void pki_handle(void *arg, const struct http_message *message, http_answer_fn done, void *done_arg)
{
	struct http_answer answer = {0};

	pki_answer(arg, message, &answer);
	done(done_arg, &answer);
	http_answer_free(&answer);
}
