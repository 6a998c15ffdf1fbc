/* SPDX-License-Identifier: MIT */
/* The processes that corrupt.c works against: see corrupt_peers.h. */
#define _GNU_SOURCE
#include "corrupt_peers.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define LONGEST_CALL_NS FR_S(1)
#define MAX_HELD 2

static struct corrupt_world *world;
static uint64_t random_state = 1;

/* Bytes of frames go here, so that reading them is not optimized away. */
static volatile uint8_t sink;

struct corrupt_world *corrupt_world_make(void)
{
    void *memory =
        mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    world = memory == MAP_FAILED ? NULL : memory;
    return world;
}

void corrupt_complain(struct corrupt_world *to, const char *format, ...)
{
    va_list arguments;

    if (to->failures++ > 0)
        return;
    va_start(arguments, format);
    vsnprintf(to->why, sizeof to->why, format, arguments);
    va_end(arguments);
}

void corrupt_seed(uint64_t seed)
{
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

uint64_t corrupt_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

void corrupt_nap_us(int64_t us)
{
    const struct timespec nap = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

    nanosleep(&nap, NULL);
}

/* ---- Judging calls ---------------------------------------------------------------------------- */

/* A call that began at start and could wait for timeout_ns has returned; its result, for use. */
static int judge(const char *call, int64_t start, int64_t timeout_ns, int result)
{
    int64_t took = fr_now_ns() - start - timeout_ns;

    world->calls++;
    if (took > (int64_t)world->longest_ns)
        world->longest_ns = (uint64_t)took;
    if (took > LONGEST_CALL_NS)
        corrupt_complain(world, "%s took %lld ms longer than it may", call,
                         (long long)(took / 1000000));
    if (result == FR_EINVAL || strcmp(fr_errname(result), "unknown") == 0)
        corrupt_complain(world, "%s returned %d: %s", call, result, fr_error_detail(result));
    return result;
}

/* A loss that cannot be made good but by opening anew. */
static bool is_over(int result)
{
    return result < 0 && result != FR_ETIMEDOUT && result != FR_EBUSY && result != FR_ENOTSUP;
}

static int64_t some_timeout(void)
{
    return corrupt_random() % 2 ? FR_NOWAIT : (int64_t)(corrupt_random() % 5000000);
}

static void look_in(const char *name)
{
    struct fr_info info = fr_info();

    judge("fr_inspect", fr_now_ns(), 0, fr_inspect(name, &info));
}

/* ---- A writer ---------------------------------------------------------------------------------- */

struct writing {
    struct fr_writer *writer;
    struct fr_slot *held[MAX_HELD];
    unsigned count;
};

static int write_slot(struct writing *self)
{
    int64_t timeout = some_timeout();
    struct fr_slot *slot;
    int result = judge("fr_writer_acquire", fr_now_ns(), timeout,
                       fr_writer_acquire(self->writer, timeout, &slot));

    if (result < 0)
        return result;
    memset(slot->data, (int)result, slot->capacity);
    slot->used = corrupt_random() % (slot->capacity + 1);
    if (self->count < MAX_HELD && corrupt_random() % 4 == 0) {
        self->held[self->count++] = slot;
        return 0;
    }
    if (corrupt_random() % 8 == 0) {
        fr_writer_abort(&slot);
        return 0;
    }
    return judge("fr_writer_publish", fr_now_ns(), 0, fr_writer_publish(&slot));
}

static int write_frame(struct writing *self)
{
    int64_t timeout = some_timeout();
    struct fr_frame *frame;
    int result = judge("fr_frame_acquire", fr_now_ns(), timeout,
                       fr_frame_acquire(self->writer, 32, 16, FR_FORMAT_NV12, timeout, &frame));

    if (result < 0)
        return result;
    for (uint32_t y = 0; y < frame->plane[0].rows; y++)
        memset(frame->plane[0].data + y * frame->plane[0].stride, 1, frame->plane[0].row_bytes);
    return judge("fr_frame_publish", fr_now_ns(), 0, fr_frame_publish(&frame));
}

static void give_back_written(struct writing *self)
{
    while (self->count > 0) {
        struct fr_slot *slot = self->held[--self->count];

        if (corrupt_random() % 2)
            fr_writer_abort(&slot);
        else
            judge("fr_writer_publish", fr_now_ns(), 0, fr_writer_publish(&slot));
    }
}

static void reopen_writer(struct writing *self)
{
    int64_t start = fr_now_ns();

    fr_writer_close(&self->writer); /* what is held goes back afterwards, as is allowed */
    give_back_written(self);
    judge("fr_writer_close", start, 0, 0);
    if (world->stop)
        return;
    if (judge("fr_writer_open", fr_now_ns(), 0,
              fr_writer_open(world->ring, FR_NOWAIT, &self->writer)) < 0)
        corrupt_nap_us(100);
}

int corrupt_write(void)
{
    struct writing self = { 0 };

    while (!world->stop) {
        uint64_t choice = corrupt_random() % 64;
        int result = 0;

        if (!self.writer || choice == 0)
            reopen_writer(&self);
        else if (choice == 1)
            look_in(world->ring);
        else if (choice < 8)
            give_back_written(&self);
        else if (choice < 32)
            result = write_frame(&self);
        else
            result = write_slot(&self);
        if (is_over(result))
            reopen_writer(&self);
    }
    reopen_writer(&self);
    return 0;
}

/* ---- A reader ---------------------------------------------------------------------------------- */

struct reading {
    struct fr_reader *reader;
    const struct fr_slot *held[MAX_HELD];
    unsigned count;
};

static void touch(const uint8_t *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 61)
        sink = bytes[i];
    if (size > 0)
        sink = bytes[size - 1];
}

static enum fr_which some_which(void)
{
    return world->delivery == FR_BROADCAST && corrupt_random() % 2 ? FR_LATEST : FR_NEXT;
}

static int read_slot(struct reading *self)
{
    int64_t timeout = some_timeout();
    const struct fr_slot *slot;
    int result = judge("fr_reader_acquire", fr_now_ns(), timeout,
                       fr_reader_acquire(self->reader, some_which(), timeout, &slot));

    if (result < 0)
        return result;
    if (slot->used > slot->capacity)
        corrupt_complain(world, "a slot uses more than it has");
    touch(slot->data, slot->used);
    if (self->count < MAX_HELD && corrupt_random() % 4 == 0)
        self->held[self->count++] = slot;
    else
        fr_reader_release(&slot);
    return 0;
}

static int read_frame(struct reading *self)
{
    int64_t timeout = some_timeout();
    const struct fr_frame *frame;
    int result = judge("fr_frame_wait", fr_now_ns(), timeout,
                       fr_frame_wait(self->reader, some_which(), timeout, &frame));

    if (result < 0)
        return result == FR_ECORRUPT ? 0 : result;
    for (uint32_t i = 0; i < frame->planes; i++) {
        for (uint32_t y = 0; y < frame->plane[i].rows; y++)
            touch(frame->plane[i].data + (ptrdiff_t)y * frame->plane[i].stride,
                  frame->plane[i].row_bytes + (y + 1 == frame->plane[i].rows ? 64 : 0));
    }
    fr_frame_release(&frame);
    return 0;
}

static int read_copy(struct reading *self)
{
    static uint8_t copy[CORRUPT_SLOT_SIZE];
    int64_t timeout = some_timeout();
    size_t size;

    return judge("fr_reader_read", fr_now_ns(), timeout,
                 fr_reader_read(self->reader, some_which(), copy, sizeof copy, timeout, &size));
}

static void give_back_read(struct reading *self)
{
    while (self->count > 0)
        fr_reader_release(&self->held[--self->count]);
}

static void reopen_reader(struct reading *self)
{
    int64_t start = fr_now_ns();

    fr_reader_close(&self->reader);
    give_back_read(self);
    judge("fr_reader_close", start, 0, 0);
    if (world->stop)
        return;
    const struct fr_reader_opts opts =
        fr_reader_opts(.lossy = (int)(corrupt_random() % 2), .follow = (int)(corrupt_random() % 2),
                       .observe = world->observers && corrupt_random() % 2);
    if (judge("fr_reader_open", fr_now_ns(), 0,
              fr_reader_open(world->ring, &opts, FR_NOWAIT, &self->reader)) < 0)
        corrupt_nap_us(100);
}

int corrupt_read(void)
{
    struct reading self = { 0 };

    while (!world->stop) {
        uint64_t choice = corrupt_random() % 64;
        int result = 0;

        if (!self.reader || choice == 0)
            reopen_reader(&self);
        else if (choice == 1)
            look_in(world->ring);
        else if (choice < 8)
            give_back_read(&self);
        else if (choice < 16)
            result = read_copy(&self);
        else if (choice < 40)
            result = read_frame(&self);
        else
            result = read_slot(&self);
        if (is_over(result))
            reopen_reader(&self);
    }
    reopen_reader(&self);
    return 0;
}

/* ---- A locker ---------------------------------------------------------------------------------- */

static void use_region(struct fr_region *region)
{
    uint64_t value = corrupt_random();
    int64_t timeout = some_timeout();
    int result =
        judge("fr_region_lock", fr_now_ns(), timeout,
              fr_region_lock(region, corrupt_random() % 2 ? FR_SHARED : FR_EXCLUSIVE, timeout));

    judge("fr_array_set", fr_now_ns(), 0, fr_array_set(region, value % 512, 1, &value));
    judge("fr_array_get", fr_now_ns(), 0, fr_array_get(region, value % 512, 1, &value));
    touch(fr_region_data(region), fr_region_size(region));
    judge("fr_region_status", fr_now_ns(), 0, fr_region_status(region));
    if (result == 0 || result == FR_EOWNERDEAD)
        judge("fr_region_unlock", fr_now_ns(), 0, fr_region_unlock(region));
}

int corrupt_lock(void)
{
    struct fr_region *region = NULL;

    while (!world->stop) {
        uint64_t choice = corrupt_random() % 64;

        if (choice == 1)
            look_in(world->region);
        if (region && choice != 0) {
            use_region(region);
            continue;
        }
        int64_t start = fr_now_ns();
        fr_region_close(&region);
        judge("fr_region_close", start, 0, 0);
        if (judge("fr_region_open", fr_now_ns(), 0,
                  fr_region_open(world->region, FR_READ_WRITE, FR_NOWAIT, &region)) < 0)
            corrupt_nap_us(100);
    }
    fr_region_close(&region);
    return 0;
}
