/* SPDX-License-Identifier: MIT */
#ifndef RECTS_H
#define RECTS_H

/*
 * A few rectangles that together cover an area: what changed in a picture. When there are too many
 * of them some are joined, so that the area covered may grow but never shrinks.
 */

#include <framering/meta.h>

struct rects {
    struct fr_rect rect[FR_MAX_DAMAGE];
    size_t count;
};

/* Adds one; an empty one changes nothing. */
void rects_add(struct rects *rects, struct fr_rect rect);

/* The part of a rectangle that lies in a picture of that size; 0x0 if none does. */
struct fr_rect rects_clip(struct fr_rect rect, uint32_t width, uint32_t height);

int rects_are_equal(struct fr_rect a, struct fr_rect b);

#endif
