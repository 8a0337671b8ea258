#include "clients/cli/cli.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 28

const struct cli_option cli_globals[] = {
	{"env", 0, "FILE", NULL,
		{"take NAME=value lines from FILE, e.g. .run/env of quickstart",
			"lấy các dòng TÊN=giá-trị từ FILE, ví dụ .run/env của quickstart"}},
	{"url", 0, "URL", "RSSP_URL",
		{"the service, e.g. https://127.0.0.1:8443",
			"địa chỉ dịch vụ, ví dụ https://127.0.0.1:8443"}},
	{"ca-cert", 0, "FILE", "RSSP_CACERT",
		{"the root that the service's TLS certificate ends in",
			"chứng thư gốc của chứng thư TLS của dịch vụ"}},
	{"json", 0, NULL, NULL,
		{"print one JSON object instead of text",
			"in một đối tượng JSON thay cho văn bản"}},
	{"lang", 0, "en|vi", NULL,
		{"language of messages (else by LC_ALL, LC_MESSAGES, LANG)",
			"ngôn ngữ thông báo (nếu không: theo LC_ALL, LC_MESSAGES, LANG)"}},
	{"help", 'h', NULL, NULL, {"this help", "phần trợ giúp này"}},
	{"version", 0, NULL, NULL, {"print the version", "in phiên bản"}},
};
const size_t cli_global_count = sizeof(cli_globals) / sizeof(cli_globals[0]);

static void print_option(const struct cli *cli, const struct cli_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", option->letter != 0 ? "-" : "",
		option->letter != 0 ? option->letter : ' ', option->letter != 0 ? ", " : "   ",
		option->name, option->argument != NULL ? " " : "",
		option->argument != NULL ? option->argument : "");
	printf("  ");
	cli_pad(left, NAME_WIDTH);
	printf(" %s", cli_text(cli, option->help));
	if (option->variable != NULL)
		printf(" [%s]", option->variable);
	putchar('\n');
}

static void print_options(
	const struct cli *cli, const struct cli_option *options, size_t count, struct text heading)
{
	if (count == 0)
		return;
	printf("\n%s\n", cli_text(cli, heading));
	for (size_t i = 0; i < count; i++)
		print_option(cli, &options[i]);
}

static void print_children(const struct cli *cli, const struct cli_command *command)
{
	printf("\n%s\n", cli_text(cli, (struct text){"Commands:", "Các lệnh:"}));
	for (size_t i = 0; i < command->child_count; i++) {
		printf("  ");
		cli_pad(command->children[i].name, 14);
		printf(" %s\n", cli_text(cli, command->children[i].summary));
	}
}

const struct text cli_exit_texts[] = {
	{"done", "xong"},
	{"the server refused", "máy chủ từ chối"},
	{"wrong usage", "dùng lệnh sai"},
	{"an input file is faulty", "tệp đầu vào có lỗi"},
	{"the server cannot be reached, or asks to come back later",
		"không kết nối được máy chủ, hoặc máy chủ yêu cầu thử lại sau"},
	{"wrong or locked PIN, wrong one-time password, wrong activation code",
		"PIN sai hoặc bị khoá, mã OTP sai, mã kích hoạt sai"},
	{"the policy refuses, or waits for an operator",
		"chính sách từ chối, hoặc chờ người vận hành quyết định"},
	{"a fault of this machine (a file cannot be written …)",
		"lỗi trên máy này (không ghi được tệp …)"},
	{"stopped by a signal (Ctrl-C, a terminal that closes) in the middle of signing; what was "
	 "written is whole",
		"bị dừng giữa chừng khi đang ký (Ctrl-C, cửa sổ lệnh bị đóng); các tệp đã ghi đều "
		"trọn vẹn"},
	{"verify: a signature has a fault, or there is none",
		"verify: có chữ ký không hợp lệ, hoặc không có chữ ký nào"},
};
const size_t cli_exit_count = sizeof(cli_exit_texts) / sizeof(cli_exit_texts[0]);

static void print_exit_codes(const struct cli *cli)
{
	printf("\n%s\n", cli_text(cli, (struct text){"Exit codes:", "Mã thoát:"}));
	for (size_t i = 0; i < cli_exit_count; i++)
		printf("  %zu  %s\n", i, cli_text(cli, cli_exit_texts[i]));
}

void cli_help(const struct cli *cli, const struct cli_command *root)
{
	const struct cli_command *command = cli->command;

	printf("%s\n\n%s %s", cli_text(cli, command->summary),
		cli_text(cli, (struct text){"Usage:", "Cách dùng:"}), cli->name);
	if (command->children != NULL)
		printf(" %s", cli_text(cli, (struct text){"COMMAND", "LỆNH"}));
	printf(" [%s]", cli_text(cli, (struct text){"OPTIONS", "TUỲ CHỌN"}));
	if (command->arguments != NULL)
		printf(" %s", command->arguments);
	putchar('\n');
	if (command->detail.en != NULL)
		printf("\n%s\n", cli_text(cli, command->detail));
	if (command->children != NULL)
		print_children(cli, command);
	print_options(cli, command->options, command->option_count,
		(struct text){"Options:", "Tuỳ chọn:"});
	print_options(cli, cli_globals, cli_global_count,
		(struct text){"Everywhere:", "Dùng ở mọi lệnh:"});
	if (command->example != NULL)
		printf("\n%s\n%s\n", cli_text(cli, (struct text){"Example:", "Ví dụ:"}),
			command->example);
	if (command == root)
		print_exit_codes(cli);
	else
		printf("\n%s %s --help\n", cli_text(cli, (struct text){"Exit codes:", "Mã thoát:"}),
			root->name);
}
