#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs a fuzz target for some seconds (60) or some executions (1000000x), from the corpus beside this
# script, which is not changed: what is new and interesting goes to the folder KEEP, if that is given.
# An input that breaks something is kept in this folder as crash-…, or as KEEP-crash-…; the target with
# that file as its argument does it again.
#   tests/fuzz/run.sh AMOUNT TARGET [KEEP]
set -euo pipefail

amount=$1
target=$2
keep=${3:-}
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kind=$(basename "$target")
kind=${kind#fuzz_}
kind=${kind%_kernel}
case $amount in
*x) limit=-runs=${amount%x} ;;
*) limit=-max_total_time=$amount ;;
esac
scratch=$(mktemp -d)
# A target that crashes cannot remove its name.
trap 'rm -rf "$scratch"; rm -f /dev/shm/framering."$(id -u)".fuzz-"${pid:-none}"' EXIT

mkdir -p "${keep:-$scratch/new}"
status=0
"$target" "$limit" -max_len=300 -len_control=0 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="${keep:+$keep-}" "${keep:-$scratch/new}" "$here/corpus-$kind" >"$scratch/log" 2>&1 &
pid=$!
wait $pid || status=$?
if [ $status -ne 0 ]; then
    grep -v -e REDUCE -e NEW -e pulse "$scratch/log" | tail -n 60
fi
runs=$(awk '/number_of_executed_units/ { print $2 }' "$scratch/log")
seed=$(awk '/^INFO: Seed:/ { print $3 }' "$scratch/log")
echo "$(basename "$target"): ${runs:-unknown} executions, seed ${seed:-unknown}, status $status"
[ $status -eq 0 ] # 77, by which the fuzzer tells of a find, means skipped to CTest
