/* SPDX-License-Identifier: MIT */
/*
 * Part 6: the same work by framering and by what people would otherwise use. Frames produced in the
 * transport's own memory where it lends some, or copied in, one writer, one and four readers, all
 * getting all; 1 MB and 1 KB items; frames at 240 Hz. In every round each transport does a work
 * before the next work begins; the ratio is framering's result over the best peer's of that round
 * (latency: the other way round), so that above 1 is ahead everywhere.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "clock.h"

#define SOURCES 16
#define FRAME 0 /* the size of a frame: as the mode has it */

enum { RATE, CPU, SLEEPS, P50, P99, MISSED, RATIO };
static const char *const metrics[] = { "items_s", "cpu_per_1000_s", "sleeps", "p50_us",
                                       "p99_us",  "missed",         "ratio",  NULL };

struct peer_work {
    const char *name; /* for the JSON */
    const char *title;
    uint32_t size;
    uint32_t slots;
    uint32_t readers;
    enum traffic_make make;
    enum traffic_take take;
    double hz;
    enum bench_mode from; /* left out in those that are shorter */
};

static const struct peer_work works[] = {
    { "produce", "frames produced, 1 reader: fps", FRAME, 4, 1, MAKE_PRODUCE, TAKE_SUM, 0,
      BENCH_QUICK },
    { "produce4", "frames produced, 4 readers: fps", FRAME, 4, 4, MAKE_PRODUCE, TAKE_SUM, 0,
      BENCH_SMOKE },
    { "copy", "frames copied in, 1 reader: fps", FRAME, 4, 1, MAKE_COPY, TAKE_SUM, 0, BENCH_QUICK },
    { "mb", "1 MB items copied in and out, 20 slots: items/s", SIZE_MB, 20, 1, MAKE_COPY, TAKE_COPY,
      0, BENCH_FULL },
    { "kb", "1 KB items copied in and out, 20 slots: items/s", SIZE_KB, 20, 1, MAKE_COPY, TAKE_COPY,
      0, BENCH_SMOKE },
    { "kb2", "1 KB items copied in and out, 2 slots: items/s", SIZE_KB, 2, 1, MAKE_COPY, TAKE_COPY,
      0, BENCH_FULL },
    { "kb4", "1 KB items copied in and out, 20 slots, 4 readers: items/s", SIZE_KB, 20, 4,
      MAKE_COPY, TAKE_COPY, 0, BENCH_QUICK },
    { "latency", "frames produced at 240 Hz, 1 reader: latency", FRAME, 4, 1, MAKE_PRODUCE,
      TAKE_SUM, 240, BENCH_SMOKE },
};

#define WORKS (sizeof works / sizeof works[0])

struct peers {
    const struct bench *bench;
    struct schedule schedule;
    struct work_sources sources;
    uint32_t frame_size;
    struct cells cells;
    uint32_t first[WORKS + 1]; /* the cells of each work */
};

static uint32_t item_size(const struct peers *peers, const struct peer_work *work)
{
    return work->size == FRAME ? peers->frame_size : work->size;
}

static struct traffic traffic_of(const struct peers *peers, const struct peer_work *work,
                                 const struct transport *transport)
{
    return (struct traffic){
        .transport = transport,
        .spec = { .item_size = item_size(peers, work),
                  .slots = work->slots,
                  .writers = 1,
                  .readers = work->readers,
                  .delivery = TRANSPORT_BROADCAST },
        .make = work->make,
        .take = work->take,
        .hz = work->hz,
        .sources = &peers->sources,
    };
}

/* Whether a list of names with commas has this one; no list has all. */
static bool is_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);

    if (list == NULL)
        return true;
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        const bool begins = at == list || at[-1] == ',';

        if (begins && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

static bool is_ours(const char *name)
{
    return strncmp(name, "framering", strlen("framering")) == 0;
}

static bool is_peer(const char *name)
{
    return !is_ours(name) && !(transport_by_name(name)->can & TRANSPORT_REFERENCE);
}

/* Frames are for frames; small items go in slots. */
static bool is_sensible(const struct peers *peers, const struct peer_work *work,
                        const struct transport *transport)
{
    const struct traffic traffic = traffic_of(peers, work, transport);
    const bool is_frame = work->size == FRAME;

    if (peers->bench->mode < work->from)
        return false;
    if (!is_listed(peers->bench->only, transport->name) || traffic_misfit(&traffic) != NULL)
        return false;
    if (is_ours(transport->name) && is_frame != (strcmp(transport->name, "framering") != 0))
        return false;
    return true;
}

static void add_cells(struct peers *peers)
{
    for (uint32_t w = 0; w < WORKS; w++) {
        peers->first[w] = peers->cells.count;
        for (uint32_t t = 0; bench_transports[t] != NULL; t++) {
            if (is_sensible(peers, &works[w], bench_transports[t]))
                cells_add(&peers->cells, json_pack("{s:s, s:s}", "work", works[w].name, "transport",
                                                   bench_transports[t]->name));
        }
    }
    peers->first[WORKS] = peers->cells.count;
}

static void measure(struct peers *peers, const struct peer_work *work, struct cell *cell)
{
    const struct transport *transport = transport_by_name(cell_text(cell, "transport"));
    struct traffic traffic = traffic_of(peers, work, transport);
    struct traffic_result result;

    if (cell->error[0] != '\0') /* what failed once may take its patience each time */
        return;
    if (!bench_traffic(peers->bench, &peers->schedule, &traffic, cell, &result))
        return;
    series_add(&cell->series[RATE], result.written_s);
    series_add(&cell->series[CPU], result.cpu_per_1000_s);
    series_add(&cell->series[SLEEPS], result.sleeps);
    series_add(&cell->series[MISSED], (double)result.missed);
    if (work->hz <= 0 || result.published.count == 0)
        return;
    series_add(&cell->series[P50], (double)result.published.p50 / 1e3);
    series_add(&cell->series[P99], (double)result.published.p99 / 1e3);
}

static double last(const struct series *series)
{
    return series->count > 0 ? series->value[series->count - 1] : 0;
}

/* Of this round: each of ours over the best of the others, that does not lose what it is given. */
static void compare(struct peers *peers, uint32_t w)
{
    const bool is_paced = works[w].hz > 0;
    double best = 0;

    for (uint32_t i = peers->first[w]; i < peers->first[w + 1]; i++) {
        const struct cell *cell = &peers->cells.cell[i];
        const double value = last(&cell->series[is_paced ? P50 : RATE]);

        if (!is_peer(cell_text(cell, "transport")) || value <= 0)
            continue;
        best = best <= 0 ? value : is_paced ? fmin(best, value) : fmax(best, value);
    }
    for (uint32_t i = peers->first[w]; i < peers->first[w + 1]; i++) {
        struct cell *cell = &peers->cells.cell[i];
        const double value = last(&cell->series[is_paced ? P50 : RATE]);

        if (is_ours(cell_text(cell, "transport")) && best > 0 && value > 0)
            series_add(&cell->series[RATIO], is_paced ? best / value : value / best);
    }
}

static void measure_round(struct peers *peers)
{
    for (uint32_t w = 0; w < WORKS && !interrupted(); w++) {
        if (works[w].make == MAKE_COPY) {
            const uint32_t wanted = works[w].size == FRAME ? SOURCES : 256;

            if (!work_sources_make(&peers->sources, item_size(peers, &works[w]), wanted,
                                   peers->bench->most_source_mb * SIZE_MB))
                return;
        }
        for (uint32_t i = peers->first[w]; i < peers->first[w + 1] && !interrupted(); i++)
            measure(peers, &works[w], &peers->cells.cell[i]);
        compare(peers, w);
    }
}

static void print_row(const struct cell *cell, bool is_paced)
{
    const struct transport *transport = transport_by_name(cell_text(cell, "transport"));
    const struct series *rate = &cell->series[RATE];

    printf("  %-46s", transport->title);
    if (is_paced)
        printf(" p50 %8.1f us   p99 %8.1f us    ", series_median(&cell->series[P50]),
               series_median(&cell->series[P99]));
    else
        printf(" %9.0f (%9.0f -%9.0f)", series_median(rate), series_least(rate), series_most(rate));
    printf(" CPU %8.4f s/1000", series_median(&cell->series[CPU]));
    if (cell->series[RATIO].count > 0)
        printf("  %5.2f x the best peer", series_median(&cell->series[RATIO]));
    if (series_most(&cell->series[MISSED]) > 0)
        printf("  (readers missed %.0f)", series_median(&cell->series[MISSED]));
    puts("");
}

static void print_table(const struct peers *peers)
{
    printf("6. Peers on the same work, median of the rounds (min - max); frames are %s\n\n",
           bench_picture(peers->bench, false)->name);
    for (uint32_t w = 0; w < WORKS; w++) {
        if (peers->first[w] < peers->first[w + 1])
            puts(works[w].title);
        for (uint32_t i = peers->first[w]; i < peers->first[w + 1]; i++)
            print_row(&peers->cells.cell[i], works[w].hz > 0);
    }
    for (uint32_t i = 0; bench_missing[i].name != NULL; i++)
        printf("  skipped: %s is not installed (apt-get install %s, then build again)\n",
               bench_missing[i].name, bench_missing[i].package);
    print_wrongs(&peers->cells);
}

static json_t *transports_json(void)
{
    json_t *array = json_array();

    for (uint32_t i = 0; bench_transports[i] != NULL; i++) {
        const struct transport *transport = bench_transports[i];
        const char *version = transport->version != NULL ? transport->version() : NULL;

        json_array_append_new(array, json_pack("{s:s, s:s, s:s?}", "name", transport->name, "title",
                                               transport->title, "version", version));
    }
    return array;
}

static json_t *missing_json(void)
{
    json_t *array = json_array();

    for (uint32_t i = 0; bench_missing[i].name != NULL; i++)
        json_array_append_new(array, json_pack("{s:s, s:s}", "name", bench_missing[i].name,
                                               "package", bench_missing[i].package));
    return array;
}

json_t *part_peers(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    struct peers peers = { .bench = bench,
                           .frame_size = picture_bytes(bench_picture(bench, false)),
                           .cells = { .metrics = metrics } };

    add_cells(&peers);
    peers.schedule = schedule_new(bench, bench->rounds * peers.cells.count, 0.03, 1.0);
    for (uint32_t r = 0; r < bench->rounds && schedule_allows(&peers.schedule, peers.cells.count);
         r++)
        measure_round(&peers);
    print_table(&peers);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "transports", transports_json());
    json_object_set_new(json, "missing", missing_json());
    json_object_set_new(json, "cells", cells_json(&peers.cells));
    cells_free(&peers.cells);
    work_sources_free(&peers.sources);
    return json;
}
