/* SPDX-License-Identifier: MIT */
/*
 * Acquiring, publishing and releasing when nobody is in the way: a writer and a reader of one
 * process take turns with half a ring at a time, so that neither ever waits. The payload is not
 * touched.
 */
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "primitives.h"

#define GROUP "uncontended"
#define SLOT_SIZE 16384
#define PICTURE_SIDE 32

struct ring_kind {
    const char *name;
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    uint32_t slots;
    bool has_frames;
    bool has_observers; /* the ring admits them */
    bool is_observed;   /* its reader is one */
};

static const struct ring_kind kinds[] = {
    { "queue, 8 slots", FR_QUEUE, FR_BLOCK, 8, false, false, false },
    { "broadcast, 8 slots", FR_BROADCAST, FR_BLOCK, 8, false, false, false },
    { "broadcast, 64 slots", FR_BROADCAST, FR_BLOCK, 64, false, false, false },
    { "drop-oldest, 8 slots", FR_BROADCAST, FR_DROP_OLDEST, 8, false, false, false },
    { "drop-oldest, 64 slots", FR_BROADCAST, FR_DROP_OLDEST, 64, false, false, false },
    { "frames, broadcast, 8 slots", FR_BROADCAST, FR_BLOCK, 8, true, false, false },
    { "frames, observers admitted, 8 slots", FR_BROADCAST, FR_BLOCK, 8, true, true, false },
    { "frames, to an observer, 8 slots", FR_BROADCAST, FR_BLOCK, 8, true, true, true },
};

struct ring {
    const struct ring_kind *kind;
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct batches publish;
    struct batches release;
};

static int open_ring(struct ring *ring)
{
    const struct ring_kind *kind = ring->kind;
    const char *name = fresh_name();
    const int error =
        fr_writer_create(name,
                         &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = kind->slots,
                                         .delivery = kind->delivery, .overflow = kind->overflow,
                                         .observers = kind->has_observers),
                         &ring->writer);

    if (error < 0)
        return error;
    return fr_reader_open(name, &fr_reader_opts(.observe = kind->is_observed), FR_NOWAIT,
                          &ring->reader);
}

static int publish_one(struct ring *ring)
{
    if (ring->kind->has_frames) {
        struct fr_frame *frame;
        const int error = fr_frame_acquire(ring->writer, PICTURE_SIDE, PICTURE_SIDE, FR_FORMAT_BGRA,
                                           FR_FOREVER, &frame);

        return error < 0 ? error : fr_frame_publish(&frame);
    }
    struct fr_slot *slot;
    const int error = fr_writer_acquire(ring->writer, FR_FOREVER, &slot);
    if (error < 0)
        return error;
    slot->used = 64;
    return fr_writer_publish(&slot);
}

static int release_one(struct ring *ring)
{
    if (ring->kind->has_frames) {
        const struct fr_frame *frame;
        const int error = fr_frame_wait(ring->reader, FR_NEXT, FR_NOWAIT, &frame);

        if (error == 0)
            fr_frame_release(&frame);
        return error;
    }
    const struct fr_slot *slot;
    const int error = fr_reader_acquire(ring->reader, FR_NEXT, FR_NOWAIT, &slot);
    if (error == 0)
        fr_reader_release(&slot);
    return error;
}

static int take_turns(struct ring *ring, uint32_t batch)
{
    int error = 0;
    const int64_t begin_ns = clock_now_ns();

    for (uint32_t i = 0; i < batch && error == 0; i++)
        error = publish_one(ring);
    const int64_t published_ns = clock_now_ns();
    for (uint32_t i = 0; i < batch && error == 0; i++)
        error = release_one(ring);
    const int64_t released_ns = clock_now_ns();
    batches_add(&ring->publish, published_ns - begin_ns);
    batches_add(&ring->release, released_ns - published_ns);
    return error;
}

static int run(struct ring *ring, double seconds)
{
    const uint32_t batch = ring->kind->slots / 2;
    const int64_t begin_ns = clock_now_ns();
    int error = open_ring(ring);

    for (uint32_t i = 0; i < 16 && error == 0; i++)
        error = take_turns(ring, batch);
    ring->publish.count = 0;
    ring->release.count = 0;
    do {
        if (error == 0)
            error = take_turns(ring, batch);
    } while (error == 0 && !interrupted() && clock_now_ns() - begin_ns < clock_ns(seconds));
    fr_reader_close(&ring->reader);
    fr_writer_close(&ring->writer);
    return error;
}

static void measure(struct primitives *primitives, const struct ring_kind *kind)
{
    struct ring *ring = calloc(1, sizeof *ring);
    char publish[80];
    char release[80];

    if (ring == NULL)
        return;
    ring->kind = kind;
    snprintf(publish, sizeof publish, "acquire+publish, %s", kind->name);
    snprintf(release, sizeof release, "acquire+release, %s", kind->name);
    const int error = run(ring, 2 * primitives->slice_s);
    if (error < 0) {
        primitive_fail(primitives, GROUP, publish, error);
    } else {
        const uint32_t batch = kind->slots / 2;

        primitive_put(primitives, GROUP, publish, "ns", batches_ns(&ring->publish, batch), 0);
        primitive_put(primitives, GROUP, release, "ns", batches_ns(&ring->release, batch), 0);
    }
    free(ring);
}

void primitives_of_rings(struct primitives *primitives)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !interrupted(); i++)
        measure(primitives, &kinds[i]);
}
