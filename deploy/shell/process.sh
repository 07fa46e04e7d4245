# The parts that run: their records, whether they live, how they are started and stopped.
#
# A record is a file in data/run, named after its part: "PID START-TIME URL". A process is ours only while both the id
# and the start time agree with /proc/PID/stat, so an id that the kernel has given to somebody else is never touched.
# Each part leads a session of its own: Ctrl-C in the terminal reaches this script alone, which then stops them in order.
# shellcheck shell=sh

# Sets PROC_STATE, PROC_SESSION, PROC_START.
proc_read() { # PID
	{ read -r proc_line <"/proc/$1/stat"; } 2>/dev/null || return 1
	# The program's name stands in brackets and may hold spaces and brackets itself: count from behind it.
	# shellcheck disable=SC2086
	set -- ${proc_line##*) }
	PROC_STATE=$1 PROC_SESSION=$4 PROC_START=${20}
}

proc_lives() { # PID START-TIME
	proc_read "$1" && [ "$PROC_START" = "$2" ] && [ "$PROC_STATE" != Z ] && [ "$PROC_STATE" != X ]
}

# Sets PART_PID, PART_START, PART_URL.
part_load() { # PART
	{ read -r PART_PID PART_START PART_URL <"$RUN/$1"; } 2>/dev/null
}

part_lives() { # PART
	part_load "$1" && proc_lives "$PART_PID" "$PART_START"
}

part_spawn() { # PART URL COMMAND...
	part=$1 url=$2
	shift 2
	setsid "$@" </dev/null >>"$LOGS/$part.log" 2>&1 9>&- &
	proc_read $! || PROC_START=0
	say "$! $PROC_START $url" >"$RUN/$part"
}

# Sets MEMBERS to the processes of a part. The gateway's are its session: nginx's workers outlive a killed master. The kernel gives
# a session's id to nobody else while one member lives. (The shell reads byte by byte: not for parts that start none.)
members_read() { # PART (after part_load)
	MEMBERS=
	if [ "$1" != gateway ]; then
		if proc_lives "$PART_PID" "$PART_START"; then
			MEMBERS=$PART_PID
		fi
		return 0
	fi
	for stat in /proc/[0-9]*/stat; do
		member=${stat#/proc/}
		member=${member%/stat}
		if proc_read "$member" && [ "$PROC_SESSION" = "$PART_PID" ] && [ "$PROC_STATE" != Z ]; then
			MEMBERS="$MEMBERS $member"
		fi
	done
}

members_kill() { # PART (after part_load)
	if proc_read "$PART_PID" && [ "$PROC_START" != "$PART_START" ]; then
		return 0 # the id is somebody else's by now
	fi
	members_read "$1"
	for member in $MEMBERS; do
		kill -s KILL "$member" 2>/dev/null || :
	done
}

HURRY_MS=300

# Asks a part to finish, waits for it, kills what is left after the limit, which shrinks once HURRY is set.
part_stop() { # PART
	part_load "$1" || return 0
	case $1 in
	gateway) stop_signal=QUIT ;;
	*) stop_signal=TERM ;;
	esac
	setting_number DRAIN_MS 10000 0 600000
	now_read
	stop_until=$((NOW + setting_value + 3000))
	signals=0
	while part_lives "$1"; do
		# nginx forgets one that comes while it starts.
		if [ $signals = 0 ] || [ "$1" = gateway ]; then
			kill -s "$stop_signal" "$PART_PID" 2>/dev/null || :
			signals=1
		fi
		now_read
		if [ -n "${HURRY:-}" ] && [ $((stop_until - NOW)) -gt $HURRY_MS ]; then
			stop_until=$((NOW + HURRY_MS))
		fi
		if [ "$NOW" -gt "$stop_until" ]; then
			warn "$1 did not finish in time and is killed" || :
			break
		fi
		sleep 0.02 || :
	done
	members_kill "$1"
	rm -f "$RUN/$1"
}

parts_stop() {
	for part in $PARTS_STOP_ORDER; do
		part_stop "$part"
	done
}

part_memory() { # PART (after part_load) -> kilobytes
	members_read "$1"
	for member in $MEMBERS; do
		cat "/proc/$member/status" 2>/dev/null || :
	done | awk '/^VmRSS:/ { sum += $2 } END { print sum + 0 }'
}

# Sets PORTS_HELD to the ports somebody listens on here, in decimal: " 22 8080 ".
ports_read() {
	PORTS_HELD=" $(awk '
	function decimal(hex,    i, value) {
		for (i = 1; i <= length(hex); i++)
			value = value * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
		return value
	}
	$4 == "0A" { printf "%d ", decimal(substr($2, length($2) - 3)) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || :)"
}

port_held() { # PORT (after ports_read)
	case $PORTS_HELD in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# The number of the first socket listening on the port.
port_socket() { # PORT
	awk -v port="$(printf ':%04X' "$1")" \
		'$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || :
}

# "process 123 (nginx)", as far as this user may see it.
port_holder() { # PORT
	holder=$(find /proc/[0-9]*/fd -lname "socket:\[$(port_socket "$1")\]" 2>/dev/null | head -n 1)
	holder=${holder#/proc/}
	holder=${holder%%/*}
	if [ -n "$holder" ]; then
		say "process $holder ($(cat "/proc/$holder/comm"))"
	else
		say 'a process of another user'
	fi
}

# Sets CHOSEN to a loopback port for a service: the one the papers name beside gateway port 8080, otherwise any that is
# free. Two scripts may still choose the same one: the loser's service exits with 69, and up.sh chooses again.
port_choose() { # PREFERRED (after ports_read)
	CHOSEN=$1
	if [ "$PORT" = 8080 ] && ! port_held "$CHOSEN"; then
		return
	fi
	read -r random </proc/sys/kernel/random/uuid
	CHOSEN=$((20000 + 0x${random%%-*} % 10000))
	while port_held "$CHOSEN"; do
		CHOSEN=$((20000 + (CHOSEN - 19999) % 10000))
	done
	PORTS_HELD="$PORTS_HELD$CHOSEN "
}
