# shellcheck shell=bash
# An instance is a folder with everything one service needs: cluster, tokens, certificates,
# configuration. quickstart makes one in .run, each functional test session one of its own.

instance_open() {
	RUN=$1
	mkdir -p "$RUN"
	RUN=$(cd "$RUN" && pwd)
	mkdir -p "$RUN/secrets" "$RUN/log" "$RUN/spool/codes" "$RUN/spool/notices"
	[ -n "$(setting SAM_USER)" ] ||
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
	local pki metrics
	setting_keep PORT "$1"
	pki=$(setting PKI_PORT)
	setting_keep PKI_PORT "$(port_free "${pki:-${2:-8081}}")"
	metrics=$(setting METRICS_PORT)
	setting_keep METRICS_PORT "$(port_free "${metrics:-9464}")"
}

# instance_owners SAM-USER API-USER [MAIL-USER], as root: the tokens, their PINs and the activation
# codes to the one, the TLS key, the database password and the notices to the other, what is no secret
# to both, the folder itself to root. What lies in the spool may be read by the group MAIL-USER, too.
instance_owners() {
	local mode=700
	[ -z "${3-}" ] || mode=2770
	setting_keep SAM_USER "$1"
	chown 0:0 "$RUN" "$RUN/secrets" "$RUN/spool" "$RUN/tls"
	chmod 711 "$RUN" "$RUN/secrets" "$RUN/spool" "$RUN/tls"
	chmod 644 "$RUN"/*.conf "$RUN/ca.pem" "$RUN/operators.pem" "$RUN/tls/server.pem"
	chown -R "$1:" "$RUN/tokens" "$RUN/secrets/keys.pin" "$RUN/secrets/ca.pin"
	chown -R "$2:" "$RUN/tls/server.key" "$RUN/secrets/rsspd.pgpass"
	# the setgid bit is only for one's own group to give, where root is bounded
	chown 0:0 "$RUN/spool/codes" "$RUN/spool/notices"
	chmod "$mode" "$RUN/spool/codes" "$RUN/spool/notices"
	chown "$1:${3-}" "$RUN/spool/codes"
	chown "$2:${3-}" "$RUN/spool/notices"
}
