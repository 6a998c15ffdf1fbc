/* SPDX-License-Identifier: MIT */
#ifndef FRI_SLOT_H
#define FRI_SLOT_H

/*
 * Floor 4: the two words of a slot, and every change that they can undergo.
 *
 *      control = { sequence : 48 | state : 4 | owner : 12 }        pins = one bit for each member
 *
 *   state          who holds it   payload      leaves by                          owner died here
 *   -------------  -------------  -----------  ---------------------------------  ------------------
 *   FREE(q)        nobody         rubbish      claim      -> WRITING(q, w)        -
 *   WRITING(q, w)  writer w       half made    complete   -> PUBLISHED(s), s > q  abort on its behalf,
 *                                              abort      -> FREE(q)              by the holder of w's
 *                                              unclaim    -> what it was          lock byte -> FREE(q)
 *   PUBLISHED(s)   nobody, or     whole        claim      -> WRITING(s, w)        unpin on its behalf
 *                  pinned by      (read-only)  take       -> TAKEN(s, r)
 *                  readers
 *   TAKEN(s, r)    queue reader r whole        give back  -> FREE(s)              give back on its
 *                                                                                 behalf -> FREE(s)
 *
 * The sequence in FREE and WRITING is that of the last publication: it never decreases, so an old
 * word never comes back except WRITING(q, w), and on that only w itself acts, or whoever holds the
 * lock byte of the dead w. Each state that is somebody's names its owner, because what a death
 * leaves can only be mended if one can tell whose it was. A *count* of pins could not be.
 *
 * Claim against pin (broadcast) is the crossing that two words need:
 *
 *      writer                                     reader of sequence s
 *      C1  control: PUBLISHED(s) -> WRITING       B1  pins |= my bit
 *      C2  pins = 0 ? mine : unclaim              B2  control = PUBLISHED(s) ? mine : unpin
 *
 * An observer may only read, and pins with a lock that the kernel keeps for it: O1 takes a shared
 * lock on the slot's byte, O2 looks at the control word as B2 does, and the writer's C2 asks the
 * kernel too. The kernel's own lock orders the two, and drops an observer's with the observer. (Linux
 * asks without that lock for a file that nobody has locked: the writer's own byte is on this one.)
 *
 * All four are sequentially consistent, so at least one of the two sees the other and steps back:
 * a writer never fills what a reader holds. C2 holds for FREE slots too: a reader may have set its
 * bit for an earlier life of the slot and be about to find out.
 */

#include <stdbool.h>

#include "base.h"
#include "layout.h"

enum fri_slot_state { SLOT_FREE, SLOT_WRITING, SLOT_PUBLISHED, SLOT_TAKEN };

/* The last number that fits is kept free: a ring that reaches it, in 8.9 years at a million frames
 * a second, refuses to publish. */
#define FRI_SEQUENCE_LIMIT ((UINT64_C(1) << 48) - 2)

static inline uint64_t control_make(uint64_t sequence, enum fri_slot_state state, unsigned owner)
{
    return sequence << 16 | (uint64_t)state << 12 | owner;
}

static inline uint64_t control_sequence(uint64_t control)
{
    return control >> 16;
}

static inline unsigned control_state(uint64_t control)
{
    return (unsigned)(control >> 12) & 15;
}

static inline unsigned control_owner(uint64_t control)
{
    return (unsigned)control & 0xfff;
}

static inline bool control_is_owned(uint64_t control, unsigned owner)
{
    unsigned state = control_state(control);

    return (state == SLOT_WRITING || state == SLOT_TAKEN) && control_owner(control) == owner;
}

static inline uint64_t slot_control(const struct fri_slot *slot)
{
    return word_load(&slot->control);
}

/* C1. FREE(q) or PUBLISHED(q), as seen, -> WRITING(q, w). A death after it: the slot is w's. */
static inline bool slot_try_claim(struct fri_slot *slot, uint64_t seen, unsigned writer)
{
    return word_try_change(&slot->control, seen,
                           control_make(control_sequence(seen), SLOT_WRITING, writer));
}

/* C2 found a pin: back to exactly what it was. A death before it: recovery makes it FREE. */
static inline void slot_unclaim(struct fri_slot *slot, uint64_t seen, unsigned writer)
{
    word_try_change(&slot->control, control_make(control_sequence(seen), SLOT_WRITING, writer),
                    seen);
}

/* C2 */
static inline bool slot_is_pinned(const struct fri_slot *slot)
{
    return word_load(&slot->pins) != 0;
}

/* WRITING(q, w) -> FREE(q). False if the word is not w's: somebody scribbled. */
static inline bool slot_abort(struct fri_slot *slot, unsigned writer)
{
    uint64_t seen = slot_control(slot);

    return control_state(seen) == SLOT_WRITING && control_owner(seen) == writer &&
           word_try_change(&slot->control, seen,
                           control_make(control_sequence(seen), SLOT_FREE, 0));
}

/*
 * WRITING(q, w) -> PUBLISHED(s) for s > q. Done by the publisher and by everybody who finds the slot
 * announced under s; only the first has an effect.
 */
static inline void slot_complete(struct fri_slot *slot, uint64_t sequence)
{
    uint64_t seen = slot_control(slot);

    if (control_sequence(seen) < sequence && control_state(seen) == SLOT_WRITING)
        word_try_change(&slot->control, seen, control_make(sequence, SLOT_PUBLISHED, 0));
}

/* B2: whether the slot still carries that item. */
static inline bool slot_carries(const struct fri_slot *slot, uint64_t sequence)
{
    return slot_control(slot) == control_make(sequence, SLOT_PUBLISHED, 0);
}

/*
 * O2: the same for one who cannot help. An item that was announced is whole, though its slot may
 * still be WRITING; the caller has seen the entry that announces it.
 */
static inline bool slot_will_carry(const struct fri_slot *slot, uint64_t sequence)
{
    uint64_t seen = slot_control(slot);

    return seen == control_make(sequence, SLOT_PUBLISHED, 0) ||
           (control_state(seen) == SLOT_WRITING && control_sequence(seen) < sequence);
}

/* PUBLISHED(s) -> TAKEN(s, r): the item is r's alone. A death after it: the item is lost with r. */
static inline bool slot_try_take(struct fri_slot *slot, uint64_t sequence, unsigned reader)
{
    return word_try_change(&slot->control, control_make(sequence, SLOT_PUBLISHED, 0),
                           control_make(sequence, SLOT_TAKEN, reader));
}

/* TAKEN(s, r) -> FREE(s). False if the word is not r's: somebody scribbled. */
static inline bool slot_give_back(struct fri_slot *slot, uint64_t sequence, unsigned reader)
{
    return word_try_change(&slot->control, control_make(sequence, SLOT_TAKEN, reader),
                           control_make(sequence, SLOT_FREE, 0));
}

/* B1. A death after it: the bit is cleared on r's behalf. */
static inline void slot_pin(struct fri_slot *slot, unsigned reader)
{
    word_set_bits(&slot->pins, fri_bit(reader));
}

static inline void slot_unpin(struct fri_slot *slot, unsigned reader)
{
    word_clear_bits(&slot->pins, fri_bit(reader));
}

/* Recovery: whatever the dead member holds becomes free. The caller holds its lock byte. */
static inline void slot_bury(struct fri_slot *slot, unsigned dead)
{
    uint64_t seen = slot_control(slot);

    if (control_is_owned(seen, dead))
        word_try_change(&slot->control, seen, control_make(control_sequence(seen), SLOT_FREE, 0));
    if (word_load(&slot->pins) & fri_bit(dead))
        slot_unpin(slot, dead);
}

#endif
