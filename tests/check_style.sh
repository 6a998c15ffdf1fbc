#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fails with file and line on what a reader should not meet: tabs, trailing blanks, a missing last
# newline, invisible characters, a C file without its licence line, one that is too long or has a
# function that is too long, and C that clang-format would lay out differently.
#   tests/check_style.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
export LC_ALL=C.UTF-8

max_lines=500
max_function=60
failed=0

# Prints what it reads, one finding a line, and remembers that there was one.
report() {
    local finding
    while IFS= read -r finding; do
        printf '%s: %s\n' "$finding" "$1"
        failed=1
    done
}

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    mapfile -d '' -t all < <(git ls-files -z --cached --others --exclude-standard)
else
    mapfile -d '' -t all < <(find . -path ./build -prune -o -type f -printf '%P\0')
fi

text=()
code=()
for file in "${all[@]}"; do
    case $file in
    *.bin | *.png | *.y4m) continue ;; # not text
    esac
    [ -s "$file" ] || continue # empty, or removed and not yet committed
    text+=("$file")
    case $file in
    *.c | *.h) code+=("$file") ;;
    esac
done
if [ ${#code[@]} -eq 0 ]; then
    echo "check_style: no C file in $PWD" >&2
    exit 1
fi

# file:line of each match of a Perl expression.
find_lines() {
    grep -HnP -- "$@" | cut -d: -f1,2 || true
}

report 'a tab' < <(find_lines '\t' "${text[@]}")
report 'a blank at the end' < <(find_lines '[ \t\r]$' "${text[@]}")
# Soft hyphen, zero-width and directional characters, byte order mark, odd spaces, controls.
invisible='[\x{AD}\x{A0}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{206F}\x{3000}\x{FEFF}]'
report 'an invisible character' < <(find_lines "$invisible|[\x01-\x08\x0B-\x1F\x7F]" "${text[@]}")
report 'not UTF-8' < <(for file in "${text[@]}"; do
    iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1 || echo "$file"
done)
report 'no newline at the end' < <(for file in "${text[@]}"; do
    [ -z "$(tail -c 1 "$file")" ] || echo "$file"
done)
report 'the first line is not /* SPDX-License-Identifier: MIT */' < <(for file in "${code[@]}"; do
    [ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: MIT */' ] || echo "$file:1"
done)

# The public header is long because it is the reference.
report "more than $max_lines lines" < <(for file in "${code[@]}"; do
    case $file in
    lib/include/*) continue ;;
    esac
    [ "$(wc -l <"$file")" -le $max_lines ] || echo "$file"
done)
report "a function of more than $max_function lines" < <(awk -v max=$max_function '
    /^\{/ { start = FNR }
    /^\}/ && start { if (FNR - start - 1 > max) print FILENAME ":" start; start = 0 }
    FNR == 1 { start = 0 }' "${code[@]}")

if command -v clang-format >/dev/null; then
    clang-format --dry-run -Werror "${code[@]}" || failed=1
elif [ -n "${CI:-}" ]; then
    echo 'check_style: clang-format is missing (apt-get install clang-format)' >&2
    failed=1
else
    echo 'check_style: no clang-format here, the layout of C was not checked'
fi

exit $failed
