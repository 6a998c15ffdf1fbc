/* SPDX-License-Identifier: MIT */
#ifndef SHAPE_H
#define SHAPE_H

/*
 * Sizes, rates and pixel formats as people write them on a command line: 1280x720, 60 or 30000/1001,
 * bgra. A mistake ends the program with a sentence and COMMAND_USAGE.
 */

#include <argp.h>
#include <framering/framering.h>

void shape_size(const char *text, uint32_t *width, uint32_t *height,
                const struct argp_state *state);

/* 0 is 0/1. */
struct fr_rational shape_rate(const char *text, const struct argp_state *state);

enum fr_format shape_format(const char *text, const struct argp_state *state);

#endif
