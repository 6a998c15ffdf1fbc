# Reads the annotated sources that gcov -b writes for one object file each, and prints for each line
# of the library that has code:
#
#       FILE <tab> LINE <tab> FUNCTION <tab> how often <tab> outcomes taken, 0 or 1 <tab> TEXT
#
# A header's line stands in many objects: it was reached if it was in any of them, and so was each
# outcome (a condition has two, which gcov calls branches).

function note_line(count, number, source) {
    key = file SUBSEP number
    if (!(key in reached)) {
        order[++lines] = key
        name[key] = file
        line[key] = number
        text[key] = source
        function_of[key] = current
    }
    reached[key] += count
    outcome = 0
}

FNR == 1 {
    file = ""
    current = ""
}
/^ *-: *0:Source:/ {
    file = $0
    sub(/.*Source:/, "", file)
    wanted = file ~ /\/lib\/src\/[^\/]*$/
    sub(/.*\//, "", file)
    next
}
!wanted { next }
/^function / {
    current = $2
    next
}
/^branch / {
    outcome++
    outcomes[key] = outcome > outcomes[key] ? outcome : outcomes[key]
    if ($3 == "taken" && $4 != "0")
        taken[key, outcome] = 1
    next
}
/^ *[0-9#=*]+:/ {
    count = $0
    sub(/:.*/, "", count)
    gsub(/[ *]/, "", count)
    rest = substr($0, index($0, ":") + 1)
    number = rest + 0
    source = substr(rest, index(rest, ":") + 1)
    sub(/^ +/, "", source)
    note_line(count ~ /^[0-9]/ ? count + 0 : 0, number, source)
}
END {
    for (i = 1; i <= lines; i++) {
        key = order[i]
        list = ""
        for (n = 1; n <= outcomes[key]; n++)
            list = list ((key, n) in taken ? "1" : "0")
        printf "%s\t%d\t%s\t%d\t%s\t%s\n", name[key], line[key], function_of[key], reached[key],
               list == "" ? "-" : list, text[key]
    }
}
