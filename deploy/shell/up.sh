# up, down, status, logs: running the parts together.
#
# Whoever runs `up` becomes the supervisor: it starts the services, then the gateway, watches them, and stops them when
# told to or when one ends. It holds data/run/lock (flock, on descriptor 9, which no part inherits) for all that time.
# shellcheck shell=sh

START_TRIES=5
READY_LIMIT_MS=60000 # sanitizer builds are slow to start
LOG_SIZE_MAX_KB=10240
# What the user service writes and nginx's workers read, whoever they are: public keys.
JWKS_NAME=public/jwks.json
JWKS_PATH=/api/v1/auth/.well-known/jwks.json
DATABASES_READ=

data_open() {
	(umask 077 && mkdir -p "$DATA" "$RUN" "$LOGS") 2>/dev/null ||
		die "$EX_NOPERM" "cannot make the data folder $DATA; choose another with --data"
	if ! [ -O "$DATA" ] || ! [ -w "$RUN" ] || ! [ -w "$LOGS" ]; then
		die "$EX_NOPERM" "the data folder $DATA belongs to another user; choose another with --data"
	fi
	# It holds password hashes, keys and mail.
	chmod 700 "$DATA"
}

lock_take() {
	exec 9>>"$RUN/lock"
	if ! flock -n 9; then
		part_load supervisor || PART_PID=unknown
		die "$EX_UNAVAILABLE" "already running with the data folder $DATA (process $PART_PID); see ./cinesync status"
	fi
	supervisor_record
}

supervisor_record() {
	proc_read $$
	say "$$ $PROC_START $GATEWAY_LISTEN" >"$RUN/supervisor"
}

supervisor_lives() {
	[ ! -d "$DATA" ] || [ -x "$DATA" ] || die "$EX_NOPERM" "the data folder $DATA belongs to another user"
	part_lives supervisor
}

# A supervisor that was killed leaves its parts behind; two of a kind on one data folder must not be.
leftovers_stop() {
	for part in $PARTS_STOP_ORDER; do
		if part_lives "$part"; then
			say "stopping $part, left behind by a run that was killed"
		fi
		part_stop "$part"
	done
}

logs_rotate() {
	find "$LOGS" -name '*.log' -size +"$LOG_SIZE_MAX_KB"k -exec mv -f {} {}.1 \;
}

# DATABASE_URL is the user service's. The notification service, whose tables are its own, has NOTIFICATION_DATABASE_URL; without
# it the embedded database, whatever the user service has.
databases_read() {
	USER_URL=${DATABASE_URL-} USER_URL_FILE=${DATABASE_URL_FILE-}
	MAIL_URL=${NOTIFICATION_DATABASE_URL-} MAIL_URL_FILE=${NOTIFICATION_DATABASE_URL_FILE-}
	unset NOTIFICATION_DATABASE_URL NOTIFICATION_DATABASE_URL_FILE
	DATABASES_READ=yes
}

# By the environment, never by arguments, which everybody can read.
database_choose() { # SERVICE
	[ "$DATABASES_READ" ] || databases_read
	unset DATABASE_URL DATABASE_URL_FILE
	case $1 in
	user) export DATABASE_URL="$USER_URL" DATABASE_URL_FILE="$USER_URL_FILE" ;;
	notification) export DATABASE_URL="$MAIL_URL" DATABASE_URL_FILE="$MAIL_URL_FILE" ;;
	esac
}

# Puts SERVICE's own settings before the command; the rest of its environment is ours. ADDRESS_* say where each listens.
service_env() { # SERVICE COMMAND...
	env_service=$1
	shift
	database_choose "$env_service"
	trust_export "$env_service"
	eval "env_address=\$ADDRESS_$env_service"
	env LISTEN="$env_address" DATA_DIR="$DATA/$env_service" MOVIE_URL="http://$ADDRESS_movie" \
		LINK_KEY_FILE="$DATA/link.key" NOTIFICATION_URL="http://$ADDRESS_notification" PUBLIC_URL="${PUBLIC_URL:-$GATEWAY_URL}" \
		JWKS_FILE="${GATEWAY_JWKS_FILE-}" \
		JWKS_URL="${JWKS_URL:-http://$ADDRESS_user$JWKS_PATH}" \
		SESSIONS_URL="${SESSIONS_URL:-http://$ADDRESS_user/internal/sessions}" "$@"
}

addresses_choose() {
	ports_read
	port_choose 8081
	ADDRESS_movie=127.0.0.1:$CHOSEN
	port_choose 8082
	ADDRESS_user=127.0.0.1:$CHOSEN
	port_choose 8083
	ADDRESS_notification=127.0.0.1:$CHOSEN
	ADDRESS_trace=
	if traces_wanted; then
		port_choose 8085
		ADDRESS_trace=127.0.0.1:$CHOSEN
	fi
	trust_addresses_choose
}

gateway_config_now() {
	gateway_config_write "${ADDRESS_trusted_movie:-$ADDRESS_movie}" "${ADDRESS_trusted_user:-$ADDRESS_user}" "$ADDRESS_trace"
}

programs_check() {
	for service in $SERVICES_NOW; do
		program=$BUILD/src/$service/cinesync-$service
		[ -x "$program" ] || die "$EX_UNAVAILABLE" "$program is not built; run ./cinesync build"
	done
	[ -e "$BUILD/$GATEWAY_MODULE" ] || die "$EX_UNAVAILABLE" "$BUILD/$GATEWAY_MODULE is not built; run ./cinesync build"
}

port_check() {
	if port_held "$PORT"; then
		die "$EX_UNAVAILABLE" "port $PORT is taken by $(port_holder "$PORT"); choose another with --port"
	fi
	if [ "${GATEWAY_HTTP_PORT:-none}" != none ] && port_held "$GATEWAY_HTTP_PORT"; then
		die "$EX_UNAVAILABLE" "port $GATEWAY_HTTP_PORT (GATEWAY_HTTP_PORT) is taken by $(port_holder "$GATEWAY_HTTP_PORT")"
	fi
	# HTTP/3 is worth having, not worth staying away for.
	tls_http3_choose
	if [ "$HTTP3" = on ] && tls_udp_held; then
		[ "${GATEWAY_HTTP3:-auto}" != on ] || die "$EX_UNAVAILABLE" "UDP port $PORT is taken, and GATEWAY_HTTP3=on wants it"
		warn "UDP port $PORT is taken: no HTTP/3"
		export GATEWAY_HTTP3=off
	fi
}

# Nobody is given a secret that is another's.
service_start() { # SERVICE
	start_service=$1
	database_choose "$start_service"
	trust_export "$start_service"
	eval "start_address=\$ADDRESS_$1"
	set --
	[ "$start_service" = movie ] || set -- -u TMDB_TOKEN -u TMDB_API_KEY
	[ "$start_service" = user ] || set -- "$@" -u PASSWORD_PEPPERS
	if [ "$start_service" = trace ]; then
		set -- "$@" -u REDIS_URL -u AMQP_URL -u SMTP_PASSWORD
	elif traces_wanted; then
		set -- "$@" OTEL_EXPORTER_OTLP_ENDPOINT="http://$ADDRESS_trace"
	fi
	part_spawn "$start_service" "http://$start_address" env "$@" LISTEN="$start_address" DATA_DIR="$DATA/$start_service" \
		MOVIE_URL="http://$ADDRESS_movie" LINK_KEY_FILE="$DATA/link.key" NOTIFICATION_URL="http://$ADDRESS_notification" \
		JWKS_FILE="${GATEWAY_JWKS_FILE-}" \
		PUBLIC_URL="${PUBLIC_URL:-$GATEWAY_URL}" JWKS_URL="${JWKS_URL:-http://$ADDRESS_user$JWKS_PATH}" \
		SESSIONS_URL="${SESSIONS_URL:-http://$ADDRESS_user/internal/sessions}" \
		"$BUILD/src/$start_service/cinesync-$start_service"
}

# Where a part says that it is ready. (After part_load.)
part_health_url() { # PART
	case $1 in
	gateway) HEALTH_URL=$PART_URL/healthz ;;
	tmdb) HEALTH_URL=$PART_URL/__control/state ;;
	*) HEALTH_URL=$PART_URL/readyz ;;
	esac
}

# Waits until these parts say that they are ready; what each says is kept in data/run/PART.ready. One process asks them all, and
# none is started for each try. Else LOST is the first that ended, or is not ready in time.
parts_wait() { # PART...
	wait_parts=$*
	set --
	for wait_part in $wait_parts; do
		LOST=$wait_part
		part_load "$wait_part" || return 1
		part_health_url "$wait_part"
		set -- "$@" "$HEALTH_URL" --while "$PART_PID"
	done
	wait_code=0
	"$BUILD/src/movie/cinesync-movie" --health "$@" --wait "$READY_LIMIT_MS" >"$RUN/ready" 2>/dev/null 9>&- || wait_code=$?
	for wait_part in $wait_parts; do
		LOST=$wait_part
		IFS= read -r wait_line || break
		say "$wait_line" >"$RUN/$wait_part.ready"
	done <"$RUN/ready"
	rm -f "$RUN/ready"
	[ $wait_code != 0 ] || return 0
	for wait_part in $wait_parts; do
		part_lives "$wait_part" || {
			LOST=$wait_part
			break
		}
	done
	return 1
}

services_start() {
	if demo_wanted; then
		demo_start
	fi
	addresses_choose
	for service in $SERVICES_NOW; do
		service_start "$service"
	done
	database_choose none
}

# What it says to a setting is for whoever gave it, and all there is to say.
part_refused() { # PART
	part_exit_code "$1"
	case $1-$EXIT_CODE in
	*-"$EX_CONFIG")
		warn "bad setting: $(tail -n 1 "$LOGS/$1.log")"
		supervisor_end "$EX_CONFIG"
		;;
	gateway-1)
		warn "nginx refuses its configuration: $(gateway_complaint "$LOGS/gateway.log")"
		supervisor_end "$EX_UNAVAILABLE"
		;;
	esac
}

# A port chosen here may be taken by another program a moment later: then again, with others.
parts_insist() {
	tries=1
	# shellcheck disable=SC2086  # words
	until parts_wait $SERVICES_NOW gateway; do
		part_refused "$LOST"
		if [ "$EXIT_CODE" != "$EX_UNAVAILABLE" ] || [ $tries -ge $START_TRIES ]; then
			part_died "$LOST"
		fi
		tries=$((tries + 1))
		parts_stop
		parts_start
	done
}

# Sets EXIT_CODE to how a child of this script ended, "" if it still runs.
part_exit_code() { # PART
	EXIT_CODE=''
	part_load "$1" || return 0
	if ! proc_lives "$PART_PID" "$PART_START"; then
		EXIT_CODE=0
		wait "$PART_PID" || EXIT_CODE=$?
	fi
}

part_died() { # PART
	part_exit_code "$1"
	if [ -n "$EXIT_CODE" ]; then
		warn "$1 ended by itself (exit code $EXIT_CODE); the last lines of $LOGS/$1.log:"
	else
		warn "$1 is not ready after $((READY_LIMIT_MS / 1000)) s: $(cat "$RUN/$1.ready" 2>/dev/null); $LOGS/$1.log ends:"
	fi
	tail -n 5 "$LOGS/$1.log" >&2 || :
	supervisor_end "$EX_FAILED"
}

# Every way out of a supervisor leads through here, a closed terminal or pipe and a failed command among them.
supervisor_end() { # CODE
	set +e
	trap - EXIT
	trap '' PIPE
	trap 'HURRY=yes' INT TERM HUP
	[ -z "${NAP:-}" ] || kill "$NAP" 2>/dev/null || :
	parts_stop
	trust_end
	rm -f "$RUN/supervisor" "$RUN/summary" "$RUN"/*.ready
	exit "$1"
}

supervisor_signal() { # NAME
	case $1 in
	HUP | PIPE) exec >>"$LOGS/cinesync.log" 2>&1 ;; # nobody is there to read
	esac
	say 'stopping (once more to hurry)'
	supervisor_end "$SIGNAL_CODE"
}

supervisor_traps() {
	# shellcheck disable=SC2064  # the name is put in now
	for signal in INT TERM HUP PIPE; do
		trap "supervisor_signal $signal" $signal
	done
	trap 'supervisor_end $?' EXIT
}

# "films: built-in catalogue; cache: in-process" out of what /readyz said.
part_modes() { # PART
	case $1 in
	gateway) "$NGINX" -v 2>&1 | sed 's/^.*: //' ;;
	tmdb) say 'stand-in for TMDB' ;;
	*) tr -d '\n' <"$RUN/$1.ready" | sed -n -e 's/.*"modes": *{\([^}]*\)}.*/\1/p' |
		sed -e 's/", *"/; /g' -e 's/": *"/: /g' -e 's/"//g' ;;
	esac
}

summary() {
	say "CineSync is ready in $TOOK_MS ms."
	say "  page         $GATEWAY_URL/"
	say "  API          $GATEWAY_URL/api/v1/openapi.json"
	say "  explorer     $GATEWAY_URL/docs"
	if traces_wanted; then
		say "  traces       $GATEWAY_URL/traces"
	fi
	say "  data         $DATA"
	say "  logs         $LOGS"
	if demo_wanted; then
		say "  switches     $demo_url/__control/"
	fi
	for part in gateway $SERVICES_NOW; do
		part_load "$part"
		printf '  %-12s %-24s %s\n' "$part" "$PART_URL" "$(part_modes "$part")"
	done
}

# The gateway beside the services, which it does not wait for: before they are ready it answers 502, for some 100 ms.
parts_start() {
	services_start
	gateway_folder_clear
	gateway_config_now
	gateway_start
}

all_start() {
	now_read
	start=$NOW
	parts_start
	parts_insist
	now_read
	TOOK_MS=$((NOW - start))
	summary >"$RUN/summary"
}

part_wanted() { # PART
	case $1 in
	tmdb) demo_wanted ;;
	trace) traces_wanted ;;
	esac
}

watch() {
	while :; do
		for part in $PARTS_STOP_ORDER; do
			if ! part_wanted "$part" || part_lives "$part"; then
				continue
			fi
			[ "$part" = trace ] || part_died "$part"
			traces_again
		done
		sleep 1 >/dev/null 2>&1 9>&- &
		NAP=$!
		wait $NAP || :
	done
}

# Idle connections are descriptors too; an ordinary shell allows 1,024 of them.
descriptors_raise() {
	# shellcheck disable=SC3045  # dash, Debian's sh, has -H and -S
	ulimit -S -n 65536 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"
}

supervise() {
	GATEWAY_JWKS_FILE=$DATA/$JWKS_NAME
	gateway_settings_check
	trust_choose
	traces_choose
	NGINX=$(nginx_program)
	SIGNAL_CODE=130
	supervisor_traps
	umask 077
	descriptors_raise
	supervisor_record
	mkdir -p "$DATA/nginx" "$DATA/movie" "$DATA/user" "$DATA/notification" "$DATA/public"
	chmod 755 "$DATA/public"
	trust_prepare
	logs_rotate
	all_start
	SIGNAL_CODE=0
	cat "$RUN/summary"
	if [ "$COMMAND" = supervise ]; then
		exec >>"$LOGS/cinesync.log" 2>&1
	else
		say 'Ctrl-C stops it.'
	fi
	watch
}

# The supervisor in a session of its own. It inherits the lock, says what there is to say on our standard output until
# it is ready, then turns to its log: that end of the pipe is our sign.
detach() {
	rm -f "$RUN/start" "$RUN/summary"
	mkfifo -m 600 "$RUN/start"
	set -- --port "$PORT" --listen "$LISTEN_ADDRESS" --data "$DATA"
	if demo_wanted; then
		set -- "$@" --demo-upstream
	fi
	setsid "$SELF" supervise "$@" </dev/null >"$RUN/start" &
	supervisor=$!
	trap 'kill -s TERM $supervisor 2>/dev/null || :' INT TERM HUP
	cat "$RUN/start" || :
	rm -f "$RUN/start"
	if [ -e "$RUN/summary" ]; then
		say 'It runs in the background: ./cinesync down stops it.'
		return
	fi
	wait "$supervisor"
}

up() {
	GATEWAY_JWKS_FILE=$DATA/$JWKS_NAME
	gateway_settings_check
	setting_number DRAIN_MS 10000 0 600000 # stopping needs it, whatever else is wrong
	trust_choose
	traces_choose
	data_open
	lock_take
	if [ -n "${CINESYNC_BUILD:-}" ]; then
		packages_need run
	else
		packages_need build run
		build_release
	fi
	NGINX=$(nginx_program) || die "$EX_UNAVAILABLE" 'nginx is not installed'
	leftovers_stop
	addresses_choose
	programs_check
	port_check
	tls_prepare
	if [ "$DETACH" = yes ]; then
		detach
	else
		supervise
	fi
}

down() {
	if supervisor_lives; then
		kill -s TERM "$PART_PID"
		flock "$RUN/lock" true # which it holds to its end
		say 'stopped'
	elif parts_recorded; then
		leftovers_stop
		rm -f "$RUN/supervisor"
		say 'stopped'
	else
		say "not running with the data folder $DATA"
	fi
}

parts_recorded() {
	for part in $PARTS_STOP_ORDER; do
		[ ! -e "$RUN/$part" ] || return 0
	done
	return 1
}

part_health() { # PART
	part_health_url "$1"
	if "$BUILD/src/movie/cinesync-movie" --health "$HEALTH_URL" >"$RUN/$1.ready" 2>/dev/null; then
		say ready
	else
		say 'not ready'
	fi
}

status_line() { # PART
	if ! part_lives "$1"; then
		printf '%-13s %-10s\n' "$1" stopped
		return 1
	fi
	line_health=$(part_health "$1")
	printf '%-13s %-10s %8s %9s  %-24s %s\n' "$1" "$line_health" "$PART_PID" "$(part_memory "$1") kB" \
		"$PART_URL" "$(part_modes "$1")"
	[ "$line_health" = ready ]
}

status() {
	NGINX=$(nginx_program) || NGINX=nginx
	if ! supervisor_lives; then
		say "not running with the data folder $DATA"
		return "$EX_NOT_RUNNING"
	fi
	status_code=0
	printf '%-13s %-10s %8s %12s  %-24s %s\n' PART STATE PID MEMORY URL MODE
	for part in gateway $SERVICES; do
		status_line "$part" || status_code=$EX_FAILED
	done
	for part in trace tmdb; do
		if [ -e "$RUN/$part" ]; then
			status_line "$part" || status_code=$EX_FAILED
		fi
	done
	return "$status_code"
}

logs() { # [PART]
	case $1 in
	'') set -- "$LOGS"/*.log ;;
	gateway | access | movie | user | notification | trace | tmdb | cinesync) set -- "$LOGS/$1.log" ;;
	*) die "$EX_USAGE" "there is no log '$1': gateway, access, movie, user, notification, trace, tmdb, cinesync" ;;
	esac
	[ -e "$1" ] || die "$EX_NOT_RUNNING" "there is no log yet in $LOGS"
	exec tail -n 20 -F "$@"
}

# A command of the user service on this data folder's settings: `./cinesync user [--data DIR] admin grant EMAIL`. The embedded
# database is one process's, so the running service has to be stopped for it.
user_command() { # [--data DIR] ARGUMENT...
	if [ "${1-}" = --data ] && [ $# -ge 2 ]; then
		options_read '--data' --data "$2"
		shift 2
	else
		options_read ''
	fi
	[ $# -gt 0 ] || die "$EX_USAGE" "user needs a command; see ./cinesync help"
	program=$BUILD/src/user/cinesync-user
	[ -x "$program" ] || die "$EX_UNAVAILABLE" "$program is not built; run ./cinesync build"
	if [ -z "${DATABASE_URL-}${DATABASE_URL_FILE-}" ] && supervisor_lives; then
		die "$EX_UNAVAILABLE" "the embedded database is the running service's: ./cinesync down first, then this, then up"
	fi
	exec env DATA_DIR="$DATA/user" LINK_KEY_FILE="$DATA/link.key" LOG_LEVEL="${LOG_LEVEL:-warning}" "$program" "$@"
}
