#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What people do wrong, and what is not there: a sentence, a status, and nothing left behind.
source "$(dirname "$0")/lib.sh"

# expect STATUS PATTERN COMMAND...
expect() {
    local status=$1 pattern=$2 got=0
    shift 2
    "$@" >"$work/out" 2>&1 </dev/null || got=$?
    [ "$got" = "$status" ] || fail "$* ended with $got, not $status: $(cat "$work/out")"
    grep -qiE -- "$pattern" "$work/out" || fail "$* said: $(cat "$work/out")"
}

expect 0 'demo-capture .*0\.' "$capture" --version
expect 0 'demo-viewer .*0\.' "$viewer" --version
expect 0 'Usage' "$capture" --help
expect 0 'Usage' "$viewer" --help
expect 2 'demo-capture: ' "$capture" -x nonsense
expect 2 'demo-capture: ' "$capture" -s 0x0
expect 2 'demo-capture: ' "$capture" -r sixty
expect 2 'demo-capture: ' "$capture" --policy maybe
expect 2 'demo-capture: ' "$capture" --no-such-option
expect 1 'demo-capture: .*name' "$capture" -o 'bad/name' -n 1
expect 1 'demo-capture: .*(no file|cannot open)' "$capture" -i /does/not/exist.y4m
expect 1 'demo-capture: .*display' env -u DISPLAY "$capture" -i x11
expect 1 'demo-viewer: .*display' env -u DISPLAY -u WAYLAND_DISPLAY "$viewer" "$stream"
expect 2 'demo-viewer: ' "$viewer" --mode sometimes
expect 3 'demo-viewer: ' "$viewer" "$stream" --headless --wait 0.2

printf 'YUV4MPEG2 W16 H16 F25:1 Ip C420jpeg\nFRAME\n' >"$work/short.y4m"
head -c 100 /dev/zero >>"$work/short.y4m"
expect 1 'demo-capture: .*middle of frame' "$capture" -i "$work/short.y4m" -o "$stream" -q
printf 'not a video at all' >"$work/text.y4m"
expect 1 'demo-capture: .*(y4m|YUV4MPEG2)' "$capture" -i "$work/text.y4m" -o "$stream" -q
printf 'YUV4MPEG2 W16 H16 F25:1 Ip Cnonsense\n' >"$work/tag.y4m"
expect 1 'demo-capture: .*nonsense' "$capture" -i "$work/tag.y4m" -o "$stream" -q

# A name that a living owner has.
start capture "$capture" -i test -s 320x200 -o "$stream" -q
owner=$started
until_true 10 compgen -G "/dev/shm/framering.*.$stream" >/dev/null || fail "no ring came"
expect 1 'demo-capture: .*(in use|living)' "$capture" -i test -s 320x200 -o "$stream" -n 1
end "$owner"

# Somebody else's file under the name is left alone.
foreign=/dev/shm/framering.$(id -u).$stream-foreign
echo "not yours" >"$foreign"
expect 1 'demo-capture: .*not a file of framering' "$capture" -i test -s 320x200 -n 1 \
    -o "$stream-foreign"
[ "$(cat "$foreign")" = "not yours" ] || fail "the foreign file was changed"
rm "$foreign"

# More than there is.
expect 1 'demo-capture: .*MB' "$capture" -i test -s 32768x32768 --slots 1024 -o "$stream" -n 1
echo "each said what was wrong and how to mend it"
