# shellcheck shell=bash
# The TLS root and server certificate, and the first operator's own certificate.

openssl_settings() {
	cat <<-CONF
		[req]
		distinguished_name = name
		prompt = no
		utf8 = yes
		[name]
		[root]
		basicConstraints = critical, CA:TRUE, pathlen:0
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
		[server]
		basicConstraints = critical, CA:FALSE
		keyUsage = critical, digitalSignature
		extendedKeyUsage = serverAuth
		subjectAltName = DNS:localhost, IP:127.0.0.1
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
		[operator]
		basicConstraints = critical, CA:FALSE
		keyUsage = critical, digitalSignature
		extendedKeyUsage = clientAuth
		subjectKeyIdentifier = hash
	CONF
}

certificate_fresh() {
	[ -s "$1" ] && openssl x509 -in "$1" -noout -checkend 604800 > /dev/null
}

# The root's key signs one certificate and is then gone: nobody can make another with it.
tls_create() {
	local tls=$RUN/tls
	mkdir -p "$tls"
	! certificate_fresh "$tls/server.pem" || return 0
	openssl_settings > "$tls/openssl.cnf"
	openssl req -config "$tls/openssl.cnf" -x509 -extensions root -days 825 \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/root.key" \
		-subj "/O=rsspd quickstart/CN=TLS root" -out "$tls/root.pem"
	openssl req -config "$tls/openssl.cnf" -new \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/server.key" \
		-subj "/O=rsspd quickstart/CN=localhost" -out "$tls/server.csr"
	openssl x509 -req -in "$tls/server.csr" -CA "$tls/root.pem" -CAkey "$tls/root.key" \
		-set_serial "0x$(random_hex 15)" -days 800 \
		-extfile "$tls/openssl.cnf" -extensions server -out "$tls/server.pem"
	rm "$tls/root.key" "$tls/server.csr"
}

# operator_create NAME: NAME.key and NAME.pem in $RUN/operators, and its line in operators.pem.
operator_create() {
	local name=$1 place=$RUN/operators
	mkdir -p "$place"
	[ ! -s "$place/$name.pem" ] || return 0
	openssl_settings > "$place/openssl.cnf"
	openssl req -config "$place/openssl.cnf" -x509 -extensions operator -days 365 \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$place/$name.key" \
		-subj "/O=rsspd quickstart/CN=$name" -out "$place/$name.pem"
	cat "$place/$name.pem" >> "$RUN/operators.pem"
}
