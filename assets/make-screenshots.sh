#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the README's pictures: real windows on screens of their own (Xvfb), photographed by ffmpeg.
#
#   viewer.png   demo-viewer on the moving test picture, with its full overlay (key i, twice) and the
#                graph (key g)
#   screen.png   demo-viewer on a captured screen, with the brief overlay (key i)
#   grid.png     demo-viewer on four streams: a test picture, that screen, a file, a pipe of ffmpeg
#   top.png      framering top in an xterm, on those streams and a load
#
# usage: make-screenshots.sh [BIN]      BIN is where ./run build puts the programs
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

packages=(fonts-dejavu-core ffmpeg x11-apps x11-xserver-utils xdotool xterm xvfb)
for program in ffmpeg xclock xdotool xsetroot xterm Xvfb; do
    command -v $program >/dev/null || {
        echo "make-screenshots: no $program: apt-get install ${packages[*]}" >&2
        exit 1
    }
done
# With shared memory of its own the streams have the names that one likes to see, and top shows no
# others; where that is not allowed it is that of the machine.
own=(unshare --mount)
[ "$(id -u)" -eq 0 ] || own+=(--map-current-user --keep-caps)
mount='mount -t tmpfs -o mode=1777 tmpfs /dev/shm'
if [ -z "${OWN_SHM:-}" ] && "${own[@]}" sh -c "$mount" 2>/dev/null; then
    OWN_SHM=yes exec "${own[@]}" sh -c "$mount"' && exec "$0" "$@"' "$PWD/${0##*/}" "$@"
fi

bin=$(readlink -f "${1:-../build/release/bin}")
[ -x "$bin/framering" ] || { echo "make-screenshots: no programs in $bin: ./run build" >&2; exit 1; }
work=$(mktemp -d)
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
    "$@" >>"$work/log" 2>&1 &
    children+=($!)
}

# screen NAME WxH: a display, its number in $screen.
screen() {
    Xvfb -displayfd 3 -screen 0 "$2x24" -noreset -nolisten tcp 3>"$work/$1" 2>/dev/null &
    children+=($!)
    until [ -s "$work/$1" ]; do sleep 0.1; done
    screen=:$(tr -d '[:space:]' <"$work/$1")
}

# view DISPLAY ARGUMENT...: a viewer there, its window in $window.
view() {
    start env DISPLAY="$1" SDL_VIDEODRIVER=x11 "$bin/demo-viewer" "${@:2}"
    until window=$(DISPLAY=$1 xdotool search --name 'framering viewer'); do sleep 0.1; done
}

# show NAME WxH STREAM...: a screen, $screen, with a viewer that fills it.
show() {
    screen "$1" "$2"
    view "$screen" "${@:3}" --size "$2"
    sleep 1
}

press() {
    DISPLAY=$1 xdotool key "${@:2}"
}

# photograph DISPLAY FILE: in 256 colours of its own, which is enough and small.
photograph() {
    ffmpeg -v error -y -f x11grab -draw_mouse 0 -i "$1" -frames:v 1 \
        -vf 'split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none' \
        -compression_level 100 -pred mixed "$2"
    echo "$2: $(stat -c %s "$2") bytes"
}

start "$bin/demo-capture" -i test -s 960x540 -r 60 -o test -q
show first 960x540 test
first=$screen
press "$first" i i g
sleep 7 # the curves have 256 samples
photograph "$first" viewer.png

# A desk to look at, on which something moves.
screen desk 960x540
desk=$screen
terminal=(xterm -b 4 +sb -fa 'DejaVu Sans Mono' -fs 9.5 -bg '#14181c' -fg '#d8dee4')
export LC_ALL=C.UTF-8
DISPLAY=$desk xsetroot -solid '#30506c'
start "$bin/demo-capture" -i clip.y4m --loop -o clip -q
# shellcheck disable=SC2016
start env DISPLAY="$desk" "${terminal[@]}" -geometry 78x17+20+240 -e bash -c '
    printf "\$ framering info test\n"; "$1" info test; printf "\$ "; read -r' \
    bash "$bin/framering"
start env DISPLAY="$desk" xclock -update 1 -geometry 170x170+20+50
start env DISPLAY="$desk" xeyes -geometry 220x150+230+60
view "$desk" clip --size 256x144
DISPLAY=$desk xdotool windowmove "$window" 500 60
start "$bin/demo-capture" -i "$desk" -r 30 -o desk -q
show second 960x540 desk
sleep 2
press "$screen" i
sleep 3
photograph "$screen" screen.png

mkfifo "$work/film"
start ffmpeg -v error -re -f lavfi -i mandelbrot=s=320x180:r=25:start_scale=0.2 -f nut \
    -c:v rawvideo -y "$work/film"
# shellcheck disable=SC2016
start sh -c 'exec "$0" put film <"$1"' "$bin/framering" "$work/film"
show grid 960x540 test desk clip film
sleep 4
photograph "$screen" grid.png

start "$bin/framering" gen load --size 640x360 --rate 240 --readers 3 --slow-reader 30
start "$bin/demo-viewer" test --headless --mode every -q
screen terminal 1000x410
start env DISPLAY="$screen" "${terminal[@]}" -geometry 124x23+0+0 -e "$bin/framering" top
sleep 5
photograph "$screen" top.png
