/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_H
#define UNPACK_H

/*
 * The formats that libswscale cannot read, or not exactly, or only slowly: gray (it ignores the
 * range of 8 bits), RGB of 10 and 16 bits (it goes through YUV) and half floats (older ones do not
 * know them). Each sample is looked up in a table, so that all of them cost the same.
 */

#include <framering/framering.h>

struct unpack {
    int is_ready;
    enum fr_format format; /* what the table was made for, and how */
    uint8_t range;
    uint8_t transfer;
    uint8_t level[65536]; /* a sample as 0 to 255 */
};

/* True if the format is one of these. */
int unpack_knows(enum fr_format format);

/* Writes a frame of such a format to pixels (blue, green, red, without meaning), stride apart. */
void unpack_frame(struct unpack *unpack, const struct fr_frame *frame, uint8_t *pixels,
                  size_t stride);

#endif
