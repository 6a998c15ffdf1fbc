#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Clocks that jump, in one of two peers (libfaketime), while the other one has the right clock and
# judges: nobody is taken for dead, no item is lost, waits of 100 ms take 100 to 150 ms. First the time
# of day jumps, hours and days to and fro; then the monotonic clock, which only ever jumps forward.
#   tests/environs/clock.sh CLOCK_PEER [MILLISECONDS]
set -euo pipefail

peer=$1
duration=${2:-2500}
library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
if [ -z "$library" ]; then
    echo 'clock.sh: skipped: libfaketime is missing (apt-get install faketime)'
    exit 77
fi
scratch=$(mktemp -d)
name=clock-$$
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"; rm -f /dev/shm/framering.*."$name"-*' EXIT

# The offset is read anew at each look at the clock.
set_offset() {
    echo "$1" >"$scratch/now.new"
    mv "$scratch/now.new" "$scratch/now"
    sleep 0.15
}

to_and_fro() {
    local offset
    while :; do
        for offset in +1h -1h +30d -30d +0; do
            set_offset $offset
        done
    done
}

forward() {
    local hours=0
    while :; do
        hours=$((hours + 1 + RANDOM % 100))
        set_offset +${hours}h
    done
}

# with_jumps DONT_FAKE_MONOTONIC COMMAND...
with_jumps() {
    local monotonic=$1
    shift
    env LD_PRELOAD="$library" FAKETIME_TIMESTAMP_FILE="$scratch/now" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC="$monotonic" "$@"
}

failed=0
# pair WHAT HOW DONT_FAKE_MONOTONIC ROLE JUDGE
pair() {
    local what=$1 how=$2 monotonic=$3 role=$4 judge=$5 status=0
    local pair=$name-$role-$monotonic
    echo +0 >"$scratch/now"
    "$how" &
    local jumper=$!
    with_jumps "$monotonic" "$peer" "$pair" "$role" "$duration" >"$scratch/$role" 2>&1 &
    local other=$!
    "$peer" "$pair" "$judge" "$duration" || status=$?
    wait "$other" || status=1
    kill "$jumper"
    wait "$jumper" 2>/dev/null || true
    if [ $status -ne 0 ]; then
        echo "FAILED: $what, $role"
        cat "$scratch/$role"
        failed=$((failed + 1))
    fi
}

pair 'the time of day jumps' to_and_fro 1 write judge-reading
pair 'the time of day jumps' to_and_fro 1 read judge-writing
pair 'the monotonic clock jumps forward' forward 0 write judge-reading
pair 'the monotonic clock jumps forward' forward 0 read judge-writing
echo "clock.sh: 4 pairs, $failed failures"
[ $failed -eq 0 ]
