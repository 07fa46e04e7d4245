# The gateway: nginx's configuration from its template, its check, its start.
# shellcheck shell=sh

GATEWAY_MODULE=src/gateway/ngx_http_cinesync_module.so
GATEWAY_PRELOAD=src/gateway/preload

gateway_settings_check() {
	number_between "$PORT" 1 65535 || die "$EX_CONFIG" "--port $PORT: must be a number from 1 to 65535"
	case $LISTEN_ADDRESS in
	localhost) LISTEN_ADDRESS=127.0.0.1 ;;
	\[*\]) LISTEN_ADDRESS=${LISTEN_ADDRESS#\[} LISTEN_ADDRESS=${LISTEN_ADDRESS%\]} ;;
	esac
	case $LISTEN_ADDRESS in
	'' | *[!0-9a-fA-F.:]*) die "$EX_CONFIG" "--listen $LISTEN_ADDRESS: must be an address in numbers, as 127.0.0.1 or ::1" ;;
	*:*) GATEWAY_LISTEN="[$LISTEN_ADDRESS]:$PORT" ;;
	*[!0-9.]* | *.*.*.*.*) die "$EX_CONFIG" "--listen $LISTEN_ADDRESS: must be an address in numbers, as 127.0.0.1 or ::1" ;;
	*.*.*.*) GATEWAY_LISTEN=$LISTEN_ADDRESS:$PORT ;;
	*) die "$EX_CONFIG" "--listen $LISTEN_ADDRESS: must be an address in numbers, as 127.0.0.1 or ::1" ;;
	esac
	tls_settings_check
	gateway_url_set
	setting_number GATEWAY_AUTH_RATE 20 1 100000
	auth_rate=$setting_value
	[ "${GATEWAY_WORKERS:-auto}" = auto ] || setting_number GATEWAY_WORKERS 1 1 256
	gateway_proxies_set "${GATEWAY_TRUSTED_PROXIES:-none}"
	gateway_status_set "${GATEWAY_STATUS_LISTEN:-none}"
	case "$ROOT$DATA$BUILD" in
	*[\"\\\$]* | *'
'*) die "$EX_CONFIG" "the folder $ROOT, or $DATA, has a character in its name that nginx cannot take: \" \\ \$ or a line break" ;;
	esac
}

# Sets REAL_IP to nginx's words for whom it believes about the client's address. What they mean nginx checks: a network
# that is none stops the start.
gateway_proxies_set() { # "none", or addresses and networks
	REAL_IP=
	[ "$1" != none ] || return 0
	case $1 in
	*[!0-9a-fA-F.:/,\ ]*) die "$EX_CONFIG" "GATEWAY_TRUSTED_PROXIES=$1: must be none, or addresses and networks, as 10.0.0.0/8 fd00::/8" ;;
	esac
	for proxy in $(say "$1" | tr ',' ' '); do
		REAL_IP="${REAL_IP}set_real_ip_from $proxy; "
	done
	REAL_IP="${REAL_IP}real_ip_header X-Forwarded-For; real_ip_recursive on;"
}

# Sets GATEWAY_URL to where this machine reaches it.
gateway_url_set() {
	case $GATEWAY_LISTEN in
	0.0.0.0:*) GATEWAY_URL=$SCHEME://127.0.0.1:$PORT ;;
	'[::]:'*) GATEWAY_URL="$SCHEME://[::1]:$PORT" ;;
	*) GATEWAY_URL=$SCHEME://$GATEWAY_LISTEN ;;
	esac
}

# nginx started by root drops its workers to another user. www-data it is, if that user can read the pages where they
# lie: a checkout under /root is closed to it, and there the workers stay root, as the services beside them are. (They
# need nothing else: bodies stay in memory, the logs are opened by the master, so the data folder is closed to them.)
gateway_user() {
	[ "$(id -u)" = 0 ] || return 0
	if setpriv --reuid=www-data --regid=www-data --clear-groups \
		test -r "$ROOT/web/index.html" -a -r "$BUILD/openapi.json" 2>/dev/null; then
		say 'user www-data;'
	else
		say 'user root;'
	fi
}

# "-e s|@WORD@|TEXT|" for sed, on a line of its own in CONFIG_SCRIPT.
config_set() { # WORD TEXT
	config_text=$2
	case $config_text in
	*[\&\|]*) config_text=$(say "$2" | sed 's/[&|]/\\&/g') ;;
	esac
	CONFIG_SCRIPT="$CONFIG_SCRIPT
s|@$1@|$config_text|"
}

# Sets UPSTREAMS to nginx's words for where the services are, MOVIE_UPSTREAM and USER_UPSTREAM to how requests are passed to
# them. With GATEWAY_DNS, a name server's address, the services' names are looked up again and again, so that replicas may come
# and go; then no connections to them are kept, and none can be closed under a request that was just sent.
gateway_upstreams_set() { # MOVIE-ADDRESS USER-ADDRESS
	if [ -z "${GATEWAY_DNS-}" ]; then
		UPSTREAMS="upstream movie { server $1; keepalive 32; } upstream user { server $2; keepalive 32; }"
		MOVIE_UPSTREAM=movie USER_UPSTREAM=user
		return
	fi
	case $GATEWAY_DNS in
	*[!0-9a-fA-F.:\[\]]*) die "$EX_CONFIG" "GATEWAY_DNS=$GATEWAY_DNS: must be the address of a name server" ;;
	esac
	UPSTREAMS="resolver $GATEWAY_DNS valid=1s ipv6=off; resolver_timeout 2s;"
	UPSTREAMS="$UPSTREAMS map \"\" \$movie_service { default \"$1\"; } map \"\" \$user_service { default \"$2\"; }"
	# shellcheck disable=SC2016  # nginx's variables
	MOVIE_UPSTREAM='$movie_service' USER_UPSTREAM='$user_service'
}

# Sets GATEWAY_KEYS to nginx's words for how tokens are checked, GATEWAY_AUTH to those of the places where they are. Without a
# file of keys nothing is checked here; the services do it in any case.
gateway_keys_set() { # FILE, or "none"
	GATEWAY_KEYS='' GATEWAY_AUTH=''
	[ "$1" != none ] || return 0
	case $1${TOKEN_ISSUER-}${TOKEN_AUDIENCE-} in
	*[\"\\\$]* | *'
'*) die "$EX_CONFIG" "GATEWAY_JWKS_FILE, TOKEN_ISSUER or TOKEN_AUDIENCE has a character that nginx cannot take: \" \\ \$ or a line break" ;;
	esac
	GATEWAY_KEYS="cinesync_jwks \"$1\"; cinesync_issuer \"${TOKEN_ISSUER:-cinesync}\"; cinesync_audience \"${TOKEN_AUDIENCE:-cinesync}\";"
	GATEWAY_AUTH='cinesync_auth optional;'
}

# Sets STATUS to nginx's words for who is told the metrics: whoever reaches an address of its own, nobody by default.
gateway_status_set() { # "none", or ADDRESS:PORT
	STATUS=
	[ "$1" != none ] || return 0
	case $1 in
	*[!0-9a-fA-F.:\[\]]* | *: | :*) die "$EX_CONFIG" "GATEWAY_STATUS_LISTEN=$1: must be none, or an address and a port, as 127.0.0.1:8090" ;;
	*:*) STATUS="server { listen $1; access_log off; cinesync_trace off; location = /metrics { cinesync_status; } location / { return 404; } }" ;;
	*) die "$EX_CONFIG" "GATEWAY_STATUS_LISTEN=$1: must be none, or an address and a port, as 127.0.0.1:8090" ;;
	esac
}

# Without the collector the lines about it are comments.
gateway_config_write() { # MOVIE-ADDRESS USER-ADDRESS [COLLECTOR-ADDRESS]
	CONFIG_SCRIPT=
	gateway_upstreams_set "$1" "$2"
	gateway_keys_set "${GATEWAY_JWKS_FILE:-none}"
	if [ -n "${3-}" ]; then
		UPSTREAMS="$UPSTREAMS upstream trace { server $3; keepalive 4; }"
		config_set TRACES ''
	else
		config_set TRACES '#'
	fi
	config_set USER "$(gateway_user)"
	config_set MODULE "$BUILD/$GATEWAY_MODULE"
	config_set KEYS "$GATEWAY_KEYS"
	config_set AUTH "$GATEWAY_AUTH"
	config_set STATUS "$STATUS"
	config_set WORKERS "${GATEWAY_WORKERS:-auto}"
	config_set REAL_IP "$REAL_IP"
	config_set RUN "$RUN"
	config_set STATE "$DATA/nginx"
	config_set LOG "$LOGS"
	config_set WEB "$ROOT/web"
	config_set OPENAPI "$BUILD/openapi.json"
	tls_config_set
	config_set LISTEN "$GATEWAY_LISTEN"
	config_set UPSTREAMS "$UPSTREAMS"
	config_set MOVIE "$MOVIE_UPSTREAM"
	config_set USERS "$USER_UPSTREAM"
	config_set AUTH_RATE "$auth_rate"
	config_set AUTH_BURST $((auth_rate * 2))
	sed -e "$CONFIG_SCRIPT" "$ROOT/src/gateway/nginx.conf.in" >"$DATA/nginx/nginx.conf"
}

# Sets NGINX_ENV to what stands in nginx's environment beside ours: its log's clock is UTC, as the services' is; a module that
# was built with sanitizers wants their library to be the first. (What nginx leaves to the end of its process is no leak.) Its
# spans go where the services' do.
nginx_env_set() {
	NGINX_ENV=TZ=UTC
	[ -z "${ADDRESS_trace-}" ] || NGINX_ENV="$NGINX_ENV OTEL_EXPORTER_OTLP_ENDPOINT=http://$ADDRESS_trace"
	if [ -e "$BUILD/$GATEWAY_PRELOAD" ]; then
		NGINX_ENV="$NGINX_ENV LD_PRELOAD=$(cat "$BUILD/$GATEWAY_PRELOAD") ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
	fi
}

# nginx's own words about what is wrong, without their date.
gateway_complaint() { # FILE
	sed -n -e 's/^.*\[emerg\] //' -e 's/^[0-9]*#[0-9]*: //' -e 1p "$1"
}

gateway_config_test() {
	nginx_env_set
	# shellcheck disable=SC2086  # words
	if env $NGINX_ENV "$NGINX" -t -q -e stderr -p "$DATA/nginx/" -c "$DATA/nginx/nginx.conf" 2>"$RUN/nginx-test"; then
		rm -f "$RUN/nginx-test"
		return
	fi
	warn "nginx refuses its configuration: $(gateway_complaint "$RUN/nginx-test")"
	return 1
}

gateway_start() {
	nginx_env_set
	# shellcheck disable=SC2086  # words
	part_spawn gateway "$GATEWAY_URL" env $NGINX_ENV "$NGINX" -e stderr -p "$DATA/nginx/" -c "$DATA/nginx/nginx.conf"
}
