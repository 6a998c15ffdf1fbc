/* SPDX-License-Identifier: MIT */
#ifndef ROTATE_H
#define ROTATE_H

/*
 * Turns a picture by quarter turns, into memory of its own.
 */

#include "picture.h"

struct rotate {
    uint32_t *pixels;
    size_t size; /* how many there is room for */
};

/*
 * *picture becomes what it is after that many quarter turns to the right, valid until the next call.
 *
 * Returns: 0, or -1 without memory
 */
int rotate_picture(struct rotate *rotate, int turns, struct picture *picture);

void rotate_finish(struct rotate *rotate);

#endif
