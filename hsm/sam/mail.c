#include "hsm/sam/mail.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "hsm/sam/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORD_MAX 42 /* bytes in one encoded word: 75 characters, RFC 2047 §2 */
#define VIETNAM_MS (7 * 3600 * 1000LL)

/* How many bytes of text fit in one encoded word without cutting a character. */
static size_t word_len(struct span text)
{
	size_t len = 0;

	while (len < text.len) {
		uint32_t point = 0;
		size_t next = text_take(SPAN(text.data + len, text.len - len), &point);
		if (next == 0 || len + next > WORD_MAX)
			break;
		len += next;
	}
	return len;
}

/* RFC 2047: encoded words, one a line. Malformed UTF-8 ends the text. */
static rc_t put_encoded(struct buf *out, const char *text)
{
	struct span rest = span_string(text);
	rc_t rc = RC_OK;
	size_t len;

	while (rc == RC_OK && (len = word_len(rest)) > 0) {
		rc = buf_append_string(
			out, rest.data == (const uint8_t *)text ? "=?UTF-8?B?" : "\n =?UTF-8?B?");
		if (rc == RC_OK)
			rc = base64_encode(out, SPAN(rest.data, len));
		if (rc == RC_OK)
			rc = buf_append_string(out, "?=");
		rest = SPAN(rest.data + len, rest.len - len);
	}
	return rc;
}

/* The host of a URL, as the right side of an address. */
static rc_t put_host(struct buf *out, const char *url)
{
	const char *start = strstr(url, "://");
	start = start == NULL ? url : start + 3;
	size_t len = strcspn(start, ":/");
	bool number = start[0] >= '0' && start[0] <= '9';

	if (len == 0 || start[0] == '[')
		return buf_append_string(out, "localhost");
	return buf_printf(out, "%s%.*s%s", number ? "[" : "", (int)len, start, number ? "]" : "");
}

static rc_t vietnam_time(int64_t ms, struct tm *parts)
{
	time_t seconds = (time_t)((ms + VIETNAM_MS) / 1000);

	return gmtime_r(&seconds, parts) == NULL ? RC_SYSTEM : RC_OK;
}

static rc_t put_date(struct buf *out, int64_t ms)
{
	struct tm parts = {0};
	char text[64] = "";
	rc_t rc = vietnam_time(ms, &parts);

	/* the process runs in the C locale: English names, as RFC 5322 wants */
	if (rc == RC_OK && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0700", &parts) == 0)
		rc = RC_SYSTEM;
	return rc != RC_OK ? rc : buf_append_string(out, text);
}

static rc_t put_headers(struct buf *out, const struct mail_code *mail)
{
	struct id message;
	char number[ID_TEXT];

	rc_t rc = id_random(&message);
	if (rc != RC_OK)
		return rc;
	id_format(&message, number);
	rc = buf_append_string(out, "From: ");
	if (rc == RC_OK)
		rc = put_encoded(out, mail->service_name);
	if (rc == RC_OK)
		rc = buf_append_string(out, " <no-reply@");
	if (rc == RC_OK)
		rc = put_host(out, mail->public_url);
	if (rc == RC_OK)
		rc = buf_printf(out, ">\nTo: <%s>\nSubject: ", mail->email);
	if (rc == RC_OK)
		rc = put_encoded(out, "Mã kích hoạt chữ ký số / Activation code");
	if (rc == RC_OK)
		rc = buf_append_string(out, "\nDate: ");
	if (rc == RC_OK)
		rc = put_date(out, clock_wall_ms());
	if (rc == RC_OK)
		rc = buf_printf(out, "\nMessage-ID: <%s@", number);
	if (rc == RC_OK)
		rc = put_host(out, mail->public_url);
	if (rc == RC_OK)
		rc = buf_append_string(out, ">\nAuto-Submitted: auto-generated\n"
					    "MIME-Version: 1.0\n"
					    "Content-Type: text/plain; charset=utf-8\n"
					    "Content-Transfer-Encoding: 8bit\n\n");
	return rc;
}

static rc_t put_vietnamese(struct buf *out, const struct mail_code *mail, const char *until)
{
	return buf_printf(out,
		"Kính gửi %s,\n\n"
		"Cơ quan của Ông/Bà đã đề nghị cấp chứng thư số ký số tập trung. Mã kích hoạt:\n\n"
		"    %.*s\n\n"
		"Mã dùng một lần, có giá trị đến %s (giờ Việt Nam).\n\n"
		"Để kích hoạt, mở trang này trong trình duyệt\n\n"
		"    %s/activate\n\n"
		"hoặc chạy lệnh\n\n"
		"    rssp activate --url %s\n\n"
		"rồi nhập mã này, số định danh cá nhân, mã PIN (từ 6 đến 64 ký tự) và mật khẩu do\n"
		"Ông/Bà tự chọn. Sau này, chỉ nhập mã PIN và mật khẩu ở trang có đúng địa chỉ ấy.\n"
		"Không ai, kể cả quản trị viên, cần biết mã kích hoạt, mã PIN hay mật khẩu: xin\n"
		"đừng chuyển tiếp thư này. Nếu Ông/Bà không yêu cầu, hãy báo cơ quan của mình.\n\n",
		mail->name, (int)mail->code.len, (const char *)mail->code.data, until,
		mail->public_url, mail->public_url);
}

static rc_t put_english(struct buf *out, const struct mail_code *mail, const char *until)
{
	return buf_printf(out,
		"--\n\n"
		"Dear %s,\n\n"
		"Your agency has asked for a certificate for central signing in your name. The code\n"
		"above can be used once, until %s (Vietnam time). To activate it, open\n\n"
		"    %s/activate\n\n"
		"in a browser, or run\n\n"
		"    rssp activate --url %s\n\n"
		"and enter the code, your personal identity number, a PIN (6 to 64 characters) and a\n"
		"password of your own choice. Later, give PIN and password to pages of exactly that\n"
		"address only. Nobody else, operators included, ever needs the code, the PIN or the\n"
		"password: do not forward this mail. If you did not expect it, tell your agency.\n",
		mail->name, until, mail->public_url, mail->public_url);
}

rc_t mail_code_compose(struct buf *out, const struct mail_code *mail)
{
	struct tm parts = {0};
	char until[64] = "";

	rc_t rc = vietnam_time(mail->expires_ms, &parts);
	if (rc == RC_OK && strftime(until, sizeof(until), "%d/%m/%Y %H:%M", &parts) == 0)
		rc = RC_SYSTEM;
	if (rc == RC_OK)
		rc = put_headers(out, mail);
	if (rc == RC_OK)
		rc = put_vietnamese(out, mail, until);
	if (rc == RC_OK)
		rc = put_english(out, mail, until);
	return rc;
}

rc_t mail_spool(const char *folder, struct span text)
{
	char number[ID_TEXT], name[ID_TEXT + 8];
	struct id id;

	rc_t rc = id_random(&id);
	if (rc != RC_OK)
		return rc;
	id_format(&id, number);
	snprintf(name, sizeof(name), "%s.eml", number);
	return file_spool(folder, name, text);
}
