#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Wayland compositors other than the sway of this machine, played by wl_fake: older protocols, other
# pixel formats, rows with something behind them, pictures bottom-up, damage counted from elsewhere.
source "$(dirname "$0")/wl_lib.sh"

# Every version: the first has no damage, and all is captured all the time.
for version in 1 2 3; do
    fake $version
    capture -i wayland
    follows 320x240 0,0,320x240
    grep -q 'capture 0,0 320x240 cursor 1' "$work/fake.log" || fail "no cursor"
    if [ $version = 1 ]; then
        trace 0.5
        [ "$(lines ' new 1 rects 76800 pixels')" -ge 5 ] || fail "v1: $(cat "$work/trace.log")"
    elif [ $version = 3 ]; then
        trace 1.5
        [ "$(lines ' repeat ')" -ge 1 ] || fail "no keep-alive: $(cat "$work/trace.log")"
        [ "$(lines .)" -le 4 ] || fail "$(lines .) frames of a still: $(cat "$work/trace.log")"
    fi
    end "$capturing"
    [ $version = 3 ] || { kill "$fake"; wait "$fake" || true; }
done

# Shapes, and changes from each to the next under capture: one reader goes on through all of it.
capture -i wayland --cursor none
for format in 0:bgra 34324258:rgb0 34324241:rgba 1:bgr0; do
    tell "format ${format%:*}"
    follows 320x240 0,0,320x240 "${format#*:}"
done
grep -q 'capture 0,0 320x240 cursor 0' "$work/fake.log" || fail "a cursor"
tell 'mode 641 367' 'pad 60'
follows 641x367 0,0,641x367
tell 'invert 1'
follows 641x367 0,0,641x367
tell 'mirror 1'
follows 641x367 0,0,641x367
# Nobody tells again what was told with a picture of the old size.
tell 'mirror 0' 'invert 0' 'mode 300 200' told
until_true 5 shows 300x200 0,0,300x200 || fail "300x200: $(cat "$work/trace.log")"
tell 'mode 1 1' 'pad 4'
until_true 5 shows 1x1 0,0,1x1 || fail "1x1: $(cat "$work/trace.log")"
tell 'mode 320 240' 'pad 0'
follows 320x240 0,0,320x240
end "$capturing"

# Pieces, wherever their damage is counted from, and that are cut by a smaller output.
for local in 0 1; do
    for invert in 0 1; do
        tell "local $local" "invert $invert"
        capture -i wayland -g '51,37 201x153'
        follows 320x240 51,37,201x153
        end "$capturing"
    done
done
echo "the pictures of odd compositors are right"
