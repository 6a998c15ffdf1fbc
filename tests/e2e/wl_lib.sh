# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests with wl_fake, a Wayland compositor that is none, share.
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
    tells_all "$work/trace.log"
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
    tells_all "$work/steady.log"
}
