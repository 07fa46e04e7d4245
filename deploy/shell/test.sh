# test: the sanitizer build, the linters, the unit tests (Meson) and the system tests (pytest), counted together.
#
# A skipped test counts as failed: what was not run proves nothing.
# shellcheck shell=sh

PASSED=0 FAILED=0 UNIT_FAILED=

count_add() { # WHAT PASSED FAILED
	say "$1: $2 passed, $3 failed"
	PASSED=$((PASSED + $2))
	FAILED=$((FAILED + $3))
}

test_build() {
	if [ -n "${CINESYNC_BUILD:-}" ]; then
		TEST_BUILD=$BUILD
		return
	fi
	TEST_BUILD=$ROOT/build-test
	say 'Building with the address and undefined-behaviour sanitizers.'
	# Half the optimisation, lines but no variables for the debugger, and a fast linker: half the time of the build. The long run
	# has gcc look as hard as a release, which finds more to warn of.
	optimization=1
	[ "${TEST_LONG-}" != 1 ] || optimization=2
	build_folder "$TEST_BUILD" -Doptimization=$optimization -Ddebug=true -Dc_args=-g1 -Dc_link_args=-fuse-ld=mold \
		-Db_sanitize=address,undefined -Dfaults=true -Dtests=true -Dwerror=true
}

test_command() { # WHAT COMMAND...
	what=$1
	shift
	if "$@"; then
		count_add "$what" 1 0
	else
		count_add "$what" 0 1
	fi
}

test_lint() {
	test_command 'house rules' "$ROOT/tools/lint"
	test_command shellcheck shellcheck -x "$SELF" "$LIB"/*.sh "$ROOT/deploy/install-packages" "$ROOT/deploy/compose/check.sh" "$ROOT/.ci/run"
}

# Reads Meson's log, an object a line with the output of one test program each. cmocka's own counts are taken from
# there; a program without them (or one that died before it could say) counts as one.
unit_count() { # LOG -> "PASSED FAILED"
	awk '
	function sum(text, word,    total, found) {
		while (match(text, "\\[  " word "  ?\\] ([^:\\\\]*: )?[0-9]+ test")) {
			found = substr(text, RSTART, RLENGTH)
			sub(/ test$/, "", found)
			sub(/^.* /, "", found)
			total += found + 0
			text = substr(text, RSTART + RLENGTH)
		}
		return total + 0
	}
	{
		ok = /"result": "OK"/
		p = sum($0, "PASSED"); f = sum($0, "FAILED") + sum($0, "SKIPPED")
		if (ok && p + f == 0) p = 1
		if (!ok && f == 0) f = 1
		passed += p; failed += f
	}
	END { print passed + 0, failed + 0 }' "$1"
}

# What the tests write, and their databases sync to disk all the time, goes to memory where there is room for it: nothing here
# is to outlive a power cut, and a killed process loses nothing of it. A TMPDIR that is set stays.
test_scratch() {
	[ -z "${TMPDIR-}" ] || return 0
	scratch_kb=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	[ "${scratch_kb:-0}" -gt 4000000 ] || return 0
	scratch=$(mktemp -d /dev/shm/cinesync-test.XXXXXX) || return 0
	printf '#!/bin/sh\n' >"$scratch/runs"
	chmod 755 "$scratch" "$scratch/runs"
	if ! "$scratch/runs" 2>/dev/null; then # mounted so that nothing can be run there
		rm -rf "$scratch"
		return 0
	fi
	trap 'rm -rf "$scratch"' EXIT
	TMPDIR=$scratch TEST_SHARED=$scratch
	export TMPDIR TEST_SHARED
}

test_unit() {
	unit_log=$TEST_BUILD/meson-logs/testlog.json
	rm -f "$unit_log"
	# Many wait most of their time: one more than there are processors.
	meson test -C "$TEST_BUILD" --num-processes $(($(nproc) + 1)) --no-rebuild --print-errorlogs --timeout-multiplier "${TEST_PATIENCE:-1}" || :
	if [ ! -s "$unit_log" ]; then
		count_add 'unit tests' 0 1
		return
	fi
	# shellcheck disable=SC2046  # two numbers
	count_add 'unit tests' $(unit_count "$unit_log")
	UNIT_FAILED=$(sed -n '/"result": "OK"/!s/^{"name": "\([^"]*\)".*/\1/p' "$unit_log" | tr '\n' ' ')
}

# The attribute of the report's <testsuite>.
junit_number() { # FILE NAME
	sed -n "s/.*<testsuite [^>]*[ ]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# Adds what pytest's report says; no report is a failure.
report_count() { # WHAT
	if [ ! -s "$report" ]; then
		count_add "$1" 0 1
		return
	fi
	failed=$(($(junit_number "$report" failures) + $(junit_number "$report" errors) + $(junit_number "$report" skipped)))
	count_add "$1" $(($(junit_number "$report" tests) - failed)) $failed
}

test_system() {
	report=$TEST_BUILD/system-tests.xml
	rm -f "$report"
	(cd "$ROOT" && CINESYNC_BUILD=$TEST_BUILD /usr/bin/python3 -m pytest tests tools -n 2 --dist loadfile -q -p no:cacheprovider --junitxml="$report") || :
	report_count 'system tests'
}

# The pages in a real browser. One process: each worker would start a system and a browser of its own.
test_web() {
	report=$TEST_BUILD/web-tests.xml
	rm -f "$report"
	(cd "$ROOT" && TEST_WEB=1 CINESYNC_BUILD=$TEST_BUILD /usr/bin/python3 -m pytest tests/web -q -p no:cacheprovider --junitxml="$report") || :
	report_count 'browser tests'
}

# Other people's TMDB clients against the fake TMDB, OpenTelemetry's messages and SDK against our spans; they are fetched from npm into the build folder.
test_clients() {
	report=$TEST_BUILD/client-tests.xml
	rm -f "$report"
	(cd "$ROOT" && TEST_CLIENTS=1 CINESYNC_BUILD=$TEST_BUILD /usr/bin/python3 -m pytest tests/clients -q -p no:cacheprovider --junitxml="$report") || :
	report_count 'client tests'
}

# Any node and npm will do, Debian's or not.
clients_packages() {
	if ! have node || ! have npm; then
		say clients
	fi
}

fuzz_one() { # ROOM/TARGET
	fuzz_name=${1#*/}
	fuzz_corpus=$fuzz_build/corpus/$fuzz_name
	mkdir -p "$fuzz_corpus"
	set -- "$1" "$fuzz_corpus"
	[ ! -d "$ROOT/tests/fuzz/$fuzz_name" ] || set -- "$@" "$ROOT/tests/fuzz/$fuzz_name"
	fuzz_program=$fuzz_build/src/$1
	shift
	if ! "$fuzz_program" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=10 \
		-artifact_prefix="$fuzz_corpus-" "$@" >"$fuzz_build/$fuzz_name.log" 2>&1; then
		tail -n 40 "$fuzz_build/$fuzz_name.log" >&2
		return 1
	fi
	tail -n 1 "$fuzz_build/$fuzz_name.log"
}

# libFuzzer on every target, two at a time, FUZZ_SECONDS each; what it learns is kept in build-fuzz/corpus for the next time.
test_fuzz() {
	fuzz_build=$ROOT/build-fuzz
	CC=clang build_folder "$fuzz_build" --buildtype=debugoptimized -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	set -- schema/fuzz_schema http/fuzz_target http/fuzz_query http/fuzz_address token/fuzz_token import/fuzz_import trace/fuzz_otlp
	while [ $# -gt 0 ]; do
		fuzz_one "$1" &
		fuzz_first=$!
		[ $# -eq 1 ] || test_command "${2#*/}" fuzz_one "$2"
		test_command "${1#*/}" wait "$fuzz_first"
		shift
		[ $# -eq 0 ] || shift
	done
}

test_all() {
	test_lint
	test_unit
	test_system
}

# The same tests with more of everything that is tried or killed at random (TEST_ROUNDS in the environment overrules), and ten
# minutes for each fuzzer.
test_long() {
	TEST_PATIENCE=30 FUZZ_SECONDS=${FUZZ_SECONDS:-600}
	test_all
}

test_run() { # [unit|system|web|clients|fuzz|long]
	# shellcheck disable=SC2046  # a word or none
	case $1 in
	'' | unit | system) packages_need build run test ;;
	web) packages_need build run test web ;;
	clients) packages_need build run test $(clients_packages) ;;
	fuzz) packages_need build run test fuzz ;;
	long) packages_need build run test web fuzz $(clients_packages) ;;
	*) die "$EX_USAGE" "there are no '$1' tests: unit, system, web, clients, fuzz, long" ;;
	esac
	if [ "$1" = long ]; then
		TEST_LONG=1
		export TEST_LONG
	fi
	test_build
	test_scratch
	case $1 in
	unit) test_lint && test_unit ;;
	system) test_system ;;
	web) test_web ;;
	clients) test_clients ;;
	fuzz) test_fuzz ;;
	long) test_long && test_web && test_clients && test_fuzz ;;
	*) test_all ;;
	esac
	# Named again: pages of other tests may have come since.
	[ -z "$UNIT_FAILED" ] || say "unit tests that failed: $UNIT_FAILED"
	say "$PASSED passed, $FAILED failed"
	[ $FAILED -eq 0 ] && [ $PASSED -gt 0 ]
}
