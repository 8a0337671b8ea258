# shellcheck shell=bash
# Installs what packages.txt names and the machine lacks.

packages_of() {
	local section
	for section in "$@"; do
		awk -v section="$section" '$1 == section { print $2 }' "$SOURCE/rsspd/bootstrap/packages.txt"
	done
}

# Others may provide it: some builds of nodejs bring their npm along.
package_is_there() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ||
		dpkg-query -W -f '${db:Status-Status}, ${Provides}\n' |
			grep -E "^installed, (.*, )?$1( \(|,|\$)" > /dev/null
}

packages_missing() {
	local package
	for package in $(packages_of "$@"); do
		package_is_there "$package" || printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -- "$@"
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "$@"
}

packages_add() {
	advise "run as root: apt-get update && apt-get install $*"
	if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null && ! (: < /dev/tty) 2>/dev/null; then
		say "Not root, and sudo cannot ask for a password here."
		return 1
	fi
	# Lists of another day may name versions that are gone: read them again, then once more.
	if ! apt_install "$@"; then
		as_root apt-get update
		apt_install "$@"
	fi
}

# packages_install SECTION…
packages_install() {
	local missing
	if ! command -v dpkg-query >/dev/null; then
		say "Not a Debian system: no package is installed; see rsspd/bootstrap/packages.txt."
		return 0
	fi
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	say "Missing packages: $missing"
	# shellcheck disable=SC2086
	step "packages installed" packages_add $missing
}

# With --no-install: says what is missing, and lets the build say whether it matters.
packages_warn() {
	local missing
	missing=$(packages_missing "$@" 2>/dev/null || true)
	[ -n "$missing" ] || return 0
	say "Not installed, as asked (--no-install): $missing"
	# shellcheck disable=SC2034  # for report_failure
	ADVICE_ALWAYS="run as root: apt-get install $missing"
}
