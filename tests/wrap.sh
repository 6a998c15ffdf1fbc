#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a program that is linked with wrap.c at each point where sequence numbers outgrow a word: so
# many items before 2^16, 2^31, 2^32 and 2^47, and near the end of the numbering, 2^48 - 2, but with
# more numbers left than the program uses.
# usage: wrap.sh DISTANCE PROGRAM ARGUMENT...
set -u
distance=$1
shift
failed=0
for start in $((1 << 16)) $((1 << 31)) $((1 << 32)) $((1 << 47)) $(((1 << 48) - 100000000)); do
    echo "the first number is $((start - distance + 1))"
    if ! FR_START=$((start - distance)) "$@"; then
        echo "FAILED: FR_START=$((start - distance)) $*"
        failed=1
    fi
done
[ $failed -eq 0 ]
