# Reads what llvm-cov show --show-mcdc prints. Prints the decisions and conditions of each file, and
# each condition that was not seen to decide alone. Exit status 1 if there is one: none is waived.

/^\/.*:$/ {
    file = $0
    sub(/.*\//, "", file)
    sub(/:$/, "", file)
    files[++file_count] = file
}
/MC\/DC Decision Region/ {
    place = $0
    sub(/.*Region \(/, "", place)
    sub(/:.*/, "", place)
    decisions[file]++
}
/C[0-9]+-Pair: / {
    conditions[file]++
    if (/: covered/) {
        decided[file]++
        next
    }
    if (/constant folded/) {
        conditions[file]--
        next
    }
    condition = $0
    sub(/-Pair.*/, "", condition)
    sub(/.*C/, "", condition)
    print "never decides alone: " file ":" place ": condition " condition
    complaints++
}
END {
    printf "%-20s %9s %10s %6s\n", "lib/src/", "decisions", "conditions", "%"
    for (i = 1; i <= file_count; i++) {
        file = files[i]
        printf "%-20s %9d %10d %6.1f\n", file, decisions[file], conditions[file],
               conditions[file] ? 100 * decided[file] / conditions[file] : 100
        all += conditions[file]
        all_decided += decided[file]
    }
    printf "MC/DC: %d of %d conditions decide alone; %d complaints\n", all_decided, all, complaints
    exit complaints > 0 || all == 0
}
