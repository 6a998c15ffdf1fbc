/* SPDX-License-Identifier: MIT */

/*
 * The viewer's check of the test picture is itself checked: it accepts what is whole and in order,
 * and finds one wrong byte, an old row, a repeated or missing frame.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../demo-capture/pattern.h"
#include "../demo-viewer/report.h"
#include "../demo-viewer/verify.h"
#include "support.h"

#define WIDTH 320
#define HEIGHT 180

static struct verify *verify;
static struct pattern *pattern;
static struct fr_frame frame;
static uint8_t *memory;
static int messages;

/* Instead of the viewer's own, which writes to the terminal. */
void report_error(const char *format, ...)
{
    (void)format;
    messages++;
}

/* An NV12 frame on memory of its own. */
static void shape(uint32_t width, uint32_t height)
{
    size_t stride = (width + 1) / 2 * 2;
    uint32_t chroma_rows = (height + 1) / 2;
    free(memory);
    pattern_destroy(&pattern);
    memory = calloc(1, stride * (height + chroma_rows));
    frame = (struct fr_frame){
        .session = 7, .format = FR_FORMAT_NV12, .width = width, .height = height, .planes = 2
    };
    frame.plane[0] = (struct fr_plane){ memory, (ptrdiff_t)stride, height, width };
    frame.plane[1] = (struct fr_plane){ memory + stride * height, (ptrdiff_t)stride, chroma_rows,
                                        (width + 1) / 2 * 2 };
    ck_assert_ok(pattern_create(width, height, FR_FORMAT_NV12, &pattern));
}

static void set_up(void)
{
    messages = 0;
    ck_assert_ok(verify_create(&verify));
    shape(WIDTH, HEIGHT);
}

static void tear_down(void)
{
    verify_destroy(&verify);
    pattern_destroy(&pattern);
    free(memory);
    memory = NULL;
}

static void draw(uint16_t writer, uint64_t count)
{
    pattern_draw(pattern, pattern_number_make(writer, count), &frame);
    frame.source_number = count + 1;
    frame.sequence++;
}

static void show(uint16_t writer, uint64_t count)
{
    draw(writer, count);
    verify_frame(verify, &frame, 0);
}

static void assert_counts(uint64_t torn, uint64_t out_of_order, uint64_t unexplained)
{
    const struct verify_counts counts = verify_counts(verify);
    ck_assert_uint_eq(counts.torn, torn);
    ck_assert_uint_eq(counts.out_of_order, out_of_order);
    ck_assert_uint_eq(counts.unexplained, unexplained);
}

START_TEST(whole_frames_in_order_are_accepted)
{
    for (uint64_t count = 5; count < 40; count++)
        show(0, count);
    assert_counts(0, 0, 0);
    ck_assert_int_eq(messages, 0);
}
END_TEST

START_TEST(one_wrong_byte_is_found_wherever_it_is)
{
    size_t size = WIDTH * HEIGHT * 3 / 2;
    uint64_t torn = 0;
    for (size_t at = 0; at < size; at += 1009) {
        draw(0, at);
        memory[at] ^= 1;
        verify_frame(verify, &frame, 0);
        torn++;
    }
    memory[size - 1] ^= 1;
    assert_counts(torn, 0, 0);
}
END_TEST

START_TEST(row_of_the_frame_before_is_found)
{
    static uint8_t old_row[WIDTH];
    draw(0, 1);
    memcpy(old_row, memory + 100 * WIDTH, WIDTH);
    draw(0, 2);
    memcpy(memory + 100 * WIDTH, old_row, WIDTH);
    verify_frame(verify, &frame, 0);
    assert_counts(1, 0, 0);
}
END_TEST

START_TEST(repeated_and_older_frames_are_out_of_order)
{
    show(0, 1);
    show(0, 1);
    assert_counts(0, 1, 0);
    show(0, 9);
    show(0, 8);
    assert_counts(0, 2, 7);
}
END_TEST

START_TEST(writers_are_in_order_each_for_itself)
{
    show(1, 10);
    show(2, 3);
    show(1, 11);
    show(2, 4);
    assert_counts(0, 0, 0);
    show(2, 4);
    assert_counts(0, 1, 0);
}
END_TEST

START_TEST(missing_number_needs_a_reported_loss)
{
    show(0, 1);
    frame.loss.overwritten = 2;
    show(0, 4);
    frame.loss.overwritten = 0;
    assert_counts(0, 0, 0);
    show(0, 6);
    assert_counts(0, 0, 1);
}
END_TEST

START_TEST(queue_may_have_given_a_number_to_another_reader)
{
    draw(0, 1);
    verify_frame(verify, &frame, 1);
    draw(0, 5);
    verify_frame(verify, &frame, 1);
    assert_counts(0, 0, 0);
}
END_TEST

START_TEST(new_session_counts_from_the_start_again)
{
    show(0, 50);
    frame.session = 8;
    frame.sequence = 0;
    show(0, 0);
    assert_counts(0, 0, 0);
}
END_TEST

START_TEST(size_may_change_from_frame_to_frame)
{
    show(0, 1);
    shape(333, 77);
    frame.sequence = 1;
    show(0, 2);
    assert_counts(0, 0, 0);
}
END_TEST

START_TEST(picture_too_small_for_its_number_is_checked_too)
{
    shape(31, 9);
    show(0, 1);
    show(0, 2);
    assert_counts(0, 0, 0);
    draw(0, 3);
    memory[40] ^= 1;
    verify_frame(verify, &frame, 0);
    assert_counts(1, 0, 0);
}
END_TEST

START_TEST(stream_of_something_else_does_not_flood_the_terminal)
{
    memset(memory, 77, WIDTH * HEIGHT);
    for (int i = 0; i < 1000; i++) {
        frame.sequence++;
        verify_frame(verify, &frame, 0);
    }
    assert_counts(1000, 0, 0);
    ck_assert_int_le(messages, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *all = tcase_create("verify");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, whole_frames_in_order_are_accepted);
    tcase_add_test(all, one_wrong_byte_is_found_wherever_it_is);
    tcase_add_test(all, row_of_the_frame_before_is_found);
    tcase_add_test(all, repeated_and_older_frames_are_out_of_order);
    tcase_add_test(all, writers_are_in_order_each_for_itself);
    tcase_add_test(all, missing_number_needs_a_reported_loss);
    tcase_add_test(all, queue_may_have_given_a_number_to_another_reader);
    tcase_add_test(all, new_session_counts_from_the_start_again);
    tcase_add_test(all, size_may_change_from_frame_to_frame);
    tcase_add_test(all, picture_too_small_for_its_number_is_checked_too);
    tcase_add_test(all, stream_of_something_else_does_not_flood_the_terminal);
    suite_add_tcase(suite, all);
    return fr_test_main(suite);
}
