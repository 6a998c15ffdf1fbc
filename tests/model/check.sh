#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Tries the models beside it with spin: the correct ones must hold in all states, and those that
# lack one ingredient must fail. One line for each run: verdict, what came of it, seconds, states,
# what was tried.
#   tests/model/check.sh short     every mode with three parties and a crash; every broken one
#   tests/model/check.sh long      two writers, two more and a crash; members who come back
# Exits with 1 if a correct model fails or a broken one passes, with 77 if spin or a compiler is
# missing.
set -euo pipefail
export LC_ALL=C
models=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
unset BROKEN DEATHS FRAMES FREEZES FULL JOINED

case ${1:-} in
short)
    # Building takes longer than running here.
    build_flags=(-O0 -DMEMLIM=2000)
    run_flags=(-m200000 -w20)
    ;;
long)
    build_flags=(-O2 -DCOLLAPSE -DMEMLIM=14000)
    run_flags=(-m2000000 -w26)
    ;;
*)
    echo 'check.sh: say check.sh short or check.sh long' >&2
    exit 2
    ;;
esac

if ! command -v spin >/dev/null; then
    echo 'check.sh: spin is missing: apt-get install spin' >&2
    exit 77
fi
compiler=$(command -v "${CC:-cc}" || command -v gcc || command -v clang || true)
if [ -z "$compiler" ]; then
    echo 'check.sh: a C compiler is missing: apt-get install gcc' >&2
    exit 77
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
runs=0
wrong=0

# verifier MODEL FLAG...: builds it if these flags are new, and goes to its folder.
verifier() {
    local model=$1 folder
    folder=$scratch/$(printf '%s' "$*" | tr -c 'A-Za-z0-9' _)
    mkdir -p "$folder"
    cd "$folder"
    [ ! -x pan ] || return 0
    if ! { spin -a "${@:2}" "$models/$model.pml" &&
        "$compiler" -w -DSAFETY -DNOFAIR "${build_flags[@]}" -o pan pan.c; } >build.log 2>&1; then
        cat build.log >&2
        echo "check.sh: $model.pml cannot be built with ${*:2}" >&2
        exit 1
    fi
    rm -f pan.?
}

# The number of an ingredient that can be left out.
number_of() {
    sed -n "s/^#define $2 \([0-9]*\)$/\1/p" "$models/$1.pml"
}

# try EXPECTED TEXT MODEL INGREDIENT SETTINGS FLAG...
try() {
    local expected=$1 text=$2 model=$3 ingredient=$4 settings=$5
    local begin=$EPOCHREALTIME came=unfinished verdict=WRONG states broken
    broken=$(number_of "$model" "$ingredient")
    verifier "$model" "${@:6}"
    # shellcheck disable=SC2086 # settings are words
    env BROKEN="$broken" $settings ./pan -E "${run_flags[@]}" >log 2>&1 || true
    if grep -q 'assertion violated .*at depth' log; then
        came=fails
    elif grep -q 'errors: 0$' log && ! grep -qE 'not completed|depth too small' log; then
        came=holds
    fi
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log | head -n 1)
    runs=$((runs + 1))
    if [ "$came" = "$expected" ]; then
        verdict=ok
    else
        wrong=$((wrong + 1))
        cat log >&2
    fi
    printf '%-5s %-10s %6.1f s %10.0f states  %s\n' $verdict $came \
        "$(echo "$begin $EPOCHREALTIME" | awk '{ print $2 - $1 }')" "${states:-0}" "$text"
}

# holds MODEL SETTINGS FLAG...      breaks MODEL INGREDIENT SETTINGS FLAG...
holds() {
    try holds "$1 $2 ${*:3}" "$1" NOTHING "$2" "${@:3}"
}
breaks() {
    try fails "$1 without $2" "$@"
}

short() {
    local block=(-DMODE=BLOCK)
    local block_two=(-DMODE=BLOCK -DWRITERS=2 -DREADERS=1)
    local block_latest=(-DMODE=BLOCK -DLATEST=1 -DKEEPS=1)
    local block_lossy=(-DMODE=BLOCK -DLOSSY=1)
    local block_again=(-DMODE=BLOCK -DREADERS=1 -DREBIRTHS=1 -DLEAVES=1)
    local oldest=(-DMODE=OLDEST)
    local oldest_two=(-DMODE=OLDEST -DWRITERS=2 -DREADERS=1)
    local oldest_keeps=("${oldest_two[@]}" -DABORTS=1 -DKEEPS=1)
    local queue=(-DMODE=QUEUE -DORDER=4)
    local queue_two=(-DMODE=QUEUE -DORDER=4 -DWRITERS=2 -DREADERS=1)
    local queue_small=(-DMODE=QUEUE -DORDER=2)
    local queue_again=("${queue_two[@]}" -DREBIRTHS=1)
    local queue_oldest=(-DMODE=QUEUE_OLDEST -DORDER=4 -DWRITERS=2 -DREADERS=1)
    local observed_two=(-DMODE=OLDEST -DREADERS=0 -DOBSERVERS=2)
    local observed_three_slots=(-DMODE=OLDEST -DREADERS=0 -DOBSERVERS=1 -DSLOTS=3 -DLATEST=1)
    local observed_late=(-DMODE=BLOCK -DREADERS=0 -DOBSERVERS=1 -DLATEST=1)
    local observed_oldest=(-DMODE=OLDEST -DWRITERS=2 -DREADERS=0 -DOBSERVERS=1)
    local observed_block=(-DMODE=BLOCK -DWRITERS=2 -DREADERS=0 -DOBSERVERS=1)
    local observed_reader=(-DMODE=BLOCK -DREADERS=1 -DOBSERVERS=1)
    local observed ingredient
    local lock=(-DLOCKERS=3)
    local lock_again=(-DLOCKERS=2 -DROUNDS=2 -DREBIRTHS=1)

    holds ring 'FULL=1 JOINED=1 DEATHS=2' "${block[@]}"
    holds ring 'FULL=1 DEATHS=1' "${block[@]}"
    holds ring 'FULL=0 DEATHS=1' "${block_two[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1' "${block_two[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=0' "${block_latest[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1' "${block_lossy[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1' "${block_again[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=2' "${oldest[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1' "${oldest_two[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=0' "${oldest_keeps[@]}"
    holds ring 'FULL=0 DEATHS=1' "${queue[@]}"
    holds ring 'FULL=1 DEATHS=1' "${queue_two[@]}"
    holds ring 'FULL=1 DEATHS=1' "${queue_oldest[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=2 FREEZES=1 FRAMES=2' "${observed_two[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1 FREEZES=1 FRAMES=3' "${observed_three_slots[@]}"
    holds ring 'FULL=0 DEATHS=1 FREEZES=1 FRAMES=3' "${observed_late[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1 FREEZES=1' "${observed_oldest[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1 FREEZES=1' "${observed_block[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1 FREEZES=1' "${observed_reader[@]}"
    holds lock 'DEATHS=2' "${lock[@]}"
    holds lock 'DEATHS=1' "${lock_again[@]}"
    holds names 'DEATHS=2' -DOWNERS=3

    breaks ring C2_SKIPPED_IF_FREE 'FULL=1 JOINED=1 DEATHS=1' "${oldest_two[@]}"
    breaks ring C2_SKIPPED 'FULL=1 JOINED=1' "${oldest_two[@]}"
    breaks ring B2_SKIPPED 'FULL=1 JOINED=1' "${oldest_two[@]}"
    breaks ring CURSOR_BEFORE_PIN 'FULL=1 JOINED=1 FRAMES=2' "${block[@]}"
    breaks ring JOIN_WITHOUT_BOUND 'FULL=1 FRAMES=2' "${block[@]}"
    breaks ring LOWEST_INFINITE 'FULL=1 FRAMES=2' "${block[@]}"
    breaks ring NEWEST_RECLAIMED 'FULL=1 FRAMES=2' "${block[@]}"
    breaks ring NEWEST_RECLAIMED 'FULL=1 JOINED=1' "${oldest_two[@]}"
    breaks ring TAIL_AFTER_READERS 'FULL=1' "${block_two[@]}"
    breaks ring TAIL_BEFORE_COMPLETE 'FULL=1 DEATHS=1' "${block_two[@]}"
    breaks ring READER_DOES_NOT_HELP '' "${block[@]}"
    breaks ring READER_DOES_NOT_HELP '' "${queue[@]}"
    breaks ring RECOVERY_DOES_NOT_HELP 'FULL=1 DEATHS=1' "${block_two[@]}"
    breaks ring RECOVERY_KEEPS_PINS 'FULL=1 JOINED=1 DEATHS=1' "${block[@]}"
    breaks ring PROBE_WITHOUT_LOCK 'FULL=1 DEATHS=1' "${queue_again[@]}"
    breaks ring NO_LOOK_AFTER_ANNOUNCING '' "${queue[@]}"
    breaks ring NO_SLICES 'FULL=1 JOINED=1 DEATHS=1' "${block[@]}"
    breaks ring NO_WAKE_AFTER_FAILED_PIN 'FULL=1 JOINED=1' "${oldest_keeps[@]}"
    breaks ring NO_WAKE_AFTER_JOIN 'FULL=1' "${block_latest[@]}"
    breaks ring NO_WAKE_AFTER_SKIP 'FULL=1 JOINED=1' "${block_latest[@]}"
    breaks ring NO_WAKE_AFTER_LEAVE 'FULL=1 JOINED=1' "${block_again[@]}"
    breaks ring NO_WAKE_AFTER_ABORT 'FULL=1 JOINED=1' "${oldest_keeps[@]}"
    breaks ring NO_WAKE_AFTER_PUBLISH '' "${queue[@]}"
    breaks ring NO_WAKE_AFTER_RELEASE 'FULL=1' "${queue[@]}"
    breaks ring NO_WAKE_AFTER_RELEASE 'FULL=1 JOINED=1' "${block[@]}"
    breaks ring NO_SPACE_AFTER_PUBLISH 'FULL=1 JOINED=1' "${oldest_two[@]}"
    breaks ring HEAD_STAYS_AT_RECLAIMED 'FULL=1' "${queue_oldest[@]}"
    try fails 'ring with an order as short as the pool, for a queue' ring NOTHING \
        'FULL=1 DEATHS=1' "${queue_small[@]}"

    for observed in BLOCK OLDEST; do
        observed="-DMODE=$observed -DREADERS=0 -DOBSERVERS=1 -DLATEST=1"
        for ingredient in OBSERVERS_NOT_ASKED ASKED_BEFORE_CLAIM O2_BEFORE_O1 O2_SKIPPED \
            CLAIMED_TAKEN_FOR_ANNOUNCED OBSERVER_WANTS_COMPLETE WAKE_ONLY_IF_ASKED \
            WAKE_WITHOUT_CHANGE NO_LOOK_AFTER_ANNOUNCING NO_POLLING; do
            # shellcheck disable=SC2086 # flags are words
            breaks ring $ingredient 'FULL=1 JOINED=1 FRAMES=2' $observed
        done
        # shellcheck disable=SC2086
        breaks ring LOCK_OUTLIVES_OBSERVER 'FULL=1 JOINED=1 FRAMES=2 DEATHS=1' $observed
        # shellcheck disable=SC2086
        breaks ring NO_SLICES 'FULL=1 JOINED=1 FRAMES=2 DEATHS=1' $observed
    done
    breaks ring C2_SKIPPED_IF_FREE 'FULL=1 JOINED=1 DEATHS=1' "${observed_oldest[@]}"

    breaks lock S2_SKIPPED '' "${lock[@]}"
    breaks lock READERS_NOT_LOOKED_AT '' "${lock[@]}"
    breaks lock NO_WAKE_AFTER_STEP_BACK '' "${lock[@]}"
    breaks lock NO_WAKE_AFTER_UNLOCK '' "${lock[@]}"
    breaks lock NO_WAKE_AFTER_GIVING_UP '' "${lock[@]}"
    breaks lock NO_LOOK_AFTER_ANNOUNCING '' "${lock[@]}"
    breaks lock NO_SLICES 'DEATHS=1' "${lock[@]}"
    breaks lock BIT_BEFORE_NEWS 'DEATHS=2' "${lock[@]}"
    breaks lock RECOVERY_FORGETS_NEWS 'DEATHS=1' "${lock[@]}"
    breaks lock DEAD_TOLD_IGNORED 'DEATHS=2' "${lock[@]}"
    breaks lock PROBE_WITHOUT_LOCK 'DEATHS=1' "${lock_again[@]}"

    breaks names PROBE_WITHOUT_LOCK 'DEATHS=1' -DOWNERS=3
    breaks names NO_LOOK_AFTER_LOCKING 'DEATHS=2' -DOWNERS=3
    breaks names REMOVED_AFTER_UNLOCKING 'DEATHS=0' -DOWNERS=3
    breaks names NAMED_BEFORE_LOCKING 'DEATHS=0' -DOWNERS=3
}

long() {
    local mode
    for mode in BLOCK OLDEST QUEUE QUEUE_OLDEST; do
        holds ring 'FULL=1 JOINED=1 DEATHS=1' -DMODE=$mode -DORDER=4 -DWRITERS=2 -DREADERS=2
    done
    local observed=(-DORDER=4 -DWRITERS=2 -DREADERS=1 -DOBSERVERS=1)
    holds ring 'FULL=1 JOINED=1 DEATHS=1' -DMODE=BLOCK "${observed[@]}"
    holds ring 'FULL=1 JOINED=1 DEATHS=1 FREEZES=1' -DMODE=OLDEST "${observed[@]}"
    holds ring 'FULL=1 DEATHS=1' -DMODE=QUEUE -DORDER=4 -DWRITERS=2 -DREADERS=1 -DREBIRTHS=1
    holds ring 'FULL=1 JOINED=1 DEATHS=2' -DMODE=OLDEST -DWRITERS=2 -DREADERS=1 -DREBIRTHS=1
    holds ring 'FULL=1 DEATHS=1' -DMODE=BLOCK -DLATEST=1 -DLOSSY=1
    holds lock 'DEATHS=1' -DLOCKERS=3 -DREBIRTHS=1
    holds names 'DEATHS=3' -DOWNERS=4
}

"$1"
echo "$runs runs, $wrong not as they must be, $SECONDS s"
[ $wrong -eq 0 ]
