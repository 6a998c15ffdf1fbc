#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The real screen: X clients on Xvfb, captured by the X server writing into the ring, compared pixel
# for pixel with what xwd sees: all of it, pieces, windows also behind others and at odd sizes, in
# each of the three ways in which pixels come.
source "$(dirname "$0")/lib.sh"

for tool in ffmpeg xlogo xwd xwininfo; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

# ours OPTIONS...: what has arrived from the ring after a while, into ours.raw
ours() {
    start capture env ${preload:+LD_PRELOAD="$preload"} "$capture" -r 30 -o "$stream" -q \
        --draw-mouse 0 "$@"
    local capturing=$started
    "$FR_TESTS/frame_trace" "$stream" 0.4 "$work/ours.bgr0" >"$work/trace.log" ||
        fail "no picture of the screen ($*)"
    end "$capturing"
    tells_all "$work/trace.log" "$*"
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 \
        -video_size "$(awk 'END { print $2 }' "$work/trace.log")" -i "$work/ours.bgr0" \
        -f rawvideo -pix_fmt bgr24 "$work/ours.raw"
}

# theirs X Y W H: what xwd sees there, into theirs.raw
theirs() {
    xwd -silent -root >"$work/root.xwd" || fail "xwd saw no screen"
    ffmpeg -v error -y -f xwd_pipe -i "$work/root.xwd" -vf "crop=$3:$4:$1:$2" -f rawvideo \
        -pix_fmt bgr24 "$work/theirs.raw"
}

# colours FILE: how many different bytes it has
colours() {
    tr -s '\000-\377' <"$1" | od -An -v -tu1 -w1 | sort -u | wc -l
}

# same WHAT: and something is on the picture at all
same() {
    cmp "$work/ours.raw" "$work/theirs.raw" || fail "$1 looks different through the ring"
    [ "$(colours "$work/ours.raw")" -gt 1 ] || fail "$1 is empty"
}

# Two windows, of which one is called "the yellow one".
draw() {
    start xlogo xlogo -geometry 200x150+50+30
    start xlogo2 xlogo -geometry 301x233+400+200 -bg navy -fg yellow -title 'the yellow one'
    is_drawn() {
        theirs 0 0 870 502 2>/dev/null && [ "$(colours "$work/theirs.raw")" -ge 3 ] &&
            theirs 50 30 200 150 && [ "$(colours "$work/theirs.raw")" -ge 2 ]
    }
    until_true 10 is_drawn || fail "the X clients drew nothing"
    sleep 0.5
    xwd -silent -nobdrs -name 'the yellow one' >"$work/window.xwd"
}

# grab WAY: the screen, a piece, and the window behind another one
grab() {
    ours -i "$DISPLAY"
    theirs 0 0 870 502
    same "the screen ($1)"
    ours -g '134,78 403x231'
    theirs 134 78 403 231
    same "a piece that slurp chose ($1)"
    start cover xlogo -geometry 200x100+450+250 -bg red -title 'the red one'
    local covering=$started
    until_true 10 xwininfo -name 'the red one' >/dev/null 2>&1 || fail "no covering window"
    sleep 0.3
    ours --window-name 'the yellow one'
    ffmpeg -v error -y -f xwd_pipe -i "$work/window.xwd" -f rawvideo -pix_fmt bgr24 \
        "$work/theirs.raw"
    same "a window by its title ($1)"
    if [ "$1" = pixmaps ]; then
        ours --window-id "$(xwininfo -name 'the yellow one' | grep -oE '0x[0-9a-f]+' | head -n 1)"
        same "a window by its number"
    fi
    kill "$covering"
    until_true 10 eval '! xwininfo -name "the red one" >/dev/null 2>&1' || fail "it does not close"
    sleep 0.3
}

preload=
start_screen 870x502x24
draw
grab pixmaps
ours -i "$DISPLAY.0+133,77" -s 401x233
theirs 133 77 401 233
same "a piece by FFmpeg's options"
preload=$(echo "$FR_TESTS"/*no_pixmaps.so)
grab images
preload=

# A server without shared memory, as at the other end of ssh.
rm "$work/display"
start xvfb2 Xvfb -displayfd 3 -screen 0 870x502x24 -noreset -nolisten tcp -extension MIT-SHM \
    3>"$work/display"
until_true 10 test -s "$work/display" || fail "Xvfb without MIT-SHM did not start"
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
draw
grab sent
echo "screen, pieces and windows through the ring are what the server shows, pixel for pixel"
