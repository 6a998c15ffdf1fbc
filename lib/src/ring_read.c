/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: the reader's side of a ring: joining, waiting for data, lending, giving back, and moving
 * over to the ring of a restarted writer. Which item it gets is take.c's.
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

/*
 * J6 and J7 of seat.h. The newest frame is the first one wanted, but what was published before our
 * bit was seen may be gone by the time we reach for it, and is not counted as a loss.
 */
static void begin_at_newest(struct fr_reader *reader)
{
    struct fri_seat *seat = reader->seat;

    if (fri_gates(reader))
        word_set_bits(&seat->page->gating, fri_bit(seat->place));
    FR_POINT("joined with the lowest bound");
    uint64_t newest = fri_order_newest(seat);
    reader->guaranteed = newest + 1;
    reader->next = fri_max(newest, 1);
    fri_publish_cursor(reader);
    FR_POINT("joined, not woken");
    fri_seat_wake_writers(seat); /* the bound rose */
}

static void join(struct fr_reader *reader)
{
    struct fri_seat *seat = reader->seat;

    reader->dropped = word_peek(&seat->page->dropped);
    reader->session = seat->object.identity.session;
    reader->stats.sessions++;
    if (seat->delivery == FR_BROADCAST)
        begin_at_newest(reader);
    fri_tally_joined(seat->tally);
}

static int open_reader(const char *name, int fd, const struct fr_reader_opts *opts,
                       int64_t timeout_ns, struct fr_reader **out)
{
    struct fr_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return fri_fail(FR_ENOMEM, "out of memory");
    if (name)
        memcpy(reader->name, name, strlen(name) + 1);
    reader->is_lossy = opts->lossy != 0;
    reader->follows = opts->follow != 0;
    reader->role = opts->observe ? FRI_OBSERVER : FRI_READER;
    int error = fri_seat_open(name, fd, reader->role, timeout_ns, &reader->seat);
    if (error < 0) {
        free(reader);
        return error;
    }
    join(reader);
    *out = reader;
    return 0;
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
    return open_reader(name, -1, &known, timeout_ns, out);
}

FR_API int fr_reader_from_fd(int fd, const struct fr_reader_opts *opts, struct fr_reader **out)
{
    struct fr_reader_opts known;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(fd >= 0);
    int error = fri_opts_read(&known, sizeof known, opts, opts ? opts->size : 0);
    if (error < 0)
        return error;
    if (known.follow)
        return fri_fail(FR_EINVAL, "without a name there is no next ring to follow");
    return open_reader(NULL, fd, &known, FR_NOWAIT, out);
}

/* Nobody reads on here: loans that are still out keep their own slots, but no writer waits. */
static void leave(struct fri_seat *seat)
{
    if (!seat->observes && !fri_object_is_inherited(&seat->object)) {
        word_clear_bits(&seat->page->gating, fri_bit(seat->place));
        FR_POINT("no longer gating, not woken");
        fri_seat_wake_writers(seat);
    }
    fri_seat_close(seat);
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

/* ---- What it lost ------------------------------------------------------------------------- */

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
    int error = fri_seat_open(reader->name, -1, reader->role, FR_NOWAIT, &seat);
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
                        reader->seat->object.path);
    int64_t remaining = fri_wait_remaining(wait);
    return remaining == 0 ? FR_ETIMEDOUT : wait_for_next_ring(reader, remaining);
}

/* ---- Lending ----------------------------------------------------------------------------- */

/* A look, and what the ring's end means for it. FR_ETIMEDOUT: nothing yet, but it may come. */
static int look(struct fr_reader *reader, enum fr_which which, const struct fri_wait *wait,
                struct fri_loan **out)
{
    int error = fri_take(reader, which, out);

    while (error == FR_ETIMEDOUT) {
        int end = status(reader);

        if (end == 0)
            return fri_loans_are_all_out(reader->seat)
                       ? fri_fail(FR_EBUSY, "you hold all %u slots: release some first",
                                  reader->seat->slots)
                       : FR_ETIMEDOUT;
        /* What was published before the end is there now, if we had not seen it. */
        error = fri_take(reader, which, out);
        if (error != FR_ETIMEDOUT)
            return error;
        error = move_over(reader, end, wait);
        if (error < 0)
            return error;
        error = fri_take(reader, which, out);
    }
    return error;
}

static void add_loss(struct fr_loss *to, const struct fr_loss *more)
{
    to->skipped += more->skipped;
    to->overwritten += more->overwritten;
    to->dropped += more->dropped;
}

static void show(struct fri_tally *tally, const struct fri_loan *loan)
{
    const struct fr_loss *loss = &loan->slot.loss;

    word_poke(&tally->sequence, loan->slot.sequence);
    if (!(loss->skipped | loss->overwritten | loss->dropped))
        return;
    tally_add(&tally->skipped, loss->skipped);
    tally_add(&tally->overwritten, loss->overwritten);
    tally_add(&tally->dropped, loss->dropped);
}

static void account(struct fr_reader *reader, struct fri_loan *loan)
{
    count_drops(reader);
    loan->slot.loss = reader->loss;
    reader->stats.delivered++;
    add_loss(&reader->stats.loss, &reader->loss);
    reader->loss = (struct fr_loss){ 0 };
    show(reader->seat->tally, loan);
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

    if (fri_object_is_inherited(&reader->seat->object))
        return fri_object_fail_inherited();
    if (which == FR_LATEST && reader->seat->delivery == FR_QUEUE)
        return fri_fail(FR_ENOTSUP,
                        "a queue has no latest item: each goes to one reader, in order");
    /* The common case first, without asking the clock. */
    int error = fri_take(reader, which, out);
    if (error == FR_ETIMEDOUT) {
        fri_wait_begin(&wait, timeout_ns);
        wait.only_reads = reader->seat->observes;
        if (reader->is_busy)
            fri_wait_look_first(&wait);
        error = look(reader, which, &wait, out);
        while (error == FR_ETIMEDOUT && fri_wait_step(&wait, &reader->seat->page->data_event) == 0)
            error = look(reader, which, &wait, out);
        reader->is_busy = error == 0 && fri_wait_was_short(&wait);
        fri_count_wait(&reader->stats, reader->seat->tally, &wait, error);
    }
    if (error == 0)
        account(reader, *out);
    return error;
}

void fri_reader_release_loan(struct fri_loan *loan)
{
    struct fri_seat *seat = loan->seat;
    struct fri_slot *slot = &seat->slot[loan->index];
    uint64_t sequence = loan->slot.sequence;

    if (fri_object_is_inherited(&seat->object))
        return;
    int64_t since_ns = loan->since_ns;
    if (!fri_loan_end(loan, LOAN_READING))
        return;
    if (since_ns)
        tally_time(seat->tally->hold, since_ns, fri_clock_now());
    if (seat->observes)
        fri_lock_drop(seat->object.fd, FRI_LOCK_PIN + loan->index);
    else if (seat->delivery == FR_QUEUE)
        slot_give_back(slot, sequence, seat->place);
    else
        slot_unpin(slot, seat->place);
    FR_POINT("released, not woken");
    fri_seat_wake_writers(seat);
    fri_loan_settle(loan);
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
    if (error != 0)
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
