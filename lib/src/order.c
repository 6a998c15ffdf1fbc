/* SPDX-License-Identifier: MIT */
/* Floor 4: see order.h for the steps and what a death leaves. */
#include "order.h"

#include "point.h"

/*
 * Each round that changes nothing means that another publisher got through, so a ring that keeps
 * its promises needs few. After so many the words are being scribbled over.
 */
static uint32_t max_rounds(const struct fri_seat *seat)
{
    return 64 * (uint32_t)(seat->order_mask + 1) + 4096;
}

uint64_t fri_order_newest(struct fri_seat *seat)
{
    for (uint32_t round = 0; round < max_rounds(seat); round++) {
        uint64_t tail = word_load(&seat->page->tail);
        uint64_t entry = word_load(order_entry(seat, tail + 1));

        if (entry_sequence(entry) < tail + 1)
            return tail;
        if (entry_sequence(entry) == tail + 1 && seat->observes)
            return tail + 1;
        if (entry_sequence(entry) == tail + 1)
            order_help(seat, entry);
    }
    return word_load(&seat->page->tail);
}

int fri_order_publish(struct fri_seat *seat, uint32_t slot, uint64_t *sequence)
{
    for (uint32_t round = 0; round < max_rounds(seat); round++) {
        uint64_t next = word_load(&seat->page->tail) + 1;
        uint64_t entry = word_load(order_entry(seat, next));

        if (next > FRI_SEQUENCE_LIMIT)
            break;
        if (entry_sequence(entry) == next)
            order_help(seat, entry); /* somebody else's: on to the number after it */
        else if (entry_sequence(entry) < next && order_try_announce(seat, entry, next, slot)) {
            FR_POINT("announced");
            slot_complete(&seat->slot[slot], next);
            FR_POINT("completed");
            tail_advance(seat, next);
            FR_POINT("tail advanced");
            *sequence = next;
            return 0;
        }
    }
    return fri_fail(FR_ECORRUPT, "the order of publication makes no sense");
}
