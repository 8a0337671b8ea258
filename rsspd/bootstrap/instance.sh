# shellcheck shell=bash
# An instance is a folder with everything one service needs: cluster, tokens, certificates,
# configuration. quickstart makes one in .run, each functional test session one of its own.

instance_open() {
	RUN=$1
	mkdir -p "$RUN"
	RUN=$(cd "$RUN" && pwd)
	mkdir -p "$RUN/secrets" "$RUN/log" "$RUN/spool/codes" "$RUN/spool/notices"
	chmod 700 "$RUN" "$RUN/secrets" "$RUN/spool/codes" "$RUN/spool/notices"
	export SOFTHSM2_CONF=$RUN/softhsm2.conf
}

instance_postgres() {
	local role
	for role in postgres rsspd rssp_auditor; do
		pgpass_keep "$role"
	done
	postgres_create
	postgres_start
	postgres_database
}

instance_certificates() {
	tls_create
	operator_create operator
}

# The ports of the last time, if they are free still.
instance_ports() {
	local pki
	setting_keep PORT "$1"
	pki=$(setting PKI_PORT)
	setting_keep PKI_PORT "$(port_free "${pki:-${2:-8081}}")"
}
