/* SPDX-License-Identifier: MIT */
/*
 * Reads raw BGRX pixels from standard input and says whether they are one whole test picture:
 * status 0 and its number, or 1 and where the first wrong pixel is.
 *
 * usage: check_picture WIDTH HEIGHT [near]
 *
 * near: the picture went through a conversion to YUV and back, so its number must be readable, but
 * the colours may differ a little.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../demo-capture/pattern.h"

/* The fourth byte of a pixel on a screen means nothing; the pattern's is put there. */
static void replace_padding(struct pattern *pattern, uint64_t number, struct fr_frame *frame)
{
    for (uint32_t y = 0; y < frame->height; y++) {
        const uint8_t *row = pattern_row(pattern, number, 0, y);

        for (uint32_t x = 3; x < frame->plane[0].row_bytes; x += 4)
            frame->plane[0].data[(ptrdiff_t)y * frame->plane[0].stride + x] = row[x];
    }
}

static int check(struct pattern *pattern, struct fr_frame *frame, int near)
{
    uint64_t number;
    uint32_t plane;
    uint32_t x;
    uint32_t y;

    if (pattern_number(pattern, frame, &number) < 0) {
        printf("no number can be read in the picture\n");
        return 1;
    }
    replace_padding(pattern, number, frame);
    if (!near && pattern_check(pattern, number, frame, &plane, &x, &y) < 0) {
        printf("picture %" PRIu64 " is wrong at %" PRIu32 ",%" PRIu32 "\n",
               pattern_number_count(number), x, y);
        return 1;
    }
    printf("picture %" PRIu64 "\n", pattern_number_count(number));
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t width = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint32_t height = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    size_t size = (size_t)width * height * 4;
    struct pattern *pattern;
    uint8_t *pixels = malloc(size + 1);

    if (size == 0 || !pixels || pattern_create(width, height, FR_FORMAT_BGRX, &pattern) < 0) {
        fprintf(stderr, "usage: check_picture WIDTH HEIGHT [near] < PIXELS\n");
        return 2;
    }
    if (fread(pixels, 1, size + 1, stdin) != size) {
        fprintf(stderr, "check_picture: not %zu bytes\n", size);
        return 2;
    }
    struct fr_frame frame = { .format = FR_FORMAT_BGRX,
                              .width = width,
                              .height = height,
                              .planes = 1,
                              .plane = { { pixels, (ptrdiff_t)width * 4, height, width * 4 } } };
    int status = check(pattern, &frame, argc > 3 && strcmp(argv[3], "near") == 0);
    pattern_destroy(&pattern);
    free(pixels);
    return status;
}
