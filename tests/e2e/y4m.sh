#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Y4M that ffmpeg made goes through the ring and comes out with equal checksums, frame by frame:
# frame_md5 reads the ring, ffmpeg's framemd5 reads the file.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }

sums_of_file() {
    ffmpeg -v error -i "$1" -f framemd5 - | grep -v '^#' | awk -F', *' '{ print $6 }'
}

# through HOW CLIP
through() {
    start sums "$FR_TESTS/frame_md5" "$stream" 25
    local sums=$started
    if [ "$1" = file ]; then
        start capture "$capture" -i "$2" --policy block -r 100 -o "$stream" -q
        finish "$started" "the capture of $2"
    else
        ffmpeg -v error -i "$2" -strict -1 -f yuv4mpegpipe - |
            "$capture" -i - --policy block -r 100 -o "$stream" -q || fail "the capture of a pipe"
    fi
    finish "$sums" "frame_md5"
    sums_of_file "$2" >"$work/expected"
    # The reader may join after the first frames; from then on there is no gap.
    tail -n "$(wc -l <"$work/sums.log")" "$work/expected" >"$work/tail"
    cmp -s "$work/tail" "$work/sums.log" || fail "the pictures of $2 came out different ($1)"
    [ "$(wc -l <"$work/sums.log")" -ge 10 ] || fail "only $(wc -l <"$work/sums.log") frames of $2"
}

for format in yuv420p yuv422p yuv444p gray yuv420p10le yuv444p10le; do
    clip=$work/$format.y4m
    ffmpeg -v error -f lavfi -i testsrc2=s=322x182:r=25:d=1 -pix_fmt $format -strict -1 "$clip"
    through file "$clip"
    through pipe "$clip"
done
through file "$FR_SOURCE/assets/clip.y4m"
echo "7 clips, each frame's checksum is ffmpeg's"
