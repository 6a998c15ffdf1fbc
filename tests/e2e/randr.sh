#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The screen changes its size while it is captured, smaller and back and larger than the ring was made
# for; a window is pulled about. One reader goes on through all of it, each frame has the size of
# the moment, and the picture is what xwd sees.
source "$(dirname "$0")/lib.sh"

for tool in ffmpeg xlogo xwd xrandr xdotool; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
start_screen 1000x700x24
start xlogo xlogo -geometry 200x150+30+20 -bg navy -fg orange -title 'the logo'
until_true 10 xwininfo -name 'the logo' >/dev/null 2>&1 || fail "no window"
xrandr --newmode small 25 640 656 752 800 480 490 492 525
xrandr --newmode odd 25 723 739 835 883 501 511 513 546
xrandr --addmode screen small
xrandr --addmode screen odd
large=$(xrandr | awk '/\*/ { print $1; exit }')

# bring MODE: and wait until the server has it
bring() {
    xrandr --output screen --mode "$1"
}

# shows WxH XWD-OPTIONS...: the newest picture has that size and is what xwd sees
shows() {
    local size=$1
    shift
    "$FR_TESTS/frame_trace" "$stream" 0.1 "$work/last.bgr0" >"$work/trace.log" || return 1
    [ "$(awk 'END { print $2 }' "$work/trace.log")" = "$size" ] || return 1
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size "$size" -i "$work/last.bgr0" \
        -f rawvideo -pix_fmt bgr24 "$work/ours.raw"
    xwd -silent "$@" >"$work/theirs.xwd"
    ffmpeg -v error -y -f xwd_pipe -i "$work/theirs.xwd" -f rawvideo -pix_fmt bgr24 \
        "$work/theirs.raw"
    cmp -s "$work/ours.raw" "$work/theirs.raw"
}

follow() {
    bring "$1"
    until_true 5 shows "$2" -root || fail "$1: $(cat "$work/trace.log" "$work/capture.log")"
}

# saw LOG SIZE...: the reader that has gone on all the time was given frames of these sizes
saw() {
    local log=$1 size
    shift
    for size in "$@"; do
        until_true 5 grep -q " $size .* lies" "$work/$log.log" ||
            fail "no $size in: $(cat "$work/$log.log")"
    done
}

# From the largest size on: one ring does for all.
start capture "$capture" -i x11 -r 60 -o "$stream" -q --cursor none
capturing=$started
start steady "$FR_TESTS/frame_trace" "$stream" 60
tracing=$started
until_true 5 shows 1000x700 -root || fail "no picture: $(cat "$work/trace.log")"
follow small 640x480
follow odd 723x501
follow "$large" 1000x700
saw steady 1000x700 640x480 723x501
kill "$tracing"
tells_all "$work/steady.log"
end "$capturing"

# From a small one on: readers move over to larger rings.
bring small
start capture "$capture" -i x11 -r 60 -o "$stream" -q --cursor none
capturing=$started
start reader "$FR_TESTS/frame_trace" "$stream" 60
tracing=$started
until_true 5 shows 640x480 -root || fail "no picture: $(cat "$work/trace.log")"
follow "$large" 1000x700
follow odd 723x501
saw reader 640x480 1000x700 723x501
kill "$tracing"
end "$capturing"

# A piece of what was asked for is what there is.
bring "$large"
start capture "$capture" -g '300,200 500x400' -r 60 -o "$stream" -q --cursor none
capturing=$started
is_size() {
    "$FR_TESTS/frame_trace" "$stream" 0.1 >"$work/trace.log" &&
        [ "$(awk 'END { print $2 }' "$work/trace.log")" = "$1" ]
}
until_true 5 is_size 500x400 || fail "not 500x400: $(cat "$work/trace.log")"
bring small
until_true 5 is_size 340x280 || fail "not 340x280: $(cat "$work/trace.log")"
bring "$large"
until_true 5 is_size 500x400 || fail "not 500x400 again: $(cat "$work/trace.log")"
end "$capturing"

# A window, pulled smaller and larger; the capture ends with it.
start capture "$capture" --window-name 'the logo' -r 60 -o "$stream" -q --cursor none
capturing=$started
id=$(xwininfo -name 'the logo' | grep -oE '0x[0-9a-f]+' | head -n 1)
for size in '200 150' '121 97' '641 353' '260 190'; do
    # shellcheck disable=SC2086
    xdotool windowsize "$id" $size
    until_true 5 shows "${size/ /x}" -nobdrs -id "$id" || fail "$size: $(cat "$work/trace.log")"
done
xdotool windowkill "$id"
finish "$capturing" "the capture of a window that was closed"
echo "sizes change under capture and reader, and each picture is whole"
