# doctor: what would keep CineSync from running here, and what mends it.
# shellcheck shell=sh

DISK_FREE_MIN_KB=524288

good() { # WHAT WORDS
	printf 'ok     %-10s %s\n' "$1" "$2"
}

fault() { # WHAT WORDS FIX
	printf 'FAULT  %-10s %s\n       %-10s fix: %s\n' "$1" "$2" '' "$3"
	FAULTS=$((FAULTS + 1))
}

doctor_tools() {
	if ! have dpkg-query || ! have apt-get; then
		good tools 'not Debian: the packages of deploy/packages.* are not checked'
		return
	fi
	# shellcheck disable=SC2046  # names of packages
	set -- $(packages_missing build run)
	if [ $# -eq 0 ]; then
		good tools 'every Debian package is installed'
	else
		packages_command "$@"
		fault tools "missing: $*" "as root: $command"
	fi
}

doctor_build() {
	for service in $SERVICES_NOW; do
		if ! [ -x "$BUILD/src/$service/cinesync-$service" ]; then
			fault build "$BUILD/src/$service/cinesync-$service is not there" './cinesync build'
			return
		fi
	done
	good build "$BUILD"
}

# The folder, or the nearest one above that exists already.
doctor_existing() { # FOLDER
	existing=$1
	while [ ! -d "$existing" ]; do
		existing=$(dirname -- "$existing")
	done
	say "$existing"
}

doctor_permissions() {
	existing=$(doctor_existing "$DATA")
	if ! [ -w "$existing" ] || { [ -d "$DATA" ] && ! [ -O "$DATA" ]; }; then
		fault folder "this user may not write to $existing" 'choose another folder with --data'
	elif [ -d "$DATA" ] && [ "$(stat -c %a "$DATA")" != 700 ]; then
		fault folder "others may look into $DATA, which holds keys and mail" "chmod 700 '$DATA'"
	else
		good folder "$DATA"
	fi
}

doctor_disk() {
	free_kb=$(df -Pk "$(doctor_existing "$DATA")" | awk 'NR == 2 { print $4 }')
	if [ "$free_kb" -lt $DISK_FREE_MIN_KB ]; then
		fault disk "$((free_kb / 1024)) MB free at $DATA; $((DISK_FREE_MIN_KB / 1024)) MB are wanted" \
			'free some space there, or choose another folder with --data'
	else
		good disk "$((free_kb / 1024)) MB free at $DATA"
	fi
}

# Tokens expire by the clock: one that stands before the newest file here is certainly wrong.
doctor_clock() {
	clock=$(date +%s)
	newest=$(stat -c %Y "$SELF" "$LIB"/*.sh | sort -n | tail -n 1)
	read -r before _ </proc/uptime
	sleep 0.02
	read -r after _ </proc/uptime
	if [ "$clock" -lt $((newest - 60)) ]; then
		fault clock "it says $(date -u +%FT%TZ), earlier than files written here" 'set it: timedatectl set-ntp true, or date -s'
	elif [ "$(printf '%s\n%s\n' "$before" "$after" | sort -n | head -n 1)" != "$before" ]; then
		fault clock 'the monotonic clock goes backwards' 'restart the machine, or report the fault to its host'
	else
		good clock "$(date -u +%FT%TZ)"
	fi
}

doctor_port() {
	if ! port_held "$PORT"; then
		good port "$PORT is free"
	elif part_lives gateway && [ "${PART_URL##*:}" = "$PORT" ]; then
		good port "$PORT is held by this CineSync"
	else
		fault port "$PORT is taken by $(port_holder "$PORT")" 'stop that, or choose another with --port'
	fi
}

# The certificate of the gateway that runs, or that would.
doctor_tls() {
	if part_lives gateway; then
		case $PART_URL in
		https://*) tls_running_read "${PART_URL#*://}" ;;
		esac
	fi
	if [ "$TLS" = off ] || ! have openssl; then
		return # doctor_tools misses openssl
	fi
	if [ "$TLS_OWN" = no ] && ! [ -e "$TLS_CERTIFICATE" ]; then
		good tls 'a certificate for this machine is made at the start'
		return
	fi
	doctor_fault=$(tls_complaint)
	if [ -n "$doctor_fault" ]; then
		fault tls "$doctor_fault" 'correct that, or the settings GATEWAY_TLS_CERTIFICATE_FILE and GATEWAY_TLS_KEY_FILE'
	elif tls_ends_soon "$TLS_ENDS_SOON_S"; then
		fault tls "$TLS_CERTIFICATE ends on $(tls_end)" 'renew it, then ./cinesync reload (a made one: ./cinesync reload alone)'
	else
		good tls "$TLS_CERTIFICATE, until $(tls_end)"
	fi
}

doctor_settings() {
	for service in $SERVICES_NOW; do
		[ -x "$BUILD/src/$service/cinesync-$service" ] || return 0 # doctor_build has said so
		if complaint=$(service_env "$service" "$BUILD/src/$service/cinesync-$service" --check-config 2>&1 >/dev/null); then
			good settings "$service"
		else
			fault settings "$(say "$complaint" | tail -n 1)" \
				"correct or unset that variable; $BUILD/src/$service/cinesync-$service --help lists them"
		fi
	done
}

doctor_running() {
	if ! supervisor_lives; then
		if parts_recorded; then
			fault running 'parts of a run that was killed are left' './cinesync down, then ./cinesync up'
		else
			good running 'not running'
		fi
		return
	fi
	for part in gateway $SERVICES trace; do
		part_lives "$part" || continue
		if [ "$(part_health "$part")" = ready ]; then
			good running "$part"
		else
			fault running "$part is not ready: $(tr -d '\n' <"$RUN/$part.ready")" "./cinesync logs $part"
		fi
	done
}

doctor() {
	FAULTS=0
	gateway_settings_check
	traces_choose
	addresses_choose
	doctor_tools
	doctor_build
	doctor_permissions
	doctor_disk
	doctor_clock
	doctor_port
	doctor_tls
	doctor_settings
	doctor_running
	[ $FAULTS -eq 0 ] || die "$EX_FAILED" "faults found: $FAULTS; each has its fix above"
}
