# events: what waits in the user service's outbox, RabbitMQ's queues, the dead letters; to replay them, or drop them with a
# reason that the audit keeps.
# shellcheck shell=sh

events_part() { # SERVICE ARGUMENT... -> its exit code
	events_service=$1
	shift
	events_program=$BUILD/src/$events_service/cinesync-$events_service
	[ -x "$events_program" ] || die "$EX_UNAVAILABLE" "$events_program is not built; run ./cinesync build"
	(
		database_choose "$events_service"
		exec env DATA_DIR="$DATA/$events_service" LINK_KEY_FILE="$DATA/link.key" LOG_LEVEL="${LOG_LEVEL:-error}" \
			"$events_program" events "$@"
	)
}

events_of_user() {
	if [ -z "${DATABASE_URL-}${DATABASE_URL_FILE-}" ] && supervisor_lives; then
		say 'The outbox is on the embedded database of the running service: for it, ./cinesync down first.' >&2
		return "$EX_UNAVAILABLE"
	fi
	events_part user "$@"
}

# An event is in one of the two, so for one of them it is enough.
events_command() { # [--data DIR] [list | replay ID | replay --all | drop ID --reason TEXT]
	if [ "${1-}" = --data ] && [ $# -ge 2 ]; then
		options_read '--data' --data "$2"
		shift 2
	else
		options_read ''
	fi
	[ $# -gt 0 ] || set -- list
	user_code=0 mail_code=0
	events_of_user "$@" || user_code=$?
	[ "$user_code" -ne "$EX_USAGE" ] || return "$EX_USAGE"
	if [ -n "${AMQP_URL-}${AMQP_URL_FILE-}" ]; then
		events_part notification "$@" || mail_code=$?
		[ "$user_code" -ne 0 ] || [ "$1" = list ] || return 0
		[ "$mail_code" -ne 0 ] || [ "$1" = list ] || return 0
	fi
	[ "$user_code" -eq 0 ] || return "$user_code"
	return "$mail_code"
}
