/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: which slot a writer may fill next. FREE ones always; which published ones, is the whole
 * difference between the deliveries and policies:
 *
 *      broadcast, FR_BLOCK, FR_DROP_NEWEST   read by every gating reader, and not the newest
 *      broadcast, FR_DROP_OLDEST             the oldest that nobody has pinned, and not the newest
 *      queue, FR_DROP_OLDEST                 the item at the head of the queue
 *      queue, otherwise                      none: they come back FREE from their reader
 *
 * The newest frame of a broadcast is never reclaimed: it is what a late joiner sees, and what is
 * left when the writer dies.
 */
#include "order.h"
#include "ring.h"

#include "point.h"

/* A round that fails means that others got something meanwhile. Then we let the caller wait. */
#define CLAIM_ROUNDS 64

/* Slots of so many bytes are taken from the front. */
#define LARGE_SLOT 65536

/* What one look over all slots came to. */
struct survey {
    int claimed;     /* an index, or -1 */
    bool raced;      /* somebody else got there first: another look may find one */
    bool met_pins;   /* a reader holds what we would have taken */
    uint64_t oldest; /* FR_DROP_OLDEST: control word of the oldest candidate; 0 none */
    uint32_t oldest_slot;
};

/* C1 and C2 of slot.h. True: the slot is ours. */
static bool try_claim(struct fri_seat *seat, uint32_t index, uint64_t seen)
{
    struct fri_slot *slot = &seat->slot[index];

    /* A slot that the user has cannot be claimable, unless somebody scribbled. */
    if (fri_loan_is_out(seat, index))
        return false;
    FR_POINT("chosen, not claimed");
    if (!slot_try_claim(slot, seen, seat->place))
        return false;
    FR_POINT("claimed, pins not looked at");
    if (seat->delivery == FR_BROADCAST && fri_seat_is_pinned(seat, index)) {
        slot_unclaim(slot, seen, seat->place);
        return false;
    }
    return true;
}

/*
 * Numbers below the result were read by every reader that gates. The tail is read before the set of
 * readers: whoever joins later begins at or after it. Without readers it is the tail, never
 * "infinity", because a reader may join between this look and the claim.
 */
static uint64_t lowest_cursor(const struct fri_seat *seat)
{
    uint64_t lowest = word_load(&seat->page->tail);
    uint64_t readers = word_load(&seat->page->gating);

    for (; readers; readers &= readers - 1)
        lowest = fri_min(lowest, word_load(&seat->members[fri_lowest_bit(readers)].cursor));
    return lowest;
}

/* Whether every gating reader is past a number; looks at the cursors only if it might have changed. */
static bool is_reclaimable(struct fr_writer *writer, uint64_t sequence, bool *looked)
{
    if (sequence >= writer->reclaimable && !*looked) {
        writer->reclaimable = lowest_cursor(writer->seat);
        *looked = true;
    }
    return sequence < writer->reclaimable;
}

static void note_oldest(struct survey *survey, uint64_t control, uint32_t index)
{
    if (survey->oldest == 0 || control_sequence(control) < control_sequence(survey->oldest)) {
        survey->oldest = control;
        survey->oldest_slot = index;
    }
}

/* Whether a published slot of a broadcast may be claimed right now. */
static bool may_reclaim(struct fr_writer *writer, uint32_t index, uint64_t control, uint64_t tail,
                        bool *looked, struct survey *survey)
{
    struct fri_seat *seat = writer->seat;

    if (seat->overflow != FR_DROP_OLDEST)
        return is_reclaimable(writer, control_sequence(control), looked) &&
               !fri_seat_is_pinned(seat, index);
    if (control_sequence(control) >= tail)
        return false;
    if (fri_seat_is_pinned(seat, index))
        survey->met_pins = true;
    else
        note_oldest(survey, control, index);
    return false; /* only the oldest of all will do */
}

/*
 * Where the search begins. Large slots: at the first, so that no more of them are in use than are
 * needed, and these stay in the caches. Small ones: after the last one taken, since those before it
 * are still queued, and looking at each would cost more.
 */
static uint32_t first_slot(const struct fr_writer *writer)
{
    return writer->seat->slot_size >= LARGE_SLOT ? 0 : writer->next_slot;
}

static struct survey look_once(struct fr_writer *writer)
{
    struct fri_seat *seat = writer->seat;
    struct survey survey = { .claimed = -1 };
    uint64_t tail = word_load(&seat->page->tail);
    uint32_t index = first_slot(writer);
    bool looked = false;

    for (uint32_t i = 0; i < seat->slots; i++, index++) {
        if (index == seat->slots)
            index = 0;
        uint64_t control = slot_control(&seat->slot[index]);
        unsigned state = control_state(control);

        if (state == SLOT_PUBLISHED && seat->delivery == FR_BROADCAST) {
            if (!may_reclaim(writer, index, control, tail, &looked, &survey))
                continue;
        } else if (state != SLOT_FREE)
            continue;
        if (try_claim(seat, index, control)) {
            survey.claimed = (int)index;
            return survey;
        }
        survey.raced = true;
    }
    return survey;
}

/* Broadcast, FR_DROP_OLDEST: the oldest of the survey. */
static void claim_oldest(struct fri_seat *seat, struct survey *survey)
{
    if (survey->oldest == 0)
        return;
    if (try_claim(seat, survey->oldest_slot, survey->oldest))
        survey->claimed = (int)survey->oldest_slot;
    else
        survey->raced = true;
}

/*
 * Queue, FR_DROP_OLDEST: the item at the head, before any reader takes it. If we die before the head
 * moves on, the next one who looks finds the item gone and moves it.
 */
static void claim_head(struct fri_seat *seat, struct survey *survey)
{
    uint64_t head = word_load(&seat->page->head);
    uint64_t entry = word_load(order_entry(seat, head));
    struct fri_slot *slot = entry_slot(seat, entry);

    if (entry_sequence(entry) < head)
        return; /* nothing is queued: others are writing in all slots */
    survey->raced = true;
    if (entry_sequence(entry) > head)
        return; /* head was old */
    if (slot && fri_loan_is_out(seat, (uint32_t)(slot - seat->slot)))
        slot = NULL; /* as in try_claim */
    if (slot)
        slot_complete(slot, head);
    if (slot && slot_try_claim(slot, control_make(head, SLOT_PUBLISHED, 0), seat->place)) {
        FR_POINT("head claimed");
        word_count(&seat->page->overwritten, 1);
        word_count(&seat->page->unreported, 1);
        survey->claimed = (int)(slot - seat->slot);
    }
    head_advance(seat, head);
}

int fri_claim(struct fr_writer *writer)
{
    struct fri_seat *seat = writer->seat;

    for (int round = 0; round < CLAIM_ROUNDS; round++) {
        struct survey survey = look_once(writer);

        if (survey.claimed < 0 && seat->overflow == FR_DROP_OLDEST) {
            if (seat->delivery == FR_QUEUE)
                claim_head(seat, &survey);
            else
                claim_oldest(seat, &survey);
        }
        if (survey.claimed >= 0) {
            writer->next_slot = (uint32_t)survey.claimed + 1;
            return survey.claimed;
        }
        /* A writer that never waits must look for itself whether a pin is a dead reader's. */
        if (survey.met_pins && fri_seat_recover_sometimes(seat) > 0)
            survey.raced = true;
        if (!survey.raced)
            return -1;
    }
    return -1;
}
