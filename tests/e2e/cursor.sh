#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The mouse cursor as the X server itself draws it: the server's own framebuffer, which Xvfb keeps in
# a file, has to be what comes through the ring, also where the cursor is partly off the screen.
# Sent as metadata it is beside the picture, which then has none.
source "$(dirname "$0")/lib.sh"

for tool in ffmpeg xlogo xwd xdotool xprop xsetroot; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
# The cursor is the server's own (-retro): Xvfb shows nobody a cursor whose client is gone.
start xvfb Xvfb -retro -displayfd 3 -screen 0 500x400x24 -noreset -nolisten tcp -fbdir "$work" \
    3>"$work/display"
until_true 10 test -s "$work/display" || fail "Xvfb did not start"
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
export DISPLAY
start xlogo xlogo -geometry 200x150+30+20 -bg navy -fg orange
until_true 10 xwininfo -name xlogo >/dev/null 2>&1 || fail "no window"

# picture FILE SECONDS: what comes through the ring, as bgr24
picture() {
    "$FR_TESTS/frame_trace" "$stream" "$2" "$work/last.bgr0" >"$work/trace.log" || fail "no trace"
    tells_all "$work/trace.log"
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size 500x400 -i "$work/last.bgr0" \
        -f rawvideo -pix_fmt bgr24 "$1"
}

# server FILE: the framebuffer with the cursor in it
server() {
    ffmpeg -v error -y -f xwd_pipe -i "$work/Xvfb_screen0" -f rawvideo -pix_fmt bgr24 "$1"
}

without_cursor() {
    xwd -silent -root >"$work/root.xwd"
    ffmpeg -v error -y -f xwd_pipe -i "$work/root.xwd" -f rawvideo -pix_fmt bgr24 "$1"
}

is_alike() {
    picture "$work/ours.raw" 0.1
    server "$work/theirs.raw"
    cmp -s "$work/ours.raw" "$work/theirs.raw"
}

start capture "$capture" -i x11 -r 60 -o "$stream" -q
capturing=$started
for place in '100 80' '1 2' '497 398' '60 50'; do
    # shellcheck disable=SC2086
    xdotool mousemove $place
    until_true 5 is_alike || fail "the cursor at $place is different"
    without_cursor "$work/bare.raw"
    ! cmp -s "$work/ours.raw" "$work/bare.raw" || fail "no cursor at $place"
done
# While it moves each frame is whole, and it leaves no traces.
for i in {1..20}; do xdotool mousemove $((i * 20)) $((i * 15)) sleep 0.03; done &
picture "$work/ours.raw" 1.5
[ "$(grep -c ' new ' "$work/trace.log")" -ge 5 ] || fail "it did not move: $(cat "$work/trace.log")"
wait $!
until_true 5 is_alike || fail "the cursor left traces"
end "$capturing"

start capture "$capture" -i x11 -r 60 -o "$stream" -q --draw-mouse 0
picture "$work/ours.raw" 0.2
without_cursor "$work/bare.raw"
cmp "$work/ours.raw" "$work/bare.raw" || fail "--draw-mouse 0 is not the bare screen"
! grep cursor "$work/trace.log" || fail "--draw-mouse 0 sends a cursor"
end "$started"

start capture "$capture" -g '40,30 300x200' -r 60 -o "$stream" -q --cursor meta
capturing=$started
xdotool mousemove 100 80
is_told() {
    "$FR_TESTS/frame_trace" "$stream" 0.1 "$work/last.bgr0" >"$work/trace.log" &&
        tail -n 1 "$work/trace.log" | grep -q 'cursor 60,50 16x16 serial [0-9]*, pixels 256'
}
until_true 5 is_told || fail "the metadata say: $(cat "$work/trace.log")"
ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size 300x200 -i "$work/last.bgr0" \
    -f rawvideo -pix_fmt bgr24 "$work/ours.raw"
without_cursor "$work/bare.raw"
ffmpeg -v error -y -f rawvideo -pix_fmt bgr24 -video_size 500x400 -i "$work/bare.raw" \
    -vf crop=300:200:40:30 -f rawvideo -pix_fmt bgr24 "$work/theirs.raw"
cmp "$work/ours.raw" "$work/theirs.raw" || fail "the cursor is in the picture and beside it"
end "$capturing"

# A cursor whose client is gone is refused until another client has its place in the server. The
# capture must not get that place itself: it comes to stand before it, where the first client was, or
# at the second attempt if the server had not yet seen that one leave.
rm "$work/display"
start_screen 500x400x24
has_cursor() {
    "$FR_TESTS/frame_trace" "$stream" 0.1 >"$work/trace.log" &&
        tail -n 1 "$work/trace.log" | grep -qE "cursor [-0-9,]+ $1 "
}
is_refused() {
    start capture "$capture" -i x11 -r 60 -o "$stream" -q --cursor meta
    has_cursor 0x0 || { end "$started" && return 1; }
}
start first xprop -spy -root NOTHING
first=$started
until_true 10 test -s "$work/first.log" || fail "no first client"
xsetroot -cursor_name left_ptr
kill "$first"
wait "$first" || true
until_true 5 is_refused || fail "a cursor without a client: $(cat "$work/trace.log")"
capturing=$started
start xlogo xlogo -geometry 100x100+20+20
until_true 5 has_cursor '[1-9][0-9]*x[0-9]+' || fail "no cursor: $(cat "$work/trace.log")"
end "$capturing"
echo "the cursor is drawn as the server draws it, leaves no traces, and goes beside the picture"
