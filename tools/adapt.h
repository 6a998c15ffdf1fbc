/* SPDX-License-Identifier: MIT */
#ifndef ADAPT_H
#define ADAPT_H

/*
 * Frames in another pixel format of framering's, for containers that cannot name the one they have.
 * libswscale does the work. YUV keeps its colour fields; RGB that becomes YUV is BT.709 from 720 rows
 * on and BT.601 below, of limited range, and its fields say so.
 */

#include <framering/framering.h>

struct adapt;

/*
 * The format that loses least among those that are acceptable and can be made; the frame's own if
 * that is one of them; FR_FORMAT_NONE if there is none.
 */
enum fr_format adapt_choose(enum fr_format from, int (*is_acceptable)(enum fr_format format));

/* For frames of this one's size, format and colour. 0, FR_ENOMEM, FR_ENOTSUP. */
int adapt_create(const struct fr_frame *like, enum fr_format to, struct adapt **out);
void adapt_destroy(struct adapt **adapt);

/*
 * The frame in the other format: only geometry, planes, times and colour of the result mean
 * anything, and it is valid until the next call. 0, or FR_ENOTSUP.
 */
int adapt_frame(struct adapt *adapt, const struct fr_frame *frame, const struct fr_frame **out);

#endif
