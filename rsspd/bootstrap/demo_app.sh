# shellcheck shell=bash
# The demonstration application: a school's records that a teacher signs in the browser. It is a
# client of its own (oauth2code); its port is part of what is registered.

demo_app_pid_file() {
	printf '%s/demo-app.pid' "$RUN"
}

demo_app_url() {
	printf 'http://localhost:%s' "$(setting DEMO_PORT)"
}

# The port of the last time; of a running one even if it is taken, as it is by itself.
demo_app_port() {
	local last
	last=$(setting DEMO_PORT)
	process_runs "$(demo_app_pid_file)" ||
		setting_keep DEMO_PORT "$(port_free "${RSSP_DEMO_PORT:-${last:-8088}}")"
}

# Anew when the address is another one: redirect addresses are compared as they stand.
demo_app_register() {
	local file=$RUN/secrets/demo-app.json agency
	[ ! -s "$file" ] || [ "$(setting DEMO_CLIENT_PORT)" != "$(setting DEMO_PORT)" ] || return 0
	agency=$(rssp operator agency add "UBND TỈNH MẪU" "SỞ GIÁO DỤC VÀ ĐÀO TẠO" "TRƯỜNG THPT MẪU" \
		--sector education --province Mẫu --json | jq -er .agencyID)
	answer_keep "$file" rssp operator client add --name "Trường THPT Mẫu" --agency "$agency" \
		--mode oauth2code --redirect-uri "$(demo_app_url)/callback" --json
	answer clientSecret "$file" > "$RUN/secrets/demo-app.secret"
	chmod 600 "$RUN/secrets/demo-app.secret"
	setting_keep DEMO_CLIENT_PORT "$(setting DEMO_PORT)"
}

demo_app_is_current() {
	process_runs "$(demo_app_pid_file)" && [ "$(setting DEMO_SERVICE)" = "$(setting PORT)" ] &&
		[ ! "$(service_program rssp-demo)" -nt "$(demo_app_pid_file)" ]
}

demo_app_launch() {
	local log=$RUN/log/demo-app.log deadline=$((SECONDS + 10))
	advise "read $log"
	demo_app_stop
	demo_app_register
	setsid "$(service_program rssp-demo)" --service "https://127.0.0.1:$(setting PORT)" \
		--ca "$RUN/tls/root.pem" --trust "$RUN/ca.pem" \
		--client-id "$(answer clientID "$RUN/secrets/demo-app.json")" \
		--client-secret-file "$RUN/secrets/demo-app.secret" \
		--records "$SOURCE/clients/demo-app/records" --port "$(setting DEMO_PORT)" \
		>> "$log" 2>&1 < /dev/null 7>&- 8>&- 9>&- &
	process_note "$(demo_app_pid_file)" $!
	setting_keep DEMO_SERVICE "$(setting PORT)"
	while ! port_busy "$(setting DEMO_PORT)"; do
		if ! process_runs "$(demo_app_pid_file)" || [ $SECONDS -ge $deadline ]; then
			tail -n 5 "$log"
			say "rssp-demo does not start." && return 1
		fi
		sleep 0.05
	done
}

demo_app_start() {
	demo_app_port
	demo_app_is_current || step "a school's web application at $(demo_app_url)" demo_app_launch
	env_write
}

demo_app_stop() {
	process_stop "$(demo_app_pid_file)"
}

# Where a browser begins, and what its user types.
demo_app_next() {
	cat <<-TEXT

		To sign in a browser: $(demo_app_url)
		  who       000000000001, a teacher
		  password  .run/secrets/subscriber-RSA.password
		  PIN       .run/secrets/subscriber-RSA.pin
		  OTP       (. .run/env; printf %s "\$RSSP_TOTP_RSA" | oathtool --totp --base32 -), a new one each 30 s
		  The service's TLS root is this instance's own: import .run/tls/root.pem, or accept it once.
	TEXT
}
