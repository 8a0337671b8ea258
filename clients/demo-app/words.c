/* What went wrong, and what to do now, in the words of a teacher's day. */
#include "clients/demo-app/demo.h"

#include <stdio.h>
#include <string.h>

static const struct text trouble_words[] = {
	[TROUBLE_NOTHING_CHOSEN] = {"Hãy đánh dấu ít nhất một tài liệu rồi bấm Ký.",
		"Tick at least one document, then press Sign."},
	[TROUBLE_UNKNOWN_RETURN] = {"Lượt ký này không bắt đầu ở đây, đã xong hoặc đã "
				    "quá lâu (chẳng hạn "
				    "do bấm nút quay lại). Không có gì được ký thêm; hãy bấm Ký lại nếu "
				    "cần.",
		"This signing did not begin here, is done already, or took too long (the back button, "
		"for example). Nothing further was signed; press Sign again if needed."},
	[TROUBLE_OTHER_ISSUER] = {"Câu trả lời không phải của dịch vụ ký số đã được hỏi nên bị bỏ qua. "
				  "Không tài liệu nào được ký; hãy báo người quản trị nhà trường.",
		"The answer does not come from the signing service that was asked, so it was dropped. "
		"Nothing was signed; tell the school's administrator."},
	[TROUBLE_NO_CREDENTIAL] = {"Thầy cô chưa có chứng thư số để ký. Nhà trường lập hồ sơ đề nghị cấp "
				   "trước.",
		"You have no certificate to sign with yet. The school applies for one first."},
	[TROUBLE_DISABLED] = {"Chứng thư số hiện không ký được: bị khoá do nhập "
			      "sai, bị ngừng, hết hạn, "
			      "hoặc chính sách không cho phép. Người vận hành dịch vụ xem được lý do.",
		"Your certificate cannot sign now: locked after wrong entries, stopped, expired, or not "
		"permitted by the policy. The service's operator sees which."},
	[TROUBLE_TOO_MANY] = {"Có quá nhiều lượt ký đang mở. Hãy hoàn tất hoặc đóng bớt các thẻ rồi thử "
			      "lại sau.",
		"Too many signings are open. Finish or close some tabs, then try again later."},
	[TROUBLE_DOCUMENT] =
		{"Không ghép được chữ ký vào tài liệu; không tài liệu nào được thay đổi.",
			"The signature could not be put into the document; no document was changed."},
	[TROUBLE_OUR_FAULT] =
		{"Trang của nhà trường gặp lỗi; không tài liệu nào được ký. Hãy thử lại.",
			"The school's page failed; nothing was signed. Try again."},
};

static const struct text declined_words = {
	"Lượt ký dừng lại: thầy cô đã từ chối, hoặc dịch vụ không cho phép. Không tài liệu nào được ký.",
	"The signing stopped: you declined, or the service does not permit it. Nothing was signed."};
static const struct text other_words = {
	"Dịch vụ ký số từ chối yêu cầu; không tài liệu nào được ký.",
	"The signing service refused the request; nothing was signed."};
static const struct text expired_words = {"Lượt ký đã quá hạn hoặc đã được dùng. Hãy bấm Ký lại.",
	"The signing has expired, or was used already. Press Sign again."};
static const struct text wait_words = {
	"Dịch vụ ký số tạm thời không phục vụ được. Hãy chờ vài phút rồi bấm Ký lại.",
	"The signing service cannot serve now. Wait a few minutes, then press Sign again."};
static const struct text client_words = {
	"Dịch vụ ký số không nhận phần mềm này của nhà trường. Hãy báo người quản trị nhà trường.",
	"The signing service does not accept this application of the school. Tell the school's "
	"administrator."};

static const struct {
	const char *error;
	const struct text *words;
} error_words[] = {
	{"access_denied", &declined_words},
	{"invalid_grant", &expired_words},
	{"expired_token", &expired_words},
	{"invalid_token", &expired_words},
	{"invalid_request_uri", &expired_words},
	{"temporarily_unavailable", &wait_words},
	{"server_error", &wait_words},
	{"unauthorized_client", &client_words},
	{"invalid_client", &client_words},
	{"invalid_scope", &client_words},
	{"unsupported_response_type", &client_words},
};

static void set(struct visit *visit, bool good, const char *words)
{
	visit->notice.good = good;
	snprintf(visit->notice.words, sizeof(visit->notice.words), "%s", words);
}

void notice_good(struct visit *visit, size_t count)
{
	char words[DEMO_NOTICE];

	snprintf(words, sizeof(words),
		visit->lang == LANG_EN ? "%zu document(s) signed. Save them below."
				       : "Đã ký %zu tài liệu. Hãy tải về ở dưới.",
		count);
	set(visit, true, words);
}

static bool is_of_document(rc_t rc)
{
	return rc >= RC_PDF_DAMAGED && rc <= RC_FONT_LACKS;
}

void notice_trouble(struct visit *visit, enum trouble trouble, rc_t rc)
{
	char words[DEMO_NOTICE];
	const char *why = "";

	if (trouble == TROUBLE_DOCUMENT && (is_of_document(rc) || rc == RC_SIGNATURE_BAD))
		why = visit->lang == LANG_EN ? rc_text(rc, RC_CSC_V2) : rc_text_vi(rc);
	snprintf(words, sizeof(words), "%s%s%s", visit_text(visit, trouble_words[trouble]),
		why[0] != 0 ? " " : "", why);
	set(visit, false, words);
}

void notice_error(struct visit *visit, const char *error, const char *own)
{
	const struct text *text = &other_words;
	char words[DEMO_NOTICE];

	for (size_t i = 0; i < sizeof(error_words) / sizeof(error_words[0]); i++) {
		if (strcmp(error_words[i].error, error) == 0)
			text = error_words[i].words;
	}
	snprintf(words, sizeof(words), "%s%s%s%s", visit_text(visit, *text),
		own[0] == 0 ? ""
			    : visit_text(visit, (struct text){" Dịch vụ cho biết: “",
							" The service says: “"}),
		own, own[0] == 0 ? "" : "”");
	set(visit, false, words);
}

void notice_answer(struct visit *visit, rc_t rc, const struct client_answer *answer)
{
	if (rc == RC_SERVER_REFUSED)
		notice_error(visit, answer->error, answer->text);
	else if (rc == RC_SERVER_UNREACHABLE || rc == RC_SERVER_ANSWER)
		notice_error(visit, "server_error", answer->text);
	else
		notice_trouble(visit, TROUBLE_OUR_FAULT, rc);
}
