/* SPDX-License-Identifier: MIT */
/*
 * Part 2: whole frames as fast as they go. Produced in the slot, or copied into it from one of 16
 * frames at random; one to four readers that look at every cache line; all of them getting each
 * frame, or sharing them. The limits beside it: what one process can fill, or copy, and another can
 * read at the same time, through the same number of buffers, when neither waits for the other.
 */
#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "clock.h"
#include "copying.h"

#define SOURCES 16

enum { SIZES = 2, LIMITS = 3 };
enum { FPS, READ_FPS, GB, CPU, SLEEPS, RATIO };
static const char *const metrics[] = { "fps",    "read_fps", "gb_s", "cpu_per_1000_s",
                                       "sleeps", "ratio",    NULL };
static const char *const limit_metrics[] = { "fps", NULL };

struct frames {
    const struct bench *bench;
    struct schedule schedule;
    struct work_sources sources;
    uint32_t sizes[SIZES];
    uint8_t *nodes;
    size_t nodes_room;
    struct cells cells;
    struct cells limits; /* of each size: produce, copy, copy past the caches */
};

static const char *const limit_names[LIMITS] = { "produce", "copy, memcpy", "copy, non-temporal" };

static const uint32_t reader_counts[] = { 1, 2, 4 };

/* Four times the bytes in half as many slots. */
static uint32_t slots_for(uint32_t size)
{
    return size >= SIZE_4K ? 4 : 8;
}

static void add_cell(struct frames *frames, uint32_t size, bool is_copy, uint32_t readers,
                     const char *delivery)
{
    cells_add(&frames->cells, json_pack("{s:I, s:s, s:I, s:s}", "size", (json_int_t)size, "make",
                                        is_copy ? "copy" : "produce", "readers",
                                        (json_int_t)readers, "delivery", delivery));
}

/* With one reader the two deliveries are the same. */
static void add_cells(struct frames *frames, uint32_t size)
{
    const bool is_full = frames->bench->mode == BENCH_FULL;

    for (int is_copy = 0; is_copy <= 1; is_copy++) {
        for (uint32_t i = 0; i < 3; i++) {
            if (reader_counts[i] == 2 && !is_full)
                continue;
            add_cell(frames, size, is_copy != 0, reader_counts[i], "broadcast");
            if (reader_counts[i] > 1)
                add_cell(frames, size, is_copy != 0, reader_counts[i], "queue");
        }
    }
    for (uint32_t i = 0; i < LIMITS; i++)
        cells_add(&frames->limits,
                  json_pack("{s:I, s:s}", "size", (json_int_t)size, "limit", limit_names[i]));
}

/* A pair of processes does one frame when each of them has done one: so the pair's rate is half of
 * the sum, as with a transport, whose writer and reader keep step. */
static void measure_limits(struct frames *frames, struct cell *limit, uint32_t size,
                           double limits[LIMITS])
{
    for (int i = 0; i < LIMITS && !interrupted(); i++) {
        const double given_s = schedule_give(&frames->schedule);
        const struct copying copying = {
            .sources = &frames->sources,
            .nodes = frames->nodes,
            .item_size = size,
            .nodes_count = slots_for(size),
            .is_streamed = i == 2,
            .kinds = { i == 0 ? COPYING_FILL : COPYING_TO_NODES, COPYING_READ },
            .processes = 2,
            .is_pinned = frames->bench->is_pinned,
            .warm_s = 0.2 * given_s,
            .run_s = 0.8 * given_s,
        };

        limits[i] = copying_run(&copying) / size / 2;
        schedule_took(&frames->schedule);
        if (limits[i] > 0)
            series_add(&limit[i].series[0], limits[i]);
    }
}

static void measure(struct frames *frames, struct cell *cell, const double limits[LIMITS])
{
    const bool is_copy = cell_text(cell, "make")[0] == 'c';
    const bool is_queue = cell_text(cell, "delivery")[0] == 'q';
    const double limit = is_copy ? fmax(limits[1], limits[2]) : limits[0];
    struct traffic_result result;
    struct traffic traffic = {
        .transport = transport_by_name("framering-frames"),
        .spec = { .item_size = (size_t)cell_label(cell, "size"),
                  .slots = slots_for((uint32_t)cell_label(cell, "size")),
                  .writers = 1,
                  .readers = (uint32_t)cell_label(cell, "readers"),
                  .delivery = is_queue ? TRANSPORT_QUEUE : TRANSPORT_BROADCAST },
        .make = is_copy ? MAKE_COPY : MAKE_PRODUCE,
        .take = TAKE_SUM,
        .sources = &frames->sources,
    };

    if (!bench_traffic(frames->bench, &frames->schedule, &traffic, cell, &result))
        return;
    series_add(&cell->series[FPS], result.written_s);
    series_add(&cell->series[READ_FPS], result.read_s);
    series_add(&cell->series[GB], result.written_s * (double)traffic.spec.item_size / 1e9);
    series_add(&cell->series[CPU], result.cpu_per_1000_s);
    series_add(&cell->series[SLEEPS], result.sleeps);
    if (limit > 0)
        series_add(&cell->series[RATIO], result.written_s / limit);
}

static bool prepare_size(struct frames *frames, uint32_t size)
{
    if (!work_sources_make(&frames->sources, size, SOURCES,
                           frames->bench->most_source_mb * SIZE_MB))
        return false;
    const size_t room = (size_t)slots_for(size) * size;
    if (room > frames->nodes_room) {
        shared_free(frames->nodes, frames->nodes_room);
        frames->nodes_room = room;
        frames->nodes = shared_new(frames->nodes_room);
    }
    return frames->nodes != NULL;
}

static void measure_round(struct frames *frames)
{
    const uint32_t per_size = frames->cells.count / SIZES;

    for (uint32_t s = 0; s < SIZES; s++) {
        const uint32_t size = frames->sizes[s];
        double limits[LIMITS] = { 0 };

        if (!prepare_size(frames, size) || interrupted())
            return;
        measure_limits(frames, &frames->limits.cell[s * LIMITS], size, limits);
        for (uint32_t i = 0; i < per_size && !interrupted(); i++)
            measure(frames, &frames->cells.cell[s * per_size + i], limits);
    }
}

static void print_table(const struct frames *frames)
{
    puts("2. Frames as fast as they go, every cache line read, median of the rounds\n");
    puts(
        "                                      fps   (min - max)        GB/s  CPU s/1000  of limit");
    for (uint32_t i = 0; i < frames->cells.count; i++) {
        const struct cell *cell = &frames->cells.cell[i];
        const struct series *fps = &cell->series[FPS];

        printf("  %-5s %-7s %lld %-9s readers %7.0f (%6.0f -%7.0f)  %7.1f %9.2f %9.2f\n",
               size_name((size_t)cell_label(cell, "size")), cell_text(cell, "make"),
               (long long)cell_label(cell, "readers"), cell_text(cell, "delivery"),
               series_median(fps), series_least(fps), series_most(fps),
               series_median(&cell->series[GB]), series_median(&cell->series[CPU]),
               series_median(&cell->series[RATIO]));
    }
    for (uint32_t i = 0; i < frames->limits.count; i++) {
        const struct cell *cell = &frames->limits.cell[i];

        printf("  %-5s limit: %-18s %8.0f\n", size_name((size_t)cell_label(cell, "size")),
               cell_text(cell, "limit"), series_median(&cell->series[0]));
    }
    print_wrongs(&frames->cells);
}

json_t *part_frames(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    struct frames frames = { .bench = bench,
                             .cells = { .metrics = metrics },
                             .limits = { .metrics = limit_metrics } };

    for (uint32_t s = 0; s < SIZES; s++) {
        frames.sizes[s] = picture_bytes(bench_picture(bench, s > 0));
        add_cells(&frames, frames.sizes[s]);
    }
    const uint32_t each_round = frames.cells.count + frames.limits.count;
    prepare_size(&frames, frames.sizes[SIZES - 1]);
    frames.schedule = schedule_new(bench, bench->rounds * each_round, 0.03, 1.0);
    for (uint32_t r = 0; r < bench->rounds && schedule_allows(&frames.schedule, each_round); r++)
        measure_round(&frames);
    print_table(&frames);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "cells", cells_json(&frames.cells));
    json_object_set_new(json, "limits", cells_json(&frames.limits));
    cells_free(&frames.cells);
    cells_free(&frames.limits);
    work_sources_free(&frames.sources);
    shared_free(frames.nodes, frames.nodes_room);
    return json;
}
