#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Bugs that can be found without running anything: gcc's analyzer and clang-tidy over the library, its
# bridge, the demos and the tool. Prints the findings, each with the name of its check; fails if there is one. A
# false one is answered in the code, on its line and with the reason.
#   tests/analyze.sh
set -euo pipefail
source=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
build=${ANALYZE_BUILD:-$source/build/analyze}
targets=(framering framering_av demo-capture demo-viewer framering_tool)
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || {
    echo "analyze: there is no clang-tidy: apt-get install clang-tidy" >&2
    exit 1
}
failed=0

# Also makes what the sources include, and the list of commands that clang-tidy reads.
with_gcc() {
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
        "-DCMAKE_C_FLAGS_DEBUG=-O1 -fanalyzer" -DCMAKE_COMPILE_WARNING_AS_ERROR=ON \
        -DCMAKE_PROJECT_framering_INCLUDE="$source/tests/analyze.cmake" \
        -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DBUILD_TESTING=OFF >/dev/null
    cmake --build "$build" -j "$(nproc)" -t "${targets[@]}" -- -k 0 >"$build/log" 2>&1 && return
    grep -E '(error|warning|note):' "$build/log" || cat "$build/log"
    failed=1
}

# with_tidy CHECKS FILE...: one file at a time, for with several the check of va_list is wrong. The
# commands are gcc's, and some of their options mean nothing to clang.
with_tidy() {
    local checks=$1
    shift
    printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" "$tidy" -p "$build" --quiet "--checks=$checks" \
        --extra-arg=-Wno-unknown-warning-option >"$build/log" 2>&1 && return
    grep -E -A 2 '(error|warning):' "$build/log" || cat "$build/log"
    failed=1
}

with_gcc
# What clang does not know at all.
sed -i 's/ -fanalyzer//; s/ -ftrivial-auto-var-init=zero//' "$build/compile_commands.json"
cd "$source"
# share.c is only part of the tests' library.
mapfile -t library < <(printf '%s\n' lib/src/*.c lib/av/*.c | grep -vx lib/src/share.c)
with_tidy '' "${library[@]}"
# The demos and the tool ask for the environment and parse their options before they have a second
# thread, nobody changes the environment, and the text of glibc's strerror is each thread's own.
with_tidy -concurrency-mt-unsafe demo-capture/*.c demo-viewer/*.c tools/*.c
[ $failed -eq 0 ]
