# Building with Meson and ninja: the release build, and the one with sanitizers for the tests.
# shellcheck shell=sh

# A build folder remembers where and how it was set up; another place or other options start it anew.
build_set_up() { # FOLDER OPTION...
	folder=$1
	shift
	wanted="$ROOT $*"
	if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/cinesync.setup" 2>/dev/null)" = "$wanted" ]; then
		return
	fi
	if [ -d "$folder/meson-private" ]; then
		rm -rf "$folder"
	fi
	mkdir -p "$folder"
	meson setup "$@" "$folder" "$ROOT" >"$folder/setup.log" 2>&1 || build_failed "$folder/setup.log"
	say "$wanted" >"$folder/cinesync.setup"
}

build_failed() { # LOG
	tail -n 30 "$1" >&2
	die "$EX_FAILED" "the build failed; all of it is in $1"
}

# An ordinary user in somebody else's checkout may run what is built there, but not build.
build_permitted() { # FOLDER
	if [ -d "$1" ]; then
		[ -w "$1" ]
	else
		[ -w "$ROOT" ]
	fi
}

# Sets it up if need be, and builds it.
build_folder() { # FOLDER OPTION...
	build_permitted "$1" ||
		die "$EX_NOPERM" "this user may not write to $1; run it as the owner of the checkout, or set CINESYNC_BUILD to a folder that is built"
	folder=$1
	[ -f "$folder/build.ninja" ] || say 'Building CineSync; the first time takes a minute or two.'
	build_set_up "$@"
	ninja -C "$folder" >"$folder/build.log" 2>&1 || build_failed "$folder/build.log"
}

build_release() {
	if [ -d "$ROOT/build" ] && ! [ -w "$ROOT/build" ] && [ -x "$ROOT/build/src/user/cinesync-user" ]; then
		return # built by the owner
	fi
	build_folder "$ROOT/build" --buildtype=release
}

build() {
	packages_need build run
	build_release
	say "built in $ROOT/build"
}
