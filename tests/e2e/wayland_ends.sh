#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What ends a capture of Wayland, or nearly: failures, a compositor that is stopped, an output that is
# made smaller or goes away, options that ask for what is not there. wl_fake plays the compositor.
source "$(dirname "$0")/wl_lib.sh"

fake 3
# A piece is cut by an output that becomes smaller, until nothing is left.
capture -i wayland -g '51,37 201x153'
until_true 5 shows 320x240 51,37,201x153 || fail "a piece: $(cat "$work/trace.log")"
tell 'mode 200 100'
until_true 5 shows 200x100 51,37,149x63 || fail "a cut piece: $(cat "$work/trace.log")"
tell 'mode 40 40'
ends_with 'so small that 51,37 lies outside'
tell 'mode 320 240'

# Pictures that fail are asked for again, also while the output is off.
capture -i wayland
until_true 5 shows 320x240 0,0,320x240 || fail "no picture"
tell 'fail 3' 'paint 5 5 10 10 ffffff'
follows 320x240 0,0,320x240
tell 'off 1' 'paint 9 9 10 10 ff00ff'
running=$capturing
refuses 'is it switched off' -i wayland -o "$stream-off"
capturing=$running
tell 'off 0'
follows 320x240 0,0,320x240
# A compositor that does not move holds nobody up, and goes on where it was.
kill -STOP "$fake"
sleep 0.2
kill -CONT "$fake"
follows 320x240 0,0,320x240
kill -STOP "$fake"
end "$capturing"
kill -CONT "$fake"
# One more writer of a ring that is there; one whose slots are too small.
start test "$capture" -i test -s 640x480 -x bgr0 -r 5 -o "$stream" -q
testing=$started
until_true 5 "$FR_TESTS/frame_trace" "$stream" 0 >/dev/null || fail "no test picture"
capture -i wayland --join --no-damage
until_true 5 shows 320x240 0,0,320x240 || fail "not in the ring of another writer"
tell 'mode 1000 600'
ends_with 'have .* bytes, the output needs'
end "$testing"
tell 'mode 320 240' 'format 3231564e'
refuses 'a pixel format that framering lacks' -i wayland
tell 'format 1'
refuses "no output 'HDMI-A-1'; there are: FAKE-1 (320x240 at 0,0)" -i wayland:HDMI-A-1
refuses 'does not lie inside the output FAKE-1' -i wayland -g '300,0 50x50'
refuses 'no output has pixel 400,0' -i wayland -g '400,0 50x50'
refuses '--cursor draw or none' -i wayland --cursor meta
refuses 'choose a piece with -g' -i wayland --window-name x
refuses 'leave out -x' -i wayland -x nv12
refuses 'cannot connect to a Wayland compositor at wayland-9' -i wayland-9

# The output goes away; the compositor ends; there is none that lets itself be captured.
capture -i wayland-7:FAKE-1
trace 0.1
tell remove
ends_with 'the output FAKE-1 was removed'
refuses 'none at the moment' -i wayland
kill "$fake"
wait "$fake" || true
fake 3
capture -i wayland
trace 0.1
kill -KILL "$fake"
ends_with 'the Wayland compositor is gone'
fake 0
refuses 'lets nobody capture its screen' -i wayland
echo "what cannot be captured is said in a sentence, what can is captured again"
