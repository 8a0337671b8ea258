# shellcheck shell=bash
# A SoftHSM token for the service keys and another for the CA, under $RUN/tokens.

softhsm_module() {
	local path
	for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
		[ ! -e "$path" ] || { printf '%s' "$path" && return 0; }
	done
	fail "SoftHSM's module is not installed." "apt-get install softhsm2"
}

softhsm_configure() {
	mkdir -p "$RUN/tokens"
	cat > "$RUN/softhsm2.conf" <<-CONF
		directories.tokendir = $RUN/tokens
		objectstore.backend = file
		log.level = ERROR
		slots.removable = false
	CONF
}

# softhsm2-util takes PINs from its arguments, which everybody can read, or asks at a terminal:
# script(1) gives it one.
token_create() {
	local label=$1 pin so
	secret_keep "$RUN/secrets/$label.pin" random_hex 12
	secret_keep "$RUN/secrets/$label.so-pin" random_hex 12
	if softhsm2-util --show-slots | grep -E "^ *Label: +$label *$"; then
		return 0
	fi
	pin=$(cat "$RUN/secrets/$label.pin") so=$(cat "$RUN/secrets/$label.so-pin")
	printf '%s\n' "$so" "$so" "$pin" "$pin" |
		script -q -e -E never -c "softhsm2-util --init-token --free --label $label" /dev/null
}

tokens_create() {
	softhsm_configure
	token_create keys
	token_create ca
}
