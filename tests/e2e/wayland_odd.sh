#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Wayland compositors other than the sway of this machine, played by wl_fake: older protocols, other
# pixel formats, rows with something behind them, pictures bottom-up, damage counted from elsewhere,
# failures, an output that goes away, a compositor that is stopped.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
export XDG_RUNTIME_DIR=$work WAYLAND_DISPLAY=wayland-7
mkfifo "$work/orders"
exec 7<>"$work/orders"

# fake VERSION: its pid is in $fake
fake() {
    rm -f "$work/wayland-7" "$work/wayland-7.lock"
    "$FR_TESTS/e2e_wl_fake" wayland-7 "$1" <"$work/orders" >"$work/fake.log" 2>&1 &
    fake=$!
    children+=("$fake")
    until_true 10 test -S "$work/wayland-7" || fail "no fake compositor"
    tell 'paint 0 0 2048 2048 103050' 'paint 40 30 100 60 ff8000' 'paint 200 150 1000 1000 0040ff'
}

tell() {
    printf '%s\n' "$@" >&7
}

capture() {
    start capture "$capture" -o "$stream" -q "$@"
    capturing=$started
}

# refuses SENTENCE OPTIONS...: it ends with that
refuses() {
    local sentence=$1
    shift
    capture "$@"
    ! wait "$capturing" || fail "it ended well: $*"
    grep -q -- "$sentence" "$work/capture.log" || fail "not '$sentence'"
}

# ends_with SENTENCE: the one that runs
ends_with() {
    ! wait "$capturing" || fail "it ended well"
    grep -q -- "$1" "$work/capture.log" || fail "not '$1'"
}

trace() {
    "$FR_TESTS/frame_trace" "$stream" "$1" "$work/last.raw" >"$work/trace.log" || fail "no frames"
    ! grep -v ' 0 lies' "$work/trace.log" || fail "the damage told was not all of it"
}

lines() {
    grep -cE -- "$1" "$work/trace.log" || true
}

# shows WxH X,Y,WxH [FORMAT]: an output of that size, of which that comes
shows() {
    local width height x y
    IFS=,x read -r x y width height <<<"$2"
    rm -f "$work/saved.bgr0"
    trace 0.1
    tell "save $work/saved.bgr0"
    until_true 5 test -s "$work/saved.bgr0" || fail "the fake saves nothing"
    [ "$(awk 'END { print $2 }' "$work/trace.log")" = "${width}x$height" ] || return 1
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size "$1" -i "$work/saved.bgr0" \
        -vf "crop=$width:$height:$x:$y:exact=1" -f rawvideo -pix_fmt bgr24 "$work/theirs.bgr24"
    ffmpeg -v error -y -f rawvideo -pix_fmt "${3:-bgr0}" -video_size "${width}x$height" \
        -i "$work/last.raw" -f rawvideo -pix_fmt bgr24 "$work/ours.bgr24"
    cmp -s "$work/ours.bgr24" "$work/theirs.bgr24"
}

# follows WxH X,Y,WxH [FORMAT]: the picture, and small changes of it, each of them told
colour=0
follows() {
    local i
    rm -f "$work/steady.log"
    start steady "$FR_TESTS/frame_trace" "$stream" 20
    local tracing=$started
    until_true 5 grep -qs " ${2##*,} .* lies" "$work/steady.log" || fail "no frames ($*)"
    for i in 1 2 3 4; do
        colour=$((colour + 1))
        tell "paint $((i * 55)) $((i * 45)) 12 9 $(printf 00f%03x "$colour")"
        sleep 0.05
    done
    until_true 5 shows "$@" || fail "what changed ($*): $(cat "$work/trace.log")"
    kill "$tracing"
    ! grep -v ' 0 lies' "$work/steady.log" || fail "the damage told was not all of it"
}

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
tell 'local 0' 'invert 0'
capture -i wayland -g '51,37 201x153'
until_true 5 shows 320x240 51,37,201x153 || fail "a piece: $(cat "$work/trace.log")"
tell 'mode 200 100'
until_true 5 shows 200x100 51,37,149x63 || fail "a cut piece: $(cat "$work/trace.log")"
tell 'mode 40 40'
ends_with 'so small that 51,37 lies outside'
tell 'mode 320 240'

# Pictures that fail are asked for again; where none comes at all there is a sentence.
capture -i wayland
until_true 5 shows 320x240 0,0,320x240 || fail "no picture"
tell 'fail 3' 'paint 5 5 10 10 ffffff'
follows 320x240 0,0,320x240
# A compositor that does not move holds nobody up, and goes on where it was.
kill -STOP "$fake"
sleep 0.2
kill -CONT "$fake"
follows 320x240 0,0,320x240
kill -STOP "$fake"
end "$capturing"
kill -CONT "$fake"
tell 'format 3231564e'
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
echo "odd compositors are understood, or refused in a sentence"
