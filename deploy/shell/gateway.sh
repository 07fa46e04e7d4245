# The gateway: nginx's configuration from its template, its check, its start.
# shellcheck shell=sh

GATEWAY_MODULE=src/gateway/ngx_http_cinesync_module.so
GATEWAY_PRELOAD=src/gateway/preload
GATEWAY_COMPRESSED='application/json application/problem+json application/manifest+json text/css text/javascript text/plain image/svg+xml'
# What pages of other origins may send (nginx passes on no more), and see.
CORS_TAKEN='Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, traceparent, tracestate'
CORS_EXPOSED='Age, Allow, Cache-Status, Content-Disposition, ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, traceresponse, WWW-Authenticate, X-Cache, X-Degraded, X-Request-Id'

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
	gateway_limits_set
	gateway_cache_set
	gateway_cors_set "${GATEWAY_CORS_ORIGINS:-none}"
	gateway_brotli_set
	[ "${GATEWAY_WORKERS:-auto}" = auto ] || setting_number GATEWAY_WORKERS 1 1 256
	gateway_proxies_set "${GATEWAY_TRUSTED_PROXIES:-none}"
	gateway_status_set "${GATEWAY_STATUS_LISTEN:-none}"
	gateway_trust_check "${GATEWAY_TRUST:-none}"
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

gateway_trust_check() { # WORD
	case $1 in
	none) return ;;
	socket | mtls) ;;
	*) die "$EX_CONFIG" "GATEWAY_TRUST=$1: must be none, socket or mtls" ;;
	esac
	# Only what the module has verified here is worth anything there.
	[ "${GATEWAY_JWKS_FILE:-none}" != none ] || die "$EX_CONFIG" "GATEWAY_TRUST=$1 needs GATEWAY_JWKS_FILE, to verify tokens with"
}

# A text that stands in nginx's quotes. Paths of sockets end at a colon.
gateway_text_check() { # SETTING TEXT
	case $2 in
	'') die "$EX_CONFIG" "GATEWAY_TRUST=$GATEWAY_TRUST needs $1" ;;
	*[\"\\\$\;]* | *'
'*) die "$EX_CONFIG" "$1=$2 has a character that nginx cannot take: \" \\ \$ ; or a line break" ;;
	esac
}

# Sets IDENTITY to nginx's words for what the services are told about who asks, UPSTREAM_TLS to those for how it shows itself to them.
# Services that believe it get what the module read out of an accepted token, and then no token: of two words about who asks
# one would have to be the wrong one, and a token that stays here cannot be lost there. Any other request goes on with
# whatever its client sent, for the service to judge as ever.
gateway_trust_set() {
	# shellcheck disable=SC2016  # nginx's variables
	IDENTITY='proxy_set_header Authorization $http_authorization;' UPSTREAM_TLS=''
	[ "${GATEWAY_TRUST:-none}" != none ] || return 0
	# shellcheck disable=SC2016
	IDENTITY='proxy_set_header Authorization $cinesync_authorization; proxy_set_header X-User-Id $cinesync_user_id; proxy_set_header X-User-Role $cinesync_user_role; proxy_set_header X-Session-Id $cinesync_session_id;'
	[ "$GATEWAY_TRUST" = mtls ] || return 0
	gateway_text_check GATEWAY_CERTIFICATE_FILE "${GATEWAY_CERTIFICATE_FILE-}"
	gateway_text_check GATEWAY_KEY_FILE "${GATEWAY_KEY_FILE-}"
	gateway_text_check GATEWAY_CA_FILE "${GATEWAY_CA_FILE-}"
	UPSTREAM_TLS="proxy_ssl_certificate \"$GATEWAY_CERTIFICATE_FILE\"; proxy_ssl_certificate_key \"$GATEWAY_KEY_FILE\"; proxy_ssl_trusted_certificate \"$GATEWAY_CA_FILE\"; proxy_ssl_verify on; proxy_ssl_verify_depth 2; proxy_ssl_protocols TLSv1.2 TLSv1.3;"
}

# Sets MOVIE_UPSTREAM and USER_UPSTREAM to nginx's words for how requests are passed on.
gateway_passes_set() { # MOVIE USER
	case ${GATEWAY_TRUST:-none} in
	mtls)
		gateway_text_check MOVIE_NAME "${MOVIE_NAME:-movie}"
		gateway_text_check USER_NAME "${USER_NAME:-user}"
		MOVIE_UPSTREAM="https://$1; proxy_ssl_name \"${MOVIE_NAME:-movie}\""
		USER_UPSTREAM="https://$2; proxy_ssl_name \"${USER_NAME:-user}\""
		;;
	*) MOVIE_UPSTREAM=http://$1 USER_UPSTREAM=http://$2 ;;
	esac
}

# Sets UPSTREAMS to nginx's words for where the services are, MOVIE_UPSTREAM and USER_UPSTREAM to how requests are passed to
# them. With GATEWAY_DNS, a name server's address, the services' names are looked up again and again, so that replicas may come
# and go; then no connections to them are kept, and none can be closed under a request that was just sent.
gateway_upstreams_set() { # MOVIE-ADDRESS USER-ADDRESS
	if [ "${GATEWAY_TRUST:-none}" = socket ]; then
		gateway_text_check MOVIE_SOCKET "${MOVIE_SOCKET-}"
		gateway_text_check USER_SOCKET "${USER_SOCKET-}"
		set -- "\"unix:$MOVIE_SOCKET\"" "\"unix:$USER_SOCKET\""
	fi
	if [ -z "${GATEWAY_DNS-}" ] || [ "${GATEWAY_TRUST:-none}" = socket ]; then
		UPSTREAMS="upstream movie { server $1; keepalive 128; } upstream user { server $2; keepalive 128; }"
		gateway_passes_set movie user
		return
	fi
	case $GATEWAY_DNS in
	*[!0-9a-fA-F.:\[\]]*) die "$EX_CONFIG" "GATEWAY_DNS=$GATEWAY_DNS: must be the address of a name server" ;;
	esac
	UPSTREAMS="resolver $GATEWAY_DNS valid=1s ipv6=off; resolver_timeout 2s;"
	UPSTREAMS="$UPSTREAMS map \"\" \$movie_service { default \"$1\"; } map \"\" \$user_service { default \"$2\"; }"
	# shellcheck disable=SC2016  # nginx's variables
	gateway_passes_set '$movie_service' '$user_service'
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

# An environment variable's number, "off", or its default; "off" sets setting_value to nothing.
setting_number_or_off() { # NAME DEFAULT MIN MAX
	eval "setting_value=\${$1:-$2}"
	if [ "$setting_value" = off ]; then
		setting_value=
	else
		number_between "$setting_value" "$3" "$4" ||
			die "$EX_CONFIG" "$1=$setting_value: must be off, or a number from $3 to $4"
	fi
}

# Sets LIMIT_ZONES and LIMITS to nginx's words for how much one address, and one user, may ask for under /api.
gateway_limits_set() {
	LIMIT_ZONES='' LIMITS=''
	setting_number_or_off GATEWAY_ADDRESS_CONNECTIONS 500 1 100000
	if [ "$setting_value" ]; then
		# shellcheck disable=SC2016  # nginx's variables
		LIMIT_ZONES='limit_conn_zone $cinesync_limit_connections zone=connections:4m;'
		LIMITS="limit_conn connections $setting_value;"
	fi
	gateway_limit_add address GATEWAY_ADDRESS_RATE 1000
	gateway_limit_add user GATEWAY_USER_RATE 300
}

# Twice as many at once are let through.
gateway_limit_add() { # KEY SETTING DEFAULT
	setting_number_or_off "$2" "$3" 1 100000
	[ "$setting_value" ] || return 0
	LIMIT_ZONES="$LIMIT_ZONES limit_req_zone \$cinesync_limit_$1 zone=$1:8m rate=${setting_value}r/s;"
	LIMITS="$LIMITS limit_req zone=$1 burst=$((setting_value * 2)) nodelay;"
}

# Sets cache_size (MiB; nothing: there is no cache) and cache_age_max (seconds).
gateway_cache_set() {
	setting_number_or_off GATEWAY_CACHE_SIZE 64 1 100000
	cache_size=$setting_value
	setting_number GATEWAY_CACHE_AGE_MAX 60 1 86400
	cache_age_max=$setting_value
}

# Sets CORS_MAPS, CORS and PREFLIGHT to nginx's words for the pages of other origins that may ask the API. They send a token by
# themselves, so browsers are never told to send along what they know of us (credentials).
gateway_cors_set() { # "none", "*", or origins
	CORS_MAPS='' CORS='' PREFLIGHT=''
	[ "$1" != none ] || return 0
	# shellcheck disable=SC2016  # nginx's variables
	if [ "$1" = '*' ]; then
		cors_lines='"~^[^ ]* /api/" "*";' cors_vary=
	else
		cors_lines=$(gateway_cors_lines "$1") || exit
		cors_vary='set $cors_vary ""; if ($request_uri ~ ^/api/) { set $cors_vary Origin; } add_header Vary $cors_vary always;'
	fi
	# shellcheck disable=SC2016  # nginx's variables
	CORS_MAPS='map "$http_origin $request_uri" $cors_origin { default ""; '$cors_lines' }'
	# shellcheck disable=SC2016
	CORS_MAPS=$CORS_MAPS' map "$request_method $http_access_control_request_method $cors_origin" $cors_preflight { default ""; "~^OPTIONS [A-Z]+ ." 1; }'
	# shellcheck disable=SC2016
	CORS='set $cors_exposed ""; set $cors_methods ""; set $cors_headers ""; set $cors_max_age "";'
	# shellcheck disable=SC2016
	CORS=$CORS' if ($cors_origin) { set $cors_exposed "'$CORS_EXPOSED'"; } '$cors_vary
	for cors_pair in Allow-Origin:origin Expose-Headers:exposed Allow-Methods:methods Allow-Headers:headers Max-Age:max_age; do
		CORS="$CORS add_header Access-Control-${cors_pair%:*} \$cors_${cors_pair#*:} always;"
	done
	# shellcheck disable=SC2016
	PREFLIGHT='set $cors_exposed ""; set $cors_methods "GET, HEAD, POST, PUT, PATCH, DELETE"; set $cors_headers "'$CORS_TAKEN'"; set $cors_max_age 7200;'
	# shellcheck disable=SC2016
	PREFLIGHT='if ($cors_preflight) { '$PREFLIGHT' return 204; }'
}

# The lines of the map; ends the script at what is no origin.
gateway_cors_lines() { # ORIGINS
	set -f
	cors_origins=$(say "$1" | tr ',' ' ')
	[ "${cors_origins#"${cors_origins%%[! ]*}"}" ] || cors_origins=-
	for cors_origin in $cors_origins; do
		say "$cors_origin" | grep -Eq '^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$' ||
			die "$EX_CONFIG" "GATEWAY_CORS_ORIGINS=$1: must be none, *, or origins in lower case, as https://app.example.org http://localhost:3000"
		printf '"~^%s /api/" "%s"; ' "$(say "$cors_origin" | sed 's/[.]/[.]/g')" "$cors_origin"
	done
}

# Sets BROTLI_MODULE, BROTLI and NO_BROTLI to nginx's words for brotli, where Debian's module for it is installed.
gateway_brotli_set() {
	BROTLI_MODULE='' BROTLI='' NO_BROTLI=''
	brotli_file=${NGINX_MODULES:-/usr/lib/nginx/modules}/ngx_http_brotli_filter_module.so
	[ -e "$brotli_file" ] || return 0
	BROTLI_MODULE="load_module \"$brotli_file\";"
	BROTLI="brotli on; brotli_comp_level 4; brotli_min_length 1024; brotli_types $GATEWAY_COMPRESSED;"
	NO_BROTLI='brotli off;'
}

# Without the collector the lines about it are comments.
gateway_config_write() { # MOVIE-ADDRESS USER-ADDRESS [COLLECTOR-ADDRESS]
	CONFIG_SCRIPT=
	gateway_upstreams_set "$1" "$2"
	gateway_keys_set "${GATEWAY_JWKS_FILE:-none}"
	gateway_trust_set
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
	config_set IDENTITY "$IDENTITY"
	config_set UPSTREAM_TLS "$UPSTREAM_TLS"
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
	config_set LIMIT_ZONES "$LIMIT_ZONES"
	config_set LIMITS "$LIMITS"
	config_set CORS_MAPS "$CORS_MAPS"
	config_set CORS "$CORS"
	config_set PREFLIGHT "$PREFLIGHT"
	config_set BROTLI_MODULE "$BROTLI_MODULE"
	config_set BROTLI "$BROTLI"
	config_set NO_BROTLI "$NO_BROTLI"
	config_set COMPRESSED "$GATEWAY_COMPRESSED"
	config_set CACHE_SIZE "$cache_size"
	config_set CACHE_AGE_MAX "$cache_age_max"
	if [ "$cache_size" ]; then
		config_set CACHE ''
	else
		config_set CACHE '#'
	fi
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

# nginx's own folder, from which it finds the stored answers: the data folder is closed to its workers, who may be another user,
# and this one they stand in already. What is stored is of this run alone: the services may have changed since.
gateway_folder_clear() {
	gateway_folder=$DATA/nginx/own
	if [ -e "$gateway_folder" ]; then
		rm -rf "$gateway_folder.old"
		mv "$gateway_folder" "$gateway_folder.old"
		rm -rf "$gateway_folder.old" 9>&- &
	fi
	mkdir -p "$gateway_folder"
	chmod 711 "$gateway_folder"
}

# nginx's own last words about what is wrong, without their date.
gateway_complaint() { # FILE
	sed -n 's/^.*\[emerg\] \([0-9]*#[0-9]*: \)\{0,1\}//p' "$1" | grep -v '^still could not bind' | tail -n 1
}

gateway_config_test() {
	nginx_env_set
	# shellcheck disable=SC2086  # words
	if env -C "$DATA/nginx/own" $NGINX_ENV "$NGINX" -t -q -e stderr -p ./ -c "$DATA/nginx/nginx.conf" 2>"$RUN/nginx-test"; then
		rm -f "$RUN/nginx-test"
		return
	fi
	warn "nginx refuses its configuration: $(gateway_complaint "$RUN/nginx-test")"
	return 1
}

gateway_start() {
	nginx_env_set
	# shellcheck disable=SC2086  # words
	part_spawn gateway "$GATEWAY_URL" env -C "$DATA/nginx/own" $NGINX_ENV "$NGINX" -e stderr -p ./ -c "$DATA/nginx/nginx.conf"
}
