#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The real screen: an X client on Xvfb, captured by the X server writing into the ring, compared with
# what ffmpeg's x11grab sees.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
start_screen 1366x768x24
command -v xlogo >/dev/null || { echo "skipped: no X clients (x11-apps)"; exit 77; }
start xlogo xlogo -geometry 400x300+100+50
start xlogo2 xlogo -geometry 501x333+700+300 -bg navy -fg yellow

raw_of_png() {
    ffmpeg -v error -y -i "$1" -f rawvideo -pix_fmt bgr24 "$2"
}

# grab X Y W H: by both ways, into ours.raw and theirs.raw
grab() {
    start capture "$capture" -i "$DISPLAY.0+$1,$2" -s "$3x$4" -r 30 -o "$stream" -q
    local capturing=$started
    "$viewer" "$stream" --headless --wait 10 -n 3 -q --screenshot "$work/ours.png" ||
        fail "no picture of the screen"
    end "$capturing"
    raw_of_png "$work/ours.png" "$work/ours.raw"
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size "$3x$4" -i "$DISPLAY.0+$1,$2" \
        -frames:v 1 -f rawvideo -pix_fmt bgr24 "$work/theirs.raw"
}

is_drawn() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size 1366x768 -i "$DISPLAY" -frames:v 1 \
        -f rawvideo -pix_fmt gray "$work/look.raw"
    [ "$(od -An -v -tu1 -w1 "$work/look.raw" | sort -u | wc -l)" -gt 3 ]
}
until_true 10 is_drawn || fail "the X clients drew nothing"
sleep 0.5

grab 0 0 1366 768
cmp "$work/ours.raw" "$work/theirs.raw" || fail "the screen looks different through the ring"
grab 133 77 501 333
cmp "$work/ours.raw" "$work/theirs.raw" || fail "a part of the screen looks different"
[ "$(od -An -v -tu1 -w1 "$work/ours.raw" | sort -u | wc -l)" -gt 1 ] || fail "an empty picture"
echo "the screen through the ring is the screen, pixel for pixel"
