#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real window: the test picture through the ring into the viewer's window on Xvfb; what ffmpeg sees
# on the screen must be one whole test picture. And once more through everything: the screen with
# that window is captured into a second ring. A screen whose size changes is followed, and a window
# ends by itself as it was told to.
source "$(dirname "$0")/lib.sh"

for program in ffmpeg xdotool xrandr xlogo xwininfo; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
start_screen 640x360x24
start capture "$capture" -i test -s 640x360 -x "${1:-bgr0}" -r 30 -o "$stream" -q
showing=$started
start viewer "$viewer" "$stream" --size 640x360
window=$started

# Whether the screen is a whole test picture right now.
shows_picture() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size 640x360 -i "$DISPLAY" -frames:v 1 \
        -f rawvideo -pix_fmt bgr0 "$work/screen.raw" &&
        "$FR_TESTS/check_picture" 640 360 $1 <"$work/screen.raw" >"$work/picture.log"
}
until_true 20 shows_picture "" || fail "the window never showed a test picture"
for i in 1 2 3; do
    sleep 0.2
    shows_picture "" || fail "look $i: $(cat "$work/picture.log")"
done

start capture2 "$capture" -i "$DISPLAY" -s 640x360 -r 30 --cursor none -o "$stream-screen" -q
again=$started
"$viewer" "$stream-screen" --headless --wait 10 -n 10 -q --screenshot "$work/again.png" ||
    fail "no picture of the window"
ffmpeg -v error -y -i "$work/again.png" -f rawvideo -pix_fmt bgr0 "$work/again.raw"
"$FR_TESTS/check_picture" 640 360 <"$work/again.raw" || fail "not whole after ring, window, ring"
end "$again"

# The capture goes away and comes back in another format: the same window goes on.
end "$showing"
start capture3 "$capture" -i test -s 640x360 -x nv12 -r 30 -o "$stream" -q
showing=$started
until_true 20 shows_picture near || fail "the window did not come back: $(cat "$work/picture.log")"
end "$window"
end "$showing"

# A second screen is captured, and its size changes: the window takes that size, and its pixels are
# those of the screen. A third one has room for it.
rm "$work/display"
start_screen 500x300x24
shown=$DISPLAY
start xlogo xlogo -geometry 300x200+20+30 -bg navy -fg orange
xrandr --newmode small 25 320 336 352 400 240 250 252 270
xrandr --addmode screen small
large=$(xrandr | awk '/\*/ { print $1; exit }')
rm "$work/display"
start_screen 640x480x24
watched=$DISPLAY
start capture4 "$capture" -i "$shown" -r 30 --cursor none -o "$stream" -q
showing=$started
start viewer2 "$viewer" "$stream" --follow-size
window=$started

# grab DISPLAY WxH FILE [+X,Y]
grab() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size "$2" -i "$1${4:-}" -frames:v 1 \
        -f rawvideo -pix_fmt bgr24 "$3"
}
# has_size WxH: the window has that size, and shows what the captured screen does.
has_size() {
    local x y
    xwininfo -name "$(xdotool search --name 'framering viewer' getwindowname)" >"$work/info" ||
        return 1
    x=$(awk '/Absolute upper-left X/ { print $NF }' "$work/info")
    y=$(awk '/Absolute upper-left Y/ { print $NF }' "$work/info")
    [ "$(awk '/Width:/ { w = $2 } /Height:/ { print w "x" $2 }' "$work/info")" = "$1" ] &&
        grab "$shown" "$1" "$work/shown.raw" && grab "$watched" "$1" "$work/watched.raw" "+$x,$y" &&
        cmp -s "$work/shown.raw" "$work/watched.raw"
}
until_true 10 has_size 500x300 || fail "the window is not the screen: $(cat "$work/info")"
[ "$(od -An -v -tx1 -w3 "$work/watched.raw" | sort -u | wc -l)" -gt 2 ] || fail "an empty picture"
DISPLAY=$shown xrandr --output screen --mode small
until_true 10 has_size 320x240 || fail "the screen became small, the window: $(cat "$work/info")"
DISPLAY=$shown xrandr --output screen --mode "$large"
until_true 10 has_size 500x300 || fail "the screen became large, the window: $(cat "$work/info")"
end "$window"
end "$showing"

# How a window ends by itself: no stream, the end of the stream, the death of its writer.
# ends_with STATUS LOG PID
ends_with() {
    local got=0
    wait "$3" || got=$?
    [ "$got" = "$1" ] || fail "$2 ended with $got, not $1: $(cat "$work/$2.log")"
}
shows_stream() {
    [ "$(xdotool search --name "^$stream - " 2>/dev/null | wc -l)" = "$1" ]
}
start absent "$viewer" "$stream-absent" --no-wait
ends_with 3 absent "$started"
for way in INT KILL; do
    start source "$capture" -i test -s 320x180 -r 10 -o "$stream" -q
    showing=$started
    start eos "$viewer" "$stream" --exit-on-eos
    eos=$started
    start lost "$viewer" "$stream" --no-reconnect
    lost=$started
    until_true 10 shows_stream 2 || fail "no windows with the stream"
    kill -$way "$showing"
    wait "$showing" || true
    if [ $way = INT ]; then
        ends_with 0 eos "$eos"
        ends_with 0 lost "$lost"
    else
        ends_with 4 lost "$lost"
        kill -0 "$eos" || fail "--exit-on-eos ended with a writer that died"
        end "$eos"
    fi
done
rm -f /dev/shm/framering.*."$stream"
echo "the window shows whole pictures, follows the screen's size, and ends as it was told to"
