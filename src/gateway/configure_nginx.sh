#!/bin/sh
# usage: configure_nginx.sh SOURCE MODULE FOLDER CC...
#
# Runs nginx's configure, as nginx-dev has it in SOURCE, for the module in MODULE: in FOLDER then are ngx_auto_config.h and
# ngx_auto_headers.h, which say how the packaged nginx was built, and ngx_http_cinesync_module_modules.c, by which it finds
# the module. Nothing is written into SOURCE, which is the system's.
set -eu

source=$1 module=$(readlink -f -- "$2") folder=$(readlink -f -- "$3")
shift 3
work=$folder/nginx

rm -rf "$work"
mkdir -p "$work"
for name in auto src configure; do
	ln -s "$source/$name" "$work/$name"
done
# How the package was configured: a bash array. Without it only what every module needs: nginx says so if that is wrong.
flags=--with-compat
if [ -f "$source/conf_flags" ]; then
	flags=$(sed -e 's/^NGX_CONF_FLAGS=(//' -e 's/)[[:space:]]*$//' "$source/conf_flags")
fi
cd "$work"
# shellcheck disable=SC2086  # words without blanks or quotes in them
if ! sh ./configure $flags --with-cc="$*" --add-dynamic-module="$module" --builddir="$work/objs" >"$work/log" 2>&1; then
	tail -n 20 "$work/log" >&2
	exit 1
fi
cp objs/ngx_auto_config.h objs/ngx_auto_headers.h objs/ngx_http_cinesync_module_modules.c "$folder/"
