#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Several streams in one window: each cell shows its own stream, pixel for pixel, and goes its own way
# when that ends; a click enlarges one, Return brings the grid back.
source "$(dirname "$0")/lib.sh"

for program in xdotool xprop xwd; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
# Two cells of 320x180, under a strip of 28 rows with the names.
width=640
height=208
start_screen ${width}x${height}x24

start left "$capture" -i test -s 320x180 -r 20 --writer-id 1 -o "$stream-a" -q
start right "$capture" -i test -s 320x180 -x bgra -r 10 --writer-id 2 -o "$stream-b" -q
right=$started
start viewer "$viewer" "$stream-a" "$stream-b" --size ${width}x$height --json "$work/viewer.json"
watching=$started
window_appears() {
    xdotool search --name 'framering viewer' >"$work/id"
}
until_true 10 window_appears || fail "no window"
window=$(head -n 1 "$work/id")
xdotool mousemove 639 207 windowfocus "$window"

# The pixels of the screen: four bytes each. An X dump ends with them.
screen() {
    xwd -silent -root | tail -c $((width * height * 4)) >"$work/screen.raw"
}
# cell X: the picture of the cell whose left edge is there, from the screen.
cell() {
    perl -e 'my ($x, $w) = @ARGV; local $/ = \($w * 4); my $y = 0;
        while (<STDIN>) { print substr($_, $x * 4, 320 * 4) if $y++ >= 28 }' "$1" $width \
        <"$work/screen.raw"
}
# is_whole X: the cell is one whole test picture.
is_whole() {
    screen && cell "$1" | "$FR_TESTS/check_picture" 320 180 >"$work/picture.log"
}
until_true 20 is_whole 0 || fail "the left cell never showed a test picture"
until_true 20 is_whole 320 || fail "the right cell never showed a test picture"
for i in 1 2 3; do
    sleep 0.1
    is_whole 0 || fail "left, look $i: $(cat "$work/picture.log")"
    cell 320 | "$FR_TESTS/check_picture" 320 180 >"$work/picture.log" ||
        fail "right, look $i: $(cat "$work/picture.log")"
done

# One stream ends: its cell is dim, the other one lives.
end "$right"
is_dim() {
    screen && ! cell 320 | "$FR_TESTS/check_picture" 320 180 >/dev/null
}
until_true 5 is_dim || fail "the ended stream looks alive"
is_whole 0 || fail "the left cell, while the right one has ended: $(cat "$work/picture.log")"
start right2 "$capture" -i test -s 320x180 -r 10 --writer-id 3 -o "$stream-b" -q
right=$started
until_true 10 is_whole 320 || fail "the right cell did not come back"

# A click on the right one: it fills the window, 16:9 into 640x208 is 370 wide; black beside it.
is_enlarged() {
    screen
    [ "$(od -An -v -tx1 -j $(((100 * width + 20) * 4)) -N 3 "$work/screen.raw")" = " 00 00 00" ] &&
        [ "$(od -An -v -tx1 -j $(((1 * width + 20) * 4)) -N 3 "$work/screen.raw")" = " 00 00 00" ]
}
is_title() {
    xprop -id "$window" _NET_WM_NAME | grep -q "\"$1 - "
}
! is_enlarged || fail "enlarged before the click"
xdotool mousemove 480 100 click 1
until_true 5 is_enlarged || fail "a click did not enlarge the view"
xdotool key Return
until_true 5 is_whole 0 || fail "Return did not bring the grid back"
until_true 5 is_whole 320 || fail "Return did not bring the right cell back"
xdotool key Left Return
until_true 5 is_enlarged || fail "Return did not enlarge the left view"
# Tab goes to the next one, alone as well as in the grid, and round.
for keys in "Tab:$stream-b" "Tab:$stream-a" "Return Tab Return:$stream-b"; do
    # shellcheck disable=SC2086
    xdotool key ${keys%:*}
    until_true 5 is_title "${keys#*:}" || fail "${keys%:*}: $(xprop -id "$window" _NET_WM_NAME)"
done
xdotool key q
finish "$watching" "the viewer"
end "$right"
[ "$(grep -o '"name"' "$work/viewer.json" | wc -l)" = 2 ] || fail "$(cat "$work/viewer.json")"
grep -q "$stream-b" "$work/viewer.json" || fail "$(cat "$work/viewer.json")"
echo "each cell shows its own stream"
