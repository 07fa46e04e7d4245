# Which Debian packages are missing, and installing them.
# shellcheck shell=sh

# The lines of deploy/packages.SET, without comments: "a" or "a | b".
packages_listed() { # SET...
	for set in "$@"; do
		sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$ROOT/deploy/packages.$set"
	done
}

# Of each line that nothing installed satisfies, its first package.
packages_missing() { # SET...
	# shellcheck disable=SC2046  # names of packages
	packages_here=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $(packages_listed "$@" | tr '|' ' ') 2>/dev/null |
		sed -n 's/^installed //p' | tr '\n' ' ')"
	packages_listed "$@" | tr '|' ' ' | while read -r line; do
		packages_satisfied "$line" || say "${line%% *}"
	done
}

packages_satisfied() { # NAMES
	for name in $1; do
		case $packages_here in
		*" $name "*) return 0 ;;
		esac
	done
	return 1
}

# Sets AS_ROOT to the command that makes the next one root's; fails when this user has none.
root_way() {
	AS_ROOT=
	[ "$(id -u)" != 0 ] || return 0
	AS_ROOT=sudo
	have sudo || return 1
	# With a terminal sudo may ask for the password; without one it must not hang.
	[ -t 0 ] || sudo -n true 2>/dev/null
}

# What a system that is not Debian has to bring itself.
tools_need() {
	for tool in cc meson ninja pkg-config python3; do
		have "$tool" || die "$EX_UNAVAILABLE" "$tool is missing, and packages are installed only on Debian; install what deploy/packages.build lists"
	done
	nginx_program >/dev/null || die "$EX_UNAVAILABLE" 'nginx is missing, and packages are installed only on Debian; install it'
}

# Sets command to what a person types as root. Not plain apt-get: that would start and enable a web server on port 80.
packages_command() { # PACKAGE...
	command="'$ROOT/deploy/install-packages' $* (apt-get install --no-install-recommends, and nothing started)"
}

packages_need() { # SET...
	if ! have dpkg-query || ! have apt-get; then
		tools_need
		return
	fi
	# shellcheck disable=SC2046  # names of packages
	set -- $(packages_missing "$@")
	[ $# -gt 0 ] || return 0
	packages_command "$@"
	[ "$INSTALL" = yes ] || die "$EX_UNAVAILABLE" "packages are missing and --no-install is given; as root: $command"
	root_way || die "$EX_NOPERM" "packages are missing and this user may not install them; as root: $command"
	packages_install "$@"
}

packages_install() { # PACKAGE...
	say "Installing $# Debian packages that are missing: $*"
	install_log=$(mktemp)
	# shellcheck disable=SC2086  # AS_ROOT may be empty
	if ! $AS_ROOT "$ROOT/deploy/install-packages" "$@" >"$install_log" 2>&1; then
		tail -n 15 "$install_log" >&2
		rm -f "$install_log"
		die "$EX_UNAVAILABLE" "the packages could not be installed; as root: $command"
	fi
	rm -f "$install_log"
}
