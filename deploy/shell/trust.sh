# Whether the services that `up` starts believe its gateway about who asks (GATEWAY_TRUST), and by what they know it: its user,
# at the other end of a unix socket, or its certificate. By default they do not: they remember the tokens they have verified,
# so that the second look costs next to nothing, and whatever gets past the gateway is still nobody.
# shellcheck shell=sh

TRUST_SOCKET_PATH_MAX=107
TRUST_RENEW_S=2592000

# Workers that are another user than the services (see gateway_user) cannot reach the data folder: then the sockets are in a
# folder under /run.
trust_workers_are_others() {
	[ "$(gateway_user)" = 'user www-data;' ]
}

# Sets TRUST_FOLDER, where the sockets or certificates are, and what gateway.sh reads.
trust_choose() {
	TRUST_FOLDER=
	case ${GATEWAY_TRUST:-none} in
	socket)
		TRUST_FOLDER=$DATA/sockets
		if trust_workers_are_others; then
			TRUST_FOLDER=/run/cinesync-$(say "$DATA" | cksum | tr ' ' -)
		fi
		MOVIE_SOCKET=$TRUST_FOLDER/movie.sock USER_SOCKET=$TRUST_FOLDER/user.sock
		[ ${#MOVIE_SOCKET} -le $TRUST_SOCKET_PATH_MAX ] ||
			die "$EX_CONFIG" "GATEWAY_TRUST=socket: the path $MOVIE_SOCKET is too long for a socket; choose a shorter data folder with --data"
		;;
	mtls)
		TRUST_FOLDER=$DATA/tls
		GATEWAY_CERTIFICATE_FILE=$TRUST_FOLDER/gateway.pem GATEWAY_KEY_FILE=$TRUST_FOLDER/gateway.key GATEWAY_CA_FILE=$TRUST_FOLDER/ca.pem
		MOVIE_NAME=movie USER_NAME=user
		;;
	esac
}

# Makes what the services and nginx find there.
trust_prepare() {
	case ${GATEWAY_TRUST:-none} in
	socket)
		mkdir -p "$TRUST_FOLDER"
		chmod 700 "$TRUST_FOLDER"
		if trust_workers_are_others; then
			chgrp www-data "$TRUST_FOLDER"
			chmod 750 "$TRUST_FOLDER"
		fi
		;;
	mtls) "$ROOT/deploy/make-certificates" "$TRUST_FOLDER" $TRUST_RENEW_S || die "$EX_UNAVAILABLE" 'the certificates for GATEWAY_TRUST=mtls cannot be made' ;;
	esac
}

trust_end() {
	[ "${GATEWAY_TRUST:-none}" != socket ] || rmdir "$TRUST_FOLDER" 2>/dev/null || :
}

# Sets ADDRESS_trusted_* (after ports_read): where services listen by TLS.
trust_addresses_choose() {
	ADDRESS_trusted_movie='' ADDRESS_trusted_user=''
	[ "${GATEWAY_TRUST:-none}" = mtls ] || return 0
	port_choose 8091
	ADDRESS_trusted_movie=127.0.0.1:$CHOSEN
	port_choose 8092
	ADDRESS_trusted_user=127.0.0.1:$CHOSEN
}

# Exports a service's TRUSTED_*: of those that are asked in somebody's name, and empty, which is unset, otherwise. Whatever
# our own environment says of them is not meant for all.
trust_export() { # SERVICE
	export TRUSTED_SOCKET='' TRUSTED_SOCKET_GROUP='' TRUSTED_UIDS='' TRUSTED_LISTEN='' TRUSTED_NAMES=''
	export TRUSTED_CERTIFICATE_FILE='' TRUSTED_KEY_FILE='' TRUSTED_CA_FILE=''
	case ${GATEWAY_TRUST:-none}:$1 in
	socket:movie | socket:user)
		TRUSTED_SOCKET=$TRUST_FOLDER/$1.sock
		if trust_workers_are_others; then
			TRUSTED_SOCKET_GROUP=www-data TRUSTED_UIDS=$(id -u www-data)
		fi
		;;
	mtls:movie | mtls:user)
		eval "TRUSTED_LISTEN=\$ADDRESS_trusted_$1"
		TRUSTED_CERTIFICATE_FILE=$TRUST_FOLDER/$1.pem TRUSTED_KEY_FILE=$TRUST_FOLDER/$1.key TRUSTED_CA_FILE=$TRUST_FOLDER/ca.pem
		TRUSTED_NAMES=gateway
		;;
	esac
}
