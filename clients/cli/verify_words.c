/* What a check found, in the words that users of the CA's own tools know. */
#include "clients/cli/verify.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_TEXT 40

static const struct text fault_words[VERIFY_FAULTS] = {
	[VERIFY_DOCUMENT_CHANGED] = {"the document was changed after signing",
		"tài liệu bị thay đổi sau khi ký"},
	[VERIFY_BYTE_RANGE] = {"the signature does not cover the file from its beginning "
			       "(ByteRange)",
		"chữ ký không bao trùm tệp từ đầu (ByteRange)"},
	[VERIFY_CONTENTS] = {"what the signature leaves out is more than the signature itself "
			     "(Contents)",
		"phần chữ ký bỏ qua không chỉ là chính chữ ký (Contents)"},
	[VERIFY_REVISION] = {"the signature was not part of the document that it covers",
		"chữ ký không thuộc phần tài liệu mà nó bao trùm"},
	[VERIFY_LATER_CONTENT] = {"the content was changed after signing, in a later revision",
		"nội dung bị thay đổi sau khi ký, trong phiên bản ghi thêm"},
	[VERIFY_LATER_ANNOTATIONS] = {"annotations were changed after signing",
		"chú thích bị thay đổi sau khi ký"},
	[VERIFY_LATER_FORM] = {"form fields were changed after signing",
		"các trường biểu mẫu bị thay đổi sau khi ký"},
	[VERIFY_LATER_BYTES] = {"bytes were appended that are no revision of the document",
		"có dữ liệu ghi thêm không thuộc phiên bản nào của tài liệu"},
	[VERIFY_CERTIFICATION] =
		{"a change that this signature forbids: it certified or locked the document",
			"thay đổi mà chữ ký này không cho phép: tài liệu đã được chứng nhận hoặc khoá"},
	[VERIFY_CMS_MALFORMED] = {"the signature's data is damaged", "dữ liệu chữ ký bị hỏng"},
	[VERIFY_CMS_TRAILING] = {"there is more data behind the signature",
		"có dữ liệu thừa sau chữ ký"},
	[VERIFY_FORMAT] = {"a form of signature that is not accepted",
		"dạng chữ ký không được chấp nhận"},
	[VERIFY_SIGNERS] = {"the signature has not exactly one signer",
		"chữ ký không có đúng một người ký"},
	[VERIFY_ATTRIBUTES] = {"the signed attributes are missing or wrong",
		"thuộc tính được ký bị thiếu hoặc sai"},
	[VERIFY_NO_CERTIFICATE] = {"the signer's certificate is not there",
		"không có chứng thư số của người ký"},
	[VERIFY_SIGNATURE_WRONG] = {"the signature was not made with the key of this certificate",
		"chữ ký không phải do khoá của chứng thư số này tạo ra"},
	[VERIFY_ESS_MISMATCH] = {"the signature names another certificate than the one shown",
		"chữ ký nêu chứng thư số khác với chứng thư kèm theo"},
	[VERIFY_ESS_MISSING] = {"the signature does not name its certificate, which CAdES demands",
		"chữ ký không nêu chứng thư số ký như CAdES yêu cầu"},
	[VERIFY_ESS_ABSENT] = {"the signature does not name its certificate",
		"chữ ký không nêu chứng thư số ký"},
	[VERIFY_WEAK_DIGEST] = {"a digest that is no longer safe (SHA-1, MD5 …)",
		"thuật toán băm không còn an toàn (SHA-1, MD5 …)"},
	[VERIFY_WEAK_KEY] = {"a key or certificate that is too weak (RSA under 2048 bits …)",
		"khoá hoặc chứng thư số quá yếu (RSA dưới 2048 bit …)"},
	[VERIFY_UNTRUSTED] = {"the certificate does not lead to a trusted root",
		"chứng thư số không dẫn đến chứng thư gốc tin cậy"},
	[VERIFY_EXPIRED] = {"the certificate had expired", "chứng thư số đã hết hạn"},
	[VERIFY_NOT_YET_VALID] = {"the certificate was not valid yet",
		"chứng thư số chưa có hiệu lực"},
	[VERIFY_KEY_USAGE] = {"the certificate is not for signing documents",
		"chứng thư số không dùng để ký tài liệu"},
	[VERIFY_REVOKED] = {"the certificate is revoked", "chứng thư số đã bị thu hồi"},
	[VERIFY_REVOKED_LATER] = {"the certificate was revoked after the time of the timestamp",
		"chứng thư số bị thu hồi sau thời điểm của dấu thời gian"},
	[VERIFY_REVOCATION_UNKNOWN] = {"revocation was not checked",
		"chưa kiểm tra được tình trạng thu hồi"},
	[VERIFY_ORGANISATION_DUE] = {"a person's certificate where the organisation's was due",
		"dùng chứng thư số cá nhân thay vì chứng thư số của cơ quan, tổ chức"},
	[VERIFY_PERSON_DUE] = {"an organisation's certificate where a person's was due",
		"dùng chứng thư số của cơ quan, tổ chức thay vì chứng thư số cá nhân"},
	[VERIFY_NO_TIMESTAMP] = {"there is no timestamp", "không có dấu thời gian"},
	[VERIFY_NEITHER] = {"revocation was not checked and there is no timestamp",
		"chưa kiểm tra được tình trạng thu hồi và không có dấu thời gian"},
	[VERIFY_TIMESTAMP_WRONG] = {"the timestamp is not of this signature, or is damaged",
		"dấu thời gian không phải của chữ ký này, hoặc bị hỏng"},
	[VERIFY_TIMESTAMP_UNTRUSTED] = {"the timestamp's authority is not trusted, or was not "
					"valid then",
		"tổ chức cấp dấu thời gian không được tin cậy, hoặc khi đó không có hiệu lực"},
	[VERIFY_TIMESTAMP_REVOCATION] = {"revocation of the timestamp's authority was not checked",
		"chưa kiểm tra được tình trạng thu hồi của tổ chức cấp dấu thời gian"},
	[VERIFY_TIMESTAMP_EXPIRED] = {"the certificate of the timestamp's authority has expired "
				      "since",
		"chứng thư số của tổ chức cấp dấu thời gian nay đã hết hạn"},
	[VERIFY_TIME_ORDER] = {"the signing time is later than the timestamp or the check",
		"thời điểm ký muộn hơn dấu thời gian hoặc thời điểm kiểm tra"},
};

static const struct {
	unsigned flag;
	const char *name;
	struct text text;
} later_words[] = {
	{LATER_SIGNATURE, "signature", {"another signature", "chữ ký khác"}},
	{LATER_TIMESTAMP, "timestamp", {"a document timestamp", "dấu thời gian của tài liệu"}},
	{LATER_VALIDATION, "validationData", {"validation data", "dữ liệu kiểm tra"}},
	{LATER_METADATA, "metadata", {"metadata", "siêu dữ liệu"}},
	{LATER_FORM, "form", {"form fields", "trường biểu mẫu"}},
	{LATER_ANNOTATIONS, "annotations", {"annotations", "chú thích"}},
	{LATER_CONTENT, "content", {"changed content", "nội dung thay đổi"}},
	{LATER_BYTES, "bytes", {"bytes of no revision", "dữ liệu không thuộc phiên bản nào"}},
};

const char *verify_worst(const struct cli *cli, uint64_t faults)
{
	if ((faults & VERIFY_BIT(VERIFY_NEITHER)) != 0)
		faults &= ~VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN) & ~VERIFY_BIT(VERIFY_NO_TIMESTAMP);
	for (unsigned i = 0; i < VERIFY_FAULTS; i++) {
		if ((faults & VERIFY_BIT(i)) != 0)
			return cli_text(cli, fault_words[i]);
	}
	return "";
}

/* The reader's own clock, with its zone. */
static void time_text(int64_t ms, char out[TIME_TEXT])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	out[0] = 0;
	if (localtime_r(&seconds, &parts) != NULL)
		strftime(out, TIME_TEXT, "%Y-%m-%d %H:%M:%S %z", &parts);
}

static void line(const struct cli *cli, enum verify_state state, const char *text, const char *more)
{
	static const char *const marks[] = {
		[VERIFY_UNKNOWN] = "?", [VERIFY_GOOD] = "✓", [VERIFY_BAD] = "✗"};
	static const enum cli_colour colours[] = {[VERIFY_UNKNOWN] = COLOUR_WAIT,
		[VERIFY_GOOD] = COLOUR_GOOD,
		[VERIFY_BAD] = COLOUR_BAD};

	cli_say(cli, "  %s%s%s %s%s%s", "  %s%s%s %s%s%s", cli_colour(cli, colours[state]),
		marks[state], cli_plain(cli), text, more[0] != 0 ? ": " : "", more);
}

static const char *choose(
	const struct cli *cli, enum verify_state state, const struct text texts[3])
{
	return cli_text(cli, texts[state]);
}

static void say_signer(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text kinds[] = {[VERIFY_ANY] = {"", ""},
		[VERIFY_PERSON] = {" (a person's certificate)", " (chứng thư số cá nhân)"},
		[VERIFY_ORGANISATION] = {
			" (an organisation's certificate)", " (chứng thư số cơ quan, tổ chức)"}};
	const struct verify_certificate *signer = &signature->signer;

	if (signer->name[0] == 0 || signature->document_timestamp)
		return;
	cli_say(cli, "    Signer: %s%s%s%s%s", "    Người ký: %s%s%s%s%s", signer->name,
		signer->email[0] != 0 ? ", " : "", signer->email,
		cli_text(cli, kinds[signer->kind]), "");
	if (signer->organisation[0] != 0)
		cli_say(cli, "    Organisation: %s", "    Cơ quan, tổ chức: %s",
			signer->organisation);
}

static void say_document(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text texts[] = {{"Whether the document was changed is not known",
						    "Không rõ tài liệu có bị thay đổi hay không"},
		{"The document has not been changed", "Tài liệu chưa bị thay đổi"},
		{"The document has been changed", "Tài liệu đã bị thay đổi"}};

	line(cli, signature->intact, choose(cli, signature->intact, texts), "");
}

static void say_signature(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text texts[] = {
		{"The signature's value was not checked", "Giá trị chữ ký chưa được kiểm tra"},
		{"The signature's value is right", "Giá trị chữ ký đúng"},
		{"The signature's value is wrong", "Giá trị chữ ký sai"}};

	line(cli, signature->signature, choose(cli, signature->signature, texts),
		signature->algorithm);
}

static void say_certificate(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text texts[] = {
		{"The signing certificate was not checked", "Chứng thư số ký chưa được kiểm tra"},
		{"The signing certificate is valid", "Chứng thư số ký hợp lệ"},
		{"The signing certificate is not valid", "Chứng thư số ký không hợp lệ"}};
	static const struct text times[] = {
		{"judged at the time of this check", "xét tại thời điểm kiểm tra"},
		{"judged at the time of the timestamp", "xét tại thời điểm của dấu thời gian"}};
	char more[2 * VERIFY_TEXT] = "";

	if (signature->certificate != VERIFY_UNKNOWN)
		snprintf(more, sizeof(more), "%s%s%s%s",
			cli_text(cli, times[signature->judged_by_timestamp ||
					      signature->document_timestamp]),
			signature->signer.root[0] != 0 ? ", " : "",
			signature->signer.root[0] != 0
				? cli_text(cli, (struct text){"root ", "gốc "})
				: "",
			signature->signer.root);
	line(cli, signature->certificate, choose(cli, signature->certificate, texts), more);
}

static void say_revocation(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text texts[] = {
		{"Revocation: not checked", "Tình trạng thu hồi: chưa kiểm tra"},
		{"The certificate is not revoked", "Chứng thư số chưa bị thu hồi"},
		{"The certificate is revoked", "Chứng thư số đã bị thu hồi"}};
	/* what is trusted by itself stands on no list: then there is no time to name */
	static const struct text lists[] = {
		{"the list is out of date, made on ", "danh sách đã quá hạn, lập lúc "},
		{"list of ", "danh sách lúc "}, {"", ""}};
	const int64_t times[] = {signature->crl_unfit_ms, signature->crl_ms, signature->revoked_ms};
	char when[TIME_TEXT] = "";
	char more[TIME_TEXT + 64] = "";

	if (times[signature->revocation] > 1) {
		time_text(times[signature->revocation], when);
		snprintf(more, sizeof(more), "%s%s", cli_text(cli, lists[signature->revocation]),
			when);
	}
	line(cli, signature->revocation, choose(cli, signature->revocation, texts), more);
}

static void say_timestamp(const struct cli *cli, const struct verify_signature *signature)
{
	static const struct text texts[] = {{"No timestamp", "Không có dấu thời gian"},
		{"The timestamp on the signature is valid", "Dấu thời gian trên chữ ký hợp lệ"},
		{"The timestamp on the signature is not valid",
			"Dấu thời gian trên chữ ký không hợp lệ"}};
	const struct verify_timestamp *timestamp = &signature->timestamp;
	char when[TIME_TEXT] = "";
	char more[TIME_TEXT + VERIFY_TEXT + 32] = "";

	if (timestamp->time_ms > 0)
		time_text(timestamp->time_ms, when);
	if (timestamp->state != VERIFY_UNKNOWN)
		snprintf(more, sizeof(more), "%s%s%s", when,
			timestamp->issuer[0] != 0
				? cli_text(cli, (struct text){", issued by ", ", cấp bởi "})
				: "",
			timestamp->issuer);
	line(cli, timestamp->state, choose(cli, timestamp->state, texts), more);
	if (signature->signing_ms != 0 && !signature->document_timestamp) {
		time_text(signature->signing_ms, when);
		cli_say(cli, "    Signing time, as the signer says: %s",
			"    Thời điểm ký, theo người ký: %s", when);
	}
}

static void say_coverage(const struct cli *cli, const struct verify_report *report,
	const struct verify_signature *signature)
{
	char list[512] = "";

	if (signature->whole_file) {
		cli_say(cli, "    It covers the whole file", "    Chữ ký bao trùm toàn bộ tệp");
		return;
	}
	for (size_t i = 0; i < sizeof(later_words) / sizeof(later_words[0]); i++) {
		size_t len = strlen(list);
		if ((signature->later & later_words[i].flag) != 0)
			snprintf(list + len, sizeof(list) - len, "%s%s", len > 0 ? ", " : "",
				cli_text(cli, later_words[i].text));
	}
	if (list[0] == 0)
		snprintf(list, sizeof(list), "%s",
			cli_text(cli, (struct text){"nothing that changes it",
					      "không có gì làm thay đổi tài liệu"}));
	cli_say(cli, "    It covers %zu of %zu bytes; added later: %s",
		"    Chữ ký bao trùm %zu trên %zu byte; phần thêm sau đó: %s", signature->covered,
		report->file_len, list);
}

static void say_faults(
	const struct cli *cli, const struct verify_signature *signature, uint64_t allowed)
{
	static const uint64_t two =
		VERIFY_BIT(VERIFY_NO_TIMESTAMP) | VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
	uint64_t errors = verify_errors(signature, allowed);
	uint64_t shown = signature->faults;

	/* both at once are one fault, that has a name */
	if ((errors & VERIFY_BIT(VERIFY_NEITHER)) != 0)
		shown &= ~two;
	else
		shown &= ~VERIFY_BIT(VERIFY_NEITHER);
	for (unsigned i = 0; i < VERIFY_FAULTS; i++) {
		const char *text = cli_text(cli, fault_words[i]);
		if ((shown & VERIFY_BIT(i)) == 0)
			continue;
		if ((errors & VERIFY_BIT(i)) != 0)
			cli_say(cli, "  %sFault: %s%s", "  %sLỗi: %s%s",
				cli_colour(cli, COLOUR_BAD), text, cli_plain(cli));
		else if (verify_fault_is_error(i))
			cli_say(cli, "    Allowed: %s", "    Được bỏ qua: %s", text);
		else
			cli_say(cli, "    Note: %s", "    Lưu ý: %s", text);
	}
}

static void say_one(
	const struct cli *cli, const struct verify_report *report, size_t index, uint64_t allowed)
{
	static const struct text kinds[] = {
		{"Signature", "Chữ ký"}, {"Document timestamp", "Dấu thời gian của tài liệu"}};
	static const struct text verdicts[] = {{"", ""}, {"Signature valid", "Chữ ký hợp lệ"},
		{"Signature not valid", "Chữ ký không hợp lệ"}};
	const struct verify_signature *signature = &report->signatures[index];
	enum verify_state verdict =
		verify_errors(signature, allowed) == 0 ? VERIFY_GOOD : VERIFY_BAD;

	cli_say(cli, "%s%s %zu of %zu%s", "%s%s %zu trên %zu%s", cli_colour(cli, COLOUR_BOLD),
		cli_text(cli, kinds[signature->document_timestamp]), index + 1, report->count,
		cli_plain(cli));
	line(cli, verdict, choose(cli, verdict, verdicts), signature->signer.name);
	say_signer(cli, signature);
	say_document(cli, signature);
	say_signature(cli, signature);
	say_certificate(cli, signature);
	say_revocation(cli, signature);
	say_timestamp(cli, signature);
	say_coverage(cli, report, signature);
	say_faults(cli, signature, allowed);
}

/* JSON */

/* What is not UTF-8 is shown by question marks. */
static json_t *json_text(const char *text)
{
	char copy[2 * VERIFY_TEXT];
	json_t *made = text[0] == 0 ? json_null() : json_string(text);

	if (made != NULL)
		return made;
	snprintf(copy, sizeof(copy), "%s", text);
	client_text_disarm(copy, false);
	return json_string(copy);
}

static json_t *json_time(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[TIME_TEXT];
	struct tm parts;

	if (ms <= 1 || gmtime_r(&seconds, &parts) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return json_null();
	return json_string(text);
}

static json_t *json_state(enum verify_state state)
{
	static const char *const names[] = {
		[VERIFY_UNKNOWN] = "unknown", [VERIFY_GOOD] = "good", [VERIFY_BAD] = "bad"};

	return json_string(names[state]);
}

static json_t *json_faults(uint64_t faults)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < VERIFY_FAULTS; i++) {
		if ((faults & VERIFY_BIT(i)) != 0)
			json_array_append_new(list, json_string(verify_fault_name(i)));
	}
	return list;
}

static json_t *json_later(unsigned later)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(later_words) / sizeof(later_words[0]); i++) {
		if ((later & later_words[i].flag) != 0)
			json_array_append_new(list, json_string(later_words[i].name));
	}
	return list;
}

static json_t *json_certificate(const struct verify_certificate *certificate)
{
	static const char *const kinds[] = {[VERIFY_ANY] = "unknown",
		[VERIFY_PERSON] = "person",
		[VERIFY_ORGANISATION] = "organisation"};

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "name",
		json_text(certificate->name), "email", json_text(certificate->email),
		"organisation", json_text(certificate->organisation), "serial",
		json_text(certificate->serial), "kind", kinds[certificate->kind], "notBefore",
		json_time(certificate->not_before_ms), "notAfter",
		json_time(certificate->not_after_ms), "root", json_text(certificate->root));
}

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value == NULL ? json_null() : value);
}

static json_t *json_signature(const struct verify_signature *signature, uint64_t allowed)
{
	json_t *made = json_object();
	uint64_t errors = verify_errors(signature, allowed);
	uint64_t all = verify_errors(signature, 0);

	set(made, "valid", json_boolean(errors == 0));
	set(made, "kind",
		json_string(signature->document_timestamp ? "documentTimestamp" : "signature"));
	set(made, "field", json_text(signature->field));
	set(made, "format", json_text(signature->format));
	set(made, "algorithm", json_text(signature->algorithm));
	set(made, "signer", json_certificate(&signature->signer));
	set(made, "document", json_state(signature->intact));
	set(made, "signature", json_state(signature->signature));
	set(made, "certificate", json_state(signature->certificate));
	set(made, "revocation", json_state(signature->revocation));
	set(made, "revokedAt", json_time(signature->revoked_ms));
	set(made, "crlOf", json_time(signature->crl_ms));
	set(made, "crlUnfit", json_time(signature->crl_unfit_ms));
	set(made, "timestamp",
		signature->timestamp.state == VERIFY_UNKNOWN
			? json_null()
			: json_pack("{s:o, s:o, s:o}", "state",
				  json_state(signature->timestamp.state), "time",
				  json_time(signature->timestamp.time_ms), "issuer",
				  json_text(signature->timestamp.issuer)));
	set(made, "signingTime", json_time(signature->signing_ms));
	set(made, "judgedAt", json_time(signature->judged_ms));
	set(made, "judgedBy", json_string(signature->judged_by_timestamp ? "timestamp" : "check"));
	set(made, "coveredBytes", json_integer((json_int_t)signature->covered));
	set(made, "coversWholeFile", json_boolean(signature->whole_file));
	set(made, "addedLater", json_later(signature->later));
	set(made, "certification", json_integer(signature->certification));
	set(made, "faults", json_faults(errors));
	set(made, "allowed", json_faults(all & ~errors));
	set(made, "notes", json_faults(signature->faults & ~all));
	return made;
}

void verify_say(
	struct cli *cli, const char *path, const struct verify_report *report, uint64_t allowed)
{
	char when[TIME_TEXT];
	json_t *list = json_array();

	time_text(report->checked_ms, when);
	for (size_t i = 0; i < report->count; i++) {
		say_one(cli, report, i, allowed);
		json_array_append_new(list, json_signature(&report->signatures[i], allowed));
	}
	if (report->count == 0)
		cli_say(cli, "There is no signature.", "Không có chữ ký nào.");
	cli_say(cli, "Checked at %s", "Thời điểm kiểm tra: %s", when);
	cli_result(cli, "file", json_text(path));
	cli_result(cli, "type", json_string(report->pdf ? "pdf" : "cms"));
	cli_result(cli, "valid", json_boolean(verify_holds(report, allowed)));
	cli_result(cli, "checkedAt", json_time(report->checked_ms));
	cli_result(cli, "signatures", list);
}
