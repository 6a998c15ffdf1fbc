#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The demos as people run them: the test picture in 1080p at 60 Hz into demo-viewer's window, on an
# Xvfb of its own. Writes the viewer's report as JSON, with the times from publishing until it has
# the frame (held_us) and from capturing until the display server has the picture (shown_us). Ends with 77 if something that it needs is not there.
#   tests/bench/window.sh BUILD SECONDS FILE
set -euo pipefail
bin=$1/bin
seconds=$2
file=$3
name=bench-$$-1
scratch=$(mktemp -d)

skip() {
    echo "  skipped: the demos in a window: $*"
    exit 77
}

# shellcheck disable=SC2317
clean_up() {
    trap '' INT TERM HUP
    local child
    for child in $(jobs -pr); do
        kill -TERM "$child" 2>/dev/null || true
    done
    wait
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

command -v Xvfb >/dev/null || skip 'Xvfb is missing (apt-get install xvfb)'
[ -x "$bin/demo-viewer" ] || skip "there is no $bin/demo-viewer"
Xvfb -displayfd 3 -screen 0 1920x1080x24 -noreset -nolisten tcp 3>"$scratch/display" \
    2>"$scratch/xvfb" &
for _ in {1..100}; do
    [ -s "$scratch/display" ] && break
    sleep 0.1
done
[ -s "$scratch/display" ] || skip 'Xvfb did not start'
DISPLAY=:$(tr -d '[:space:]' <"$scratch/display")
export DISPLAY SDL_VIDEODRIVER=x11

"$bin/demo-capture" -i test -s 1920x1080 -x bgra -r 60 -o "$name" -q &
"$bin/demo-viewer" "$name" -t "$seconds" -q --json "$scratch/report.json" &
wait $!
jq '{ rounds: 1, seconds, complete: true, hz: 60, report: . }' "$scratch/report.json" >"$file"
jq -r '
    def us: round | tostring + " us";
    "8. The demos: 1080p at 60 Hz in a window, \(.fps * 10 | round / 10) fps; from publishing to viewer "
    + "p50 \(.held_us.p50 | us), p99 \(.held_us.p99 | us); from capture to pixels p50 "
    + "\(.shown_us.p50 | us), p99 \(.shown_us.p99 | us); \(.lost) lost, \(.skipped) skipped"
' "$scratch/report.json"
