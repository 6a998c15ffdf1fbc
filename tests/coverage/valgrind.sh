#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The unit suites under valgrind's memcheck: no access to what is not there or not set, and nothing lost
# that was allocated. Prints a line for each suite; fails if one of them does.
#   tests/coverage/valgrind.sh [SUITE...]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source=$(dirname "$(dirname "$here")")
build=${VALGRIND_BUILD:-$source/build/valgrind}
export build here

# Not run: those of the demos and the shared library; test_exchanges, which steps through its own
# instructions; test_memory, test_process and test_descriptor_hostile, which count page faults, limit
# addresses and fill the table of descriptors, of which valgrind needs some for itself; test_endings
# and test_format, which would take minutes and do little that others do not.
left_out='^test_(av.*|exchanges|memory|process|descriptor_hostile|endings|format)$'

command -v valgrind >/dev/null || { echo 'valgrind: skipped, it is not installed'; exit 77; }
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DFRAMERING_BUILD_DEMOS=OFF \
    -DFRAMERING_BUILD_TOOLS=OFF >/dev/null
suites=("$@")
if [ $# -eq 0 ]; then
    mapfile -t suites < <(ctest --test-dir "$build" -N -L '^unit$' -R '^test_' |
        sed -n 's/^ *Test *#[0-9]*: //p' | grep -vE "$left_out")
fi
cmake --build "$build" -j "$(nproc)" -t "${suites[@]}" >"$build/log" || { cat "$build/log"; exit 1; }

# Threads take turns, or one that looks again and again would keep the others from coming.
# shellcheck disable=SC2317
check() {
    local start=$SECONDS result=ok
    CK_TIMEOUT_MULTIPLIER=30 valgrind --quiet --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite --fair-sched=yes --suppressions="$here/valgrind.supp" \
        "$build/tests/$1" >"$build/$1.log" 2>&1 || result=FAILED
    [ $result = ok ] || cat "$build/$1.log"
    printf '%-6s %4d s  %s\n' $result $((SECONDS - start)) "$1"
    [ $result = ok ]
}
export -f check
printf '%s\n' "${suites[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'check {}'
echo "${#suites[@]} suites"
