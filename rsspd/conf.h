/*
 * The configuration: one table of options (conf_table.c) gives key, type, range, default and help
 * to the file's parser, `rsspd options` and the manual. No option turns off OTP, policy, audit or
 * verification, or sets the clock.
 */
#ifndef RSSPD_CONF_H
#define RSSPD_CONF_H

#include "base/log.h"
#include "base/rc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Text options are owned by the struct; "" where the file is silent and there is no default.
 * Relative paths are taken from the configuration file's folder. */
struct conf {
	char *listen_address;
	int64_t listen_port, listen_mtls_port;
	char *listen_public_url;
	char *tls_certificate, *tls_key;
	char *operators_file;
	char *pki_address;
	int64_t pki_port;
	char *pki_url, *pki_ca_certificate;
	char *database_conninfo;
	int64_t database_connections;
	char *hsm_module, *hsm_key_token, *hsm_key_pin_file, *hsm_ca_token, *hsm_ca_pin_file;
	char *sam_program, *sam_user, *api_user;
	int64_t sam_activate, sam_sign, sam_issue;
	int64_t sam_resident_keys, sam_recycle_unwraps, sam_job_timeout_ms;
	int64_t sam_failures_per_credential, sam_failures_per_hour;
	char *sam_codes_spool;
	char *service_name, *service_region, *service_description, *service_logo;
	int64_t sad_lifetime_s, sad_multisign;
	bool activation_pin_only;
	char *notices_spool;
	int64_t limits_client_failures_per_minute, limits_waiting;
	char *log_level, *log_format, *log_file;
	int64_t metrics_port;
};

/* RC_CONFIG with a line in the log for every fault, with its line number and what to do. */
must_check rc_t conf_load(struct conf **conf, const char *path);
/* The same, for who wants to find all faults at once: with RC_CONFIG *conf is set all the same if
 * the file could be read, and what is faulty in it has its default, or "". */
must_check rc_t conf_load_faulty(struct conf **conf, const char *path);
void conf_free(struct conf **conf);
/* Opens the log as the configuration says, but for the file. */
void conf_log_open(const struct conf *conf, const char *process);
/* conf_print.c: the commented sample file with every option and its default, which loads as it is,
 * and the manual page rsspd.conf(5). */
void conf_print_sample(FILE *out);
void conf_print_manual(FILE *out);

#endif
