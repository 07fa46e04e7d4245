# The collector of traces, cinesync-trace: whether it runs, and how the services are told where it is.
#
# TRACES=auto (or unset): it runs where the gateway listens to this machine alone, since whoever reaches the gateway can
# read the traces. TRACES=on: also elsewhere. TRACES=off: never. Who has a collector already (OpenTelemetry's variables name
# it), or wants no spans at all, needs none of ours.
# shellcheck shell=sh

# Sets SERVICES_NOW to the services that run: the collector last, so that it takes no time from those that people wait for; spans
# wait for it. LISTEN_ADDRESS is checked already.
traces_choose() {
	SERVICES_NOW=$SERVICES
	case ${TRACES:-auto} in
	auto | on | off) ;;
	*) die "$EX_CONFIG" "TRACES=$TRACES: must be on, off or auto" ;;
	esac
	if traces_allowed && [ -z "${OTEL_EXPORTER_OTLP_ENDPOINT-}${OTEL_EXPORTER_OTLP_TRACES_ENDPOINT-}" ]; then
		SERVICES_NOW="$SERVICES trace"
	fi
}

traces_allowed() {
	case ${OTEL_SDK_DISABLED:-false} in
	false | no | off | 0) ;;
	*) return 1 ;;
	esac
	case ${TRACES:-auto}-$LISTEN_ADDRESS in
	on-* | auto-127.* | auto-::1) return 0 ;;
	*) return 1 ;;
	esac
}

traces_wanted() {
	case $SERVICES_NOW in
	*trace) return 0 ;;
	*) return 1 ;;
	esac
}

# Nobody loses a film because the collector is gone: it is started again, empty.
traces_again() {
	warn "trace ended by itself; it is started again, without the traces it had; $LOGS/trace.log says why"
	part_stop trace
	service_start trace
	database_choose none
}
