#include "hsm/p11/key.h"

#include "base/log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_MAX 32
#define SECRET_KEY_LEN 32
#define CA_MODULUS_BITS 3072

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/*
 * TOKEN and PRIVATE are here so that nobody stores an unwrapped user key in the token; COPYABLE and
 * MODIFIABLE so that nobody gives it another purpose.
 */
const CK_ATTRIBUTE p11_unwrap_template[] = {
	{CKA_TOKEN, &no, sizeof(no)},
	{CKA_PRIVATE, &yes, sizeof(yes)},
	{CKA_SENSITIVE, &yes, sizeof(yes)},
	{CKA_EXTRACTABLE, &no, sizeof(no)},
	{CKA_SIGN, &yes, sizeof(yes)},
	{CKA_DECRYPT, &no, sizeof(no)},
	{CKA_UNWRAP, &no, sizeof(no)},
	{CKA_DERIVE, &no, sizeof(no)},
	{CKA_COPYABLE, &no, sizeof(no)},
	{CKA_MODIFIABLE, &no, sizeof(no)},
};
const size_t p11_unwrap_template_len = sizeof(p11_unwrap_template) / sizeof(p11_unwrap_template[0]);

static CK_MECHANISM_TYPE wrap_mechanisms[] = {CKM_AES_KEY_WRAP_PAD};
static CK_MECHANISM_TYPE hmac_mechanisms[] = {CKM_SHA256_HMAC};
static CK_MECHANISM_TYPE ca_mechanisms[] = {CKM_RSA_PKCS};

struct service_shape {
	const char *label;
	CK_OBJECT_CLASS class;
	CK_KEY_TYPE type;
	CK_MECHANISM_TYPE *allowed;
	CK_MECHANISM_TYPE generate;
	bool unwrap_template;
};

static const struct service_shape shapes[P11_SERVICES] = {
	[P11_WRAP] = {"rssp-wrap", CKO_SECRET_KEY, CKK_AES, wrap_mechanisms, CKM_AES_KEY_GEN, true},
	[P11_PIN] = {"rssp-pin", CKO_SECRET_KEY, CKK_GENERIC_SECRET, hmac_mechanisms,
		CKM_GENERIC_SECRET_KEY_GEN, false},
	[P11_SAM] = {"rssp-sam", CKO_SECRET_KEY, CKK_GENERIC_SECRET, hmac_mechanisms,
		CKM_GENERIC_SECRET_KEY_GEN, false},
	[P11_CA] = {"rssp-ca", CKO_PRIVATE_KEY, CKK_RSA, ca_mechanisms, CKM_RSA_PKCS_KEY_PAIR_GEN,
		false},
};

/* What each attribute must be. `told`: given when the key is made; the others the token sets. */
#define BIT(service) (1u << (service))
#define ALL (BIT(P11_WRAP) | BIT(P11_PIN) | BIT(P11_SAM) | BIT(P11_CA))
#define SECRETS (BIT(P11_WRAP) | BIT(P11_PIN) | BIT(P11_SAM))
#define MACS (BIT(P11_PIN) | BIT(P11_SAM))

struct flag_rule {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	unsigned applies, wanted; /* sets of services */
	bool told;
};

#define RULE(type, applies, wanted, told)          \
	{                                          \
		type, #type, applies, wanted, told \
	}

static const struct flag_rule rules[] = {
	RULE(CKA_TOKEN, ALL, ALL, true),
	RULE(CKA_PRIVATE, ALL, ALL, true),
	RULE(CKA_SENSITIVE, ALL, ALL, true),
	RULE(CKA_EXTRACTABLE, ALL, 0, true),
	RULE(CKA_MODIFIABLE, ALL, 0, true),
	RULE(CKA_COPYABLE, ALL, 0, true),
	RULE(CKA_DERIVE, ALL, 0, true),
	RULE(CKA_ENCRYPT, SECRETS, 0, true),
	RULE(CKA_DECRYPT, ALL, 0, true),
	RULE(CKA_SIGN, ALL, MACS | BIT(P11_CA), true),
	RULE(CKA_SIGN_RECOVER, BIT(P11_CA), 0, true),
	RULE(CKA_VERIFY, SECRETS, 0, true),
	RULE(CKA_WRAP, SECRETS, BIT(P11_WRAP), true),
	RULE(CKA_UNWRAP, ALL, BIT(P11_WRAP), true),
	RULE(CKA_ALWAYS_SENSITIVE, ALL, ALL, false),
	RULE(CKA_NEVER_EXTRACTABLE, ALL, ALL, false),
	RULE(CKA_LOCAL, ALL, ALL, false),
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

const char *p11_key_label(enum p11_service service)
{
	return shapes[service].label;
}

static void id_encode(uint64_t generation, uint8_t id[8])
{
	for (size_t i = 0; i < 8; i++)
		id[i] = (uint8_t)(generation >> (56 - 8 * i));
}

static rc_t id_read(struct p11_session *session, CK_OBJECT_HANDLE handle, uint64_t *generation)
{
	uint8_t id[8] = {0};
	CK_ATTRIBUTE attribute = {CKA_ID, id, sizeof(id)};
	CK_RV rv = p11_session_functions(session)->C_GetAttributeValue(
		p11_session_handle(session), handle, &attribute, 1);

	if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && attribute.ulValueLen != sizeof(id)))
		return RC_TOKEN_ATTRIBUTES;
	rc_t rc = p11_rc("C_GetAttributeValue", rv);
	if (rc != RC_OK)
		return rc;
	uint64_t number = 0;
	for (size_t i = 0; i < sizeof(id); i++)
		number = number << 8 | id[i];
	*generation = number;
	return RC_OK;
}

static rc_t find_all(struct p11_session *session, CK_ATTRIBUTE *template, CK_ULONG len,
	CK_OBJECT_HANDLE *handles, CK_ULONG max, CK_ULONG *count)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);
	rc_t rc = p11_rc("C_FindObjectsInit", f->C_FindObjectsInit(handle, template, len));

	if (rc != RC_OK)
		return rc;
	rc = p11_rc("C_FindObjects", f->C_FindObjects(handle, handles, max, count));
	f->C_FindObjectsFinal(handle);
	return rc;
}

static int by_generation(const void *a, const void *b)
{
	const struct p11_key *left = a, *right = b;

	return left->generation < right->generation ? -1 : left->generation > right->generation;
}

rc_t p11_key_list(struct p11_session *session, enum p11_service service,
	struct p11_key keys[P11_GENERATIONS_MAX], size_t *count)
{
	CK_OBJECT_CLASS class = shapes[service].class;
	const char *label = shapes[service].label;
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, (void *)label, strlen(label)},
	};
	CK_OBJECT_HANDLE handles[P11_GENERATIONS_MAX + 1];
	CK_ULONG found = 0;

	rc_t rc = find_all(session, template, 2, handles, P11_GENERATIONS_MAX + 1, &found);
	if (rc != RC_OK)
		return rc;
	if (found > P11_GENERATIONS_MAX)
		return RC_TOKEN_ATTRIBUTES;
	for (CK_ULONG i = 0; i < found && rc == RC_OK; i++) {
		keys[i].handle = handles[i];
		rc = id_read(session, handles[i], &keys[i].generation);
	}
	if (rc == RC_OK && found > 1)
		qsort(keys, found, sizeof(keys[0]), by_generation);
	for (CK_ULONG i = 1; i < found && rc == RC_OK; i++) {
		if (keys[i].generation == keys[i - 1].generation)
			rc = RC_TOKEN_ATTRIBUTES;
	}
	if (rc == RC_TOKEN_ATTRIBUTES)
		log_error("p11: keys cannot be told apart label=%s", label);
	if (rc == RC_OK)
		*count = found;
	return rc;
}

/* Reads one attribute of exactly that length. */
static bool attribute_read(struct p11_session *session, CK_OBJECT_HANDLE handle,
	CK_ATTRIBUTE_TYPE type, void *value, size_t len)
{
	CK_ATTRIBUTE attribute = {type, value, len};

	return p11_session_functions(session)->C_GetAttributeValue(
		       p11_session_handle(session), handle, &attribute, 1) == CKR_OK &&
	       attribute.ulValueLen == len;
}

static bool deviates(enum p11_service service, const struct p11_key *key, const char *name)
{
	log_error("p11: attribute deviates key=%s generation=%llu attribute=%s",
		shapes[service].label, (unsigned long long)key->generation, name);
	return false;
}

static bool flags_hold(
	struct p11_session *session, enum p11_service service, const struct p11_key *key)
{
	bool good = true;

	for (size_t i = 0; i < RULES; i++) {
		CK_BBOOL value = CK_FALSE;
		if ((rules[i].applies & BIT(service)) == 0)
			continue;
		bool wanted = (rules[i].wanted & BIT(service)) != 0;
		if (!attribute_read(session, key->handle, rules[i].type, &value, sizeof(value)) ||
			(value != CK_FALSE) != wanted)
			good = deviates(service, key, rules[i].name);
	}
	return good;
}

static bool shape_holds(
	struct p11_session *session, enum p11_service service, const struct p11_key *key)
{
	const struct service_shape *shape = &shapes[service];
	CK_KEY_TYPE type = 0;
	CK_MECHANISM_TYPE allowed = 0;
	CK_ULONG len = 0;
	bool good = true;

	if (!attribute_read(session, key->handle, CKA_KEY_TYPE, &type, sizeof(type)) ||
		type != shape->type)
		good = deviates(service, key, "CKA_KEY_TYPE");
	if (!attribute_read(
		    session, key->handle, CKA_ALLOWED_MECHANISMS, &allowed, sizeof(allowed)) ||
		allowed != shape->allowed[0])
		good = deviates(service, key, "CKA_ALLOWED_MECHANISMS");
	if (shape->class == CKO_SECRET_KEY &&
		(!attribute_read(session, key->handle, CKA_VALUE_LEN, &len, sizeof(len)) ||
			len != SECRET_KEY_LEN))
		good = deviates(service, key, "CKA_VALUE_LEN");
	return good;
}

static bool template_has(const CK_ATTRIBUTE *held, size_t count, const CK_ATTRIBUTE *wanted)
{
	for (size_t i = 0; i < count; i++) {
		if (held[i].type == wanted->type)
			return held[i].ulValueLen == wanted->ulValueLen &&
			       memcmp(held[i].pValue, wanted->pValue, wanted->ulValueLen) == 0;
	}
	return false;
}

/* A template's attributes: how many, then types and lengths, then values (PKCS#11 §5.7.5). */
static bool template_read(struct p11_session *session, CK_OBJECT_HANDLE key,
	CK_ATTRIBUTE held[TEMPLATE_MAX], uint8_t values[TEMPLATE_MAX][sizeof(CK_ULONG)],
	size_t *count)
{
	CK_ATTRIBUTE outer = {CKA_UNWRAP_TEMPLATE, NULL, 0};
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);

	if (f->C_GetAttributeValue(handle, key, &outer, 1) != CKR_OK ||
		outer.ulValueLen > TEMPLATE_MAX * sizeof(held[0]) ||
		outer.ulValueLen % sizeof(held[0]) != 0)
		return false;
	*count = outer.ulValueLen / sizeof(held[0]);
	outer.pValue = held;
	if (f->C_GetAttributeValue(handle, key, &outer, 1) != CKR_OK)
		return false;
	for (size_t i = 0; i < *count; i++) {
		if (held[i].ulValueLen > sizeof(values[i]))
			return false;
		held[i].pValue = values[i];
	}
	return f->C_GetAttributeValue(handle, key, &outer, 1) == CKR_OK;
}

/* Stricter templates are welcome: only what is missing is a deviation. */
static bool unwrap_template_holds(struct p11_session *session, const struct p11_key *key)
{
	CK_ATTRIBUTE held[TEMPLATE_MAX] = {0};
	uint8_t values[TEMPLATE_MAX][sizeof(CK_ULONG)] = {0};
	size_t count = 0;

	if (!template_read(session, key->handle, held, values, &count))
		return deviates(P11_WRAP, key, "CKA_UNWRAP_TEMPLATE");
	for (size_t i = 0; i < p11_unwrap_template_len; i++) {
		if (!template_has(held, count, &p11_unwrap_template[i]))
			return deviates(P11_WRAP, key, "CKA_UNWRAP_TEMPLATE");
	}
	return true;
}

rc_t p11_key_check(struct p11_session *session, enum p11_service service, const struct p11_key *key)
{
	bool good = flags_hold(session, service, key);

	good = shape_holds(session, service, key) && good;
	if (shapes[service].unwrap_template)
		good = unwrap_template_holds(session, key) && good;
	return good ? RC_OK : RC_TOKEN_ATTRIBUTES;
}

static CK_ULONG template_fill(CK_ATTRIBUTE *template, enum p11_service service, const uint8_t id[8])
{
	const struct service_shape *shape = &shapes[service];
	CK_ULONG count = 0;

	for (size_t i = 0; i < RULES; i++) {
		if (!rules[i].told || (rules[i].applies & BIT(service)) == 0)
			continue;
		CK_BBOOL *value = (rules[i].wanted & BIT(service)) != 0 ? &yes : &no;
		template[count++] = (CK_ATTRIBUTE){rules[i].type, value, sizeof(*value)};
	}
	template[count++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)shape->label, strlen(shape->label)};
	template[count++] = (CK_ATTRIBUTE){CKA_ID, (void *)id, 8};
	template[count++] =
		(CK_ATTRIBUTE){CKA_ALLOWED_MECHANISMS, shape->allowed, sizeof(*shape->allowed)};
	if (shape->unwrap_template)
		template[count++] = (CK_ATTRIBUTE){CKA_UNWRAP_TEMPLATE, (void *)p11_unwrap_template,
			sizeof(p11_unwrap_template)};
	return count;
}

static rc_t secret_key_make(struct p11_session *session, CK_MECHANISM *mechanism,
	CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_ULONG len = SECRET_KEY_LEN;
	CK_OBJECT_HANDLE made;

	template[count++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &len, sizeof(len)};
	return p11_rc("C_GenerateKey",
		p11_session_functions(session)->C_GenerateKey(
			p11_session_handle(session), mechanism, template, count, &made));
}

static rc_t ca_key_make(struct p11_session *session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *private,
	CK_ULONG count, const uint8_t id[8])
{
	static const char label[] = "rssp-ca";
	CK_ULONG bits = CA_MODULUS_BITS;
	uint8_t exponent[] = {1, 0, 1};
	CK_ATTRIBUTE public[] = {
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_MODIFIABLE, &no, sizeof(no)},
		{CKA_VERIFY, &yes, sizeof(yes)},
		{CKA_ENCRYPT, &no, sizeof(no)},
		{CKA_WRAP, &no, sizeof(no)},
		{CKA_LABEL, (void *)label, sizeof(label) - 1},
		{CKA_ID, (void *)id, 8},
		{CKA_MODULUS_BITS, &bits, sizeof(bits)},
		{CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
	};
	CK_OBJECT_HANDLE made[2];

	return p11_rc("C_GenerateKeyPair",
		p11_session_functions(session)->C_GenerateKeyPair(p11_session_handle(session),
			mechanism, public, sizeof(public) / sizeof(public[0]), private, count,
			&made[0], &made[1]));
}

rc_t p11_key_make(struct p11_session *session, enum p11_service service, uint64_t generation)
{
	CK_ATTRIBUTE template[TEMPLATE_MAX];
	CK_MECHANISM mechanism = {shapes[service].generate, NULL, 0};
	uint8_t id[8];

	id_encode(generation, id);
	CK_ULONG count = template_fill(template, service, id);
	if (service == P11_CA)
		return ca_key_make(session, &mechanism, template, count, id);
	return secret_key_make(session, &mechanism, template, count);
}
