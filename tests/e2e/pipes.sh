#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# framering put and cat between ffmpeg or gst-launch-1.0 at both ends: every picture and every time
# arrives as it was sent, also in formats that the container cannot name; and ends of pipes that go
# away, or streams that change, end it with a sentence.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
tool=$FR_BIN/framering

# make_clip FILE FORMAT SIZE: half a second of moving pictures.
make_clip() {
    local codec=()
    case $1 in
    *.nut) codec=(-c:v rawvideo) ;;
    *.raw) codec=(-f rawvideo) ;;
    esac
    ffmpeg -v error -f lavfi -i testsrc2=s=320x180:r=25:d=0.48 -s "$3" -pix_fmt "$2" \
        "${codec[@]}" -strict -1 -y "$1"
}

# sums FILE: the checksum of each picture.
sums() {
    ffmpeg -v error -i "$1" -f framemd5 - | grep -v '^#' | awk -F', *' '{ print $6 }'
}

# sums_and_times FILE: of each packet as it is in the file, behind the unit of the times.
sums_and_times() {
    ffmpeg -v error -i "$1" -c copy -copyts -f framemd5 - |
        awk -F', *' '/^#tb/ { print } !/^#/ { print $3, $6 }'
}

# same WHAT FILE FILE
same() {
    [ -s "$2" ] || fail "$1: nothing came"
    cmp -s "$2" "$3" || fail "$1: $(diff "$2" "$3" | head -n 6)"
}

# through IN OUT CAT-OPTION... -- PUT-OPTION...: a file into a stream and out of it into another.
through() {
    local in=$1 out=$2 from=()
    shift 2
    while [ "$1" != -- ]; do
        from+=("$1")
        shift
    done
    shift
    "$tool" cat "$stream" --every --wait 20 "${from[@]}" >"$out" 2>"$work/cat.log" &
    local reading=$!
    children+=("$reading")
    "$tool" put "$stream" --policy block --wait-for-reader --fast "$@" <"$in" 2>"$work/put.log" ||
        fail "put ended with $?"
    finish "$reading" "cat"
}

# start_put FILE OPTION...: in the background; its pid is in $started.
start_put() {
    local file=$1
    shift
    "$tool" put "$stream" --policy block --wait-for-reader "$@" <"$file" 2>"$work/put.log" &
    started=$!
    children+=("$started")
}

# NUT in both directions: pictures and times.
for format in bgr0 rgb24 rgba64le gray16le nv12 yuyv422; do
    make_clip "$work/clip.nut" $format 323x181
    through "$work/clip.nut" "$work/out.nut" --
    sums_and_times "$work/clip.nut" >"$work/sent"
    sums_and_times "$work/out.nut" >"$work/received"
    same "$format in nut" "$work/sent" "$work/received"
    [ "$(wc -l <"$work/sent")" = 13 ] || fail "not 12 frames: $(cat "$work/sent")"
done

# Y4M, and raw pixels byte by byte. (ffmpeg 5.1 writes 10 bits of an odd width wrongly.)
for format in yuv422p gray yuv420p10le; do
    make_clip "$work/clip.y4m" $format 322x181
    through "$work/clip.y4m" "$work/out.y4m" --format y4m --
    sums "$work/clip.y4m" >"$work/sent"
    sums "$work/out.y4m" >"$work/received"
    same "$format in y4m" "$work/sent" "$work/received"
done
for format in bgr24 nv21; do
    make_clip "$work/clip.raw" $format 321x181
    through "$work/clip.raw" "$work/out.raw" --format raw -- --size 321x181 --format $format --rate 50
    same "$format in raw" "$work/clip.raw" "$work/out.raw"
done

# What NUT cannot name is converted, and said so; what ffmpeg makes of the same pixels is the measure.
make_clip "$work/clip.raw" p010le 322x182
through "$work/clip.raw" "$work/out.nut" -- --size 322x182 --format p010le
grep -q 'nut cannot carry p010le: converting to yuv420p10le' "$work/cat.log" || fail "it did not say so"
ffmpeg -v error -f rawvideo -pix_fmt p010le -s 322x182 -i "$work/clip.raw" -pix_fmt yuv420p10le \
    -f framemd5 - | grep -v '^#' | awk -F', *' '{ print $6 }' >"$work/sent"
sums "$work/out.nut" >"$work/received"
same "p010le through nut" "$work/sent" "$work/received"
ffmpeg -v error -i "$work/out.nut" -f null - 2>&1 | grep . && fail "ffmpeg dislikes what came"

# The sentence of the manual: a file that players play.
make_clip "$work/clip.nut" bgr0 320x180
start_put "$work/clip.nut"
"$tool" cat "$stream" --every --wait 20 | ffmpeg -v error -i - -y "$work/out.mp4"
finish "$started" "put"
[ "$(ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 \
    "$work/out.mp4")" = 12 ] || fail "the mp4 has not 12 frames"

# Compressed video is decoded on its way in.
"$FR_TESTS/frame_facts" read "$stream" >"$work/facts" &
reading=$!
ffmpeg -v error -i "$work/out.mp4" -c copy -f matroska - |
    "$tool" put "$stream" --policy block --wait-for-reader --fast || fail "put of matroska"
finish "$reading" "frame_facts"
awk '{ print $NF }' "$work/facts" >"$work/received"
sums "$work/out.mp4" >"$work/sent"
same "h264 in matroska" "$work/sent" "$work/received"

# Somebody at the other end of the pipe goes: a normal end, also while no frame comes.
start endless "$tool" gen "$stream" --size 320x180 --rate 100
endless=$started
bytes=$("$tool" cat "$stream" --wait 20 | head -c 100000 | wc -c)
[ "$bytes" = 100000 ] || fail "$bytes bytes came"
kill -STOP "$endless"
"$tool" cat "$stream" --latest --format raw | head -c 1000 >/dev/null || fail "cat of a still stream"
"$tool" cat nothing-here >/dev/null 2>"$work/err" && fail "cat of nothing"
[ $? = 3 ] || fail "cat of nothing ended with another status"
kill -CONT "$endless"
if command -v script >/dev/null; then
    script -qec "$tool cat $stream" "$work/typescript" >/dev/null && fail "frames went to a terminal"
    grep -q 'not for a terminal' "$work/typescript" || fail "it said: $(cat "$work/typescript")"
fi
end "$endless"

# A stream that changes its format: what came before is whole, then there is a sentence.
"$FR_TESTS/frame_facts" write "$stream" 12 1 &
writing=$!
children+=("$writing")
status=0
"$tool" cat "$stream" --every --wait 20 >"$work/out.nut" 2>"$work/cat.log" || status=$?
wait "$writing" || fail "the writer"
[ $status = 1 ] || fail "cat of a stream that changes ended with $status"
grep -q 'changed from 40x24 bgr0 to 39x23 bgra' "$work/cat.log" || fail "no word about the change"
[ "$(sums "$work/out.nut" | wc -l)" = 4 ] || fail "the frames before the change are not whole"

# GStreamer at the other end, in both directions.
if ! gst-inspect-1.0 checksumsink >/dev/null 2>&1 || ! gst-inspect-1.0 y4menc >/dev/null 2>&1; then
    echo "ffmpeg: every picture and time as sent; no gstreamer here to try"
    exit 0
fi
gst_sums() {
    grep -oE '\b[0-9a-f]{32}\b'
}
caps=video/x-raw,format=I420,width=320,height=180,framerate=25/1
gst-launch-1.0 -q videotestsrc num-buffers=10 pattern=ball ! $caps ! checksumsink hash=md5 |
    gst_sums >"$work/sent"
"$FR_TESTS/frame_facts" read "$stream" >"$work/facts" &
reading=$!
gst-launch-1.0 -q videotestsrc num-buffers=10 pattern=ball ! $caps ! y4menc ! fdsink |
    "$tool" put "$stream" --policy block --wait-for-reader --fast || fail "put of gst-launch"
finish "$reading" "frame_facts"
awk '{ print $NF }' "$work/facts" >"$work/received"
same "gst-launch to the stream" "$work/sent" "$work/received"

gst-launch-1.0 -q videotestsrc num-buffers=10 pattern=ball ! $caps ! fdsink >"$work/clip.raw"
start_put "$work/clip.raw" --fast --size 320x180 --format yuv420p
"$tool" cat "$stream" --every --wait 20 --format y4m |
    gst-launch-1.0 -q fdsrc ! y4mdec ! checksumsink hash=md5 | gst_sums >"$work/received"
finish "$started" "put"
same "the stream to gst-launch" "$work/sent" "$work/received"
echo "ffmpeg and gst-launch-1.0: every picture and time as sent"
