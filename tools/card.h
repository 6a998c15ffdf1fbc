/* SPDX-License-Identifier: MIT */
#ifndef CARD_H
#define CARD_H

/*
 * What gen draws into frames and its readers check: pictures of which every byte follows from their
 * number, which stands in the pixels too. So a frame that is whole proves that it is this one and
 * nothing else.
 *
 *      bars    demo-capture's moving test picture
 *      noise   bytes without any order: what no compression makes smaller
 *      none    nothing is drawn and nothing can be checked: what the ring can do by itself
 */

#include <framering/framering.h>

enum card_kind { CARD_BARS, CARD_NOISE, CARD_NONE };

struct card;

/* 0, FR_ENOMEM, or FR_ENOTSUP for a format that cannot be drawn. */
int card_create(enum card_kind kind, uint32_t width, uint32_t height, enum fr_format format,
                struct card **out);
void card_destroy(struct card **card);

/* Draws picture number, also into the frame's source_number. */
void card_draw(struct card *card, uint64_t number, struct fr_frame *frame);

/*
 * The number of a frame, if all of it is that picture, pixels and source_number alike: 0. Else -1:
 * it is torn, or mixed of two, or none of ours. Pictures too small for a number in their pixels (below
 * 160x12 for bars, rows below 16 bytes for noise) are checked against source_number.
 */
int card_check(struct card *card, const struct fr_frame *frame, uint64_t *number);

/* Numbers carry their writer: order holds for each of them. */
uint64_t card_number(uint32_t writer, uint64_t count);
uint32_t card_writer(uint64_t number);
uint64_t card_count(uint64_t number);

#endif
