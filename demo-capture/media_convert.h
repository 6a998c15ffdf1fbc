/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_CONVERT_H
#define MEDIA_CONVERT_H

/*
 * Pixel formats that a ring does not have, or that somebody asked for: libswscale writes the picture
 * into the slot in the nearest one that it has.
 */

#include <framering/framering.h>
#include <libavutil/frame.h>

struct SwsContext;

/* The format for such pictures that loses least, or FR_FORMAT_NONE. */
enum fr_format media_convert_choose(enum AVPixelFormat from);

/* True if it is possible. */
int media_convert_can(enum AVPixelFormat from, enum fr_format to);

/*
 * Writes the picture into the frame, whose colour it sets to what that means there. *sws is kept
 * from one picture to the next, and begins as NULL. 0, or -1.
 */
int media_convert(struct SwsContext **sws, const AVFrame *picture, struct fr_frame *frame);

#endif
