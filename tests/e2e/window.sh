#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real window: the test picture through the ring into the viewer's window on Xvfb; what ffmpeg sees
# on the screen must be one whole test picture. And once more through everything: the screen with
# that window is captured into a second ring.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
start_screen 640x360x24
start capture "$capture" -i test -s 640x360 -x "${1:-bgr0}" -r 30 -o "$stream" -q
showing=$started
start viewer "$viewer" "$stream" --size 640x360
window=$started

# Whether the screen is a whole test picture right now.
shows_picture() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size 640x360 -i "$DISPLAY" -frames:v 1 \
        -f rawvideo -pix_fmt bgr0 "$work/screen.raw" &&
        "$FR_TESTS/check_picture" 640 360 <"$work/screen.raw" >"$work/picture.log"
}
until_true 20 shows_picture || fail "the window never showed a test picture"
for i in 1 2 3; do
    sleep 0.2
    shows_picture || fail "look $i: $(cat "$work/picture.log")"
done

start capture2 "$capture" -i "$DISPLAY" -s 640x360 -r 30 -o "$stream-screen" -q
again=$started
"$viewer" "$stream-screen" --headless --wait 10 -n 10 -q --screenshot "$work/again.png" ||
    fail "no picture of the window"
ffmpeg -v error -y -i "$work/again.png" -f rawvideo -pix_fmt bgr0 "$work/again.raw"
"$FR_TESTS/check_picture" 640 360 <"$work/again.raw" || fail "not whole after ring, window, ring"
end "$again"

# The capture goes away and comes back in another size and format: the same window goes on.
end "$showing"
start capture3 "$capture" -i test -s 640x360 -x nv12 -r 30 -o "$stream" -q
showing=$started
shows_anything_new() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size 640x360 -i "$DISPLAY" -frames:v 1 \
        -f rawvideo -pix_fmt bgr0 "$work/nv12.raw" &&
        "$FR_TESTS/check_picture" 640 360 near <"$work/nv12.raw" >"$work/picture.log"
}
until_true 20 shows_anything_new || fail "the window did not come back: $(cat "$work/picture.log")"
end "$window"
end "$showing"
echo "the window shows whole pictures, and goes on when the capture comes back"
