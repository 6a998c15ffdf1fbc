/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: cleaning up after members that died.
 *
 *      R1  probe: does anybody hold the lock byte of attached member d?      a hint only
 *      R2  lock that byte, on an open file description of its own            proof of d's death, and
 *                                                                            the sole right to go on
 *      R3  help the publication that d may have left half done              (before R4: else its item
 *                                                                            would be freed unseen)
 *      R4  every slot that is WRITING or TAKEN by d -> FREE; d's pins off
 *      R5  d's bits off: gating, writers, attached
 *      R6  unlock by closing; wake everybody
 *
 * Each step may be repeated. If we die in the middle, the kernel drops the lock of R2 and the next
 * one starts over: attached, the hint for R1, is cleared last.
 *
 * Probing goes through a description of its own because locks of one description do not conflict
 * with each other: asking through the one that holds our own locks would call ourselves dead.
 */
#include "base.h"
#include "log.h"
#include "order.h"
#include "point.h"
#include "seat.h"

#define PAUSE_NS FR_MS(5)

/* R3 to R5 */
void fri_seat_clear_place(struct fri_seat *seat, unsigned place)
{
    fri_order_newest(seat);
    FR_POINT("half publication helped");
    for (uint32_t i = 0; i < seat->slots; i++)
        slot_bury(&seat->slot[i], place);
    FR_POINT("slots buried");
    word_clear_bits(&seat->page->gating, fri_bit(place));
    word_clear_bits(&seat->page->writers, fri_bit(place));
    FR_POINT("bits cleared but one");
    word_clear_bits(&seat->page->attached, fri_bit(place));
}

/* R1 and R2. True if it was dead and is cleaned up. */
static bool bury_if_dead(struct fri_seat *seat, unsigned place)
{
    int fd;

    if (fri_lock_is_held(seat->object.fd, FRI_LOCK_MEMBER + place, 1))
        return false;
    if (fri_file_reopen(seat->object.fd, true, &fd) < 0)
        return false;
    bool is_ours = fri_lock_try(fd, FRI_LOCK_MEMBER + place, 1);
    /* Without its bit it left in order, or was cleaned up after, while we were coming. */
    if (is_ours && !(word_load(&seat->page->attached) & fri_bit(place)))
        is_ours = false;
    if (is_ours) {
        FR_POINT("dead member locked");
        fri_seat_clear_place(seat, place);
        fri_log(FR_LOG_INFO, "cleaned up after member %u of %s: its process is gone", place,
                seat->object.path);
    }
    fri_file_close(fd);
    return is_ours;
}

unsigned fri_seat_recover(struct fri_seat *seat)
{
    uint64_t others = word_load(&seat->page->attached) & ~fri_bit(seat->place);
    unsigned found = 0;

    for (; others; others &= others - 1) {
        if (bury_if_dead(seat, fri_lowest_bit(others)))
            found++;
    }
    if (found) {
        word_count(&seat->recovered, found);
        fri_seat_wake_readers(seat);
        fri_seat_wake_writers(seat);
    }
    seat->probed_ns = fri_clock_now();
    return found;
}

unsigned fri_seat_recover_sometimes(struct fri_seat *seat)
{
    return fri_clock_now() - seat->probed_ns < PAUSE_NS ? 0 : fri_seat_recover(seat);
}
