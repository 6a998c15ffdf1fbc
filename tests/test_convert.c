/* SPDX-License-Identifier: MIT */

/*
 * The viewer's colours: flat quarters of known colour in every format, matrix and range come out as
 * the arithmetic of ITU-R BT.601 and BT.709 says, done here again in floating point. libavutil puts
 * the samples into memory, so that the layout of a format is not taken from the code under test.
 */

#define _GNU_SOURCE

#include <libavutil/pixdesc.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../demo-viewer/convert.h"
#include "../demo-viewer/picture_png.h"
#include "support.h"

#define MAX_WIDTH 128
#define TAIL 64

/* Shares of full red, green and blue. */
struct rgb {
    double part[3];
};

static const struct rgb colors[] = {
    { { 0, 0, 0 } },       { { 1, 1, 1 } },        { { 1, 0, 0 } },        { { 0, 1, 0 } },
    { { 0, 0, 1 } },       { { 1, 1, 0 } },        { { 0, 1, 1 } },        { { 1, 0, 1 } },
    { { 0.5, 0.5, 0.5 } }, { { 0.8, 0.1, 0.35 } }, { { 0.07, 0.7, 0.9 } }, { { 0.3, 0.2, 0.1 } },
};

struct coefficients {
    double red;
    double green;
    double blue;
};

static struct coefficients coefficients_of(const struct fr_frame *frame)
{
    int is_709 = frame->color.matrix == 1 || (frame->color.matrix == 2 && frame->height >= 720);
    struct coefficients c = { .red = is_709 ? 0.2126 : 0.299, .blue = is_709 ? 0.0722 : 0.114 };
    c.green = 1 - c.red - c.blue;
    return c;
}

static int is_full(const struct fr_frame *frame, const AVPixFmtDescriptor *format)
{
    if (frame->color.range != 0)
        return frame->color.range == 2;
    return format->nb_components < 3;
}

/* The samples that stand for a colour: r, g, b or y, cb, cr. */
static void encode(const struct fr_frame *frame, const AVPixFmtDescriptor *format,
                   const struct rgb *color, uint16_t sample[4])
{
    const struct coefficients c = coefficients_of(frame);
    const double *p = color->part;
    double luma = c.red * p[0] + c.green * p[1] + c.blue * p[2];
    double yuv[3] = { luma, (p[2] - luma) / (2 - 2 * c.blue), (p[0] - luma) / (2 - 2 * c.red) };
    for (int i = 0; i < format->nb_components; i++) {
        int depth = format->comp[i].depth;
        double max = (1 << depth) - 1;
        double one = ldexp(1, depth - 8);
        double value;
        if (i == 3)
            value = max;
        else if (format->flags & AV_PIX_FMT_FLAG_RGB)
            value = p[i] * max;
        else if (is_full(frame, format))
            value = i == 0 ? luma * max : yuv[i] * max + 128 * one;
        else
            value = i == 0 ? (16 + 219 * luma) * one : (128 + 224 * yuv[i]) * one;
        sample[i] = (uint16_t)lrint(fmin(fmax(value, 0), max));
    }
}

/* What samples mean on a screen of 0 to 255. */
static struct rgb decode(const struct fr_frame *frame, const AVPixFmtDescriptor *format,
                         const uint16_t sample[4])
{
    const struct coefficients c = coefficients_of(frame);
    double v[3] = { 0 };
    for (int i = 0; i < 3 && i < format->nb_components; i++) {
        int depth = format->comp[i].depth;
        double max = (1 << depth) - 1;
        double one = ldexp(1, depth - 8);
        if (format->flags & AV_PIX_FMT_FLAG_RGB)
            v[i] = sample[i] / max;
        else if (is_full(frame, format))
            v[i] = i == 0 ? sample[i] / max : (sample[i] - 128 * one) / max;
        else
            v[i] = i == 0 ? (sample[i] / one - 16) / 219 : (sample[i] / one - 128) / 224;
    }
    struct rgb rgb = { { v[0], v[1], v[2] } };
    if (!(format->flags & AV_PIX_FMT_FLAG_RGB)) {
        rgb.part[0] = v[0] + (2 - 2 * c.red) * v[2];
        rgb.part[2] = v[0] + (2 - 2 * c.blue) * v[1];
        rgb.part[1] = (v[0] - c.red * rgb.part[0] - c.blue * rgb.part[2]) / c.green;
    }
    for (int i = 0; i < 3; i++)
        rgb.part[i] = 255 * fmin(fmax(rgb.part[i], 0), 1);
    return rgb;
}

/* A frame on memory of its own, exactly as large as the library promises; odd strides. */
static uint8_t *make_frame(struct fr_frame *frame, uint32_t width, uint32_t height,
                           enum fr_format format, int is_bottom_up)
{
    const struct fr_format_info *info = fr_format_info(format);
    *frame = (struct fr_frame){
        .format = format,
        .width = width,
        .height = height,
        .planes = info->planes,
        .color = { .primaries = 2, .transfer = 2, .matrix = 2 },
    };
    size_t size = 0;
    for (uint32_t i = 0; i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        uint32_t columns = (width + (1u << plane->log2_w) - 1) >> plane->log2_w;
        frame->plane[i].rows = (height + (1u << plane->log2_h) - 1) >> plane->log2_h;
        frame->plane[i].row_bytes = columns * plane->group_bytes;
        frame->plane[i].stride = (ptrdiff_t)frame->plane[i].row_bytes + 4 * (ptrdiff_t)i;
        size += frame->plane[i].rows * (size_t)frame->plane[i].stride;
    }
    uint8_t *memory = calloc(1, size + TAIL);
    uint8_t *at = memory;
    for (uint32_t i = 0; i < info->planes; i++) {
        struct fr_plane *plane = &frame->plane[i];
        size_t bytes = plane->rows * (size_t)plane->stride;
        plane->data = is_bottom_up ? at + bytes - (size_t)plane->stride : at;
        plane->stride = is_bottom_up ? -plane->stride : plane->stride;
        at += bytes;
    }
    return memory;
}

/* The quarters of a picture have four colours, from number first on. */
static size_t color_at(size_t first, uint32_t quarter)
{
    return (first + quarter) % (sizeof colors / sizeof *colors);
}

static void paint(struct fr_frame *frame, const AVPixFmtDescriptor *format, size_t first)
{
    uint16_t sample[4][4];
    for (uint32_t quarter = 0; quarter < 4; quarter++)
        encode(frame, format, &colors[color_at(first, quarter)], sample[quarter]);
    uint8_t *data[4] = { NULL };
    int linesize[4] = { 0 };
    for (uint32_t i = 0; i < frame->planes; i++) {
        data[i] = frame->plane[i].data;
        linesize[i] = (int)frame->plane[i].stride;
        for (uint32_t y = 0; y < frame->plane[i].rows; y++)
            memset(data[i] + (ptrdiff_t)y * frame->plane[i].stride, 0, frame->plane[i].row_bytes);
    }
    for (int part = 0; part < format->nb_components; part++) {
        int is_chroma = !(format->flags & AV_PIX_FMT_FLAG_RGB) && (part == 1 || part == 2);
        uint32_t log2_w = is_chroma ? format->log2_chroma_w : 0;
        uint32_t log2_h = is_chroma ? format->log2_chroma_h : 0;
        uint32_t columns = (frame->width + (1u << log2_w) - 1) >> log2_w;
        uint32_t rows = (frame->height + (1u << log2_h) - 1) >> log2_h;
        for (uint32_t y = 0; y < rows; y++) {
            uint16_t line[MAX_WIDTH];
            for (uint32_t x = 0; x < columns; x++)
                line[x] = sample[(x >= columns / 2) + 2 * (y >= rows / 2)][part];
            av_write_image_line2(line, data, linesize, format, 0, (int)y, part, (int)columns, 2);
        }
    }
}

static void check_quarter(const struct fr_frame *frame, const AVPixFmtDescriptor *format,
                          const struct picture *picture, size_t first, uint32_t quarter,
                          double tolerance)
{
    uint16_t sample[4];
    const struct rgb *color = &colors[color_at(first, quarter)];
    encode(frame, format, color, sample);
    const struct rgb should = decode(frame, format, sample);
    uint32_t x = frame->width / 4 + (quarter & 1 ? frame->width / 2 : 0);
    uint32_t y = frame->height / 4 + (quarter & 2 ? frame->height / 2 : 0);
    const uint8_t *is = picture->pixels + y * picture->stride + 4 * (size_t)x;
    for (int i = 0; i < 3; i++)
        ck_assert_msg(
            fabs(is[2 - i] - should.part[i]) <= tolerance,
            "%s, matrix %d, range %d, colour %.2f %.2f %.2f: part %d is %d, should be %.1f",
            format->name, frame->color.matrix, frame->color.range, color->part[0], color->part[1],
            color->part[2], i, is[2 - i], should.part[i]);
}

static void check_format(enum fr_format id, enum convert_quality quality, int is_bottom_up,
                         double tolerance)
{
    static const uint8_t matrices[] = { 1, 2, 5, 6 };
    const AVPixFmtDescriptor *format =
        av_pix_fmt_desc_get(av_get_pix_fmt(fr_format_info(id)->name));
    if (!format)
        return; /* half floats, which have a test of their own */
    struct convert *convert;
    struct fr_frame frame;
    ck_assert_ok(convert_create(quality, &convert));
    uint8_t *memory = make_frame(&frame, 38, 22, id, is_bottom_up);
    for (size_t m = 0; m < sizeof matrices; m++) {
        for (uint8_t range = 0; range < 3; range++) {
            frame.color.matrix = matrices[m];
            frame.color.range = range;
            for (size_t first = 0; first < sizeof colors / sizeof *colors; first += 4) {
                struct picture picture;
                paint(&frame, format, first);
                ck_assert_ok(convert_frame(convert, &frame, &picture));
                for (uint32_t quarter = 0; quarter < 4; quarter++)
                    check_quarter(&frame, format, &picture, first, quarter, tolerance);
            }
        }
    }
    free(memory);
    convert_destroy(&convert);
}

#define FORMATS 30

START_TEST(screenshot_has_the_right_colours_in_every_format)
{
    check_format(fr_format_at((size_t)_i)->format, CONVERT_EXACT, 0, 2);
}
END_TEST

START_TEST(window_has_the_right_colours_in_every_format)
{
    check_format(fr_format_at((size_t)_i)->format, CONVERT_FAST, 0, 3);
}
END_TEST

START_TEST(bottom_up_picture_is_not_upside_down)
{
    check_format(fr_format_at((size_t)_i)->format, CONVERT_EXACT, 1, 2);
}
END_TEST

START_TEST(size_of_one_and_odd_sizes_work)
{
    static const uint32_t sizes[][2] = { { 1, 1 }, { 1, 33 }, { 33, 1 }, { 3, 5 }, { 127, 17 } };
    enum fr_format id = fr_format_at((size_t)_i)->format;
    for (int quality = CONVERT_FAST; quality <= CONVERT_EXACT; quality++) {
        struct convert *convert;
        ck_assert_ok(convert_create((enum convert_quality)quality, &convert));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct fr_frame frame;
            struct picture picture;
            uint8_t *memory = make_frame(&frame, sizes[i][0], sizes[i][1], id, 0);
            ck_assert_ok(convert_frame(convert, &frame, &picture));
            ck_assert_uint_eq(picture.width, sizes[i][0]);
            ck_assert_uint_eq(picture.height, sizes[i][1]);
            free(memory);
        }
        convert_destroy(&convert);
    }
}
END_TEST

START_TEST(unknown_matrix_is_709_for_high_definition)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(AV_PIX_FMT_YUV444P);
    struct convert *convert;
    struct fr_frame frame;
    struct picture picture;
    uint8_t *memory = make_frame(&frame, 16, 720, FR_FORMAT_YUV444P, 0);
    ck_assert_ok(convert_create(CONVERT_EXACT, &convert));
    paint(&frame, format, 2);
    ck_assert_ok(convert_frame(convert, &frame, &picture));
    for (uint32_t quarter = 0; quarter < 4; quarter++)
        check_quarter(&frame, format, &picture, 2, quarter, 2);
    free(memory);
    convert_destroy(&convert);
}
END_TEST

START_TEST(half_floats_are_clipped_and_linear_light_is_encoded)
{
    /* 0, 1, 1/2, 2, -1, not a number, the least subnormal, infinity */
    static const uint16_t halves[] = { 0, 0x3c00, 0x3800, 0x4000, 0xbc00, 0x7e00, 1, 0x7c00 };
    static const uint8_t encoded[] = { 0, 255, 128, 255, 0, 0, 0, 255 };
    static const uint8_t linear[] = { 0, 255, 188, 255, 0, 0, 0, 255 };
    struct convert *convert;
    struct fr_frame frame;
    uint8_t *memory = make_frame(&frame, 8, 1, FR_FORMAT_RGBAF16, 0);
    ck_assert_ok(convert_create(CONVERT_FAST, &convert));
    for (uint32_t part = 0; part < 3; part++) {
        for (uint8_t transfer = 8; transfer == 8 || transfer == 13; transfer += 5) {
            struct picture picture;
            memset(frame.plane[0].data, 0, frame.plane[0].row_bytes);
            frame.color.transfer = transfer;
            for (size_t x = 0; x < 8; x++)
                memcpy(frame.plane[0].data + 8 * x + 2 * part, &halves[x], 2);
            ck_assert_ok(convert_frame(convert, &frame, &picture));
            for (size_t x = 0; x < 8; x++)
                ck_assert_int_eq(picture.pixels[4 * x + 2 - part],
                                 transfer == 8 ? linear[x] : encoded[x]);
        }
    }
    free(memory);
    convert_destroy(&convert);
}
END_TEST

START_TEST(picture_of_four_bytes_is_not_copied)
{
    struct convert *convert;
    struct fr_frame frame;
    struct picture picture;
    uint8_t *memory = make_frame(&frame, 33, 9, FR_FORMAT_BGRX, 0);
    ck_assert_ok(convert_create(CONVERT_FAST, &convert));
    ck_assert_ok(convert_frame(convert, &frame, &picture));
    ck_assert_ptr_eq(picture.pixels, frame.plane[0].data);
    free(memory);
    convert_destroy(&convert);
}
END_TEST

START_TEST(these_are_all_formats)
{
    ck_assert_ptr_nonnull(fr_format_at(FORMATS - 1));
    ck_assert_ptr_null(fr_format_at(FORMATS));
}
END_TEST

START_TEST(unknown_format_is_refused)
{
    struct convert *convert;
    struct fr_frame frame = { .format = FR_FORMAT_NONE, .width = 8, .height = 8 };
    struct picture picture;
    ck_assert_ok(convert_create(CONVERT_FAST, &convert));
    ck_assert_error(convert_frame(convert, &frame, &picture), FR_ENOTSUP);
    convert_destroy(&convert);
}
END_TEST

START_TEST(png_has_each_pixel_as_it_was)
{
    char path[] = "/tmp/test-convert-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    uint8_t pixels[3][4 * 7];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i / sizeof pixels[0]][i % sizeof pixels[0]] = (uint8_t)(i * 37 + i / 9);
    const struct picture picture = {
        .pixels = pixels[0], .stride = sizeof pixels[0], .width = 6, .height = 3
    };
    const char *why = NULL;
    ck_assert_msg(picture_png_write(path, &picture, &why) == 0, "%s", why);

    png_image image = { .version = PNG_IMAGE_VERSION };
    uint8_t back[3][3 * 6];
    ck_assert(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_BGR;
    ck_assert_uint_eq(image.width, 6);
    ck_assert_uint_eq(image.height, 3);
    ck_assert(png_image_finish_read(&image, NULL, back, 0, NULL));
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 6; x++)
            ck_assert_mem_eq(&back[y][3 * x], &pixels[y][4 * x], 3);
    remove(path);
}
END_TEST

START_TEST(png_that_cannot_be_written_says_why)
{
    uint8_t pixel[4] = { 0 };
    const struct picture picture = { .pixels = pixel, .stride = 4, .width = 1, .height = 1 };
    const char *why = NULL;
    ck_assert_int_eq(picture_png_write("/no/such/folder/a.png", &picture, &why), -1);
    ck_assert_str_eq(why, "No such file or directory");
    ck_assert_int_eq(picture_png_write("/dev/full", &picture, &why), -1);
    ck_assert_str_eq(why, "No space left on device");
    ck_assert_int_eq(access("/dev/full", W_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convert");
    TCase *colors_case = tcase_create("colours");
    tcase_add_loop_test(colors_case, screenshot_has_the_right_colours_in_every_format, 0, FORMATS);
    tcase_add_loop_test(colors_case, window_has_the_right_colours_in_every_format, 0, FORMATS);
    tcase_add_loop_test(colors_case, bottom_up_picture_is_not_upside_down, 0, FORMATS);
    tcase_add_loop_test(colors_case, size_of_one_and_odd_sizes_work, 0, FORMATS);
    tcase_add_test(colors_case, unknown_matrix_is_709_for_high_definition);
    tcase_add_test(colors_case, half_floats_are_clipped_and_linear_light_is_encoded);
    tcase_add_test(colors_case, picture_of_four_bytes_is_not_copied);
    tcase_add_test(colors_case, these_are_all_formats);
    tcase_add_test(colors_case, unknown_format_is_refused);
    suite_add_tcase(suite, colors_case);
    TCase *png_case = tcase_create("png");
    tcase_add_test(png_case, png_has_each_pixel_as_it_was);
    tcase_add_test(png_case, png_that_cannot_be_written_says_why);
    suite_add_tcase(suite, png_case);
    return fr_test_main(suite);
}
