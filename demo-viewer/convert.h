/* SPDX-License-Identifier: MIT */
#ifndef CONVERT_H
#define CONVERT_H

/*
 * Turns a frame of any format into a picture with the right colours.
 *
 * YUV is understood as the frame's colour fields say. Where they do not: the matrix is BT.709 from
 * 720 rows on and BT.601 below, the range is limited, and full for gray. RGB is taken as it is, and
 * alpha is left out. High dynamic range is not mapped to a screen's.
 *
 * Threads: one at a time per converter.
 */

#include "picture.h"
#include <framering/framering.h>

struct convert;

enum convert_quality {
    CONVERT_FAST,  /* for moving pictures: within 3 of 255 */
    CONVERT_EXACT, /* within 1, and chroma is interpolated; two to ten times slower */
};

/* 0 or FR_ENOMEM. */
int convert_create(enum convert_quality quality, struct convert **out);
void convert_destroy(struct convert **convert);

/*
 * The picture is the frame's own memory if that is possible, so it is valid as long as the frame is
 * held, and until the next call. FR_ENOTSUP for a format that cannot be shown; FR_ENOMEM.
 */
int convert_frame(struct convert *convert, const struct fr_frame *frame, struct picture *out);

#endif
