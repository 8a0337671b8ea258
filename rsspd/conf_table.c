#include "conf_table.h"

#define AT(member) offsetof(struct conf, member)
#define TEXT(member) CONF_TEXT, false, AT(member), 0, 0, NULL
#define TEXT_NEEDED(member) CONF_TEXT, true, AT(member), 0, 0, NULL
#define PATH(member) CONF_PATH, false, AT(member), 0, 0, NULL
#define PATH_NEEDED(member) CONF_PATH, true, AT(member), 0, 0, NULL
#define INTEGER(member, min, max) CONF_INTEGER, false, AT(member), min, max, NULL
#define BOOLEAN(member) CONF_BOOLEAN, false, AT(member), 0, 0, NULL
#define CHOICE(member, form) CONF_CHOICE, false, AT(member), 0, 0, form
#define URL(member, form) CONF_URL, false, AT(member), 0, 0, form
#define CONNINFO(member) CONF_CONNINFO, true, AT(member), 0, 0, NULL

/* clang-format off */
const struct conf_option conf_options[] = {
{"listen", "address", TEXT(listen_address), "127.0.0.1",
	"address of the API, numeric; under systemd whom it answers is also for the unit's IPAddressAllow\n"
	"to say, which is this machine (systemctl edit rsspd)"},
{"listen", "port", INTEGER(listen_port, 1, 65535), "8443",
	"port of the API (TLS)"},
{"listen", "mtls-port", INTEGER(listen_mtls_port, 0, 65535), "0",
	"a second port of the API, which asks for any client certificate (listen.port names those of the\n"
	"operators): for clients that authenticate by TLS (RFC 8705) and send theirs only where its issuer\n"
	"is asked for; 0: none"},
{"listen", "public-url", URL(listen_public_url, "https://"), "https://127.0.0.1:8443",
	"how clients reach the API: scheme, host and port, no path"},

{"tls", "certificate", PATH_NEEDED(tls_certificate), "tls/server.pem",
	"PEM file: the server's certificate and its chain"},
{"tls", "key", PATH_NEEDED(tls_key), "tls/server.key",
	"PEM file: the server's private key, readable by nobody else"},

{"operators", "file", PATH_NEEDED(operators_file), "operators.pem",
	"PEM file of self-signed operator certificates (P-256): being in it is being an operator, so\n"
	"only root or its owner may be able to write it"},

{"pki", "address", TEXT(pki_address), "127.0.0.1",
	"address of the plain-HTTP listener that serves the CA's certificate and revocation list"},
{"pki", "port", INTEGER(pki_port, 1, 65535), "8081",
	"its port"},
{"pki", "url", URL(pki_url, "http://"), "http://127.0.0.1:8081",
	"how verifiers reach it; stands in every certificate that is issued"},
{"pki", "ca-certificate", PATH(pki_ca_certificate), "ca.pem",
	"file of the CA's certificate; rssp-keys init writes it"},

{"database", "conninfo", CONNINFO(database_conninfo),
	"host=127.0.0.1 port=5432 dbname=rssp user=rsspd "
	"passfile=/var/lib/rsspd/secrets/rsspd.pgpass",
	"PostgreSQL connection string (libpq), with the path of a passfile that api.user alone reads;\n"
	"the password stands in the passfile, never here"},
{"database", "connections", INTEGER(database_connections, 1, 32), "3",
	"connections of the api process: one reads, one makes slow changes, the rest write; of those\n"
	"one is the fastest, as what waits together is committed together"},

{"hsm", "module", PATH_NEEDED(hsm_module), "/usr/lib/softhsm/libsofthsm2.so",
	"the HSM's PKCS#11 module"},
{"hsm", "key-token", TEXT_NEEDED(hsm_key_token), "keys",
	"label of the token that holds the service keys"},
{"hsm", "key-pin-file", PATH_NEEDED(hsm_key_pin_file), "/var/lib/rsspd/secrets/keys.pin",
	"file with that token's PIN, readable only by sam.user"},
{"hsm", "ca-token", TEXT_NEEDED(hsm_ca_token), "ca",
	"label of the token that holds the CA's key; another one than hsm.key-token"},
{"hsm", "ca-pin-file", PATH_NEEDED(hsm_ca_pin_file), "/var/lib/rsspd/secrets/ca.pin",
	"file with that token's PIN, readable only by sam.user"},

{"sam", "program", PATH(sam_program), NULL,
	"the program of the signature activation module; empty: rssp-sam beside rsspd"},
{"sam", "activate", INTEGER(sam_activate, 1, 64), "1",
	"processes that check PIN and OTP"},
{"sam", "sign", INTEGER(sam_sign, 1, 64), "2",
	"processes that sign; one a core is a good start"},
{"sam", "issue", INTEGER(sam_issue, 1, 16), "1",
	"processes that make keys and certificates"},
{"sam", "user", TEXT(sam_user), NULL,
	"user of those processes when rsspd is started by root; empty: the same user, no boundary"},
{"sam", "resident-keys", INTEGER(sam_resident_keys, 0, 1000000), "1024",
	"unwrapped keys that one process keeps for the next signature; 0: none"},
{"sam", "recycle-unwraps", INTEGER(sam_recycle_unwraps, 1, 1000000000), "100000",
	"unwraps after which a process is replaced by a fresh one"},
{"sam", "job-timeout-ms", INTEGER(sam_job_timeout_ms, 100, 600000), "10000",
	"milliseconds that one job may take before its process is ended"},
{"sam", "failures-per-credential", INTEGER(sam_failures_per_credential, 1, 10), "5",
	"wrong PINs or codes in a row that lock a credential"},
{"sam", "failures-per-hour", INTEGER(sam_failures_per_hour, 1, 1000000), "10000",
	"wrong PINs or codes of all credentials within an hour that the SAMs of a host accept; more than "
	"60 times limits.client-failures-per-minute, or one client stops all others"},
{"sam", "codes-spool", PATH_NEEDED(sam_codes_spool), "/var/lib/rsspd/spool/codes",
	"folder where the mails with activation codes are put; only sam.user may read it"},

{"api", "user", TEXT(api_user), NULL,
	"user of the api process when rsspd is started by root; empty: the same user, no boundary"},

{"service", "name", TEXT(service_name), "rsspd",
	"name of the service, as /info shows it"},
{"service", "region", TEXT(service_region), "VN",
	"country, ISO 3166-1"},
{"service", "description", TEXT(service_description), "Remote signing for public services",
	"one line about the service"},
{"service", "logo", TEXT(service_logo), NULL,
	"URL of a picture"},

{"sad", "lifetime-s", INTEGER(sad_lifetime_s, 1, 7200), "600",
	"seconds that an authorisation (SAD) is good for"},
{"sad", "multisign", INTEGER(sad_multisign, 1, 500), "500",
	"signatures that one authorisation may cover"},

{"activation", "pin-only", BOOLEAN(activation_pin_only), "off",
	"on: credentials may be activated with a PIN alone; they are SCAL 1, and info says so"},

{"notices", "spool", PATH_NEEDED(notices_spool), "/var/lib/rsspd/spool/notices",
	"folder where the notices to subscribers are put"},

{"limits", "client-failures-per-minute", INTEGER(limits_client_failures_per_minute, 1, 100000), "60",
	"failed authorisations of one client within a minute, before it has to wait"},
{"limits", "waiting", INTEGER(limits_waiting, 1, 100000), "2000",
	"requests in work at the same time; more get 503 at once"},

{"log", "level", CHOICE(log_level, "debug|info|warning|error"), "info",
	"least level that is written: debug, info, warning or error; at debug a line for each request,\n"
	"at info only for those that were refused"},
{"log", "format", CHOICE(log_format, "text|json"), "text",
	"text, or json: one JSON object a line, with the time in UTC"},
{"log", "file", PATH(log_file), NULL,
	"file that gets every line besides standard error; rsspd makes it (0640) before it changes user,\n"
	"and opens it anew at SIGHUP; empty: standard error alone"},

{"metrics", "port", INTEGER(metrics_port, 0, 65535), "0",
	"port of http://127.0.0.1:PORT/metrics (Prometheus text, plain HTTP, on this machine only);\n"
	"0: none"},
};
/* clang-format on */

const size_t conf_option_count = sizeof(conf_options) / sizeof(conf_options[0]);

const struct conf_section conf_sections[] = {
	{"listen", "The API, over TLS"},
	{"tls", "The API's own certificate"},
	{"operators", "Who may operate"},
	{"pki", "The CA's certificate and revocation list, over plain HTTP"},
	{"database", "PostgreSQL"},
	{"hsm", "The HSM and its two tokens"},
	{"sam", "The signature activation modules"},
	{"api", "The API process"},
	{"service", "What the service says of itself"},
	{"sad", "Authorisations (signature activation data)"},
	{"activation", "Activating credentials"},
	{"notices", "Notices to subscribers"},
	{"limits", "What one client may ask for"},
	{"log", "The log"},
	{"metrics", "Figures about the running service"},
};

const size_t conf_section_count = sizeof(conf_sections) / sizeof(conf_sections[0]);
