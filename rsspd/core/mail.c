#include "core/mail.h"

#include "base/base64.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VIETNAM_AHEAD_MS (7 * 3600 * 1000) /* no summer time there */
/* Of an encoded word's 75 characters (RFC 2047 §2), what is left for base64, in bytes. */
#define ENCODED_WORD_BYTES 45

static const struct notice_text {
	const char *kind;
	const char *subject;
	const char *vi, *en;
} notice_texts[] = {
	{"activated", "Khoá ký đã được kích hoạt / Signing key activated",
		"Khoá ký số tập trung của bạn đã được kích hoạt.",
		"Your central signing key has been activated."},
	{"locked", "Khoá ký đã bị khoá / Signing key locked",
		"Khoá ký số tập trung của bạn đã bị khoá vì nhập sai mã PIN hoặc mã OTP nhiều lần. "
		"Hãy liên hệ cơ quan quản lý của bạn để mở khoá.",
		"Your central signing key has been locked after several wrong PINs or one-time "
		"passwords. Ask your agency to have it unlocked."},
	{"unlocked", "Khoá ký đã được mở khoá / Signing key unlocked",
		"Khoá ký số tập trung của bạn đã được mở khoá theo đề nghị của cơ quan quản lý. "
		"Mã PIN và mã OTP không thay đổi.",
		"Your central signing key has been unlocked at your agency's request. PIN and "
		"one-time passwords are the same as before."},
	{"factor-changed", "Yếu tố xác thực đã thay đổi / Signing factor changed",
		"Mã PIN hoặc ứng dụng OTP của khoá ký số tập trung của bạn đã được thay đổi.",
		"The PIN or the authenticator of your central signing key has been changed."},
	{"password-changed", "Mật khẩu đã thay đổi / Password changed",
		"Mật khẩu vào trang tài khoản ký số tập trung của bạn đã được thay đổi.",
		"The password of your central signing account has been changed."},
	{"signed-out", "Đã đăng xuất khỏi mọi nơi / Signed out everywhere",
		"Mọi phiên đăng nhập và mọi quyền mà bạn đã cấp cho ứng dụng của tài khoản ký số tập "
		"trung đã được kết thúc.",
		"All sessions of your central signing account, and everything that you had granted "
		"to applications, have ended."},
};

static const char not_you_vi[] =
	"Nếu không phải bạn thực hiện, hãy báo ngay cho cơ quan quản lý để khoá hoặc thu hồi khoá ký. "
	"Hệ thống không bao giờ hỏi mã PIN, mã OTP hoặc mã kích hoạt qua thư.";
static const char not_you_en[] =
	"If this was not you, tell your agency at once, so that the key is disabled or revoked. "
	"This service never asks for a PIN, one-time password or activation code by mail.";

static const struct notice_text *notice_text_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(notice_texts) / sizeof(notice_texts[0]); i++) {
		if (strcmp(notice_texts[i].kind, kind) == 0)
			return &notice_texts[i];
	}
	return NULL;
}

/* ---- headers ---- */

static bool address_fits(const char *email)
{
	size_t len = strlen(email);

	for (const char *c = email; *c != 0; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"(),:;<>[\\]", *c) != NULL)
			return false;
	}
	return len > 0 && len < 256 && strchr(email, '@') != NULL;
}

static bool text_plain(const char *text)
{
	for (const char *c = text; *c != 0; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

/* RFC 2047 encoded words, each with whole characters, folded. */
static rc_t encoded_words_put(struct buf *out, const char *text)
{
	rc_t rc = RC_OK;

	while (*text != 0 && rc == RC_OK) {
		size_t len = strnlen(text, ENCODED_WORD_BYTES + 1);
		if (len > ENCODED_WORD_BYTES) {
			len = ENCODED_WORD_BYTES;
			while (len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80)
				len--;
		}
		rc = buf_append_string(out, "=?UTF-8?B?");
		if (rc == RC_OK)
			rc = base64_encode(out, SPAN(text, len));
		text += len;
		if (rc == RC_OK)
			rc = buf_append_string(out, *text == 0 ? "?=" : "?=\n ");
	}
	return rc;
}

static void mail_time(int64_t ms, const char *format, char *out, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc = {0};

	gmtime_r(&seconds, &utc);
	if (strcmp(format, "header") == 0)
		strftime(out, size, "%a, %d %b %Y %H:%M:%S +0000", &utc);
	else
		strftime(out, size, "%d/%m/%Y %H:%M:%S", &utc);
}

static rc_t headers_put(
	struct buf *out, const struct mail_notice *notice, const struct notice_text *text)
{
	char date[64];

	mail_time(notice->created_ms, "header", date, sizeof(date));
	rc_t rc = buf_append_string(out, "From: ");
	if (rc == RC_OK)
		rc = encoded_words_put(out, notice->service);
	if (rc == RC_OK)
		rc = buf_printf(out, " <no-reply@localhost>\nTo: <%s>\nSubject: ", notice->email);
	if (rc == RC_OK)
		rc = encoded_words_put(out, text->subject);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"\nDate: %s\nMessage-ID: <notice-%lld.%lld@localhost>\n"
			"Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
			"Content-Type: text/plain; charset=utf-8\n"
			"Content-Transfer-Encoding: 8bit\n\n",
			date, (long long)notice->id, (long long)notice->created_ms);
	return rc;
}

rc_t mail_notice_text(struct buf *out, const struct mail_notice *notice)
{
	const struct notice_text *text = notice_text_find(notice->kind);
	const char *name = text_plain(notice->name) ? notice->name : "";
	char when[32];

	if (text == NULL || !address_fits(notice->email) || !text_plain(notice->credential) ||
		!text_plain(notice->service))
		return RC_PARAMETER_INVALID;
	mail_time(notice->created_ms + VIETNAM_AHEAD_MS, "body", when, sizeof(when));
	rc_t rc = headers_put(out, notice, text);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"Kính gửi %s,\n\n%s\n\nThời điểm: %s (giờ Việt Nam)\nMã khoá ký: "
			"%s\n\n%s\n\n--\n\n",
			name, text->vi, when, notice->credential, not_you_vi);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"Dear %s,\n\n%s\n\nTime: %s (Vietnam, UTC+7)\nSigning key: %s\n\n"
			"%s\n",
			name, text->en, when, notice->credential, not_you_en);
	return rc;
}
