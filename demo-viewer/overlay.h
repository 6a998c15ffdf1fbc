/* SPDX-License-Identifier: MIT */
#ifndef OVERLAY_H
#define OVERLAY_H

/*
 * Text as pixels: white letters on a dark box that lets the picture through a little.
 */

#include <stdint.h>

/* In a text: what follows is in another colour. */
#define OVERLAY_NORMAL "\001"
#define OVERLAY_WARN "\002"  /* yellow */
#define OVERLAY_ALARM "\003" /* red */

struct overlay_box {
    uint32_t *pixels; /* alpha, red, green, blue from the high bits down; rows without gaps */
    uint32_t width;
    uint32_t height;
};

/*
 * Lines are separated by newlines; what the font does not have becomes a question mark. scale is
 * the size of a dot of the font in pixels.
 *
 * Returns: 0, or -1 without memory; box->pixels is the caller's to free
 */
int overlay_render(const char *text, uint32_t scale, struct overlay_box *box);

#endif
