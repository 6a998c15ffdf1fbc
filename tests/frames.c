/* SPDX-License-Identifier: MIT */
/* What the tests of frames share: see frames.h. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "ring.h"

struct frame_ring make_frame_ring(uint32_t slots, uint64_t slot_size)
{
    struct frame_ring ring;

    strcpy(ring.name, fr_test_name());
    ck_assert_ok(fr_writer_create(ring.name,
                                  &fr_writer_opts(.slot_size = slot_size, .slots = slots),
                                  &ring.writer));
    ring.reader = open_reader(ring.name);
    return ring;
}

struct frame_ring make_small_frame_ring(void)
{
    return make_frame_ring(4, SMALL_SLOT);
}

void close_frame_ring(struct frame_ring *ring)
{
    fr_reader_close(&ring->reader);
    fr_writer_close(&ring->writer);
}

static uint8_t pixel_byte(uint32_t number, uint32_t plane, uint32_t y, uint32_t x)
{
    uint32_t value = number * 2654435761u + plane * 40503u + y * 69069u + x * 1664525u;

    return (uint8_t)(value >> 13);
}

/* The user's own planes: a stride of their own, every other one bottom-up, guarded at both ends. */
struct own_plane {
    uint8_t *memory;
    size_t size;
    uint8_t *top;
    ptrdiff_t stride;
};

enum { GUARD = 16 };

static struct own_plane make_own(const struct fr_plane *plane, uint32_t index)
{
    const size_t stride = plane->row_bytes + 5 + index;
    struct own_plane own = { .size = stride * plane->rows + 2 * GUARD };

    own.memory = malloc(own.size);
    ck_assert_ptr_nonnull(own.memory);
    memset(own.memory, 0xee, own.size);
    own.stride = index % 2 ? (ptrdiff_t)stride : -(ptrdiff_t)stride;
    own.top = own.memory + GUARD + (index % 2 ? 0 : stride * (plane->rows - 1));
    return own;
}

static bool is_guard_whole(const struct own_plane *own)
{
    for (size_t i = 0; i < GUARD; i++) {
        if (own->memory[i] != 0xee || own->memory[own->size - 1 - i] != 0xee)
            return false;
    }
    return true;
}

void paint_picture(struct fr_frame *frame, uint32_t number)
{
    struct own_plane own[FR_MAX_PLANES] = { 0 };
    const void *data[FR_MAX_PLANES] = { 0 };
    ptrdiff_t stride[FR_MAX_PLANES] = { 0 };

    for (uint32_t i = 0; i < frame->planes; i++) {
        own[i] = make_own(&frame->plane[i], i);
        data[i] = own[i].top;
        stride[i] = own[i].stride;
        for (uint32_t y = 0; y < frame->plane[i].rows; y++) {
            for (uint32_t x = 0; x < frame->plane[i].row_bytes; x++)
                own[i].top[(ptrdiff_t)y * own[i].stride + x] = pixel_byte(number, i, y, x);
        }
    }
    fr_frame_write(frame, data, stride);
    for (uint32_t i = 0; i < frame->planes; i++)
        free(own[i].memory);
}

static bool is_plane(const struct fr_plane *plane, const uint8_t *top, ptrdiff_t stride,
                     uint32_t number, uint32_t index)
{
    for (uint32_t y = 0; y < plane->rows; y++) {
        for (uint32_t x = 0; x < plane->row_bytes; x++) {
            if (top[(ptrdiff_t)y * stride + x] != pixel_byte(number, index, y, x))
                return false;
        }
    }
    return true;
}

bool is_picture(const struct fr_frame *frame, uint32_t number)
{
    struct own_plane own[FR_MAX_PLANES] = { 0 };
    void *data[FR_MAX_PLANES] = { 0 };
    ptrdiff_t stride[FR_MAX_PLANES] = { 0 };
    bool same = true;

    for (uint32_t i = 0; i < frame->planes; i++) {
        own[i] = make_own(&frame->plane[i], i);
        data[i] = own[i].top;
        stride[i] = own[i].stride;
    }
    fr_frame_read(frame, data, stride);
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];

        same = same && is_guard_whole(&own[i]) &&
               is_plane(plane, own[i].top, own[i].stride, number, i) &&
               is_plane(plane, plane->data, plane->stride, number, i);
        free(own[i].memory);
    }
    return same;
}

void publish_picture(struct fr_writer *writer, uint32_t number)
{
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    paint_picture(frame, number);
    ck_assert_ok(fr_frame_publish(&frame));
}

bool is_inside_slot(const struct fr_frame *frame)
{
    const struct fri_loan *loan = fri_loan_of_frame(frame);
    const uint8_t *begin = (const uint8_t *)loan->slot.data + 4096;
    const uint8_t *end = (const uint8_t *)loan->slot.data + loan->seat->slot_size;

    if (frame->planes < 1 || frame->planes > FR_MAX_PLANES)
        return false;
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        const uint8_t *bottom = plane->data + plane->stride * (ptrdiff_t)(plane->rows - 1);

        if (plane->data < begin || bottom < begin || plane->data + plane->row_bytes + 64 > end ||
            bottom + plane->row_bytes + 64 > end)
            return false;
    }
    return true;
}
