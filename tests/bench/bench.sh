#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the whole benchmark, prints its tables and writes results.json; with --publish also the charts
# in assets/bench/. The program is that of a build folder: build/release, say.
#   tests/bench/bench.sh BUILD [--quick | --smoke] [--publish] [--pinned] [--parts NAME,NAME…]
#                        [--out FOLDER]
# The folder for the results is build/bench. Ctrl-C ends it in order and leaves nothing behind.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source_tree=$(readlink -f "$here/../..")

die() {
    echo "bench: $*" >&2
    exit 1
}

usage() {
    sed -n '6,7s/^#   //p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

[ $# -ge 1 ] || usage
build=$1
program=$build/tests/bench/bench
shift
mode=full
options=()
parts=limits,primitives,matrix,frames,latency,peers,stress
out=$source_tree/build/bench
publish=
while [ $# -gt 0 ]; do
    case $1 in
    --quick | --smoke)
        mode=${1#--}
        options+=("$1")
        ;;
    --pinned) options+=("$1") ;;
    --publish) publish=1 ;;
    --parts | --out)
        [ $# -ge 2 ] || usage
        declare "${1#--}=$2"
        shift
        ;;
    *) usage ;;
    esac
    shift
done
[ -x "$program" ] || die "there is no $program; build it first: ./run bench does"
command -v jq >/dev/null || die "jq is missing (apt-get install jq)"
[ -z "$publish" ] || command -v gnuplot >/dev/null ||
    die "gnuplot is missing (apt-get install gnuplot-nox)"
mkdir -p "$out"

# The program ends its own processes and their shared memory; here it is only told and waited for.
child=
# shellcheck disable=SC2317
stop() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
    wait
    exit 130
}
trap stop INT TERM HUP

run() {
    "$@" &
    child=$!
    local status=0
    wait "$child" || status=$?
    child=
    return $status
}

commit() {
    local name
    name=$(git -C "$source_tree" describe --always --abbrev=10 2>/dev/null) || name=unknown
    git -C "$source_tree" diff --quiet HEAD -- lib 2>/dev/null || name+=+changes
    echo "$name"
}

begun=$SECONDS
commit=$(commit)
echo "framering $commit, $(date -u +%F), $mode"
run "$program" machine --json "$out/machine.json"
failed=0
IFS=, read -r -a wanted <<<"$parts"
for part in "${wanted[@]}"; do
    rm -f "$out/$part.json"
    run "$program" "$part" "${options[@]}" --json "$out/$part.json" || {
        echo "bench: $part failed with status $?" >&2
        failed=1
    }
done

if [ "$mode" != smoke ]; then # beside the parts: it measures programs, not the library
    status=0
    window_s=20
    [ "$mode" != quick ] || window_s=3
    rm -f "$out/window.json"
    run "$here/window.sh" "$build" "$window_s" "$out/window.json" ||
        status=$?
    [ $status = 0 ] || [ $status = 77 ] || failed=1
    wanted+=(window)
fi

for part in "${wanted[@]}"; do
    [ -f "$out/$part.json" ] || continue
    jq -n --arg name "$part" --slurpfile part "$out/$part.json" '{ ($name): $part[0] }'
done | jq -s --arg commit "$commit" --arg date "$(date -u +%FT%TZ)" --arg mode "$mode" \
    --argjson seconds $((SECONDS - begun)) --slurpfile machine "$out/machine.json" \
    '{ schema: 1, commit: $commit, date: $date, mode: $mode, seconds: $seconds,
       machine: $machine[0], parts: add }' >"$out/results.json"
echo "wrote $out/results.json ($((SECONDS - begun)) s)"
[ -z "$publish" ] || "$here/charts.sh" "$out/results.json" "$source_tree/assets/bench"
exit $failed
