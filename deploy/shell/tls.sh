# TLS at the gateway: whose certificate it shows, and what nginx is told about it.
#
# GATEWAY_TLS=on (`./cinesync up --tls`): HTTPS alone on the gateway's port, with TLS 1.2 and 1.3, HTTP/2, and HTTP/3 where nginx
# has it. The certificate is the operator's (GATEWAY_TLS_CERTIFICATE_FILE, GATEWAY_TLS_KEY_FILE, which turn it on too), or one for
# this machine that is made here, kept in the data folder, and made again when it ends soon. Nobody but those who are told to
# trusts that one, so browsers are not told to insist on HTTPS (HSTS) by it.
# shellcheck shell=sh
# shellcheck disable=SC2034  # used by the files that source this one

TLS_MADE_DAYS=365        # browsers take no certificate over 397 days
TLS_MADE_AGAIN_S=2592000 # a made one is replaced when it ends within 30 days
TLS_ENDS_SOON_S=1209600  # the end of the operator's is told 14 days before

# Sets TLS (on, off), TLS_OWN (yes: the operator's), TLS_CERTIFICATE, TLS_KEY, SCHEME, HTTP3. Looks at no file.
tls_settings_check() {
	TLS_OWN=no TLS_CERTIFICATE=$DATA/tls/certificate.pem TLS_KEY=$DATA/tls/key.pem TLS=${GATEWAY_TLS:-off}
	if [ -n "${GATEWAY_TLS_CERTIFICATE_FILE-}${GATEWAY_TLS_KEY_FILE-}" ]; then
		if [ -z "${GATEWAY_TLS_CERTIFICATE_FILE-}" ] || [ -z "${GATEWAY_TLS_KEY_FILE-}" ]; then
			die "$EX_CONFIG" 'GATEWAY_TLS_CERTIFICATE_FILE and GATEWAY_TLS_KEY_FILE: set both, or none'
		fi
		TLS_OWN=yes TLS=${GATEWAY_TLS:-on}
		TLS_CERTIFICATE=$(path_absolute "$GATEWAY_TLS_CERTIFICATE_FILE") TLS_KEY=$(path_absolute "$GATEWAY_TLS_KEY_FILE")
	fi
	case $TLS in
	on) SCHEME=https ;;
	off) SCHEME=http ;;
	*) die "$EX_CONFIG" "GATEWAY_TLS=$TLS: must be on or off" ;;
	esac
	case ${GATEWAY_HTTP3:-auto} in
	auto | on | off) HTTP3=${GATEWAY_HTTP3:-auto} ;;
	*) die "$EX_CONFIG" "GATEWAY_HTTP3=$GATEWAY_HTTP3: must be on, off or auto" ;;
	esac
	[ "${GATEWAY_HTTP_PORT:-none}" = none ] && return
	setting_number GATEWAY_HTTP_PORT 80 1 65535
	[ "$TLS" = on ] || die "$EX_CONFIG" "GATEWAY_HTTP_PORT=$GATEWAY_HTTP_PORT: only with TLS, for what is plain HTTP there is sent to HTTPS"
	[ "$GATEWAY_HTTP_PORT" != "$PORT" ] || die "$EX_CONFIG" "GATEWAY_HTTP_PORT=$GATEWAY_HTTP_PORT: is the port of HTTPS already"
}

# What is wrong with the operator's certificate and key, in one line; nothing, if nothing is.
tls_complaint() {
	case $TLS_CERTIFICATE$TLS_KEY in
	*[\"\\\$]* | *'
'*)
		say "the path $TLS_CERTIFICATE, or $TLS_KEY, has a character that nginx cannot take: \" \\ \$ or a line break"
		return
		;;
	esac
	for tls_file in "$TLS_CERTIFICATE" "$TLS_KEY"; do
		if ! [ -f "$tls_file" ] || ! [ -r "$tls_file" ]; then
			say "$tls_file: there is no such file, or this user may not read it"
			return
		fi
	done
	if ! tls_public=$(openssl x509 -in "$TLS_CERTIFICATE" -noout -pubkey 2>/dev/null); then
		say "$TLS_CERTIFICATE: holds no certificate (PEM)"
	elif ! tls_private=$(openssl pkey -in "$TLS_KEY" -passin pass: -pubout 2>/dev/null); then
		say "$TLS_KEY: holds no private key (PEM, without a passphrase)"
	elif [ "$tls_public" != "$tls_private" ]; then
		say "$TLS_KEY: is not the key of the first certificate in $TLS_CERTIFICATE"
	elif ! openssl x509 -in "$TLS_CERTIFICATE" -noout -checkend 0 >/dev/null; then
		say "$TLS_CERTIFICATE: ended on $(tls_end)"
	fi
}

# When the certificate ends, as "Nov 28 09:46:52 2027 GMT".
tls_end() {
	openssl x509 -in "$TLS_CERTIFICATE" -noout -enddate | sed 's/^notAfter=//'
}

tls_ends_soon() { # SECONDS
	! openssl x509 -in "$TLS_CERTIFICATE" -noout -checkend "$1" >/dev/null 2>&1
}

# The names of a certificate for this machine, and the address it listens at.
tls_names() {
	printf 'DNS:localhost,IP:127.0.0.1,IP:::1'
	case $LISTEN_ADDRESS in
	127.0.0.1 | ::1 | 0.0.0.0 | ::) ;;
	*) printf ',IP:%s' "$LISTEN_ADDRESS" ;;
	esac
}

tls_make() {
	printf '%s\n' '[req]' 'distinguished_name = name' 'x509_extensions = server' 'prompt = no' '[name]' 'CN = localhost' '[server]' \
		"subjectAltName = $(tls_names)" 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
		'extendedKeyUsage = serverAuth' >"$DATA/tls/request"
	(umask 077 && openssl req -x509 -config "$DATA/tls/request" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
		-days $TLS_MADE_DAYS -keyout "$TLS_KEY.new" -out "$TLS_CERTIFICATE.new" 2>"$DATA/tls/complaint") ||
		die "$EX_UNAVAILABLE" "openssl makes no certificate: $(tail -n 1 "$DATA/tls/complaint")"
	chmod 644 "$TLS_CERTIFICATE.new"
	mv -f "$TLS_KEY.new" "$TLS_KEY"
	mv -f "$TLS_CERTIFICATE.new" "$TLS_CERTIFICATE"
	rm -f "$DATA/tls/request" "$DATA/tls/complaint"
}

tls_made_is_good() {
	if [ -n "$(tls_complaint)" ] || tls_ends_soon $TLS_MADE_AGAIN_S; then
		return 1
	fi
	case $LISTEN_ADDRESS in
	0.0.0.0 | ::) ;;
	*) openssl x509 -in "$TLS_CERTIFICATE" -noout -checkip "$LISTEN_ADDRESS" | grep -q 'does match' ;;
	esac
}

# The certificate is there and right, before nginx is started or told to read it again.
tls_prepare() {
	[ "$TLS" = on ] || return 0
	have openssl || die "$EX_UNAVAILABLE" 'openssl is not installed'
	if [ "$TLS_OWN" = yes ]; then
		tls_fault=$(tls_complaint)
		[ -z "$tls_fault" ] || die "$EX_CONFIG" "TLS: $tls_fault"
		! tls_ends_soon $TLS_ENDS_SOON_S || warn "TLS: $TLS_CERTIFICATE ends on $(tls_end)"
		return
	fi
	(umask 077 && mkdir -p "$DATA/tls")
	tls_made_is_good || tls_make
}

# Sets TLS, TLS_OWN, TLS_CERTIFICATE, TLS_KEY and LISTEN_ADDRESS to those of the gateway that runs.
tls_running_read() { # ADDRESS:PORT
	TLS=on TLS_OWN=yes LISTEN_ADDRESS=${1%:*}
	LISTEN_ADDRESS=${LISTEN_ADDRESS#\[} LISTEN_ADDRESS=${LISTEN_ADDRESS%\]}
	TLS_CERTIFICATE=$(sed -n 's/^[\t ]*ssl_certificate  *"\(.*\)";$/\1/p' "$DATA/nginx/nginx.conf")
	TLS_KEY=$(sed -n 's/^[\t ]*ssl_certificate_key  *"\(.*\)";$/\1/p' "$DATA/nginx/nginx.conf")
	[ "$TLS_CERTIFICATE" != "$DATA/tls/certificate.pem" ] || TLS_OWN=no
}

# What the gateway reads again while it runs: its certificate, which somebody has renewed or which ends soon.
reload() {
	if ! supervisor_lives || ! part_load gateway; then
		say "not running with the data folder $DATA"
		return "$EX_NOT_RUNNING"
	fi
	NGINX=$(nginx_program) || die "$EX_UNAVAILABLE" 'nginx is not installed'
	reload_part=$PART_PID reload_listen=${PART_URL#*://}
	TLS=off
	case $PART_URL in
	https://*) tls_running_read "$reload_listen" ;;
	esac
	tls_prepare
	gateway_config_test || exit "$EX_CONFIG"
	kill -s HUP "$reload_part"
	say 'the gateway reads its certificate and its configuration again'
}

# nginx of this version or later. 1.25.1 has HTTP/2 as a directive of its own.
tls_nginx_is() { # MINOR PATCH
	tls_version=$("$NGINX" -v 2>&1)
	tls_version=${tls_version##*nginx/1.}
	tls_minor=${tls_version%%.*} tls_patch=${tls_version#*.}
	tls_patch=${tls_patch%%[!0-9]*}
	[ "$tls_minor" -gt "$1" ] || { [ "$tls_minor" = "$1" ] && [ "$tls_patch" -ge "$2" ]; }
}

# Whether somebody has the UDP port that HTTP/3 would be at.
tls_udp_held() {
	awk -v port="$(printf ':%04X' "$PORT")" 'substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
		/proc/net/udp /proc/net/udp6 2>/dev/null
}

# Sets HTTP3 to on or off.
tls_http3_choose() {
	if [ "$TLS" = off ] || [ "$HTTP3" = off ]; then
		HTTP3=off
	elif "$NGINX" -V 2>&1 | grep -q -e --with-http_v3_module; then
		HTTP3=on
	elif [ "$HTTP3" = on ]; then
		die "$EX_CONFIG" 'GATEWAY_HTTP3=on: this nginx has no HTTP/3 (Debian 13 has one that has)'
	else
		HTTP3=off
	fi
}

# A line of nginx's template that begins with the word stands if it is wanted, and is a comment if not.
tls_line() { # WORD yes|no
	if [ "$2" = yes ]; then
		config_set "$1" ''
	else
		config_set "$1" '#'
	fi
}

tls_config_set() {
	tls_listen='' tls_http2=no tls_on=no tls_hsts=no tls_http3=no tls_plain=no
	tls_http3_choose
	if [ "$TLS" = on ]; then
		tls_on=yes tls_hsts=$TLS_OWN
		if tls_nginx_is 25 1; then
			tls_listen=' ssl' tls_http2=yes
		else
			tls_listen=' ssl http2'
		fi
	fi
	# By HTTP/3 a host comes in no header; $host has no port, which no service looks at.
	# shellcheck disable=SC2016  # nginx's variables
	if [ "$HTTP3" = on ]; then
		tls_http3=yes
		config_set HOST '$host'
	else
		config_set HOST '$http_host'
	fi
	[ "${GATEWAY_HTTP_PORT:-none}" = none ] || tls_plain=yes
	tls_line TLS $tls_on
	tls_line HTTP2 $tls_http2
	tls_line HTTP3 $tls_http3
	tls_line HSTS "$tls_hsts"
	tls_line PLAIN $tls_plain
	config_set LISTEN_TLS "$tls_listen"
	config_set CERTIFICATE "$TLS_CERTIFICATE"
	config_set CERTIFICATE_KEY "$TLS_KEY"
	config_set PORT "$PORT"
	config_set PLAIN_LISTEN "${GATEWAY_LISTEN%:*}:${GATEWAY_HTTP_PORT:-none}"
	if [ "$PORT" = 443 ]; then
		config_set PORT_SHOWN ''
	else
		config_set PORT_SHOWN ":$PORT"
	fi
}
