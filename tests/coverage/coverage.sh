#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the tests reach of the library (lib/src). Builds it instrumented, runs the unit suites that are
# linked with it, and prints lines and outcomes of conditions reached in each file. Fails when
# anything is not reached that waivers.txt does not name, and when that names something that is
# reached or not there at all.
#   tests/coverage/coverage.sh [lines|mcdc]
# lines (the default): lines and branches, by gcc and gcov. mcdc: of the files that check what others
# wrote, whether each condition decided alone, by clang-19; skipped without it.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source=$(dirname "$(dirname "$here")")
build=${COVERAGE_BUILD:-$source/build/coverage}

# Suites that use the shared library cannot count here; the demos' have nothing to do with it.
suites='^test_'
not_here='^test_av'
checking=(format.c frame.c identity.c name.c object.c opts.c)

# build_with COMPILER FLAGS: the instrumented library and the suites.
build_with() {
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_C_COMPILER="$1" \
        -DCMAKE_C_FLAGS=-O0 -DFRAMERING_BUILD_DEMOS=OFF -DFRAMERING_BUILD_TOOLS=OFF \
        -DCMAKE_PROJECT_framering_INCLUDE="$here/instrument.cmake" -DCOVERAGE_FLAGS="$2" >/dev/null
    mapfile -t programs < <(ctest --test-dir "$build" -N -R "$suites" -E "$not_here" -L '^unit$' |
        sed -n 's/^ *Test *#[0-9]*: //p')
    cmake --build "$build" -j "$(nproc)" -t "${programs[@]}" >"$build/log" ||
        { cat "$build/log"; return 1; }
}

# A suite that fails has counted, too, but says nothing about what it asserts.
run_suites() {
    CK_TIMEOUT_MULTIPLIER=5 ctest --test-dir "$build" -R "$suites" -E "$not_here" -L '^unit$' \
        -j "$(nproc)" --output-on-failure >"$build/log" 2>&1 || { cat "$build/log"; return 1; }
}

# Annotated sources of each object in a folder of its own, since headers stand in many of them.
annotate() {
    local file name
    rm -rf "$build/annotated"
    for file in "$source"/lib/src/*.c; do
        name=$(basename "$file")
        mkdir -p "$build/annotated/$name"
        (cd "$build/annotated/$name" && gcov -b -c -o "$objects" "$objects/$name.gcno" >/dev/null)
    done
}

lines() {
    objects=$build/library/CMakeFiles/framering_testing.dir/src
    # Atomic, or counts that threads lose make gcov infer wrong ones for other lines.
    build_with gcc '--coverage;-fprofile-update=atomic'
    find "$objects" -name '*.gcda' -delete
    run_suites
    annotate
    awk -f "$here/merge.awk" "$build"/annotated/*/*.gcov >"$build/reached.tsv"
    awk -f "$here/judge.awk" "$here/waivers.txt" "$build/reached.tsv"
}

# What is checked of that which others wrote: each condition has to decide alone, once each way.
mcdc() {
    local clang=clang-19 cov=llvm-cov-19 profdata=llvm-profdata-19 program
    for program in $clang $cov $profdata; do
        command -v "$program" >/dev/null && continue
        echo "coverage: skipped, there is no $program"
        exit 77
    done
    build=$build-mcdc
    build_with $clang '-fprofile-instr-generate;-fcoverage-mapping;-fcoverage-mcdc'
    rm -rf "$build/profiles"
    # test_resources limits the sizes of files, those of the counts, too.
    mapfile -t programs < <(printf '%s\n' "${programs[@]}" | grep -vx test_resources)
    printf '%s\n' "${programs[@]}" | CK_TIMEOUT_MULTIPLIER=5 xargs -P "$(nproc)" -I '{}' env \
        LLVM_PROFILE_FILE="$build/profiles/{}-%m.profraw" "$build/tests/{}" >"$build/log" 2>&1 ||
        { cat "$build/log"; return 1; }
    $profdata merge -o "$build/reached.profdata" "$build"/profiles/*.profraw
    mapfile -t objects < <(printf -- "-object\n$build/tests/%s\n" "${programs[@]:1}")
    $cov show --show-mcdc --instr-profile="$build/reached.profdata" \
        "$build/tests/${programs[0]}" "${objects[@]}" -sources "${checking[@]/#/$source/lib/src/}" \
        >"$build/mcdc.txt"
    awk -f "$here/mcdc.awk" "$build/mcdc.txt"
}

case ${1:-lines} in
lines | mcdc) "${1:-lines}" ;;
*)
    echo "usage: coverage.sh [lines|mcdc]" >&2
    exit 2
    ;;
esac
