/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: measures one part of it, prints the table, writes the part's JSON.
 *
 *      bench PART [--smoke | --quick] [--pinned] [--rounds N] [--seconds N] [--json FILE]
 *      bench machine [--json FILE]
 *      bench peers --only NAME[,NAME…]
 *
 * PART is matrix, frames, latency, primitives, limits, peers or stress. bench.sh runs them all.
 * Ends with 130 if it was interrupted: nothing is left behind then either.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "clock.h"
#include "subject.h"

struct part {
    const char *name;
    bench_part run;
    double seconds[3]; /* for smoke, quick and full */
    uint32_t rounds[3];
};

static const struct part parts[] = {
    { "matrix", part_matrix, { 0.6, 12, 600 }, { 1, 3, 7 } },
    { "frames", part_frames, { 0.4, 8, 140 }, { 1, 3, 7 } },
    { "latency", part_latency, { 0.8, 8, 180 }, { 1, 2, 7 } },
    { "primitives", part_primitives, { 0.5, 5, 60 }, { 1, 3, 7 } },
    { "limits", part_limits, { 0.5, 3, 40 }, { 1, 3, 7 } },
    { "peers", part_peers, { 1.0, 12, 240 }, { 1, 2, 7 } },
    { "stress", part_stress, { 1.0, 7, 120 }, { 1, 1, 3 } },
};

#define PARTS (sizeof parts / sizeof parts[0])

static int usage(void)
{
    fputs("bench: usage: bench PART [--smoke|--quick] [--pinned] [--rounds N] [--seconds N]"
          " [--only NAME,...] [--json FILE]; a PART is one of: machine",
          stderr);
    for (size_t i = 0; i < PARTS; i++)
        fprintf(stderr, " %s", parts[i].name);
    fputs("\n", stderr);
    return 2;
}

enum {
    OPTION_SMOKE = 1,
    OPTION_QUICK,
    OPTION_PINNED,
    OPTION_ROUNDS,
    OPTION_SECONDS,
    OPTION_ONLY,
    OPTION_JSON
};

static const struct option options[] = {
    { "smoke", no_argument, NULL, OPTION_SMOKE },
    { "quick", no_argument, NULL, OPTION_QUICK },
    { "pinned", no_argument, NULL, OPTION_PINNED },
    { "rounds", required_argument, NULL, OPTION_ROUNDS },
    { "seconds", required_argument, NULL, OPTION_SECONDS },
    { "only", required_argument, NULL, OPTION_ONLY },
    { "json", required_argument, NULL, OPTION_JSON },
    { NULL, 0, NULL, 0 },
};

struct arguments {
    struct bench bench;
    const char *json;
};

static bool parse_number(const char *text, double most, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return *text != '\0' && *end == '\0' && *out > 0 && *out <= most;
}

static bool parse_option(int option, const char *value, struct arguments *out)
{
    double number;

    switch (option) {
    case OPTION_SMOKE:
        out->bench.mode = BENCH_SMOKE;
        return true;
    case OPTION_QUICK:
        out->bench.mode = BENCH_QUICK;
        return true;
    case OPTION_PINNED:
        out->bench.is_pinned = true;
        return true;
    case OPTION_ROUNDS:
        if (!parse_number(value, MAX_ROUNDS, &number))
            return false;
        out->bench.rounds = (uint32_t)number;
        return number >= 1;
    case OPTION_SECONDS:
        return parse_number(value, 86400, &out->bench.budget_s);
    case OPTION_ONLY:
        out->bench.only = value;
        return true;
    case OPTION_JSON:
        out->json = value;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct arguments *out)
{
    for (;;) {
        const int option = getopt_long(argc, argv, "", options, NULL);

        if (option == -1)
            break;
        if (!parse_option(option, optarg, out))
            return false;
    }
    return optind == argc - 1;
}

static int write_json(json_t *json, const char *file)
{
    if (file != NULL && json_dump_file(json, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) < 0) {
        fprintf(stderr, "bench: cannot write %s; is there such a folder?\n", file);
        json_decref(json);
        return 1;
    }
    json_decref(json);
    return interrupted() ? 130 : 0;
}

static int run_machine(const char *file)
{
    json_t *machine = machine_json();

    machine_print(machine);
    return write_json(machine, file);
}

static int run_part(const struct part *part, struct arguments *arguments)
{
    static const uint64_t most_source_mb[] = { 16, 128, 512 };
    struct bench *bench = &arguments->bench;

    if (bench->rounds == 0)
        bench->rounds = part->rounds[bench->mode];
    if (bench->budget_s <= 0)
        bench->budget_s = part->seconds[bench->mode];
    bench->most_source_mb = most_source_mb[bench->mode];
    json_t *json = part->run(bench);
    fflush(stdout);
    return write_json(json, arguments->json);
}

int main(int argc, char **argv)
{
    char self[PATH_MAX] = "";
    struct arguments arguments = { .bench = { .mode = BENCH_FULL, .self = self } };

    if (argc == 3 && strcmp(argv[1], "subject") == 0)
        return subject_main(argv[2]);
    if (!parse(argc, argv, &arguments))
        return usage();
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        self[0] = '\0';
    interrupt_catch();
    sweep_names();
    if (strcmp(argv[optind], "machine") == 0)
        return run_machine(arguments.json);
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(argv[optind], parts[i].name) != 0)
            continue;
        const int status = run_part(&parts[i], &arguments);
        sweep_names(); /* of children that were killed, too */
        return status;
    }
    return usage();
}
