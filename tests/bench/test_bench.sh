#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Whether the benchmark runs, whether its JSON has all it should have, nothing was torn or lost, and
# whether it leaves shared memory behind, also when it is interrupted. Judges no time.
#   tests/bench/test_bench.sh BENCH
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
build=$(readlink -f "$(dirname "$1")/../..")

if ! command -v jq >/dev/null; then
    echo 'test_bench: jq is missing (apt-get install jq)' >&2
    exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Names of a benchmark whose process is gone.
left_behind() {
    local file pid
    for file in /dev/shm/*bench-*; do
        pid=$(sed -n 's/.*bench-\([0-9]*\)-.*/\1/p' <<<"$file")
        [ -z "$pid" ] || [ -e "/proc/$pid" ] || echo "$file"
    done
}

"$here/bench.sh" "$build" --smoke --out "$out" >"$out/log" 2>&1 || {
    cat "$out/log"
    exit 1
}
jq -r -f "$here/check.jq" "$out/results.json" >"$out/missing"
if [ -s "$out/missing" ]; then
    cat "$out/log"
    echo 'test_bench: the results are not complete:'
    cat "$out/missing"
    exit 1
fi

"$1" frames --quick >"$out/log" 2>&1 &
sleep 1
kill -INT $!
status=0
wait $! || status=$?
if [ $status != 130 ]; then
    cat "$out/log"
    echo "test_bench: an interrupted benchmark ended with $status, not 130"
    exit 1
fi
left=$(left_behind)
if [ -n "$left" ]; then
    echo "test_bench: left in /dev/shm: $left"
    exit 1
fi
