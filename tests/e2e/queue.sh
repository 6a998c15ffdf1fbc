#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A queue with three writers and three readers: each frame comes to exactly one reader.
source "$(dirname "$0")/lib.sh"

readers=()
for i in 1 2 3; do
    start "viewer$i" "$viewer" "$stream" --headless --verify --mode every --wait 10 -q \
        --json "$work/$i.json"
    readers+=("$started")
done
start capture1 "$capture" -i test -s 640x360 -x nv12 -r 100 -n 300 --policy block \
    --delivery queue --writer-id 1 -o "$stream" -q --json "$work/w1.json"
writers=("$started")
for i in 2 3; do
    start "capture$i" "$capture" -i test -s 640x360 -x nv12 -r 100 -n 300 --join --writer-id $i \
        -o "$stream" -q --json "$work/w$i.json"
    writers+=("$started")
done
for pid in "${writers[@]}"; do
    finish "$pid" "a writer"
done
sum=0
for i in 0 1 2; do
    finish "${readers[i]}" "a reader"
    is_zero "$work/$((i + 1)).json" torn out_of_order
    sum=$((sum + $(number "$work/$((i + 1)).json" frames)))
done
[ "$sum" = 900 ] || fail "900 frames were written, $sum were read"
echo "900 frames by 3 writers, $sum frames at 3 readers"
