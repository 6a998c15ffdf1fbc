#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs a build into an empty prefix, moves that prefix, and builds and runs the project in this
# folder against it: by find_package, by pkg-config and a plain compiler call.
#   check.sh BUILD-FOLDER COMPILER
set -euo pipefail

build=$1
compiler=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command that should say nothing; what it said is shown only if it fails.
quietly() {
    "$@" >"$work/log" 2>&1 && return
    cat "$work/log"
    echo "consumer: failed: $*"
    exit 1
}

try() {
    quietly "$1" "consumer-$$"
    echo "consumer: $(basename "$1") passed a frame"
}

quietly cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/prefix"

quietly cmake -S "$here" -B "$work/build" -G Ninja "-DCMAKE_PREFIX_PATH=$work/prefix" \
    "-DCMAKE_C_COMPILER=$compiler"
quietly cmake --build "$work/build"
for program in consumer_shared consumer_static consumer_av; do
    try "$work/build/$program"
done

pc=$(find "$work/prefix" -name framering.pc)
export PKG_CONFIG_PATH=${pc%/*}
export LD_LIBRARY_PATH=${pc%/pkgconfig/*}
for package in framering framering-av; do
    define=()
    [ "$package" = framering ] || define=(-DUSE_AV)
    # Words are what pkg-config is meant to give.
    # shellcheck disable=SC2046
    quietly "$compiler" "${define[@]}" "$here/main.c" -o "$work/by-pkg-config-$package" \
        $(pkg-config --cflags --libs "$package")
    try "$work/by-pkg-config-$package"
done
