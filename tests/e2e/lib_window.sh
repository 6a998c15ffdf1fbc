# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests share that look at demo-viewer's window on a screen of their own and press its keys.
# $width and $height are the window's; $window is its number.

for program in ffmpeg xdotool xprop xwd; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done

# start_painter LOG NAME: paint.c, which does what is written to descriptor 4.
start_painter() {
    paints=$work/$1.log
    mkfifo "$work/$1"
    exec 4<>"$work/$1"
    # What is started in the background would read from /dev/null by itself.
    start "$1" bash -c 'exec "$0" "$1" 320 240 <"$2"' "$FR_TESTS/e2e_paint" "$2" "$work/$1"
    painter=$started
    published=0
}
# tell LINE...: and publish; comes back when that is done.
tell() {
    order "$@" publish
}
# order LINE...: the last of which is publish or repeat.
order() {
    printf '%s\n' "$@" >&4
    published=$((published + 1))
    until_true 5 is_published || fail "the painter does not answer"
}
is_published() {
    [ -e "$paints" ] && [ "$(wc -l <"$paints")" -ge "$published" ]
}
end_painter() {
    echo quit >&4
    finish "$painter" "the painter"
}

# The pixels of the window: four bytes each, blue first. An X dump ends with them.
screen() {
    xwd -silent -id "$window" | tail -c $((width * height * 4)) >"$1"
}
# color FILE X Y: a pixel of it as RRGGBB.
color() {
    od -An -v -tx1 -j $((($3 * width + $2) * 4)) -N 3 "$1" | awk '{ print $3 $2 $1 }'
}
# is_color X Y RRGGBB, sees X Y RRGGBB WHAT: in the window, now or soon. RRGGBB may be a pattern.
is_color() {
    # shellcheck disable=SC2053
    screen "$work/now.raw" && [[ $(color "$work/now.raw" "$1" "$2") == $3 ]]
}
sees() {
    until_true 5 is_color "$1" "$2" "$3" ||
        fail "$4: $1,$2 is $(color "$work/now.raw" "$1" "$2"), not $3"
}
looks_like() {
    screen "$work/now.raw" && cmp -s "$work/now.raw" "$1"
}
# returns_to FILE WHAT: the screen, when all messages have gone.
returns_to() {
    until_true 6 looks_like "$1" || fail "$2: the screen is not what it was"
}
looks_else() {
    ! looks_like "$1"
}
# shows_something FILE WHAT
shows_something() {
    until_true 5 looks_else "$1" || fail "$2: nothing is to be seen"
}
key() {
    xdotool key "$@"
}
title_has() {
    xprop -id "$window" _NET_WM_NAME | grep -q -- "$1"
}
has_title() {
    until_true 5 title_has "$1" || fail "the title is $(xprop -id "$window" _NET_WM_NAME)"
}

# open_window ARGUMENT...: the viewer's window, when it is there; the process is $watching.
open_window() {
    start viewer "$viewer" "$@" --size "${width}x$height"
    watching=$started
    until_true 10 window_appears || fail "no window"
    window=$(head -n 1 "$work/id")
}
window_appears() {
    xdotool search --name 'framering viewer' >"$work/id"
}
