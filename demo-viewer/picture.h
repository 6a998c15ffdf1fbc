/* SPDX-License-Identifier: MIT */
#ifndef PICTURE_H
#define PICTURE_H

/*
 * A picture as the window, the screenshot and the overlay want it: rows of pixels of four bytes,
 * blue, green, red and one without meaning. Whoever hands one out says how long it is valid.
 */

#include <stddef.h>
#include <stdint.h>

struct picture {
    const uint8_t *pixels; /* the top row */
    size_t stride;         /* bytes from row to row, a multiple of 4 */
    uint32_t width;
    uint32_t height;
};

#endif
