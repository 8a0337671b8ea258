/* `rssp operator status`: how the service does, and what to do about what is wrong. The server says
 * which part has which problem; the words and remedies are here. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <string.h>

#define PART_WIDTH 22
#define STATE_WIDTH 14 /* the longest word and two blanks */
#define LINE_MAX 256
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *code;
	struct text what, remedy;
} problems[] = {
	{"database-down",
		{"PostgreSQL is away or takes nothing: nothing is signed, as nothing can be recorded.",
			"Mất kết nối PostgreSQL, hoặc PostgreSQL không ghi được: không ký được vì "
			"không ghi được nhật ký."},
		{"Start PostgreSQL, or see what holds it up (its disk); the service connects again "
		 "by itself. Its log line `store: connection-lost` says why.",
			"Khởi động PostgreSQL, hoặc xem vì sao PostgreSQL bị treo (ổ đĩa); dịch vụ tự "
			"kết nối lại. Dòng nhật ký `store: connection-lost` nói rõ lý do."}},
	{"database-partly",
		{"Some connections to PostgreSQL are down.", "Một số kết nối PostgreSQL bị mất."},
		{"Look at max_connections and at the log of PostgreSQL.",
			"Xem max_connections và nhật ký của PostgreSQL."}},
	{"clock-skew",
		{"The clocks of service and database are apart; beyond 2 s nothing is signed.",
			"Đồng hồ của dịch vụ và cơ sở dữ liệu lệch nhau; quá 2 giây thì không ký."},
		{"Set both by NTP: timedatectl, chronyc tracking.",
			"Đồng bộ cả hai bằng NTP: timedatectl, chronyc tracking."}},
	{"audit-partition",
		{"The audit has no partition for the weeks to come.",
			"Nhật ký kiểm toán chưa có phân vùng cho những tuần tới."},
		{"See in the log why audit.ensure_partitions fails; run schema/migrate.",
			"Xem nhật ký vì sao audit.ensure_partitions lỗi; chạy schema/migrate."}},
	{"module-missing",
		{"No signature activation module of this kind takes jobs.",
			"Không có mô-đun kích hoạt chữ ký loại này nhận việc."},
		{"Run rssp-keys check: is the HSM there, its PIN right, its keys as they must be?",
			"Chạy rssp-keys check: HSM có đó không, PIN đúng không, khoá đúng thuộc tính "
			"không?"}},
	{"module-partly",
		{"Not all modules of this kind take jobs; the others have more to do.",
			"Không phải mọi mô-đun loại này đều nhận việc; số còn lại phải làm nhiều hơn."},
		{"Wait a minute; then read why in the log: supervisor: ended child=…",
			"Đợi một phút; sau đó xem lý do trong nhật ký: supervisor: ended child=…"}},
	{"module-restarts",
		{"A module died within the last hour and was started again.",
			"Trong giờ qua có mô-đun bị ngắt và đã khởi động lại."},
		{"If it goes on: the log (supervisor: ended child=…), then rssp-keys check.",
			"Nếu còn tiếp diễn: xem nhật ký (supervisor: ended child=…), rồi rssp-keys "
			"check."}},
	{"server-certificate",
		{"The server's TLS certificate ends soon, or has ended.",
			"Chứng thư TLS của máy chủ sắp hết hạn hoặc đã hết hạn."},
		{"Put the new one at tls.certificate and tls.key, then: systemctl reload rsspd",
			"Đặt chứng thư mới vào tls.certificate và tls.key, rồi: systemctl reload "
			"rsspd"}},
	{"reload-failed",
		{"The last reload of the TLS certificate failed; the old one is served.",
			"Lần nạp lại chứng thư TLS gần nhất bị lỗi; vẫn dùng chứng thư cũ."},
		{"rsspd --check-config says what is wrong; mend it, then: systemctl reload rsspd",
			"rsspd --check-config nói rõ lỗi; sửa rồi: systemctl reload rsspd"}},
	{"ca-certificate",
		{"The certificate of the CA ends soon, or has ended.",
			"Chứng thư của CA sắp hết hạn hoặc đã hết hạn."},
		{"Plan a new CA now: every certificate that it issued ends with it.",
			"Chuẩn bị CA mới ngay: mọi chứng thư do nó cấp hết hiệu lực cùng lúc."}},
	{"operator-certificate",
		{"An operator's certificate ends soon, or has ended.",
			"Chứng thư của một người vận hành sắp hết hạn hoặc đã hết hạn."},
		{"Make a new one, add it to operators.file, restart rsspd.",
			"Tạo chứng thư mới, thêm vào operators.file, khởi động lại rsspd."}},
	{"crl-missing",
		{"There is no revocation list: verifiers cannot check certificates.",
			"Chưa có danh sách thu hồi: bên kiểm tra không xác minh được chứng thư."},
		{"The module of the role issue makes it: see there, and in the log.",
			"Mô-đun vai trò issue tạo danh sách này: xem mục đó và nhật ký."}},
	{"crl-old",
		{"The revocation list was not made anew for hours.",
			"Danh sách thu hồi nhiều giờ chưa được làm mới."},
		{"It is made every hour: the log says `core: no revocation list`, and why.",
			"Danh sách được làm mới mỗi giờ: nhật ký ghi `core: no revocation list` và lý "
			"do."}},
};

/* The parts of the server's problems. */
static const struct {
	const char *part;
	struct text name;
} parts[] = {
	{"database", {"database", "cơ sở dữ liệu"}},
	{"audit", {"audit", "nhật ký kiểm toán"}},
	{"activate", {"modules: activate", "mô-đun: activate"}},
	{"sign", {"modules: sign", "mô-đun: sign"}},
	{"issue", {"modules: issue", "mô-đun: issue"}},
	{"server", {"server certificate", "chứng thư máy chủ"}},
	{"ca", {"CA certificate", "chứng thư CA"}},
	{"operator", {"operator certificate", "chứng thư vận hành"}},
	{"revocation-list", {"revocation list", "danh sách thu hồi"}},
	{"requests", {"requests", "yêu cầu"}},
};

/* ---- reading ---- */

static long long number(const json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
}

/* "?" where there is none. */
static const char *text(const json_t *object, const char *member, char out[LINE_MAX])
{
	const char *value = json_string_value(json_object_get(object, member));

	snprintf(out, LINE_MAX, "%s", value == NULL ? "?" : value);
	client_text_disarm(out, false);
	return out;
}

/* "2026-05-28T07:30:00.000Z" as "2026-05-28 07:30 UTC". */
static const char *when(const json_t *object, const char *member, char out[LINE_MAX])
{
	text(object, member, out);
	if (strlen(out) == 24 && out[10] == 'T' && out[23] == 'Z') {
		out[10] = ' ';
		snprintf(out + 16, LINE_MAX - 16, " UTC");
	}
	return out;
}

static bool is(const json_t *object, const char *member, const char *value)
{
	const char *own = json_string_value(json_object_get(object, member));

	return own != NULL && strcmp(own, value) == 0;
}

/* ---- a line a part ---- */

enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL };

static const struct {
	enum cli_colour colour;
	struct text word;
} states[] = {
	[STATE_OK] = {COLOUR_GOOD, {"ok", "bình thường"}},
	[STATE_WARNING] = {COLOUR_WAIT, {"warning", "cảnh báo"}},
	[STATE_CRITICAL] = {COLOUR_BAD, {"critical", "nghiêm trọng"}},
};

static enum state state_of(const json_t *problem)
{
	return is(problem, "severity", "critical") ? STATE_CRITICAL : STATE_WARNING;
}

/* The worst of a part; part NULL: of all. */
static enum state worst_of(const struct cli *cli, const char *part)
{
	const json_t *all = json_object_get(cli->answer.body, "problems");
	enum state worst = STATE_OK;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *problem = json_array_get(all, i);
		if ((part == NULL || is(problem, "part", part)) && state_of(problem) > worst)
			worst = state_of(problem);
	}
	return worst;
}

static void print_state(const struct cli *cli, enum state state)
{
	fputs(cli_colour(cli, states[state].colour), stdout);
	cli_pad(cli_text(cli, states[state].word), STATE_WIDTH);
	fputs(cli_plain(cli), stdout);
}

static const char *part_name(const struct cli *cli, const char *part)
{
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (strcmp(parts[i].part, part) == 0)
			return cli_text(cli, parts[i].name);
	}
	return "?";
}

static void begin_line(const struct cli *cli, const char *part)
{
	cli_pad(part_name(cli, part), PART_WIDTH);
	print_state(cli, worst_of(cli, part));
}

static void show_head(const struct cli *cli)
{
	const json_t *service = json_object_get(cli->answer.body, "service");
	char name[LINE_MAX], version[LINE_MAX], since[LINE_MAX];
	enum state worst = worst_of(cli, NULL);

	printf("%s%s%s  rsspd %s  ", cli_colour(cli, COLOUR_BOLD), text(service, "name", name),
		cli_plain(cli), text(service, "version", version));
	printf("%s%s%s  ", cli_colour(cli, states[worst].colour), cli_text(cli, states[worst].word),
		cli_plain(cli));
	cli_say(cli, "since %s, restarts of the api process: %lld",
		"từ %s, số lần tiến trình api khởi động lại: %lld",
		when(service, "startedAt", since), number(service, "apiRestarts"));
}

static void show_database(const struct cli *cli)
{
	const json_t *database = json_object_get(cli->answer.body, "database");
	char until[LINE_MAX];

	begin_line(cli, "database");
	cli_say(cli, "%lld of %lld connections, clocks %lld ms apart",
		"%lld/%lld kết nối, đồng hồ lệch %lld ms", number(database, "up"),
		number(database, "connections"), number(database, "clockSkewMs"));
	begin_line(cli, "audit");
	cli_say(cli, "partitions until %s", "phân vùng đến %s",
		when(database, "auditUntil", until));
}

static void show_modules(const struct cli *cli)
{
	const json_t *modules = json_object_get(cli->answer.body, "modules");
	char role[LINE_MAX];

	for (size_t i = 0; i < json_array_size(modules); i++) {
		const json_t *module = json_array_get(modules, i);
		begin_line(cli, text(module, "role", role));
		cli_say(cli,
			"%lld of %lld ready, %lld jobs wait, %lld in work; died %lld, replaced %lld",
			"%lld/%lld sẵn sàng, %lld việc chờ, %lld đang làm; bị ngắt %lld, thay mới "
			"%lld",
			number(module, "ready"), number(module, "processes"),
			number(module, "waiting"), number(module, "inFlight"),
			number(module, "died"), number(module, "recycled"));
	}
}

static void show_ends(const struct cli *cli)
{
	const json_t *certificates = json_object_get(cli->answer.body, "certificates");
	const json_t *crl = json_object_get(cli->answer.body, "revocationList");
	char name[LINE_MAX], until[LINE_MAX], made[LINE_MAX];

	for (size_t i = 0; i < json_array_size(certificates); i++) {
		const json_t *one = json_array_get(certificates, i);
		begin_line(cli, text(one, "name", name));
		cli_say(cli, "until %s, %lld days left", "đến %s, còn %lld ngày",
			when(one, "validTo", until), number(one, "daysLeft"));
	}
	begin_line(cli, "revocation-list");
	cli_say(cli, "of %s, good until %s", "lập lúc %s, có hiệu lực đến %s",
		when(crl, "thisUpdate", made), when(crl, "nextUpdate", until));
}

static void show_requests(const struct cli *cli)
{
	const json_t *requests = json_object_get(cli->answer.body, "requests");

	begin_line(cli, "requests");
	cli_say(cli,
		"%lld in work, %lld connections; since the start: refused for load %lld, failed "
		"handshakes %lld",
		"%lld đang xử lý, %lld kết nối; từ khi chạy: từ chối vì quá tải %lld, bắt tay TLS "
		"lỗi %lld",
		number(requests, "inFlight"), number(requests, "connections"),
		number(requests, "refusedForLoad"), number(requests, "handshakesFailed"));
}

/* ---- what to do ---- */

/* A code that a newer server has is shown as it is. */
static void show_problem(const struct cli *cli, const json_t *problem)
{
	char part[LINE_MAX], code[LINE_MAX];
	const char *what = text(problem, "code", code), *remedy = NULL;

	for (size_t i = 0; i < COUNT(problems); i++) {
		if (strcmp(problems[i].code, code) == 0) {
			what = cli_text(cli, problems[i].what);
			remedy = cli_text(cli, problems[i].remedy);
		}
	}
	printf("\n%s%s%s: %s\n", cli_colour(cli, states[state_of(problem)].colour),
		part_name(cli, text(problem, "part", part)), cli_plain(cli), what);
	if (remedy != NULL)
		printf("  %s%s%s %s\n", cli_colour(cli, COLOUR_BOLD),
			cli_text(cli, (struct text){"Do:", "Cần làm:"}), cli_plain(cli), remedy);
}

static void show(const struct cli *cli)
{
	const json_t *all = json_object_get(cli->answer.body, "problems");

	if (cli->json)
		return;
	show_head(cli);
	putchar('\n');
	show_database(cli);
	show_modules(cli);
	show_ends(cli);
	show_requests(cli);
	for (size_t i = 0; i < json_array_size(all); i++)
		show_problem(cli, json_array_get(all, i));
}

/* Without its database the service answers 503, as ever then, but with the status. */
enum cli_exit cli_operator_status(struct cli *cli)
{
	rc_t rc = client_get(cli->client, "/operator/v1/status", NULL, 0, &cli->answer);
	bool told = json_is_array(json_object_get(cli->answer.body, "problems"));

	if (rc != RC_OK && !(rc == RC_SERVER_REFUSED && told))
		return cli_fail_rc(cli, rc);
	if (!told)
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	show(cli);
	if (cli->result == NULL)
		cli->result = json_object();
	json_object_update(cli->result, cli->answer.body);
	return CLI_DONE;
}
