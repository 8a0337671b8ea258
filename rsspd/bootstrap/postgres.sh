# shellcheck shell=bash
# A private PostgreSQL cluster under $RUN/pg: TCP on the loopback only (no Unix socket, whose path
# would have to stay under 107 bytes), scram for every role, passwords in 0600 files.
#
# initdb and postgres refuse root. As root they run in a user namespace where root's own files
# belong to another user, so the cluster may lie under a root-only home; where namespaces are not
# to be had, as the account postgres with the data in /var/tmp, linked from $RUN/pg.
# RSSP_POSTGRES_AS=namespace|account chooses.

postgres_program() {
	local found
	found=$(find /usr/lib/postgresql/*/bin -name "$1" 2>/dev/null | sort -V | tail -n 1)
	[ -n "$found" ] || found=$(command -v "$1") ||
		fail "PostgreSQL's $1 is not installed." "apt-get install postgresql-15"
	printf '%s' "$found"
}

# initdb looks its user up: one that a machine has for certain.
in_namespace() {
	local user
	user=$(id -u postgres 2>/dev/null || id -u nobody)
	unshare --user --map-user="$user" --map-group="$user" -- "$@"
}

# Which way this instance runs PostgreSQL: self, namespace or account.
postgres_way() {
	local way
	way=$(setting POSTGRES_AS)
	if [ -n "$way" ]; then
		printf '%s' "$way"
	elif [ "$(id -u)" -ne 0 ]; then
		printf self
	elif [ "${RSSP_POSTGRES_AS-}" != account ] && in_namespace true 2>/dev/null; then
		printf namespace
	elif [ "${RSSP_POSTGRES_AS-}" != namespace ] && id postgres > /dev/null 2>&1; then
		printf account
	else
		fail "PostgreSQL refuses root; neither a user namespace nor an account postgres is here." \
			"run this as an ordinary user, or: apt-get install postgresql-15"
	fi
}

postgres_as() {
	case $(postgres_way) in
	self) "$@" ;;
	namespace) in_namespace "$@" ;;
	account) (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@") ;;
	esac
}

# The folder that holds data and log; for the account postgres it is a link to one it can enter.
postgres_place() {
	local place=$RUN/pg
	[ ! -e "$place" ] || return 0
	if [ "$(postgres_way)" = account ]; then
		place=$(mktemp -d /var/tmp/rsspd-pg-XXXXXX)
		chown postgres:postgres "$place"
		ln -s "$place" "$RUN/pg"
	else
		mkdir -p "$place"
	fi
}

# pgpass_keep ROLE: a random password, in the form that libpq reads.
pgpass_keep() {
	secret_keep "$RUN/secrets/$1.pgpass" printf '*:*:*:%s:%s\n' "$1" "$(random_hex 24)"
}

pgpass_word() {
	local line
	line=$(cat "$RUN/secrets/$1.pgpass")
	printf '%s' "${line##*:}"
}

# postgres_conninfo ROLE [DATABASE]; backslashes escape what libpq would read as its own.
postgres_conninfo() {
	local file=$RUN/secrets/$1.pgpass host
	host=$(setting PG_HOST)
	file=${file//\\/\\\\} file=${file//\'/\\\'} file=${file// /\\ }
	printf 'host=%s port=%s dbname=%s user=%s passfile=%s' \
		"${host:-127.0.0.1}" "$(setting PG_PORT)" "${2:-rssp}" "$1" "$file"
}

postgres_sql() {
	psql -X -q -v ON_ERROR_STOP=1 -At -d "$(postgres_conninfo postgres "${1:-rssp}")"
}

# The password goes through a file, as argv is public; initdb reads it as the account that runs it.
postgres_create() {
	local data=$RUN/pg/data words=$RUN/pg/password
	setting_keep POSTGRES_AS "$(postgres_way)"
	postgres_place
	[ ! -s "$data/PG_VERSION" ] || return 0
	rm -rf "${data:?}"
	pgpass_word postgres > "$words"
	chown --reference="$RUN/pg/." "$words"
	postgres_as "$(postgres_program initdb)" --pgdata="$(realpath "$RUN/pg")/data" \
		--username=postgres --auth=scram-sha-256 \
		--pwfile="$(realpath "$RUN/pg")/password" --encoding=UTF8 --locale=C.UTF-8
	rm -f "$words"
}

# What the service rests on is said here, not left to defaults: see also pg_hba.conf.
postgres_configure() {
	local data=$RUN/pg/data
	cat > "$RUN/pg.conf.new" <<-CONF
		listen_addresses = '127.0.0.1'
		port = $(setting PG_PORT)
		unix_socket_directories = ''
		password_encryption = 'scram-sha-256'
		fsync = on
		full_page_writes = on
		synchronous_commit = on
		max_connections = 50
		log_destination = 'stderr'
		timezone = 'UTC'
	CONF
	cat "$RUN/pg.conf.new" > "$data/rsspd.conf"
	rm "$RUN/pg.conf.new"
	grep -q "^include 'rsspd.conf'" "$data/postgresql.conf" ||
		printf "include 'rsspd.conf'\n" >> "$data/postgresql.conf"
	printf 'host all all 127.0.0.1/32 scram-sha-256\n' > "$data/pg_hba.conf"
	chown --reference="$data" "$data/rsspd.conf"
}

postgres_control() {
	postgres_as "$(postgres_program pg_ctl)" --pgdata="$(realpath "$RUN/pg")/data" "$@"
}

postgres_runs() {
	[ -s "$RUN/pg/data/PG_VERSION" ] && postgres_control status > /dev/null 2>&1
}

# The last port, or one below those that the system gives to clients, at random: another may take a
# free port before the server does, so the start is tried again on the next one.
postgres_start() {
	local port try
	! postgres_runs || return 0
	port=$(setting PG_PORT)
	port=${port:-$((20000 + RANDOM % 12000))}
	for try in 1 2 3; do
		port=$(port_free "$port")
		setting_keep PG_PORT "$port"
		postgres_configure
		! postgres_launch || return 0
		say "PostgreSQL did not start on port $port, try $try."
		port=$((port + 1))
	done
	tail -n 5 "$RUN/pg/server.log"
	fail "PostgreSQL does not start." "read $RUN/pg/server.log"
}

postgres_launch() {
	detached postgres_control --log="$(realpath "$RUN/pg")/server.log" --wait --timeout=60 start
}

postgres_stop() {
	! postgres_runs || postgres_control --mode=fast --wait --timeout=60 stop
}

# The passwords of the roles that log in; on standard input, as argv is public, and kept out of
# the server's log even if it logs statements or the statement fails.
postgres_roles() {
	local role
	{
		say "SET log_statement = 'none'; SET log_min_error_statement = 'panic';"
		for role in rsspd rssp_auditor; do
			say "ALTER ROLE $role LOGIN PASSWORD '$(pgpass_word "$role")';"
		done
	} | postgres_sql
}

postgres_database() {
	if [ -z "$(say "SELECT 1 FROM pg_database WHERE datname = 'rssp'" | postgres_sql postgres)" ]; then
		say "CREATE DATABASE rssp" | postgres_sql postgres
	fi
}

postgres_migrate() {
	"$SOURCE/schema/migrate" "$(postgres_conninfo postgres)"
	postgres_roles
}
