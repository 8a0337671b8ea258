#include "hsm/p11/session.h"

#include "base/log.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 64
#define PIN_FILE_MAX 255

struct p11_session {
	CK_FUNCTION_LIST *functions;
	CK_SLOT_ID slot;
	CK_FLAGS token_flags;
	CK_SESSION_HANDLE handle, idle;
};

/* Token labels are padded with blanks to 32 bytes. */
static bool label_is(const CK_TOKEN_INFO *info, const char *label)
{
	size_t len = strlen(label);

	if (len == 0 || len > sizeof(info->label) || memcmp(info->label, label, len) != 0)
		return false;
	for (size_t i = len; i < sizeof(info->label); i++) {
		if (info->label[i] != ' ')
			return false;
	}
	return true;
}

static rc_t slot_find(struct p11_session *session, const char *token)
{
	CK_FUNCTION_LIST *f = session->functions;
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	size_t found = 0;

	rc_t rc = p11_rc("C_GetSlotList", f->C_GetSlotList(CK_TRUE, slots, &count));
	if (rc != RC_OK)
		return rc;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;
		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !label_is(&info, token))
			continue;
		session->slot = slots[i];
		session->token_flags = info.flags;
		found++;
	}
	if (found == 1)
		return RC_OK;
	log_error("p11: no single token of that label token=%s found=%zu "
		  "fix=\"initialise the token, or give it a label of its own\"",
		token, found);
	return RC_CONFIG;
}

static bool login_is_safe(const struct p11_session *session, enum p11_access access)
{
	if ((session->token_flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0)
		return false;
	return access == P11_WRITE || (session->token_flags & CKF_USER_PIN_COUNT_LOW) == 0;
}

static rc_t session_login(struct p11_session *session, const char *token, const char *pin_file,
	enum p11_access access)
{
	struct secret pin = SECRET_INIT;

	if (!login_is_safe(session, access)) {
		log_error("p11: the token refused a PIN before, so none is sent token=%s "
			  "fix=\"correct the PIN file, then run rssp-keys check\"",
			token);
		return RC_CONFIG;
	}
	rc_t rc = secret_read_file(&pin, pin_file, PIN_FILE_MAX);
	if (rc == RC_OK)
		rc = p11_rc("C_Login", session->functions->C_Login(session->handle, CKU_USER,
					       pin.bytes.data, pin.bytes.len));
	secret_free(&pin);
	return rc;
}

rc_t p11_session_open(struct p11_module *module, const char *token, const char *pin_file,
	enum p11_access access, struct p11_session **session)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (access == P11_WRITE ? CKF_RW_SESSION : 0);
	struct p11_session *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return RC_NO_MEMORY;

	made->functions = p11_module_functions(module);
	CK_FUNCTION_LIST *f = made->functions;
	rc_t rc = slot_find(made, token);
	if (rc == RC_OK)
		rc = p11_rc("C_OpenSession",
			f->C_OpenSession(made->slot, flags, NULL, NULL, &made->idle));
	if (rc == RC_OK)
		rc = p11_rc("C_OpenSession",
			f->C_OpenSession(made->slot, flags, NULL, NULL, &made->handle));
	if (rc == RC_OK)
		rc = session_login(made, token, pin_file, access);
	if (rc != RC_OK) {
		p11_session_free(&made);
		return rc;
	}
	*session = made;
	return RC_OK;
}

void p11_session_free(struct p11_session **session)
{
	struct p11_session *old = *session;

	if (old == NULL)
		return;
	/* the idle session stays until C_Finalize */
	if (old->handle != 0)
		old->functions->C_CloseSession(old->handle);
	free(old);
	*session = NULL;
}

CK_FUNCTION_LIST *p11_session_functions(const struct p11_session *session)
{
	return session->functions;
}

CK_SESSION_HANDLE p11_session_handle(const struct p11_session *session)
{
	return session->handle;
}
