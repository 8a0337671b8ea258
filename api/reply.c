#include "api/reply.h"

#define RETRY_AFTER_S 5u /* when nobody knows better */

/* Fits a quoted-string of RFC 9110 §5.6.4, whatever the text. */
static void quoted(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != 0 && used + 1 < size; text++) {
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f || *text == '"' ||
			*text == '\\')
			continue;
		out[used++] = *text;
	}
	out[used] = 0;
}

static void reply_common(struct http_answer *answer, const struct call *call)
{
	char request[ID_TEXT];

	id_format(&call->request, request);
	http_answer_field(answer, "X-Request-Id", "%s", request);
	http_answer_field(answer, "Cache-Control", "no-store");
	http_answer_field(answer, "Pragma", "no-cache");
	http_answer_field(answer, "X-Content-Type-Options", "nosniff");
	http_answer_field(answer, "Strict-Transport-Security", "max-age=31536000");
}

static int reply_write(const char *text, size_t len, void *arg)
{
	return buf_append(arg, text, len) == RC_OK ? 0 : -1;
}

/* The media type stands without a charset: some clients compare it whole. */
static rc_t reply_body(struct http_answer *answer, const json_t *body)
{
	if (body == NULL || json_dump_callback(body, reply_write, &answer->body, JSON_COMPACT) != 0)
		return RC_NO_MEMORY;
	http_answer_field(answer, "Content-Type", "application/json");
	return RC_OK;
}

rc_t reply_json(struct http_answer *answer, const struct call *call, int status, const json_t *body)
{
	answer->status = status;
	reply_common(answer, call);
	if (status == 503)
		http_answer_field(answer, "Retry-After", "%u", RETRY_AFTER_S);
	return reply_body(answer, body);
}

void reply_empty(struct http_answer *answer, const struct call *call, int status)
{
	answer->status = status;
	reply_common(answer, call);
}

void reply_redirect(struct http_answer *answer, const struct call *call, const char *location)
{
	reply_empty(answer, call, 303);
	http_answer_field(answer, "Referrer-Policy", "no-referrer");
	http_answer_field(answer, "Location", "%s", location);
}

/* Nothing but our own files, no script or style inside a page, in nobody's frame. */
#define PAGE_POLICY                                                                         \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "         \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
	"require-trusted-types-for 'script'; trusted-types 'none'"

rc_t reply_page(struct http_answer *answer, const struct call *call, int status, struct span bytes,
	const char *content_type, bool lasting)
{
	char request[ID_TEXT];

	answer->status = status;
	id_format(&call->request, request);
	http_answer_field(answer, "X-Request-Id", "%s", request);
	http_answer_field(answer, "Cache-Control",
		lasting ? "public, max-age=31536000, immutable" : "no-store");
	http_answer_field(answer, "X-Content-Type-Options", "nosniff");
	http_answer_field(answer, "Strict-Transport-Security", "max-age=31536000");
	http_answer_field(answer, "Content-Security-Policy", PAGE_POLICY);
	http_answer_field(answer, "X-Frame-Options", "DENY"); /* for browsers without the policy */
	http_answer_field(answer, "Referrer-Policy", "no-referrer");
	http_answer_field(answer, "Permissions-Policy",
		"camera=(), geolocation=(), microphone=(), payment=(), usb=()");
	http_answer_field(answer, "Cross-Origin-Opener-Policy", "same-origin");
	http_answer_field(answer, "Cross-Origin-Resource-Policy", "same-origin");
	http_answer_field(answer, "Content-Type", "%s", content_type);
	return buf_append_span(&answer->body, bytes);
}

/* v2 does not say which factor was wrong, only that one was (CSC 2.0, credentials/authorize). */
static rc_t reply_rc(rc_t rc, enum rc_version version)
{
	if (version == RC_CSC_V2 && (rc == RC_PIN_WRONG || rc == RC_OTP_WRONG))
		return RC_OTP_WRONG_V2;
	return rc;
}

static const char *reply_error(rc_t rc, enum rc_version version)
{
	if (version == RC_CSC_V2 && rc == RC_OTP_REPLAYED)
		return rc_error(RC_OTP_WRONG_V2);
	return rc_error(rc);
}

/* RFC 6750 §3 for tokens, RFC 6749 §5.2 for the token endpoint; mutual TLS has no scheme of its
 * own. */
static void reply_challenge(struct http_answer *answer, const struct route *route, rc_t rc,
	const char *error, const char *text)
{
	char description[160];

	if (route != NULL && route->authorisation == AUTH_CLIENT_PROOF) {
		http_answer_field(answer, "WWW-Authenticate", "Basic realm=\"oauth2/token\"");
		return;
	}
	if (route != NULL && route->pages) {
		http_answer_field(answer, "WWW-Authenticate", "Session realm=\"account\"");
		return;
	}
	if (rc == RC_OPERATOR_REQUIRED) {
		http_answer_field(answer, "WWW-Authenticate", "Certificate realm=\"operator\"");
		return;
	}
	quoted(text, description, sizeof(description));
	http_answer_field(answer, "WWW-Authenticate",
		"Bearer error=\"%s\", error_description=\"%s\"", error, description);
}

static void reply_allow(struct http_answer *answer, unsigned allow)
{
	const char *both = allow == (ROUTE_GET | ROUTE_POST) ? ", " : "";

	http_answer_field(answer, "Allow", "%s%s%s", allow & ROUTE_GET ? "GET" : "", both,
		allow & ROUTE_POST ? "POST" : "");
}

/* What the pages make their words from. */
static json_t *reply_page_fault(const struct call *call, const struct fault *fault)
{
	const char *text = fault->text;

	if (text == NULL)
		text = call->lang == LANG_VI ? rc_text_vi(fault->rc)
					     : rc_text(fault->rc, RC_CSC_V2);
	json_t *body = json_pack("{s:s,s:s,s:s}", "error", rc_error(fault->rc), "error_description",
		text, "code", rc_name(fault->rc));
	bool whole = body != NULL;
	if (whole && fault->has_tries)
		whole = json_object_set_new(body, "triesLeft",
				json_integer((json_int_t)fault->tries_left)) == 0;
	if (whole && fault->retry_after_s > 0)
		whole = json_object_set_new(body, "retryAfter",
				json_integer((json_int_t)fault->retry_after_s)) == 0;
	if (!whole) {
		json_decref(body);
		body = NULL;
	}
	return body;
}

/* Activation is asked by rssp and by a page: the texts are rssp's, the page goes by the name. */
static json_t *reply_client_fault(
	const struct call *call, const struct route *route, rc_t rc, const char *text)
{
	bool named = route != NULL && route->authorisation == AUTH_CODE;

	return json_pack("{s:s,s:s,s:s*}", "error", reply_error(rc, call->version),
		"error_description", text, "code", named ? rc_name(rc) : NULL);
}

void reply_fault(struct http_answer *answer, const struct call *call, const struct route *route,
	unsigned allow, const struct fault *fault)
{
	bool pages = route != NULL && route->pages;
	rc_t rc = pages ? fault->rc : reply_rc(fault->rc, call->version);
	const char *text =
		fault->text != NULL && rc == fault->rc ? fault->text : rc_text(rc, call->version);
	int status = rc_status(rc);
	unsigned wait = fault->retry_after_s;

	answer->status = status;
	reply_common(answer, call);
	if (status == 401)
		reply_challenge(answer, route, rc, reply_error(rc, call->version), text);
	if (status == 405)
		reply_allow(answer, allow);
	if (wait == 0 && (status == 429 || status == 503))
		wait = RETRY_AFTER_S;
	if (wait > 0)
		http_answer_field(answer, "Retry-After", "%u", wait);
	json_t *body =
		pages ? reply_page_fault(call, fault) : reply_client_fault(call, route, rc, text);
	if (reply_body(answer, body) != RC_OK)
		answer->status = 503;
	json_decref(body);
}
