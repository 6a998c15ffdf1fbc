# Reads waivers.txt, then what merge.awk made. Prints how much of each file was reached, then every
# line and outcome that was not and is not waived, and every waiver that waives nothing. Exit status 1
# if there is any of these two in a file that has to be reached whole.

function trim(string) {
    gsub(/^[ \t]+|[ \t]+$/, "", string)
    return string
}

function complain(what) {
    print what
    complaints++
}

# Whether that is waived; each waiver stands for one line or one outcome of it.
function is_waived(what,   waiver) {
    waiver = $1 SUBSEP $3 SUBSEP what SUBSEP $6
    if (!(waiver in waivers))
        return 0
    used[waiver] = 1
    waived++
    return 1
}

# The platform's failing calls are the business of tests/inject, and share.c is the tests' own.
function has_to_be_whole(file) {
    return file !~ /^(platform_.*|share\.c)$/
}

BEGIN { FS = "\t" }

# The waivers: FILE | FUNCTION | WHAT | the line's text; above each, its reason as a comment.
FILENAME ~ /waivers\.txt$/ {
    if ($0 ~ /^(#|$)/)
        next
    parts = split($0, part, / [|] /)
    text = part[4]
    for (i = 5; i <= parts; i++)
        text = text " | " part[i]
    waiver = trim(part[1]) SUBSEP trim(part[2]) SUBSEP trim(part[3]) SUBSEP trim(text)
    waivers[waiver] = $0
    next
}

{
    if (!($1 in lines))
        files[++file_count] = $1
    lines[$1]++
    if ($4 > 0)
        lines_reached[$1]++
    else if (has_to_be_whole($1) && !is_waived("line"))
        complain("not reached: " $1 ":" $2 " (" $3 "): line: " $6)
    if ($5 == "-")
        next
    for (i = 1; i <= length($5); i++) {
        outcomes[$1]++
        if (substr($5, i, 1) == "1")
            outcomes_reached[$1]++
        else if ($4 > 0 && has_to_be_whole($1) && !is_waived("outcome " i))
            complain("not reached: " $1 ":" $2 " (" $3 "): outcome " i ": " $6)
    }
}

END {
    for (waiver in waivers) {
        if (!(waiver in used))
            complain("waived, but reached or gone: " waivers[waiver])
    }
    printf "%-20s %6s %6s   %6s %6s\n", "lib/src/", "lines", "%", "outcomes", "%"
    for (i = 1; i <= file_count; i++) {
        file = files[i]
        printf "%-20s %6d %6.1f   %6d %6.1f%s\n", file, lines[file],
               100 * lines_reached[file] / lines[file], outcomes[file],
               outcomes[file] ? 100 * outcomes_reached[file] / outcomes[file] : 100,
               has_to_be_whole(file) ? "" : "   (not required)"
        if (has_to_be_whole(file)) {
            all += lines[file]
            all_reached += lines_reached[file]
            both += outcomes[file]
            both_reached += outcomes_reached[file]
        }
    }
    printf "required: %d of %d lines, %d of %d outcomes; %d waived; %d complaints\n", all_reached, all,
           both_reached, both, waived, complaints
    exit complaints > 0
}
