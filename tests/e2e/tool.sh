#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tool looks at streams: what it says is what runs, its pictures are the frames' pixels, what a
# killed writer leaves is found and removed, and the manual and the completion know every option.
source "$(dirname "$0")/lib.sh"

tool=$FR_BIN/framering
tools=$FR_SOURCE/tools

# expect STATUS PATTERN ARGUMENT...: the tool ends so, and says (on both outputs) what matches.
expect() {
    local status=$1 pattern=$2 got=0
    shift 2
    "$tool" "$@" >"$work/out" 2>&1 </dev/null || got=$?
    [ "$got" = "$status" ] || fail "framering $* ended with $got, not $status: $(cat "$work/out")"
    grep -qE -- "$pattern" "$work/out" || fail "framering $* said: $(cat "$work/out")"
}

# says FILTER WANTED ARGUMENT...: its JSON, through jq.
says() {
    local filter=$1 wanted=$2 got
    shift 2
    got=$("$tool" "$@" | jq -r "$filter") || fail "framering $* did not end well"
    [ "$got" = "$wanted" ] || fail "framering $*, $filter: $got, not $wanted"
}

is_published() {
    [ "$("$tool" info "$1" --json 2>/dev/null | jq .published)" -ge "${2:-1}" ] 2>/dev/null
}

# freeze FORMAT: a stream of one picture, which stands still; its writer is $started.
freeze() {
    start capture "$capture" -i test -s 322x182 -x "$1" -r 1/1000 -o "$stream" -q
    until_true 10 is_published "$stream" || fail "no frame of $1 came"
}

# The test picture's gray has the limited range, which PNG has not. The same samples without that
# word about them come in by a pipe that stays open.
widen_range() {
    [[ $1 == gray* ]] || return 0
    "$tool" cat "$stream" --format raw -n 1 >"$work/samples" 2>"$work/cat.log"
    end "$started"
    [ -p "$work/pipe" ] || mkfifo "$work/pipe"
    exec 7<>"$work/pipe"
    start put bash -c 'exec "$0" put "$1" -s 322x182 -x "$2" <"$3" 7>&-' "$tool" "$stream" "$1" \
        "$work/pipe"
    cat "$work/samples" >&7
    until_true 10 is_published "$stream" || fail "no frame of $1 came"
}

# Of the command line.
expect 0 '^framering 0\.' --version
expect 0 '  doctor ' --help
expect 0 'Usage: framering hz ' help hz
expect 2 'framering --help' nonsense
expect 2 'nonsense' help nonsense
expect 2 'Usage' # without anything
expect 2 'framering ls' info
expect 2 'NAME and a FILE' snap "$stream"
expect 2 'number' hz "$stream" -n 0
for command in info hz; do
    expect 3 "no stream \"$stream\": framering ls" $command "$stream"
done
expect 3 "no stream \"$stream\": framering ls" snap "$stream" "$work/no.png"
[ ! -e "$work/no.png" ] || fail "a picture of nothing"
expect 2 'name' info 'bad/name'
expect 2 'terminal' top

# The manual has every command and every option, and its roff is well-formed.
for command in $("$tool" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'); do
    [ "$command" != help ] || continue
    grep -q "^\.SS framering $command " "$tools/framering.1" || fail "no $command in framering.1"
    section=$(awk -v at=".SS framering $command " '/^\.S[SH]/ { on = index($0, at) == 1 } on' \
        "$tools/framering.1" | sed 's/[\]//g')
    for option in $("$tool" "$command" --help | grep -oE -- '--[a-z][-a-z]*' | sort -u); do
        case $option in --help | --usage | --version) continue ;; esac
        grep -qF -- "$option" <<<"$section" || fail "framering.1 lacks $command $option"
    done
done
if command -v man >/dev/null; then
    man --warnings -l "$tools/framering.1" >/dev/null 2>"$work/roff.log"
    [ ! -s "$work/roff.log" ] || fail "framering.1: $(cat "$work/roff.log")"
fi

# What runs, as ls, info and hz see it.
start capture "$capture" -i test -s 320x200 -x nv12 -r 50 --slots 6 -o "$stream" -q
writer=$started
start viewer "$viewer" "$stream" --headless --mode every --wait 10 -q
reader=$started
until_true 10 is_published "$stream" 20 || fail "no frames came"
line=$("$tool" ls | grep "^$stream ")
grep -qE "^$stream +live +ring +320x200 nv12 +6 +1 +1 +[0-9]+ " <<<"$line" || fail "ls says: $line"
says ".[] | select(.name == \"$stream\") | [.state, .format, .width, .height, .slots] | @csv" \
    '"live","nv12",320,200,6' ls --json
says '.members | map([.role, .process]) | tojson' "[[\"writer\",$writer],[\"reader\",$reader]]" \
    info "$stream" --json
says '[.frame_bytes, .policy, .delivery, .members[1].lost.skipped] | @csv' \
    '96000,"drop-oldest","broadcast",0' info "$stream" --json
expect 0 "reader +$reader demo-viewer +[0-9]+ +[0-9]+ +[0-9]+ +0 +0 +0$" info "$stream"
expect 0 "reader +$reader demo-viewer +[0-9.]+[num]s +[0-9.]+[num]?s " info "$stream"
! grep -E '.{81}' "$work/out" || fail "info is wider than 80 columns"
"$tool" hz "$stream" --json -n 2 >"$work/hz"
[ "$(wc -l <"$work/hz")" = 2 ] || fail "hz printed $(cat "$work/hz")"
jq -es 'map(.fps > 0 and (.bytes_per_second / .fps | round) == 96000 and
            .interval_ns.min <= .interval_ns.mean and .interval_ns.mean <= .interval_ns.max and
            .items > 0) | all' "$work/hz" >"$work/hz.log" || fail "hz said $(cat "$work/hz")"
[ "$(jq -s '.[1].published > .[0].published' "$work/hz")" = true ] || fail "hz: $(cat "$work/hz")"

# A killed writer: its last picture can still be had, then gc removes it, and nothing else.
start other "$capture" -i test -s 320x200 -r 5 -o "$stream-other" -q
other=$started
until_true 10 is_published "$stream-other" || fail "the other stream did not come"
kill -9 "$writer"
wait "$writer" 2>/dev/null || true
wait "$reader" || true
expect 0 "^$stream +dead " ls
expect 1 'died' hz "$stream"
"$tool" snap "$stream" "$work/dead.png" || fail "no picture of a dead stream"
expect 0 "would remove $stream \(dead" gc --dry-run
if grep -q "$stream-other" "$work/out"; then
    fail "gc would remove a living stream: $(cat "$work/out")"
fi
expect 0 "^$stream +dead " ls
expect 0 "^warn +leftovers: .*framering gc" doctor
expect 0 "^removed $stream \(dead" gc
expect 3 'no stream' info "$stream"
expect 0 "^$stream-other +live " ls
says "[.removed[] | select(.name | startswith(\"$stream\"))] | length" 0 gc --json
end "$other"
expect 3 'no stream' info "$stream-other"

# What cannot be read is passed over aloud: a file that is none of ours, and another user's.
strange=/dev/shm/framering.$(id -u).$stream-strange
echo strange >"$strange"
expect 0 "^framering: passed over \"$stream-strange\", .*: rm $strange\$" gc --dry-run
says ".passed_over[] | select(.name == \"$stream-strange\").error" \
    "the file of that name is not framering's" gc --json
[ -e "$strange" ] || fail "gc removed what it cannot read"
rm "$strange"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    start capture "$capture" -i test -s 64x64 -r 5 -o "$stream" -q
    until_true 10 is_published "$stream" || fail "no stream came"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$tool" gc >"$work/out" 2>&1 ||
        fail "gc of another user: $(cat "$work/out")"
    grep -qE '^framering: passed over [0-9]+ names? that other users keep' "$work/out" ||
        fail "gc of another user said: $(cat "$work/out")"
    end "$started"
fi

# Pictures. The test picture itself, told by its own checker:
freeze bgr0
"$tool" snap "$stream" - >"$work/bgr0.png"
ffmpeg -v error -i "$work/bgr0.png" -f rawvideo -pix_fmt bgr0 - |
    "$FR_TESTS/check_picture" 322 182 >"$work/check.log" || fail "$(cat "$work/check.log")"
grep -q 'picture 0' "$work/check.log" || fail "not the frozen picture: $(cat "$work/check.log")"
# No grep -q behind a pipe: it would end the writer, and with that the test.
tr -d '\0' <"$work/bgr0.png" | grep -a 'formatbgr0' >/dev/null || fail "the picture does not tell its format"
tr -d '\0' <"$work/bgr0.png" | grep -a 'sequence1' >/dev/null || fail "the picture does not tell its number"
"$viewer" "$stream" --headless -n 1 -q --screenshot "$work/viewer.png"
ffmpeg -v error -i "$work/viewer.png" -f rawvideo -pix_fmt rgb24 "$work/viewer.rgb"
ffmpeg -v error -i "$work/bgr0.png" -f rawvideo -pix_fmt rgb24 "$work/snap.rgb"
cmp "$work/viewer.rgb" "$work/snap.rgb" || fail "snap and the viewer's screenshot differ"
expect 1 'cannot write' snap "$stream" "$work/no/such/folder.png"
end "$started"

# Formats of whole bytes come back as they were, alpha and 16 bits included.
for format in bgra rgba argb abgr rgb24 bgr24 rgba64le gray gray16le; do
    freeze "$format"
    widen_range "$format"
    "$tool" snap "$stream" "$work/$format.png"
    sum=$("$FR_TESTS/frame_md5" "$stream" 1)
    got=$(ffmpeg -v error -i "$work/$format.png" -f rawvideo -pix_fmt "$format" - | md5sum)
    [ "${got%% *}" = "$sum" ] || fail "$format is not the same in the picture"
    end "$started"
done
# What is converted is what the viewer shows.
for format in nv12 yuv420p10le gray; do
    freeze "$format"
    "$tool" snap "$stream" "$work/$format.png"
    "$viewer" "$stream" --headless -n 1 -q --screenshot "$work/$format-viewer.png"
    for who in "$format" "$format-viewer"; do
        ffmpeg -v error -i "$work/$who.png" -f rawvideo -pix_fmt rgb24 "$work/$who.rgb"
    done
    cmp "$work/$format.rgb" "$work/$format-viewer.rgb" || fail "$format: the viewer's differs"
    end "$started"
done
# Samples that do not fill their bytes: each is widened by its own highest bits.
for format in gray10le x2rgb10le rgb565le; do
    freeze "$format"
    widen_range "$format"
    "$tool" snap "$stream" "$work/$format.png"
    "$tool" cat "$stream" --format raw -n 1 2>/dev/null >"$work/$format.raw"
    case $format in
    gray10le) size=2 samples='w(v, 10, 16)' as=gray16le ;;
    x2rgb10le) size=4 samples='w(v / 1048576, 10, 16) w(v / 1024, 10, 16) w(v, 10, 16)' as=rgb48le ;;
    rgb565le) size=2 samples='w(v / 2048, 5, 8) w(v / 32, 6, 8) w(v, 5, 8)' as=rgb24 ;;
    esac
    od -An -v -w"$size" -tu"$size" "$work/$format.raw" | awk "
        function w(v, from, to) {
            v = int(v) % 2 ^ from
            v = v * 2 ^ (to - from) + int(v / 2 ^ (2 * from - to))
            return v \"\n\"
        }
        { v = \$1; printf \"%s\", $samples }" >"$work/wanted"
    bits=$([ "$as" = rgb24 ] && echo 1 || echo 2)
    ffmpeg -v error -i "$work/$format.png" -f rawvideo -pix_fmt "$as" - |
        od -An -v -w"$bits" -tu"$bits" | tr -d ' ' | cmp - "$work/wanted" ||
        fail "$format is not the same in the picture"
    end "$started"
done

# A queue's frames belong to its readers.
start capture "$capture" -i test -s 64x64 -r 5 --delivery queue -o "$stream" -q
until_true 10 is_published "$stream" || fail "the queue did not come"
expect 1 'queue' snap "$stream" "$work/queue.png"
expect 0 "^$stream +live +queue " ls
end "$started"

# The doctor, and that it can find something.
expect 0 '^ok +trial: ' doctor
says '[.[] | select(.level == "bad")] | length' 0 doctor --json
got=0
(ulimit -f 8 && "$tool" doctor) >"$work/out" 2>&1 || got=$?
[ "$got" = 1 ] || fail "status $got, although no ring can be made: $(cat "$work/out")"
grep -q '^bad  *file size: .*ulimit -f' "$work/out" || fail "$(cat "$work/out")"
grep -q '^bad  *trial: ' "$work/out" || fail "$(cat "$work/out")"
(ulimit -n 40 && "$tool" doctor) >"$work/out" 2>&1 || fail "$(cat "$work/out")"
grep -q '^warn  *open files: .*ulimit -n' "$work/out" || fail "$(cat "$work/out")"
small='mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm'
if unshare -rm sh -c "$small" 2>/dev/null; then
    unshare -rm sh -c "$small && '$tool' doctor" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
    grep -q '^warn  *size: .*67.1 MB.*--shm-size' "$work/out" || fail "$(cat "$work/out")"
fi

# The completion, as a shell calls it; top.sh presses the key.
start capture "$capture" -i test -s 64x64 -r 5 -o "$stream" -q
until_true 10 is_published "$stream" || fail "no stream came"
# completes LINE WORD...: each of them is offered, and nothing is that does not begin like the line.
completes() {
    local line=$1 word
    shift
    PATH=$FR_BIN:$PATH bash -c 'source "$1"
        COMP_LINE=$2 COMP_POINT=${#2} && _framering && printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$tools/framering.bash-completion" "$line" >"$work/completed"
    for word; do
        grep -qxF -- "$word" "$work/completed" || fail "'$line' gives $(cat "$work/completed")"
    done
}
completes 'framering in' info
completes "framering snap e2e" "$stream"
completes "framering hz -n 3 ${stream%??}" "$stream"
completes 'framering top --' --batch --delay --iterations --json
touch "$work/picture.png"
completes "framering snap $stream $work/pic" "$work/picture.png"
completes 'framering help do' doctor
[ "$(wc -l <"$work/completed")" = 1 ] || fail "too much: $(cat "$work/completed")"
end "$started"
echo "looked at, drawn, removed: all as it is"
