/* THE table: every command, its options and its help. */
#include "clients/cli/cli.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPTIONS(array) .options = (array), .option_count = COUNT(array)
#define CHILDREN(array) .children = (array), .child_count = COUNT(array)

/* clang-format off */
#define CLIENT_OPTIONS \
	{"client-id", 0, "ID", "RSSP_CLIENT_ID", \
		{"the client application", "mã ứng dụng khách"}}, \
	{"client-secret-fd", 0, "N", NULL, \
		{"read its secret from descriptor N (else RSSP_CLIENT_SECRET)", \
			"đọc mật khẩu ứng dụng từ bộ mô tả tệp N (nếu không: RSSP_CLIENT_SECRET)"}}
#define OPERATOR_OPTIONS \
	{"operator-cert", 0, "FILE", "RSSP_OPERATOR_CERT", \
		{"the operator's certificate", "chứng thư của người vận hành"}}, \
	{"operator-key", 0, "FILE", "RSSP_OPERATOR_KEY", \
		{"the operator's key", "khoá của người vận hành"}}
/* As clients/lib/visible.h reads them. */
#define VISIBLE_OPTIONS \
	{"picture", 0, "FILE.png", NULL, \
		{"a person's signature: blue, transparent; \"none\": without", \
			"hình chữ ký cá nhân: màu xanh, nền trong suốt; \"none\": không dùng"}}, \
	{"seal", 0, "FILE.png", NULL, \
		{"an organisation's seal: red, transparent, in its real size", \
			"con dấu của cơ quan: màu đỏ, nền trong suốt, kích thước thực"}}, \
	{"seal-width", 0, "LENGTH", NULL, \
		{"its real width, 10 to 100 mm, where the PNG does not say", \
			"chiều rộng thực của con dấu, từ 10 đến 100 mm, khi tệp PNG không ghi"}}, \
	{"show", 0, "LIST", NULL, \
		{"lines: name,email,agency,time; how: labels,bold (default: all); none; +WORD, -WORD", \
			"các dòng: name,email,agency,time; cách ghi: labels,bold (mặc định: tất cả); " \
			"none; +TỪ, -TỪ"}}, \
	{"page", 0, "first|last|N", NULL, \
		{"first, last (default) or a number", "first, last (mặc định) hoặc số trang"}}, \
	{"corner", 0, "top-left|top-right|bottom-left|bottom-right", NULL, \
		{"where x and y begin (default bottom-right)", \
			"gốc của x và y (mặc định bottom-right)"}}, \
	{"x", 0, "LENGTH", NULL, \
		{"from that corner, 0 to 1000 mm; or with cm or pt (default 20mm)", \
			"khoảng cách từ góc đó, từ 0 đến 1000 mm; hoặc ghi cm, pt (mặc định 20mm)"}}, \
	{"y", 0, "LENGTH", NULL, \
		{"from that corner, 0 to 1000 mm (default 25mm)", \
			"khoảng cách từ góc đó, từ 0 đến 1000 mm (mặc định 25mm)"}}, \
	{"width", 0, "LENGTH", NULL, \
		{"of picture and text, 5 to 1000 mm (default: as suits them)", \
			"chiều rộng của hình và chữ, từ 5 đến 1000 mm (mặc định: theo nội dung)"}}, \
	{"height", 0, "LENGTH", NULL, \
		{"of picture and text, 5 to 1000 mm (default: as suits them)", \
			"chiều cao của hình và chữ, từ 5 đến 1000 mm (mặc định: theo nội dung)"}}, \
	{"font", 0, "FILE.ttf", NULL, \
		{"TrueType (default Liberation Serif; or RSSP_FONT)", \
			"phông TrueType (mặc định Liberation Serif; hoặc RSSP_FONT)"}}, \
	{"bold-font", 0, "FILE.ttf", NULL, \
		{"bold type beside it (or RSSP_BOLD_FONT)", \
			"phông chữ đậm kèm theo (hoặc RSSP_BOLD_FONT)"}}, \
	{"font-size", 0, "POINTS", NULL, \
		{"where it fits, 5 to 72 (default 10)", \
			"cỡ chữ khi đủ chỗ, từ 5 đến 72 (mặc định 10)"}}
/* clang-format on */

static const struct cli_option sign_options[] = {
	{"format", 0, "pades|cades", NULL,
		{"pades: into the PDF (default); cades: any file, signature in FILE.p7s beside it",
			"pades: ký vào PDF (mặc định); cades: mọi loại tệp, chữ ký ở TỆP.p7s bên cạnh"}},
	{"list", 0, "FILE", NULL,
		{"sign the files named in FILE, one a line; -: standard input",
			"ký các tệp có tên trong FILE, mỗi dòng một tên; -: đầu vào chuẩn"}},
	{"recursive", 'r', NULL, NULL,
		{"folders with the folders below them; links are not followed",
			"thư mục cùng các thư mục con; không đi theo liên kết"}},
	{"output", 'o', "FILE", NULL,
		{"write here (default: NAME-signed.pdf beside the input)",
			"ghi ra tệp này (mặc định: TÊN-signed.pdf cạnh tệp vào)"}},
	{"output-dir", 0, "FOLDER", NULL,
		{"write into FOLDER, made if it is missing, with the input's subfolders",
			"ghi vào thư mục này (tự tạo nếu chưa có), giữ các thư mục con"}},
	{"force", 0, NULL, NULL,
		{"replace an output that exists; never the input",
			"ghi đè tệp ra nếu đã có; không bao giờ ghi đè tệp vào"}},
	{"results", 0, "FILE", NULL,
		{"keep a list there of what is done; the same command goes on from it",
			"ghi danh sách kết quả vào đó; chạy lại lệnh thì làm tiếp"}},
	{"keep-going", 0, NULL, NULL,
		{"sign the others when a file cannot be signed (default: sign none)",
			"vẫn ký các tệp khác khi có tệp không ký được (mặc định: không ký tệp nào)"}},
	{"user", 0, "ID", "RSSP_USER",
		{"the subscriber whose only credential signs",
			"thuê bao ký (khi chỉ có một chứng thư)"}},
	{"credential", 0, "ID", "RSSP_CREDENTIAL",
		{"the credential that signs", "chứng thư dùng để ký"}},
	{"scheme", 0, "pkcs1|pss", NULL,
		{"for RSA keys (default pkcs1, which every reader knows)",
			"cho khoá RSA (mặc định pkcs1, phần mềm nào cũng đọc được)"}},
	{"reason", 0, "TEXT", NULL, {"why it is signed", "lý do ký"}},
	{"location", 0, "TEXT", NULL, {"where it is signed", "nơi ký"}},
	{"visible", 0, NULL, NULL,
		{"show the signature on a page, as the default template and the options below say",
			"hiện chữ ký trên trang, theo mẫu mặc định và các tuỳ chọn dưới đây"}},
	{"template", 0, "NAME", NULL,
		{"show it as this template says (see rssp template)",
			"hiện chữ ký theo mẫu này (xem rssp template)"}},
	VISIBLE_OPTIONS,
	{"pin-fd", 0, "N", NULL, {"read the PIN from descriptor N", "đọc PIN từ bộ mô tả tệp N"}},
	{"otp-fd", 0, "N", NULL,
		{"read the one-time password from descriptor N", "đọc mã OTP từ bộ mô tả tệp N"}},
	CLIENT_OPTIONS,
};

static const struct cli_option template_save_options[] = {
	VISIBLE_OPTIONS,
	{"default", 0, NULL, NULL,
		{"what --visible shows; the first one saved is, without asking",
			"dùng cho --visible; mẫu đầu tiên mặc nhiên là mẫu mặc định"}},
	{"force", 0, NULL, NULL, {"replace a template of that name", "ghi đè mẫu trùng tên"}},
};

static const struct cli_option activate_options[] = {
	{"key", 0, "p-256|p-384|rsa-2048|rsa-3072|rsa-4096", NULL,
		{"kind of key (default p-256)", "loại khoá (mặc định p-256)"}},
	{"code-fd", 0, "N", NULL,
		{"read the activation code from descriptor N",
			"đọc mã kích hoạt từ bộ mô tả tệp N"}},
	{"identity-fd", 0, "N", NULL,
		{"read the identity number from descriptor N",
			"đọc số định danh từ bộ mô tả tệp N"}},
	{"pin-fd", 0, "N", NULL, {"read the PIN from descriptor N", "đọc PIN từ bộ mô tả tệp N"}},
	{"password-fd", 0, "N", NULL,
		{"read the password of one's own pages from descriptor N",
			"đọc mật khẩu của trang tài khoản từ bộ mô tả tệp N"}},
};

static const struct cli_option verify_options[] = {
	{"ca", 0, "FILE", "RSSP_TRUST",
		{"a trusted root certificate, of signers or of timestamps; may be repeated",
			"chứng thư gốc tin cậy, của người ký hoặc của dấu thời gian; được dùng nhiều lần"}},
	{"crl", 0, "FILE", NULL,
		{"a list of revoked certificates; may be repeated",
			"danh sách chứng thư bị thu hồi (CRL); được dùng nhiều lần"}},
	{"offline", 0, NULL, NULL,
		{"fetch no list of revoked certificates; without --crl revocation is then not checked",
			"không tải danh sách thu hồi; nếu không có --crl thì tình trạng thu hồi không được "
			"kiểm tra"}},
	{"content", 0, "FILE", NULL,
		{"what a detached signature signs (NAME.p7s: NAME, if it is there)",
			"tệp mà chữ ký tách rời đã ký (TÊN.p7s: TÊN, nếu có)"}},
	{"expect", 0, "organisation|person", NULL,
		{"whose certificate is due",
			"loại chứng thư số phải dùng: của cơ quan, tổ chức (organisation) hoặc cá nhân "
			"(person)"}},
	{"allow-no-timestamp", 0, NULL, NULL,
		{"a missing timestamp is no fault (signatures of rssp sign have none)",
			"không coi việc thiếu dấu thời gian là lỗi (chữ ký của rssp sign không có)"}},
	{"allow-no-revocation", 0, NULL, NULL,
		{"revocation that could not be checked is no fault",
			"không coi việc chưa kiểm tra được tình trạng thu hồi là lỗi"}},
};

static const struct cli_option list_options[] = {
	{"user", 0, "ID", "RSSP_USER", {"the subscriber", "thuê bao"}},
	CLIENT_OPTIONS,
};

static const struct cli_option operator_options[] = {OPERATOR_OPTIONS};

static const struct cli_option enrol_options[] = {
	{"dry-run", 0, NULL, NULL,
		{"check the list and ask the policy, but enrol nobody",
			"kiểm tra danh sách và hỏi chính sách, không đăng ký ai"}},
	OPERATOR_OPTIONS,
};

static const struct cli_option agency_add_options[] = {
	{"sector", 0, "education|training|health|other", NULL,
		{"what decides who may sign (default: that of the level above)",
			"lĩnh vực, quyết định ai được ký (mặc định: theo cấp trên)"}},
	{"province", 0, "NAME", NULL,
		{"province or city (required)", "tỉnh, thành phố (bắt buộc)"}},
	OPERATOR_OPTIONS,
};

static const struct cli_option client_add_options[] = {
	{"name", 0, "TEXT", NULL, {"what people call it", "tên ứng dụng"}},
	{"agency", 0, "ID", NULL,
		{"the agency whose credentials it may use, with those below it",
			"cơ quan mà ứng dụng được dùng chứng thư, kể cả cấp dưới"}},
	{"mode", 0, "oauth2code|explicit", NULL,
		{"oauth2code: people approve in their browser (default); explicit: it asks for PINs",
			"oauth2code: thuê bao duyệt trong trình duyệt (mặc định); explicit: hỏi PIN"}},
	{"redirect-uri", 0, "URI", NULL,
		{"where browsers may be sent back to, exactly; may be repeated (oauth2code: required)",
			"địa chỉ quay về của trình duyệt, đúng từng ký tự; được dùng nhiều lần (bắt buộc với "
			"oauth2code)"}},
	{"authentication", 0, "secret|private-key-jwt|tls|none", NULL,
		{"how it proves itself (default secret); none: a public client",
			"cách ứng dụng tự xác thực (mặc định secret); none: ứng dụng công khai"}},
	{"jwks", 0, "FILE", NULL,
		{"its public keys, a JWK Set (private-key-jwt)",
			"các khoá công khai của ứng dụng, dạng JWK Set (private-key-jwt)"}},
	{"certificate", 0, "FILE", NULL,
		{"its TLS certificate in PEM (tls)", "chứng thư TLS của ứng dụng, dạng PEM (tls)"}},
	{"csc-version", 0, "1|2", NULL,
		{"whose words OAuth uses (default 2); 1: without PKCE, too",
			"phiên bản CSC mà OAuth dùng (mặc định 2); 1: có thể không dùng PKCE"}},
	{"profile", 0, "general|finance", NULL,
		{"finance: centralised signing is refused (default general)",
			"finance: bị từ chối ký số tập trung (mặc định general)"}},
	OPERATOR_OPTIONS,
};

static const struct cli_option client_change_options[] = {
	{"redirect-uri", 0, "URI", NULL,
		{"where browsers may be sent back to: name all of them; may be repeated",
			"địa chỉ quay về của trình duyệt: nêu đủ mọi địa chỉ; được dùng nhiều lần"}},
	{"jwks", 0, "FILE", NULL,
		{"its public keys, a JWK Set (private-key-jwt)",
			"các khoá công khai của ứng dụng, dạng JWK Set (private-key-jwt)"}},
	{"certificate", 0, "FILE", NULL,
		{"its TLS certificate in PEM (tls)", "chứng thư TLS của ứng dụng, dạng PEM (tls)"}},
	OPERATOR_OPTIONS,
};

static const struct cli_option subscriber_list_options[] = {
	{"agency", 0, "ID", NULL, {"of this agency and below", "thuộc cơ quan này và cấp dưới"}},
	{"name", 0, "TEXT", NULL, {"whose name contains this", "tên có chứa"}},
	{"user", 0, "ID", NULL, {"this subscriber", "thuê bao này"}},
	{"limit", 0, "N", NULL, {"at most so many", "nhiều nhất bấy nhiêu"}},
	OPERATOR_OPTIONS,
};

static const struct cli_option audit_options[] = {
	{"subscriber", 0, "ID", NULL, {"of this subscriber", "của thuê bao này"}},
	{"credential", 0, "ID", NULL, {"on this credential", "trên chứng thư này"}},
	{"request", 0, "ID", NULL,
		{"of this request (X-Request-Id)", "của yêu cầu này (X-Request-Id)"}},
	{"from", 0, "TIME", NULL,
		{"not before: 2026-05-28 or 2026-05-28T07:30:00, local time, or with Z",
			"từ: 2026-05-28 hoặc 2026-05-28T07:30:00, giờ máy này, hoặc có Z"}},
	{"to", 0, "TIME", NULL, {"before this time", "trước thời điểm này"}},
	{"digest", 0, "FILE|HEX", NULL,
		{"the signature of a document: a signed PDF, or the hash in hexadecimal",
			"chữ ký của một tài liệu: tệp PDF đã ký, hoặc giá trị băm"}},
	{"limit", 0, "N", NULL, {"at most so many", "nhiều nhất bấy nhiêu"}},
	OPERATOR_OPTIONS,
};

static const struct cli_command agency_commands[] = {
	{.name = "add",
		.run = cli_agency_add,
		.needs = NEEDS_OPERATOR,
		OPTIONS(agency_add_options),
		.arguments = "LEVEL1 [LEVEL2 [LEVEL3 [LEVEL4]]]",
		.least = 1,
		.most = 4,
		.summary = {"add an agency to the tree", "thêm một cơ quan vào cây"},
		.detail = {"The names of its levels, highest first. The sector decides who may sign; "
			   "it is inherited.",
			"Tên các cấp, từ cao xuống thấp. Lĩnh vực quyết định ai được ký; cấp dưới thừa kế."},
		.example =
			"  rssp operator agency add \"UBND TỈNH MẪU\" \"SỞ Y TẾ\" --sector health "
			"--province Mẫu"},
	{.name = "list",
		.run = cli_agency_list,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.summary = {"the tree of agencies", "cây cơ quan"},
		.example = "  rssp operator agency list --env .run/env"},
};

static const struct cli_command client_commands[] = {
	{.name = "add",
		.run = cli_client_add,
		.needs = NEEDS_OPERATOR,
		OPTIONS(client_add_options),
		.summary = {"register a client application", "đăng ký một ứng dụng khách"},
		.detail = {"A secret is made by the service, shown once, here, and stored nowhere. "
			   "Of a key pair or a certificate\nonly the public part is sent.",
			"Mật khẩu ứng dụng do dịch vụ tạo, chỉ hiện một lần ở đây và không được lưu. Với "
			"cặp khoá hay chứng thư,\nchỉ phần công khai được gửi đi."},
		.example =
			"  rssp operator client add --name \"Sổ học bạ\" --agency AGENCY-ID \\\n"
			"      --redirect-uri https://hocba.mau.edu.vn/ky/xong\n"
			"  rssp operator client add --name \"Bệnh án\" --agency AGENCY-ID --mode explicit"},
	{.name = "list",
		.run = cli_client_list,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.summary = {"the client applications", "các ứng dụng khách"},
		.example = "  rssp operator client list --env .run/env"},
	{.name = "show",
		.run = cli_client_show,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "CLIENT-ID",
		.least = 1,
		.most = 1,
		.summary = {"what one is registered as", "nội dung đăng ký của một ứng dụng"},
		.example = "  rssp operator client show CLIENT-ID"},
	{.name = "change",
		.run = cli_client_change,
		.needs = NEEDS_OPERATOR,
		OPTIONS(client_change_options),
		.arguments = "CLIENT-ID",
		.least = 1,
		.most = 1,
		.summary = {"replace its redirect URIs, keys or certificate",
			"thay địa chỉ quay về, khoá hoặc chứng thư của ứng dụng"},
		.detail = {"What it is and how it proves itself stays. With other keys or another "
			   "certificate its tokens end.",
			"Loại ứng dụng và cách xác thực giữ nguyên. Khi thay khoá hoặc chứng thư, mã truy "
			"cập đã cấp hết hiệu lực."},
		.example = "  rssp operator client change CLIENT-ID --certificate new.pem"},
	{.name = "rotate",
		.run = cli_client_rotate,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "CLIENT-ID",
		.least = 1,
		.most = 1,
		.summary = {"give it a new secret; the old one ends",
			"cấp mật khẩu mới, huỷ mật khẩu cũ"},
		.example = "  rssp operator client rotate CLIENT-ID"},
	{.name = "disable",
		.run = cli_client_disable,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "CLIENT-ID",
		.least = 1,
		.most = 1,
		.summary = {"refuse it from now on", "từ chối ứng dụng từ bây giờ"},
		.example = "  rssp operator client disable CLIENT-ID"},
};

static const struct cli_command subscriber_commands[] = {
	{.name = "list",
		.run = cli_subscriber_list,
		.needs = NEEDS_OPERATOR,
		OPTIONS(subscriber_list_options),
		.summary = {"find subscribers and their credentials", "tìm thuê bao và chứng thư"},
		.example = "  rssp operator subscriber list --name \"Ví Dụ\""},
	{.name = "set-position",
		.run = cli_subscriber_set_position,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "USER-ID POSITION",
		.least = 2,
		.most = 2,
		.summary = {"change a position; the policy follows at once",
			"đổi chức vụ; chính sách áp dụng ngay"},
		.example = "  rssp operator subscriber set-position USER-ID \"Hiệu trưởng\""},
	{.name = "unlock",
		.run = cli_subscriber_unlock,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "CREDENTIAL-ID",
		.least = 1,
		.most = 1,
		.summary = {"give a locked credential its tries back",
			"mở khoá chứng thư bị khoá PIN"},
		.example = "  rssp operator subscriber unlock CREDENTIAL-ID"},
	{.name = "disable",
		.run = cli_subscriber_disable,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.arguments = "USER-ID",
		.least = 1,
		.most = 1,
		.summary = {"stop a subscriber from signing", "ngừng một thuê bao"},
		.example = "  rssp operator subscriber disable USER-ID"},
};

static const struct cli_command operator_commands[] = {
	{.name = "enrol",
		.run = cli_operator_enrol,
		.needs = NEEDS_OPERATOR,
		OPTIONS(enrol_options),
		.arguments = "LIST.csv",
		.least = 1,
		.most = 1,
		.summary = {"enrol the subscribers of a form-01 list",
			"đăng ký thuê bao theo danh sách mẫu 01"},
		.detail = {"The whole list is checked first: with any fault nothing is sent. Then the "
			   "policy is asked about each\nline, and each permitted line is signed with "
			   "the operator's key and submitted. The activation codes go to\nthe "
			   "subscribers' official addresses; nobody else sees them.",
			"Toàn bộ danh sách được kiểm tra trước: có lỗi thì không gửi gì. Sau đó hỏi chính "
			"sách từng dòng; dòng\nđược phép thì ký bằng khoá của người vận hành rồi gửi. Mã "
			"kích hoạt chỉ gửi tới thư công vụ của thuê bao."},
		.example = "  rssp operator enrol tests/data/form01-mau.csv --env .run/env"},
	{.name = "agency",
		CHILDREN(agency_commands),
		.summary = {"agencies and their sectors", "cơ quan và lĩnh vực"},
		.example = "  rssp operator agency list --env .run/env"},
	{.name = "client",
		CHILDREN(client_commands),
		.summary = {"client applications", "ứng dụng khách"},
		.example = "  rssp operator client rotate CLIENT-ID --env .run/env"},
	{.name = "subscriber",
		CHILDREN(subscriber_commands),
		.summary = {"subscribers", "thuê bao"},
		.example = "  rssp operator subscriber list --env .run/env"},
	{.name = "status",
		.run = cli_operator_status,
		.needs = NEEDS_OPERATOR,
		OPTIONS(operator_options),
		.summary = {"how the service does, and what to do about what is wrong",
			"tình trạng dịch vụ và việc cần làm khi có lỗi"},
		.detail = {"Database, signature activation modules, certificates, revocation list and "
			   "load, each with its state;\nthen each problem with its remedy. Exit code 0 "
			   "also when there are problems: see `status` of --json.",
			"Cơ sở dữ liệu, mô-đun kích hoạt chữ ký, chứng thư, danh sách thu hồi và tải, "
			"kèm tình trạng;\nsau đó là từng vấn đề và cách xử lý. Mã thoát vẫn là 0 khi có "
			"vấn đề: xem `status` của --json."},
		.example = "  rssp operator status --env .run/env"},
};

static const struct cli_command audit_commands[] = {
	{.name = "show",
		.run = cli_audit_show,
		.needs = NEEDS_OPERATOR,
		OPTIONS(audit_options),
		.summary = {"who did what, when, under which rule",
			"ai làm gì, khi nào, theo quy tắc nào"},
		.example = "  rssp audit show --digest hoc-ba-signed.pdf --env .run/env"},
};

/* clang-format off */
static const char sign_help_en[] =
	"The input is never changed. A PDF's signature is appended: earlier ones stay valid.\n"
	"--format cades puts the signature of any file beside it, for openssl cms -verify -binary\n"
	"-inform DER -in FILE.p7s -content FILE.\n"
	"\n"
	"All files are read first. If one cannot be signed, that is said and nothing is signed, before a\n"
	"PIN is asked for; --keep-going signs the others and exits with the code of the first failure.\n"
	"PIN and one-time password are asked for once for up to 500 files; with more, once for every 500,\n"
	"each time with their number, and each 500 are written before the next are asked for. --pin-fd and\n"
	"--otp-fd give one line each time. Where a PIN is enough, no one-time password is asked for.\n"
	"\n"
	"A folder gives its PDFs by name, without those called NAME-signed.pdf. With --results FILE the run\n"
	"may be cut off at any time (Ctrl-C, a lost connection, a full disk): the same command then signs\n"
	"only what is missing. FILE has one JSON object a line: input, output, state (pending, failed,\n"
	"signed: not written yet, done), digest, signingTime, signature, requestID, error.";
static const char sign_help_vi[] =
	"Tệp vào không bao giờ bị sửa. Chữ ký PDF được ghi nối vào cuối: các chữ ký trước vẫn hợp lệ.\n"
	"--format cades ghi chữ ký của tệp bất kỳ ra tệp riêng bên cạnh, kiểm tra bằng openssl cms -verify\n"
	"-binary -inform DER -in TỆP.p7s -content TỆP.\n"
	"\n"
	"Mọi tệp được đọc trước. Nếu có tệp không ký được thì báo ngay và không ký gì, trước khi hỏi PIN;\n"
	"--keep-going thì ký các tệp còn lại và thoát với mã của lỗi đầu tiên. PIN và OTP được hỏi một lần\n"
	"cho tối đa 500 tệp; nhiều hơn thì cứ 500 tệp hỏi một lần, mỗi lần nêu số tệp, ghi xong 500 tệp rồi\n"
	"mới hỏi tiếp. Với --pin-fd và --otp-fd: mỗi lần một dòng. Chứng thư chỉ cần PIN thì không hỏi OTP.\n"
	"\n"
	"Thư mục: ký các PDF theo tên, trừ các tệp TÊN-signed.pdf. Với --results FILE, lệnh có thể bị ngắt\n"
	"bất kỳ lúc nào (Ctrl-C, mất kết nối, đầy đĩa): chạy lại đúng lệnh đó thì chỉ ký phần còn thiếu.\n"
	"FILE có mỗi dòng một đối tượng JSON: input, output, state (pending: chưa ký, failed: lỗi, signed:\n"
	"đã ký nhưng chưa ghi, done: xong), digest, signingTime, signature, requestID, error.";
/* clang-format on */

static const struct cli_command template_commands[] = {
	{.name = "save",
		.run = cli_template_save,
		OPTIONS(template_save_options),
		.arguments = "NAME",
		.least = 1,
		.most = 1,
		.summary = {"save a visible signature under a name",
			"lưu một kiểu chữ ký hiển thị"},
		.detail =
			{"Pictures and fonts stay where they are; the template keeps their paths.",
				"Hình và phông chữ để nguyên tại chỗ; mẫu chỉ giữ đường dẫn."},
		.example = "  rssp template save hoc-ba --picture chu-ky.png --show none "
			   "--width 60 --height 20\n"
			   "  rssp template save co-quan --seal dau.png --show name,time,labels"},
	{.name = "list",
		.run = cli_template_list,
		.summary = {"the saved templates", "các mẫu đã lưu"},
		.example = "  rssp template list"},
	{.name = "show",
		.run = cli_template_show,
		.arguments = "NAME",
		.least = 1,
		.most = 1,
		.summary = {"what a template says", "nội dung một mẫu"},
		.example = "  rssp template show hoc-ba"},
	{.name = "default",
		.run = cli_template_default,
		.arguments = "NAME",
		.least = 1,
		.most = 1,
		.summary = {"make it what --visible shows", "chọn mẫu dùng cho --visible"},
		.example = "  rssp template default hoc-ba"},
	{.name = "remove",
		.run = cli_template_remove,
		.arguments = "NAME",
		.least = 1,
		.most = 1,
		.summary = {"forget a template", "xoá một mẫu"},
		.example = "  rssp template remove hoc-ba"},
};

static const struct cli_command root_commands[] = {
	{.name = "sign",
		.run = cli_sign,
		.needs = NEEDS_CLIENT,
		OPTIONS(sign_options),
		.arguments = "FILE|FOLDER…",
		.most = CLI_ARGUMENTS_MAX,
		.summary = {"sign PDFs (PAdES B-B), or files of any kind (CAdES B-B)",
			"ký tệp PDF (PAdES B-B), hoặc tệp loại bất kỳ (CAdES B-B)"},
		.detail = {sign_help_en, sign_help_vi},
		.example =
			"  rssp sign hoc-ba.pdf --user USER-ID --env .run/env\n"
			"  rssp sign hoc-ba.pdf --visible --picture chu-ky.png --user USER-ID\n"
			"  rssp sign lop-9a/ --output-dir da-ky --results lop-9a.jsonl --user USER-ID\n"
			"  rssp sign --list tep.txt --keep-going --credential CREDENTIAL-ID\n"
			"  rssp sign benh-an.zip --format cades --credential CREDENTIAL-ID"},
	{.name = "verify",
		.run = cli_verify,
		OPTIONS(verify_options),
		.arguments = "FILE",
		.least = 1,
		.most = 1,
		.summary = {"check the signatures of a PDF or CMS file",
			"kiểm tra chữ ký của tệp PDF hoặc CMS"},
		.detail = {"Says of each signature whether the document is unchanged, who signed, whether "
			   "value, certificate,\nrevocation and timestamp are right, and what was added "
			   "later. Exit code 0 only if all of it holds for\nevery signature. No timestamp, "
			   "and revocation that was not checked, are faults too: two switches allow\nthem. "
			   "A certificate is judged at the time that a good timestamp proves, else now.",
			"Cho biết với từng chữ ký: tài liệu có bị thay đổi không, ai ký, giá trị chữ ký, "
			"chứng thư số, tình trạng\nthu hồi và dấu thời gian có hợp lệ không, phần nào được "
			"thêm sau. Mã thoát 0 chỉ khi mọi chữ ký đạt\ntất cả. Thiếu dấu thời gian hoặc chưa "
			"kiểm tra được tình trạng thu hồi cũng là lỗi, trừ khi dùng tuỳ\nchọn cho phép. "
			"Chứng thư số được xét tại thời điểm của dấu thời gian hợp lệ, nếu không có thì tại\n"
			"lúc kiểm tra."},
		.example = "  rssp verify hoc-ba-signed.pdf --env .run/env\n"
			   "  rssp verify bang-diem.xlsx.p7s --ca root.pem --json"},
	{.name = "template",
		CHILDREN(template_commands),
		.summary = {"saved looks of visible signatures", "các mẫu chữ ký hiển thị"},
		.detail = {"Each is a file in $XDG_CONFIG_HOME/rssp/templates (else ~/.config).",
			"Mỗi mẫu là một tệp trong $XDG_CONFIG_HOME/rssp/templates (hoặc ~/.config)."},
		.example = "  rssp template list"},
	{.name = "activate",
		.run = cli_activate,
		.needs = NEEDS_SERVER,
		OPTIONS(activate_options),
		.summary = {"make one's key with the code from one's official e-mail",
			"kích hoạt bằng mã trong thư công vụ"},
		.detail = {"Asks for the code, the identity number, a PIN and a password of one's own "
			   "choice, makes the key, and\nshows the otpauth:// address for the "
			   "authenticator app. It is shown this once. The PIN signs; the\npassword only "
			   "opens one's own pages. With --pin-fd and without --password-fd none is set.",
			"Hỏi mã kích hoạt, số định danh, PIN và mật khẩu tự chọn, tạo khoá, rồi hiện "
			"địa chỉ otpauth:// cho\nứng dụng xác thực. Địa chỉ này chỉ hiện một lần. PIN "
			"dùng để ký; mật khẩu chỉ để vào\ntrang tài khoản. Có --pin-fd mà không có "
			"--password-fd thì không đặt mật khẩu."},
		.example = "  rssp activate --url https://127.0.0.1:8443 --ca-cert root.pem"},
	{.name = "list",
		.run = cli_list,
		.needs = NEEDS_CLIENT,
		OPTIONS(list_options),
		.summary = {"a subscriber's credentials", "chứng thư của một thuê bao"},
		.example = "  rssp list --user USER-ID --env .run/env"},
	{.name = "operator",
		CHILDREN(operator_commands),
		.summary = {"an operator's work", "việc của người vận hành"},
		.detail = {"The operator is known by a client certificate; the same key signs what he "
			   "enrols.",
			"Người vận hành được nhận biết bằng chứng thư; khoá đó cũng ký các dòng đăng ký."},
		.example = "  rssp operator enrol LIST.csv --env .run/env"},
	{.name = "audit",
		CHILDREN(audit_commands),
		.summary = {"the audit trail", "nhật ký kiểm toán"},
		.example = "  rssp audit show --from 2026-05-28 --env .run/env"},
	{.name = "completion",
		.run = cli_completion,
		.arguments = "bash",
		.least = 1,
		.most = 1,
		.summary = {"print what completes rssp's words in a shell",
			"in tập lệnh tự hoàn thành cho trình bao"},
		.example =
			"  rssp completion bash > ~/.local/share/bash-completion/completions/rssp"},
	{.name = "manual",
		.run = cli_manual,
		.summary = {"print rssp(1)", "in trang hướng dẫn rssp(1)"},
		.example = "  rssp manual --lang vi | man -l -"},
};

const struct cli_command cli_root = {
	.name = "rssp",
	CHILDREN(root_commands),
	.summary = {"rssp: centralised digital signing (ký số tập trung)", "rssp: ký số tập trung"},
	.example = "  rssp sign hoc-ba.pdf --user USER-ID --env .run/env",
};
