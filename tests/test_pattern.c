/* SPDX-License-Identifier: MIT */

/*
 * The test picture: what is drawn is read back and found whole, in every format and at odd sizes,
 * and nothing that differs from it passes the check.
 */

#include "../demo-capture/pattern.h"
#include "support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_ONE(name, fourcc, ffmpeg) +1
enum { FORMAT_COUNT = 0 FR_FORMATS(FORMAT_ONE) };

static const struct {
    uint32_t width;
    uint32_t height;
} sizes[] = { { 1, 1 },    { 2, 1 },    { 1, 2 },    { 3, 5 },    { 159, 40 },
              { 160, 11 }, { 160, 12 }, { 161, 13 }, { 163, 37 }, { 641, 361 } };
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static const uint64_t numbers[] = {
    0, 1, 999, 123456789, UINT64_C(0x0007ffffffffffff), UINT64_MAX
};
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers };

/* A frame in plain memory with some padding, so that a pattern that writes there is found. */
#define PADDING 3
#define PADDING_BYTE 0x5a

static void make_frame(struct fr_frame *frame, uint32_t width, uint32_t height,
                       const struct fr_format_info *info)
{
    *frame = (struct fr_frame){
        .format = info->format, .width = width, .height = height, .planes = info->planes
    };
    for (uint32_t i = 0; i < info->planes; i++) {
        const struct fr_plane_info *from = &info->plane[i];
        struct fr_plane *plane = &frame->plane[i];
        plane->rows = (height + (1u << from->log2_h) - 1) >> from->log2_h;
        plane->row_bytes = ((width + (1u << from->log2_w) - 1) >> from->log2_w) * from->group_bytes;
        plane->stride = (ptrdiff_t)plane->row_bytes + PADDING;
        size_t size = (size_t)plane->stride * plane->rows;
        plane->data = malloc(size);
        ck_assert_ptr_nonnull(plane->data);
        memset(plane->data, PADDING_BYTE, size);
    }
}

static void free_frame(struct fr_frame *frame)
{
    for (uint32_t i = 0; i < frame->planes; i++)
        free(frame->plane[i].data);
}

static uint8_t *row_at(const struct fr_frame *frame, uint32_t plane, uint32_t y)
{
    return frame->plane[plane].data + (ptrdiff_t)y * frame->plane[plane].stride;
}

static int is_whole(struct pattern *pattern, uint64_t number, const struct fr_frame *frame)
{
    uint32_t plane;
    uint32_t x;
    uint32_t y;
    return pattern_check(pattern, number, frame, &plane, &x, &y) == 0;
}

static struct pattern *make(uint32_t width, uint32_t height, enum fr_format format)
{
    struct pattern *pattern;
    ck_assert_ok(pattern_create(width, height, format, &pattern));
    return pattern;
}

static void expect_round_trip(uint32_t width, uint32_t height, const struct fr_format_info *info)
{
    struct pattern *drawn = make(width, height, info->format);
    struct pattern *checked = make(width, height, info->format);
    struct fr_frame frame;
    make_frame(&frame, width, height, info);
    ck_assert(pattern_fits(checked, &frame));
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        uint64_t number = 42;
        pattern_draw(drawn, numbers[i], &frame);
        ck_assert_msg(is_whole(checked, numbers[i], &frame), "%s %ux%u", info->name, width, height);
        if (width >= 160 && height >= 12) {
            ck_assert_int_eq(pattern_number(checked, &frame, &number), 0);
            ck_assert_uint_eq(number, numbers[i]);
        } else {
            ck_assert_int_eq(pattern_number(checked, &frame, &number), -1);
        }
    }
    for (uint32_t i = 0; i < frame.planes; i++)
        for (uint32_t y = 0; y < frame.plane[i].rows; y++)
            for (uint32_t k = 0; k < PADDING; k++)
                ck_assert_uint_eq(row_at(&frame, i, y)[frame.plane[i].row_bytes + k], PADDING_BYTE);
    free_frame(&frame);
    pattern_destroy(&drawn);
    pattern_destroy(&checked);
}

START_TEST(every_format_is_drawn_read_and_found_whole_at_every_size)
{
    for (size_t i = 0; i < SIZE_COUNT; i++)
        expect_round_trip(sizes[i].width, sizes[i].height, fr_format_at((size_t)_i));
}
END_TEST

START_TEST(one_changed_bit_is_found_and_its_place_is_named)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    struct pattern *pattern = make(163, 37, info->format);
    struct fr_frame frame;
    make_frame(&frame, 163, 37, info);
    pattern_draw(pattern, 7, &frame);
    for (uint32_t i = 0; i < frame.planes; i++) {
        for (uint32_t y = 0; y < frame.plane[i].rows; y++) {
            uint32_t at = (y * 131) % frame.plane[i].row_bytes;
            uint32_t plane;
            uint32_t wrong_x;
            uint32_t wrong_y;
            row_at(&frame, i, y)[at] ^= 1;
            ck_assert_int_eq(pattern_check(pattern, 7, &frame, &plane, &wrong_x, &wrong_y), -1);
            ck_assert_uint_eq(plane, i);
            ck_assert_uint_eq(wrong_x, at / info->plane[i].group_bytes);
            ck_assert_uint_eq(wrong_y, y);
            row_at(&frame, i, y)[at] ^= 1;
        }
    }
    ck_assert(is_whole(pattern, 7, &frame));
    free_frame(&frame);
    pattern_destroy(&pattern);
}
END_TEST

/* Only the first plane: where there is no colour, chroma is the same in all pictures. */
START_TEST(one_row_of_the_next_or_previous_picture_is_found)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    struct pattern *pattern = make(640, 90, info->format);
    struct fr_frame frame;
    struct fr_frame other;
    make_frame(&frame, 640, 90, info);
    make_frame(&other, 640, 90, info);
    for (uint64_t number = 99; number <= 101; number += 2) {
        pattern_draw(pattern, 100, &frame);
        pattern_draw(pattern, number, &other);
        for (uint32_t y = 0; y < frame.plane[0].rows; y++) {
            memcpy(row_at(&frame, 0, y), row_at(&other, 0, y), frame.plane[0].row_bytes);
            ck_assert_msg(!is_whole(pattern, 100, &frame), "row %u of %s", y, info->name);
            memcpy(row_at(&frame, 0, y), pattern_row(pattern, 100, 0, y), frame.plane[0].row_bytes);
        }
        ck_assert(is_whole(pattern, 100, &frame));
    }
    free_frame(&frame);
    free_frame(&other);
    pattern_destroy(&pattern);
}
END_TEST

START_TEST(a_whole_picture_is_not_taken_for_its_neighbour)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    for (size_t i = SIZE_COUNT - 6; i < SIZE_COUNT; i++) {
        struct pattern *pattern = make(sizes[i].width, sizes[i].height, info->format);
        struct fr_frame frame;
        make_frame(&frame, sizes[i].width, sizes[i].height, info);
        pattern_draw(pattern, 500, &frame);
        ck_assert(!is_whole(pattern, 499, &frame));
        ck_assert(!is_whole(pattern, 501, &frame));
        free_frame(&frame);
        pattern_destroy(&pattern);
    }
}
END_TEST

START_TEST(the_number_is_read_while_one_row_of_cells_is_left)
{
    const struct fr_format_info *info = fr_format_info(FR_FORMAT_BGRA);
    struct pattern *pattern = make(320, 240, info->format);
    struct fr_frame frame;
    uint64_t number = 0;
    make_frame(&frame, 320, 240, info);
    pattern_draw(pattern, 4711, &frame);
    for (uint32_t y = 0; y < 200; y++)
        memset(row_at(&frame, 0, y), 0x80, frame.plane[0].row_bytes);
    ck_assert_int_eq(pattern_number(pattern, &frame, &number), 0);
    ck_assert_uint_eq(number, 4711);
    for (uint32_t y = 200; y < 240; y++)
        memset(row_at(&frame, 0, y), 0x80, frame.plane[0].row_bytes);
    ck_assert_int_eq(pattern_number(pattern, &frame, &number), -1);
    free_frame(&frame);
    pattern_destroy(&pattern);
}
END_TEST

START_TEST(a_bottom_up_frame_is_drawn_and_checked)
{
    const struct fr_format_info *info = fr_format_info(FR_FORMAT_RGB24);
    struct pattern *pattern = make(200, 100, info->format);
    struct fr_frame frame;
    uint64_t number = 0;
    make_frame(&frame, 200, 100, info);
    uint8_t *start = frame.plane[0].data;
    frame.plane[0].data = row_at(&frame, 0, 99);
    frame.plane[0].stride = -frame.plane[0].stride;
    pattern_draw(pattern, 5, &frame);
    ck_assert(is_whole(pattern, 5, &frame));
    ck_assert_int_eq(pattern_number(pattern, &frame, &number), 0);
    ck_assert_uint_eq(number, 5);
    free(start);
    pattern_destroy(&pattern);
}
END_TEST

START_TEST(a_pattern_fits_only_its_own_size_and_format)
{
    struct pattern *pattern = make(64, 32, FR_FORMAT_NV12);
    struct fr_frame frame = { .format = FR_FORMAT_NV12, .width = 64, .height = 32 };
    ck_assert(pattern_fits(pattern, &frame));
    frame.format = FR_FORMAT_NV21;
    ck_assert(!pattern_fits(pattern, &frame));
    frame.format = FR_FORMAT_NV12;
    frame.height = 31;
    ck_assert(!pattern_fits(pattern, &frame));
    pattern_destroy(&pattern);
    ck_assert_ptr_null(pattern);
    pattern_destroy(&pattern);
}
END_TEST

START_TEST(impossible_patterns_are_refused)
{
    struct pattern *pattern;
    ck_assert_error(pattern_create(0, 10, FR_FORMAT_BGRX, &pattern), FR_EINVAL);
    ck_assert_error(pattern_create(10, FR_MAX_SIDE + 1, FR_FORMAT_BGRX, &pattern), FR_EINVAL);
    ck_assert_error(pattern_create(10, 10, FR_FORMAT_NONE, &pattern), FR_ENOTSUP);
    ck_assert_ptr_null(pattern);
}
END_TEST

/* Pixel values that anybody can check: the first cell is white, the second black. */
START_TEST(white_and_black_have_the_values_of_the_standards)
{
    static const struct {
        enum fr_format format;
        uint8_t white[8];
        uint8_t black[8];
        size_t size;
    } cases[] = {
        { FR_FORMAT_BGRA, { 255, 255, 255, 255 }, { 0, 0, 0, 255 }, 4 },
        { FR_FORMAT_ARGB, { 255, 255, 255, 255 }, { 255, 0, 0, 0 }, 4 },
        { FR_FORMAT_RGB565, { 255, 255 }, { 0, 0 }, 2 },
        { FR_FORMAT_YUV420P, { 235 }, { 16 }, 1 },
        { FR_FORMAT_YUYV, { 235, 128, 235, 128 }, { 16, 128, 16, 128 }, 4 },
        { FR_FORMAT_YUV420P10, { 0xac, 0x03 }, { 0x40, 0x00 }, 2 },
        { FR_FORMAT_P010, { 0x00, 0xeb }, { 0x00, 0x10 }, 2 },
        { FR_FORMAT_GRAY16, { 0x00, 0xeb }, { 0x00, 0x10 }, 2 },
        { FR_FORMAT_RGBAF16,
          { 0, 0x3c, 0, 0x3c, 0, 0x3c, 0, 0x3c },
          { 0, 0, 0, 0, 0, 0, 0, 0x3c },
          8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pattern *pattern = make(1600, 90, cases[i].format);
        const uint8_t *row = pattern_row(pattern, 0, 0, 0);
        const struct fr_plane_info *plane = &fr_format_info(cases[i].format)->plane[0];
        size_t second = (size_t)(30 >> plane->log2_w) * plane->group_bytes;
        ck_assert_mem_eq(row, cases[i].white, cases[i].size);
        ck_assert_mem_eq(row + second, cases[i].black, cases[i].size);
        pattern_destroy(&pattern);
    }
}
END_TEST

START_TEST(colour_is_described_as_it_was_drawn)
{
    static const struct {
        enum fr_format format;
        uint32_t height;
        struct fr_color color;
    } cases[] = {
        { FR_FORMAT_BGRX, 16, { 2, 1, 13, 0, 0 } },
        { FR_FORMAT_NV12, 720, { 1, 1, 1, 1, 1 } },
        { FR_FORMAT_NV12, 576, { 1, 6, 6, 6, 1 } },
        { FR_FORMAT_YUV444P, 576, { 1, 6, 6, 6, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pattern *pattern = make(16, cases[i].height, cases[i].format);
        struct fr_frame frame;
        make_frame(&frame, 16, cases[i].height, fr_format_info(cases[i].format));
        pattern_draw(pattern, 0, &frame);
        ck_assert_mem_eq(&frame.color, &cases[i].color, sizeof frame.color);
        free_frame(&frame);
        pattern_destroy(&pattern);
    }
}
END_TEST

START_TEST(a_number_carries_its_writer)
{
    uint64_t number = pattern_number_make(513, UINT64_C(0x123456789abc));
    ck_assert_uint_eq(pattern_number_writer(number), 513);
    ck_assert_uint_eq(pattern_number_count(number), UINT64_C(0x123456789abc));
    ck_assert_uint_eq(pattern_number_writer(pattern_number_make(1, UINT64_MAX)), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pattern");

    TCase *whole = tcase_create("whole");
    tcase_set_timeout(whole, 30);
    tcase_add_loop_test(whole, every_format_is_drawn_read_and_found_whole_at_every_size, 0,
                        FORMAT_COUNT);
    tcase_add_loop_test(whole, one_changed_bit_is_found_and_its_place_is_named, 0, FORMAT_COUNT);
    tcase_add_loop_test(whole, one_row_of_the_next_or_previous_picture_is_found, 0, FORMAT_COUNT);
    tcase_add_loop_test(whole, a_whole_picture_is_not_taken_for_its_neighbour, 0, FORMAT_COUNT);
    suite_add_tcase(suite, whole);

    TCase *details = tcase_create("details");
    tcase_add_test(details, the_number_is_read_while_one_row_of_cells_is_left);
    tcase_add_test(details, a_bottom_up_frame_is_drawn_and_checked);
    tcase_add_test(details, a_pattern_fits_only_its_own_size_and_format);
    tcase_add_test(details, impossible_patterns_are_refused);
    tcase_add_test(details, white_and_black_have_the_values_of_the_standards);
    tcase_add_test(details, colour_is_described_as_it_was_drawn);
    tcase_add_test(details, a_number_carries_its_writer);
    suite_add_tcase(suite, details);

    return fr_test_main(suite);
}
