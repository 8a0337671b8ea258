# shellcheck shell=bash
# What every bootstrap script shares: steps with progress, failures with advice, small helpers.
# The caller sets RUN, the folder of the instance, before it calls anything that keeps a file.

umask 077
STEP='' ADVICE='' LOG=/dev/null LOG_BEFORE=0
ADVICE_ALWAYS='mend what the lines above name, then run this again'

say() {
	printf '%s\n' "$*"
}

# What to do if the next command fails; the last advice given is the one shown.
advise() {
	ADVICE=$*
}

# Says both at once: in a command substitution the trap would not know the advice.
fail() {
	printf '%s\n' "$1" >&2
	[ -z "${2-}" ] || printf 'What to do: %s\n' "$2" >&2
	ADVICE='' ADVICE_ALWAYS=''
	exit 1
}

log_to() {
	mkdir -p "$(dirname "$1")"
	LOG=$1
	: >> "$LOG"
}

# Reads a step's output: into the log, and so much of it to the terminal that one sees it move.
follow() {
	local title=$1 line shown=$SECONDS
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s\n' "$line" >> "$LOG"
		if [ -t 1 ]; then
			printf '\r\033[K… %s: %s' "$title" "${line:0:60}"
		elif [ $((SECONDS - shown)) -ge 10 ]; then
			printf '  … %s: %s\n' "$title" "${line:0:60}"
			shown=$SECONDS
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
}

elapsed() {
	local us=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
	printf '%d.%d s' $((us / 10)) $((us % 10))
}

# In a step 7 and 8 are the terminal's; what goes on after the step must not hold them open.
terminal_back() {
	[ ! -e "/proc/$$/fd/7" ] || exec >&7 2>&8 7>&- 8>&- 9>&-
}

detached() {
	"$@" 7>&- 8>&- 9>&-
}

# step TITLE COMMAND…: runs a function or command in this shell, one line with ✓ and its time.
# Never call it in a condition: bash would then ignore failures inside.
step() {
	local began=$EPOCHREALTIME follower
	STEP=$1 ADVICE=''
	shift
	[ ! -t 1 ] || printf '… %s' "$STEP"
	printf '\n== %s\n' "$STEP" >> "$LOG"
	LOG_BEFORE=$(wc -c < "$LOG")
	exec 7>&1 8>&2 9> >(follow "$STEP")
	follower=$!
	exec >&9 2>&1
	"$@" < /dev/null
	terminal_back
	wait "$follower"
	printf '✓ %s (%s)\n' "$STEP" "$(elapsed "$began")"
	STEP=''
}

# Trap of EXIT: says which step failed, why and what to do.
report_failure() {
	local status=$? advice
	[ "$status" -ne 0 ] || return 0
	terminal_back
	[ -z "$STEP" ] || printf '✗ %s\n' "$STEP" >&2
	if [ -n "$STEP" ] && [ -f "$LOG" ]; then
		tail -c "+$((LOG_BEFORE + 1))" "$LOG" | tail -n 15 | sed 's/^/  | /' >&2
		printf '  The whole log: %s\n' "$LOG" >&2
	fi
	advice=${ADVICE:-${STEP:+$ADVICE_ALWAYS}}
	[ -z "$advice" ] || printf '  What to do: %s\n' "$advice" >&2
	exit "$status"
}

# Small numbers that an instance remembers: ports, how PostgreSQL is run.
setting() {
	sed -n "s/^$1=//p" "$RUN/settings" 2>/dev/null | tail -n 1
}

setting_keep() {
	local rest
	rest=$(grep -v "^$1=" "$RUN/settings" 2>/dev/null || true)
	printf '%s\n' ${rest:+"$rest"} "$1=$2" > "$RUN/settings.new"
	mv "$RUN/settings.new" "$RUN/settings"
}

port_busy() {
	(exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port of the loopback that nobody listens on, from the given one upwards.
port_free() {
	local port=$1
	while port_busy "$port"; do
		port=$((port + 1))
	done
	printf '%d' "$port"
}

# secret_keep FILE COMMAND…: what the command prints, in a file that only this user reads; once.
secret_keep() {
	local file=$1
	shift
	[ ! -s "$file" ] || return 0
	"$@" > "$file.new"
	chmod 600 "$file.new"
	mv "$file.new" "$file"
}

random_hex() {
	openssl rand -hex "$1"
}

# A process is named by its id and its start time, so that an id used again is never ended. One
# that has ended counts as gone even where nobody collects it, as in a container without an init.
process_start_time() {
	local stat fields
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	read -ra fields <<< "${stat##*) }"
	[ "${fields[0]}" = Z ] || printf '%s' "${fields[19]}"
}

process_note() {
	printf '%s %s\n' "$2" "$(process_start_time "$2")" > "$1"
}

process_runs() {
	local pid='' started=''
	read -r pid started 2>/dev/null < "$1" || return 1
	[ -n "$started" ] && [ "$(process_start_time "$pid")" = "$started" ]
}

# Asks the noted process to end, waits, and after 20 s ends it.
process_stop() {
	local pid='' started='' deadline=$((SECONDS + 20))
	process_runs "$1" || return 0
	read -r pid started < "$1"
	kill -TERM "$pid" || true
	while process_runs "$1" && [ $SECONDS -lt $deadline ]; do
		sleep 0.1
	done
	! process_runs "$1" || kill -KILL "$pid" || true
	rm -f "$1"
}
