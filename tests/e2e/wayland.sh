#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A Wayland screen: headless sway writes its outputs into the ring. What a client painted has to come
# out pixel by pixel, as a whole and in pieces, with true damage, through changes of the output's
# size, with and without the cursor; a still screen costs a frame a second. demo-viewer's own window,
# the test picture in it, comes whole through everything. Sway is killed at the end.
source "$(dirname "$0")/lib.sh"

for tool in ffmpeg sway swaymsg grim setpriv; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

# Sway refuses to be root; then everything here is done by somebody else.
as_user=()
if [ "$(id -u)" = 0 ]; then
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$work"
fi
export XDG_RUNTIME_DIR=$work/run HOME=$work/run
mkdir -m 700 "$work/run"
[ ${#as_user[@]} = 0 ] || chown 65534:65534 "$work/run"
"${as_user[@]}" "$capture" --version >/dev/null || { echo "skipped: others may not run $capture"; exit 77; }
unset DISPLAY WAYLAND_DISPLAY SWAYSOCK

cat >"$work/sway.conf" <<'END'
output HEADLESS-1 mode 640x480 bg #204060 solid_color
default_border none
xwayland disable
focus_follows_mouse no
END
start sway "${as_user[@]}" env WLR_BACKENDS=headless WLR_RENDERER=pixman \
    WLR_LIBINPUT_NO_DEVICES=1 sway -c "$work/sway.conf"
sway=$started
has_started() {
    compgen -G "$work/run/sway-ipc.*.sock" >/dev/null && compgen -G "$work/run/wayland-*" >/dev/null
}
until_true 10 has_started || fail "sway did not start"
SWAYSOCK=$(echo "$work"/run/sway-ipc.*.sock)
WAYLAND_DISPLAY=$(basename "$(compgen -G "$work/run/wayland-?")")
export SWAYSOCK WAYLAND_DISPLAY SDL_VIDEODRIVER=wayland

tell_sway() {
    "${as_user[@]}" swaymsg -q "$@" || fail "swaymsg $*"
}

# capture OPTIONS...: its pid is in $capturing
capture() {
    start capture "${as_user[@]}" "$capture" -o "$stream" -q "$@"
    capturing=$started
}

# A window of known pixels over the whole screen.
mkfifo "$work/orders"
exec 7<>"$work/orders"
"${as_user[@]}" "$FR_TESTS/e2e_wl_paint" <"$work/orders" >"$work/painter.log" 2>&1 &
painter=$!
children+=("$painter")
shown=0
# show LINE...: paints, and waits until it is on the screen.
show() {
    [ $# = 0 ] || printf '%s\n' "$@" >&7
    echo show >&7
    shown=$((shown + 1))
    until_true 10 eval '[ "$(wc -l <"$work/painter.log")" -ge $shown ]' || fail "it does not paint"
}

# trace SECONDS: the frames of that time, into trace.log; the last one's pixels into run/last.bgr0
trace() {
    "${as_user[@]}" "$FR_TESTS/frame_trace" "$stream" "$1" "$work/run/last.bgr0" >"$work/trace.log" ||
        fail "no frames"
    tells_all "$work/trace.log"
}

# crop FILE WxH X,Y,WxH: that part of a bgr0 picture, without the byte that means nothing
crop() {
    local width height x y
    IFS=,x read -r x y width height <<<"$3"
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size "$2" -i "$1" \
        -vf "crop=$width:$height:$x:$y:exact=1" -f rawvideo -pix_fmt bgr24 "$1.raw"
}

# shows X,Y,WxH: the ring has what the client painted there
shows() {
    local size=${1##*,}
    rm -f "$work/run/window.bgr0"
    echo "save $work/run/window.bgr0" >&7
    trace 0.1
    until_true 5 test -s "$work/run/window.bgr0" || fail "the client saves nothing"
    [ "$(awk 'END { print $2 }' "$work/trace.log")" = "$size" ] || return 1
    crop "$work/run/window.bgr0" "$(tail -n 1 "$work/painter.log")" "$1"
    crop "$work/run/last.bgr0" "$size" "0,0,$size"
    cmp -s "$work/run/window.bgr0.raw" "$work/run/last.bgr0.raw"
}

# brings PATTERN COUNT: the trace that goes on all the time has so many lines of that kind
brings() {
    [ "$(grep -cE -- "$1" "$work/steady.log" || true)" -ge "$2" ]
}

# Nothing moves: a frame a second, and only the first brings anything.
show 'paint 0 0 2048 2048 103050' 'paint 40 30 200 100 ff8000' 'paint 500 400 1000 1000 0040ff'
capture -i wayland
until_true 10 shows 0,0,640x480 || fail "not what was painted: $(cat "$work/trace.log")"
trace 2.5
[ "$(wc -l <"$work/trace.log")" -le 6 ] || fail "$(wc -l <"$work/trace.log") frames of a still"
[ "$(lines ' repeat 0 rects 0 pixels')" -ge 1 ] || fail "no keep-alive: $(cat "$work/trace.log")"
! tail -n +2 "$work/trace.log" | grep ' new ' || fail "a still screen brings news"

# Small changes are told as such, nearly always. A compositor may tell more, but never less.
start steady "${as_user[@]}" "$FR_TESTS/frame_trace" "$stream" 60
tracing=$started
until_true 10 brings lies 1 || fail "no frames"
for i in 1 2 3 4 5 6; do
    show "paint $((i * 90)) 200 50 40 00f$((i))00"
    until_true 5 brings ' new ' "$i" || fail "change $i did not come"
done
until_true 5 shows 0,0,640x480 || fail "not what was painted: $(cat "$work/trace.log")"
brings ' new 1 rects 2000 pixels' 3 || fail "the damage is too large: $(cat "$work/steady.log")"

# The output's size changes under capture and reader, to smaller, odd and larger than the ring.
for size in 320x240 723x501 1280x720; do
    tell_sway output HEADLESS-1 mode $size
    until_true 5 eval 'show; [ "$(tail -n 1 "$work/painter.log")" = $size ]' || fail "sway: $size"
    until_true 5 shows 0,0,$size || fail "$size: $(cat "$work/trace.log")"
    until_true 5 brings " $size new 1 rects" 1 || fail "no $size in: $(cat "$work/steady.log")"
done
kill "$tracing"
tells_all "$work/steady.log"
"${as_user[@]}" grim -t ppm "$work/run/grim.ppm"
ffmpeg -v error -y -i "$work/run/grim.ppm" -f rawvideo -pix_fmt bgr24 "$work/grim.raw"
cmp "$work/grim.raw" "$work/run/last.bgr0.raw" || fail "grim sees something else"
tell_sway output HEADLESS-1 mode 640x480
until_true 5 eval 'show; [ "$(tail -n 1 "$work/painter.log")" = 640x480 ]' || fail "sway: 640x480"
end "$capturing"

# A piece: what slurp prints. Changes inside come, those outside do not lie.
capture -i wayland:HEADLESS-1 -g '31,77 403x231'
until_true 5 shows 31,77,403x231 || fail "a piece: $(cat "$work/trace.log")"
show 'paint 100 100 30 20 ffffff'
until_true 5 shows 31,77,403x231 || fail "a change in a piece: $(cat "$work/trace.log")"
show 'paint 500 400 30 20 ffffff' 'paint 430 300 30 20 ff00ff'
until_true 5 shows 31,77,403x231 || fail "a change at the edge: $(cat "$work/trace.log")"
end "$capturing"

# All of it, at a rate of one's own.
capture -i "$WAYLAND_DISPLAY" -r 20 --no-damage
trace 1
[ "$(lines ' new 1 rects 307200 pixels')" -ge 5 ] || fail "-D: $(cat "$work/trace.log")"
[ "$(lines .)" -le 30 ] || fail "-r 20: $(cat "$work/trace.log")"
end "$capturing"

# Few slots, one reader for each frame, and several writers: nothing gets stuck.
for options in '--slots 2' '--slots 3 --policy block' '--slots 2 --policy drop-newest' \
    '--delivery queue'; do
    # shellcheck disable=SC2086
    capture -i wayland $options
    trace 0.1
    show "paint 300 300 $((RANDOM % 100 + 9)) 20 123456"
    until_true 5 shows 0,0,640x480 || fail "$options: $(cat "$work/trace.log")"
    end "$capturing"
done

# The test picture in the viewer's window, and that window through a second ring.
start showing "${as_user[@]}" "$capture" -i test -s 640x480 -x bgr0 -r 30 -o "$stream-test" -q
showing=$started
start viewer "${as_user[@]}" "$viewer" "$stream-test" --fullscreen
window=$started
capture -i wayland
picture_is_whole() {
    "${as_user[@]}" grim -t ppm "$work/run/grim.ppm" &&
        ffmpeg -v error -y -i "$work/run/grim.ppm" -f rawvideo -pix_fmt bgr0 "$work/grim.raw" &&
        "$FR_TESTS/check_picture" 640 480 <"$work/grim.raw" >"$work/picture.log"
}
until_true 10 picture_is_whole || fail "the viewer's window: $(cat "$work/picture.log")"
for i in 1 2 3; do
    trace 0.5
    "$FR_TESTS/check_picture" 640 480 <"$work/run/last.bgr0" || fail "not whole in the second ring"
done
[ "$(lines ' new ')" -ge 3 ] || fail "it does not move: $(cat "$work/trace.log")"
end "$window"
end "$showing"
end "$capturing"

# Two outputs: one has to be chosen. The end of sway is the end of the capture, with a sentence.
tell_sway create_output
start capture "${as_user[@]}" "$capture" -o "$stream" -i wayland
! wait "$started" || fail "it chose an output by itself"
grep -q 'several outputs: .*HEADLESS-2.*; choose one' "$work/capture.log" || fail "no sentence"
capture -i wayland:HEADLESS-2
trace 0.1
kill -KILL "$sway"
! wait "$capturing" || fail "it ended well without a compositor"
grep -q 'the Wayland compositor is gone' "$work/capture.log" || fail "no sentence"
echo "outputs through the ring are what was painted, pixel for pixel"
