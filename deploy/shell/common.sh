# Words, numbers, paths and exit codes that every part of ./cinesync uses.
# shellcheck shell=sh
# shellcheck disable=SC2034  # used by the files that source this one

# sysexits.h, as the services use it
EX_FAILED=1 EX_USAGE=64 EX_UNAVAILABLE=69 EX_NOPERM=77 EX_CONFIG=78
EX_NOT_RUNNING=3 # as service scripts say it

# Stopping goes from the world inwards: whoever is stopped is no longer needed by what is still running.
SERVICES='movie notification user'
# trace: see traces.sh; tmdb: only with --demo-upstream
PARTS_STOP_ORDER='gateway user notification movie trace tmdb'

say() {
	printf '%s\n' "$*"
}

warn() {
	printf 'cinesync: %s\n' "$*" >&2
}

die() { # CODE WORDS...
	die_code=$1
	shift
	warn "$*"
	exit "$die_code"
}

# Sets NOW, milliseconds on a clock that nobody sets. No process is started for it: a second Ctrl-C would kill that.
now_read() {
	read -r now_uptime _ </proc/uptime
	NOW=$((${now_uptime%.*} * 1000 + 1${now_uptime#*.} * 10 - 1000))
}

number_between() { # TEXT MIN MAX
	case $1 in
	'' | *[!0-9]* | ???????*) return 1 ;;
	esac
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# An environment variable's number, or its default. Ends the script if it is not a number in the range.
setting_number() { # NAME DEFAULT MIN MAX
	eval "setting_value=\${$1:-$2}"
	number_between "$setting_value" "$3" "$4" ||
		die "$EX_CONFIG" "$1=$setting_value: must be a number from $3 to $4"
}

path_absolute() { # PATH
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s\n' "$(pwd -P)/$1" ;;
	esac
}

# Sets DATA (absolute) and what lies in it, and BUILD.
data_paths() {
	[ -n "$DATA" ] || die "$EX_USAGE" '--data needs a folder; see ./cinesync help'
	DATA=$(path_absolute "$DATA")
	RUN=$DATA/run
	LOGS=$DATA/log
	BUILD=$(path_absolute "${CINESYNC_BUILD:-$ROOT/build}")
}

have() { # COMMAND
	command -v "$1" >/dev/null 2>&1
}

# nginx lies in /usr/sbin, which an ordinary user's PATH leaves out.
nginx_program() {
	PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx
}
