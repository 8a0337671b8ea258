#include "hsm/sam/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "hsm/p11/sign.h"
#include "hsm/p11/turn.h"
#include "hsm/p11/wrap.h"
#include "hsm/sam/known.h"
#include "hsm/sam/known_sad.h"
#include "hsm/sam/otp.h"
#include "hsm/sam/resident.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* Each role loads what it needs and no more. */
struct role_needs {
	bool wrap, pin;
	bool otp, sad, code, token, password; /* working keys */
};

static const struct role_needs needs[SAM_ROLES] = {
	[SAM_ACTIVATE] = {.pin = true, .otp = true, .sad = true, .password = true},
	[SAM_SIGN] = {.wrap = true, .sad = true},
	[SAM_ISSUE] = {.wrap = true,
		.pin = true,
		.otp = true,
		.code = true,
		.token = true,
		.password = true},
};

const struct sam_generation *sam_generation(const struct sam *sam, uint64_t number)
{
	for (size_t i = 0; i < sam->generation_count; i++) {
		if (sam->generations[i].number == number)
			return &sam->generations[i];
	}
	return NULL;
}

const struct sam_generation *sam_generation_current(const struct sam *sam)
{
	return &sam->generations[sam->generation_count - 1];
}

rc_t sam_note(struct sam *sam, rc_t rc)
{
	if (rc == RC_HSM_DOWN)
		sam->broken = true;
	return rc;
}

bool sam_is_broken(const struct sam *sam)
{
	return sam->broken;
}

bool sam_is_worn(const struct sam *sam)
{
	return sam->unwraps >= sam->options.recycle_unwraps;
}

static rc_t service_load(struct sam *sam, enum p11_service service,
	struct p11_key keys[P11_GENERATIONS_MAX], size_t *count)
{
	rc_t rc = p11_key_list(sam->session, service, keys, count);

	for (size_t i = 0; i < *count && rc == RC_OK; i++)
		rc = p11_key_check(sam->session, service, &keys[i]);
	if (rc == RC_OK && *count == 0) {
		log_error("sam: no such key in the token key=%s fix=\"rssp-keys init\"",
			p11_key_label(service));
		rc = RC_TOKEN_ATTRIBUTES;
	}
	return rc;
}

/* Adds `wrap` or `pin` to the generations that `sam` gave; both must have the same ones. */
static rc_t service_join(struct sam *sam, enum p11_service service)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;
	rc_t rc = service_load(sam, service, keys, &count);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (count != sam->generation_count ||
			keys[i].generation != sam->generations[i].number) {
			log_error(
				"sam: generations are not the same key=%s", p11_key_label(service));
			return RC_TOKEN_ATTRIBUTES;
		}
		if (service == P11_WRAP)
			sam->generations[i].wrap = keys[i].handle;
		else
			sam->generations[i].pin = keys[i].handle;
	}
	return RC_OK;
}

static rc_t working_key(
	struct sam *sam, CK_OBJECT_HANDLE key, const char *label, struct secret *out)
{
	struct buf input = BUF_INIT;
	uint8_t mac[32];

	rc_t rc = wire_put_string(&input, label);
	if (rc == RC_OK)
		rc = p11_hmac(sam->session, key, buf_span(&input), mac);
	if (rc == RC_OK)
		rc = secret_set(out, SPAN(mac, sizeof(mac)));
	OPENSSL_cleanse(mac, sizeof(mac));
	buf_free(&input);
	return rc;
}

static rc_t generation_derive(struct sam *sam, const struct role_needs *need, CK_OBJECT_HANDLE key,
	struct sam_generation *generation)
{
	rc_t rc = RC_OK;

	if (need->otp)
		rc = working_key(sam, key, "rsspd otp v1", &generation->otp);
	if (rc == RC_OK && need->sad)
		rc = working_key(sam, key, "rsspd sad v1", &generation->sad);
	if (rc == RC_OK && need->code)
		rc = working_key(sam, key, "rsspd code v1", &generation->code);
	if (rc == RC_OK && need->password)
		rc = working_key(sam, key, "rsspd password v1", &generation->password);
	if (rc == RC_OK && need->token)
		rc = working_key(sam, key, "rsspd token v1", &generation->token);
	return rc;
}

static rc_t generations_load(struct sam *sam)
{
	const struct role_needs *need = &needs[sam->options.role];
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;

	rc_t rc = service_load(sam, P11_SAM, keys, &count);
	if (rc != RC_OK)
		return rc;
	sam->generation_count = count;
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		sam->generations[i].number = keys[i].generation;
		rc = generation_derive(sam, need, keys[i].handle, &sam->generations[i]);
	}
	if (rc == RC_OK && need->wrap)
		rc = service_join(sam, P11_WRAP);
	if (rc == RC_OK && need->pin)
		rc = service_join(sam, P11_PIN);
	return rc;
}

static rc_t activate_start(struct sam *sam)
{
	const struct sam_options *options = &sam->options;
	struct budget_limits limits = {
		options->failures_per_credential, options->failures_per_hour};

	rc_t rc = otp_library_start();
	if (rc == RC_OK)
		rc = operators_load(&sam->operators, options->operators_file);
	if (rc == RC_OK)
		rc = issuers_load(&sam->issuers, options->ca_certificate);
	if (rc == RC_OK)
		rc = budget_open(options->area_fd, limits, clock_wall_ms(), &sam->budget);
	return rc;
}

static rc_t issue_start(struct sam *sam)
{
	const struct sam_options *options = &sam->options;
	rc_t rc = operators_load(&sam->operators, options->operators_file);

	if (rc == RC_OK)
		rc = p11_session_open(sam->module, options->ca_token, options->ca_pin_file,
			P11_READ, &sam->ca_session);
	if (rc == RC_OK)
		rc = ca_open(sam->ca_session, &sam->ca);
	return rc;
}

static rc_t sam_start_in_turn(struct sam *sam)
{
	const struct sam_options *options = &sam->options;
	rc_t rc = p11_module_open(options->module, &sam->module);

	if (rc == RC_OK)
		rc = p11_session_open(sam->module, options->key_token, options->key_pin_file,
			P11_READ, &sam->session);
	if (rc == RC_OK)
		rc = generations_load(sam);
	if (rc == RC_OK)
		rc = known_start(sam);
	if (rc != RC_OK)
		return rc;
	switch (options->role) {
	case SAM_ACTIVATE:
		return activate_start(sam);
	case SAM_SIGN:
		rc = known_sad_start(sam);
		return rc == RC_OK ? resident_start(sam) : rc;
	case SAM_ISSUE:
		return issue_start(sam);
	case SAM_ROLES:
		break;
	}
	return RC_CONFIG;
}

static rc_t sam_start(struct sam *sam)
{
	int turn = -1;

	rc_t rc = p11_turn_take(sam->options.key_pin_file, &turn);
	if (rc == RC_OK)
		rc = sam_start_in_turn(sam);
	p11_turn_end(&turn);
	return rc;
}

rc_t sam_new(const struct sam_options *options, struct sam **sam)
{
	struct sam *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return RC_NO_MEMORY;
	made->options = *options;
	rc_t rc = options->role < SAM_ROLES ? sam_start(made) : RC_CONFIG;
	if (rc != RC_OK) {
		sam_free(&made);
		return rc;
	}
	*sam = made;
	return RC_OK;
}

void sam_free(struct sam **sam)
{
	struct sam *old = *sam;

	if (old == NULL)
		return;
	lru_free(&old->resident);
	lru_free(&old->sads);
	lru_free(&old->certificates);
	ca_free(&old->ca);
	budget_close(&old->budget);
	issuers_free(&old->issuers);
	operators_free(&old->operators);
	for (size_t i = 0; i < P11_GENERATIONS_MAX; i++) {
		secret_free(&old->generations[i].otp);
		secret_free(&old->generations[i].sad);
		secret_free(&old->generations[i].code);
		secret_free(&old->generations[i].password);
		secret_free(&old->generations[i].token);
	}
	p11_session_free(&old->ca_session);
	p11_session_free(&old->session);
	p11_module_free(&old->module);
	free(old);
	*sam = NULL;
}
