/* What fake_core.h answers for the subscriber's account and its sessions. */
#ifndef TESTS_FAKE_ACCOUNT_H
#define TESTS_FAKE_ACCOUNT_H

#include "core/account.h"
#include "core/session.h"

static void fake_call_account(const struct fake_step *step)
{
	if (step->kind == FAKE_SESSION)
		((core_session_fn)step->done)(step->arg, &step->fault,
			&(struct session_view){.name = "Nguyễn Thị Ví Dụ", .ends_in_s = 1800});
	else if (step->kind == FAKE_SIGN_IN)
		((core_sign_in_fn)step->done)(step->arg, &step->fault,
			&(struct sign_in_view){.name = "Nguyễn Thị Ví Dụ",
				.cookie = fake_secret("COOKIE"),
				.lasts_s = 43200});
	else if (step->kind == FAKE_ACCOUNT_CREDENTIALS)
		((core_account_credentials_fn)step->done)(step->arg, &step->fault, NULL, 0);
	else if (step->kind == FAKE_ACCOUNT_SIGNATURES)
		((core_account_signatures_fn)step->done)(step->arg, &step->fault, NULL, 0, "");
}

must_check rc_t core_session_csrf(struct span cookie, char text[CSRF_TEXT])
{
	(void)cookie;
	snprintf(text, CSRF_TEXT, "CSRF");
	return RC_OK;
}

static void fake_account(enum fake_kind kind, void *done, void *arg)
{
	fake.asked++;
	fake_push(kind, done, arg, fake.other);
}

void core_session_view(
	struct core *core, struct call *call, struct span cookie, core_session_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)cookie;
	fake_account(FAKE_SESSION, (void *)done, arg);
}

void core_session_end(
	struct core *core, struct call *call, struct span cookie, core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)cookie;
	fake_account(FAKE_DONE, (void *)done, arg);
}

void core_sign_in(struct core *core, struct call *call, struct span login, struct span password,
	core_sign_in_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)login;
	(void)password;
	fake_account(FAKE_SIGN_IN, (void *)done, arg);
}

void core_account_credentials(
	struct core *core, struct call *call, core_account_credentials_fn done, void *arg)
{
	(void)core;
	(void)call;
	fake_account(FAKE_ACCOUNT_CREDENTIALS, (void *)done, arg);
}

void core_account_signatures(struct core *core, struct call *call, const char *before,
	core_account_signatures_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)before;
	fake_account(FAKE_ACCOUNT_SIGNATURES, (void *)done, arg);
}

void core_account_change_pin(struct core *core, struct call *call,
	const struct account_factors *factors, struct span new_pin, core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)factors;
	(void)new_pin;
	fake_account(FAKE_DONE, (void *)done, arg);
}

void core_account_change_password(struct core *core, struct call *call, struct span cookie,
	const struct account_factors *factors, struct span password, struct span new_password,
	core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)cookie;
	(void)factors;
	(void)password;
	(void)new_password;
	fake_account(FAKE_DONE, (void *)done, arg);
}

void core_account_sign_out_everywhere(struct core *core, struct call *call,
	const struct account_factors *factors, core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)factors;
	fake_account(FAKE_DONE, (void *)done, arg);
}

#endif
