#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Publishing, acquiring and releasing make no system call when nobody waits. Counts them in a trace
# of syscalls.c, between its two marks. Reading the clock, which frames do for their times, is none
# on most machines, but is where the kernel has no clock that programs can read for themselves.
#   tests/test_syscalls.sh PROGRAM
set -euo pipefail

trace=$(mktemp)
trap 'rm -f "$trace"' EXIT
if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
    echo 'test_syscalls: strace is missing (apt-get install strace) or may not trace' >&2
    exit 77
fi
# The leak checker of a sanitizer would be a tracer too, and there can be only one.
ASAN_OPTIONS=detect_leaks=0 strace -f -o "$trace" "$1"
marks=$(grep -c 'getppid()' "$trace" || true)
if [ "$marks" != 2 ]; then
    echo "test_syscalls: found $marks marks, not 2" >&2
    exit 1
fi
between=$(awk '/getppid\(\)/ { on = !on; next } on && !/clock_gettime/' "$trace")
if [ -n "$between" ]; then
    echo "test_syscalls: $(wc -l <<<"$between") system calls where there should be none:" >&2
    head -n 20 <<<"$between" >&2
    exit 1
fi
