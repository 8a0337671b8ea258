/* link: conf */
#include "conf_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NEEDED                                                                        \
	"[tls]\ncertificate = tls/server.pem\nkey = /abs/server.key\n"                \
	"[operators]\nfile = operators.pem\n"                                         \
	"[database]\nconninfo = host=127.0.0.1 dbname=rssp passfile=/x/pass;word\n"   \
	"[hsm]\nmodule = /lib/module.so\nkey-token = keys\nkey-pin-file = keys.pin\n" \
	"ca-token = ca\nca-pin-file = ca.pin\n"                                       \
	"[sam]\ncodes-spool = codes\n[notices]\nspool = notices\n"

static rc_t parse(struct conf **conf, const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(file);
	rc_t rc = conf_parse(conf, file, "test.conf", "/folder");
	fclose(file);
	return rc;
}

static void options_that_are_not_given_have_their_default(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(parse(&conf, NEEDED), RC_OK);
	assert_string_equal(conf->listen_address, "127.0.0.1");
	assert_int_equal(conf->listen_port, 8443);
	assert_int_equal(conf->sam_sign, 2);
	assert_int_equal(conf->sam_resident_keys, 1024);
	assert_int_equal(conf->sad_lifetime_s, 600);
	assert_int_equal(conf->sad_multisign, 500);
	assert_false(conf->activation_pin_only);
	assert_string_equal(conf->service_region, "VN");
	assert_string_equal(conf->sam_user, "");
	assert_string_equal(conf->pki_ca_certificate, "/folder/ca.pem");
	assert_string_equal(conf->log_level, "info");
	assert_string_equal(conf->log_format, "text");
	assert_string_equal(conf->log_file, "");
	assert_int_equal(conf->metrics_port, 0);
	conf_free(&conf);
	assert_null(conf);
}

static void a_relative_path_starts_in_the_files_folder(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(parse(&conf, NEEDED), RC_OK);
	assert_string_equal(conf->tls_certificate, "/folder/tls/server.pem");
	assert_string_equal(conf->tls_key, "/abs/server.key");
	assert_string_equal(conf->sam_program, "");
	conf_free(&conf);
}

static void a_value_is_the_rest_of_its_line(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(parse(&conf, NEEDED "[service]\n\tname =  a = b ; \"c\" # d \r\n"), RC_OK);
	assert_string_equal(conf->service_name, "a = b ; \"c\" # d");
	assert_string_equal(
		conf->database_conninfo, "host=127.0.0.1 dbname=rssp passfile=/x/pass;word");
	conf_free(&conf);
}

static void a_comment_has_a_line_of_its_own(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(
		parse(&conf, NEEDED "; [x]\n# port = x\n\n  \t\n[service]\nname = Ký số\n"), RC_OK);
	assert_string_equal(conf->service_name, "Ký số");
	conf_free(&conf);
}

static void a_long_path_is_read_whole(void **state)
{
	char text[8192], path[4096];
	struct conf *conf = NULL;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	snprintf(text, sizeof(text), NEEDED "[pki]\nca-certificate = %s\n", path);
	assert_int_equal(parse(&conf, text), RC_OK);
	assert_string_equal(conf->pki_ca_certificate, path);
	conf_free(&conf);
}

static void a_fault_refuses_the_file(void **state)
{
	static const char *const faults[] = {
		"[listen]\nprot = 1\n",
		"[listne]\nport = 1\n",
		"[nothing]\n",
		"[default]\n",
		"[listen\n",
		"[listen] # comment\n",
		"[]\n",
		"= 1\n",
		"[service]\nname = one\n two\n",
		"[service]\nname = one\n/* comment */\n",
		"[service]\nname = \xff\n",
		"[service]\nna\x01me = x\n",
		"[listen] port\n",
		"[listen]\nport\n",
		"[listen]\nport = \n",
		"[listen]\nport = 0\n",
		"[listen]\nport = 65536\n",
		"[listen]\nport = +80\n",
		"[listen]\nport = 0x50\n",
		"[listen]\nport = 80 ; comment\n",
		"[listen]\nport = 99999999999999999999\n",
		"[listen]\nport = 8443\nport = 8443\n",
		"[listen]\nport = 1\n[log]\n[listen]\nport = 2\n",
		"[hsm]\nca-token = again\n",
		"[listen]\npublic-url = http://127.0.0.1\n",
		"[listen]\npublic-url = https://127.0.0.1/\n",
		"[listen]\npublic-url = https://\n",
		"[pki]\nurl = http://127.0.0.1/pki\n",
		"[activation]\npin-only = yes\n",
		"[activation]\npin-only =\n",
		"[log]\nlevel = loud\n",
		"[log]\nlevel = info|warning\n",
		"[log]\nlevel =\n",
		"[sad]\nlifetime-s = 7201\n",
		"[sad]\nmultisign = 501\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct conf *conf = NULL;
		char text[4096];
		snprintf(text, sizeof(text), "%s%s", NEEDED, faults[i]);
		assert_int_equal(parse(&conf, text), RC_CONFIG);
		assert_null(conf);
	}
}

/* What the log says of a configuration, at most size - 1 bytes. */
static void faults_of(const char *text, char *said, size_t size)
{
	struct conf *conf = NULL;
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);

	assert_true(file != NULL && before >= 0);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	rc_t rc = parse(&conf, text);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	assert_int_equal(rc, RC_CONFIG);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = 0;
	fclose(file);
}

static void a_fault_is_told_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *said;
	} faults[] = {
		{"[tls]\n\nkey\n", "test.conf:3: "},
		{"[log]\n[tls\n", "test.conf:2: "},
		{"[sad]\nmultisign = 501\n", "test.conf:2: sad.multisign "},
		{"[log]\nlevel = loud\n", "test.conf:2: log.level "},
		{"# 1\n[log]\n# 3\nlevl = info\n", "test.conf:4: there is no option levl"},
		{"[log]\nlevel = info\n[pki]\n[LOG]\nLevel = info\n",
			"test.conf:5: log.level stands in line 2 already"},
	};
	char said[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		faults_of(faults[i].text, said, sizeof(said));
		assert_non_null(strstr(said, faults[i].said));
	}
}

static void an_option_stands_below_a_section(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(parse(&conf, "port = 1\n" NEEDED), RC_CONFIG);
}

static void what_has_to_be_given_is_asked_for(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(parse(&conf, "\n"), RC_CONFIG);
	assert_int_equal(
		parse(&conf, NEEDED + strlen("[tls]\ncertificate = tls/server.pem\n")), RC_CONFIG);
}

static void a_password_is_refused(void **state)
{
	static const char *const conninfos[] = {"host=x password=secret", "password = 'secret'",
		"postgresql://rsspd:secret@127.0.0.1/rssp", "sslpassword=secret"};

	(void)state;
	for (size_t i = 0; i < sizeof(conninfos) / sizeof(conninfos[0]); i++) {
		struct conf *conf = NULL;
		char text[4096];
		const char *after = strstr(NEEDED, "[hsm]");
		snprintf(text, sizeof(text),
			"[tls]\ncertificate = a\nkey = b\n[operators]\nfile = c\n"
			"[database]\nconninfo = %s\n%s",
			conninfos[i], after);
		assert_int_equal(parse(&conf, text), RC_CONFIG);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "[log]\nlevel = info\0debug\n";
	FILE *file = fmemopen((void *)(uintptr_t)text, sizeof(text) - 1, "r");
	struct conf *conf = NULL;

	(void)state;
	assert_int_equal(conf_parse(&conf, file, "test.conf", "/"), RC_CONFIG);
	fclose(file);
}

static void the_sample_loads_as_it_is(void **state)
{
	char *sample = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&sample, &len);
	struct conf *conf = NULL;

	(void)state;
	conf_print_sample(out);
	fclose(out);
	assert_int_equal(parse(&conf, sample), RC_OK);
	assert_string_equal(conf->hsm_key_token, "keys");
	assert_string_equal(conf->tls_key, "/folder/tls/server.key");
	conf_free(&conf);
	free(sample);
}

static void an_example_of_the_sample_is_no_default(void **state)
{
	struct conf *conf = NULL;

	(void)state;
	for (size_t i = 0; i < conf_option_count; i++)
		assert_true(!conf_options[i].needed || conf_options[i].initial != NULL);
	assert_int_equal(parse(&conf, "[log]\nlevel = info\n"), RC_CONFIG);
}

static void every_section_says_what_it_is_about(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_option_count; i++) {
		size_t at = 0;
		while (at < conf_section_count &&
			strcmp(conf_sections[at].name, conf_options[i].section) != 0)
			at++;
		assert_true(at < conf_section_count);
	}
}

static void the_sample_lists_every_option_and_its_defaults_are_valid(void **state)
{
	char *sample = NULL, *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&sample, &len);
	struct conf *conf = NULL;

	(void)state;
	conf_print_sample(out);
	fclose(out);
	for (size_t i = 0; i < conf_option_count; i++) {
		char line[128];
		snprintf(line, sizeof(line), "%s =", conf_options[i].key);
		assert_non_null(strstr(sample, line));
	}
	/* what is needed filled in, what has a default taken from the comment */
	out = open_memstream(&text, &len);
	char *rest = sample;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		bool option = line[0] == '#' && line[1] != ' ' && strstr(line, " = ") != NULL;
		size_t end = strlen(line);
		fprintf(out, "%s%s\n", option ? line + 1 : line,
			line[0] != '#' && end > 1 && line[end - 1] == '=' ? " something" : "");
	}
	fclose(out);
	assert_int_equal(parse(&conf, text), RC_OK);
	assert_int_equal(conf->limits_waiting, 2000);
	conf_free(&conf);
	free(sample);
	free(text);
}

static void no_option_turns_a_check_off_or_sets_the_clock(void **state)
{
	static const char *const words[] = {
		"disable", "insecure", "skip", "no-", "clock", "debug", "test"};

	(void)state;
	for (size_t i = 0; i < conf_option_count; i++) {
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
			assert_null(strstr(conf_options[i].key, words[w]));
	}
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	char path[] = "/tmp/conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf *conf = NULL;

	(void)state;
	assert_true(write(fd, NEEDED, sizeof(NEEDED) - 1) == sizeof(NEEDED) - 1);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(conf_load(&conf, path), RC_OK);
	assert_string_equal(conf->operators_file, "/tmp/operators.pem");
	conf_free(&conf);
	assert_int_equal(fchmod(fd, 0662), 0);
	assert_int_equal(conf_load(&conf, path), RC_CONFIG);
	close(fd);
	unlink(path);
	assert_int_equal(conf_load(&conf, path), RC_CONFIG);
	assert_int_equal(conf_load(&conf, "/tmp"), RC_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_are_not_given_have_their_default),
		cmocka_unit_test(a_relative_path_starts_in_the_files_folder),
		cmocka_unit_test(a_value_is_the_rest_of_its_line),
		cmocka_unit_test(a_comment_has_a_line_of_its_own),
		cmocka_unit_test(a_long_path_is_read_whole),
		cmocka_unit_test(a_fault_refuses_the_file),
		cmocka_unit_test(a_fault_is_told_with_file_and_line),
		cmocka_unit_test(an_option_stands_below_a_section),
		cmocka_unit_test(what_has_to_be_given_is_asked_for),
		cmocka_unit_test(a_password_is_refused),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(the_sample_loads_as_it_is),
		cmocka_unit_test(an_example_of_the_sample_is_no_default),
		cmocka_unit_test(every_section_says_what_it_is_about),
		cmocka_unit_test(the_sample_lists_every_option_and_its_defaults_are_valid),
		cmocka_unit_test(no_option_turns_a_check_off_or_sets_the_clock),
		cmocka_unit_test(a_file_that_others_can_write_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
