/* SPDX-License-Identifier: MIT */

/*
 * See png_file.h. libpng reports errors by a long jump; everything that has to be released after one
 * lives in the caller of the function that calls setjmp.
 */

#define _GNU_SOURCE

#include "png_file.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "../demo-viewer/convert.h"
#include "transfer.h"

#define COMPRESSION 2 /* screens and test pictures: half again as large as the best, much faster */
#define RANGE_LIMITED 1

typedef void (*take_apart)(const uint8_t *from, uint32_t width, uint8_t *to);

/* How a format's rows are told to libpng. */
struct layout {
    enum fr_format format;
    int color_type;
    int depth; /* bits of a sample in the file */
    int is_bgr;
    int is_alpha_first;
    int has_filler;
    take_apart take_apart; /* for pixels whose samples are no whole bytes */
    png_color_8 real_bits; /* of samples that do not fill the depth; 0: they all do */
};

struct drawing {
    const struct layout *layout;
    uint32_t width;
    uint32_t height;
    const uint8_t *row;
    ptrdiff_t stride;
    uint8_t *apart; /* one row that was taken apart */
    const struct png_note *notes;
    size_t count;
};

/* Samples of 10 bits, 16 each, in the order of memory: the lowest bits first. */
static void take_apart_10(const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 4, to += 6) {
        uint32_t pixel;
        memcpy(&pixel, from, sizeof pixel);
        uint16_t samples[3] = { (uint16_t)(pixel & 1023), (uint16_t)(pixel >> 10 & 1023),
                                (uint16_t)(pixel >> 20 & 1023) };
        memcpy(to, samples, sizeof samples);
    }
}

static void take_apart_565(const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 2, to += 3) {
        uint16_t pixel;
        memcpy(&pixel, from, sizeof pixel);
        to[0] = (uint8_t)(pixel >> 11);
        to[1] = (uint8_t)(pixel >> 5 & 63);
        to[2] = (uint8_t)(pixel & 31);
    }
}

static const struct layout layouts[] = {
    { .format = FR_FORMAT_BGRX,
      .color_type = PNG_COLOR_TYPE_RGB,
      .depth = 8,
      .is_bgr = 1,
      .has_filler = 1 },
    { .format = FR_FORMAT_BGRA, .color_type = PNG_COLOR_TYPE_RGBA, .depth = 8, .is_bgr = 1 },
    { .format = FR_FORMAT_RGBX, .color_type = PNG_COLOR_TYPE_RGB, .depth = 8, .has_filler = 1 },
    { .format = FR_FORMAT_RGBA, .color_type = PNG_COLOR_TYPE_RGBA, .depth = 8 },
    { .format = FR_FORMAT_ARGB,
      .color_type = PNG_COLOR_TYPE_RGBA,
      .depth = 8,
      .is_alpha_first = 1 },
    { .format = FR_FORMAT_ABGR,
      .color_type = PNG_COLOR_TYPE_RGBA,
      .depth = 8,
      .is_bgr = 1,
      .is_alpha_first = 1 },
    { .format = FR_FORMAT_RGB24, .color_type = PNG_COLOR_TYPE_RGB, .depth = 8 },
    { .format = FR_FORMAT_BGR24, .color_type = PNG_COLOR_TYPE_RGB, .depth = 8, .is_bgr = 1 },
    { .format = FR_FORMAT_RGBA64, .color_type = PNG_COLOR_TYPE_RGBA, .depth = 16 },
    { .format = FR_FORMAT_GRAY8, .color_type = PNG_COLOR_TYPE_GRAY, .depth = 8 },
    { .format = FR_FORMAT_GRAY16, .color_type = PNG_COLOR_TYPE_GRAY, .depth = 16 },
    { .format = FR_FORMAT_GRAY10,
      .color_type = PNG_COLOR_TYPE_GRAY,
      .depth = 16,
      .real_bits = { .gray = 10 } },
    { .format = FR_FORMAT_GRAY12,
      .color_type = PNG_COLOR_TYPE_GRAY,
      .depth = 16,
      .real_bits = { .gray = 12 } },
    { .format = FR_FORMAT_X2RGB10,
      .color_type = PNG_COLOR_TYPE_RGB,
      .depth = 16,
      .is_bgr = 1,
      .take_apart = take_apart_10,
      .real_bits = { .red = 10, .green = 10, .blue = 10 } },
    { .format = FR_FORMAT_X2BGR10,
      .color_type = PNG_COLOR_TYPE_RGB,
      .depth = 16,
      .take_apart = take_apart_10,
      .real_bits = { .red = 10, .green = 10, .blue = 10 } },
    { .format = FR_FORMAT_RGB565,
      .color_type = PNG_COLOR_TYPE_RGB,
      .depth = 8,
      .take_apart = take_apart_565,
      .real_bits = { .red = 5, .green = 6, .blue = 5 } },
};

/* PNG's gray has the full range, so a limited one is converted. */
static const struct layout *layout_of(const struct fr_frame *frame)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const struct layout *layout = &layouts[i];
        int is_limited_gray =
            layout->color_type == PNG_COLOR_TYPE_GRAY && frame->color.range == RANGE_LIMITED;
        if (layout->format == frame->format)
            return is_limited_gray ? NULL : layout;
    }
    return NULL;
}

static void on_error(png_structp png, png_const_charp message)
{
    const char **why = png_get_error_ptr(png);
    (void)message;
    *why = errno ? transfer_strerror(-errno) : "libpng refused it";
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void set_notes(png_structp png, png_infop info, const struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->count; i++) {
        /* libpng copies both strings, but its struct wants pointers that could be written through. */
        char keyword[80];
        char text[512];
        snprintf(keyword, sizeof keyword, "%s", drawing->notes[i].keyword);
        snprintf(text, sizeof text, "%s", drawing->notes[i].text);
        png_text chunk = { .compression = PNG_ITXT_COMPRESSION_NONE, .key = keyword, .text = text };
        png_set_text(png, info, &chunk, 1);
    }
}

/* The transformations, in libpng's own order. */
static void set_layout(png_structp png, png_infop info, const struct layout *layout)
{
    png_color_8 bits = layout->real_bits;
    int has_fewer_bits = bits.red > 0 || bits.gray > 0;
    if (has_fewer_bits)
        png_set_sBIT(png, info, &bits);
    png_write_info(png, info);
    if (layout->has_filler)
        png_set_filler(png, 0, PNG_FILLER_AFTER);
    if (layout->depth == 16)
        png_set_swap(png);
    if (has_fewer_bits)
        png_set_shift(png, &bits);
    if (layout->is_alpha_first)
        png_set_swap_alpha(png);
    if (layout->is_bgr)
        png_set_bgr(png);
}

static int write_rows(png_structp png, png_infop info, FILE *file, const struct drawing *drawing)
{
    if (setjmp(png_jmpbuf(png)))
        return -1;
    const struct layout *layout = drawing->layout;
    png_init_io(png, file);
    /* libpng's own limit is a million, which is beyond FR_MAX_SIDE. */
    png_set_IHDR(png, info, drawing->width, drawing->height, layout->depth, layout->color_type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, COMPRESSION);
    set_notes(png, info, drawing);
    set_layout(png, info, layout);
    for (uint32_t y = 0; y < drawing->height; y++) {
        const uint8_t *row = drawing->row + (ptrdiff_t)y * drawing->stride;
        if (layout->take_apart)
            layout->take_apart(row, drawing->width, drawing->apart);
        png_write_row(png, layout->take_apart ? drawing->apart : row);
    }
    png_write_end(png, info);
    return 0;
}

static int write_drawing(FILE *file, struct drawing *drawing, const char **why)
{
    *why = "out of memory";
    drawing->apart = drawing->layout->take_apart ? malloc((size_t)drawing->width * 6) : NULL;
    if (drawing->layout->take_apart && !drawing->apart)
        return -1;
    errno = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, why, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int result = info ? write_rows(png, info, file, drawing) : -1;
    png_destroy_write_struct(&png, &info);
    free(drawing->apart);
    return result;
}

/* BGRX, whatever the frame is. */
static int write_converted(FILE *file, const struct fr_frame *frame, struct drawing *drawing,
                           const char **why)
{
    struct convert *convert;
    struct picture picture;
    int error = convert_create(CONVERT_EXACT, &convert);
    if (error == 0)
        error = convert_frame(convert, frame, &picture);
    int result = -1;
    if (error == 0) {
        drawing->layout = &layouts[0];
        drawing->row = picture.pixels;
        drawing->stride = (ptrdiff_t)picture.stride;
        result = write_drawing(file, drawing, why);
    } else {
        *why = fr_strerror(error);
    }
    convert_destroy(&convert);
    return result;
}

int png_file_write(FILE *file, const struct fr_frame *frame, const struct png_note *notes,
                   size_t count, const char **why)
{
    struct drawing drawing = { .layout = layout_of(frame),
                               .width = frame->width,
                               .height = frame->height,
                               .row = frame->plane[0].data,
                               .stride = frame->plane[0].stride,
                               .notes = notes,
                               .count = count };
    if (!drawing.layout)
        return write_converted(file, frame, &drawing, why);
    return write_drawing(file, &drawing, why);
}
