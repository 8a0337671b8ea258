/* What fake_core.h answers for the authorisation server: requests, consent, codes, refresh. */
#ifndef TESTS_FAKE_CONSENT_H
#define TESTS_FAKE_CONSENT_H

#include "core/oauth/code.h"
#include "core/oauth/consent.h"
#include "core/oauth/refresh_token.h"

static void fake_call_consent(const struct fake_step *step)
{
	struct authorization asked = {.redirect_uri = "https://app.mau.edu.vn/back"};
	const struct consent_view view = {.state = CONSENT_PENDING,
		.client = "Phần mềm Mẫu",
		.agency = "UBND tỉnh Mẫu",
		.name = "",
		.asked = &asked,
		.expires_in_s = 600};

	if (step->kind == FAKE_BEGUN)
		((core_authorization_fn)step->done)(step->arg, &step->fault,
			&(struct authorization_begun){.handle = fake_secret("HANDLE"),
				.expires_in_s = 90,
				.redirect_uri =
					fake.redirects ? "https://app.mau.edu.vn/back" : NULL,
				.state = "a b"});
	else if (step->kind == FAKE_CONSENT)
		((core_consent_fn)step->done)(step->arg, &step->fault, &view);
	else if (step->kind == FAKE_REDIRECT)
		((core_redirect_fn)step->done)(step->arg, &step->fault,
			fake_secret("https://app.mau.edu.vn/back?code=CODE"));
	else if (step->kind == FAKE_REDEEMED)
		((core_code_fn)step->done)(step->arg, &step->fault,
			&(struct code_granted){.access_token = fake_secret("SAD-text"),
				.credential_scope = true,
				.expires_in_s = 600});
}

void core_client_find(
	struct core *core, struct call *call, struct span id, core_client_fn2 done, void *arg)
{
	(void)core;
	(void)call;
	fake_copy(fake.client_id, sizeof(fake.client_id), id);
	fake_push(FAKE_KNOWN, (void *)done, arg, fake.client);
}

void core_authorization_begin(struct core *core, struct call *call,
	const struct client_known *client, const struct authorization_asked *asked, bool pushed,
	core_authorization_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)client;
	(void)asked;
	(void)pushed;
	fake.asked++;
	fake_push(FAKE_BEGUN, (void *)done, arg, fake.other);
}

void core_authorization_resume(struct core *core, struct call *call,
	const struct client_known *client, const char *request_uri, core_authorization_fn done,
	void *arg)
{
	(void)core;
	(void)call;
	(void)client;
	(void)request_uri;
	fake.asked++;
	fake_push(FAKE_BEGUN, (void *)done, arg, fake.other);
}

void core_consent_load(
	struct core *core, struct call *call, struct span handle, core_consent_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)handle;
	fake.asked++;
	fake_push(FAKE_CONSENT, (void *)done, arg, fake.other);
}

void core_consent_approve(struct core *core, struct call *call,
	const struct consent_approval *approval, core_redirect_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)approval;
	fake.asked++;
	fake_push(FAKE_REDIRECT, (void *)done, arg, fake.other);
}

void core_consent_decline(struct core *core, struct call *call, struct span handle,
	const char *issuer, core_redirect_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)handle;
	(void)issuer;
	fake.asked++;
	fake_push(FAKE_REDIRECT, (void *)done, arg, fake.other);
}

void core_code_redeem(struct core *core, struct call *call, const struct client_known *client,
	const struct code_redemption *redemption, core_code_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)client;
	(void)redemption;
	fake.asked++;
	fake_push(FAKE_REDEEMED, (void *)done, arg, fake.other);
}

void core_refresh_token_use(struct core *core, struct call *call, const struct client_known *client,
	struct span token, core_token_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)client;
	(void)token;
	fake.asked++;
	fake_push(FAKE_TOKEN, (void *)done, arg, fake.token);
}

#endif
