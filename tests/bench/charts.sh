#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Draws the charts of a results.json, as SVG, with the commit and the machine in each.
#   tests/bench/charts.sh RESULTS FOLDER
set -euo pipefail
results=$1
folder=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$folder"

caption=$(jq -r '"framering \(.commit), \(.date[:10]), \(.machine.cpu), \(.machine.cpus) CPUs, \(
    .machine.kernel), \(.mode) run" | gsub("_"; "\\\\_")' "$results")
common="
set encoding utf8
set datafile missing '-'
set datafile separator '\t'
set style line 1 lc rgb '#0072b2' lw 2 pt 7 ps 0.5
set style line 2 lc rgb '#d55e00' lw 2 pt 5 ps 0.5
set style line 3 lc rgb '#009e73' lw 2 pt 9 ps 0.6
set style line 4 lc rgb '#cc79a7' lw 2 pt 11 ps 0.6
set style line 5 lc rgb '#000000' lw 1 dt 2 pt 6 ps 0.4
set style line 6 lc rgb '#777777' lw 1 dt 3 pt 6 ps 0.4
set border 3
set tics nomirror
set grid ytics lc rgb '#dddddd' lt 1
"

# draw NAME WIDTH HEIGHT < the rest of a gnuplot script
draw() {
    {
        printf "set terminal svg size %d,%d font 'sans,12' background rgb 'white'\n" "$2" "$3"
        printf "set output '%s'\n%s" "$folder/$1.svg" "$common"
        cat
    } >"$scratch/$1.gp"
    gnuplot "$scratch/$1.gp"
    sed -i 's/\t/ /g; s/ *$//' "$folder/$1.svg" # as this tree wants its files
    echo "wrote $folder/$1.svg"
}

# Bandwidth over the number of nodes: a panel per size, a line per writers/readers ------------------

bandwidth() {
    local sizes size pair line
    mapfile -t sizes < <(jq -r '[.parts.matrix.cells[].size] | unique[]' "$results")
    {
        printf "set multiplot layout 1,%d title \"Bandwidth of a queue, copied in and out\\\\n{/*0.8 %s}\"\n" \
            ${#sizes[@]} "$caption"
        printf "set xlabel 'nodes' offset 0,0.7\nset logscale x\nset xrange [1.8:60]\nset xtics (2,3,5,10,20,50)\nset yrange [0:*]\n"
        printf "set ylabel 'GB/s written + read'\nset key below\n"
        for size in "${sizes[@]}"; do
            printf "set title '%s nodes'\nplot " \
                "$(jq -nr --argjson size "$size" '{ "1024": "1 KB", "1048576": "1 MB",
                    "8294400": "1080p" }[$size | tostring] // "\($size) bytes"')"
            line=0
            for pair in 1/1 2/1 1/2 2/2; do
                jq -r --argjson size "$size" --arg pair "$pair" '.parts.matrix.cells[]
                    | select(.size == $size and .sides == "processes" and .sum_mb_s != null
                        and "\(.writers)/\(.readers)" == $pair)
                    | [.nodes, .sum_mb_s.median * 1048576 / 1e9] | @tsv' "$results" \
                    >"$scratch/$size-${pair/\//-}"
                [ -s "$scratch/$size-${pair/\//-}" ] || continue
                line=$((line + 1))
                printf "'%s' with linespoints ls %d title '%s writers/readers', " \
                    "$scratch/$size-${pair/\//-}" $line "$pair"
            done
            jq -r --argjson size "$size" '[.parts.matrix.limits[]
                | select(.size == $size and .sum_mb_s != null)] | group_by(.nodes)[]
                | [.[0].nodes, (map(.sum_mb_s.median) | max) * 1048576 / 1e9] | @tsv' "$results" \
                >"$scratch/$size-limit"
            printf "'%s' with linespoints ls 5 title 'two processes copying'\n" "$scratch/$size-limit"
        done
    } | draw bandwidth 1200 460
}

# Latency: the percentiles of each rate, and of the bare futex --------------------------------------

latency() {
    local rates hz
    mapfile -t rates < <(jq -r '[.parts.latency.cells[].hz] | unique[]' "$results")
    {
        printf "set multiplot layout 1,%d title \"From publishing to having the frame, 1 reader\\\\n{/*0.8 %s}\"\n" \
            ${#rates[@]} "$caption"
        printf "set logscale y\nset ylabel 'µs'\nset key below\nset xrange [-0.3:4.3]\n"
        printf "set xtics ('p50' 0, 'p90' 1, 'p99' 2, 'p99.9' 3, 'max' 4)\n"
        for hz in "${rates[@]}"; do
            for name in framering-frames framering-observer; do
                jq -r --argjson hz "$hz" --arg name "$name" '.parts.latency.cells[]
                    | select(.hz == $hz and .transport == $name and .readers == 1 and .p50_us != null)
                    | [.p50_us.median, .p90_us.median, .p99_us.median, .p999_us.median,
                       .max_us.median] | to_entries[] | [.key, .value] | @tsv' "$results" \
                    >"$scratch/$hz-$name"
            done
            jq -r --argjson hz "$hz" '.parts.latency.cells[] | select(.hz == $hz and .readers == 1
                    and .transport == "framering-frames" and .p50_us != null)
                | [[0, .futex_p50_us.median], [2, .futex_p99_us.median]][] | @tsv' "$results" \
                >"$scratch/$hz-futex"
            printf "set title '%s Hz'\nplot '%s' with linespoints ls 1 title 'member', " \
                "$hz" "$scratch/$hz-framering-frames"
            printf "'%s' with linespoints ls 2 title 'observer (read-only)', " \
                "$scratch/$hz-framering-observer"
            printf "'%s' with linespoints ls 5 title 'bare futex'\n" "$scratch/$hz-futex"
        done
    } | draw latency 1200 440
}

# Peers: frames in a second and CPU for them -------------------------------------------------------

# The rows of a work, the fastest last, because the axis goes up.
peer_rows() {
    jq -r --arg work "$1" '(.parts.peers.transports | map({ (.name): .title }) | add) as $titles
        | [.parts.peers.cells[] | select(.work == $work and .items_s != null)]
        | sort_by(.items_s.median) | to_entries[]
        | [.key, ($titles[.value.transport] | gsub("_"; "\\_")), .value.items_s.median,
           .value.cpu_per_1000_s.median, (.value.transport | startswith("framering"))]
        | @tsv' "$results"
}

# panel FILE COLUMN TITLE: bars, ours in another colour, with their names.
panel() {
    printf "set title '%s'\nset xrange [0:*]\n" "$3"
    printf "plot '%s' using (0.5*\$%d):1:(0.5*\$%d):(0.35):ytic(2) with boxxyerror " "$1" "$2" "$2"
    printf "fs solid 0.9 noborder lc rgb '#999999' notitle, "
    printf "'' using (strcol(5) eq 'true' ? 0.5*\$%d : NaN):1:(0.5*\$%d):(0.35) with boxxyerror " \
        "$2" "$2"
    printf "fs solid 0.9 noborder lc rgb '#0072b2' notitle\n"
}

peers() {
    local work rows=0
    for work in produce produce4; do
        peer_rows "$work" >"$scratch/$work"
        [ -s "$scratch/$work" ] && rows=$((rows + 1))
    done
    [ $rows -gt 0 ] || return 0
    {
        printf "set multiplot layout %d,2 title \"Frames produced and read by framering and its peers\\\\n{/*0.8 %s}\"\n" \
            $rows "$caption"
        printf "set yrange [-0.6:*]\nset offsets 0,0,0.6,0\nset lmargin 42\nset xtics auto font ',9'\n"
        printf "unset grid\nset grid xtics lc rgb '#dddddd' lt 1\n"
        for work in produce produce4; do
            [ -s "$scratch/$work" ] || continue
            local readers='1 reader'
            [ "$work" = produce ] || readers='4 readers'
            panel "$scratch/$work" 3 "frames per second, $readers"
            panel "$scratch/$work" 4 "CPU seconds per 1000 frames, $readers"
        done
    } | draw peers 1300 $((60 + 330 * rows))
}

bandwidth
latency
peers
