#include "clients/cli/cli.h"

#include "clients/lib/qr.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct factors {
	struct secret code, identity, pin, password, again;
};

static json_t *json_secret(const struct secret *secret)
{
	struct span text = secret_span(secret);

	return json_stringn((const char *)text.data, text.len);
}

static enum cli_exit ask_pin(struct cli *cli, struct factors *factors)
{
	enum cli_exit code = cli_ask(cli, "pin-fd",
		(struct text){"New PIN (6 to 64 characters)", "PIN mới (6 đến 64 ký tự)"},
		ASK_HIDDEN, &factors->pin);

	/* twice only where a hand types it unseen */
	if (code != CLI_DONE || cli_has(cli, "pin-fd"))
		return code;
	code = cli_ask(cli, "pin-fd", (struct text){"The PIN again", "Nhập lại PIN"}, ASK_HIDDEN,
		&factors->again);
	if (code == CLI_DONE &&
		!secret_equal(secret_span(&factors->pin), secret_span(&factors->again)))
		code = cli_fail(cli, CLI_USAGE, "the two PINs differ; nothing was sent",
			"hai lần nhập PIN khác nhau; chưa gửi gì");
	return code;
}

/* Who gives the PIN by a descriptor, and no password, has a script that sets none. */
static enum cli_exit ask_password(struct cli *cli, struct factors *factors)
{
	bool given = cli_has(cli, "password-fd");

	if (!given && cli_has(cli, "pin-fd"))
		return CLI_DONE;
	enum cli_exit code = cli_ask(cli, "password-fd",
		(struct text){"New password of your own pages (10 characters or more)",
			"Mật khẩu mới cho trang tài khoản (10 ký tự trở lên)"},
		ASK_HIDDEN, &factors->password);
	if (code != CLI_DONE || given)
		return code;
	code = cli_ask(cli, "password-fd", (struct text){"The password again", "Nhập lại mật khẩu"},
		ASK_HIDDEN, &factors->again);
	if (code == CLI_DONE &&
		!secret_equal(secret_span(&factors->password), secret_span(&factors->again)))
		code = cli_fail(cli, CLI_USAGE, "the two passwords differ; nothing was sent",
			"hai lần nhập mật khẩu khác nhau; chưa gửi gì");
	return code;
}

static enum cli_exit ask_factors(struct cli *cli, struct factors *factors)
{
	enum cli_exit code = cli_ask(cli, "code-fd",
		(struct text){"Activation code from your official e-mail",
			"Mã kích hoạt trong thư công vụ"},
		ASK_VISIBLE, &factors->code);

	if (code == CLI_DONE)
		code = cli_ask(cli, "identity-fd",
			(struct text){"Personal identity number", "Số định danh cá nhân"},
			ASK_VISIBLE, &factors->identity);
	if (code == CLI_DONE)
		code = ask_pin(cli, factors);
	return code == CLI_DONE ? ask_password(cli, factors) : code;
}

static enum cli_exit activate(struct cli *cli, const struct factors *factors)
{
	const char *key = cli_value(cli, "key");
	json_t *body =
		json_pack("{s:o, s:o, s:o}", "code", json_secret(&factors->code), "identityNumber",
			json_secret(&factors->identity), "PIN", json_secret(&factors->pin));

	if (key != NULL && body != NULL)
		json_object_set_new(body, "key", json_string(key));
	if (factors->password.bytes.len > 0 && body != NULL)
		json_object_set_new(body, "password", json_secret(&factors->password));
	rc_t rc = client_post(cli->client, "/activation/v1/activate", body, &cli->answer);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

/* Two modules a character, light on dark as terminals mostly are; two modules of quiet around. */
static void print_qr(const struct cli *cli, const struct qr *qr)
{
	static const char *const blocks[] = {"█", "▀", "▄", " "};
	size_t size = qr->size;

	for (size_t r = 0; r < size + 4; r += 2) {
		fputs(cli->colour_out ? "  \033[97;40m" : "  ", stdout);
		for (size_t c = 0; c < size + 4; c++) {
			bool inside = c >= 2 && c < size + 2;
			bool above = inside && r >= 2 && r < size + 2 && qr->dark[r - 2][c - 2];
			bool below = inside && r + 1 >= 2 && r + 1 < size + 2 &&
				     qr->dark[r + 1 - 2][c - 2];
			fputs(blocks[(above ? 2 : 0) + (below ? 1 : 0)], stdout);
		}
		puts(cli_plain(cli));
	}
}

/* Where a camera can read it: a terminal of UTF-8 that is wide enough. */
static void show_qr(const struct cli *cli, const char *text)
{
	struct winsize window = {0};
	struct qr qr;

	if (cli->json || isatty(STDOUT_FILENO) != 1 || strcmp(nl_langinfo(CODESET), "UTF-8") != 0 ||
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 ||
		qr_encode(span_string(text), &qr) != RC_OK)
		return;
	if (window.ws_col >= qr.size + 6)
		print_qr(cli, &qr);
	qr_wipe(&qr);
}

static enum cli_exit show(struct cli *cli)
{
	const struct client_answer *answer = &cli->answer;
	const char *user = client_answer_string(answer, "userID");
	const char *credential = client_answer_string(answer, "credentialID");
	const char *otpauth = client_answer_string(answer, "otpauth");

	if (user == NULL || credential == NULL || otpauth == NULL)
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	cli_say(cli, "%sYour key is ready.%s", "%sKhoá của bạn đã sẵn sàng.%s",
		cli_colour(cli, COLOUR_GOOD), cli_plain(cli));
	cli_say(cli, "  user        %s\n  credential  %s", "  thuê bao    %s\n  chứng thư   %s",
		user, credential);
	cli_say(cli,
		"\nAdd this to your authenticator app now; it is shown only once, and whoever has it\n"
		"has your one-time passwords:\n\n  %s\n",
		"\nHãy thêm địa chỉ này vào ứng dụng xác thực ngay; nó chỉ hiện một lần, ai có nó sẽ có\n"
		"mã OTP của bạn:\n\n  %s\n",
		otpauth);
	show_qr(cli, otpauth);
	cli_say(cli, "Then: rssp sign FILE.pdf --credential %s",
		"Sau đó: rssp sign TỆP.pdf --credential %s", credential);
	json_object_update(
		cli->result == NULL ? (cli->result = json_object()) : cli->result, answer->body);
	return CLI_DONE;
}

enum cli_exit cli_activate(struct cli *cli)
{
	struct factors factors = {0};

	enum cli_exit code = ask_factors(cli, &factors);
	if (code == CLI_DONE)
		code = activate(cli, &factors);
	secret_free(&factors.code);
	secret_free(&factors.identity);
	secret_free(&factors.pin);
	secret_free(&factors.password);
	secret_free(&factors.again);
	return code == CLI_DONE ? show(cli) : code;
}
