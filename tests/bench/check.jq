# What is missing in a results.json, one line each; nothing if it is complete. A measured value is
# { median, min, max, n }; the optional ones may be null. A peer may fail, framering may not.

def is_value: type == "object" and ([.median, .min, .max, .n] | all(type == "number"));

def check_cell($path; $labels; $metrics; $optional):
    . as $cell
    | (.error // empty | "\($path): \(.)"),
      ($labels[] | select($cell[.] == null) | "\($path): no \(.)"),
      ($metrics[] | select($cell[.] | is_value | not) | "\($path): no \(.)"),
      ($optional[] | select(in($cell) | not) | "\($path): no \(.)");

def is_failed_peer: .error != null and (.transport // "framering" | startswith("framering") | not);

def cells($path; $labels; $metrics; $optional):
    if type != "array" or length == 0 then "\($path): no cells"
    else to_entries[] | select(.value | is_failed_peer | not) | .key as $i | .value
        | check_cell("\($path)[\($i)]"; $labels; $metrics; $optional)
    end;

def verified($path):
    .[]? | select(is_failed_peer | not) | . as $cell | "torn", "lost", "disordered"
        | select($cell[.] != 0) | "\($path): \($cell[.]) \(.): \($cell | tojson)";

def part($name; checks):
    if .parts[$name] == null then "no parts.\($name)"
    else .parts[$name]
        | (select((.rounds | type != "number") or (.seconds | type != "number"))
            | "parts.\($name): no rounds, seconds"),
          (select(.complete != true) | "parts.\($name): not complete"), checks
    end;

(. as $all | "schema", "commit", "date", "mode", "seconds", "machine"
    | select($all[.] == null) | "no \(.)"),
(.machine as $machine | "cpu", "cpus", "kernel", "memory_gb", "governor", "shm_huge_pages", "load",
    "noise" | select($machine[.] == null) | "no machine.\(.)"),
part("matrix";
    (.cells | cells("matrix"; ["size", "nodes", "writers", "readers", "sides"];
        ["written_mb_s", "read_mb_s", "sum_mb_s", "items_s", "cpu_per_1000_s", "ratio"]; [])),
    (.cells | verified("matrix")),
    (.limits | cells("matrix.limits"; ["size", "nodes", "copy"]; []; ["sum_mb_s"]))),
part("frames";
    (.cells | cells("frames"; ["size", "make", "readers", "delivery"];
        ["fps", "read_fps", "gb_s", "cpu_per_1000_s", "sleeps", "ratio"]; [])),
    (.cells | verified("frames")),
    (.limits | cells("frames.limits"; ["size", "limit"]; ["fps"]; []))),
part("latency";
    (.cells | cells("latency"; ["hz", "transport", "readers"];
        ["p50_us", "p90_us", "p99_us", "p999_us", "max_us", "due_p50_us", "due_p99_us",
         "futex_p50_us", "futex_p99_us", "ratio_p50", "cpu_per_1000_s", "late", "samples"]; [])),
    (.cells | verified("latency"))),
part("primitives";
    (.cells | cells("primitives"; ["group", "name", "unit"]; ["value"]; ["limit_ratio"])),
    (([.cells[].group] | unique) as $groups
        | "uncontended", "readers", "lock", "array access", "set-up", "first lap"
        | select(. as $group | $groups | index($group) | not) | "primitives: no \(.)"),
    (select(([.cells[].group] | index("system calls") | not) and .skipped == "")
        | "primitives: system calls neither counted nor skipped")),
part("limits";
    (.bandwidth | cells("limits.bandwidth"; ["limit", "processes", "unit"]; ["value"]; [])),
    (.timing | cells("limits.timing"; ["limit", "unit"]; []; ["value"]))),
part("peers";
    (select(.transports | type != "array" or length == 0) | "peers: no transports"),
    (select(.missing | type != "array") | "peers: no missing"),
    (.cells | cells("peers"; ["work", "transport"]; ["items_s", "cpu_per_1000_s", "sleeps", "missed"];
        ["p50_us", "p99_us", "ratio"])),
    (.cells | verified("peers"))),
part("stress";
    (.highest | cells("stress.highest"; ["size"]; ["highest_hz", "probes"]; [])),
    (.cells | cells("stress"; ["size", "scenario", "readers"];
        ["hz", "published_s", "delivered_s", "p50_us", "p99_us", "overwritten", "skipped", "dropped",
         "deaths", "stall_us", "late"]; [])),
    (.cells | verified("stress")))
