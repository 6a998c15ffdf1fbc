/* SPDX-License-Identifier: MIT */
/*
 * Part 7: the highest frame rate. First the highest at which one reader gets every frame, whole,
 * with a p99 latency below one period, while the writer keeps its pace: doubled until it fails,
 * then halved in. Then what happens beyond it, with a slow reader, with readers that die, and with
 * eight viewers: frames may be lost then, but each with its cause, and the writer never waits.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <framering/framering.h>

#include "bench.h"
#include "clock.h"
#include "stress_side.h"

#define FIRST_HZ 60.0
#define LEAST_HZ 2.0
#define MOST_HZ 8000.0
#define HALVINGS 4
#define PROBES 12 /* about, for a search */
#define MOST_LATE 0.02
#define LEAST_DELIVERED 0.97

enum { HIGHEST_HZ, PROBE_COUNT };
static const char *const search_metrics[] = { "highest_hz", "probes", NULL };

enum { HZ, PUBLISHED, DELIVERED, P50, P99, OVERWRITTEN, SKIPPED, DROPPED, DEATHS, STALL, LATE };
static const char *const metrics[] = { "hz",     "published_s", "delivered_s", "p50_us",
                                       "p99_us", "overwritten", "skipped",     "dropped",
                                       "deaths", "stall_us",    "late",        NULL };

struct scenario {
    const char *name;
    double share; /* of the highest rate */
    uint32_t readers;
    enum stress_kind kinds[STRESS_READERS];
};

/* The first reader is always a fast one: what is delivered, and how late, is said of it. */
static const struct scenario scenarios[] = {
    { "half the rate", 0.5, 1, { STRESS_FAST } },
    { "twice the rate", 2.0, 1, { STRESS_FAST } },
    { "a slow reader", 0.5, 2, { STRESS_FAST, STRESS_SLOW } },
    { "dying readers", 0.5, 3, { STRESS_FAST, STRESS_DIES, STRESS_DIES } },
    { "8 viewers", 0.5, 8, { STRESS_FAST } },
};

#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

struct stresses {
    const struct bench *bench;
    struct schedule schedule;
    struct cells searches;
    struct cells cells;
};

struct outcome {
    double published_s;
    double delivered_s; /* to the first reader */
    int64_t p50_ns;
    int64_t p99_ns;
    struct stress_tally sum; /* of all readers, without samples */
    double late;             /* part of the deadlines */
    int64_t stall_ns;
    char error[160];
};

/* One run -------------------------------------------------------------------------------------- */

static void collect(struct stress *stress, const struct sides *sides, struct outcome *out)
{
    struct stress_tally *first = &stress->tally[0];
    const uint64_t deadlines = stress->writer.deadlines;

    out->published_s = side_rate(&sides->side[0]);
    out->delivered_s = side_rate(&sides->side[1]);
    sort_ns(first->latency_ns, first->samples);
    out->p50_ns = percentile_ns(first->latency_ns, first->samples, 0.5);
    out->p99_ns = percentile_ns(first->latency_ns, first->samples, 0.99);
    out->late = deadlines > 0 ? (double)stress->writer.late / (double)deadlines : 1;
    out->stall_ns = stress->writer.longest_stall_ns;
    for (uint32_t r = 0; r < stress->readers; r++) {
        const struct stress_tally *tally = &stress->tally[r];

        out->sum.torn += tally->torn;
        out->sum.disordered += tally->disordered;
        out->sum.overwritten += tally->overwritten;
        out->sum.skipped += tally->skipped;
        out->sum.dropped += tally->dropped;
        out->sum.unexplained += tally->unexplained;
        out->sum.deaths += tally->deaths;
    }
}

static int run_stress(const struct stresses *stresses, struct stress *stress, double seconds,
                      struct outcome *out)
{
    struct sides *sides = sides_new(SIDES_PROCESSES);
    const bool is_pinned = stresses->bench->is_pinned;

    if (sides == NULL)
        return -1;
    sides->least_items = 0;
    sides->warm_items = stress->slots;
    sides->most_s = bench_most_s(stresses->bench);
    sides_add(sides, stress_writer, 0, is_pinned ? 0 : -1, stress);
    for (uint32_t r = 0; r < stress->readers; r++)
        sides_add(sides, stress_reader, r, is_pinned ? (int)r + 1 : -1, stress);
    const int error = sides_run(sides, 0.2 * seconds, 0.8 * seconds);
    const int unused = fr_unlink(stress->name); /* if its writer was killed */
    (void)unused;
    if (error == 0)
        collect(stress, sides, out);
    else
        snprintf(out->error, sizeof out->error, "%s", sides->error);
    sides_free(&sides);
    return error;
}

static int run(struct stresses *stresses, const struct picture *picture,
               const struct scenario *scenario, double hz, struct outcome *out)
{
    struct stress *stress = shared_new(sizeof *stress);
    const double given_s = schedule_give(&stresses->schedule);

    memset(out, 0, sizeof *out);
    if (stress == NULL) {
        snprintf(out->error, sizeof out->error, "no memory");
        return -1;
    }
    snprintf(stress->name, sizeof stress->name, "%s", fresh_name());
    stress->width = picture->width;
    stress->height = picture->height;
    stress->hz = hz;
    stress->readers = scenario->readers;
    stress->slots = scenario->readers + 4;
    memcpy(stress->kind, scenario->kinds, sizeof stress->kind);
    /* At low rates there must still be some frames. */
    const int error = run_stress(stresses, stress, fmax(given_s, 6 / hz), out);
    schedule_took(&stresses->schedule);
    shared_free(stress, sizeof *stress);
    return error;
}

/* The search ----------------------------------------------------------------------------------- */

static void note_wrongs(struct cell *cell, const struct outcome *outcome)
{
    cell->is_verified = true;
    cell->wrongs.torn += outcome->sum.torn;
    cell->wrongs.disordered += outcome->sum.disordered;
    cell->wrongs.lost += outcome->sum.unexplained;
    if (outcome->error[0] != '\0' && !interrupted())
        snprintf(cell->error, sizeof cell->error, "%s", outcome->error);
}

static bool holds(struct stresses *stresses, const struct picture *picture, double hz,
                  struct cell *cell)
{
    struct outcome outcome;

    if (run(stresses, picture, &scenarios[0], hz, &outcome) < 0) {
        note_wrongs(cell, &outcome);
        return false;
    }
    note_wrongs(cell, &outcome);
    return outcome.sum.torn == 0 && outcome.sum.overwritten == 0 && outcome.sum.dropped == 0 &&
           outcome.late <= MOST_LATE && outcome.delivered_s >= LEAST_DELIVERED * hz &&
           (double)outcome.p99_ns < (double)NS_PER_S / hz;
}

/* The highest rate that held; 0 if none did. */
static double search(struct stresses *stresses, const struct picture *picture, struct cell *cell)
{
    double good = 0;
    double bad = FIRST_HZ;
    uint32_t probes = 0;

    while (bad <= MOST_HZ && bad >= LEAST_HZ && !interrupted()) {
        const bool is_good = holds(stresses, picture, bad, cell);

        probes++;
        if (!is_good && good > 0)
            break;
        if (is_good)
            good = bad;
        if (is_good && bad < FIRST_HZ) /* found on the way down */
            break;
        bad = is_good ? 2 * bad : bad / 2;
    }
    if (good > 0 && good < FIRST_HZ)
        bad = 2 * good;
    for (int i = 0; i < HALVINGS && good > 0 && !interrupted(); i++) {
        const double hz = sqrt(good * bad);

        probes++;
        if (holds(stresses, picture, hz, cell))
            good = hz;
        else
            bad = hz;
    }
    if (!interrupted()) {
        series_add(&cell->series[HIGHEST_HZ], good);
        series_add(&cell->series[PROBE_COUNT], probes);
    }
    return good;
}

/* The scenarios -------------------------------------------------------------------------------- */

static void measure(struct stresses *stresses, const struct picture *picture,
                    const struct scenario *scenario, double highest_hz, struct cell *cell)
{
    const double hz = scenario->share * fmax(highest_hz, LEAST_HZ);
    struct outcome outcome;
    const int error = run(stresses, picture, scenario, hz, &outcome);

    note_wrongs(cell, &outcome);
    if (error < 0)
        return;
    series_add(&cell->series[HZ], hz);
    series_add(&cell->series[PUBLISHED], outcome.published_s);
    series_add(&cell->series[DELIVERED], outcome.delivered_s);
    series_add(&cell->series[P50], (double)outcome.p50_ns / 1e3);
    series_add(&cell->series[P99], (double)outcome.p99_ns / 1e3);
    series_add(&cell->series[OVERWRITTEN], (double)outcome.sum.overwritten);
    series_add(&cell->series[SKIPPED], (double)outcome.sum.skipped);
    series_add(&cell->series[DROPPED], (double)outcome.sum.dropped);
    series_add(&cell->series[DEATHS], (double)outcome.sum.deaths);
    series_add(&cell->series[STALL], (double)outcome.stall_ns / 1e3);
    series_add(&cell->series[LATE], 100 * outcome.late);
}

/* Of the larger pictures only in a full run. */
static uint32_t scenario_count(const struct bench *bench, uint32_t picture)
{
    return picture == 0 || bench->mode == BENCH_FULL ? SCENARIOS : 0;
}

static void measure_round(struct stresses *stresses, uint32_t picture_count)
{
    for (uint32_t p = 0; p < picture_count && !interrupted(); p++) {
        const double hz =
            search(stresses, bench_picture(stresses->bench, p > 0), &stresses->searches.cell[p]);

        for (uint32_t s = 0; s < scenario_count(stresses->bench, p) && !interrupted(); s++)
            measure(stresses, bench_picture(stresses->bench, p > 0), &scenarios[s], hz,
                    &stresses->cells.cell[p * SCENARIOS + s]);
    }
}

static void add_cells(struct stresses *stresses, uint32_t picture_count)
{
    for (uint32_t p = 0; p < picture_count; p++) {
        const struct picture *picture = bench_picture(stresses->bench, p > 0);

        cells_add(&stresses->searches, json_pack("{s:s}", "size", picture->name));
        for (uint32_t s = 0; s < scenario_count(stresses->bench, p); s++)
            cells_add(&stresses->cells,
                      json_pack("{s:s, s:s, s:I}", "size", picture->name, "scenario",
                                scenarios[s].name, "readers", (json_int_t)scenarios[s].readers));
    }
}

static double median(const struct cell *cell, int metric)
{
    return series_median(&cell->series[metric]);
}

static void print_table(const struct stresses *stresses)
{
    puts("7. Frame rates: the highest at which every frame arrives whole, p99 below a period\n");
    for (uint32_t i = 0; i < stresses->searches.count; i++) {
        const struct series *hz = &stresses->searches.cell[i].series[HIGHEST_HZ];

        printf("  %-6s %7.0f Hz (%5.0f - %5.0f)\n", cell_text(&stresses->searches.cell[i], "size"),
               series_median(hz), series_least(hz), series_most(hz));
    }
    puts("\n  and shares of it, drop-oldest       Hz  published delivered  p50 us  p99 us"
         " overwritten dropped deaths  stall us  late %");
    for (uint32_t i = 0; i < stresses->cells.count; i++) {
        const struct cell *cell = &stresses->cells.cell[i];

        printf("  %-6s %-20s %11.0f %10.0f %9.0f %7.0f %7.0f %11.0f %7.0f %6.0f %9.0f %7.1f\n",
               cell_text(cell, "size"), cell_text(cell, "scenario"), median(cell, HZ),
               median(cell, PUBLISHED), median(cell, DELIVERED), median(cell, P50),
               median(cell, P99), median(cell, OVERWRITTEN), median(cell, DROPPED),
               median(cell, DEATHS), series_most(&cell->series[STALL]), median(cell, LATE));
    }
    puts("  (lost, below: numbers that are missing without a cause)");
    print_wrongs(&stresses->searches);
    print_wrongs(&stresses->cells);
}

json_t *part_stress(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    const uint32_t picture_count = bench->mode == BENCH_SMOKE ? 1 : 2;
    struct stresses stresses = { .bench = bench,
                                 .searches = { .metrics = search_metrics },
                                 .cells = { .metrics = metrics } };

    add_cells(&stresses, picture_count);
    const uint32_t each_round = picture_count * (PROBES + (uint32_t)SCENARIOS);
    stresses.schedule = schedule_new(bench, bench->rounds * each_round, 0.06, 3.0);
    for (uint32_t r = 0; r < bench->rounds && schedule_allows(&stresses.schedule, each_round); r++)
        measure_round(&stresses, picture_count);
    print_table(&stresses);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "highest", cells_json(&stresses.searches));
    json_object_set_new(json, "cells", cells_json(&stresses.cells));
    cells_free(&stresses.searches);
    cells_free(&stresses.cells);
    return json;
}
