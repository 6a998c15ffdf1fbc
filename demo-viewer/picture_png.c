/* SPDX-License-Identifier: MIT */

/*
 * See picture_png.h. libpng reports errors by a long jump; everything that has to be released after
 * one lives in the caller of the function that calls setjmp.
 */

#define _GNU_SOURCE

#include "picture_png.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "convert.h"

#define COMPRESSION 2 /* screens and test pictures: half again as large as the best, much faster */

static void on_error(png_structp png, png_const_charp message)
{
    const char **why = png_get_error_ptr(png);
    (void)message;
    *why = errno ? strerror(errno) : "libpng refused it";
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static int write_rows(png_structp png, png_infop info, FILE *file, const struct picture *picture)
{
    if (setjmp(png_jmpbuf(png)))
        return -1;
    png_init_io(png, file);
    /* libpng's own limit is a million, which is beyond FR_MAX_SIDE. */
    png_set_IHDR(png, info, picture->width, picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, COMPRESSION);
    png_write_info(png, info);
    png_set_bgr(png);
    png_set_filler(png, 0, PNG_FILLER_AFTER);
    for (uint32_t y = 0; y < picture->height; y++)
        png_write_row(png, picture->pixels + (size_t)y * picture->stride);
    png_write_end(png, info);
    return 0;
}

/* Half a picture is worse than none; but what is not a file was there before and stays. */
static void remove_file(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
        remove(path);
}

int picture_png_write(const char *path, const struct picture *picture, const char **why)
{
    *why = "out of memory";
    errno = 0;
    FILE *file = fopen(path, "wb");
    if (!file) {
        *why = strerror(errno);
        return -1;
    }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, why, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int result = info ? write_rows(png, info, file, picture) : -1;
    png_destroy_write_struct(&png, &info);
    if (fclose(file) != 0 && result == 0) {
        *why = strerror(errno);
        result = -1;
    }
    if (result < 0)
        remove_file(path);
    return result;
}

int picture_png_write_frame(const char *path, const struct fr_frame *frame, const char **why)
{
    struct convert *convert;
    struct picture picture;
    int error = convert_create(CONVERT_EXACT, &convert);
    if (error == 0)
        error = convert_frame(convert, frame, &picture);
    int result = -1;
    if (error == 0)
        result = picture_png_write(path, &picture, why);
    else
        *why = fr_strerror(error);
    convert_destroy(&convert);
    return result;
}
