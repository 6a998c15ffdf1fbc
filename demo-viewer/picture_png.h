/* SPDX-License-Identifier: MIT */
#ifndef PICTURE_PNG_H
#define PICTURE_PNG_H

/*
 * Writes pictures as PNG: each pixel as it is, nothing scaled and nothing drawn over it.
 */

#include "picture.h"
#include <framering/framering.h>

/*
 * 0, or -1, and then *why says what went wrong (static, or valid until the next system error).
 * A file that could not be finished is removed.
 */
int picture_png_write(const char *path, const struct picture *picture, const char **why);

/* The same for a frame in whatever format, with its colours as exact as they can be had. */
int picture_png_write_frame(const char *path, const struct fr_frame *frame, const char **why);

#endif
