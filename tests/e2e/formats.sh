#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every pixel format at an odd size: capture -> ring -> a viewer that checks every byte.
source "$(dirname "$0")/lib.sh"

formats=$("$capture" --list-formats | awk '{ print $1 }')
[ "$(wc -w <<<"$formats")" -ge 30 ] || fail "only these formats: $formats"
for format in $formats; do
    start viewer "$viewer" "$stream" --headless --verify --mode every --wait 10 -q \
        --json "$work/$format.json"
    watching=$started
    start capture "$capture" -i test -s 323x181 -x "$format" -r 200 -n 40 --policy block \
        -o "$stream" -q
    finish "$started" "the capture of $format"
    finish "$watching" "the viewer of $format"
    is_zero "$work/$format.json" torn out_of_order lost
    at_least "$work/$format.json" frames 10
done
echo "$(wc -w <<<"$formats") formats, every pixel as it was drawn"
