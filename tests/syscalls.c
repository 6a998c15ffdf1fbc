/* SPDX-License-Identifier: MIT */
/*
 * For test_syscalls.sh: a hundred thousand rounds of publishing and reading while nobody waits,
 * between two calls of getppid that stand as marks in a trace of system calls.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 20000, SLOT_SIZE = 16384 };

struct ring {
    struct fr_writer *writer;
    struct fr_reader *reader;
};

static void expect(int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "syscalls: %s: %s\n", what, fr_error_detail(code));
    exit(1);
}

static struct ring make_ring(enum fr_delivery delivery, enum fr_overflow overflow, int lossy)
{
    struct ring ring;
    char name[64];

    snprintf(name, sizeof name, "syscalls-%d-%d%d%d", (int)getpid(), (int)delivery, (int)overflow,
             lossy);
    expect(fr_writer_create(name,
                            &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = 4,
                                            .delivery = delivery, .overflow = overflow),
                            &ring.writer),
           "create");
    expect(fr_reader_open(name, &fr_reader_opts(.lossy = lossy), FR_NOWAIT, &ring.reader), "open");
    return ring;
}

static void close_ring(struct ring *ring)
{
    fr_reader_close(&ring->reader);
    fr_writer_close(&ring->writer);
}

/* Slots in turn, with a timeout that is not needed. */
static void exchange_slots(const struct ring *ring)
{
    const struct fr_slot *got;

    for (int i = 0; i < ROUNDS; i++) {
        expect(fr_writer_write(ring->writer, "item", 4, FR_FOREVER), "write");
        expect(fr_reader_acquire(ring->reader, FR_NEXT, FR_FOREVER, &got), "acquire");
        fr_reader_release(&got);
    }
}

/* The writer laps the reader again and again. */
static void lap(const struct ring *ring)
{
    const struct fr_slot *got;

    for (int i = 0; i < ROUNDS; i++) {
        expect(fr_writer_write(ring->writer, "item", 4, FR_FOREVER), "write");
        if (i % 16 != 0)
            continue;
        expect(fr_reader_acquire(ring->reader, FR_LATEST, FR_FOREVER, &got), "acquire");
        fr_reader_release(&got);
    }
}

static void exchange_frames(const struct ring *ring)
{
    const struct fr_frame *got;
    struct fr_frame *frame;

    for (int i = 0; i < ROUNDS; i++) {
        expect(fr_frame_acquire(ring->writer, 16, 16, FR_FORMAT_NV12, FR_FOREVER, &frame), "frame");
        expect(fr_frame_publish(&frame), "publish");
        expect(fr_frame_wait(ring->reader, FR_LATEST, FR_FOREVER, &got), "wait");
        fr_frame_release(&got);
    }
}

int main(void)
{
    struct ring queue = make_ring(FR_QUEUE, FR_BLOCK, 0);
    struct ring broadcast = make_ring(FR_BROADCAST, FR_BLOCK, 0);
    struct ring oldest = make_ring(FR_BROADCAST, FR_DROP_OLDEST, 0);
    struct ring lossy = make_ring(FR_BROADCAST, FR_DROP_NEWEST, 1);

    syscall(SYS_getppid);
    exchange_slots(&queue);
    exchange_slots(&broadcast);
    lap(&oldest);
    lap(&lossy);
    exchange_frames(&broadcast);
    syscall(SYS_getppid);
    close_ring(&queue);
    close_ring(&broadcast);
    close_ring(&oldest);
    close_ring(&lossy);
    return 0;
}
