#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Everything that tries to break the library, for as long as you like, as one table: what, how many,
# failures. A failing part prints its own words, with the seed or the point, above the table.
#
# usage: torture.sh [MINUTES]     (./run torture builds first)
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

minutes=${1:-10}
share=$((minutes * 60 / 8)) # seconds for each part
[ "$share" -ge 5 ] || share=5
release=build/release/tests
log=$(mktemp)
rows=()
failed=0
trap 'rm -f "$log"' EXIT

# row WHAT COUNT STATUS
row() {
    local verdict=0
    if [ "$3" -ne 0 ]; then
        verdict=FAILED
        failed=1
        grep -i -A 5 'fail' "$log" || tail -n 20 "$log"
    fi
    rows+=("$(printf '%-64s %14s  %s' "$1" "$2" "$verdict")")
    printf '%s\n' "${rows[-1]}"
}

# sum PATTERN: adds up the numbers before (or after) a word in the log.
sum() {
    grep -oE "$1" "$log" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { printf "%d", sum }'
}

# for_a_while COMMAND...: again and again until the share is used up, with {} counting the rounds.
for_a_while() {
    local end=$((SECONDS + share)) round=0
    : >"$log"
    while [ $SECONDS -lt $end ]; do
        "${@//\{\}/$round}" >>"$log" 2>&1 || return 1
        round=$((round + 1))
    done
}

# Victims are single-stepped; each round takes other instructions, so that in the end all are taken.
for way in kill freeze brim; do
    status=0
    for_a_while "$release/crash_step" $way 997 "{}" || status=$?
    row "crash_step $way: ended or frozen after some instruction" \
        "$(sum '^[0-9]+ runs')" $status
done

status=0
for_a_while tests/crash_points.sh "$release/crash_points" lib/src all || status=$?
row 'crash_points: killed, stopped, and undertakers killed, at each point' \
    "$(sum '^[0-9]+ runs')" $status

status=0
"$release/storm" $((share / 6 + 1)) >"$log" 2>&1 || status=$?
row 'storm: killed at random under traffic' "$(sum '[0-9]+ kills')" $status
row 'storm: items checked meanwhile' "$(sum '[0-9]+ items checked')" $status

status=0
for_a_while "$release/stress_threads" 200000 || status=$?
row 'stress_threads: verified transfers, -O2' "$(sum '[0-9]+ items checked')" $status
status=0
for_a_while build/asan/tests/stress_threads 20000 || status=$?
row 'stress_threads: verified transfers, ASan and UBSan' "$(sum '[0-9]+ items checked')" $status
status=0
for_a_while build/tsan/tests/stress_threads 20000 || status=$?
row 'stress_threads: verified transfers, TSan' "$(sum '[0-9]+ items checked')" $status

if [ -x "$release/corrupt" ]; then
    status=0
    "$release/corrupt" "$share" >"$log" 2>&1 || status=$?
    row 'corrupt: control words overwritten under traffic' "$(sum '[0-9]+ words')" $status
fi

status=0
tests/model/check.sh short >"$log" 2>&1 || status=$?
if [ $status -eq 77 ]; then
    echo "the model was not checked: $(tail -n 1 "$log")"
else
    row 'model: runs of spin, exhaustive, and mutants that must fail' \
        "$(grep -c ' states' "$log" || true)" $status
fi

left=$(find /dev/shm -name 'framering.*.crash-*' -o -name 'framering.*.storm-*' \
    -o -name 'framering.*.threads-*')
[ -z "$left" ] && status=0 || status=1
row 'names left in /dev/shm' "$(wc -w <<<"$left")" $status

echo
echo "$(uname -sr), $(nproc) cores, $((SECONDS / 60)) minutes, commit $(git rev-parse --short HEAD)"
printf '%-64s %14s  %s\n' what 'how many' failures
printf '%s\n' "${rows[@]}"
exit $failed
