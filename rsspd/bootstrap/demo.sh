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
			# an instance that is older than the pages has neither
			[ -s "$RUN/secrets/subscriber-$kind.password" ] || continue
			env_line "RSSP_LOGIN_$kind" "$(cat "$RUN/secrets/subscriber-$kind.login")"
			env_line "RSSP_PASSWORD_$kind" "$(cat "$RUN/secrets/subscriber-$kind.password")"
		done
		[ -z "$(setting DEMO_CLIENT_PORT)" ] || env_line RSSP_DEMO "$(demo_app_url)"
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

# Letters and digits, long enough that nobody guesses it.
password_random() {
	printf 'mau-%s-%s' "$(random_hex 4)" "$(random_hex 4)"
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

# The agencies of the list, each with the sector that an operator gives it, and the application of
# the province's administration, which sees the subscribers of every agency below it.
demo_register() {
	local top='UBND TỈNH MẪU' agency
	demo_agency education "$top" "SỞ GIÁO DỤC VÀ ĐÀO TẠO" "TRƯỜNG THPT MẪU"
	demo_agency health "$top" "SỞ Y TẾ" "BỆNH VIỆN ĐA KHOA MẪU"
	demo_agency training "$top" "TRƯỜNG CAO ĐẲNG MẪU"
	demo_agency other "$top" "SỞ TÀI NGUYÊN VÀ MÔI TRƯỜNG" "VĂN PHÒNG ĐĂNG KÝ ĐẤT ĐAI MẪU"
	agency=$(rssp operator agency add "$top" --province Mẫu --json | jq -er .agencyID)
	answer_keep "$RUN/secrets/client.json" \
		rssp operator client add --name "Sổ học bạ điện tử mẫu" --agency "$agency" \
		--mode explicit --json
	env_write
}

demo_agency() {
	local sector=$1
	shift
	rssp operator agency add "$@" --sector "$sector" --province Mẫu
}

# Exit code 6 says that the policy did not permit every line: that is what the list is made for.
demo_enrol() {
	local status=0
	rssp operator enrol "$SOURCE/tests/data/form01-mau.csv" > "$RUN/enrolment.txt" || status=$?
	cat "$RUN/enrolment.txt"
	[ "$status" -eq 0 ] || [ "$status" -eq 6 ]
}

# The code in the newest mail to an address, which its reader would copy from there.
demo_code() {
	local mail
	mail=$(grep -rlF "To: <$1>" "$RUN/spool/codes" | xargs -d '\n' ls -t | sed -n 1p)
	grep -oE '\b[0-9A-Z]{5}(-[0-9A-Z]{5}){3}\b' "$mail" | sed -n 1p
}

# demo_activate RSA|EC KEY MAIL IDENTITY-NUMBER: code, PIN and password go through descriptors, never
# argv.
demo_activate() {
	local who=$RUN/secrets/subscriber-$1
	secret_keep "$who.pin" pin_random
	secret_keep "$who.password" password_random
	secret_keep "$who.login" say "$4"
	answer_keep "$who.json" \
		rssp activate --code-fd 3 --identity-fd 4 --pin-fd 5 --password-fd 6 --key "$2" --json \
		3< <(demo_code "$3") 4< "$who.login" 5< "$who.pin" 6< "$who.password"
	env_write
}

demo_otp() {
	totp_secret "$RUN/secrets/subscriber-$1.json" | tr -d '\n' | oathtool --totp --base32 -
}

demo_sign() {
	local who=$RUN/secrets/subscriber-RSA
	rssp sign "$SOURCE/tests/data/hoc-ba-mau.pdf" -o "$RUN/hoc-ba-mau.signed.pdf" --json \
		--user "$(answer userID "$who.json")" --credential "$(answer credentialID "$who.json")" \
		--pin-fd 3 --otp-fd 4 3< "$who.pin" 4< <(demo_otp RSA)
	env_write
}

# What a reader of the document sees who trusts the service's root.
demo_verify() {
	local store=$RUN/nss
	rm -rf "$store"
	mkdir -p "$store"
	certutil -N -d "sql:$store" --empty-password
	certutil -A -d "sql:$store" -n root -t C,C,C -a -i "$RUN/ca.pem"
	pdfsig -nssdir "$store" "$RUN/hoc-ba-mau.signed.pdf" > "$RUN/pdfsig.txt"
	cat "$RUN/pdfsig.txt"
	advise "pdfsig does not call the signature valid and trusted; see above"
	grep -qF 'Signature is Valid.' "$RUN/pdfsig.txt"
	grep -qF 'Certificate is Trusted.' "$RUN/pdfsig.txt"
}

# The row of the signature, found by the document, and what led to it.
demo_audit() {
	local user
	user=$(answer userID "$RUN/secrets/subscriber-RSA.json")
	rssp audit show --digest "$RUN/hoc-ba-mau.signed.pdf" > "$RUN/audit.txt"
	[ -s "$RUN/audit.txt" ]
	rssp audit show --subscriber "$user" --json > "$RUN/audit.json"
	{
		printf '\n%-24s  %-20s  %-6s  %-12s  %s\n' time event result rule request
		jq -r '.events[] | [.at, .event, .result, .rule // "-", .request] | @tsv' "$RUN/audit.json" |
			while IFS=$'\t' read -r at event result rule request; do
				printf '%-24s  %-20s  %-6s  %-12s  %s\n' \
					"$at" "$event" "$result" "$rule" "$request"
			done
	} >> "$RUN/audit.txt"
	cat "$RUN/audit.txt"
}

tell_file() {
	tell "$(sed 's/^/  /' "$1")"
}

demo_next() {
	local program
	program=$(service_program rssp)
	if [ "$ONCE" = yes ]; then
		printf '\nStart it again: rsspd/quickstart\n'
		return
	fi
	cat <<-TEXT

		The service runs at https://127.0.0.1:$(setting PORT). What a client needs: $RUN/env
		Try next:  $(printf '%q' "${program#"$SOURCE/"}") list --env .run/env --user $(answer userID "$RUN/secrets/subscriber-RSA.json")
		Stop it:   rsspd/quickstart stop
	TEXT
	demo_app_next
}

# The second time there is nothing to show again but where things are.
demonstration() {
	if [ -e "$RUN/demonstration.txt" ]; then
		env_write
		cat "$RUN/demonstration.txt"
		demo_app_start
		demo_next
		return
	fi
	touch "$RUN/demonstration.begun"
	: > "$RUN/demonstration.new"
	env_write
	step "agencies and a client application registered" demo_register
	step "form-01 list checked, signed by the operator, submitted" demo_enrol
	tell_file "$RUN/enrolment.txt"
	step "a teacher activates an RSA-2048 key" \
		demo_activate RSA rsa-2048 mau.giaovien@thpt-mau.edu.vn 000000000001
	step "a nurse activates a P-256 key" \
		demo_activate EC p-256 mau.dieuduong@benhvien-mau.gov.vn 000000000002
	step "the teacher signs a school record with PIN and one-time password" demo_sign
	step "pdfsig finds the signature valid and its certificate trusted" demo_verify
	tell_file "$RUN/pdfsig.txt"
	step "the audit trail of that signature" demo_audit
	tell_file "$RUN/audit.txt"
	mv "$RUN/demonstration.new" "$RUN/demonstration.txt"
	demo_app_start
	demo_next
}
