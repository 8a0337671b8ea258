# shellcheck shell=bash
# The main job, for people to see: a list of subscribers is enrolled, two of them activate their
# keys, one signs a school record, a PDF reader checks it. Who does what is said as it happens.

rssp() {
	"$(service_program rssp)" --env "$RUN/env" "$@"
}

# Says it, and keeps it for the next run.
tell() {
	say "$@"
	say "$@" >> "$RUN/demonstration.new"
}

# answer KEY FILE: one value of a JSON answer.
answer() {
	jq -er ".$1" "$2"
}

# An answer with secrets: into a 0600 file, only when the command went well.
answer_keep() {
	local file=$1
	shift
	"$@" > "$file.new"
	mv "$file.new" "$file"
}

# What a client needs, as NAME=value lines for sh. Written anew at each start: ports may change.
env_write() {
	local kind file
	{
		env_line RSSP_URL "https://127.0.0.1:$(setting PORT)"
		env_line RSSP_CACERT "$RUN/tls/root.pem"
		env_line RSSP_TRUST "$RUN/ca.pem"
		env_line RSSP_OPERATOR_CERT "$RUN/operators/operator.pem"
		env_line RSSP_OPERATOR_KEY "$RUN/operators/operator.key"
		env_line RSSP_DATABASE "$(postgres_conninfo rssp_auditor)"
		file=$RUN/secrets/client.json
		if [ -s "$file" ]; then
			env_line RSSP_CLIENT_ID "$(answer clientID "$file")"
			env_line RSSP_CLIENT_SECRET "$(answer clientSecret "$file")"
		fi
		for kind in RSA EC; do
			file=$RUN/secrets/subscriber-$kind.json
			[ -s "$file" ] || continue
			env_line "RSSP_USER_$kind" "$(answer userID "$file")"
			env_line "RSSP_CREDENTIAL_$kind" "$(answer credentialID "$file")"
			env_line "RSSP_PIN_$kind" "$(cat "$RUN/secrets/subscriber-$kind.pin")"
			env_line "RSSP_TOTP_$kind" "$(totp_secret "$file")"
		done
		[ ! -s "$RUN/hoc-ba-mau.signed.pdf" ] ||
			env_line RSSP_SIGNED "$RUN/hoc-ba-mau.signed.pdf"
	} > "$RUN/env.new"
	chmod 600 "$RUN/env.new"
	mv "$RUN/env.new" "$RUN/env"
}

env_line() {
	printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"
}

totp_secret() {
	answer otpauth "$1" | sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p'
}

# Random, and no repeats or sequences: no two neighbours of this alphabet follow one another.
pin_random() {
	local letters=bdfhkmprtvxz2468 pin='' last='' next
	while [ ${#pin} -lt 10 ]; do
		next=${letters:$((16#$(random_hex 1) % 16)):1}
		[ "$next" = "$last" ] || pin+=$next
		last=$next
	done
	printf '%s' "$pin"
}
