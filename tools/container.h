/* SPDX-License-Identifier: MIT */
#ifndef CONTAINER_H
#define CONTAINER_H

/*
 * Frames as a stream of bytes that other programs understand.
 *
 *      nut     times and every format that has a tag; through libavformat
 *      y4m     gray and planar YUV, a constant rate
 *      raw     only the pixels, row after row without padding
 *
 * What a container cannot name is converted to the format that loses least, which is said once. The
 * first frame decides size, format and rate. Times in nut begin with the frames' own pts and keep on
 * rising, also where those of the frames do not (a restarted writer): they go on from there.
 */

#include <framering/framering.h>

enum container_kind { CONTAINER_NUT, CONTAINER_Y4M, CONTAINER_RAW };

/* How writing a frame ended. */
enum container_result {
    CONTAINER_OK,
    CONTAINER_CLOSED, /* nobody reads any more, or the user wants to end */
    CONTAINER_FAILED, /* it has said why */
};

struct container;

/* The first frame is not written yet. NULL after a sentence. */
struct container *container_open(enum container_kind kind, int fd, const struct fr_frame *first);
enum container_result container_write(struct container *container, const struct fr_frame *frame);
void container_close(struct container **container);

#endif
