/* SPDX-License-Identifier: MIT */

/*
 * The bridge to FFmpeg, through public headers only: formats meet, pixels travel bit-exact with
 * their properties, and what cannot travel is refused with a reason. Lifetimes: test_av_loans.c.
 */

#include "av_support.h"

#include <libavutil/pixdesc.h>
#include <string.h>

#define FORMAT_ONE(name, fourcc, ffmpeg) +1
enum { FORMAT_COUNT = 0 FR_FORMATS(FORMAT_ONE) };

/* Replaces libavutil's own, so that another version can be pretended. */
static unsigned pretended_version = LIBAVUTIL_VERSION_INT;

unsigned avutil_version(void)
{
    return pretended_version;
}

static void open_ring_of_eight(void)
{
    open_ring(8, FR_BLOCK);
}

/* ---- Formats ----------------------------------------------------------------------------- */

START_TEST(every_format_has_its_counterpart_in_libavutil)
{
    const struct fr_format_info *info = fr_format_at((size_t)_i);
    const enum AVPixelFormat format = fr_av_pix_fmt(info->format);
    if (info->format == FR_FORMAT_RGBAF16 && LIBAVUTIL_VERSION_MAJOR < 58) {
        ck_assert_int_eq(format, AV_PIX_FMT_NONE);
        return;
    }
    ck_assert_int_ne(format, AV_PIX_FMT_NONE);
    ck_assert_int_eq(fr_av_format(format), info->format);
}
END_TEST

START_TEST(only_counterparts_and_full_range_twins_map_to_a_format)
{
    const AVPixFmtDescriptor *desc = NULL;
    int count = 0;
    for (desc = av_pix_fmt_desc_next(desc); desc; desc = av_pix_fmt_desc_next(desc)) {
        const enum AVPixelFormat format = av_pix_fmt_desc_get_id(desc);
        const enum fr_format ours = fr_av_format(format);
        if (ours == FR_FORMAT_NONE)
            continue;
        count++;
        if (strncmp(desc->name, "yuvj4", 5) == 0)
            ck_assert_str_eq(fr_format_info(ours)->name + 3, desc->name + 4);
        else
            ck_assert_int_eq(fr_av_pix_fmt(ours), format);
    }
    const int missing = fr_av_pix_fmt(FR_FORMAT_RGBAF16) == AV_PIX_FMT_NONE;
    ck_assert_int_eq(count, FORMAT_COUNT + 3 - missing);
    ck_assert_int_eq(fr_av_format(AV_PIX_FMT_NONE), FR_FORMAT_NONE);
    ck_assert_int_eq(fr_av_format((enum AVPixelFormat)12345), FR_FORMAT_NONE);
    ck_assert_int_eq(fr_av_pix_fmt(FR_FORMAT_NONE), AV_PIX_FMT_NONE);
}
END_TEST

/* ---- Pixels ------------------------------------------------------------------------------ */

static const int sizes[][2] = { { 1, 1 },   { 2, 2 },    { 33, 17 },  { 64, 16 },
                                { 641, 3 }, { 1366, 5 }, { 1367, 39 } };
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

START_TEST(every_format_arrives_bit_exact_at_any_size)
{
    const enum AVPixelFormat format = fr_av_pix_fmt(fr_format_at((size_t)_i)->format);
    if (format == AV_PIX_FMT_NONE)
        return;
    for (int i = 0; i < SIZE_COUNT; i++) {
        AVFrame *sent = painted(format, sizes[i][0], sizes[i][1]);
        ck_assert_ok(fr_av_send(writer, sent, FR_S(1)));
        AVFrame *got = received();
        ck_assert_int_eq(got->format, format);
        expect_same_picture(sent, got);
        av_frame_free(&sent);
        av_frame_free(&got);
    }
}
END_TEST

START_TEST(every_format_arrives_when_painted_in_place)
{
    const enum AVPixelFormat format = fr_av_pix_fmt(fr_format_at((size_t)_i)->format);
    if (format == AV_PIX_FMT_NONE)
        return;
    for (int i = 0; i < SIZE_COUNT; i++) {
        AVFrame *original = painted(format, sizes[i][0], sizes[i][1]);
        AVFrame *frame = lent(format, sizes[i][0], sizes[i][1]);
        ck_assert_int_eq(av_frame_is_writable(frame), 1);
        ck_assert_int_ge(av_frame_copy(frame, original), 0);
        ck_assert_ok(fr_av_publish(frame));
        AVFrame *got = received();
        expect_same_picture(original, got);
        av_frame_free(&original);
        av_frame_free(&frame);
        av_frame_free(&got);
    }
}
END_TEST

START_TEST(pictures_stored_bottom_up_arrive_upright)
{
    AVFrame *sent = painted(fr_av_pix_fmt(fr_format_at((size_t)_i)->format), 33, 17);
    turn_over(sent);
    ck_assert_ok(fr_av_send(writer, sent, FR_S(1)));
    AVFrame *got = received();
    ck_assert_int_gt(got->linesize[0], 0);
    expect_same_picture(sent, got);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(lent_frames_may_be_turned_over)
{
    AVFrame *original = painted(AV_PIX_FMT_NV12, 33, 17);
    AVFrame *frame = lent(AV_PIX_FMT_NV12, 33, 17);
    turn_over(frame);
    ck_assert_int_ge(av_frame_copy(frame, original), 0);
    ck_assert_ok(fr_av_publish(frame));
    AVFrame *got = received();
    ck_assert_int_lt(got->linesize[0], 0);
    expect_same_picture(original, got);
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_eq(av_frame_get_plane_buffer(got, i), got->buf[0]);
    av_frame_free(&original);
    av_frame_free(&frame);
    av_frame_free(&got);
}
END_TEST

START_TEST(cropping_sends_what_ffmpeg_would_show)
{
    const enum AVPixelFormat format = fr_av_pix_fmt(fr_format_at((size_t)_i)->format);
    if (format == AV_PIX_FMT_NONE)
        return;
    AVFrame *sent = painted(format, 64, 32);
    sent->crop_left = 4;
    sent->crop_right = 3;
    sent->crop_top = 6;
    sent->crop_bottom = 1;
    ck_assert_ok(fr_av_send(writer, sent, FR_S(1)));
    ck_assert_int_eq(sent->width, 64);
    ck_assert_uint_eq(sent->crop_left, 4);

    AVFrame *got = received();
    ck_assert_int_ge(av_frame_apply_cropping(sent, AV_FRAME_CROP_UNALIGNED), 0);
    ck_assert_int_eq(got->width, 57);
    ck_assert_int_eq(got->height, 25);
    expect_same_picture(sent, got);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(odd_cropping_keeps_chroma_in_place)
{
    AVFrame *sent = painted(AV_PIX_FMT_YUV420P, 64, 32);
    sent->crop_left = 5;
    sent->crop_top = 7;
    sent->crop_right = 1;
    ck_assert_ok(fr_av_send(writer, sent, FR_S(1)));
    AVFrame *got = received();
    sent->crop_left = 4;
    sent->crop_top = 6;
    ck_assert_int_ge(av_frame_apply_cropping(sent, AV_FRAME_CROP_UNALIGNED), 0);
    expect_same_picture(sent, got);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

/* ---- Properties -------------------------------------------------------------------------- */

static void set_props(AVFrame *frame)
{
    frame->pts = 90001;
    frame->time_base = (AVRational){ 1, 90000 };
    frame->sample_aspect_ratio = (AVRational){ 64, 45 };
    frame->color_range = AVCOL_RANGE_MPEG;
    frame->color_primaries = AVCOL_PRI_BT2020;
    frame->color_trc = AVCOL_TRC_SMPTE2084;
    frame->colorspace = AVCOL_SPC_BT2020_NCL;
    frame->chroma_location = AVCHROMA_LOC_TOPLEFT;
    frame->flags |= AV_FRAME_FLAG_CORRUPT;
}

static void expect_props(const AVFrame *frame)
{
    ck_assert_int_eq(frame->pts, 90001);
    ck_assert_int_eq(frame->time_base.num, 1);
    ck_assert_int_eq(frame->time_base.den, 90000);
    ck_assert_int_eq(frame->sample_aspect_ratio.num, 64);
    ck_assert_int_eq(frame->sample_aspect_ratio.den, 45);
    ck_assert_int_eq(frame->color_range, AVCOL_RANGE_MPEG);
    ck_assert_int_eq(frame->color_primaries, AVCOL_PRI_BT2020);
    ck_assert_int_eq(frame->color_trc, AVCOL_TRC_SMPTE2084);
    ck_assert_int_eq(frame->colorspace, AVCOL_SPC_BT2020_NCL);
    ck_assert_int_eq(frame->chroma_location, AVCHROMA_LOC_TOPLEFT);
    ck_assert_int_ne(frame->flags & AV_FRAME_FLAG_CORRUPT, 0);
}

START_TEST(times_colour_and_flags_travel_with_a_copy)
{
    AVFrame *sent = painted(AV_PIX_FMT_P010, 16, 16);
    set_props(sent);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    expect_props(got);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(times_colour_and_flags_travel_in_place)
{
    AVFrame *frame = lent(AV_PIX_FMT_P010, 16, 16);
    paint(frame, 1);
    set_props(frame);
    ck_assert_ok(fr_av_publish(frame));
    AVFrame *got = received();
    expect_props(got);
    av_frame_free(&frame);
    av_frame_free(&got);
}
END_TEST

START_TEST(what_h273_does_not_know_becomes_unknown)
{
    AVFrame *frame = av_frame_alloc();
    frame->color_primaries = (enum AVColorPrimaries)256;
    frame->color_trc = (enum AVColorTransferCharacteristic)300;
    frame->colorspace = (enum AVColorSpace)1000;
    frame->color_range = (enum AVColorRange)3;
    frame->chroma_location = (enum AVChromaLocation)9;
    frame->sample_aspect_ratio = (AVRational){ -1, 0 };
    frame->time_base = (AVRational){ 0, 1 };

    struct fr_frame to = { .time_base = { 1, 1000000000 }, .flags = FR_FRAME_REPEAT };
    fr_av_copy_props(&to, frame);
    ck_assert_int_eq(to.pts, FR_NO_PTS);
    ck_assert_int_eq(to.time_base.den, 1000000000);
    ck_assert_int_eq(to.sample_aspect.num, 0);
    ck_assert_int_eq(to.sample_aspect.den, 1);
    ck_assert_uint_eq(to.color.range, 0);
    ck_assert_uint_eq(to.color.primaries, 2);
    ck_assert_uint_eq(to.color.transfer, 2);
    ck_assert_uint_eq(to.color.matrix, 2);
    ck_assert_uint_eq(to.color.chroma_location, 0);
    ck_assert_uint_ne(to.flags & FR_FRAME_REPEAT, 0);
    av_frame_free(&frame);
}
END_TEST

START_TEST(an_unset_avframe_is_all_unknown_and_can_be_published)
{
    AVFrame *sent = painted(AV_PIX_FMT_GRAY8, 16, 16);
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    ck_assert_int_eq(got->pts, AV_NOPTS_VALUE);
    ck_assert_int_eq(got->color_range, AVCOL_RANGE_UNSPECIFIED);
    ck_assert_int_eq(got->color_primaries, AVCOL_PRI_UNSPECIFIED);
    ck_assert_int_eq(got->colorspace, AVCOL_SPC_UNSPECIFIED);
    ck_assert_int_eq(got->sample_aspect_ratio.num, 0);
    ck_assert_int_eq(got->flags & AV_FRAME_FLAG_CORRUPT, 0);
    av_frame_free(&sent);
    av_frame_free(&got);
}
END_TEST

START_TEST(full_range_twins_arrive_as_yuv_of_full_range)
{
    AVFrame *sent = painted(AV_PIX_FMT_YUV422P, 33, 17);
    sent->format = av_get_pix_fmt("yuvj422p");
    ck_assert_ok(fr_av_send(writer, sent, FR_NOWAIT));
    AVFrame *got = received();
    ck_assert_int_eq(got->format, AV_PIX_FMT_YUV422P);
    ck_assert_int_eq(got->color_range, AVCOL_RANGE_JPEG);
    expect_same_picture(sent, got);
    av_frame_free(&got);

    AVFrame *frame = lent(av_get_pix_fmt("yuvj420p"), 33, 17);
    ck_assert_ok(fr_av_publish(frame));
    got = received();
    ck_assert_int_eq(got->format, AV_PIX_FMT_YUV420P);
    ck_assert_int_eq(got->color_range, AVCOL_RANGE_JPEG);
    av_frame_free(&sent);
    av_frame_free(&frame);
    av_frame_free(&got);
}
END_TEST

/* ---- Refusals ---------------------------------------------------------------------------- */

static const char *const refused[] = { "pal8",   "monob",   "monow", "gray16be",
                                       "p010be", "rgb48be", "vaapi", "drm_prime",
                                       "cuda",   "yuv410p", "gbrp",  "xyz12le" };
enum { REFUSED_COUNT = sizeof refused / sizeof *refused };

START_TEST(formats_that_cannot_travel_are_refused_with_a_reason)
{
    AVFrame *frame = painted(AV_PIX_FMT_RGBA64, 16, 16);
    frame->format = av_get_pix_fmt(refused[_i]);
    ck_assert_int_ne(frame->format, AV_PIX_FMT_NONE);
    ck_assert_ptr_nonnull(fr_av_why(frame));
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_ENOTSUP);
    expect_nothing_received();
    av_frame_free(&frame);
}
END_TEST

START_TEST(reasons_name_the_way_out)
{
    AVFrame *frame = blank(AV_PIX_FMT_VAAPI, 16, 16);
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "av_hwframe_transfer_data"));
    frame->format = AV_PIX_FMT_PAL8;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "palette"));
    frame->format = AV_PIX_FMT_MONOBLACK;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "whole bytes"));
    frame->format = AV_PIX_FMT_GRAY16BE;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "big-endian"));
    frame->format = AV_PIX_FMT_GBRP;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "libswscale"));
    frame->format = AV_PIX_FMT_NONE;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "video"));
    frame->format = AV_PIX_FMT_NV12;
    ck_assert_ptr_null(fr_av_why(frame));
    frame->hw_frames_ctx = av_buffer_alloc(1);
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "device"));
    av_buffer_unref(&frame->hw_frames_ctx);
    frame->height = 70000;
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "scale"));
    av_frame_free(&frame);
}
END_TEST

START_TEST(broken_avframes_are_refused)
{
    AVFrame *frame = painted(AV_PIX_FMT_NV12, 33, 17);
    uint8_t *data = frame->data[1];
    frame->data[1] = NULL;
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->data[1] = data;
    const int linesize = frame->linesize[1];
    frame->linesize[1] = 33;
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->linesize[1] = -33;
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->linesize[1] = linesize;
    frame->crop_left = 20;
    frame->crop_right = 13;
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->crop_left = SIZE_MAX;
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_EINVAL);
    frame->crop_left = 0;
    ck_assert_ok(fr_av_send(writer, frame, FR_NOWAIT));
    ck_assert_error(fr_av_send(NULL, frame, FR_NOWAIT), FR_EINVAL);
    ck_assert_error(fr_av_send(writer, NULL, FR_NOWAIT), FR_EINVAL);
    av_frame_free(&frame);
}
END_TEST

START_TEST(a_foreign_libavutil_is_refused_everywhere)
{
    AVFrame *frame = painted(AV_PIX_FMT_NV12, 32, 16);
    ck_assert_ok(fr_av_send(writer, frame, FR_NOWAIT));
    const struct fr_frame *read;
    ck_assert_ok(fr_frame_wait(reader, FR_NEXT, FR_S(1), &read));
    AVFrame *out = blank(AV_PIX_FMT_NV12, 32, 16);

    pretended_version = AV_VERSION_INT(LIBAVUTIL_VERSION_MAJOR + 1, 0, 100);
    ck_assert_ptr_nonnull(strstr(fr_av_why(frame), "another major version"));
    ck_assert_error(fr_av_send(writer, frame, FR_NOWAIT), FR_ENOTSUP);
    ck_assert_error(fr_av_acquire(writer, out, FR_NOWAIT), FR_ENOTSUP);
    ck_assert_error(fr_av_publish(frame), FR_ENOTSUP);
    ck_assert_error(fr_av_wrap(&read, out), FR_ENOTSUP);
    ck_assert_ptr_nonnull(read);
    pretended_version = LIBAVUTIL_VERSION_INT;

    fr_frame_release(&read);
    av_frame_free(&frame);
    av_frame_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("av");

    TCase *formats = tcase_create("formats");
    tcase_add_loop_test(formats, every_format_has_its_counterpart_in_libavutil, 0, FORMAT_COUNT);
    tcase_add_test(formats, only_counterparts_and_full_range_twins_map_to_a_format);
    suite_add_tcase(suite, formats);

    TCase *pixels = ring_case(suite, "pixels", open_ring_of_eight);
    tcase_add_loop_test(pixels, every_format_arrives_bit_exact_at_any_size, 0, FORMAT_COUNT);
    tcase_add_loop_test(pixels, every_format_arrives_when_painted_in_place, 0, FORMAT_COUNT);
    tcase_add_loop_test(pixels, pictures_stored_bottom_up_arrive_upright, 0, 12);
    tcase_add_test(pixels, lent_frames_may_be_turned_over);
    tcase_add_loop_test(pixels, cropping_sends_what_ffmpeg_would_show, 0, FORMAT_COUNT);
    tcase_add_test(pixels, odd_cropping_keeps_chroma_in_place);

    TCase *properties = ring_case(suite, "properties", open_ring_of_eight);
    tcase_add_test(properties, times_colour_and_flags_travel_with_a_copy);
    tcase_add_test(properties, times_colour_and_flags_travel_in_place);
    tcase_add_test(properties, what_h273_does_not_know_becomes_unknown);
    tcase_add_test(properties, an_unset_avframe_is_all_unknown_and_can_be_published);
    tcase_add_test(properties, full_range_twins_arrive_as_yuv_of_full_range);

    TCase *refusals = ring_case(suite, "refusals", open_ring_of_eight);
    tcase_add_loop_test(refusals, formats_that_cannot_travel_are_refused_with_a_reason, 0,
                        REFUSED_COUNT);
    tcase_add_test(refusals, reasons_name_the_way_out);
    tcase_add_test(refusals, broken_avframes_are_refused);
    tcase_add_test(refusals, a_foreign_libavutil_is_refused_everywhere);

    return fr_test_main(suite);
}
