/* SPDX-License-Identifier: MIT */
/*
 * Part 1: the matrix of the benchmark that our users come from. A queue; writers copy in from one
 * of 256 buffers at random, readers copy out; node sizes, numbers of nodes, writers and readers, in
 * processes and in threads of one. MB are 2^20 bytes and the sum of written and read is reported,
 * as there. The limit beside it: two processes that copy the same bytes through the same nodes,
 * one in and one out, without ever waiting for each other.
 */
#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "clock.h"
#include "copying.h"

#define SOURCES 256

enum { WRITTEN, READ, SUM, ITEMS, CPU, RATIO };
static const char *const metrics[] = { "written_mb_s",   "read_mb_s", "sum_mb_s", "items_s",
                                       "cpu_per_1000_s", "ratio",     NULL };
static const char *const limit_metrics[] = { "sum_mb_s", NULL };

#define MAX_NODES 6

struct size_plan {
    uint32_t size;
    uint32_t nodes[MAX_NODES];
    uint32_t node_count;
};

struct plan {
    struct size_plan sizes[3];
    uint32_t size_count;
    uint32_t pairs[4][2]; /* writers, readers */
    uint32_t pair_count;
    uint32_t thread_pairs; /* how many of them also in threads */
};

#define ALL_NODES { 2, 3, 5, 10, 20, 50 }, 6
#define ALL_PAIRS { { 1, 1 }, { 2, 1 }, { 1, 2 }, { 2, 2 } }, 4

static const struct plan plans[] = {
    [BENCH_SMOKE] = { { { SIZE_KB, { 2 }, 1 }, { SIZE_MB, { 2 }, 1 } },
                      2,
                      { { 1, 1 }, { 2, 2 } },
                      2,
                      1 },
    [BENCH_QUICK] = { { { SIZE_KB, { 2, 5, 20 }, 3 },
                        { SIZE_MB, { 2, 5, 20 }, 3 },
                        { SIZE_1080P, { 2, 5 }, 2 } },
                      3,
                      ALL_PAIRS,
                      1 },
    [BENCH_FULL] = { { { SIZE_KB, ALL_NODES }, { SIZE_MB, ALL_NODES }, { SIZE_1080P, ALL_NODES } },
                     3,
                     ALL_PAIRS,
                     4 },
};

struct matrix {
    const struct bench *bench;
    const struct plan *plan;
    struct schedule schedule;
    struct work_sources sources;
    uint8_t *nodes;
    size_t nodes_room;
    struct cells cells;
    struct cells limits;
};

static uint32_t per_group(const struct plan *plan)
{
    return plan->pair_count + plan->thread_pairs;
}

/* The cells of one size and number of nodes lie together, in the order of pairs; then threads. */
static void add_cells(struct matrix *matrix, uint32_t size, uint32_t nodes)
{
    const struct plan *plan = matrix->plan;

    for (uint32_t i = 0; i < per_group(plan); i++) {
        const bool is_threads = i >= plan->pair_count;
        const uint32_t *pair = plan->pairs[is_threads ? i - plan->pair_count : i];

        cells_add(&matrix->cells,
                  json_pack("{s:I, s:I, s:I, s:I, s:s}", "size", (json_int_t)size, "nodes",
                            (json_int_t)nodes, "writers", (json_int_t)pair[0], "readers",
                            (json_int_t)pair[1], "sides", is_threads ? "threads" : "processes"));
    }
    for (int streamed = 0; streamed <= 1; streamed++)
        cells_add(&matrix->limits,
                  json_pack("{s:I, s:I, s:s}", "size", (json_int_t)size, "nodes", (json_int_t)nodes,
                            "copy", streamed ? "non-temporal" : "memcpy"));
}

/* The better of the two ways of copying, in MB/s. */
static double measure_limit(struct matrix *matrix, struct cell *pair, uint32_t size, uint32_t nodes)
{
    double best = 0;

    for (int streamed = 0; streamed <= (can_stream() ? 1 : 0) && !interrupted(); streamed++) {
        const double given_s = schedule_give(&matrix->schedule);
        const struct copying copying = { .sources = &matrix->sources,
                                         .nodes = matrix->nodes,
                                         .item_size = size,
                                         .nodes_count = nodes,
                                         .is_streamed = streamed == 1,
                                         .kinds = { COPYING_TO_NODES, COPYING_FROM_NODES },
                                         .processes = 2,
                                         .is_pinned = matrix->bench->is_pinned,
                                         .warm_s = 0.2 * given_s,
                                         .run_s = 0.8 * given_s };
        const double rate = copying_run(&copying) / SIZE_MB;

        schedule_took(&matrix->schedule);
        if (rate > 0)
            series_add(&pair[streamed].series[0], rate);
        best = fmax(best, rate);
    }
    return best;
}

static void measure(struct matrix *matrix, struct cell *cell, double limit)
{
    const bool is_threads = cell_text(cell, "sides")[0] == 't';
    const uint32_t size = (uint32_t)cell_label(cell, "size");
    struct traffic_result result;
    struct traffic traffic = {
        .transport = transport_by_name("framering"),
        .spec = { .item_size = size,
                  .slots = (uint32_t)cell_label(cell, "nodes"),
                  .writers = (uint32_t)cell_label(cell, "writers"),
                  .readers = (uint32_t)cell_label(cell, "readers"),
                  .delivery = TRANSPORT_QUEUE },
        .make = MAKE_COPY,
        .take = TAKE_COPY,
        .sides = is_threads ? SIDES_THREADS : SIDES_PROCESSES,
        .sources = &matrix->sources,
    };

    if (!bench_traffic(matrix->bench, &matrix->schedule, &traffic, cell, &result))
        return;
    const double written = result.written_s * size / SIZE_MB;
    const double read = result.read_s * size / SIZE_MB;
    series_add(&cell->series[WRITTEN], written);
    series_add(&cell->series[READ], read);
    series_add(&cell->series[SUM], written + read);
    series_add(&cell->series[ITEMS], result.written_s);
    series_add(&cell->series[CPU], result.cpu_per_1000_s);
    if (limit > 0)
        series_add(&cell->series[RATIO], (written + read) / limit);
}

/* Prepares what is needed for items of a size; false if there is no memory for it. */
static bool prepare_size(struct matrix *matrix, const struct size_plan *plan)
{
    const size_t room = (size_t)plan->size * plan->nodes[plan->node_count - 1];

    if (!work_sources_make(&matrix->sources, plan->size, SOURCES,
                           matrix->bench->most_source_mb * SIZE_MB))
        return false;
    if (room > matrix->nodes_room) {
        shared_free(matrix->nodes, matrix->nodes_room);
        matrix->nodes = shared_new(room);
        matrix->nodes_room = matrix->nodes != NULL ? room : 0;
    }
    return matrix->nodes != NULL;
}

static void measure_group(struct matrix *matrix, uint32_t group, uint32_t size, uint32_t nodes)
{
    const uint32_t count = per_group(matrix->plan);
    const double limit = measure_limit(matrix, &matrix->limits.cell[2 * group], size, nodes);

    for (uint32_t i = 0; i < count && !interrupted(); i++)
        measure(matrix, &matrix->cells.cell[group * count + i], limit);
}

static void measure_round(struct matrix *matrix)
{
    uint32_t group = 0;

    for (uint32_t s = 0; s < matrix->plan->size_count; s++) {
        const struct size_plan *plan = &matrix->plan->sizes[s];

        if (!prepare_size(matrix, plan))
            return;
        for (uint32_t n = 0; n < plan->node_count && !interrupted(); n++)
            measure_group(matrix, group + n, plan->size, plan->nodes[n]);
        group += plan->node_count;
    }
}

static void print_row(const struct matrix *matrix, uint32_t first_group, uint32_t node_count,
                      uint32_t row)
{
    const struct plan *plan = matrix->plan;
    const struct cell *cell = &matrix->cells.cell[first_group * per_group(plan) + row];

    printf("  %-9s %lld/%lld ", cell_text(cell, "sides"), (long long)cell_label(cell, "writers"),
           (long long)cell_label(cell, "readers"));
    for (uint32_t n = 0; n < node_count; n++) {
        const struct cell *at = cell + n * per_group(plan);

        printf("  %8.0f %5.1f%%", series_median(&at->series[SUM]),
               100 * series_median(&at->series[RATIO]));
    }
    puts("");
}

static void print_size(const struct matrix *matrix, const struct size_plan *plan,
                       uint32_t first_group)
{
    printf("%s nodes: MB/s written + read, and of what two processes can copy\n  nodes        ",
           size_name(plan->size));
    for (uint32_t n = 0; n < plan->node_count; n++)
        printf("  %15u", plan->nodes[n]);
    puts("");
    for (uint32_t row = 0; row < per_group(matrix->plan); row++)
        print_row(matrix, first_group, plan->node_count, row);
    for (int streamed = 0; streamed <= 1; streamed++) {
        printf("  limit %-7s", streamed ? "nt" : "memcpy");
        for (uint32_t n = 0; n < plan->node_count; n++) {
            const struct cell *at = &matrix->limits.cell[2 * (first_group + n)];

            printf("  %8.0f       ", series_median(&at[streamed].series[0]));
        }
        puts("");
    }
}

static void print_table(const struct matrix *matrix)
{
    uint32_t group = 0;

    puts("1. The matrix: a queue, copying in and out, median of the rounds\n");
    for (uint32_t s = 0; s < matrix->plan->size_count; s++) {
        print_size(matrix, &matrix->plan->sizes[s], group);
        group += matrix->plan->sizes[s].node_count;
    }
    print_wrongs(&matrix->cells);
}

static json_t *finish(struct matrix *matrix, int64_t begun_ns)
{
    json_t *json = part_json(matrix->bench, begun_ns);

    print_table(matrix);
    json_object_set_new(json, "sources_mb",
                        json_integer((json_int_t)matrix->bench->most_source_mb));
    json_object_set_new(json, "cells", cells_json(&matrix->cells));
    json_object_set_new(json, "limits", cells_json(&matrix->limits));
    return json;
}

json_t *part_matrix(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    struct matrix matrix = { .bench = bench,
                             .plan = &plans[bench->mode],
                             .cells = { .metrics = metrics },
                             .limits = { .metrics = limit_metrics } };
    const struct plan *plan = matrix.plan;

    for (uint32_t s = 0; s < plan->size_count; s++) {
        for (uint32_t n = 0; n < plan->sizes[s].node_count; n++)
            add_cells(&matrix, plan->sizes[s].size, plan->sizes[s].nodes[n]);
    }
    const uint32_t each_round = matrix.cells.count + matrix.limits.count;
    prepare_size(&matrix, &plan->sizes[plan->size_count - 1]);
    matrix.schedule = schedule_new(bench, bench->rounds * each_round, 0.02, 0.5);
    for (uint32_t r = 0; r < bench->rounds && schedule_allows(&matrix.schedule, each_round); r++)
        measure_round(&matrix);
    json_t *json = finish(&matrix, begun_ns);
    cells_free(&matrix.cells);
    cells_free(&matrix.limits);
    work_sources_free(&matrix.sources);
    shared_free(matrix.nodes, matrix.nodes_room);
    return json;
}
