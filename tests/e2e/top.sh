#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `framering top` on a real terminal, read back as a person sees it; then as text and as JSON. The
# same terminal shows that the completion of the shell completes.
source "$(dirname "$0")/lib.sh"

command -v tmux >/dev/null || { echo "skipped: no tmux"; exit 77; }
tool=$FR_BIN/framering

terminal() {
    tmux -S "$work/terminal" "$@"
}

# screen_has PATTERN: a line of what stands on the terminal now.
screen_has() {
    terminal capture-pane -p >"$work/screen.log" 2>/dev/null
    grep -qE -- "$1" "$work/screen.log"
}

sees() {
    until_true 15 screen_has "$1" || fail "the terminal does not show $1"
}

start tmux tmux -S "$work/terminal" -f /dev/null -D
until_true 10 test -S "$work/terminal" || fail "no terminal came"
terminal new-session -d -x 132 -y 24 "env PATH='$FR_BIN:$PATH' PS1='ready> ' bash --norc --noprofile"
sees '^ready>'

start capture "$capture" -i test -s 320x200 -x bgra -r 50 --slots 8 --policy block -o "$stream" -q
writer=$started
start viewer "$viewer" "$stream" --headless --mode every --wait 10 -q
reader=$started
start slow "$viewer" "$stream" --headless --mode latest --wait 10 -q
slow=$started

# The screen: a stream, who writes and who reads it, with rates.
terminal send-keys "framering top -d 0.5" Enter
sees '^framering top: [0-9]+ streams?, [0-9]+ writers?, [0-9]+ readers?; /dev/shm '
sees '^STREAM +FPS +MB/S +HELD +LAG +SKIP +OVERW +DROP +P50 +P99'
sees "^$stream +[0-9.]+ +[0-9.]+ +[0-9]+/8 .*320x200 bgra, broadcast, block"
sees "^ w demo-capture $writer +[1-9][0-9.]* +[0-9.]+ +[0-9]+ +[0-9.]+[um]s +[0-9.]+[um]s"
sees "^ r demo-viewer $reader +[1-9][0-9.]* +[0-9.]+ +[0-9]+ +[0-9]+ +0 +0 +0 "
sees '^q quit'
# It lives: a reader that goes is gone, a terminal that shrinks is filled anew.
end "$slow"
gone() {
    ! screen_has " $slow "
}
until_true 15 gone || fail "top still shows a reader that is gone"
terminal resize-window -x 90 -y 12
sees "^ r demo-viewer $reader "
[ "$(grep -c . "$work/screen.log")" -le 12 ] || fail "more lines than the terminal has"
terminal resize-window -x 132 -y 24
sees "^$stream .*, block$"
terminal send-keys q
sees '^ready>$'
terminal send-keys 'echo status=$?' Enter
sees '^status=0'

# A key that is pressed in a shell.
terminal send-keys "clear; source '$FR_SOURCE/tools/framering.bash-completion' && echo sourced" Enter
sees '^sourced'
terminal send-keys "framering inf" Tab "${stream%???}" Tab
sees "^ready> framering info $stream"
terminal send-keys Enter
sees '^  ring +8 slots of .* broadcast .*, block'

# As text and as JSON, without a terminal.
"$tool" top -b -n 2 -d 0.3 </dev/null >"$work/text"
[ "$(grep -c '^framering top: ' "$work/text")" = 2 ] || fail "not two rounds: $(cat "$work/text")"
[ "$(grep -cE "^ r demo-viewer $reader +[1-9]" "$work/text")" = 2 ] || fail "$(cat "$work/text")"
if grep -q $'[\x1b\t]' "$work/text"; then
    fail "text for a pipe has controls of a terminal"
fi
"$tool" top --json -n 2 -d 0.3 </dev/null >"$work/json"
[ "$(wc -l <"$work/json")" = 2 ] || fail "not one line for each round"
jq -es --arg name "$stream" --argjson writer "$writer" --argjson reader "$reader" '
    map(.streams[] | select(.name == $name)) |
    length == 2 and
    all(.fps > 0 and (.bytes_per_second / .fps | round) == 256000 and
        (.members | map(.process) == [$writer, $reader]) and
        .members[1].role == "reader" and .members[1].fps > 0 and .members[1].lag >= 0 and
        .members[1].lost == { skipped: 0, overwritten: 0, dropped: 0 } and
        .members[1].latency_ns.p99 >= .members[1].latency_ns.p50)' \
    "$work/json" >"$work/jq.log" || fail "top --json says: $(cat "$work/json")"

# What is gone is not shown.
end "$writer"
wait "$reader" || fail "the viewer ended with status $?"
"$tool" top -b -n 1 -d 0.1 </dev/null >"$work/text"
if grep -q "^$stream" "$work/text"; then
    fail "top shows a stream that is gone: $(cat "$work/text")"
fi
echo "top shows what runs"
