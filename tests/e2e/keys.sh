#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What keys do is seen in the window: pictures that are known pixel by pixel are published, keys are
# pressed as a person would, and the pixels of the window are compared with what has to be there.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/lib_window.sh"

width=640
height=480
start_screen ${width}x${height}x24
cd "$work"
open_window "$stream"
xdotool mousemove 639 479 windowfocus "$window"
has_title '\[waiting\] e2e-'

# It fits: twice as large. Then 1:1 in the middle, moved, turned, zoomed.
start_painter one "$stream"
tell 'paint 0 0 320 240 204060' 'paint 0 0 16 16 ff0000' 'paint 304 224 16 16 00ff00'
sees 1 1 ff0000 "fit"
is_color 638 478 00ff00 || fail "fit: the other corner"
has_title "$stream - 320x240 bgr0 @"
screen "$work/fit.raw"
key 1
sees 160 120 ff0000 "1:1"
is_color 159 120 000000 || fail "1:1: beside it"
key Left
sees 192 120 ff0000 "moved"
key Right
sees 160 120 ff0000 "moved back"
key r
sees 439 80 ff0000 "turned by 90"
is_color 200 399 00ff00 || fail "turned by 90: the other corner"
key r
sees 479 359 ff0000 "turned by 180"
key r
sees 200 399 ff0000 "turned by 270"
key r
sees 160 120 ff0000 "turned all round"
key plus
sees 120 90 ff0000 "zoomed in by 1.25"
key minus
sees 160 120 ff0000 "zoomed out"
key 0
returns_to "$work/fit.raw" "fit again"

# What lies over the picture comes and goes.
for keys in "i:i i" "g:g" "h:h" "question:h"; do
    key "${keys%:*}"
    shows_something "$work/fit.raw" "${keys%:*}"
    # shellcheck disable=SC2046
    key $(echo "${keys#*:}")
    returns_to "$work/fit.raw" "${keys#*:}"
done

# Only what the writer tells of is drawn anew; all of it when the window has to be.
tell 'paint 100 100 10 10 ffff00' 'secret 150 150 10 10 00ffff'
sees 205 205 ffff00 "a change"
is_color 305 305 204060 || fail "what nobody told of was drawn"
key h
key h
sees 305 305 00ffff "the whole picture"

# The mouse cursor of the stream: over the picture, where it was the picture comes back.
tell 'cursor 40 50 4 4 ffffff'
sees 80 100 ffffff "the cursor"
is_color 88 100 204060 || fail "beside the cursor"
tell 'cursor 60 50 4 4 ffffff'
sees 120 100 ffffff "the cursor moved"
is_color 80 100 204060 || fail "the cursor's old place"
key m
sees 120 100 204060 "no cursor"
key m
sees 120 100 ffffff "the cursor again"

# Paused, frames pass; one step shows the newest.
key space
has_title '\[paused\]'
tell 'paint 0 0 16 16 0000ff'
sleep 0.3
is_color 1 1 ff0000 || fail "a paused window changed"
key period
tell 'paint 0 0 16 16 ff00ff'
sees 1 1 ff00ff "a step"
key space
tell 'paint 0 0 16 16 ff0000'
sees 1 1 ff0000 "no longer paused"

# Damage is marked for a moment, then gone.
sleep 2.2
screen "$work/plain.raw"
key d
shows_something "$work/plain.raw" "d"
returns_to "$work/plain.raw" "its message"
marks_change() {
    tell 'paint 200 100 30 30 204061'
    screen "$work/now.raw" && [ "$(color "$work/now.raw" 400 200)" = ff3030 ]
}
until_true 8 marks_change || fail "the change was not marked"
sees 400 200 204061 "the mark went away"
key d

# Screenshots: the frame pixel for pixel, and the window as it is.
sleep 2.2
screen "$work/before.raw"
key S
until_true 5 compgen -G "framering-$stream-*-window.png" >/dev/null || fail "no picture of the window"
key s
frame_written() {
    [ "$(compgen -G "framering-$stream-*.png" | wc -l)" = 2 ]
}
until_true 5 frame_written || fail "no picture of the frame"
sleep 0.3
ffmpeg -v error -y -i framering-"$stream"-*-window.png -f rawvideo -pix_fmt bgr0 window.raw
ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -s ${width}x$height -i before.raw -f rawvideo \
    -pix_fmt bgr24 before24.raw
ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -s ${width}x$height -i window.raw -f rawvideo \
    -pix_fmt bgr24 window24.raw
cmp before24.raw window24.raw || fail "S is not what is on the screen"
rm framering-"$stream"-*-window.png
ffmpeg -v error -y -i framering-"$stream"-*.png -f rawvideo -pix_fmt rgb24 frame.raw
[ "$(stat -c %s frame.raw)" = $((320 * 240 * 3)) ] || fail "s has another size"
[ "$(od -An -tx1 -N 3 frame.raw)" = " ff 00 00" ] || fail "s: the first pixel"
[ "$(od -An -tx1 -j $(((150 * 320 + 150) * 3)) -N 3 frame.raw)" = " 00 ff ff" ] || fail "s: inside"
[ "$(od -An -tx1 -j $(((50 * 320 + 60) * 3)) -N 3 frame.raw)" = " 20 40 60" ] ||
    fail "s: the cursor is in the frame"

# Another stream and back; another size in mid-stream; the writer goes and comes back.
start_second() {
    start capture "$capture" -i test -s 320x240 -r 10 -o "$stream-2" -q
    capturing=$started
}
start_second
until_true 5 compgen -G "/dev/shm/framering.*.$stream-2" >/dev/null || fail "no second stream"
key n
has_title "$stream-2 - "
key N
has_title "$stream - "
end "$capturing"
tell 'size 160 120' 'paint 0 0 160 120 808000'
sees 320 240 808000 "another size"
has_title '160x120'
end_painter
has_title '\[no signal'
sees 320 400 '[34][0f][34][0f]00' "dimmed"
start_painter two "$stream"
tell 'paint 0 0 320 240 0080c0'
sees 320 100 0080c0 "the writer came back"
key l R
tell 'paint 0 0 320 240 0080c1'
sees 320 100 0080c1 "every frame, and reconnected"

# The size of the window changes.
width=320
height=240
xdotool windowsize --sync "$window" $width $height
sees 319 239 0080c1 "a smaller window"
sees 1 1 0080c1 "a smaller window"
key q
finish "$watching" "the viewer"
end_painter
echo "each key does what it says"
