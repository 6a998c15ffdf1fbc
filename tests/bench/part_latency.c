/* SPDX-License-Identifier: MIT */
/*
 * Part 3: how long after publishing a reader that sleeps holds the pointer. Paced, at absolute
 * deadlines; the stamp is taken just before publishing. In turns with the frames, between the same
 * two processes and at the same pace, the writer wakes the reader with a bare futex: the ratio is
 * that of the two medians. The time from when a frame was due shows what the writer's own waking up
 * adds: no omission hides behind a late writer. Nothing but the head of an item is touched, so the
 * items are small.
 */
#include <stdio.h>

#include "bench.h"
#include "clock.h"

#define SLOTS 4
#define ITEM_SIZE 65536

enum { P50, P90, P99, P999, MOST, DUE_P50, DUE_P99, BARE_P50, BARE_P99, RATIO, CPU, LATE, COUNT };
static const char *const metrics[] = {
    "p50_us",       "p90_us",     "p99_us",         "p999_us",
    "max_us",       "due_p50_us", "due_p99_us",     "futex_p50_us",
    "futex_p99_us", "ratio_p50",  "cpu_per_1000_s", "late",
    "samples",      NULL
};

struct latencies {
    const struct bench *bench;
    struct schedule schedule;
    struct cells cells;
};

static const uint32_t rates[] = { 60, 240, 1000 };
static const char *const names[] = { "framering-frames", "framering-observer" };

static void add_cells(struct latencies *latencies)
{
    static const uint32_t readers[] = { 1, 4 };
    const uint32_t reader_counts = latencies->bench->mode == BENCH_SMOKE ? 1 : 2;

    for (uint32_t rate = 0; rate < 3; rate++) {
        for (uint32_t name = 0; name < 2; name++) {
            for (uint32_t r = 0; r < reader_counts; r++)
                cells_add(&latencies->cells,
                          json_pack("{s:I, s:s, s:I}", "hz", (json_int_t)rates[rate], "transport",
                                    names[name], "readers", (json_int_t)readers[r]));
        }
    }
}

static double us(int64_t ns)
{
    return (double)ns / 1e3;
}

static void put(struct cell *cell, const struct traffic_result *result)
{
    const struct latency *published = &result->published;

    series_add(&cell->series[P50], us(published->p50));
    series_add(&cell->series[P90], us(published->p90));
    series_add(&cell->series[P99], us(published->p99));
    series_add(&cell->series[P999], us(published->p999));
    series_add(&cell->series[MOST], us(published->most));
    series_add(&cell->series[DUE_P50], us(result->due.p50));
    series_add(&cell->series[DUE_P99], us(result->due.p99));
    series_add(&cell->series[BARE_P50], us(result->bare.p50));
    series_add(&cell->series[BARE_P99], us(result->bare.p99));
    if (result->bare.p50 > 0)
        series_add(&cell->series[RATIO], (double)published->p50 / (double)result->bare.p50);
    series_add(&cell->series[CPU], result->cpu_per_1000_s);
    series_add(&cell->series[LATE], (double)result->late);
    series_add(&cell->series[COUNT], (double)published->count);
}

static void measure(struct latencies *latencies, struct cell *cell)
{
    struct traffic_result result;
    struct traffic traffic = {
        .transport = transport_by_name(cell_text(cell, "transport")),
        .spec = { .item_size = ITEM_SIZE,
                  .slots = SLOTS,
                  .writers = 1,
                  .readers = (uint32_t)cell_label(cell, "readers"),
                  .delivery = TRANSPORT_BROADCAST },
        .make = MAKE_NUMBER,
        .take = TAKE_NUMBER,
        .hz = (double)cell_label(cell, "hz"),
        .is_beside = true,
    };

    if (!bench_traffic(latencies->bench, &latencies->schedule, &traffic, cell, &result))
        return;
    if (result.published.count == 0)
        snprintf(cell->error, sizeof cell->error, "no sample in the measured time");
    else
        put(cell, &result);
}

static double median(const struct cell *cell, int metric)
{
    return series_median(&cell->series[metric]);
}

static void print_table(const struct latencies *latencies)
{
    puts("3. Latency: publish to pointer in hand, in microseconds, median of the rounds; futex: a "
         "bare\n   wake between the same processes, in turns\n");
    puts("                                    p50     p90     p99   p99.9     max   due p50"
         "  futex p50     p99   ratio  late");
    for (uint32_t i = 0; i < latencies->cells.count; i++) {
        const struct cell *cell = &latencies->cells.cell[i];

        printf("  %4lld Hz %-18s %lld  %7.1f %7.1f %7.1f %7.1f %7.1f   %7.1f    %7.1f %7.1f"
               "  %6.2f %5.0f\n",
               (long long)cell_label(cell, "hz"), cell_text(cell, "transport"),
               (long long)cell_label(cell, "readers"), median(cell, P50), median(cell, P90),
               median(cell, P99), median(cell, P999), series_most(&cell->series[MOST]),
               median(cell, DUE_P50), median(cell, BARE_P50), median(cell, BARE_P99),
               median(cell, RATIO), median(cell, LATE));
    }
    print_wrongs(&latencies->cells);
}

json_t *part_latency(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    struct latencies latencies = { .bench = bench, .cells = { .metrics = metrics } };

    add_cells(&latencies);
    latencies.schedule = schedule_new(bench, bench->rounds * latencies.cells.count, 0.15, 5.0);
    for (uint32_t r = 0;
         r < bench->rounds && schedule_allows(&latencies.schedule, latencies.cells.count); r++) {
        for (uint32_t i = 0; i < latencies.cells.count && !interrupted(); i++)
            measure(&latencies, &latencies.cells.cell[i]);
    }
    print_table(&latencies);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "cells", cells_json(&latencies.cells));
    cells_free(&latencies.cells);
    return json;
}
