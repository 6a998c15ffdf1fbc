/* SPDX-License-Identifier: MIT */
#ifndef FRAMES_H
#define FRAMES_H

/*
 * What the tests of frames share: a ring with a reader, and pictures of which every byte follows
 * from a number. The functions that make, close and publish assert.
 */

#include "rings.h"

#define SMALL_SLOT 16384

struct frame_ring {
    char name[65];
    struct fr_writer *writer;
    struct fr_reader *reader;
};

/* A broadcast ring with a reader; the small one has four slots of SMALL_SLOT bytes. */
struct frame_ring make_frame_ring(uint32_t slots, uint64_t slot_size);
struct frame_ring make_small_frame_ring(void);
void close_frame_ring(struct frame_ring *ring);

/* Fills the frame by fr_frame_write; whether fr_frame_read gives that picture. */
void paint_picture(struct fr_frame *frame, uint32_t number);
bool is_picture(const struct fr_frame *frame, uint32_t number);

/* Publishes an 8x8 BGRX picture. */
void publish_picture(struct fr_writer *writer, uint32_t number);

/* Whether all that a reader may touch, with 64 bytes behind each plane, is part of the slot. */
bool is_inside_slot(const struct fr_frame *frame);

#endif
