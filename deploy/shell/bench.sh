# bench: the measurements of bench/, on the release build. No verdicts: figures and ratios.
# shellcheck shell=sh

bench() {
	packages_need build run bench
	build_release
	for measurement in start movie_cache gateway edge hung_upstream login library events movie_keys tracing collector_faults; do
		/usr/bin/python3 "$ROOT/bench/$measurement.py" "$BUILD"
	done
}
