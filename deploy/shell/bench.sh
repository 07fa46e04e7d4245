# bench: the measurements of bench/, on the release build. No verdicts: figures and ratios.
# shellcheck shell=sh

bench() {
	packages_need build run bench
	build_release
	/usr/bin/python3 "$ROOT/bench/start.py" "$BUILD"
	/usr/bin/python3 "$ROOT/bench/cached_search.py" "$BUILD"
}
