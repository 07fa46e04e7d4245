#!/bin/bash
# Whether the infrastructure is seen from a container on the services' networks, each part by its name and in its own protocol:
#
#     docker compose run --rm check
#
# A line for each; exit code 1 if one does not answer. In PostgreSQL's image, which has bash and pg_isready.

# Sends that, and reads until what is expected has come; 5 s without a byte are too long.
# shellcheck disable=SC2053,SC2317  # a pattern; called by the shells below
answers() { # HOST PORT SEND EXPECTED (a pattern)
	exec 3<>"/dev/tcp/$1/$2" || return 1
	printf '%b' "$3" >&3
	local answer='' byte
	while [[ $answer != $4 ]] && IFS= read -r -t 5 -n 1 -d '' byte <&3; do
		answer+=$byte
	done
	exec 3>&-
	[[ $answer == $4 ]]
}
export -f answers

check() { # WHAT COMMAND...
	local what=$1
	shift
	if timeout 10 "$@" >/dev/null 2>&1; then
		echo "$what: seen"
	else
		echo "$what: not seen"
		failed=1
	fi
}

failed=0
check 'PostgreSQL (postgres:5432)' pg_isready -q -h postgres
check 'Redis (redis:6379)' bash -c "answers redis 6379 'PING\\r\\n' '[-+]*'"
check 'RabbitMQ (rabbitmq:5672)' bash -c "answers rabbitmq 5672 'AMQP\\0000\\0000\\0011\\0001' \$'\\001'"
check 'Jaeger (jaeger:4318)' bash -c "answers jaeger 4318 'POST /v1/traces HTTP/1.1\\r\\nHost: jaeger\\r\\nContent-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n{}' 'HTTP/1.? 200*'"
check 'mail catcher (mail:1025)' bash -c "answers mail 1025 '' '220*'"
exit $failed
