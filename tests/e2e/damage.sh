#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Only what changes on the screen is captured, and what is told about it is true: frame_trace keeps a
# picture up to date with the damaged rectangles alone and holds it against each frame, and at the end
# it has to be what xwd sees.
source "$(dirname "$0")/lib.sh"

for tool in ffmpeg ffplay xlogo xclock xwd; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
start_screen 640x480x24
export SDL_RENDER_DRIVER=software SDL_FRAMEBUFFER_ACCELERATION=0
start xlogo xlogo -geometry 100x100+20+20
until_true 10 xwininfo -name xlogo >/dev/null 2>&1 || fail "no window"
sleep 0.5

# matches_screen: the picture that the damage made is the one on the screen
matches_screen() {
    xwd -silent -root >"$work/root.xwd"
    ffmpeg -v error -y -f xwd_pipe -i "$work/root.xwd" -f rawvideo -pix_fmt bgr24 "$work/theirs.raw"
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -video_size 640x480 -i "$work/last.bgr0" \
        -f rawvideo -pix_fmt bgr24 "$work/ours.raw"
    cmp "$work/ours.raw" "$work/theirs.raw"
}

# Nothing moves: a frame a second instead of sixty, none of which brings anything.
start capture "$capture" -i x11 -r 60 -o "$stream" -q --cursor none
capturing=$started
"$FR_TESTS/frame_trace" "$stream" 2.5 "$work/last.bgr0" >"$work/trace.log" || fail "no trace"
[ "$(wc -l <"$work/trace.log")" -le 20 ] || fail "$(wc -l <"$work/trace.log") frames of a still"
[ "$(lines ' repeat 0 rects 0 pixels 0 lies')" -ge 1 ] || fail "no keep-alive: $(cat "$work/trace.log")"
[ "$(lines ' new ')" = 1 ] || fail "a still screen brought news: $(cat "$work/trace.log")"
matches_screen || fail "the still screen looks different"

# Clients that move: the frames have what they draw, and nothing else is copied.
start xclock xclock -update 1 -geometry 100x100+20+300
clock=$started
start ffplay ffplay -v error -f lavfi -i testsrc2=s=160x120:r=30 -left 300 -top 100 -noborder -an
player=$started
"$FR_TESTS/frame_trace" "$stream" 5 "$work/last.bgr0" >"$work/trace.log" &
tracing=$!
sleep 4
kill -STOP "$player" "$clock"
finish "$tracing" "the trace"
tells_all "$work/trace.log"
[ "$(lines ' new ')" -ge 10 ] || fail "the film did not come: $(cat "$work/trace.log")"
tail -n +2 "$work/trace.log" | awk '{ sum += $6 } END { print sum / NR / (640 * 480); exit !(sum / NR < 0.3 * 640 * 480) }' \
    >"$work/share" || fail "$(cat "$work/share") of the screen changes with each frame"
matches_screen || fail "what the damage added up to is not what is on the screen"
kill -CONT "$player" "$clock"
kill "$player"

# Somebody else writes into the same slots: what they leave there is never taken for the screen.
start join "$capture" -i test -s 640x480 -x bgr0 -r 30 --join -o "$stream" -q
joined=$started
sleep 1.5
end "$joined"
"$FR_TESTS/frame_trace" "$stream" 1.5 "$work/last.bgr0" >"$work/trace.log" || fail "no trace"
kill -STOP "$clock"
"$FR_TESTS/frame_trace" "$stream" 1.5 "$work/last.bgr0" >"$work/trace.log" || fail "no trace"
matches_screen || fail "another writer's picture shows through"
end "$capturing"

# Without damage all is captured all the time.
start capture2 "$capture" -i x11 -r 30 -o "$stream" -q --no-damage
"$FR_TESTS/frame_trace" "$stream" 1.5 >"$work/trace.log" || fail "no trace"
end "$started"
[ "$(lines ' new 1 rects 307200 pixels 0 lies')" -ge 10 ] || fail "-D: $(cat "$work/trace.log")"
kill -CONT "$clock"

# A queue that nobody reads is not captured: its second frame comes when a reader does, much later
# than a thirtieth of a second after the first.
start capture3 "$capture" -i x11 -r 30 -o "$stream" -q --no-damage --delivery queue
until_true 5 compgen -G "/dev/shm/framering.*.$stream" >/dev/null || fail "no queue"
sleep 1
"$FR_TESTS/frame_trace" "$stream" 0.3 >"$work/trace.log" || fail "no trace of the queue"
end "$started"
awk '{ time[NR] = $NF } END { exit !(NR >= 2 && time[2] - time[1] > 15) }' "$work/trace.log" ||
    fail "a queue that nobody read was captured: $(head -n 3 "$work/trace.log")"
echo "a still screen is left alone, a moving one costs $(cat "$work/share") of its pixels a frame"
