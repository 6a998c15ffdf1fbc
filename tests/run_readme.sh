#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The programs of the README work against each other, up to the writer's sudden death, and are what
# framering.h and README.md show. Needs FR_TESTS (the programs) and FR_SOURCE (the tree).
set -euo pipefail
work=$(mktemp -d)
writer= reader=
clean_up() {
    for pid in $writer $reader; do
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "readme: $*" >&2
    exit 1
}

# Each line of code on standard input stands in that program too.
expect_lines_in() {
    local line
    while IFS= read -r line; do
        line=$(sed 's/^ *//' <<<"$line")
        [ -z "$line" ] || grep -qF -- "$line" "$@" || fail "not in ${*##*/}: $line"
    done
}

header=$FR_SOURCE/lib/include/framering/framering.h
# From the line that names the program to the first line that is not indented as code is.
example() {
    awk -v name="$1" 'index($0, name) { on = 1; next }
        on && /^ \*      / { print substr($0, 9); seen = 1; next }
        seen { exit }' "$header"
}
[ "$(example readme_writer.c | wc -l)" -gt 8 ] || fail "framering.h shows no writer"
[ "$(example readme_reader.c | wc -l)" -gt 8 ] || fail "framering.h shows no reader"
expect_lines_in "$FR_SOURCE/tests/readme_writer.c" < <(example readme_writer.c)
expect_lines_in "$FR_SOURCE/tests/readme_reader.c" < <(example readme_reader.c)
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on && !/^@/' "$FR_SOURCE/README.md" |
    expect_lines_in "$FR_SOURCE/tests/readme_writer.c" "$FR_SOURCE/tests/readme_reader.c"

"$FR_TESTS/readme_reader" >"$work/out" &
reader=$!
"$FR_TESTS/readme_writer" &
writer=$!
sleep 1
if ! kill -0 "$writer" 2>/dev/null; then
    echo 'readme: somebody else has the name demo' >&2
    exit 77
fi
kill -9 "$writer"
wait "$writer" 2>/dev/null || true
writer=
for _ in $(seq 100); do
    kill -0 "$reader" 2>/dev/null || break
    sleep 0.1
done
kill -0 "$reader" 2>/dev/null && fail 'the reader did not notice that the writer died'
wait "$reader" || fail "the reader ended with $?"
reader=
rm -f "/dev/shm/framering.$(id -u).demo"
grep -q . "$work/out" || fail 'the reader got nothing'
if grep -vE '^1280x720 from ([0-9]+) to \1$' "$work/out"; then
    fail 'these pictures are not of one shade'
fi
