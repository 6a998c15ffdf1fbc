#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A recording replays as it was: pixels, metadata, damage, colours, pts. A file that was cut off
# anywhere, or whose recorder was killed, replays what is whole of it; one that was changed tells.
source "$(dirname "$0")/lib.sh"

tool=$FR_BIN/framering
facts=$FR_TESTS/frame_facts
count=124 # every format, four frames each

# facts_of_replay FILE OUT [OPTION...]: replays it to a reader that writes down all it gets.
facts_of_replay() {
    local file=$1 out=$2 reading status=0
    shift 2
    "$facts" read "$stream" >"$out" &
    reading=$!
    children+=("$reading")
    "$tool" replay "$file" "$stream" --policy block --wait-for-reader "$@" 2>"$work/replay.log" ||
        status=$?
    finish "$reading" "the reader of the replay"
    return $status
}

start write "$facts" write "$stream" $count 2
writing=$started
start record "$tool" record "$stream" "$work/all.rec" --every --wait 20
recording=$started
"$facts" read "$stream" >"$work/original" || fail "the reader of the original"
finish "$writing" "the writer"
finish "$recording" "the recorder"
grep -q "$count frames.* 0 skipped, 0 overwritten, 0 dropped" "$work/record.log" ||
    fail "the recorder said: $(cat "$work/record.log")"
[ "$(wc -l <"$work/original")" = $count ] || fail "$(wc -l <"$work/original") frames of $count"

for options in "" "--speed 0"; do
    # shellcheck disable=SC2086
    facts_of_replay "$work/all.rec" "$work/replayed" $options || fail "replay $options ended with $?"
    cmp -s "$work/original" "$work/replayed" ||
        fail "replay $options: $(diff "$work/original" "$work/replayed" | head -n 4)"
done

# A recording of the replay is the same, but for its times and the numbers of the ring.
start record "$tool" record "$stream" "$work/again.rec" --every --wait 20
"$tool" replay "$work/all.rec" "$stream" --policy block --wait-for-reader --speed 0 || fail "replay"
finish "$started" "the second recorder"
[ "$(wc -c <"$work/all.rec")" = "$(wc -c <"$work/again.rec")" ] || fail "the second recording differs"

# Cut anywhere: a prefix comes out, said in one sentence.
"$tool" record "$stream" "$work/few.rec" --every --wait 20 -n 5 2>/dev/null &
recording=$!
children+=("$recording")
"$tool" replay "$work/all.rec" "$stream" --policy block --wait-for-reader --speed 0 || fail "replay"
finish "$recording" "the recorder of a few"
whole=-1
cuts=0
for ((length = $(wc -c <"$work/few.rec") - 1; length > 0; length -= 997)); do
    head -c "$length" "$work/few.rec" >"$work/cut.rec"
    status=0
    "$tool" replay "$work/cut.rec" "$stream" --speed 0 2>"$work/replay.log" || status=$?
    [ "$(wc -l <"$work/replay.log")" = 1 ] || fail "cut at $length: $(cat "$work/replay.log")"
    frames=$(sed -nE 's/.*cut off: ([0-9]+) frames.*/\1/p' "$work/replay.log")
    [ "${frames:-0}" -gt 0 ] || [ $status = 1 ] || fail "cut at $length: status $status, no frame"
    [ "${frames:-0}" = 0 ] || [ $status = 0 ] || fail "cut at $length: status $status"
    [ $whole = -1 ] || [ "${frames:-0}" -le $whole ] || fail "a shorter file has more frames"
    [ $cuts -gt 0 ] || [ "${frames:-0}" = 4 ] || fail "a byte less costs more than a frame"
    whole=${frames:-0}
    cuts=$((cuts + 1))
done
size=$(wc -c <"$work/all.rec")
for length in $((size - 1)) $((size / 2)) $((size / 3 + 5)) 9000; do
    head -c "$length" "$work/all.rec" >"$work/cut.rec"
    facts_of_replay "$work/cut.rec" "$work/replayed" --speed 0 || fail "replay of a piece: $?"
    head -n "$(wc -l <"$work/replayed")" "$work/original" | cmp -s - "$work/replayed" ||
        fail "cut at $length: what came out is not the beginning"
    [ -s "$work/replayed" ] || fail "cut at $length: nothing came out"
done

# Changed in the middle: that frame is left out, and it says so; the others are as they were.
cp "$work/all.rec" "$work/bad.rec"
printf '\x5a\xa5\x5a' | dd of="$work/bad.rec" bs=1 seek=3000 conv=notrunc 2>/dev/null
facts_of_replay "$work/bad.rec" "$work/replayed" --speed 0 && fail "damage was not told"
grep -q '1 frames have wrong checksums' "$work/replay.log" || fail "said: $(cat "$work/replay.log")"
[ "$(wc -l <"$work/replayed")" = $((count - 1)) ] || fail "one frame is bad, not more"
"$tool" replay "$0" "$stream" 2>"$work/err" && fail "a script was replayed"
grep -q 'is not a recording' "$work/err" || fail "said: $(cat "$work/err")"

# Killed in the middle: the file is good as far as it goes, and the stream is not disturbed.
start gen "$tool" gen "$stream" --size 320x180 --rate 200
generating=$started
for round in 1 2; do
    start record "$tool" record "$stream" "$work/killed.rec" --wait 20
    until_true 10 test -s "$work/killed.rec" || fail "the recorder did not begin"
    sleep "0.$((round * 17))"
    kill -KILL "$started"
    wait "$started" 2>/dev/null || true
    "$tool" replay "$work/killed.rec" "$stream-2" --speed 0 2>"$work/replay.log" ||
        fail "the recording of a killed recorder: $(cat "$work/replay.log")"
done
kill -0 "$generating" || fail "the stream ended with its recorder"
end "$generating"

# A disk that is full: a sentence, and what is whole stays.
if [ -w /dev/full ]; then
    start gen "$tool" gen "$stream" --size 320x180 --rate 200
    "$tool" record "$stream" /dev/full --wait 20 -n 5 2>"$work/err" && fail "/dev/full was not full"
    grep -q 'cannot write /dev/full: no space is left there; free some' "$work/err" ||
        fail "$(cat "$work/err")"
    "$tool" cat "$stream" --wait 20 -n 5 >/dev/full 2>"$work/err" && fail "cat: /dev/full was not full"
    grep -q 'cannot write the frames: no space is left there; free some' "$work/err" ||
        fail "$(cat "$work/err")"
    "$tool" snap "$stream" /dev/full 2>"$work/err" && fail "snap: /dev/full was not full"
    grep -q 'cannot write /dev/full: no space is left there; free some' "$work/err" ||
        fail "$(cat "$work/err")"
    end "$started"
fi
echo "$count frames replay bit by bit, $cuts cuts replay what is whole"
