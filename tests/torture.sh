#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Everything that tries to break the library, as one table: what, how many, how many the bar asks for,
# failures with their seed or point. Two parts run at a time. A part that fails does not end the
# others. ./run torture builds first.
#
# usage: torture.sh [MINUTES]     each part for its share of that time (10)
#        torture.sh bar           each part until the bar's amount is reached, which takes about an hour
#
# What each part printed is kept in build/torture/*.log, the table as build/torture/table.md. FR_BUILDS
# in the environment is another folder than build, with release, asan, tsan and fuzz in it.
# shellcheck disable=SC2086 # no folder here has a blank in its name
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

minutes=${1:-10}
bar=
[ "$minutes" != bar ] || bar=yes
case $minutes in
bar) ;;
*[!0-9]* | '')
    echo "torture.sh: \"$minutes\" is neither a number of minutes nor bar" >&2
    exit 2
    ;;
esac
builds=${FR_BUILDS:-build}
out=$builds/torture
programs=$builds/release/tests
chunk_limit=600 # seconds; what takes longer hangs
[ -z "$bar" ] || chunk_limit=3600
mkdir -p $out
rm -f $out/*.log $out/*.result $out/table.md

# The parts ---------------------------------------------------------------------------------------

keys=()
shares=()
needs=()
patterns=()
names=()
commands=()

# part KEY SHARE NEED PATTERN NAME COMMAND...
#
# Runs COMMAND again and again, {} in it being the number of the round, and adds up the numbers that
# PATTERN finds in what it prints. SHARE is its part of the time; 0: once. In the bar it goes on until
# there are NEED, or, with NEED *1, is run once. Parts KEY.0 and KEY.1 share a line.
part() {
    keys+=("$1")
    shares+=("$2")
    needs+=("$3")
    patterns+=("$4")
    names+=("$5")
    shift 5
    commands+=("$*")
}

# Single steps: each round takes other instructions, in the bar all of them.
stride=997
every=
seconds=5 # of one round, for programs that are told
matrix=2000
if [ -n "$bar" ]; then
    stride=2
    every="all "
    seconds=20
    matrix=100000
fi

for way in kill freeze brim; do
    for half in 0 1; do
        part step-$way.$half 8 '*1' '^[0-9]+ runs' \
            "crash_step $way: at ${every}instructions of every operation" \
            $programs/crash_step $way $stride "{2r+$half}"
    done
done
part matrix 8 100000 '^[0-9]+ runs' 'crash_matrix: two killed or stopped, at any two named points' \
    tests/crash_points.sh $programs/crash_matrix lib/src $matrix
part doubles 8 50000 '^[0-9]+ runs' 'crash_points: killed, and then who cleans up after it' \
    $programs/crash_points doubles 2000
part points 0 '*1' '^[0-9]+ runs' 'crash_points: killed, stopped, double, at each named point' \
    tests/crash_points.sh $programs/crash_points lib/src all
part storm 12 100000 '[0-9]+ kills' 'storm: killed at random under traffic' \
    $programs/storm $seconds 0 6
part stress-O2 8 800000000 '[0-9]+ items checked' 'stress_threads: verified transfers, -O2' \
    $programs/stress_threads $((seconds * 300000)) 6
part stress-asan 6 100000000 '[0-9]+ items checked' \
    'stress_threads: verified transfers, ASan and UBSan' \
    $builds/asan/tests/stress_threads $((seconds * 60000)) 6
part stress-tsan 8 100000000 '[0-9]+ items checked' 'stress_threads: verified transfers, TSan' \
    $builds/tsan/tests/stress_threads $((seconds * 20000)) 6
part fuzz-open 8 10000000 '[0-9]+ executions' 'fuzz_open: executions' \
    tests/fuzz/run.sh $((seconds * 25000))x $builds/fuzz/tests/fuzz_open $out/corpus-open
part fuzz-calls 8 10000000 '[0-9]+ executions' 'fuzz_calls: executions' \
    tests/fuzz/run.sh $((seconds * 15000))x $builds/fuzz/tests/fuzz_calls $out/corpus-calls
part fuzz-kernel 2 100000 '[0-9]+ executions' 'fuzz_open and fuzz_calls over the real kernel' \
    "tests/fuzz/run.sh 20000x $builds/fuzz/tests/fuzz_open_kernel $out/corpus-open &&" \
    "tests/fuzz/run.sh 5000x $builds/fuzz/tests/fuzz_calls_kernel $out/corpus-calls"
part corrupt 4 10000000 '[0-9]+ words' 'corrupt: words overwritten under traffic, ASan and UBSan' \
    $builds/asan/tests/corrupt $seconds
part inject 0 2000 '[0-9]+ failures injected' 'inject: system calls and allocations made to fail' \
    "tests/inject/inject.sh $programs/inject_subject $([ -n "$bar" ] && echo long || echo short) &&" \
    $programs/inject_subject alloc
part tmpfs 0 100 '[0-9]+ sizes' 'tmpfs: sizes of /dev/shm around the need' \
    $programs/environs_tmpfs
part wrap-storm 0 '*1' '[0-9]+ kills' 'storm where sequence numbers outgrow a word, 5 points' \
    tests/wrap.sh 1000 $programs/storm_wrap $seconds 0 6 $((seconds * 20))
part wrap-stress 0 '*1' '[0-9]+ items checked' 'stress_threads at the same 5 points' \
    tests/wrap.sh 1000 $programs/stress_threads_wrap $((seconds * 20000))
part wrap-points 0 '*1' '[0-9]+ runs' 'crash_points at the same 5 points' \
    tests/wrap.sh 4 $programs/crash_points_wrap kill
part users 0 '*1' '[0-9]+%: Checks: [0-9]+' 'another user: attacks, nuisances (2 uids)' \
    $programs/test_users
part surroundings 0 '*1' '[0-9]+ checks' 'no /dev/shm, read-only, no /proc, limits: checks' \
    $programs/environs_surroundings
part memory-group 0 '*1' '[0-9]+ checks' 'in a control group of 64 MiB of memory: checks' \
    $programs/environs_memory_group
part namespaces 0 '*1' '[0-9]+ checks' 'namespaces of processes, users, clocks: checks' \
    $programs/environs_namespaces
part clock 0 '*1' '[0-9]+ pairs' 'clocks that jump, in one of two peers: pairs' \
    tests/environs/clock.sh $programs/clock_peer
part truncation 0 '*1' '[0-9]+ checks' 'truncated by a peer: checks' \
    $programs/environs_truncation $((seconds * 20))
part restarts 3 20000 '[0-9]+ restarts' 'restarts: created, killed, created again at once' \
    $programs/restarts 1000
part soak 0 '*1' '[0-9]+ attachments' 'soak: attached and detached, ring made anew each 100th time' \
    $programs/soak $((seconds * 5000)) $((seconds * 50))
part endings 0 '*1' '[0-9]+%: Checks: [0-9]+' 'threads cancelled, processes that exit or fork: suites' \
    env "FR_ROUNDS=$((seconds / 2))" $programs/test_endings
part valgrind 0 '*1' '[0-9]+ suites' 'unit suites under valgrind' tests/coverage/valgrind.sh
part model 0 '*1' '' 'model: exhaustive runs of spin, and mutants that must fail' \
    tests/model/check.sh short

# Running -----------------------------------------------------------------------------------------

# sum PATTERN FILE: the last number of each match, added up; without a pattern, lines with states.
sum() {
    if [ -z "$1" ]; then
        grep -c ' states' "$2"
        return
    fi
    grep -oE "$1" "$2" | sed -E 's/^.*Checks: //' | grep -oE '[0-9]+' |
        awk '{ sum += $1 } END { printf "%d\n", sum }'
}

# command NUMBER ROUND: of that part, with the number of the round put in.
command_of() {
    local text=${commands[$1]}
    text=${text//\{2r+0\}/$((2 * $2))}
    text=${text//\{2r+1\}/$((2 * $2 + 1))}
    printf '%s\n' "${text//\{\}/$2}"
}

# is_done NUMBER COUNT SECONDS
is_done() {
    local need=${needs[$1]}
    if [ "${shares[$1]}" -eq 0 ]; then
        return 0
    fi
    if [ -z "$bar" ]; then
        [ "$3" -ge "${budget[$1]}" ]
        return
    fi
    [ "$need" = '*1' ] || [ "$2" -ge "$need" ]
}

clock() {
    printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60))
}

run_part() {
    local number=$1 key=${keys[$1]} round=0 count=0 status=0 begin=$SECONDS
    local log=$out/$key.log
    : >"$log"
    while :; do
        timeout -k 10 $chunk_limit bash -c "$(command_of "$number" $round)" >>"$log" 2>&1 &
        running=$!
        wait $running || status=$?
        round=$((round + 1))
        count=$(sum "${patterns[$number]}" "$log")
        echo "[$(clock)] $key: $count, round $round, $([ $status -eq 0 ] && echo good ||
            echo "status $status")"
        [ $status -eq 0 ] || break
        is_done "$number" "$count" $((SECONDS - begin)) && break
    done
    echo "$count $((SECONDS - begin)) $status" >"$out/$key.result"
}

# Both lanes take the next part from one list.
lane() {
    local number running=
    # It hands the signal on to all that it started.
    trap '[ -z "$running" ] || kill -TERM "$running" 2>/dev/null; exit 143' TERM
    while :; do
        {
            flock 9
            number=$(cat "$out/next")
            echo $((number + 1)) >"$out/next"
        } 9>"$out/lock"
        [ "$number" -lt ${#keys[@]} ] || return
        run_part "$number"
    done
}

# How long each part may go on: a tenth of the time is for what is run only once.
budget=()
share_out() {
    local share total=0
    for share in "${shares[@]}"; do
        total=$((total + share))
    done
    for share in "${shares[@]}"; do
        budget+=($((share * minutes * 108 / total)))
    done
}

list_shm() {
    find /dev/shm -mindepth 1 -name 'framering.*' | sort
}

lanes=()
# shellcheck disable=SC2317
stop() {
    kill -TERM "${lanes[@]}" 2>/dev/null
    wait
    echo "torture.sh: stopped" >&2
    exit 130
}

run_all() {
    echo 0 >$out/next
    lane &
    lanes+=($!)
    lane &
    lanes+=($!)
    trap stop INT TERM
    wait "${lanes[@]}"
}

# The table -----------------------------------------------------------------------------------------

failed=0
rows=()

# row NAME COUNT NEED FAILURES
row() {
    rows+=("$1|$2|$3|$4")
}

# What a failing part has to say: one line, the seed or the point in it.
why() {
    local line
    line=$(grep -aE 'FAILED|ERROR|fails with|first failure|fuzz_[a-z]*: |:F:|:E:|WARNING: Thread' "$1" |
        tail -n 1)
    [ -n "$line" ] || line=$(tail -n 1 "$1")
    printf '%s (%s)' "${line:0:160}" "$1" | tr '|' '/'
}

# line KEY: the parts KEY and KEY.… as one row.
line() {
    local key=$1 number sum_count=0 verdict=0 need=- name='' count status
    for number in "${!keys[@]}"; do
        [ "${keys[$number]%%.*}" = "$key" ] || continue
        name=${names[$number]}
        need=${needs[$number]}
        read -r count _ status <"$out/${keys[$number]}.result" || status=1
        sum_count=$((sum_count + count))
        if [ "$status" -eq 77 ]; then
            verdict="skipped: $(tail -n 1 "$out/${keys[$number]}.log" | tr '|' '/')"
        elif [ "$status" -ne 0 ]; then
            verdict="FAILED: $(why "$out/${keys[$number]}.log")"
            failed=1
        fi
    done
    case $need in
    \*1) need=all ;;
    esac
    if [ -n "$bar" ] && [ "$verdict" = 0 ] && [ "${need//[0-9]/}" = '' ] &&
        [ "$sum_count" -lt "$need" ]; then
        verdict='FAILED: fewer than required'
        failed=1
    fi
    row "$name" "$sum_count" "$need" "$verdict"
    echo "$sum_count" >"$out/${key}.count"
}

all_rows() {
    local number key under_storm transfers left
    for number in "${!keys[@]}"; do
        key=${keys[$number]%%.*}
        [ "${keys[$number]}" = "$key" ] || [ "${keys[$number]}" = "$key.0" ] || continue
        line "$key"
    done
    under_storm=$(sum '[0-9]+ items checked' $out/storm.log)
    transfers=$(($(cat $out/stress-O2.count) + $(cat $out/stress-asan.count) +
        $(cat $out/stress-tsan.count) + under_storm))
    row 'verified transfers in all, those under the storm included' "$transfers" 1000000000 0
    rm -f $out/*.count $out/next $out/lock

    left=$(comm -13 <(echo "$before") <(list_shm) | grep . || true)
    if [ -z "$left" ]; then
        row 'names and bytes left in /dev/shm' 0 0 0
    else
        row 'names and bytes left in /dev/shm' "$(wc -l <<<"$left")" 0 "FAILED: $(tr '\n' ' ' <<<"$left")"
        failed=1
    fi
}

print_table() {
    local commit machine heading
    commit=$(git rev-parse --short HEAD)
    [ -z "$(git status --porcelain)" ] || commit="$commit and changes"
    machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sr)"
    heading="commit $commit, $(date -u '+%Y-%m-%d %H:%M') UTC, $machine, $((SECONDS / 60)) minutes"
    {
        echo "\`torture.sh $minutes\`: $heading"
        echo
        echo '| what | how many | required | failures |'
        echo '| --- | ---: | ---: | --- |'
        printf '%s\n' "${rows[@]}" | sed 's/|/ | /g; s/^/| /; s/$/ |/'
    } >$out/table.md

    echo
    echo "$heading"
    printf '%s\n' 'what|how many|required|failures' "${rows[@]}" |
        awk -F'|' '{ printf "%-66s %12s %11s  %s\n", $1, $2, $3, $4 }'
}

# All of this file is read before anything runs, so that it may be changed meanwhile.
main() {
    [ -n "$bar" ] || share_out
    before=$(list_shm)
    run_all
    all_rows
    print_table
    exit $failed
}

main
