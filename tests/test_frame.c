/* SPDX-License-Identifier: MIT */
/*
 * Frames: that every format and shape arrives bit by bit, that what the header promises about
 * defaults, fields, planes and loans holds, and that a picture outside its slot is refused. What
 * hostile headers do is in test_frame_hostile.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <framering/framering.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frames.h"

static const uint32_t sizes[][2] = { { 1, 1 },   { 2, 2 },   { 3, 5 },  { 16, 16 },
                                     { 33, 17 }, { 641, 3 }, { 7, 200 } };
enum { SIZES = sizeof sizes / sizeof *sizes };

#define FORMAT_ONE(name, fourcc, ffmpeg) +1
enum { FORMATS = 0 FR_FORMATS(FORMAT_ONE) };

START_TEST(every_format_of_every_size_arrives_bit_by_bit)
{
    const enum fr_format format = fr_format_at((size_t)_i)->format;
    struct frame_ring ring = make_frame_ring(2, fr_frame_size(700, 300, FR_FORMAT_RGBA64));
    const struct fr_frame *got;
    struct fr_frame *frame;

    for (unsigned i = 0; i < SIZES; i++) {
        ck_assert_ok(fr_frame_acquire(ring.writer, sizes[i][0], sizes[i][1], format, 0, &frame));
        paint_picture(frame, i + 1);
        ck_assert_ok(fr_frame_publish(&frame));
        ck_assert_ptr_null(frame);
        ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert_uint_eq(got->format, format);
        ck_assert_uint_eq(got->width, sizes[i][0]);
        ck_assert_uint_eq(got->height, sizes[i][1]);
        ck_assert_uint_eq(got->sequence, i + 1);
        ck_assert(is_picture(got, i + 1));
        ck_assert(is_inside_slot(got));
        fr_frame_release(&got);
        ck_assert_ptr_null(got);
    }
    close_frame_ring(&ring);
}
END_TEST

START_TEST(a_ring_made_for_one_picture_takes_exactly_that_picture)
{
    const enum fr_format format = fr_format_at((size_t)_i)->format;
    struct frame_ring ring = make_frame_ring(2, fr_frame_size(641, 37, format));
    const struct fr_frame *got;
    struct fr_frame *frame;
    unsigned sum = 0;

    ck_assert_ok(fr_frame_acquire(ring.writer, 641, 37, format, FR_NOWAIT, &frame));
    ck_assert_uint_eq((uintptr_t)frame->plane[0].data % 4096, 0);
    for (uint32_t i = 0; i < frame->planes; i++)
        ck_assert_int_eq(frame->plane[i].stride % 64, 0);
    paint_picture(frame, 5);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    for (uint32_t i = 0; i < got->planes; i++) {
        const struct fr_plane *plane = &got->plane[i];
        const uint8_t *end =
            plane->data + plane->stride * (ptrdiff_t)(plane->rows - 1) + plane->row_bytes;
        for (int behind = 0; behind < 64; behind++)
            sum += end[behind];
    }
    ck_assert_uint_lt(sum, UINT32_MAX); /* 64 bytes behind the last row may be read */
    ck_assert(is_picture(got, 5));
    fr_frame_release(&got);
    ck_assert_error(fr_frame_acquire(ring.writer, 641, 39, format, FR_NOWAIT, &frame), FR_EMSGSIZE);
    ck_assert_ptr_null(frame);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EMSGSIZE), "641x39"));
    close_frame_ring(&ring);
}
END_TEST

START_TEST(size_and_format_may_change_from_frame_to_frame)
{
    struct frame_ring ring = make_frame_ring(3, fr_frame_size(200, 200, FR_FORMAT_RGBA64));
    const struct fr_frame *got;
    struct fr_frame *frame;

    for (uint32_t i = 0; i < 200; i++) {
        const enum fr_format format = fr_format_at(i * 7 % FORMATS)->format;
        ck_assert_ok(fr_frame_acquire(ring.writer, 1 + i * 37 % 200, 1 + i * 91 % 200, format,
                                      FR_NOWAIT, &frame));
        paint_picture(frame, i);
        ck_assert_ok(fr_frame_publish(&frame));
        ck_assert_ok(fr_frame_wait(ring.reader, i % 2 ? FR_LATEST : FR_NEXT, FR_NOWAIT, &got));
        ck_assert_uint_eq(got->width, 1 + i * 37 % 200);
        ck_assert(is_picture(got, i));
        fr_frame_release(&got);
    }
    close_frame_ring(&ring);
}
END_TEST

START_TEST(what_is_not_set_has_its_default)
{
    struct frame_ring ring = make_small_frame_ring();
    const int64_t before = fr_now_ns();
    const struct fr_frame *got;
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring.writer, 16, 8, FR_FORMAT_NV12, FR_NOWAIT, &frame));
    ck_assert_uint_eq(frame->sequence, 0);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_int_eq(got->pts, FR_NO_PTS);
    ck_assert_int_eq(got->duration, 0);
    ck_assert(got->time_base.num == 1 && got->time_base.den == 1000000000);
    ck_assert(got->frame_rate.num == 0 && got->frame_rate.den == 1);
    ck_assert(got->sample_aspect.num == 0 && got->sample_aspect.den == 1);
    ck_assert(got->color.range == 0 && got->color.primaries == 2 && got->color.transfer == 2);
    ck_assert(got->color.matrix == 2 && got->color.chroma_location == 0);
    ck_assert_uint_eq(got->flags + got->source_number + got->source_drops, 0);
    ck_assert_int_le(before, got->capture_ns);
    ck_assert_int_le(got->capture_ns, got->publish_ns);
    ck_assert_int_le(got->publish_ns, fr_now_ns());
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(every_field_survives_the_way)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring.writer, 16, 8, FR_FORMAT_P010, FR_NOWAIT, &frame));
    frame->pts = INT64_C(-123456789012);
    frame->duration = INT64_C(3003000000000);
    frame->time_base = (struct fr_rational){ 1001, 60000 };
    frame->frame_rate = (struct fr_rational){ 60000, 1001 };
    frame->sample_aspect = (struct fr_rational){ INT32_MAX, INT32_MAX - 1 };
    frame->capture_ns = 77;
    frame->color = (struct fr_color){ 2, 9, 16, 10, 6 };
    frame->flags = FR_FRAME_REPEAT | FR_FRAME_CORRUPT | FR_FRAME_KEY | UINT32_C(1) << 31;
    frame->source_number = UINT64_MAX;
    frame->source_drops = UINT64_MAX - 1;
    const struct fr_frame sent = *frame;
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_int_eq(got->pts, sent.pts);
    ck_assert_int_eq(got->duration, sent.duration);
    ck_assert_mem_eq(&got->time_base, &sent.time_base, sizeof sent.time_base);
    ck_assert_mem_eq(&got->frame_rate, &sent.frame_rate, sizeof sent.frame_rate);
    ck_assert_mem_eq(&got->sample_aspect, &sent.sample_aspect, sizeof sent.sample_aspect);
    ck_assert_mem_eq(&got->color, &sent.color, sizeof sent.color);
    ck_assert_int_eq(got->capture_ns, 77);
    ck_assert_uint_eq(got->flags, sent.flags);
    ck_assert_uint_eq(got->source_number, sent.source_number);
    ck_assert_uint_eq(got->source_drops, sent.source_drops);
    ck_assert_uint_eq(got->session, sent.session);
    ck_assert_uint_ne(got->session, 0);
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

/* Ways to store a picture of 33x9 BGRX that a capturing program might have. */
static void move_planes(struct fr_frame *frame, int how)
{
    struct fr_plane *plane = &frame->plane[0];

    switch (how) {
    case 0: /* bottom-up */
        plane->data += plane->stride * (ptrdiff_t)(plane->rows - 1);
        plane->stride = -plane->stride;
        break;
    case 1: /* packed */
        plane->stride = (ptrdiff_t)plane->row_bytes;
        break;
    case 2: /* packed, bottom-up, from an odd address on */
        plane->data += 1 + (ptrdiff_t)(plane->row_bytes * (plane->rows - 1));
        plane->stride = -(ptrdiff_t)plane->row_bytes;
        break;
    default: /* a wide stride */
        plane->stride *= 3;
    }
}

START_TEST(planes_may_lie_in_the_slot_as_one_likes)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring.writer, 33, 9, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    move_planes(frame, _i);
    const ptrdiff_t stride = frame->plane[0].stride;
    paint_picture(frame, 3);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_int_eq(got->plane[0].stride, stride);
    ck_assert(is_picture(got, 3));
    ck_assert(is_inside_slot(got));
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

/* Ways to get it wrong; each leaves the frame such that publishing must fail. */
static void spoil_plane(struct fr_plane *plane, uint8_t *slot, int how)
{
    switch (how) {
    case 0:
        plane->data = slot;
        break;
    case 1:
        plane->data = slot + 4095;
        break;
    case 2:
        plane->data += SMALL_SLOT;
        break;
    case 3:
        plane->data = slot + SMALL_SLOT - 63 - plane->stride * (ptrdiff_t)plane->rows;
        plane->data += plane->stride - (ptrdiff_t)plane->row_bytes;
        break;
    case 4:
        plane->data = NULL;
        break;
    case 5:
        plane->stride = (ptrdiff_t)plane->row_bytes - 1;
        break;
    case 6:
        plane->stride = 0;
        break;
    case 7:
        plane->stride = PTRDIFF_MIN;
        break;
    case 8:
        plane->stride = (ptrdiff_t)INT32_MAX + 1;
        break;
    case 9:
        plane->stride = -plane->stride * 1000;
        break;
    case 10:
        plane->rows++;
        break;
    default:
        plane->row_bytes = 0;
    }
}

static void spoil_values(struct fr_frame *frame, int how)
{
    switch (how) {
    case 12:
        frame->planes = 1;
        break;
    case 13:
        frame->width = 0;
        break;
    case 14:
        frame->format = FR_FORMAT_NONE;
        break;
    case 15:
        frame->time_base.num = 0;
        break;
    case 16:
        frame->frame_rate.den = 0;
        break;
    case 17:
        frame->sample_aspect.num = -1;
        break;
    case 18:
        frame->color.range = 3;
        break;
    case 19:
        frame->height = 0;
        break;
    case 20:
        frame->width = FR_MAX_SIDE + 1;
        break;
    case 21:
        frame->height = FR_MAX_SIDE + 1;
        break;
    default:
        frame->color.chroma_location = 7;
    }
}
enum { PLANE_SPOILS = 12, SPOILS = 23 };

START_TEST(a_picture_that_makes_no_sense_is_refused_and_stays_ours)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring.writer, 32, 16, FR_FORMAT_NV12, FR_NOWAIT, &frame));
    const struct fr_frame good = *frame;
    if (_i < PLANE_SPOILS)
        spoil_plane(&frame->plane[1], frame->plane[0].data - 4096, _i);
    else
        spoil_values(frame, _i);
    ck_assert_error(fr_frame_publish(&frame), FR_EINVAL);
    ck_assert_ptr_nonnull(frame);
    ck_assert_error(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got), FR_ETIMEDOUT);
    *frame = good;
    paint_picture(frame, 8);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_uint_eq(got->sequence, 1);
    ck_assert(is_picture(got, 8));
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(a_picture_may_end_64_bytes_before_the_slot_does)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring.writer, 16, 4, FR_FORMAT_BGRA, FR_NOWAIT, &frame));
    frame->plane[0].data += SMALL_SLOT - 4096 - 64 - 4 * 64;
    paint_picture(frame, 2);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert(is_picture(got, 2));
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(what_is_no_picture_cannot_be_acquired)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_writer *writer = ring.writer;
    struct fr_frame *frame;

    ck_assert_error(fr_frame_acquire(writer, 0, 5, FR_FORMAT_BGRA, 0, &frame), FR_EINVAL);
    ck_assert_error(fr_frame_acquire(writer, 5, 0, FR_FORMAT_BGRA, 0, &frame), FR_EINVAL);
    ck_assert_error(fr_frame_acquire(writer, FR_MAX_SIDE + 1, 1, FR_FORMAT_GRAY8, 0, &frame),
                    FR_EINVAL);
    ck_assert_error(fr_frame_acquire(writer, 5, 5, FR_FORMAT_NONE, 0, &frame), FR_ENOTSUP);
    ck_assert_error(fr_frame_acquire(writer, 5, 5, (enum fr_format)0x12345678, 0, &frame),
                    FR_ENOTSUP);
    ck_assert_error(fr_frame_acquire(writer, 4096, 4096, FR_FORMAT_BGRA, 0, &frame), FR_EMSGSIZE);
    ck_assert_ptr_null(frame);
    ck_assert_uint_eq(fr_frame_size(0, 5, FR_FORMAT_BGRA), 0);
    ck_assert_uint_eq(fr_frame_size(FR_MAX_SIDE + 1, 5, FR_FORMAT_BGRA), 0);
    ck_assert_uint_eq(fr_frame_size(5, 5, FR_FORMAT_NONE), 0);
    ck_assert_uint_gt(fr_frame_size(FR_MAX_SIDE, FR_MAX_SIDE, FR_FORMAT_RGBA64), UINT64_C(1) << 34);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(several_frames_are_held_and_given_back_in_any_order_and_only_once)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_frame *frame[3];
    const struct fr_frame *got[3];

    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_ok(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &frame[i]));
        paint_picture(frame[i], i);
        frame[i]->pts = i;
    }
    struct fr_frame *copy = frame[2];
    ck_assert_ok(fr_frame_publish(&frame[2]));
    copy->pts = 99; /* must not reach what was published */
    ck_assert_error(fr_frame_publish(&copy), FR_EINVAL);
    fr_frame_abort(&copy);
    fr_frame_abort(&frame[1]);
    ck_assert_ok(fr_frame_publish(&frame[0]));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got[0]));
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got[1]));
    ck_assert_error(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got[2]), FR_ETIMEDOUT);
    ck_assert(got[0]->pts == 2 && is_picture(got[0], 2));
    ck_assert(got[1]->pts == 0 && is_picture(got[1], 0));
    const struct fr_frame *got_copy = got[0];
    fr_frame_release(&got[0]);
    fr_frame_release(&got_copy);
    ck_assert(is_picture(got[1], 0));
    fr_frame_release(&got[1]);
    fr_frame_release(NULL);
    fr_frame_abort(NULL);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(frames_outlive_the_handles_they_came_from)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_reader *other = open_reader(ring.name);
    const struct fr_frame *got;
    const struct fr_frame *last;
    struct fr_frame *frame;

    publish_picture(ring.writer, 1);
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert_ok(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    close_frame_ring(&ring);
    ck_assert(is_picture(got, 1));
    paint_picture(frame, 2);
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_frame_wait(other, FR_LATEST, FR_NOWAIT, &last));
    fr_reader_close(&other);
    ck_assert(is_picture(last, 2) && is_picture(got, 1));
    ck_assert_uint_eq(last->loss.skipped, 1);
    fr_frame_release(&last);
    fr_frame_release(&got);
}
END_TEST

START_TEST(what_a_device_writes_through_the_descriptor_is_in_the_frame)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;
    struct fr_frame *frame;
    int fd;

    ck_assert_ok(fr_writer_fd(ring.writer, FR_READ_WRITE, &fd));
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_ok(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
        paint_picture(frame, i);
        const off_t offset = (off_t)fr_frame_offset(frame);
        ck_assert_int_eq(offset % 4096, 0);
        uint8_t *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
        ck_assert(memory != MAP_FAILED);
        ck_assert_mem_eq(memory, frame->plane[0].data, 32);
        memset(memory, 0xa5, 32); /* the first row */
        munmap(memory, 4096);
        ck_assert_ok(fr_frame_publish(&frame));
        ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
        for (int x = 0; x < 32; x++)
            ck_assert_uint_eq(got->plane[0].data[x], 0xa5);
        ck_assert_int_eq((off_t)fr_frame_offset(got), offset);
        fr_frame_release(&got);
    }
    close(fd);
    close_frame_ring(&ring);
}
END_TEST

static int write_to_what_is_read(void *name)
{
    const struct fr_frame *got;
    struct fr_reader *reader;

    signal(SIGSEGV, SIG_DFL); /* not the sanitizer's */
    if (fr_reader_open(name, NULL, FR_NOWAIT, &reader) < 0 ||
        fr_frame_wait(reader, FR_NEXT, FR_NOWAIT, &got) < 0)
        return 1;
    *(volatile uint8_t *)got->plane[0].data = 1;
    return 2;
}

START_TEST(a_reader_that_writes_to_the_pixels_faults_and_spoils_nothing)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_frame *got;

    publish_picture(ring.writer, 4);
    pid_t child = fr_test_child(write_to_what_is_read, ring.name);
    ck_assert_int_eq(fr_test_wait(child), 128 + SIGSEGV);
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert(is_picture(got, 4));
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tests = tcase_create("frame");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_format_of_every_size_arrives_bit_by_bit, 0, FORMATS);
    tcase_add_loop_test(tests, a_ring_made_for_one_picture_takes_exactly_that_picture, 0, FORMATS);
    tcase_add_test(tests, size_and_format_may_change_from_frame_to_frame);
    tcase_add_test(tests, what_is_not_set_has_its_default);
    tcase_add_test(tests, every_field_survives_the_way);
    tcase_add_loop_test(tests, planes_may_lie_in_the_slot_as_one_likes, 0, 4);
    tcase_add_loop_test(tests, a_picture_that_makes_no_sense_is_refused_and_stays_ours, 0, SPOILS);
    tcase_add_test(tests, a_picture_may_end_64_bytes_before_the_slot_does);
    tcase_add_test(tests, what_is_no_picture_cannot_be_acquired);
    tcase_add_test(tests, several_frames_are_held_and_given_back_in_any_order_and_only_once);
    tcase_add_test(tests, frames_outlive_the_handles_they_came_from);
    tcase_add_test(tests, what_a_device_writes_through_the_descriptor_is_in_the_frame);
    tcase_add_test(tests, a_reader_that_writes_to_the_pixels_faults_and_spoils_nothing);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
