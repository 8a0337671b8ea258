/* What went wrong, in the user's words: the server's own, or ours in Vietnamese where its words are
 * those of the one error list. */
#include "clients/cli/cli.h"

#include <string.h>

static const struct known {
	rc_t rc;
	enum cli_exit code;
	const char *vi;
} known[] = {
	{RC_PIN_WRONG, CLI_FACTOR, "Mã PIN không đúng"},
	{RC_OTP_WRONG, CLI_FACTOR, "Mã OTP không đúng"},
	{RC_OTP_WRONG_V2, CLI_FACTOR, "Mã PIN hoặc OTP không đúng"},
	{RC_OTP_REPLAYED, CLI_FACTOR, "Mã OTP đã được dùng: hãy chờ mã mới"},
	{RC_PIN_LOCKED, CLI_FACTOR, "Mã PIN bị khoá: hãy đề nghị người vận hành mở khoá"},
	{RC_ACTIVATION_REFUSED, CLI_FACTOR,
		"Mã kích hoạt hoặc số định danh không đúng, hoặc mã đã hết hiệu lực"},
	{RC_PIN_WEAK, CLI_FACTOR,
		"Hãy chọn PIN khác: 6 đến 64 ký tự, không lặp, không theo dãy, không phải ngày sinh, không "
		"chứa một phần số định danh hay số điện thoại"},
	{RC_POLICY_DENIED, CLI_POLICY, "Chính sách không cho phép thuê bao này ký số tập trung"},
	{RC_POLICY_WAIT, CLI_POLICY,
		"Người vận hành phải quyết định về chức vụ của thuê bao trước"},
	{RC_SUBSCRIBER_DISABLED, CLI_REFUSED, "Thuê bao này đã bị ngừng"},
	{RC_CREDENTIAL_DISABLED, CLI_POLICY, "Chứng thư số này không được phép dùng để ký"},
	{RC_CREDENTIAL_ID_INVALID, CLI_REFUSED, "Không có chứng thư số này"},
	{RC_CERTIFICATE_EXPIRED, CLI_REFUSED, "Chứng thư số đã hết hạn"},
	{RC_SAD_EXPIRED, CLI_REFUSED, "Phiên ký đã hết hạn"},
	{RC_OPERATOR_REQUIRED, CLI_REFUSED, "Cần chứng thư của người vận hành"},
	{RC_CLIENT_ID_INVALID, CLI_REFUSED, "client_id không đúng"},
	{RC_CLIENT_SECRET_INVALID, CLI_REFUSED, "client_secret không đúng"},
	{RC_NOT_FOUND, CLI_REFUSED, "Không có đối tượng này"},
	{RC_CONFLICT, CLI_REFUSED,
		"Đối tượng đã tồn tại hoặc vừa thay đổi: hãy đọc lại rồi làm lại"},
	{RC_TOO_MANY, CLI_UNREACHABLE, "Quá nhiều lần thử: hãy chờ"},
	{RC_STORE_DOWN, CLI_UNREACHABLE,
		"Dịch vụ chưa ghi được nhật ký nên không ký: hãy thử lại sau"},
	{RC_HSM_DOWN, CLI_UNREACHABLE, "Khối ký đang không sẵn sàng; chưa ký gì"},
	{RC_UNAVAILABLE, CLI_UNREACHABLE, "Dịch vụ tạm thời không phục vụ được"},
	{RC_PDF_DAMAGED, CLI_INPUT,
		"Tệp không phải PDF hoặc đã hỏng: hãy mở và lưu lại bằng phần mềm PDF rồi ký"},
	{RC_PDF_ENCRYPTED, CLI_INPUT, "PDF có mật khẩu: hãy lưu lại không mật khẩu rồi ký"},
	{RC_PDF_FINAL, CLI_INPUT,
		"PDF đã được chứng nhận là bản cuối: chữ ký đầu không cho ký thêm"},
	{RC_PDF_TOO_LONG, CLI_INPUT, "PDF quá lớn"},
	{RC_NO_MEMORY, CLI_LOCAL, "Hết bộ nhớ"},
	{RC_SERVER_ANSWER, CLI_UNREACHABLE, "Máy chủ trả lời không đúng giao thức"},
	{RC_SIGNATURE_BAD, CLI_REFUSED, "Chữ ký nhận được không đúng; tài liệu không được ghi"},
	{RC_SIGN_ALGO_INVALID, CLI_USAGE, "Cách ký này không hợp với loại khoá"},
};

/* By the OAuth or CSC error, when the text is not one of ours (the policy's reasons are not). */
static const struct {
	const char *error;
	enum cli_exit code;
} errors[] = {
	{"invalid_pin", CLI_FACTOR},
	{"invalid_otp", CLI_FACTOR},
	{"invalid_authentication_data", CLI_FACTOR},
	{"weak_pin", CLI_FACTOR},
	{"access_denied", CLI_POLICY},
	{"temporarily_unavailable", CLI_UNREACHABLE},
};

static const struct known *find_known(const struct cli *cli, rc_t rc)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (rc == RC_SERVER_REFUSED
				? strcmp(rc_text(known[i].rc, RC_CSC_V1), cli->answer.text) == 0
				: known[i].rc == rc)
			return &known[i];
	}
	return NULL;
}

const char *cli_refusal(const struct cli *cli, rc_t rc, enum cli_exit *code)
{
	const struct known *row = find_known(cli, rc);
	const struct client_answer *answer = &cli->answer;
	bool answered = rc == RC_SERVER_REFUSED || rc == RC_SERVER_UNREACHABLE;

	*code = rc == RC_SERVER_REFUSED	      ? CLI_REFUSED
		: rc == RC_SERVER_UNREACHABLE ? CLI_UNREACHABLE
					      : CLI_LOCAL;
	if (row != NULL)
		*code = row->code;
	for (size_t i = 0; row == NULL && i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].error, answer->error) == 0)
			*code = errors[i].code;
	}
	if (rc == RC_SERVER_REFUSED && (answer->status == 429 || answer->status == 503))
		*code = CLI_UNREACHABLE;
	if (row != NULL && cli->vietnamese)
		return row->vi;
	return answered && answer->text[0] != 0 ? answer->text : rc_text(rc, RC_CSC_V1);
}

static void note_what_next(const struct cli *cli, rc_t rc)
{
	if (rc == RC_SERVER_UNREACHABLE)
		cli_note(cli, "Is the service running at %s, and is --ca-cert its root?",
			"Dịch vụ có đang chạy tại %s không, và --ca-cert có đúng chứng thư gốc không?",
			cli_value(cli, "url") == NULL ? "?" : cli_value(cli, "url"));
	if (cli->answer.retry_after_s > 0)
		cli_note(cli, "Try again in %u s.", "Hãy thử lại sau %u giây.",
			cli->answer.retry_after_s);
	if (cli->answer.request[0] != 0)
		cli_note(cli, "Request %s: quote it to the operator.",
			"Mã yêu cầu %s: hãy báo mã này cho người vận hành.", cli->answer.request);
}

enum cli_exit cli_fail_rc(struct cli *cli, rc_t rc)
{
	enum cli_exit code = CLI_LOCAL;
	const char *text = cli_refusal(cli, rc, &code);

	cli_fail(cli, code, "%s", "%s", text);
	note_what_next(cli, rc);
	if (cli->answer.retry_after_s > 0)
		cli_result(cli, "retryAfter", json_integer(cli->answer.retry_after_s));
	return code;
}
