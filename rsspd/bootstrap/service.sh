# shellcheck shell=bash
# The service of an instance: its configuration, its keys, its process.

# service_config FILE [section.key=value…]: later values win.
service_config() {
	local file=$1 pair section last=''
	shift
	{
		cat <<-PAIRS
			listen.address=127.0.0.1
			listen.port=$(setting PORT)
			listen.public-url=https://127.0.0.1:$(setting PORT)
			tls.certificate=$RUN/tls/server.pem
			tls.key=$RUN/tls/server.key
			operators.file=$RUN/operators.pem
			pki.address=127.0.0.1
			pki.port=$(setting PKI_PORT)
			pki.url=http://127.0.0.1:$(setting PKI_PORT)
			pki.ca-certificate=$RUN/ca.pem
			database.conninfo=$(postgres_conninfo rsspd)
			hsm.module=$(softhsm_module)
			hsm.key-token=keys
			hsm.key-pin-file=$RUN/secrets/keys.pin
			hsm.ca-token=ca
			hsm.ca-pin-file=$RUN/secrets/ca.pin
			sam.codes-spool=$RUN/spool/codes
			notices.spool=$RUN/spool/notices
			service.name=Dịch vụ ký số tập trung Mẫu
			service.description=Remote signing (ký số tập trung) for education, training and health
		PAIRS
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | awk '
		{ key = $0; sub(/=.*/, "", key); value[key] = substr($0, length(key) + 2)
		  if (!(key in seen)) { seen[key] = 1; order[++n] = key } }
		END { for (i = 1; i <= n; i++) print order[i] "=" value[order[i]] }' | sort -s -t . -k 1,1 |
		while IFS= read -r pair; do
			section=${pair%%.*}
			[ "$section" = "$last" ] || printf '\n[%s]\n' "$section"
			last=$section
			printf '%s\n' "${pair#*.}" | sed 's/=/ = /'
		done > "$file.new"
	{ say "; Written anew at each start; \`rsspd options\` explains every line." && cat "$file.new"; } \
		> "$file"
	rm "$file.new"
}

service_program() {
	printf '%s/bin/%s' "$BUILD" "$1"
}

service_keys() {
	"$(service_program rssp-keys)" init --config "$1"
}

# All that a start would find wrong, the database's settings too.
service_check() {
	"$(service_program rsspd)" --check-config --with-database --config "$1"
}

service_pid_file() {
	printf '%s/rsspd.pid' "$RUN"
}

service_runs() {
	process_runs "$(service_pid_file)"
}

service_ready() {
	curl --silent --fail --max-time 5 --output /dev/null --cacert "$RUN/tls/root.pem" \
		"https://127.0.0.1:$(setting PORT)/readyz"
}

# Starts the daemon detached and waits until it says that it is ready.
service_start() {
	local log=$RUN/log/rsspd.log deadline=$((SECONDS + 30))
	advise "read $log"
	setsid "$(service_program rsspd)" run --config "$RUN/rsspd.conf" \
		>> "$log" 2>&1 < /dev/null 7>&- 8>&- 9>&- &
	process_note "$(service_pid_file)" $!
	while ! service_ready; do
		if ! service_runs; then
			tail -n 15 "$log"
			say "rsspd ended instead of starting." && return 1
		fi
		if [ $SECONDS -ge $deadline ]; then
			tail -n 15 "$log"
			say "rsspd is not ready after 30 s." && return 1
		fi
		sleep 0.1
	done
}

service_stop() {
	process_stop "$(service_pid_file)"
}
