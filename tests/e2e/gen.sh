#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The load of framering gen: with readers that are slow and with writers and readers that are killed,
# no frame is torn, stale or mixed, and what is missing was reported as lost; its report is complete.
# That its readers can tell at all is shown with a writer that draws something else.
source "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || { echo "skipped: no jq"; exit 77; }
tool=$FR_BIN/framering

# load NAME OPTION...: its report is in $work/NAME.json.
load() {
    local name=$1
    shift
    "$tool" gen "$stream" --verify --json "$@" >"$work/$name.json" 2>"$work/$name.log" ||
        fail "gen $* ended with $?: $(cat "$work/$name.json")"
}

# holds NAME CONDITION: what jq says of the report.
holds() {
    jq -e "$2" "$work/$1.json" >/dev/null || fail "not true of $1: $2: $(cat "$work/$1.json")"
}

whole='.torn == 0 and .out_of_order == 0 and .unexplained == 0 and .verified'

# Nothing is lost to anybody where writers wait.
load block --size 320x180 -r 0 --readers 3 --policy block -n 400
holds block "$whole and .writers.frames == 400 and .readers.frames == 1200"
holds block '.readers.lost == {"skipped": 0, "overwritten": 0, "dropped": 0}'
holds block '.seconds > 0 and .writers.fps > 0 and .writers.resizes == 0'
holds block '.writers | .bytes_per_second / .fps | round == 230400'
holds block '.writers | .interval_mean_ns > 0 and .jitter_ns >= 0 and .full == 0 and .late == 0'
holds block '.writers.interval | .count == 399 and .p50_ns <= .p99_ns and .p99_ns <= .max_ns'
holds block '.readers.latency | .count == 1200 and .p50_ns > 0 and .p50_ns <= .p999_ns'
holds block '.width == 320 and .height == 180 and .format == "bgr0" and .policy == "block"'

# A slow reader loses frames, each of which is accounted for; the quick one need not.
load oldest --size 321x181 --format yuv420p -r 400 --readers 2 --slow-reader 40 -n 300
holds oldest "$whole and .readers.lost.overwritten > 0 and .readers.lost.dropped == 0"
load newest --size 64x48 --format nv12 --pattern noise -r 400 --readers 1 --slow-reader 40 \
    --slots 4 --policy drop-newest -t 1
holds newest "$whole and .readers.lost.dropped > 0 and .readers.lost.overwritten == 0"
holds newest '.writers.full > 0'

# The size changes in mid-stream, of all writers, and every reader sees it and checks every byte.
load sizes --size 323x181 --format yuv420p -r 200 --writers 2 --readers 2 --resize-every 0.2 -t 1.5
holds sizes "$whole and .writers.resizes >= 4 and .readers.resizes >= 4"
holds sizes '.writers | .bytes_per_second / .fps | . > 22200 and . < 87600'
load odd --size 1x3 -r 200 --resize-every 0.1 -t 0.5
holds odd "$whole and .readers.resizes >= 1"

# Everybody dies now and then.
load deaths --size 320x180 -r 300 --writers 2 --readers 3 --slow-reader 10 --kill-reader 3 \
    --kill-writer 3 -t 3
holds deaths "$whole and .writers.killed > 0 and .readers.killed > 0 and .readers.frames > 300"

# A line a second, on a pipe one below the other.
grep -cE 'written [0-9.]+ fps, [0-9.]+ MB/s, read [0-9.]+ fps, lost [0-9]+, torn 0' \
    "$work/deaths.log" | grep -E '^[2-9]' >/dev/null || fail "the live lines: $(cat "$work/deaths.log")"

# Frames that are not what they should be are found: demo-capture joins as a writer that draws an
# older picture of writer 0 (out of order), then one without the number beside it (not ours).
start spoil "$tool" gen "$stream" --verify --json --size 320x180 -r 50 -t 2
"$capture" -i test -s 320x180 -x bgr0 -r 20 -n 10 --join -o "$stream" -q || fail "the joiner"
if wait "$started"; then fail "a foreign writer was not noticed"; fi
grep -oE '\{.*' "$work/spoil.log" >"$work/spoil.json"
holds spoil '.torn + .out_of_order > 0'

# The text is there for people, and Ctrl-C ends it as any other end.
start text "$tool" gen "$stream" --size 160x90 --readers 1 --rate 100
until_true 10 "$tool" cat "$stream" -n 1 --format raw >/dev/null 2>&1 || fail "no stream"
end "$started"
for line in 'stream +e2e' 'written +[0-9]+ frames by 1' 'interval +mean' 'read +[0-9]+ frames' \
    'latency +p50' 'lost +0 skipped'; do
    grep -qE "^$line" "$work/text.log" || fail "no line '$line': $(cat "$work/text.log")"
done
echo "no frame torn, stale or mixed, with slow and dying readers and writers"
