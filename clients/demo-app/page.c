/* The pages, without script. Whatever is not written here is escaped. */
#include "clients/demo-app/demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char demo_style[] =
	":root { color-scheme: light; --ink: #1c2733; --quiet: #52606d; --line: #cbd5df;\n"
	"	--accent: #0b5a8a; --good: #17603a; --bad: #9c1c1c; }\n"
	"* { box-sizing: border-box; }\n"
	"body { margin: 0; font: 1.0625rem/1.55 system-ui, \"Noto Sans\", \"DejaVu Sans\", sans-serif;\n"
	"	color: var(--ink); background: #f4f6f8; }\n"
	"header, main, footer { max-width: 46rem; margin: 0 auto; padding: 1rem; }\n"
	"header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }\n"
	"header p { margin: 0; flex: 1; font-weight: 600; letter-spacing: .02em; }\n"
	"h1 { font-size: 1.5rem; margin: 0 0 1rem; }\n"
	"a { color: var(--accent); }\n"
	"form { margin: 0; }\n"
	"fieldset { border: 0; margin: 0; padding: 0; }\n"
	"legend { padding: 0; margin-bottom: .5rem; }\n"
	"ul { list-style: none; margin: 0 0 1rem; padding: 0; background: #fff;\n"
	"	border: 1px solid var(--line); border-radius: .5rem; }\n"
	"li { padding: .9rem 1rem; border-top: 1px solid var(--line); }\n"
	"li:first-child { border-top: 0; }\n"
	"label { display: block; font-weight: 600; cursor: pointer; padding-left: 1.75rem;\n"
	"	text-indent: -1.75rem; }\n"
	"input[type=checkbox] { width: 1.15rem; height: 1.15rem; margin: 0 .5rem 0 0;\n"
	"	vertical-align: -.2rem; accent-color: var(--accent); }\n"
	"li p { margin: .2rem 0 0 1.75rem; color: var(--quiet); overflow-wrap: anywhere; }\n"
	"li p.good, .notice.good { color: var(--good); }\n"
	"li p.bad, .notice.bad { color: var(--bad); }\n"
	".notice { border: 1px solid currentColor; border-left-width: .4rem; background: #fff;\n"
	"	border-radius: .3rem; padding: .75rem 1rem; margin: 0 0 1rem; }\n"
	"button { font: inherit; padding: .6rem 1.4rem; border-radius: .4rem; cursor: pointer;\n"
	"	border: 1px solid var(--accent); background: #fff; color: var(--accent); }\n"
	"button.main { background: var(--accent); color: #fff; font-weight: 600; }\n"
	".plain { margin: 1rem 0; }\n"
	".who { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center;\n"
	"	border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1rem; }\n"
	".who p { margin: 0; flex: 1 1 16rem; }\n"
	"footer { color: var(--quiet); font-size: .95rem; }\n"
	":focus-visible { outline: 3px solid #f0a500; outline-offset: 2px; }\n"
	"@media (max-width: 30rem) { button { width: 100%; } }\n";

static void add(struct page *page, const char *markup)
{
	if (page->rc == RC_OK)
		page->rc = buf_append_string(&page->out, markup);
}

static void add_escaped(struct page *page, const char *text)
{
	static const struct {
		char character;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

	for (; *text != 0 && page->rc == RC_OK; text++) {
		const char *entity = NULL;
		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
			if (entities[i].character == *text)
				entity = entities[i].entity;
		}
		page->rc = entity != NULL ? buf_append_string(&page->out, entity)
					  : buf_append(&page->out, text, 1);
	}
}

static const char *in(enum lang lang, const char *vi, const char *en)
{
	return lang == LANG_EN ? en : vi;
}

static void page_begin(struct page *page, enum lang lang, const char *title)
{
	add(page, "<!doctype html>\n<html lang=\"");
	add(page, in(lang, "vi", "en"));
	add(page, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		  "content=\"width=device-width, initial-scale=1\"><title>");
	add_escaped(page, title);
	add(page, in(lang, " – Trường THPT Mẫu", " – Trường THPT Mẫu"));
	add(page, "</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\n<body><header>"
		  "<p>TRƯỜNG THPT MẪU</p><nav aria-label=\"Ngôn ngữ, language\">");
	add(page, lang == LANG_EN ? "<a href=\"/?lang=vi\" lang=\"vi\">Tiếng Việt</a>"
				  : "<a href=\"/?lang=en\" lang=\"en\">English</a>");
	add(page, "</nav></header>\n<main><h1>");
	add_escaped(page, title);
	add(page, "</h1>\n");
}

static void page_end(struct page *page, enum lang lang)
{
	add(page, "</main>\n<footer><p>");
	add(page, in(lang,
			  "Trang mẫu của một trường không có thật. Trang này không bao giờ hỏi mật "
			  "khẩu, mã PIN hay mã OTP: chỉ nhập ở trang của dịch vụ ký số.",
			  "A sample page of a school that does not exist. It never asks for a "
			  "password, PIN or one-time password: type them on the signing service's "
			  "own page only."));
	add(page, "</p></footer></body></html>\n");
}

static void add_notice(struct page *page, const struct notice *notice)
{
	if (notice->words[0] == 0)
		return;
	add(page, notice->good ? "<p class=\"notice good\" role=\"status\">"
			       : "<p class=\"notice bad\" role=\"alert\">");
	add_escaped(page, notice->words);
	add(page, "</p>\n");
}

static void add_faults(struct page *page, uint64_t faults)
{
	bool first = true;

	for (unsigned i = 0; i < VERIFY_FAULTS; i++) {
		if ((faults & VERIFY_BIT(i)) == 0)
			continue;
		add(page, first ? "" : ", ");
		add(page, verify_fault_name((enum verify_fault)i));
		first = false;
	}
}

static void add_verdict(struct page *page, enum lang lang, const struct result *result)
{
	const struct verify_signature *signature = &result->signature;

	if (!result->judged) {
		add(page, in(lang, "<p class=\"bad\">Không kiểm tra được chữ ký.</p>",
				  "<p class=\"bad\">The signature could not be checked.</p>"));
		return;
	}
	if (!result->holds) {
		add(page, in(lang, "<p class=\"bad\">Chữ ký chưa hợp lệ: ",
				  "<p class=\"bad\">The signature is not valid: "));
		add_faults(page, verify_errors(signature, VERIFY_BIT(VERIFY_NO_TIMESTAMP)));
		add(page, "</p>");
		return;
	}
	add(page, in(lang, "<p class=\"good\">✓ Chữ ký hợp lệ: ",
			  "<p class=\"good\">✓ Signature valid: "));
	add_escaped(page, signature->signer.name);
	add(page, signature->signer.organisation[0] != 0 ? ", " : "");
	add_escaped(page, signature->signer.organisation);
	add(page,
		in(lang, ". Tài liệu chưa bị thay đổi; chứng thư số hợp lệ, chưa bị thu hồi (gốc ",
			". The document has not been changed; the certificate is valid and not "
			"revoked (root "));
	add_escaped(page, signature->signer.root);
	add(page, ").</p>");
}

static void add_record(
	struct page *page, const struct demo *demo, const struct visit *visit, size_t number)
{
	const struct record *record = &demo->records[number];
	const struct result *result = &visit->results[number];
	bool is_signed = result->pdf.len > 0;
	char digit[2] = {(char)('0' + number), 0};

	add(page, "<li><label><input type=\"checkbox\" name=\"record\" value=\"");
	add(page, digit);
	add(page, is_signed ? "\">" : "\" checked>");
	add_escaped(page, visit_text(visit, record->title));
	add(page, "</label><p><a href=\"/records/");
	add(page, record->file);
	add(page, in(visit->lang, ".pdf\">Xem bản chưa ký</a>", ".pdf\">View unsigned</a>"));
	if (is_signed) {
		add(page, " · <a href=\"/signed/");
		add(page, record->file);
		add(page, in(visit->lang, ".pdf\">Tải bản đã ký</a>", ".pdf\">Save signed</a>"));
	}
	add(page, "</p>");
	if (is_signed)
		add_verdict(page, visit->lang, result);
	else
		add(page, in(visit->lang, "<p>Chưa ký</p>", "<p>Not signed yet</p>"));
	add(page, "</li>\n");
}

static void add_csrf(struct page *page, const struct visit *visit)
{
	add(page, "<input type=\"hidden\" name=\"csrf\" value=\"");
	add(page, visit->csrf);
	add(page, "\">");
}

/* CN=Nguyễn Thị Ví Dụ,L=Mẫu,…: the name alone; backslashes of RFC 4514 stay out. */
static void add_name(struct page *page, const char *subject)
{
	const char *at = strstr(subject, "CN=");
	char name[256] = "";
	size_t len = 0;

	for (at = at == NULL ? subject : at + 3; *at != 0 && *at != ',' && len + 1 < sizeof(name);
		at++) {
		if (*at == '\\' && at[1] != 0)
			at++;
		name[len++] = *at;
	}
	add_escaped(page, name);
}

static void add_teacher(struct page *page, const struct visit *visit)
{
	if (visit->credential.certificate_count == 0)
		return;
	add(page, "<form method=\"post\" action=\"/leave\" class=\"who\"><p>");
	add(page, in(visit->lang, "Người ký: ", "Signer: "));
	add_name(page, visit->credential.subject);
	add(page, "</p>");
	add_csrf(page, visit);
	add(page, in(visit->lang, "<button>Thoát và xoá</button></form>\n",
			  "<button>Leave and forget</button></form>\n"));
}

void page_records(struct page *page, const struct demo *demo, const struct visit *visit)
{
	enum lang lang = visit->lang;

	page_begin(page, lang, in(lang, "Hồ sơ chờ ký", "Records to be signed"));
	add_notice(page, &visit->notice);
	add(page, "<form method=\"post\" action=\"/sign\">");
	add_csrf(page, visit);
	add(page, "<fieldset><legend>");
	add(page, in(lang, "Đánh dấu tài liệu cần ký:", "Tick the documents to sign:"));
	add(page, "</legend><ul>\n");
	for (size_t i = 0; i < DEMO_RECORDS; i++)
		add_record(page, demo, visit, i);
	add(page, "</ul></fieldset>\n");
	if (demo->appearance != NULL) {
		add(page, "<p class=\"plain\"><label><input type=\"checkbox\" name=\"visible\" "
			  "value=\"1\" checked>");
		add(page, in(lang, "Hiện chữ ký trên trang", "Show the signature on the page"));
		add(page, "</label></p>\n");
	}
	add(page, in(lang, "<button class=\"main\">Ký</button>",
			  "<button class=\"main\">Sign</button>"));
	add(page, "</form>\n");
	add_teacher(page, visit);
	page_end(page, lang);
}

void page_words(struct page *page, enum lang lang, struct text words)
{
	page_begin(page, lang, in(lang, "Không thực hiện được", "This cannot be done"));
	add(page, "<p class=\"notice bad\" role=\"alert\">");
	add_escaped(page, in(lang, words.vi, words.en));
	add(page, in(lang, "</p><p><a href=\"/\">Về danh sách hồ sơ</a></p>",
			  "</p><p><a href=\"/\">To the list of records</a></p>"));
	page_end(page, lang);
}
