#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files and devices of FFmpeg's through demo-capture: every picture has the checksum and the time that
# ffmpeg gives it, whether it was decoded in its slot or copied into it; colour, HDR and timecode come
# along; what is damaged is told; and whatever it waits for, it can be stopped.
source "$(dirname "$0")/lib.sh"

command -v ffmpeg >/dev/null || { echo "skipped: no ffmpeg"; exit 77; }
"$capture" --help | grep lavfi: >/dev/null || { echo "skipped: demo-capture without FFmpeg"; exit 77; }

test_picture=(-f lavfi -i testsrc2=s=322x182:r=25:d=0.48)

# make FILE FFMPEG-OPTION...
make() {
    ffmpeg -v error -y "${test_picture[@]}" "${@:2}" "$work/$1" || fail "ffmpeg cannot make $1"
}

# expected FFMPEG-OPTION...: the time and the checksum of each picture.
expected() {
    ffmpeg -v error "$@" -copyts -enc_time_base -1 -vsync passthrough -f framemd5 - |
        awk -F', *' '!/^#/ { print $3, $6 }'
}

# A ring that is there before the reader, and a reader that is there before the pictures; nothing is
# lost between them then. $facts has a line for each frame, after those of the ring's owner.
open_ring() {
    start owner "$capture" -i test -s 640x400 -x bgra -r 1/1000 --policy block -o "$stream" -q
    owner=$started
    start facts "$FR_TESTS/frame_facts" read "$stream"
    reader=$started
    until_true 10 grep -q 640x400 "$work/facts.log" || fail "the reader got nothing"
}

close_ring() {
    end "$owner"
    finish "$reader" "frame_facts"
    grep -v 640x400 "$work/facts.log" >"$work/facts" || fail "no frame came"
}

# play CAPTURE-OPTION...: what it says is in $work/capture.log, its statistics in $work/json.
play() {
    open_ring
    "$capture" "$@" --join -o "$stream" -q --json "$work/json" >"$work/capture.log" 2>&1 ||
        fail "demo-capture $* ended with $?"
    close_ring
}

# same: the frames are those that are expected.
same() {
    awk '{ print $4, $NF }' "$work/facts" >"$work/got"
    [ -s "$work/expected" ] || fail "$1: ffmpeg gives nothing"
    cmp -s "$work/expected" "$work/got" ||
        fail "$1: $(diff "$work/expected" "$work/got" | head -n 6)"
}

# through FILE COPIED CAPTURE-OPTION...: copied is how many pictures are not made in their slot.
through() {
    expected -i "$work/$1" >"$work/expected"
    play -i "$work/$1" "${@:3}"
    same "$1"
    [ "$(number "$work/json" copied)" = "$2" ] ||
        fail "of $1 $(number "$work/json" copied) pictures were copied, not $2"
    is_zero "$work/json" lost
}

# Decoders that look back are copied from; the others write into the slots.
make h264.mp4 -c:v libx264 -bf 3
make hevc.mkv -pix_fmt yuv420p10le -c:v libx265 -x265-params "log-level=none:hdr10=1:\
master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400:\
colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
make ffv1.mkv -s 321x181 -pix_fmt yuv444p10le -c:v ffv1
make mjpeg.avi -c:v mjpeg
make raw.avi -c:v rawvideo -pix_fmt yuv420p
through h264.mp4 12
for file in hevc.mkv ffv1.mkv mjpeg.avi raw.avi; do
    through $file 12 -r 0
    [ $file != hevc.mkv ] || cp "$work/facts" "$work/hdr"
done
make ffvhuff.avi -s 321x181 -pix_fmt yuv444p10le -c:v ffvhuff
make huffyuv.avi -s 323x183 -pix_fmt bgra -c:v huffyuv
make prores.mov -timecode '01:00:00:10' -vf setsar=4/3 -c:v prores_ks
make utvideo.avi -c:v utvideo
for file in ffvhuff.avi huffyuv.avi utvideo.avi prores.mov; do
    through $file 0 -r 0
done

# Beside the pixels: PQ in BT.2020 and its static metadata; the timecode of the second picture.
hdr_sum=$(printf '\xd0\x84\x80\x3e\xc2\x33\xc4\x86\x4c\x1d\xb8\x0b\x13\x3d\x42\x40\x80\x96\x98\0\x32\0\0\0\xe8\x03\x90\x01' |
    md5sum | cut -d' ' -f1)
[ "$(grep -c " color 1 9 16 9 .* meta 3 of 28 $hdr_sum " "$work/hdr")" = 12 ] ||
    fail "no HDR: $(head -n 1 "$work/hdr")"
timecode_sum=$(printf '\1\0\0\13\0\0\0\0' | md5sum | cut -d' ' -f1)
sed -n 2p "$work/facts" | grep " sar 4/3 .* meta 5 of 8 $timecode_sum " >/dev/null ||
    fail "no timecode: $(sed -n 2p "$work/facts")"

# A format that no ring has.
make rgb.mp4 -c:v libx264rgb
expected -i "$work/rgb.mp4" -pix_fmt rgb24 >"$work/expected"
play -i "$work/rgb.mp4" -r 0
same "gbrp, which becomes rgb24"

# Another size on the way: where pictures are copied, and where they are decoded in their slots.
make large.ts -c:v libx264
make small.ts -s 160x90 -c:v libx264
cat "$work/large.ts" "$work/small.ts" >"$work/two.ts"
for file in large.ts small.ts; do expected -i "$work/$file"; done >"$work/expected"
play -i "$work/two.ts" -r 0
same "two sizes of H.264"
ffmpeg -v error "${test_picture[@]}" -pix_fmt rgb24 "$work/%02d.tiff"
ffmpeg -v error "${test_picture[@]}" -pix_fmt rgb24 -s 160x90 -start_number 13 "$work/%02d.tiff"
play -i "$work/%02d.tiff" -r 0
for file in "$work"/*.tiff; do expected -i "$file"; done | awk '{ print NR - 1, $2 }' \
    >"$work/expected"
same "two sizes of TIFF"
[ "$(number "$work/json" copied)" = 1 ] || fail "not only the first of a size was copied"

# A device that is none, as FFmpeg spells it and in one word.
expected -f lavfi -i testsrc2=s=96x64:r=50:d=0.2 >"$work/expected"
play -f lavfi -i testsrc2=s=96x64:r=50:d=0.2 -r 0
same "-f lavfi"
play -i lavfi:testsrc2=s=96x64:r=50:d=0.2 -r 0
same "lavfi: and as fast as it goes"

# Again and again: the same pictures, and times that go on.
expected -i "$work/h264.mp4" >"$work/once"
awk '{ time[NR] = $1; sum[NR] = $2 }
    END { for (i = 0; i < 30; i++) print time[2] * i, sum[i % NR + 1] }' "$work/once" \
    >"$work/expected"
play -i "$work/h264.mp4" --loop -n 30 -r 0
same "--loop"

# A pipe; and one that ends in the middle, and a file of which a piece is missing: what can be decoded
# comes, and that there was more is said.
mkfifo "$work/pipe"
expected -i "$work/large.ts" >"$work/expected"
cat "$work/large.ts" >"$work/pipe" &
play -i "$work/pipe" -r 0
same "a named pipe"
open_ring
"$capture" -f mpegts -i - --join -o "$stream" -q -r 0 <"$work/large.ts" || fail "standard input"
close_ring
same "standard input"
make fast.mp4 -c:v libx264 -bf 3 -movflags +faststart
head -c "$(($(stat -c %s "$work/fast.mp4") * 2 / 3))" "$work/fast.mp4" >"$work/short.mp4"
expected -i "$work/short.mp4" >"$work/expected" 2>/dev/null
play -i "$work/short.mp4" -r 0
same "a file that is too short"
at_least "$work/json" lost 1
grep -q 'is damaged: .* did not; FFmpeg said first: ' "$work/capture.log" ||
    fail "of the short file: $(cat "$work/capture.log")"
cp "$work/prores.mov" "$work/bad.mov"
head -c 3000 /dev/zero | tr '\0' '\377' |
    dd of="$work/bad.mov" bs=1 seek=40000 conv=notrunc status=none
play -i "$work/bad.mov" -r 0
at_least "$work/json" frames 10
grep -q 'is damaged: ' "$work/capture.log" || fail "of the bad file: $(cat "$work/capture.log")"

# Whatever it waits for, SIGINT ends it: a writer of a pipe, more of one, a peer, a picture's time.
holds() {
    find "/proc/$1/fd" -lname "$2" 2>/dev/null | grep . >/dev/null
}
start waiting "$capture" -i "$work/pipe" -o "$stream" -q
until_true 10 holds "$started" "$work/pipe" || fail "it did not open the pipe"
end "$started"
ffmpeg -v error -f lavfi -i testsrc2=s=64x48:r=25:d=8 -c:v libx264 "$work/long.ts"
{ cat "$work/long.ts" && exec sleep 100; } >"$work/pipe" &
children+=($!)
start waiting "$capture" -i "$work/pipe" -o "$stream" -q
until_true 10 compgen -G "/dev/shm/framering.*.$stream" >/dev/null || fail "nothing of the pipe"
end "$started"
start waiting "$capture" -i 'udp://127.0.0.1:9?localport=0' -o "$stream" -q
until_true 10 holds "$started" 'socket:*' || fail "it did not listen"
end "$started"
start waiting "$capture" -f lavfi -i testsrc2=r=1/100 -o "$stream" -q
until_true 10 compgen -G "/dev/shm/framering.*.$stream" >/dev/null || fail "nothing of the filter"
end "$started"

# refused PATTERN CAPTURE-OPTION...
refused() {
    local pattern=$1 status=0
    shift
    "$capture" "$@" -o "$stream" >"$work/out" 2>&1 || status=$?
    if [ $status != 1 ] || [ "$(wc -l <"$work/out")" != 1 ] ||
        ! grep -qE -- "$pattern" "$work/out"; then
        fail "$* ended with $status and said: $(cat "$work/out")"
    fi
}
head -c 4000 /dev/urandom >"$work/noise.mp4"
ffmpeg -v error -f lavfi -i sine=d=0.1 "$work/tone.wav"
refused 'noise.mp4' -i "$work/noise.mp4"
refused 'no video in .*ffprobe' -i "$work/tone.wav"
refused 'No such filter' -f lavfi -i nonsense
refused 'no input format .*-demuxers' -f nonsense -i x
refused 'does not scale; leave out -s' -i "$work/h264.mp4" -s 64x64
refused 'cannot be converted to nv16' -i "$work/h264.mp4" -x nv16
refused '--loop needs a file' -i "$work/pipe" --loop
echo "17 inputs, each picture's checksum and time are ffmpeg's"
