/* SPDX-License-Identifier: MIT */
#ifndef NUT_H
#define NUT_H

/*
 * A NUT stream of raw video, made by libavformat. Errors are the system's negative codes, as those of
 * transfer.h; FR_ENOTSUP if libavformat has no NUT or refuses the format.
 */

#include <framering/framering.h>

struct nut;

/* The first frame gives size, format, rate and time base. */
int nut_open(int fd, const struct fr_frame *first, struct nut **out);
int nut_write_frame(struct nut *nut, const struct fr_frame *frame);

/* Writes the end, if somebody still reads. */
void nut_close(struct nut **nut);

#endif
