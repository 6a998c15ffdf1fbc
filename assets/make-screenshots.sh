#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the README's pictures: real windows on a screen of their own (Xvfb), photographed by ffmpeg.
#
#   viewer.png   demo-viewer on the moving test picture, with its full overlay (key i, twice)
#   screen.png   demo-viewer on a captured screen, the one above, with the brief overlay
#
# usage: make-screenshots.sh [BIN]     needs xvfb, ffmpeg, xdotool and ./run build
set -euo pipefail
cd "$(dirname "$0")"
bin=${1:-../build/release/bin}
work=$(mktemp -d)
name=shot-$$
children=()

clean_up() {
    local child
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT

start() {
    "$@" >/dev/null 2>&1 &
    children+=($!)
}

# screen FILE WxH: a display, its number in $screen.
screen() {
    Xvfb -displayfd 3 -screen 0 "$2x24" -noreset -nolisten tcp 3>"$work/$1" 2>/dev/null &
    children+=($!)
    until [ -s "$work/$1" ]; do sleep 0.1; done
    screen=:$(tr -d '[:space:]' <"$work/$1")
}

photograph() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -video_size "$2" -i "$1" -frames:v 1 "$3"
}

screen first 960x540
first=$screen
start "$bin/demo-capture" -i test -s 960x540 -r 60 -o "$name" -q
start env DISPLAY="$first" SDL_VIDEODRIVER=x11 "$bin/demo-viewer" "$name" --size 960x540
sleep 2
DISPLAY=$first xdotool key i key i
sleep 3
photograph "$first" 960x540 viewer.png

screen second 960x540
second=$screen
start "$bin/demo-capture" -i "$first" -s 960x540 -r 30 -o "$name-screen" -q
start env DISPLAY="$second" SDL_VIDEODRIVER=x11 "$bin/demo-viewer" "$name-screen" --size 960x540
DISPLAY=$first xdotool key i
sleep 2
DISPLAY=$second xdotool key i
sleep 3
photograph "$second" 960x540 screen.png
