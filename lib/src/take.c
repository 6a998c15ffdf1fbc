/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: which item a reader gets, and how it comes to hold it: the counterpart of claim.c.
 *
 *      broadcast, FR_NEXT     the next number that is still there; pinned, or locked by an observer
 *      broadcast, FR_LATEST   the newest, when those before it were passed over
 *      queue                  the one at the head, for this reader alone
 */
#include "base.h"
#include "order.h"
#include "point.h"
#include "ring.h"

/* ---- Who waits for whom -------------------------------------------------------------------- */

bool fri_gates(const struct fr_reader *reader)
{
    return reader->seat->delivery == FR_BROADCAST && reader->seat->overflow != FR_DROP_OLDEST &&
           !reader->is_lossy && !reader->seat->observes;
}

/* Only writers that wait for us look at it, so only then is the fenced store worth its price. */
void fri_publish_cursor(struct fr_reader *reader)
{
    if (fri_gates(reader))
        word_store(&reader->seat->members[reader->seat->place].cursor, reader->next);
}

/* ---- Items --------------------------------------------------------------------------------- */

static struct fri_loan *lend(struct fr_reader *reader, struct fri_slot *slot, uint64_t sequence)
{
    struct fri_seat *seat = reader->seat;
    uint32_t index = (uint32_t)(slot - seat->slot);
    struct fri_loan *loan = fri_loan_begin(seat, index, LOAN_READING);

    loan->slot.sequence = sequence;
    /* Read once, and never believed beyond the slot. */
    loan->slot.used = fri_min(word_peek(&slot->used), seat->slot_size);
    return loan;
}

/* Queue: the item at the head becomes ours alone. */
static int try_take(struct fr_reader *reader, struct fri_loan **out)
{
    struct fri_seat *seat = reader->seat;

    for (uint64_t round = 0; round < 64 * (seat->order_mask + 1); round++) {
        uint64_t head = word_load(&seat->page->head);
        uint64_t entry = word_load(order_entry(seat, head));
        struct fri_slot *slot = entry_slot(seat, entry);

        if (entry_sequence(entry) < head)
            return FR_ETIMEDOUT;
        if (entry_sequence(entry) > head)
            continue; /* head was old */
        if (slot && fri_loan_is_out(seat, (uint32_t)(slot - seat->slot)))
            slot = NULL; /* what the user has cannot be queued, unless somebody scribbled */
        if (slot)
            slot_complete(slot, head);
        if (slot && slot_try_take(slot, head, seat->place)) {
            FR_POINT("taken, head not moved");
            head_advance(seat, head);
            if (word_peek(&seat->page->unreported) != 0)
                reader->loss.overwritten += word_take_all(&seat->page->unreported);
            *out = lend(reader, slot, head);
            return 0;
        }
        head_advance(seat, head);
    }
    return fri_fail(FR_ECORRUPT, "the queue makes no sense");
}

/* Numbers from the next one up to first were overwritten. */
static void lose_until(struct fr_reader *reader, uint64_t first)
{
    uint64_t from = fri_max(reader->next, reader->guaranteed);

    if (first > from)
        reader->loss.overwritten += first - from;
    reader->next = first;
}

/*
 * The entry of the number that we want carries a later one already. Of a ring with K entries the
 * last K numbers can be there at the most.
 */
static void catch_up(struct fr_reader *reader)
{
    uint64_t tail = word_load(&reader->seat->page->tail);
    uint64_t oldest = tail - fri_min(tail, reader->seat->order_mask);

    lose_until(reader, fri_max(oldest, reader->next + 1));
}

/* What pinning writes and the user reads next comes at the same time, not one after the other. */
static void foresee(const struct fri_seat *seat, const struct fri_slot *slot)
{
    uint64_t offset = (uint64_t)(slot - seat->slot) * seat->slot_stride;

    fetch_to_write(&slot->control, sizeof slot->control);
    fetch_to_read(&slot->used, sizeof slot->used);
    fetch_to_read(seat->object.data + offset, sizeof(struct fri_frame_header));
}

/* B1 and B2 of slot.h. The cheap look first: a pin that fails costs writers a step back. */
static bool try_pin(struct fri_seat *seat, struct fri_slot *slot, uint64_t sequence)
{
    slot_complete(slot, sequence);
    if (!slot_carries(slot, sequence))
        return false;
    FR_POINT("looked, not pinned");
    slot_pin(slot, seat->place);
    FR_POINT("pinned, not checked");
    if (slot_carries(slot, sequence))
        return true;
    slot_unpin(slot, seat->place);
    FR_POINT("unpinned, not woken");
    fri_seat_wake_writers(seat); /* a writer may have stepped back for our bit */
    return false;
}

/* O1 and O2 of slot.h. */
static bool try_observe(struct fri_seat *seat, struct fri_slot *slot, uint64_t sequence)
{
    uint32_t byte = FRI_LOCK_PIN + (uint32_t)(slot - seat->slot);

    if (!slot_will_carry(slot, sequence) || !fri_lock_share(seat->object.fd, byte))
        return false;
    FR_POINT("observed, not checked");
    if (slot_will_carry(slot, sequence))
        return true;
    fri_lock_drop(seat->object.fd, byte);
    return false;
}

static bool try_hold(struct fri_seat *seat, struct fri_slot *slot, uint64_t sequence)
{
    return seat->observes ? try_observe(seat, slot, sequence) : try_pin(seat, slot, sequence);
}

/* Broadcast: the next number that is still there. The cursor moves only once the pin is valid. */
static int try_next(struct fr_reader *reader, struct fri_loan **out)
{
    struct fri_seat *seat = reader->seat;

    for (uint64_t round = 0; round < 4 * (seat->order_mask + 1) + 64; round++) {
        uint64_t wanted = reader->next;
        uint64_t entry = word_load(order_entry(seat, wanted));
        struct fri_slot *slot = entry_slot(seat, entry);

        if (entry_sequence(entry) < wanted)
            return FR_ETIMEDOUT;
        if (entry_sequence(entry) > wanted) {
            catch_up(reader);
            continue;
        }
        if (!slot || fri_loan_is_out(seat, (uint32_t)(slot - seat->slot)))
            break; /* a slot that we hold cannot have been published again */
        foresee(seat, slot);
        if (try_hold(seat, slot, wanted)) {
            reader->next = wanted + 1;
            fri_publish_cursor(reader);
            FR_POINT("pinned, cursor moved");
            *out = lend(reader, slot, wanted);
            return 0;
        }
        lose_until(reader, wanted + 1);
    }
    return fri_fail(FR_ECORRUPT, "the order of publication makes no sense");
}

/* Passes over everything but the newest; that may free slots. */
static void skip_to_newest(struct fr_reader *reader)
{
    uint64_t newest = fri_order_newest(reader->seat);
    uint64_t from = fri_max(reader->next, reader->guaranteed);

    if (newest <= reader->next)
        return;
    reader->loss.skipped += newest > from ? newest - from : 0;
    reader->next = newest;
    fri_publish_cursor(reader);
    fri_seat_wake_writers(reader->seat);
}

int fri_take(struct fr_reader *reader, enum fr_which which, struct fri_loan **out)
{
    if (reader->seat->delivery == FR_QUEUE)
        return try_take(reader, out);
    if (which == FR_LATEST)
        skip_to_newest(reader);
    return try_next(reader, out);
}
