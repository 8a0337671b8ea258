#include "api/handlers.h"
#include "api/json.h"
#include "api/rows.h"
#include "core/operation.h"

#include <stddef.h>
#include <string.h>

struct agency_values {
	const json_t *path;
	const char *sector, *province;
};

#define AGENCY(member) offsetof(struct agency_values, member)
static const struct spec_field agency_fields[] = {
	{.name = "path",
		.type = SPEC_ARRAY,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = AGENCY(path)},
	{.name = "sector",
		.type = SPEC_TEXT,
		.line = true,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = AGENCY(sector)},
	{.name = "province",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 100,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = AGENCY(province)},
};
const struct spec operator_agency_add_spec = SPEC(agency_fields, struct agency_values);

static const char *const sectors[] = {"education", "training", "health", "other", NULL};

static bool sector_is_known(const char *sector)
{
	for (size_t i = 0; sectors[i] != NULL; i++) {
		if (strcmp(sectors[i], sector) == 0)
			return true;
	}
	return false;
}

static bool level_is_good(const json_t *level)
{
	const char *name = json_string_value(level);

	if (name == NULL || name[0] == 0 || json_string_length(level) >= STATEMENT_TEXT)
		return false;
	for (; *name != 0; name++) {
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	}
	return true;
}

static rc_t agency_read(const struct agency_values *values, struct agency_add_request *asked)
{
	size_t levels = json_array_size(values->path);

	if (levels < 1 || levels > STATEMENT_LEVELS)
		return RC_PARAMETER_INVALID;
	for (size_t i = 0; i < levels; i++) {
		const json_t *level = json_array_get(values->path, i);
		if (!level_is_good(level))
			return RC_PARAMETER_INVALID;
		asked->path[i] = json_string_value(level);
	}
	if (values->sector != NULL && !sector_is_known(values->sector))
		return RC_PARAMETER_INVALID;
	asked->sector = values->sector;
	asked->province = values->province;
	return RC_OK;
}

static void on_agency(void *arg, const struct fault *fault, const struct id *id)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "agencyID", json_id(id));
	request_reply(request, body);
}

void operator_agency_add(struct request *request)
{
	struct agency_add_request asked = {0};
	rc_t rc = agency_read(request->values, &asked);

	if (rc != RC_OK)
		request_refuse(request, rc);
	else
		core_agency_add(request->core, &request->call, &asked, on_agency, request);
}

static json_t *agency_write(const void *row)
{
	const struct agency_view *agency = row;
	json_t *entry = json_object();

	json_put(&entry, "agencyID", json_id(&agency->id));
	json_put(&entry, "path", json_path(agency->path, STATEMENT_LEVELS));
	json_put(&entry, "sector", json_text(agency->sector));
	json_put(&entry, "sectorInherited", json_boolean(agency->sector_inherited));
	json_put(&entry, "province", json_text(agency->province));
	return entry;
}

static void on_agencies(
	void *arg, const struct fault *fault, const struct agency_view *agencies, size_t count)
{
	rows_reply(arg, fault, "agencies", &ROWS(agencies, count, agency_write));
}

void operator_agency_list(struct request *request)
{
	core_agency_list(request->core, &request->call, on_agencies, request);
}
