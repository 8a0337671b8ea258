/*
 * What applications send with a request for consent: hash lists, authorization_details, redirect
 * addresses, and what of it is kept and read again. Whatever comes, a request that is taken reads
 * back as itself, its answer goes to a registered address, and adds only what is encoded.
 * link: core
 *
 * Input: lines, each for one parameter; a line that begins with '-' leaves it out.
 */
#include "core/oauth/authorization.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 14
#define REGISTERED "https://app.mau.edu.vn/back?x=1"

static void lines_read(char *text, const char *lines[LINES])
{
	for (size_t i = 0; i < LINES; i++) {
		char *end = text == NULL ? NULL : strchr(text, '\n');
		if (end != NULL)
			*end = 0;
		lines[i] = text == NULL || text[0] == '-' ? NULL : text;
		text = end == NULL ? NULL : end + 1;
	}
}

/* The address that a browser would be sent to. */
static void target_check(const struct authorization *made, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~%";
	const struct uri_parameter parameter = {"state", text};
	struct buf out = BUF_INIT;
	const char *location = NULL;

	if (strcmp(made->redirect_uri, REGISTERED) != 0)
		abort();
	if (authorization_location(&out, made->redirect_uri, &parameter, 1) != RC_OK ||
		buf_string(&out, &location) != RC_OK ||
		strncmp(location, REGISTERED "&state=", strlen(REGISTERED) + 7) != 0)
		abort();
	location += strlen(REGISTERED) + 7;
	if (location[strspn(location, plain)] != 0)
		abort();
	buf_free(&out);
}

static const struct id client_id = {{1}};

static void kept_check(const struct authorization *made)
{
	struct authorization read = {.kept = NULL};
	struct buf stored = BUF_INIT;
	const struct span handle = span_string("handle");

	if (authorization_print(&stored, made, &client_id, handle) != RC_OK ||
		authorization_open(&read, buf_span(&stored), &client_id, handle) != RC_OK)
		abort();
	if (read.credential_scope != made->credential_scope ||
		read.has_challenge != made->has_challenge ||
		(made->credential_scope && !wish_equal(&read.wish, &made->wish)))
		abort();
	authorization_free(&read);
	buf_free(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct authorization_limits limits = {500, size % 2 == 0};
	struct authorization made = {.kept = NULL};
	const char *lines[LINES], *why = NULL;
	char *text = calloc(1, size + 1);
	json_t *uris = json_pack("[s]", REGISTERED);
	const struct client_known client = {.mode = CLIENT_OAUTH2CODE,
		.csc_version = size % 3 == 0 ? 1 : 2,
		.confidential = true,
		.redirect_uris = uris};

	if (text == NULL || uris == NULL)
		abort();
	memcpy(text, data, size);
	lines_read(text, lines);
	/* the router lets valid UTF-8 in only */
	json_t *utf8 = json_stringn(text, size);
	const struct authorization_asked asked = {.response_type = lines[0],
		.redirect_uri = lines[1],
		.scope = lines[2],
		.state = lines[3],
		.challenge = lines[4],
		.challenge_method = lines[5],
		.credential = lines[6],
		.signatures = lines[7],
		.hashes = lines[8],
		.hash_algo = lines[9],
		.details = lines[10],
		.description = lines[11],
		.lang = lines[12],
		.qualifier = lines[13]};
	if (utf8 != NULL && authorization_check(&made, &asked, &client, &limits, &why) == RC_OK) {
		target_check(&made, lines[3] == NULL ? "" : lines[3]);
		kept_check(&made);
		authorization_free(&made);
	}
	if (authorization_read(&made, SPAN(data, size)) == RC_OK)
		authorization_free(&made);
	/* nobody guesses a MAC */
	if (authorization_open(&made, SPAN(data, size), &client_id, span_string("handle")) == RC_OK)
		abort();
	json_decref(utf8);
	json_decref(uris);
	free(text);
	return 0;
}
