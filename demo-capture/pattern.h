/* SPDX-License-Identifier: MIT */
#ifndef PATTERN_H
#define PATTERN_H

/*
 * The test picture: every pixel of it is known from its number alone, so that whoever receives it
 * can prove that the frame is whole. demo-capture draws it, demo-viewer checks it; both call
 * pattern_row, the one definition of the picture.
 *
 * What it shows: colour bars and ramps that move sideways two pixels with each number, the number
 * as large digits, and the number again as a row of black and white cells at the top, in the middle
 * and at the bottom (machine-readable: sync, 64 bits, check bits). A frame of which one row is
 * older or newer than the others fails the check; only where there is no colour, and so every
 * picture has the same chroma, no chroma row can be told from its neighbours in time.
 *
 * Threads: a pattern belongs to one thread at a time.
 */

#include <framering/framering.h>

struct pattern;

/* 0, or FR_ENOMEM, or FR_ENOTSUP for a format that cannot be drawn. */
int pattern_create(uint32_t width, uint32_t height, enum fr_format format, struct pattern **out);
void pattern_destroy(struct pattern **pattern);

/* True if the pattern was made for pictures of this frame's size and format. */
int pattern_fits(const struct pattern *pattern, const struct fr_frame *frame);

/* The bytes that row y of a plane holds in picture number; valid until the next call. */
const uint8_t *pattern_row(struct pattern *pattern, uint64_t number, uint32_t plane, uint32_t y);

/* Fills a frame of the pattern's size and format, and sets its colour fields. */
void pattern_draw(struct pattern *pattern, uint64_t number, struct fr_frame *frame);

/*
 * Reads the number back from the cells of a frame. 0, or -1 if no row of cells is intact. Pictures
 * narrower than 160 or lower than 12 pixels have no cells (nor digits), and -1 is the answer.
 */
int pattern_number(struct pattern *pattern, const struct fr_frame *frame, uint64_t *number);

/*
 * 0 if every byte of the frame is that of picture number; else -1 and where the first wrong one is:
 * y counts the rows of the plane, x its columns (two pixels each in subsampled chroma and in YUYV).
 */
int pattern_check(struct pattern *pattern, uint64_t number, const struct fr_frame *frame,
                  uint32_t *plane, uint32_t *x, uint32_t *y);

/*
 * Numbers carry their writer in the upper 16 bits, so that frames of several writers can be told
 * apart: order holds for each writer.
 */
static inline uint64_t pattern_number_make(uint16_t writer, uint64_t count)
{
    return ((uint64_t)writer << 48) | (count & ((UINT64_C(1) << 48) - 1));
}

static inline uint16_t pattern_number_writer(uint64_t number)
{
    return (uint16_t)(number >> 48);
}

static inline uint64_t pattern_number_count(uint64_t number)
{
    return number & ((UINT64_C(1) << 48) - 1);
}

#endif
