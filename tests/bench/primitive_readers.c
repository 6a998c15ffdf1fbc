/* SPDX-License-Identifier: MIT */
/*
 * What publishing costs with many readers. Awake ones are handles of this process that read between
 * the measured batches. Sleeping ones are processes of their own, which the writer gives time to
 * fall asleep again before it publishes next; what is timed is the one call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "primitives.h"
#include "sides.h"

#define GROUP "readers"
#define SLOTS 8
#define BATCH 4
#define MOST_READERS 32
#define MAX_PUBLISHES 2000

static const uint32_t counts[] = { 1, 2, 4, 8, 16, 32 };
#define COUNTS (sizeof counts / sizeof counts[0])

/* Awake readers -------------------------------------------------------------------------------- */

struct audience {
    struct fr_writer *writer;
    struct fr_reader *reader[MOST_READERS];
    uint32_t count;
    struct batches batches;
};

static int publish_one(struct fr_writer *writer)
{
    struct fr_slot *slot;
    const int error = fr_writer_acquire(writer, FR_FOREVER, &slot);

    if (error < 0)
        return error;
    slot->used = 64;
    return fr_writer_publish(&slot);
}

static int read_all(struct audience *audience)
{
    for (uint32_t r = 0; r < audience->count; r++) {
        for (uint32_t i = 0; i < BATCH; i++) {
            const struct fr_slot *slot;
            const int error = fr_reader_acquire(audience->reader[r], FR_NEXT, FR_NOWAIT, &slot);

            if (error < 0)
                return error;
            fr_reader_release(&slot);
        }
    }
    return 0;
}

static int open_audience(struct audience *audience, uint32_t count)
{
    const char *name = fresh_name();
    int error = fr_writer_create(name, &fr_writer_opts(.slot_size = 4096, .slots = SLOTS),
                                 &audience->writer);

    while (error == 0 && audience->count < count) {
        error = fr_reader_open(name, NULL, FR_NOWAIT, &audience->reader[audience->count]);
        audience->count += error == 0;
    }
    return error;
}

static int run_audience(struct audience *audience, uint32_t count, double seconds)
{
    const int64_t begin_ns = clock_now_ns();
    int error = open_audience(audience, count);

    while (error == 0 && !interrupted()) {
        const int64_t at_ns = clock_now_ns();

        for (uint32_t i = 0; i < BATCH && error == 0; i++)
            error = publish_one(audience->writer);
        batches_add(&audience->batches, clock_now_ns() - at_ns);
        if (error == 0)
            error = read_all(audience);
        if (clock_now_ns() - begin_ns > clock_ns(seconds))
            break;
    }
    for (uint32_t r = 0; r < audience->count; r++)
        fr_reader_close(&audience->reader[r]);
    fr_writer_close(&audience->writer);
    return error;
}

/* The time with that many awake readers, or a negative error. */
static double measure_awake(struct primitives *primitives, uint32_t count)
{
    struct audience *audience = calloc(1, sizeof *audience);
    double ns = 0;
    char name[64];

    if (audience == NULL)
        return -1;
    snprintf(name, sizeof name, "acquire+publish, %u awake", count);
    const int error = run_audience(audience, count, primitives->slice_s);
    if (error < 0) {
        primitive_fail(primitives, GROUP, name, error);
        ns = -1;
    } else {
        ns = batches_ns(&audience->batches, BATCH);
        primitive_put(primitives, GROUP, name, "ns", ns, 0);
    }
    free(audience);
    return ns;
}

/* Sleeping readers ----------------------------------------------------------------------------- */

struct sleepers {
    char name[48];
    uint32_t readers;
    uint32_t publishes;
    int64_t ns[MAX_PUBLISHES];
};

static int publish_to_sleepers(struct side *side, struct fr_writer *writer,
                               struct sleepers *sleepers)
{
    const int64_t nap_ns = NS_PER_S / 1000 + sleepers->readers * (NS_PER_S / 5000);

    while (side_look(side) != PHASE_STOP) {
        struct fr_slot *slot;

        clock_sleep_until(clock_now_ns() + nap_ns);
        const int error = fr_writer_acquire(writer, FR_FOREVER, &slot);
        if (error < 0)
            return side_fail(side, error, "acquire");
        slot->used = 64;
        const int64_t begin_ns = clock_now_ns();
        if (fr_writer_publish(&slot) < 0)
            return side_fail(side, -EIO, "publish");
        const int64_t took_ns = clock_now_ns() - begin_ns;
        side_count(side);
        if (side->phase == PHASE_RUN && sleepers->publishes < MAX_PUBLISHES)
            sleepers->ns[sleepers->publishes++] = took_ns;
    }
    return 0;
}

static int wake_them(struct side *side, void *user)
{
    struct sleepers *sleepers = user;
    struct fr_writer *writer;
    int error = fr_writer_create(sleepers->name,
                                 &fr_writer_opts(.slot_size = 4096, .slots = SLOTS,
                                                 .overflow = FR_DROP_OLDEST),
                                 &writer);

    if (error < 0)
        return side_fail(side, error, "create");
    side_ready(side);
    error = publish_to_sleepers(side, writer, sleepers);
    fr_writer_close(&writer);
    return error;
}

static int sleep_and_read(struct side *side, void *user)
{
    struct sleepers *sleepers = user;
    struct fr_reader *reader;
    const struct fr_slot *slot;
    int error = fr_reader_open(sleepers->name, NULL, FR_S(20), &reader);

    if (error < 0)
        return side_fail(side, error, "open");
    side_ready(side);
    for (;;) {
        error = fr_reader_acquire(reader, FR_LATEST, FR_FOREVER, &slot);
        if (error < 0)
            break;
        fr_reader_release(&slot);
        side_count(side);
        side_look(side);
    }
    fr_reader_close(&reader);
    return error == FR_ECLOSED ? 0 : side_fail(side, error, "acquire");
}

static void run_sleepers(struct primitives *primitives, struct sleepers *sleepers)
{
    struct sides *sides = sides_new(SIDES_PROCESSES);
    char name[64];

    if (sides == NULL)
        return;
    snprintf(name, sizeof name, "publish, %u asleep", sleepers->readers);
    snprintf(sleepers->name, sizeof sleepers->name, "%s", fresh_name());
    sides_add(sides, wake_them, 0, -1, sleepers);
    for (uint32_t r = 0; r < sleepers->readers; r++)
        sides_add(sides, sleep_and_read, r, -1, sleepers);
    const int error = sides_run(sides, 0.01, 3 * primitives->slice_s);
    const int unused = fr_unlink(sleepers->name); /* if its writer was killed */
    (void)unused;
    if (error < 0) {
        primitive_fail(primitives, GROUP, name, error);
    } else {
        sort_ns(sleepers->ns, sleepers->publishes);
        const int64_t ns = percentile_ns(sleepers->ns, sleepers->publishes, 0.5);
        primitive_put(primitives, GROUP, name, "ns", (double)ns, 0);
    }
    sides_free(&sides);
}

static void measure_sleeping(struct primitives *primitives, uint32_t readers)
{
    struct sleepers *sleepers = shared_new(sizeof *sleepers);

    if (sleepers == NULL)
        return;
    sleepers->readers = readers;
    run_sleepers(primitives, sleepers);
    shared_free(sleepers, sizeof *sleepers);
}

void primitives_of_readers(struct primitives *primitives)
{
    const bool is_smoke = primitives->bench->mode == BENCH_SMOKE;
    double first = 0;
    double last = 0;

    for (size_t i = 0; i < COUNTS && !interrupted(); i++) {
        last = measure_awake(primitives, counts[i]);
        first = i == 0 ? last : first;
    }
    if (first > 0 && last > 0)
        primitive_put(primitives, GROUP, "growth per awake reader", "ns",
                      (last - first) / (MOST_READERS - 1), 0);
    for (size_t i = 0; i < (is_smoke ? 2 : COUNTS) && !interrupted(); i++)
        measure_sleeping(primitives, counts[i]);
}
