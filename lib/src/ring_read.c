/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: the reader's side of a ring: joining, lending the next or the newest, giving back,
 * waiting for data, and moving over to the ring of a restarted writer.
 */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "event.h"
#include "name.h"
#include "opts.h"
#include "order.h"
#include "point.h"
#include "ring.h"

#define PROBE_PAUSE_NS FR_MS(5)

/* ---- Life -------------------------------------------------------------------------------- */

static bool gates(const struct fr_reader *reader)
{
    return reader->seat->delivery == FR_BROADCAST && reader->seat->overflow != FR_DROP_OLDEST &&
           !reader->is_lossy && !reader->seat->observes;
}

/* Only writers that wait for us look at it, so only then is the fenced store worth its price. */
static void publish_cursor(struct fr_reader *reader)
{
    if (gates(reader))
        word_store(&reader->seat->members[reader->seat->place].cursor, reader->next);
}

/*
 * J6 and J7 of seat.h. The newest frame is the first one wanted, but what was published before our
 * bit was seen may be gone by the time we reach for it, and is not counted as a loss.
 */
static void join(struct fr_reader *reader)
{
    struct fri_seat *seat = reader->seat;

    reader->dropped = word_peek(&seat->page->dropped);
    reader->session = seat->object.identity.session;
    reader->stats.sessions++;
    if (seat->delivery == FR_QUEUE)
        return;
    if (gates(reader))
        word_set_bits(&seat->page->gating, fri_bit(seat->place));
    FR_POINT("joined with the lowest bound");
    uint64_t newest = fri_order_newest(seat);
    reader->guaranteed = newest + 1;
    reader->next = fri_max(newest, 1);
    publish_cursor(reader);
    FR_POINT("joined, not woken");
    fri_seat_wake_writers(seat); /* the bound rose */
}

FR_API int fr_reader_open(const char *name, const struct fr_reader_opts *opts, int64_t timeout_ns,
                          struct fr_reader **out)
{
    struct fr_reader_opts known;

    FR_CHECK(out);
    *out = NULL;
    int error = fri_opts_read(&known, sizeof known, opts, opts ? opts->size : 0);
    if (error < 0)
        return error;
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    struct fr_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fri_fail(FR_ENOMEM, "out of memory");
    memcpy(reader->name, name, strlen(name) + 1);
    reader->is_lossy = known.lossy != 0;
    reader->follows = known.follow != 0;
    reader->role = known.observe ? FRI_OBSERVER : FRI_READER;
    error = fri_seat_open(name, reader->role, timeout_ns, &reader->seat);
    if (error < 0) {
        free(reader);
        return error;
    }
    join(reader);
    *out = reader;
    return 0;
}

/* Nobody reads on here: loans that are still out keep their own slots, but no writer waits. */
static void leave(struct fri_seat *seat)
{
    if (!seat->observes) {
        word_clear_bits(&seat->page->gating, fri_bit(seat->place));
        FR_POINT("no longer gating, not woken");
        fri_seat_wake_writers(seat);
    }
    fri_seat_unref(seat);
}

FR_API void fr_reader_close(struct fr_reader **reader)
{
    if (!reader || !*reader)
        return;
    leave((*reader)->seat);
    free(*reader);
    *reader = NULL;
}

FR_API uint64_t fr_reader_slot_size(const struct fr_reader *reader)
{
    return reader->seat->slot_size;
}

/* ---- Looking for an item ----------------------------------------------------------------- */

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
        if (try_hold(seat, slot, wanted)) {
            reader->next = wanted + 1;
            publish_cursor(reader);
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
    publish_cursor(reader);
    fri_seat_wake_writers(reader->seat);
}

static int try_lend(struct fr_reader *reader, enum fr_which which, struct fri_loan **out)
{
    if (reader->seat->delivery == FR_QUEUE)
        return try_take(reader, out);
    if (which == FR_LATEST)
        skip_to_newest(reader);
    return try_next(reader, out);
}

/* What writers dropped since we last looked. */
static void count_drops(struct fr_reader *reader)
{
    uint64_t dropped = word_peek(&reader->seat->page->dropped);

    reader->loss.dropped += dropped - reader->dropped;
    reader->dropped = dropped;
}

/* ---- The end of a ring, and the next ring of its name ------------------------------------- */

/* Asking the kernel whether a writer lives costs a system call: not more often than in a slice. */
static int status(struct fr_reader *reader)
{
    struct fri_seat *seat = reader->seat;
    int64_t now = fri_clock_now();

    if (word32_load(&seat->page->closed))
        return FR_ECLOSED;
    if (now - seat->probed_ns < PROBE_PAUSE_NS)
        return 0;
    seat->probed_ns = now;
    return fri_owner_status(seat->object.fd, &seat->page->closed);
}

/* 1: attached to the ring that has the name now; 0: there is none yet; or why it cannot be opened. */
static int try_move_over(struct fr_reader *reader)
{
    struct fri_seat *seat;

    if (!fri_object_is_replaced(&reader->seat->object))
        return 0;
    int error = fri_seat_open(reader->name, reader->role, FR_NOWAIT, &seat);
    if (error < 0)
        return error == FR_ENOENT ? 0 : error;
    count_drops(reader);
    reader->stats.recovered += word_peek(&reader->seat->recovered);
    leave(reader->seat);
    reader->seat = seat;
    join(reader);
    return 1;
}

static int wait_for_next_ring(struct fr_reader *reader, int64_t remaining_ns)
{
    struct fri_name_wait wait;
    int moved;

    fri_name_wait_begin(&wait, remaining_ns == INT64_MAX ? FR_FOREVER : remaining_ns);
    do {
        moved = try_move_over(reader);
    } while (moved == 0 && fri_name_wait_step(&wait));
    fri_name_wait_end(&wait);
    return moved == 0 ? FR_ETIMEDOUT : moved;
}

/* Positive: attached to the next ring; FR_ETIMEDOUT; or why the old one ended, if we do not follow. */
static int move_over(struct fr_reader *reader, int end, const struct fri_wait *wait)
{
    int moved = try_move_over(reader);

    if (moved != 0)
        return moved;
    if (!reader->follows)
        return fri_fail(end,
                        end == FR_ECLOSED ? "the writers of %s closed it"
                                          : "the writers of %s died",
                        reader->name);
    int64_t remaining = fri_wait_remaining(wait);
    return remaining == 0 ? FR_ETIMEDOUT : wait_for_next_ring(reader, remaining);
}

/* ---- Lending ----------------------------------------------------------------------------- */

/* A look, and what the ring's end means for it. FR_ETIMEDOUT: nothing yet, but it may come. */
static int look(struct fr_reader *reader, enum fr_which which, const struct fri_wait *wait,
                struct fri_loan **out)
{
    int error = try_lend(reader, which, out);

    while (error == FR_ETIMEDOUT) {
        int end = status(reader);

        if (end == 0)
            return fri_loans_are_all_out(reader->seat)
                       ? fri_fail(FR_EBUSY, "you hold all %u slots: release some first",
                                  reader->seat->slots)
                       : FR_ETIMEDOUT;
        /* What was published before the end is there now, if we had not seen it. */
        error = try_lend(reader, which, out);
        if (error != FR_ETIMEDOUT)
            return error;
        error = move_over(reader, end, wait);
        if (error < 0)
            return error;
        error = try_lend(reader, which, out);
    }
    return error;
}

static void add_loss(struct fr_loss *to, const struct fr_loss *more)
{
    to->skipped += more->skipped;
    to->overwritten += more->overwritten;
    to->dropped += more->dropped;
}

static void account(struct fr_reader *reader, struct fri_loan *loan)
{
    count_drops(reader);
    loan->slot.loss = reader->loss;
    reader->stats.delivered++;
    add_loss(&reader->stats.loss, &reader->loss);
    reader->loss = (struct fr_loss){ 0 };
}

void fri_reader_keep_loss(struct fr_reader *reader, const struct fri_loan *loan)
{
    struct fr_loss *told = &reader->stats.loss;

    add_loss(&reader->loss, &loan->slot.loss);
    told->skipped -= loan->slot.loss.skipped;
    told->overwritten -= loan->slot.loss.overwritten;
    told->dropped -= loan->slot.loss.dropped;
    reader->stats.delivered--;
}

int fri_reader_lend(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                    struct fri_loan **out)
{
    struct fri_wait wait;

    if (which == FR_LATEST && reader->seat->delivery == FR_QUEUE)
        return fri_fail(FR_ENOTSUP,
                        "a queue has no latest item: each goes to one reader, in order");
    /* The common case first, without asking the clock. */
    int error = try_lend(reader, which, out);
    if (error == FR_ETIMEDOUT) {
        fri_wait_begin(&wait, timeout_ns);
        wait.only_reads = reader->seat->observes;
        error = look(reader, which, &wait, out);
        while (error == FR_ETIMEDOUT && fri_wait_step(&wait, &reader->seat->page->data_event) == 0)
            error = look(reader, which, &wait, out);
        reader->stats.waits += wait.sleeps;
        reader->stats.waited_ns += (uint64_t)wait.slept_ns;
    }
    if (error == 0)
        account(reader, *out);
    if (error == FR_ETIMEDOUT)
        reader->stats.timeouts++;
    return error;
}

void fri_reader_release_loan(struct fri_loan *loan)
{
    struct fri_seat *seat = loan->seat;
    struct fri_slot *slot = &seat->slot[loan->index];
    uint64_t sequence = loan->slot.sequence;

    if (!fri_loan_end(loan, LOAN_READING))
        return;
    if (seat->observes)
        fri_lock_drop(seat->object.fd, FRI_LOCK_PIN + loan->index);
    else if (seat->delivery == FR_QUEUE)
        slot_give_back(slot, sequence, seat->place);
    else
        slot_unpin(slot, seat->place);
    FR_POINT("released, not woken");
    fri_seat_wake_writers(seat);
    fri_seat_unref(seat);
}

/* ---- Public: slots ----------------------------------------------------------------------- */

FR_API int fr_reader_acquire(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                             const struct fr_slot **out)
{
    struct fri_loan *loan;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(reader && (which == FR_NEXT || which == FR_LATEST));
    int error = fri_reader_lend(reader, which, timeout_ns, &loan);
    if (error == 0)
        *out = &loan->slot;
    return error;
}

FR_API void fr_reader_release(const struct fr_slot **slot)
{
    if (!slot || !*slot)
        return;
    struct fri_loan *loan = fri_loan_of_slot(*slot);
    *slot = NULL;
    fri_reader_release_loan(loan);
}

FR_API int fr_reader_read(struct fr_reader *reader, enum fr_which which, void *dst, size_t capacity,
                          int64_t timeout_ns, size_t *size)
{
    const struct fr_slot *slot;

    FR_CHECK(reader && dst && size);
    if (capacity < reader->seat->slot_size)
        return fri_fail(FR_EMSGSIZE, "room for %zu bytes, an item may have %llu", capacity,
                        (unsigned long long)reader->seat->slot_size);
    int error = fr_reader_acquire(reader, which, timeout_ns, &slot);
    if (error < 0)
        return error;
    if (slot->used > capacity) /* the ring of a restarted writer has larger slots */
        error = fri_fail(FR_EMSGSIZE, "room for %zu bytes, the item has %llu", capacity,
                         (unsigned long long)slot->used);
    else
        memcpy(dst, slot->data, slot->used);
    if (error == 0)
        *size = (size_t)slot->used;
    fr_reader_release(&slot);
    return error;
}
