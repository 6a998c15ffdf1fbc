# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the end-to-end tests share: they run the real programs as real processes. FR_BIN and FR_TESTS
# say where the programs are (CTest sets them). Everything started ends with the test, by its pid,
# and a name that is left in /dev/shm fails it.
set -euo pipefail

: "${FR_BIN:?run this through ctest, or set FR_BIN to build/dev/bin}"
: "${FR_TESTS:?run this through ctest, or set FR_TESTS to build/dev/tests}"

capture=$FR_BIN/demo-capture
viewer=$FR_BIN/demo-viewer
work=$(mktemp -d)
stream=e2e-$$
children=()

fail() {
    echo "FAILED: $*" >&2
    tail -n 20 "$work"/*.log >&2 2>/dev/null || true
    exit 1
}

# Ends everything that was started; what is left in /dev/shm then is a failure of its own. All of it
# is done, also when nobody reads any more what is said.
clean_up() {
    local status=$? child
    set +e
    trap '' PIPE
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null
    done
    for child in "${children[@]}"; do
        wait "$child" 2>/dev/null
    done
    if compgen -G "/dev/shm/framering.*.$stream*" >/dev/null; then
        echo "FAILED: left behind: $(echo /dev/shm/framering.*."$stream"*)" >&2
        rm -f /dev/shm/framering.*."$stream"*
        status=1
    fi
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT

# start LOG COMMAND...: in the background; its pid is in $started.
start() {
    local log=$1
    shift
    "$@" >"$work/$log.log" 2>&1 &
    started=$!
    children+=("$started")
}

# finish PID WHAT: waits for it and fails unless it ended with 0.
finish() {
    wait "$1" || fail "$2 ended with status $?"
}

# end PID: asks it to stop, as Ctrl-C does, and waits.
end() {
    kill -INT "$1"
    wait "$1" || fail "process $1 ended with status $? after SIGINT"
}

# number FILE KEY: the number of a key at the top of a JSON file.
number() {
    local value
    value=$(grep -oE "\"$2\": ?-?[0-9.eE+-]+" "$1" | head -n 1 | grep -oE -- '-?[0-9.eE+-]+$') ||
        fail "no \"$2\" in $(cat "$1")"
    echo "$value"
}

# is_zero FILE KEY...
is_zero() {
    local file=$1 key
    shift
    for key in "$@"; do
        [ "$(number "$file" "$key")" = 0 ] || fail "\"$key\" is not 0: $(cat "$file")"
    done
}

# at_least FILE KEY LIMIT
at_least() {
    awk -v value="$(number "$1" "$2")" -v limit="$3" 'BEGIN { exit !(value >= limit) }' ||
        fail "\"$2\" is below $3: $(cat "$1")"
}

# lines PATTERN: how many lines of the trace match
lines() {
    grep -cE -- "$1" "$work/trace.log" || true
}

# tells_all TRACE [WHAT]: everything that differed was told as damage
tells_all() {
    ! grep -v ' 0 lies' "$1" || fail "the damage told was not all of it${2:+ ($2)}"
}

# until_true SECONDS COMMAND...: tries a command until it succeeds.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

# A screen of its own: $DISPLAY is set. 77, which CTest knows as skipped, without Xvfb.
start_screen() {
    command -v Xvfb >/dev/null || { echo "skipped: no Xvfb"; exit 77; }
    start xvfb Xvfb -displayfd 3 -screen 0 "${1:-1280x800x24}" -noreset -nolisten tcp \
        3>"$work/display"
    until_true 10 test -s "$work/display" || fail "Xvfb did not start"
    DISPLAY=:$(tr -d '[:space:]' <"$work/display")
    export DISPLAY SDL_VIDEODRIVER=x11
}
