#!/bin/sh
# The command-line tool: what it prints and how it exits. usage: test_tool.sh PATH_OF_CINESYNC_TOKEN
set -u
tool=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# status WANTED ARGUMENTS...: runs the tool; its output goes to $dir/out and $dir/err
status() {
  wanted=$1
  shift
  "$tool" "$@" >"$dir/out" 2>"$dir/err" </dev/null
  got=$?
  [ "$got" -eq "$wanted" ] || { echo "exit $got, not $wanted: $*"; cat "$dir/err"; failed=1; }
}
says() { # says FILE TEXT
  grep -qF -e "$2" "$dir/$1" || { echo "no '$2' in $1:"; cat "$dir/$1"; failed=1; }
}

status 0 --help; says out "usage: cinesync-token sign"
status 0 sign --help
status 64; status 64 frobnicate; status 64 sign; status 64 verify; status 64 verify --jwks x; status 64 jwks
status 64 sign --nonsense; status 64 jwks --key x extra; status 64 jwks --key x --iss y
status 64 sign --key x --iss i --aud a --sub s --ttl 0; says err "--ttl must be a number"
status 64 sign --key x --iss i --aud a --sub s --ttl 10m

status 1 jwks --key "$dir/key"; says err "ENOENT"
status 0 jwks --key "$dir/key" --create; cp "$dir/out" "$dir/jwks"; says jwks '"crv":"P-256"'
grep -q '"d"' "$dir/jwks" && { echo "private half printed"; failed=1; }
status 0 jwks --key "$dir/key"; cmp -s "$dir/out" "$dir/jwks" || { echo "another key"; failed=1; }

status 0 sign --key "$dir/key" --iss i --aud a --sub Zoë --role user --sid s1
token=$(cat "$dir/out")
status 0 verify --jwks "$dir/jwks" --aud a --iss i "$token"; says out '"sub":"Zoë"'; says out '"role":"user"'
status 0 verify --jwks "$dir/jwks" "$token"
status 1 verify --jwks "$dir/jwks" --aud b "$token"; says err "refused: wrong-audience"
status 1 verify --jwks "$dir/jwks" --iss j "$token"; says err "refused: wrong-issuer"
status 1 verify --jwks "$dir/jwks" "${token}x"; says err "refused:"
status 1 verify --jwks "$dir/jwks" ""; says err "refused: malformed"
status 1 verify --jwks "$dir/nothing" "$token"; says err "ENOENT"
status 1 verify --jwks "$dir/key" "$token"; says err "EINVAL"
status 0 verify-jws --jwks "$dir/jwks" "$token"; says out '"sub":"Zoë"'
printf '%s\n' "$token" | "$tool" verify --jwks "$dir/jwks" - >"$dir/out" || { echo "standard input"; failed=1; }
says out '"iss":"i"'

status 0 sign --key "$dir/key" --iss i --aud a --sub s --at 1000 --ttl 60
token=$(cat "$dir/out")
status 1 verify --jwks "$dir/jwks" "$token"; says err "refused: expired"
status 0 verify --jwks "$dir/jwks" --at 1059 "$token"
status 1 verify --jwks "$dir/jwks" --at 1060 "$token"
status 0 verify --jwks "$dir/jwks" --at 1060 --leeway 1 "$token"

status 0 jwks --key "$dir/key2" --create; cp "$dir/out" "$dir/jwks2"
status 1 verify --jwks "$dir/jwks2" --at 1001 "$token"; says err "refused: unknown-key"
chmod 644 "$dir/key"
status 1 sign --key "$dir/key" --iss i --aud a --sub s; says err "EACCES"
"$tool" --help >/dev/full 2>"$dir/err" && { echo "a full disk is a success"; failed=1; }
exit $failed
