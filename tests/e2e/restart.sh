#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The capture is killed and started again under the same name, three times; the viewer goes on.
source "$(dirname "$0")/lib.sh"

start viewer "$viewer" "$stream" --headless --verify --mode latest --follow --wait 10 -t 6 -q \
    --json "$work/viewer.json"
watching=$started
for round in 1 2 3; do
    start "capture$round" "$capture" -i test -s 640x360 -r 60 -o "$stream" -q
    sleep 0.8
    kill -KILL "$started"
    wait "$started" 2>/dev/null || true
done
start last "$capture" -i test -s 320x180 -x nv12 -r 60 -o "$stream" -q
last=$started
finish "$watching" "the viewer"
end "$last"
is_zero "$work/viewer.json" torn
at_least "$work/viewer.json" sessions 4
at_least "$work/viewer.json" frames 60
echo "the capture was killed 3 times, the viewer saw $(number "$work/viewer.json" sessions) sessions"
