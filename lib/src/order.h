/* SPDX-License-Identifier: MIT */
#ifndef FRI_ORDER_H
#define FRI_ORDER_H

/*
 * Floor 4: the order of publication. Entry s mod K says which slot carries sequence number s.
 *
 *      entry = { sequence : 48 | slot : 16 }
 *
 * A publication takes effect with one change of one word:
 *
 *      step                                                   a death after it leaves
 *      P1  announce   entry s: older -> { s, slot }           s is published: whoever looks helps on
 *      P2  complete   slot: WRITING -> PUBLISHED(s)           tail one behind: whoever looks helps on
 *      P3  advance    tail: s - 1 -> s                        nothing
 *      P4  wake the readers                                   they look again within a slice
 *
 * P2 and P3 may be done by anybody, any number of times. tail = s only after P2 of s, and s + 1 is
 * announced only when tail is s: so at most *one* publication is ever incomplete, the one at
 * tail + 1, and helping is a step, not a search.
 *
 * A number is given at P1, not when the writer got its slot. A writer that is slow, stopped or dead
 * between claim and publish is simply not in the order: nobody waits for it, and it leaves no hole.
 *
 * The queue's head: the next number to take. Whoever finds the item of head gone (taken, or
 * reclaimed by FR_DROP_OLDEST) moves head on; head never passes an item that is still there.
 */

#include "seat.h"
#include "slot.h"

static inline uint64_t entry_make(uint64_t sequence, uint32_t slot)
{
    return sequence << 16 | slot;
}

static inline uint64_t entry_sequence(uint64_t entry)
{
    return entry >> 16;
}

/* The slot that an entry names; NULL if there is no such slot: somebody scribbled. */
static inline struct fri_slot *entry_slot(const struct fri_seat *seat, uint64_t entry)
{
    uint32_t index = (uint32_t)entry & 0xffff;

    return index < seat->slots ? &seat->slot[index] : NULL;
}

static inline fri_word *order_entry(const struct fri_seat *seat, uint64_t sequence)
{
    return &seat->order[sequence & seat->order_mask];
}

/* P1 */
static inline bool order_try_announce(struct fri_seat *seat, uint64_t seen, uint64_t sequence,
                                      uint32_t slot)
{
    return word_try_change(order_entry(seat, sequence), seen, entry_make(sequence, slot));
}

/* P3 */
static inline void tail_advance(struct fri_seat *seat, uint64_t sequence)
{
    word_try_change(&seat->page->tail, sequence - 1, sequence);
}

/* Called when a publication is under way: what others have of that which P1 to P4 will write. */
static inline void order_foresee(const struct fri_seat *seat)
{
    fetch_to_write(order_entry(seat, word_peek(&seat->page->tail) + 1), sizeof(fri_word));
    fetch_to_write(&seat->page->data_event, sizeof(fri_word32));
}

/* P2 and P3 for the number that an entry was seen to carry. */
static inline void order_help(struct fri_seat *seat, uint64_t entry)
{
    struct fri_slot *slot = entry_slot(seat, entry);

    if (slot)
        slot_complete(slot, entry_sequence(entry));
    tail_advance(seat, entry_sequence(entry));
}

static inline void head_advance(struct fri_seat *seat, uint64_t sequence)
{
    word_try_change(&seat->page->head, sequence, sequence + 1);
}

/* The newest number, after helping the publication that may be half done (observers only look). */
uint64_t fri_order_newest(struct fri_seat *seat);

/* P1 to P3 for a slot that is ours. 0 and its number, or FR_ECORRUPT. */
int fri_order_publish(struct fri_seat *seat, uint32_t slot, uint64_t *sequence);

#endif
