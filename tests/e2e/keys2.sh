#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rest of the keys, and the mouse: sizes, shapes and colours of the picture by its pixels, the
# statistics by the report, fullscreen and always-on-top by what a window manager says.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/lib_window.sh"

for program in jwm jq xwininfo; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
width=640
height=480
start_screen ${width}x${height}x24
cd "$work"
# has_size WxH: the window.
has_size() {
    xwininfo -id "$window" | grep -- "-geometry $1[+-]" >/dev/null
}

open_window "$stream" --json "$work/report.json"
xdotool mousemove 639 479 windowfocus "$window"
start_painter one "$stream"
tell 'size 200 120' 'paint 0 0 200 120 204060' 'paint 0 0 8 8 ff0000' 'paint 192 112 8 8 00ff00'

# The overlay that I brings stays longer than the eight seconds of the one that i brings: it is looked
# at again below.
sees 40 20 000000 "above the picture"
key I
sees 40 20 '0d1014' "the overlay"
kept=$(($(date +%s%3N) + 8500))

# 3.2 times as large fits, with bars above and below; then twice, its own shape or not, and fit.
sees 1 49 ff0000 "fit"
key 2
sees 120 120 ff0000 "double"
is_color 119 120 000000 || fail "double: beside it"
is_color 519 359 00ff00 || fail "double: the other corner"
key a
key 0
sees 638 478 00ff00 "any shape"
is_color 1 470 204060 || fail "any shape: the lower left corner"
key a
sees 638 478 000000 "its own shape"
is_color 638 429 00ff00 || fail "its own shape: the other corner"

# The wheel zooms by a tenth where the mouse is, and back; dragging moves the picture along.
key 1
sees 220 180 ff0000 "1:1"
xdotool mousemove 220 180 click 4
sees 439 311 00ff00 "the wheel"
is_color 220 180 ff0000 || fail "the wheel: the point below the mouse moved"
is_color 440 312 000000 || fail "the wheel: too large"
xdotool click 5
sees 440 312 000000 "the wheel back"
is_color 419 299 00ff00 || fail "the wheel back: the other corner"
is_color 420 300 000000 || fail "the wheel back: too large"
xdotool mousemove 300 200 mousedown 1 mousemove 330 180 mouseup 1
sees 250 160 ff0000 "dragged"
is_color 249 160 000000 || fail "dragged: beside it"
xdotool mousemove 400 300
sleep 0.2
is_color 250 160 ff0000 || fail "moved without a button"
xdotool mousemove 639 479
key 0

# Paused by p as by the space bar. What passed meanwhile and was the last comes when it may.
key p
has_title '\[paused\]'
tell 'paint 0 0 8 8 0000ff'
sleep 0.3
is_color 1 49 ff0000 || fail "a paused window changed"
key period
sees 1 49 0000ff "a step to what had passed"
tell 'paint 0 0 8 8 ff8000'
sleep 0.3
is_color 1 49 0000ff || fail "a paused window changed after a step"
key p
sees 1 49 ff8000 "no longer paused"
! title_has '\[paused\]' || fail "still paused by its title"

until_true 10 eval '[ "$(date +%s%3N)" -ge "$kept" ]'
is_color 40 20 '0d1014' || fail "the overlay of I did not stay"
# With it the middle says that nothing changes, also when the same comes once more.
badge=111922
sees 320 228 $badge "no change"
for i in 1 2; do
    order repeat
    sleep 0.15
    is_color 320 228 $badge || fail "a repetition passed for a change"
done
tell 'paint 0 0 8 8 ffff00'
sees 320 228 204060 "a change"
key I
sees 40 20 000000 "no overlay"

# Waiting for the screen: each press says another thing.
screen "$work/plain.raw"
key v
shows_something "$work/plain.raw" "v"
screen "$work/first.raw"
key v
shows_something "$work/first.raw" "v once more"
! looks_like "$work/plain.raw" || fail "v once more says nothing"

# What is counted begins again: of the frames so far the report has none.
tell 'paint 0 0 8 8 ff0000'
sees 1 49 ff0000 "a frame"
key x
for i in 1 2; do
    tell "paint 0 0 8 8 ff00f$i"
    sees 1 49 "ff00f$i" "frame $i after x"
done

# The size of the window: the picture's own.
key w
until_true 5 has_size 200x120 || fail "w: $(xwininfo -id "$window")"
width=200
height=120
sees 199 119 00ff00 "the window is as large as the picture"
key q
finish "$watching" "the viewer"
[ "$(jq .frames "$work/report.json")" = 2 ] || fail "after x: $(cat "$work/report.json")"
end_painter

# Colours: a red of BT.601 as each of the three sees it. The painter paints no YUV.
width=320
height=240
ffmpeg -v error -f lavfi -i color=red:s=${width}x$height:r=5,format=yuv420p -t 1 red.y4m
start red "$capture" -i red.y4m --loop -o "$stream" -q
showing=$started
open_window "$stream"
xdotool mousemove 639 479 windowfocus "$window"
sees 160 60 'f[de]0000' "red, as it comes"
sleep 1
key c c
sees 160 60 'ff1[0-9a-f]0[01]' "red as BT.709"
key c
sees 160 60 'e[ef]0[ef]0[def]' "red of full range"
key c c
sees 160 60 'f[de]0000' "red as BT.601"
key q
finish "$watching" "the viewer"

# What only a window manager can do.
printf '<JWM/>\n' >jwmrc
start jwm jwm -f "$work/jwmrc"
has_manager() {
    xprop -root _NET_SUPPORTING_WM_CHECK | grep -q 'window id'
}
until_true 10 has_manager || fail "no window manager: $(cat "$work/jwm.log")"
open_window "$stream"
xdotool mousemove 320 240
manages() {
    xprop -id "$window" _NET_WM_STATE | grep -q -- "$1"
}
until_true 10 manages FOCUSED || fail "no focus: $(xprop -id "$window" _NET_WM_STATE)"
key t
until_true 5 manages ABOVE || fail "t: $(xprop -id "$window" _NET_WM_STATE)"
key t
until_true 5 eval '! manages ABOVE' || fail "t once more: $(xprop -id "$window" _NET_WM_STATE)"
key f
until_true 5 has_size 640x480 || fail "f: $(xwininfo -id "$window")"
manages FULLSCREEN || fail "f: $(xprop -id "$window" _NET_WM_STATE)"
key f
until_true 5 has_size 320x240 || fail "f once more: $(xwininfo -id "$window")"
key q
finish "$watching" "the viewer"
end "$showing"
echo "each of these keys does what it says, and so does the mouse"
