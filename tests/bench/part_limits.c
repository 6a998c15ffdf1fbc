/* SPDX-License-Identifier: MIT */
/*
 * Part 5: what this machine can do at all. Bandwidth of copies, reads and fills over working sets
 * like those of the other parts, by one process and by two at once; waking another process, by a
 * futex and by spinning; a system call; reading the clock.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "clock.h"
#include "copying.h"
#include "wakes.h"

enum { VALUE };
static const char *const metrics[] = { "value", NULL };

#define FRAME 0

struct bandwidth {
    const char *name;
    enum copying_kind kind;
    uint32_t size; /* FRAME: as the mode has it */
    uint32_t sources;
    uint32_t nodes;
    bool is_streamed;
};

/* The last two in full runs only. */
static const struct bandwidth bandwidths[] = {
    { "memcpy, frames 16 to 16", COPYING_TO_NODES, FRAME, 16, 16, false },
    { "non-temporal, frames 16 to 16", COPYING_TO_NODES, FRAME, 16, 16, true },
    { "memcpy, 1 MB, 256 to 20", COPYING_TO_NODES, SIZE_MB, 256, 20, false },
    { "non-temporal, 1 MB, 256 to 20", COPYING_TO_NODES, SIZE_MB, 256, 20, true },
    { "memcpy, 1 KB, 256 to 20", COPYING_TO_NODES, SIZE_KB, 256, 20, false },
    { "fill, 16 frames", COPYING_FILL, FRAME, 0, 16, false },
    { "fill, 2 frames", COPYING_FILL, FRAME, 0, 2, false },
    { "read, 16 frames", COPYING_READ, FRAME, 0, 16, false },
    { "read, 2 frames", COPYING_READ, FRAME, 0, 2, false },
    { "memcpy, frames 16 to 4", COPYING_TO_NODES, FRAME, 16, 4, false },
    { "non-temporal, frames 16 to 4", COPYING_TO_NODES, FRAME, 16, 4, true },
};

#define BANDWIDTHS (sizeof bandwidths / sizeof bandwidths[0])
#define MOST_NODES 20 /* of 1 MB; 16 of a frame */

/* Each measures once, for about so many seconds, and gives nanoseconds. */
struct timing {
    const char *name;
    double (*measure)(double seconds);
};

#define CALLS 2000

static double time_system_call(double seconds)
{
    const int64_t begin_ns = clock_now_ns();

    (void)seconds;
    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
    return (double)(clock_now_ns() - begin_ns) / CALLS;
}

static double time_idle_wake(double seconds)
{
    static _Atomic uint32_t word;
    const int64_t begin_ns = clock_now_ns();

    (void)seconds;
    for (int i = 0; i < CALLS; i++)
        word_wake(&word, 1);
    return (double)(clock_now_ns() - begin_ns) / CALLS;
}

static double time_clock(double seconds)
{
    const int64_t begin_ns = clock_now_ns();

    (void)seconds;
    for (int i = 0; i < CALLS; i++)
        clock_now_ns();
    return (double)(clock_now_ns() - begin_ns) / CALLS;
}

static double time_futex_far(double seconds)
{
    return wakes_one_way_ns(WAKE_FUTEX, false, seconds);
}

static double time_futex_near(double seconds)
{
    return wakes_one_way_ns(WAKE_FUTEX, true, seconds);
}

static double time_spin(double seconds)
{
    return wakes_one_way_ns(WAKE_SPIN, false, seconds);
}

static double time_eventfd(double seconds)
{
    return wakes_one_way_ns(WAKE_EVENTFD, false, seconds);
}

static const struct timing timings[] = {
    { "futex, one way, another CPU", time_futex_far },
    { "futex, one way, the same CPU", time_futex_near },
    { "eventfd, one way, another CPU", time_eventfd },
    { "spinning, one way, another CPU", time_spin },
    { "system call", time_system_call },
    { "FUTEX_WAKE with nobody waiting", time_idle_wake },
    { "clock_gettime", time_clock },
};

#define TIMINGS (sizeof timings / sizeof timings[0])

struct limits {
    const struct bench *bench;
    struct schedule schedule;
    struct work_sources sources;
    uint8_t *nodes;
    size_t nodes_room;
    uint32_t frame_size;
    uint32_t bandwidth_count;
    struct cells bandwidth; /* of each: one process, two at once */
    struct cells timing;
};

static void measure_bandwidth(struct limits *limits, const struct bandwidth *what,
                              uint32_t processes, struct cell *cell)
{
    const double given_s = schedule_give(&limits->schedule);
    const uint32_t size = what->size == FRAME ? limits->frame_size : what->size;
    const struct copying copying = {
        .sources = &limits->sources,
        .nodes = limits->nodes,
        .item_size = size,
        .nodes_count = what->nodes,
        .is_streamed = what->is_streamed,
        .kinds = { what->kind, what->kind },
        .processes = processes,
        .is_pinned = limits->bench->is_pinned,
        .warm_s = 0.2 * given_s,
        .run_s = 0.8 * given_s,
    };

    if (what->sources > 0 && !work_sources_make(&limits->sources, size, what->sources,
                                                limits->bench->most_source_mb * SIZE_MB))
        return;
    const double rate = copying_run(&copying);
    if (rate > 0)
        series_add(&cell->series[VALUE], rate / 1e9);
    schedule_took(&limits->schedule);
}

static void measure_round(struct limits *limits)
{
    for (uint32_t i = 0; i < limits->bandwidth.count && !interrupted(); i++)
        measure_bandwidth(limits, &bandwidths[i / 2], 1 + i % 2, &limits->bandwidth.cell[i]);
    for (uint32_t i = 0; i < TIMINGS && !interrupted(); i++) {
        const double ns = timings[i].measure(schedule_give(&limits->schedule));

        schedule_took(&limits->schedule);
        if (ns > 0)
            series_add(&limits->timing.cell[i].series[VALUE], ns);
    }
}

static void print_table(const struct limits *limits)
{
    puts("5. The limits of this machine, median of the rounds (min - max)\n");
    puts("  GB/s                                  one process               two at once");
    for (uint32_t i = 0; i < limits->bandwidth_count; i++) {
        printf("  %-32s", bandwidths[i].name);
        for (uint32_t two = 0; two <= 1; two++) {
            const struct series *series = &limits->bandwidth.cell[2 * i + two].series[VALUE];

            printf("  %6.1f (%6.1f -%6.1f)", series_median(series), series_least(series),
                   series_most(series));
        }
        puts("");
    }
    puts("  ns");
    for (uint32_t i = 0; i < TIMINGS; i++) {
        const struct series *series = &limits->timing.cell[i].series[VALUE];

        printf("  %-32s  %8.1f (%8.1f -%8.1f)\n", timings[i].name, series_median(series),
               series_least(series), series_most(series));
    }
    puts("");
}

static void add_cells(struct limits *limits)
{
    for (uint32_t i = 0; i < limits->bandwidth_count; i++) {
        for (int processes = 1; processes <= 2; processes++)
            cells_add(&limits->bandwidth, json_pack("{s:s, s:i, s:s}", "limit", bandwidths[i].name,
                                                    "processes", processes, "unit", "GB/s"));
    }
    for (uint32_t i = 0; i < TIMINGS; i++)
        cells_add(&limits->timing, json_pack("{s:s, s:s}", "limit", timings[i].name, "unit", "ns"));
}

json_t *part_limits(const struct bench *bench)
{
    const int64_t begun_ns = clock_now_ns();
    const uint32_t frame_size = picture_bytes(bench_picture(bench, false));
    const size_t room = (size_t)MOST_NODES * (frame_size > SIZE_MB ? frame_size : SIZE_MB);
    struct limits limits = { .bench = bench,
                             .frame_size = frame_size,
                             .bandwidth_count = BANDWIDTHS - (bench->mode == BENCH_FULL ? 0 : 2),
                             .nodes = shared_new(room),
                             .nodes_room = room,
                             .bandwidth = { .metrics = metrics },
                             .timing = { .metrics = metrics } };

    add_cells(&limits);
    const uint32_t each_round = limits.bandwidth.count + limits.timing.count;
    if (limits.nodes != NULL &&
        work_sources_make(&limits.sources, frame_size, 16, bench->most_source_mb * SIZE_MB)) {
        limits.schedule = schedule_new(bench, bench->rounds * each_round, 0.01, 0.5);
        for (uint32_t r = 0; r < bench->rounds && schedule_allows(&limits.schedule, each_round);
             r++)
            measure_round(&limits);
    }
    print_table(&limits);
    json_t *json = part_json(bench, begun_ns);
    json_object_set_new(json, "streaming_stores", json_boolean(can_stream()));
    json_object_set_new(json, "bandwidth", cells_json(&limits.bandwidth));
    json_object_set_new(json, "timing", cells_json(&limits.timing));
    cells_free(&limits.bandwidth);
    cells_free(&limits.timing);
    work_sources_free(&limits.sources);
    shared_free(limits.nodes, limits.nodes_room);
    return json;
}
