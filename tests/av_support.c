/* SPDX-License-Identifier: MIT */

/* What the suites of the bridge share: see av_support.h. */

#include "av_support.h"

struct fr_writer *writer;
struct fr_reader *reader;

void open_ring(uint32_t slots, enum fr_overflow overflow)
{
    const char *name = fr_test_name();
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = fr_frame_size(1400, 40, FR_FORMAT_RGBA64), .slots = slots,
                       .overflow = overflow);
    ck_assert_ok(fr_writer_create(name, &opts, &writer));
    ck_assert_ok(fr_reader_open(name, NULL, FR_S(1), &reader));
}

void close_ring(void)
{
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}

static uint32_t rows_of(const struct fr_plane_info *plane, int height)
{
    return ((uint32_t)height + (1U << plane->log2_h) - 1) >> plane->log2_h;
}

static uint32_t row_bytes_of(const struct fr_plane_info *plane, int width)
{
    return (((uint32_t)width + (1U << plane->log2_w) - 1) >> plane->log2_w) * plane->group_bytes;
}

static const struct fr_format_info *info_of(const AVFrame *frame)
{
    const struct fr_format_info *info = fr_format_info(fr_av_format(frame->format));
    ck_assert_ptr_nonnull(info);
    return info;
}

void paint(AVFrame *frame, unsigned seed)
{
    const struct fr_format_info *info = info_of(frame);
    unsigned value = seed;
    for (int i = 0; i < info->planes; i++) {
        for (uint32_t y = 0; y < rows_of(&info->plane[i], frame->height); y++) {
            uint8_t *row = frame->data[i] + (ptrdiff_t)y * frame->linesize[i];
            for (uint32_t x = 0; x < row_bytes_of(&info->plane[i], frame->width); x++) {
                value = value * 1103515245U + 12345U;
                row[x] = (uint8_t)(value >> 16);
            }
        }
    }
}

void expect_same_picture(const AVFrame *a, const AVFrame *b)
{
    const struct fr_format_info *info = info_of(a);
    ck_assert_ptr_eq(info_of(b), info);
    ck_assert_int_eq(a->width, b->width);
    ck_assert_int_eq(a->height, b->height);
    for (int i = 0; i < info->planes; i++) {
        for (uint32_t y = 0; y < rows_of(&info->plane[i], a->height); y++) {
            ck_assert_mem_eq(a->data[i] + (ptrdiff_t)y * a->linesize[i],
                             b->data[i] + (ptrdiff_t)y * b->linesize[i],
                             row_bytes_of(&info->plane[i], a->width));
        }
    }
}

AVFrame *blank(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    ck_assert_ptr_nonnull(frame);
    frame->format = format;
    frame->width = width;
    frame->height = height;
    return frame;
}

AVFrame *painted(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = blank(format, width, height);
    ck_assert_int_ge(av_frame_get_buffer(frame, 0), 0);
    paint(frame, (unsigned)width);
    return frame;
}

AVFrame *lent(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = blank(format, width, height);
    ck_assert_ok(fr_av_acquire(writer, frame, FR_S(1)));
    return frame;
}

AVFrame *received(void)
{
    const struct fr_frame *frame;
    ck_assert_ok(fr_frame_wait(reader, FR_NEXT, FR_S(1), &frame));
    AVFrame *out = av_frame_alloc();
    ck_assert_ok(fr_av_wrap(&frame, out));
    ck_assert_ptr_null(frame);
    return out;
}

void expect_nothing_received(void)
{
    const struct fr_frame *frame;
    ck_assert_error(fr_frame_wait(reader, FR_NEXT, FR_NOWAIT, &frame), FR_ETIMEDOUT);
}

void turn_over(AVFrame *frame)
{
    const struct fr_format_info *info = info_of(frame);
    for (int i = 0; i < info->planes; i++) {
        const uint32_t rows = rows_of(&info->plane[i], frame->height);
        frame->data[i] += (ptrdiff_t)(rows - 1) * frame->linesize[i];
        frame->linesize[i] = -frame->linesize[i];
    }
}

TCase *ring_case(Suite *suite, const char *name, SFun open)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, open, close_ring);
    suite_add_tcase(suite, tcase);
    return tcase;
}
