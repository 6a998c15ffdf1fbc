#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job: 1080p at 60 frames a second to two viewers, nothing torn, out of order or lost; and
# between the frames all three are at rest.
source "$(dirname "$0")/lib.sh"

start one "$viewer" "$stream" --headless --verify --mode every --wait 10 -q --json "$work/1.json"
one=$started
start two "$viewer" "$stream" --headless --verify --mode every --wait 10 -q --json "$work/2.json"
two=$started
start capture "$capture" -i test -s 1920x1080 -x bgra -r 60 -t 3 --slots 24 -o "$stream" -q \
    --json "$work/capture.json"
finish "$started" "the capture"
finish "$one" "the first viewer"
finish "$two" "the second viewer"
at_least "$work/capture.json" frames 90
for file in "$work/1.json" "$work/2.json"; do
    is_zero "$file" torn out_of_order lost
    at_least "$file" frames 90
    at_least "$file" p99 1
done

# Slow pictures: whoever polled would use its processor all the same.
start idle "$viewer" "$stream" --headless --mode every --wait 10 -q --json "$work/idle.json"
idle=$started
start capture "$capture" -i test -s 320x200 -r 2 -t 3 -o "$stream" -q
finish "$started" "the slow capture"
finish "$idle" "the idle viewer"
awk -v cpu="$(number "$work/idle.json" cpu_seconds)" 'BEGIN { exit !(cpu < 0.5) }' ||
    fail "an idle viewer used the processor: $(cat "$work/idle.json")"
cat "$work/1.json"
