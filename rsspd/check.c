#include "check.h"

#include "api/api.h"
#include "base/log.h"
#include "conf.h"
#include "core/core.h"
#include "process.h"
#include "store/pg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE_MS 3000
#define DATABASE_LOOK_MS 20

struct check {
	const struct conf *conf;
	struct process_user api, sam;
	unsigned faults;
};

__attribute__((format(printf, 2, 3))) static void fault(
	struct check *check, const char *format, ...)
{
	char text[768], escaped[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	check->faults++;
	log_error("check: %s", log_escape(text, escaped, sizeof(escaped)));
}

/* ---- as another user ---- */

/* Only root can; everybody else starts all processes as himself. */
static bool become(struct check *check, const struct process_user *user)
{
	if (!user->set || getuid() != 0)
		return true;
	if (initgroups(user->name, user->gid) == 0 && setegid(user->gid) == 0 &&
		seteuid(user->uid) == 0)
		return true;
	fault(check, "user %s cannot be taken on: %s", user->name, strerror(errno));
	return false;
}

static void come_back(void)
{
	if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
		log_error("check: the first user cannot be taken on again");
}

static const char *user_name(const struct process_user *user)
{
	return user->set ? user->name : "this user";
}

/* ---- files ---- */

enum check_kind { CHECK_FILE, CHECK_KEY, CHECK_PRIVATE, CHECK_PROGRAM, CHECK_SPOOL };
enum check_user { AS_API = 1, AS_SAM = 2 };

static const struct check_path {
	const char *name;
	size_t offset; /* in struct conf */
	enum check_kind kind;
	unsigned users; /* enum check_user, or-ed */
} paths[] = {
	{"tls.certificate", offsetof(struct conf, tls_certificate), CHECK_FILE, AS_API},
	{"tls.key", offsetof(struct conf, tls_key), CHECK_KEY, AS_API},
	{"operators.file", offsetof(struct conf, operators_file), CHECK_FILE, AS_API | AS_SAM},
	{"pki.ca-certificate", offsetof(struct conf, pki_ca_certificate), CHECK_FILE,
		AS_API | AS_SAM},
	{"hsm.module", offsetof(struct conf, hsm_module), CHECK_FILE, AS_SAM},
	{"hsm.key-pin-file", offsetof(struct conf, hsm_key_pin_file), CHECK_PRIVATE, AS_SAM},
	{"hsm.ca-pin-file", offsetof(struct conf, hsm_ca_pin_file), CHECK_PRIVATE, AS_SAM},
	{"sam.program", offsetof(struct conf, sam_program), CHECK_PROGRAM, AS_SAM},
	{"sam.codes-spool", offsetof(struct conf, sam_codes_spool), CHECK_SPOOL, AS_SAM},
	{"notices.spool", offsetof(struct conf, notices_spool), CHECK_SPOOL, AS_API},
};

static void check_readable(struct check *check, const struct check_path *path, const char *value,
	const struct process_user *user)
{
	struct stat status;
	int fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		fault(check, "%s: %s cannot be read by %s: %s", path->name, value, user_name(user),
			strerror(errno));
		return;
	}
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		fault(check, "%s: %s is no plain file", path->name, value);
	else if (path->kind == CHECK_PRIVATE && (status.st_mode & 077) != 0)
		fault(check, "%s: %s is open to others; chmod 600", path->name, value);
	else if (path->kind == CHECK_KEY && (status.st_mode & 07) != 0)
		fault(check, "%s: %s is open to everybody; chmod o=", path->name, value);
	else if (path->kind == CHECK_PRIVATE && status.st_size == 0)
		fault(check, "%s: %s is empty", path->name, value);
	close(fd);
}

static void check_path(struct check *check, const struct check_path *path, const char *value,
	const struct process_user *user)
{
	struct stat status;
	bool spool = path->kind == CHECK_SPOOL;

	if (path->kind != CHECK_PROGRAM && !spool) {
		check_readable(check, path, value, user);
		return;
	}
	if (stat(value, &status) != 0)
		fault(check, "%s: %s is not there for %s: %s", path->name, value, user_name(user),
			strerror(errno));
	else if (spool ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode))
		fault(check, "%s: %s is no %s", path->name, value, spool ? "folder" : "program");
	else if (faccessat(AT_FDCWD, value, spool ? R_OK | W_OK | X_OK : X_OK, AT_EACCESS) != 0)
		fault(check, "%s: %s cannot be %s by %s: %s", path->name, value,
			spool ? "written to" : "executed", user_name(user), strerror(errno));
}

static void check_paths_of(
	struct check *check, enum check_user flag, const struct process_user *user)
{
	/* one user for both sides: once is enough */
	bool same = flag == AS_SAM && !check->api.set && !check->sam.set;

	if (!become(check, user))
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *value =
			*(char *const *)(const void *)((const char *)check->conf + paths[i].offset);
		if ((paths[i].users & flag) != 0 && value[0] != 0 &&
			!(same && (paths[i].users & AS_API) != 0))
			check_path(check, &paths[i], value, user);
	}
	come_back();
}

/* The file that `passfile = …` names, with the quotes and backslashes that libpq allows; false:
 * there is none, or it is a URI. */
static bool conninfo_passfile(const char *conninfo, char *path, size_t size)
{
	const char *at = conninfo;
	size_t len = 0;

	while ((at = strstr(at, "passfile")) != NULL && at != conninfo &&
		strchr(" \t", at[-1]) == NULL)
		at++;
	if (at == NULL || strstr(conninfo, "://") != NULL)
		return false;
	at += strlen("passfile");
	at += strspn(at, " \t");
	if (*at++ != '=')
		return false;
	at += strspn(at, " \t");
	const char *ends = *at == '\'' ? "'" : " \t";
	for (at += *at == '\''; *at != 0 && strchr(ends, *at) == NULL && len + 1 < size; at++) {
		at += at[0] == '\\' && at[1] != 0;
		path[len++] = *at;
	}
	path[len] = 0;
	return len > 0;
}

/* libpq passes over one that it does not like, and the server then misses the password. */
static void check_passfile(struct check *check)
{
	const struct check_path passfile = {.name = "database.conninfo", .kind = CHECK_PRIVATE};
	char path[1024];

	if (!conninfo_passfile(check->conf->database_conninfo, path, sizeof(path)) ||
		!become(check, &check->api))
		return;
	check_readable(check, &passfile, path, &check->api);
	come_back();
}

/* It is made when it is not there. */
static void check_log_file(struct check *check)
{
	const char *path = check->conf->log_file;
	const char *end = strrchr(path, '/');
	struct stat status;
	char folder[1024];

	if (path[0] == 0 || end == NULL)
		return;
	/* as it is opened: no link either */
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		fault(check, "log.file: %s is no plain file", path);
		return;
	}
	snprintf(folder, sizeof(folder), "%.*s", end == path ? 1 : (int)(end - path), path);
	bool there = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
	if (faccessat(AT_FDCWD, there ? path : folder, there ? W_OK : W_OK | X_OK, AT_EACCESS) != 0)
		fault(check, "log.file: %s cannot be written: %s", path, strerror(errno));
}

/* ---- what does not fit together ---- */

static void check_users(struct check *check)
{
	if (process_user_find(check->conf->api_user, &check->api) != RC_OK)
		fault(check, "api.user: %s is no user for it", check->conf->api_user);
	if (process_user_find(check->conf->sam_user, &check->sam) != RC_OK)
		fault(check, "sam.user: %s is no user for it", check->conf->sam_user);
}

static void check_address(struct check *check, const char *name, const char *address)
{
	struct in6_addr binary;

	if (address[0] != 0 && inet_pton(AF_INET, address, &binary) != 1 &&
		inet_pton(AF_INET6, address, &binary) != 1)
		fault(check, "%s: %s is no numeric address", name, address);
}

static bool addresses_meet(const char *one, const char *other)
{
	return strcmp(one, other) == 0 || strcmp(one, "0.0.0.0") == 0 || strcmp(one, "::") == 0 ||
	       strcmp(other, "0.0.0.0") == 0 || strcmp(other, "::") == 0;
}

static void check_listeners(struct check *check)
{
	const struct conf *conf = check->conf;
	const struct {
		const char *name, *address;
		int64_t port;
	} listeners[] = {{"listen.port", conf->listen_address, conf->listen_port},
		{"listen.mtls-port", conf->listen_address, conf->listen_mtls_port},
		{"pki.port", conf->pki_address, conf->pki_port},
		{"metrics.port", "127.0.0.1", conf->metrics_port}};

	check_address(check, "listen.address", conf->listen_address);
	check_address(check, "pki.address", conf->pki_address);
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		for (size_t k = 0; k < i; k++) {
			if (listeners[i].port == listeners[k].port && listeners[i].port != 0 &&
				addresses_meet(listeners[i].address, listeners[k].address))
				fault(check, "%s and %s are both %lld", listeners[k].name,
					listeners[i].name, (long long)listeners[i].port);
		}
	}
}

static void check_tokens(struct check *check)
{
	const struct conf *conf = check->conf;

	if (conf->hsm_key_token[0] != 0 && strcmp(conf->hsm_key_token, conf->hsm_ca_token) == 0)
		fault(check, "hsm.ca-token: the CA's key has a token of its own, not that of "
			     "hsm.key-token");
}

/* ---- certificates ---- */

/* What cannot be read has been said. */
static bool is_readable(const char *path)
{
	struct stat status;

	return path[0] != 0 && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 &&
	       stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static void check_certificates(struct check *check)
{
	const struct conf *conf = check->conf;
	const struct api_settings settings = {.tls_certificate = conf->tls_certificate,
		.tls_key = conf->tls_key,
		.operators_path = conf->operators_file};
	rc_t rc = RC_OK;

	if (!become(check, &check->api))
		return;
	if (is_readable(conf->tls_certificate) && is_readable(conf->tls_key))
		rc = api_check_tls(&settings);
	check->faults += rc != RC_OK;
	rc = is_readable(conf->operators_file) ? api_check_operators(&settings) : RC_OK;
	check->faults += rc != RC_OK;
	rc = conf->pki_ca_certificate[0] == 0 ? RC_OK : core_check_ca(conf->pki_ca_certificate);
	check->faults += rc != RC_OK;
	come_back();
	/* whose it is counts: the SAMs read it too */
	if (!check->sam.set || !become(check, &check->sam))
		return;
	rc = is_readable(conf->operators_file) ? api_check_operators(&settings) : RC_OK;
	check->faults += rc != RC_OK;
	come_back();
}

/* ---- the database ---- */

struct database_wait {
	struct loop *loop;
	struct loop_timer *timer;
	const struct pg *pg;
	unsigned looks;
	bool up;
};

static void database_look(void *arg)
{
	struct database_wait *wait = arg;

	wait->up = pg_ready(wait->pg);
	if (wait->up || ++wait->looks > DATABASE_MS / DATABASE_LOOK_MS)
		loop_stop(wait->loop);
	else
		loop_timer_set(wait->timer, DATABASE_LOOK_MS);
}

/* The store says why, the first time. */
static rc_t database_ask(const char *conninfo)
{
	const struct pg_settings settings = {.conninfo = conninfo,
		.connections = 1,
		.waiting_max = 16,
		.timeout_ms = DATABASE_MS};
	struct database_wait wait = {0};
	struct pg *pg = NULL;
	rc_t rc = loop_new(&wait.loop);

	if (rc == RC_OK)
		rc = pg_new(wait.loop, &settings, &pg);
	wait.pg = pg;
	if (rc == RC_OK)
		rc = loop_timer_new(wait.loop, database_look, &wait, &wait.timer);
	if (rc == RC_OK) {
		loop_timer_set(wait.timer, DATABASE_LOOK_MS);
		rc = loop_run(wait.loop);
	}
	loop_timer_free(&wait.timer);
	pg_free(&pg);
	loop_free(&wait.loop);
	return rc == RC_OK && !wait.up ? RC_STORE_DOWN : rc;
}

static void check_database(struct check *check)
{
	const char *conninfo = check->conf->database_conninfo;

	if (conninfo[0] == 0 || process_forget_environment() != RC_OK ||
		!become(check, &check->api))
		return;
	if (database_ask(conninfo) != RC_OK)
		fault(check, "database.conninfo: no connection that can be used; see above");
	come_back();
}

rc_t check_config(const char *path, bool with_database)
{
	struct conf *conf = NULL;
	rc_t rc = conf_load_faulty(&conf, path);
	struct check check = {.conf = conf};

	/* of a file that cannot be read nothing else is known */
	if (conf == NULL)
		return rc;
	check_users(&check);
	check_listeners(&check);
	check_tokens(&check);
	check_paths_of(&check, AS_API, &check.api);
	check_paths_of(&check, AS_SAM, &check.sam);
	check_passfile(&check);
	check_log_file(&check);
	check_certificates(&check);
	if (with_database)
		check_database(&check);
	conf_free(&conf);
	return check.faults > 0 ? RC_CONFIG : rc;
}
