/* SPDX-License-Identifier: MIT */
#ifndef FRI_META_H
#define FRI_META_H

/*
 * Floor 5: the metadata of frames. While a frame is on loan its entries are in memory of our own
 * (loan->meta); publishing copies them into the slot, waiting out of it, so that nobody can change
 * them between a look and the next.
 *
 * Damage is relative to a frame, so it needs numbers: the entry says from which frame it counts, and
 * around what the frames before differ, for readers that skipped some. That number is only known to
 * be right if the frame gets the next one; a reader looks whether it did.
 */

#include "seat.h"

/* What publishing one frame does to the memory of what was published, see fri_damage_past. */
struct fri_damage_step {
    bool is_ours; /* we have it, from begin to end */
    struct fri_rect around;
};

/* Reading: takes the entries over. FR_ECORRUPT if they are not all in the first page. */
int fri_meta_adopt(struct fri_loan *loan, const struct fri_frame_header *header);

/* Publishing: puts the entries into the slot, and where they are into the header. */
void fri_meta_store(struct fri_loan *loan, struct fri_frame_header *header);

/* Around storing and announcing a frame: completes its damage, and remembers it. */
struct fri_damage_step fri_damage_begin(struct fri_loan *loan);
void fri_damage_end(struct fri_seat *seat, const struct fri_damage_step *step, uint64_t sequence);

#endif
