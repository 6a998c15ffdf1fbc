#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs crash_points or crash_matrix with the list of all named points of the library's sources.
# usage: crash_points.sh PROGRAM SOURCES [kill|stop|double|all, or COUNT] [SEED]
set -eu
points=$(mktemp)
trap 'rm -f "$points"' EXIT
grep -ho 'FR_POINT("[^"]*")' "$2"/*.c | sed 's/^FR_POINT("//; s/")$//' | sort -u >"$points"
"$1" "${3:-all}" "$points" ${4:+"$4"}
