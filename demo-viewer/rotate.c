/* SPDX-License-Identifier: MIT */

/*
 * See rotate.h. A picture is walked through in small squares, so that the rows that are written
 * across stay in the cache.
 */

#include "rotate.h"

#include <stdlib.h>

#define SQUARE 32

/* Where the turned picture has the first pixel, and how far the next one right and below are. */
struct walk {
    ptrdiff_t first;
    ptrdiff_t right;
    ptrdiff_t below;
};

static struct walk walk_of(int turns, ptrdiff_t width, ptrdiff_t height)
{
    if (turns == 1)
        return (struct walk){ height - 1, height, -1 };
    if (turns == 2)
        return (struct walk){ width * height - 1, -1, -width };
    return (struct walk){ (width - 1) * height, -height, 1 };
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void copy_square(const struct picture *from, uint32_t *to, const struct walk *walk,
                        uint32_t left, uint32_t top)
{
    uint32_t right = least(left + SQUARE, from->width);
    uint32_t bottom = least(top + SQUARE, from->height);
    for (uint32_t y = top; y < bottom; y++) {
        const uint32_t *row = (const void *)(from->pixels + y * from->stride);
        ptrdiff_t place = walk->first + (ptrdiff_t)y * walk->below + (ptrdiff_t)left * walk->right;
        for (uint32_t x = left; x < right; x++, place += walk->right)
            to[place] = row[x];
    }
}

int rotate_picture(struct rotate *rotate, int turns, struct picture *picture)
{
    if (turns == 0)
        return 0;
    size_t count = (size_t)picture->width * picture->height;
    if (rotate->size < count) {
        rotate_finish(rotate);
        rotate->pixels = malloc(count * sizeof *rotate->pixels);
        if (!rotate->pixels)
            return -1;
        rotate->size = count;
    }
    const struct walk walk = walk_of(turns, picture->width, picture->height);
    for (uint32_t y = 0; y < picture->height; y += SQUARE)
        for (uint32_t x = 0; x < picture->width; x += SQUARE)
            copy_square(picture, rotate->pixels, &walk, x, y);
    int is_sideways = turns != 2;
    uint32_t width = is_sideways ? picture->height : picture->width;
    uint32_t height = is_sideways ? picture->width : picture->height;
    *picture = (struct picture){
        .pixels = (const uint8_t *)rotate->pixels,
        .stride = (size_t)width * sizeof *rotate->pixels,
        .width = width,
        .height = height,
    };
    return 0;
}

void rotate_finish(struct rotate *rotate)
{
    free(rotate->pixels);
    *rotate = (struct rotate){ .pixels = NULL };
}
