/* SPDX-License-Identifier: MIT */
/*
 * What fr_frame_wait makes of slots that hold no frame, or a header that somebody made up: an error
 * or a frame that lies inside its slot, whatever the bytes are, and the next frame is read as if
 * nothing had been.
 */
#include <framering/framering.h>
#include <string.h>

#include "frames.h"
#include "layout.h"

/* The header of a good 32x16 NV12 frame, and the bytes it used. */
struct sample {
    struct fri_frame_header header;
    uint64_t used;
};

/* Also: a frame can be read as bytes. */
static struct sample take_sample(struct frame_ring *ring)
{
    const struct fr_slot *got;
    struct fr_frame *frame;
    struct sample sample;

    ck_assert_ok(fr_frame_acquire(ring->writer, 32, 16, FR_FORMAT_NV12, FR_NOWAIT, &frame));
    paint_picture(frame, 1);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_reader_acquire(ring->reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_uint_ge(got->used, 4096 + 32 * 16 * 3 / 2 + 64);
    sample.used = got->used;
    memcpy(&sample.header, got->data, sizeof sample.header);
    fr_reader_release(&got);
    return sample;
}

static void publish_bytes(struct fr_writer *writer, const void *bytes, size_t size, uint64_t used)
{
    struct fr_slot *slot;

    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    memset(slot->data, 0, 4096);
    memcpy(slot->data, bytes, size);
    slot->used = used;
    ck_assert_ok(fr_writer_publish(&slot));
}

/* What reading that header comes to. */
static int read_header(struct frame_ring *ring, const struct fri_frame_header *header,
                       uint64_t used)
{
    const struct fr_frame *got;

    publish_bytes(ring->writer, header, sizeof *header, used);
    int error = fr_frame_wait(ring->reader, FR_NEXT, FR_NOWAIT, &got);
    if (error < 0) {
        ck_assert_ptr_null(got);
        return error;
    }
    ck_assert(is_inside_slot(got));
    ck_assert_ptr_nonnull(fr_format_info(got->format));
    ck_assert(got->time_base.den > 0 && got->frame_rate.den > 0 && got->sample_aspect.den > 0);
    fr_frame_release(&got);
    return 0;
}

START_TEST(bytes_are_not_a_frame_and_the_next_frame_is_read_all_the_same)
{
    struct frame_ring ring = make_small_frame_ring();
    static const uint8_t bytes[SMALL_SLOT] = "FRAN";
    static const size_t sizes[] = { 0, 1, 4095, 4096, SMALL_SLOT };
    const struct fr_frame *got;

    for (unsigned i = 0; i < 5; i++) {
        ck_assert_ok(fr_writer_write(ring.writer, bytes, sizes[i], FR_NOWAIT));
        publish_picture(ring.writer, i);
        ck_assert_error(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got), FR_ENOTSUP);
        ck_assert_ptr_null(got);
        ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert(is_picture(got, i));
        fr_frame_release(&got);
    }
    close_frame_ring(&ring);
}
END_TEST

/* A field of the header, what somebody wrote there, and what reading must come to. */
struct tampering {
    size_t offset;
    size_t size;
    int64_t value;
    int code;
};

#define FIELD(name)                                                                                \
    offsetof(struct fri_frame_header, name), sizeof((struct fri_frame_header){ 0 }.name)

static const struct tampering tamperings[] = {
    { FIELD(magic), 0, FR_ENOTSUP },
    { FIELD(magic), FRI_FRAME_MAGIC + 1, FR_ENOTSUP },
    { FIELD(major), FRI_FRAME_MAJOR + 1, FR_ENOTSUP },
    { FIELD(major), 0, FR_ENOTSUP },
    { FIELD(minor), 999, 0 },
    { FIELD(header_size), sizeof(struct fri_frame_header) - 1, FR_ENOTSUP },
    { FIELD(header_size), 0, FR_ENOTSUP },
    { FIELD(format), 0, FR_ENOTSUP },
    { FIELD(format), 0x12345678, FR_ENOTSUP },
    { FIELD(format), FR_FORMAT_BGRA, FR_ECORRUPT }, /* it has one plane, not two */
    { FIELD(planes), 0, FR_ECORRUPT },
    { FIELD(planes), 3, FR_ECORRUPT },
    { FIELD(planes), -1, FR_ECORRUPT },
    { FIELD(width), 0, FR_ECORRUPT },
    { FIELD(width), 65, FR_ECORRUPT }, /* rows longer than the stride */
    { FIELD(width), FR_MAX_SIDE + 1, FR_ECORRUPT },
    { FIELD(width), -1, FR_ECORRUPT },
    { FIELD(height), 0, FR_ECORRUPT },
    { FIELD(height), 4096, FR_ECORRUPT },
    { FIELD(height), -1, FR_ECORRUPT },
    { FIELD(plane[0].offset), 0, FR_ECORRUPT },
    { FIELD(plane[0].offset), 4095, FR_ECORRUPT },
    { FIELD(plane[0].offset), INT64_MAX, FR_ECORRUPT },
    { FIELD(plane[0].offset), INT64_MIN, FR_ECORRUPT },
    { FIELD(plane[1].offset), -1, FR_ECORRUPT },
    { FIELD(plane[1].offset), SMALL_SLOT, FR_ECORRUPT },
    { FIELD(plane[1].offset), (int64_t)1 << 32, FR_ECORRUPT },
    { FIELD(plane[0].stride), 0, FR_ECORRUPT },
    { FIELD(plane[0].stride), 31, FR_ECORRUPT }, /* rows that overlap */
    { FIELD(plane[0].stride), -64, FR_ECORRUPT },
    { FIELD(plane[0].stride), INT32_MAX, FR_ECORRUPT },
    { FIELD(plane[1].stride), INT32_MIN, FR_ECORRUPT },
    { FIELD(time_base_num), 0, FR_ECORRUPT },
    { FIELD(time_base_den), 0, FR_ECORRUPT },
    { FIELD(time_base_den), -1, FR_ECORRUPT },
    { FIELD(frame_rate_num), -1, FR_ECORRUPT },
    { FIELD(frame_rate_den), 0, FR_ECORRUPT },
    { FIELD(sample_aspect_num), INT32_MIN, FR_ECORRUPT },
    { FIELD(sample_aspect_den), 0, FR_ECORRUPT },
    { FIELD(color_range), 3, FR_ECORRUPT },
    { FIELD(chroma_location), 255, FR_ECORRUPT },
    { FIELD(color_matrix), 255, 0 },
    { FIELD(flags), -1, 0 },
    { FIELD(pts), INT64_MAX, 0 },
    { FIELD(source_drops), -1, 0 },
};
enum { TAMPERINGS = sizeof tamperings / sizeof *tamperings };

START_TEST(each_field_of_the_header_is_checked)
{
    const struct tampering *tampering = &tamperings[_i];
    struct frame_ring ring = make_small_frame_ring();
    const struct sample good = take_sample(&ring);
    struct fri_frame_header bad = good.header;

    memcpy((uint8_t *)&bad + tampering->offset, &tampering->value, tampering->size);
    ck_assert_error(read_header(&ring, &bad, good.used), tampering->code);
    ck_assert_ok(read_header(&ring, &good.header, good.used));
    close_frame_ring(&ring);
}
END_TEST

START_TEST(a_picture_must_lie_in_what_is_used_of_the_slot)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct sample good = take_sample(&ring);

    for (uint64_t used = 4000; used < good.used; used++) {
        int code = read_header(&ring, &good.header, used);
        ck_assert(code == 0 || code == (used < 4096 ? FR_ENOTSUP : FR_ECORRUPT));
        /* 64 bytes must be readable behind the last plane. */
        ck_assert_int_eq(code == 0, used >= good.header.plane[1].offset + 64 * 7 + 32 + 64);
    }
    close_frame_ring(&ring);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One to three fields, of four or eight bytes, become noise or a number from the borders. */
static void damage(struct fri_frame_header *header, uint64_t *state)
{
    static const uint64_t borders[] = { 0,
                                        1,
                                        4095,
                                        4096,
                                        SMALL_SLOT,
                                        65535,
                                        65536,
                                        65537,
                                        INT32_MAX,
                                        UINT32_MAX,
                                        INT64_MAX,
                                        UINT64_MAX,
                                        UINT64_C(1) << 31,
                                        UINT64_C(1) << 63 };
    const uint64_t times = 1 + next_random(state) % 3;

    for (uint64_t i = 0; i < times; i++) {
        const uint64_t random = next_random(state);
        const size_t size = random & 1 ? 4 : 8;
        const size_t offset = (random >> 8) % (sizeof *header / size) * size;
        const uint64_t value = random & 2 ? next_random(state) >> (random >> 32 & 63)
                                          : borders[(random >> 16) % (sizeof borders / 8)];

        memcpy((uint8_t *)header + offset, &value, size);
    }
}

START_TEST(whatever_the_header_says_the_planes_lie_in_the_slot_or_it_is_refused)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct sample good = take_sample(&ring);
    uint64_t state = UINT64_C(0x853c49e6748fea9b) + (uint64_t)_i;
    unsigned accepted = 0;
    unsigned refused = 0;

    for (int i = 0; i < 20000; i++) {
        struct fri_frame_header bad = good.header;
        damage(&bad, &state);
        int code = read_header(&ring, &bad, next_random(&state) % 4 ? good.used : SMALL_SLOT);
        ck_assert(code == 0 || code == FR_ENOTSUP || code == FR_ECORRUPT);
        accepted += code == 0;
        refused += code < 0;
    }
    ck_assert_uint_gt(accepted, 1000); /* the damage reaches what is behind the first checks */
    ck_assert_uint_gt(refused, 1000);
    ck_assert_ok(read_header(&ring, &good.header, good.used));
    close_frame_ring(&ring);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile frames");
    TCase *tests = tcase_create("hostile frames");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bytes_are_not_a_frame_and_the_next_frame_is_read_all_the_same);
    tcase_add_loop_test(tests, each_field_of_the_header_is_checked, 0, TAMPERINGS);
    tcase_add_test(tests, a_picture_must_lie_in_what_is_used_of_the_slot);
    tcase_add_loop_test(tests, whatever_the_header_says_the_planes_lie_in_the_slot_or_it_is_refused,
                        0, 2);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
