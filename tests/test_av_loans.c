/* SPDX-License-Identifier: MIT */

/*
 * Who holds a slot and until when, if AVFrames stand for it: clones, threads, handles closed too
 * early, frames painted in place, and AVFrames that only look as if they were lent.
 */

#include "av_support.h"

#include <pthread.h>
#include <stdio.h>

static void open_ring_of_two(void)
{
    open_ring(2, FR_DROP_OLDEST);
}

static void open_ring_of_three(void)
{
    open_ring(3, FR_DROP_OLDEST);
}

static void expect_no_free_slot(void)
{
    struct fr_frame *frame;
    const int error = fr_frame_acquire(writer, 16, 16, FR_FORMAT_GRAY8, FR_NOWAIT, &frame);
    ck_assert_msg(error == FR_ETIMEDOUT || error == FR_EBUSY, "%s", fr_errname(error));
}

static void expect_a_free_slot(void)
{
    struct fr_frame *frame;
    ck_assert_ok(fr_frame_acquire(writer, 16, 16, FR_FORMAT_GRAY8, FR_NOWAIT, &frame));
    fr_frame_abort(&frame);
}

/* ---- Loans ------------------------------------------------------------------------------- */

static void *unref_elsewhere(void *frame)
{
    av_frame_unref(frame);
    return NULL;
}

/*
 * Sends a frame, wraps it, and takes the other slots of a ring of three: one for the newest frame,
 * which a ring always keeps, and one that a writer holds.
 */
static AVFrame *wrapped_in_a_full_ring(AVFrame *sent, struct fr_frame **other)
{
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    ck_assert_ok(fr_frame_acquire(writer, 8, 8, FR_FORMAT_GRAY8, FR_NOWAIT, other));
    expect_no_free_slot();
    return got;
}

START_TEST(a_wrapped_frame_holds_its_slot_until_the_last_clone_is_gone)
{
    AVFrame *sent = painted(AV_PIX_FMT_BGRA, 64, 32);
    struct fr_frame *other;
    AVFrame *got = wrapped_in_a_full_ring(sent, &other);
    AVFrame *clone = av_frame_clone(got);
    av_frame_unref(got);
    expect_no_free_slot();
    expect_same_picture(sent, clone);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, unref_elsewhere, clone), 0);
    pthread_join(thread, NULL);
    expect_a_free_slot();

    fr_frame_abort(&other);
    av_frame_free(&sent);
    av_frame_free(&got);
    av_frame_free(&clone);
}
END_TEST

START_TEST(a_wrapped_frame_is_read_only_and_a_writable_copy_ends_the_loan)
{
    AVFrame *sent = painted(AV_PIX_FMT_YUV420P, 33, 17);
    struct fr_frame *other;
    AVFrame *got = wrapped_in_a_full_ring(sent, &other);
    ck_assert_int_eq(av_frame_is_writable(got), 0);
    ck_assert_int_ge(av_frame_make_writable(got), 0);
    expect_a_free_slot();
    expect_same_picture(sent, got);
    fr_frame_abort(&other);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(a_wrapped_frame_outlives_reader_and_writer)
{
    AVFrame *sent = painted(AV_PIX_FMT_NV12, 1367, 39);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    close_ring();
    expect_same_picture(sent, got);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(all_planes_of_a_wrapped_frame_lie_in_its_buffer)
{
    AVFrame *sent = painted(AV_PIX_FMT_YUV420P, 33, 17);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    ck_assert_ptr_eq(got->extended_data, got->data);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(av_frame_get_plane_buffer(got, i), got->buf[0]);
        ck_assert_int_eq(got->linesize[i] % 64, 0);
    }
    ck_assert_int_eq(got->linesize[0], 2 * got->linesize[1]);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(wrapping_into_a_used_avframe_leaves_both_alone)
{
    AVFrame *sent = painted(AV_PIX_FMT_NV12, 32, 16);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    const struct fr_frame *frame;
    ck_assert_ok(fr_frame_wait(reader, FR_NEXT, FR_S(1), &frame));
    const struct fr_frame *same = frame;
    const uint8_t *data = sent->data[0];
    ck_assert_error(fr_av_wrap(&frame, sent), FR_EINVAL);
    ck_assert_ptr_eq(frame, same);
    ck_assert_ptr_eq(sent->data[0], data);
    fr_frame_release(&frame);
    ck_assert_error(fr_av_wrap(&frame, sent), FR_EINVAL);
    av_frame_free(&sent);
}
END_TEST

START_TEST(a_lent_frame_is_published_without_a_second_slot)
{
    AVFrame *frame = lent(AV_PIX_FMT_BGR0, 33, 17);
    paint(frame, 7);
    AVFrame *expected = blank(AV_PIX_FMT_BGR0, 33, 17);
    ck_assert_int_ge(av_frame_get_buffer(expected, 0), 0);
    paint(expected, 7);

    struct fr_frame *other;
    ck_assert_ok(fr_frame_acquire(writer, 8, 8, FR_FORMAT_GRAY8, FR_NOWAIT, &other));
    expect_no_free_slot();
    ck_assert_ok(fr_av_publish(frame));
    ck_assert_ptr_null(frame->buf[0]);
    ck_assert_ptr_null(frame->data[0]);
    AVFrame *got = received();
    expect_same_picture(expected, got);

    fr_frame_abort(&other);
    av_frame_free(&frame);
    av_frame_free(&expected);
    av_frame_free(&got);
}
END_TEST

START_TEST(unreferencing_a_lent_frame_gives_the_slot_back_unseen)
{
    AVFrame *first = lent(AV_PIX_FMT_GRAY8, 16, 16);
    AVFrame *second = lent(AV_PIX_FMT_GRAY8, 16, 16);
    AVFrame *clone = av_frame_clone(second);
    expect_no_free_slot();
    av_frame_free(&second);
    expect_no_free_slot();
    av_frame_free(&clone);
    expect_a_free_slot();
    av_frame_free(&first);
    expect_nothing_received();
}
END_TEST

START_TEST(a_lent_frame_outlives_its_writer)
{
    AVFrame *frame = lent(AV_PIX_FMT_GRAY8, 16, 16);
    close_ring();
    paint(frame, 1);
    av_frame_free(&frame);
}
END_TEST

START_TEST(a_lent_frame_with_other_references_is_not_published)
{
    AVFrame *frame = lent(AV_PIX_FMT_GRAY8, 16, 16);
    paint(frame, 3);
    AVFrame *clone = av_frame_clone(frame);
    ck_assert_error(fr_av_publish(frame), FR_EBUSY);
    ck_assert_ptr_nonnull(frame->buf[0]);
    expect_nothing_received();

    ck_assert_ok(fr_av_send(writer, frame, FR_NOWAIT));
    AVFrame *got = received();
    expect_same_picture(frame, got);
    av_frame_free(&got);
    av_frame_free(&clone);
    ck_assert_ok(fr_av_publish(frame));
    got = received();
    av_frame_free(&got);
    av_frame_free(&frame);
}
END_TEST

START_TEST(a_lent_frame_of_changed_shape_is_not_published)
{
    AVFrame *frame = lent(AV_PIX_FMT_NV12, 32, 16);
    frame->width = 30;
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    frame->width = 32;
    frame->format = AV_PIX_FMT_NV21;
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    frame->format = AV_PIX_FMT_NV12;
    frame->crop_left = 2;
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    frame->crop_left = 0;
    uint8_t *data = frame->data[1];
    frame->data[1] = data + (1 << 30);
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    frame->data[1] = data;
    expect_nothing_received();
    ck_assert_ok(fr_av_publish(frame));
    av_frame_free(&frame);
}
END_TEST

static void keep(void *opaque, uint8_t *data)
{
    (void)opaque;
    (void)data;
}

START_TEST(strangers_are_not_published_in_place)
{
    AVFrame *frame = painted(AV_PIX_FMT_NV12, 32, 16);
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    av_frame_unref(frame);
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);

    static uint8_t memory[64];
    frame->buf[0] = av_buffer_create(memory, sizeof memory, keep, memory + 1, 0);
    ck_assert_error(fr_av_publish(frame), FR_EINVAL);
    av_frame_free(&frame);

    AVFrame *sent = painted(AV_PIX_FMT_NV12, 32, 16);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    ck_assert_error(fr_av_publish(got), FR_EINVAL);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(acquiring_needs_a_blank_avframe_with_a_shape)
{
    AVFrame *frame = blank(AV_PIX_FMT_NV12, 0, 16);
    ck_assert_error(fr_av_acquire(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->width = 100000;
    ck_assert_error(fr_av_acquire(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->width = 1920;
    frame->height = 1080;
    ck_assert_error(fr_av_acquire(writer, frame, FR_NOWAIT), FR_EMSGSIZE);
    frame->format = AV_PIX_FMT_PAL8;
    ck_assert_error(fr_av_acquire(writer, frame, FR_NOWAIT), FR_ENOTSUP);
    ck_assert_ptr_null(frame->buf[0]);
    av_frame_free(&frame);

    AVFrame *used = painted(AV_PIX_FMT_NV12, 16, 16);
    ck_assert_error(fr_av_acquire(writer, used, FR_NOWAIT), FR_EINVAL);
    av_frame_free(&used);
}
END_TEST

/* Lends, publishes and drops frames with a writer of its own. 0, or the first error. */
static void *lend_many(void *name)
{
    static int failed;
    struct fr_writer *mine;
    if (fr_writer_open(name, FR_S(1), &mine) < 0)
        return &failed;
    int error = 0;
    for (int i = 0; i < 300 && error == 0; i++) {
        AVFrame *frame = blank(AV_PIX_FMT_GRAY8, 16, 16);
        error = fr_av_acquire(mine, frame, FR_S(3));
        if (error == 0 && i % 2 == 0)
            error = fr_av_publish(frame);
        av_frame_free(&frame);
    }
    fr_writer_close(&mine);
    return error == 0 ? NULL : &failed;
}

START_TEST(many_threads_lend_at_once)
{
    enum { THREADS = 4 };
    static char name[80];
    struct fr_writer *first;
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = fr_frame_size(16, 16, FR_FORMAT_GRAY8),
                       .overflow = FR_DROP_OLDEST);
    snprintf(name, sizeof name, "%s", fr_test_name());
    ck_assert_ok(fr_writer_create(name, &opts, &first));

    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, lend_many, name), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failure;
        pthread_join(thread[i], &failure);
        ck_assert_ptr_null(failure);
    }
    fr_writer_close(&first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("av_loans");

    TCase *pins = ring_case(suite, "pins", open_ring_of_three);
    tcase_add_test(pins, a_wrapped_frame_holds_its_slot_until_the_last_clone_is_gone);
    tcase_add_test(pins, a_wrapped_frame_is_read_only_and_a_writable_copy_ends_the_loan);

    TCase *loans = ring_case(suite, "loans", open_ring_of_two);
    tcase_add_test(loans, a_wrapped_frame_outlives_reader_and_writer);
    tcase_add_test(loans, all_planes_of_a_wrapped_frame_lie_in_its_buffer);
    tcase_add_test(loans, wrapping_into_a_used_avframe_leaves_both_alone);
    tcase_add_test(loans, a_lent_frame_is_published_without_a_second_slot);
    tcase_add_test(loans, unreferencing_a_lent_frame_gives_the_slot_back_unseen);
    tcase_add_test(loans, a_lent_frame_outlives_its_writer);
    tcase_add_test(loans, a_lent_frame_with_other_references_is_not_published);
    tcase_add_test(loans, a_lent_frame_of_changed_shape_is_not_published);
    tcase_add_test(loans, strangers_are_not_published_in_place);
    tcase_add_test(loans, many_threads_lend_at_once);
    tcase_add_test(loans, acquiring_needs_a_blank_avframe_with_a_shape);

    return fr_test_main(suite);
}
