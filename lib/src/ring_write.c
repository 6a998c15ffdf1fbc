/* SPDX-License-Identifier: MIT */
/* Floor 4: the writer's side of a ring: lending, publishing, giving back, waiting for space. */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "copy.h"
#include "event.h"
#include "name.h"
#include "opts.h"
#include "order.h"
#include "point.h"
#include "ring.h"

/* ---- Life -------------------------------------------------------------------------------- */

static int alloc_writer(struct fr_writer **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : fri_fail(FR_ENOMEM, "out of memory");
}

/* The writer becomes the user's if its seat was had, and goes again if not. */
static int finish(int error, struct fr_writer *writer, struct fr_writer **out)
{
    if (error < 0)
        free(writer);
    else
        *out = writer;
    return error;
}

static int check_opts(const struct fr_writer_opts *opts)
{
    if (opts->slot_size == 0)
        return fri_fail(FR_EINVAL, "slot_size must be given (fr_frame_size tells it for frames)");
    if (opts->slots != 0 && (opts->slots < FR_MIN_SLOTS || opts->slots > FR_MAX_SLOTS))
        return fri_fail(FR_EINVAL, "a ring has %d to %d slots, not %u", FR_MIN_SLOTS, FR_MAX_SLOTS,
                        opts->slots);
    if ((unsigned)opts->delivery > FR_QUEUE || (unsigned)opts->overflow > FR_DROP_NEWEST)
        return fri_fail(FR_EINVAL, "delivery or overflow is not one of its values");
    if (opts->observers && opts->delivery != FR_BROADCAST)
        return fri_fail(FR_EINVAL, "a queue has no observers: taking an item means writing");
    if (opts->sealed && !opts->observers)
        return fri_fail(FR_EINVAL, "a sealed ring has no readers but observers: set .observers");
    if (opts->mode & ~0777u)
        return fri_fail(FR_EINVAL, "mode %o is more than permission bits", opts->mode);
    return 0;
}

FR_API int fr_writer_create(const char *name, const struct fr_writer_opts *opts,
                            struct fr_writer **out)
{
    struct fr_writer_opts known;
    struct fr_writer *writer;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(opts);
    int error = fri_opts_read(&known, sizeof known, opts, opts->size);
    if (error == 0)
        error = fri_name_check_new(name, known.sealed);
    if (error == 0)
        error = check_opts(&known);
    if (error == 0)
        error = alloc_writer(&writer);
    if (error != 0)
        return error;
    return finish(fri_seat_create(name, &known, &writer->seat), writer, out);
}

static int open_writer(const char *name, int fd, int64_t timeout_ns, struct fr_writer **out)
{
    struct fr_writer *writer;
    int error = alloc_writer(&writer);

    if (error < 0)
        return error;
    return finish(fri_seat_open(name, fd, FRI_WRITER, timeout_ns, &writer->seat), writer, out);
}

FR_API int fr_writer_open(const char *name, int64_t timeout_ns, struct fr_writer **out)
{
    FR_CHECK(out);
    *out = NULL;
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    return open_writer(name, -1, timeout_ns, out);
}

FR_API int fr_writer_from_fd(int fd, struct fr_writer **out)
{
    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(fd >= 0);
    return open_writer(NULL, fd, FR_NOWAIT, out);
}

FR_API void fr_writer_close(struct fr_writer **writer)
{
    if (!writer || !*writer)
        return;
    fri_seat_close((*writer)->seat);
    free(*writer);
    *writer = NULL;
}

FR_API uint64_t fr_writer_slot_size(const struct fr_writer *writer)
{
    return writer->seat->slot_size;
}

FR_API int fr_writer_fd(const struct fr_writer *writer, enum fr_access access, int *fd)
{
    FR_CHECK(writer && fd);
    FR_CHECK(access == FR_READ_WRITE || access == FR_READ_ONLY);
    if (fri_object_is_inherited(&writer->seat->object))
        return fri_object_fail_inherited();
    return fri_object_fd(&writer->seat->object, access, fd);
}

/* ---- Lending ----------------------------------------------------------------------------- */

/* One look, and what it means when there was nothing. */
static int try_lend(struct fr_writer *writer, struct fri_loan **out)
{
    struct fri_seat *seat = writer->seat;

    if (word32_load(&seat->page->closed))
        return fri_fail(FR_ECLOSED, "the ring was closed by its last writer");
    int index = fri_claim(writer);
    if (index >= 0) {
        *out = fri_loan_begin(seat, (uint32_t)index, LOAN_WRITING);
        FR_POINT("claimed");
        return 0;
    }
    if (fri_loans_are_all_out(seat))
        return fri_fail(FR_EBUSY, "you hold all %u slots: publish or abort some first",
                        seat->slots);
    return FR_ETIMEDOUT;
}

/*
 * The look that comes when there is nothing and no more time: perhaps what is in the way is dead.
 * Not more often than once in a slice, since a writer may come here a million times a second.
 */
static int last_look(struct fr_writer *writer, struct fri_loan **out)
{
    if (fri_seat_recover_sometimes(writer->seat) == 0)
        return FR_ETIMEDOUT;
    return try_lend(writer, out);
}

int fri_writer_lend(struct fr_writer *writer, int64_t timeout_ns, struct fri_loan **out)
{
    struct fri_seat *seat = writer->seat;
    bool drops = seat->overflow == FR_DROP_NEWEST;
    struct fri_wait wait;

    if (fri_object_is_inherited(&seat->object))
        return fri_object_fail_inherited();
    int error = try_lend(writer, out);

    if (error != FR_ETIMEDOUT)
        return error;
    fri_wait_begin(&wait, drops ? FR_NOWAIT : timeout_ns);
    if (writer->is_busy)
        fri_wait_look_first(&wait);
    while (error == FR_ETIMEDOUT && fri_wait_step(&wait, &seat->page->space_event) == 0) {
        /* An observer that lets go of a slot has no way to tell. */
        if (seat->admits_observers)
            fri_wait_look_often(&wait);
        error = try_lend(writer, out);
        if (error == FR_ETIMEDOUT && wait.sleeps > 0 && fri_seat_recover_sometimes(seat) > 0)
            error = try_lend(writer, out);
    }
    writer->is_busy = error == 0 && fri_wait_was_short(&wait);
    if (error == FR_ETIMEDOUT)
        error = last_look(writer, out);
    fri_count_wait(&writer->stats, seat->tally, &wait, error);
    if (error == FR_ETIMEDOUT && drops)
        word_count(&seat->page->dropped, 1);
    return error;
}

int fri_writer_end_loan(struct fri_loan *loan)
{
    struct fri_seat *seat = loan->seat;

    if (fri_object_is_inherited(&seat->object))
        return fri_object_fail_inherited();
    /* First of all: a slot that was given back before may be somebody else's by now. */
    if (!fri_loan_end(loan, LOAN_WRITING))
        return fri_fail(FR_EINVAL, "this slot was given back before");
    word_poke(&seat->slot[loan->index].used, loan->slot.used);
    return 0;
}

int fri_writer_announce(struct fri_loan *loan, uint64_t *sequence)
{
    struct fri_seat *seat = loan->seat;

    tally_add(&loan->published, 1);
    FR_POINT("before announcing");
    int error = fri_order_publish(seat, loan->index, sequence);
    if (error < 0) {
        tally_add(&loan->published, UINT64_MAX);
        slot_abort(&seat->slot[loan->index], seat->place);
    } else {
        fri_seat_wake_readers(seat); /* P4 */
        word_poke(&seat->tally->sequence, *sequence);
    }
    /* Refused, the slot is free again; published, the frame before is not the newest any more. */
    if (error < 0 || seat->delivery == FR_BROADCAST)
        fri_seat_wake_writers(seat);
    return error;
}

static int publish_loan(struct fri_loan *loan)
{
    uint64_t sequence;
    int error = fri_writer_end_loan(loan);

    if (error < 0)
        return error;
    order_foresee(loan->seat);
    error = fri_writer_announce(loan, &sequence);
    fri_loan_settle(loan);
    return error;
}

void fri_writer_abort_loan(struct fri_loan *loan)
{
    struct fri_seat *seat = loan->seat;

    if (fri_object_is_inherited(&seat->object) || !fri_loan_end(loan, LOAN_WRITING))
        return;
    tally_add(&loan->aborted, 1);
    word_count(&seat->tally->aborted, 1);
    slot_abort(&seat->slot[loan->index], seat->place);
    FR_POINT("aborted, not woken");
    fri_seat_wake_writers(seat);
    fri_loan_settle(loan);
}

/* ---- Public: slots ----------------------------------------------------------------------- */

FR_API int fr_writer_acquire(struct fr_writer *writer, int64_t timeout_ns, struct fr_slot **out)
{
    struct fri_loan *loan;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(writer);
    int error = fri_writer_lend(writer, timeout_ns, &loan);
    if (error == 0)
        *out = &loan->slot;
    return error;
}

FR_API int fr_writer_publish(struct fr_slot **slot)
{
    FR_CHECK(slot && *slot);
    struct fri_loan *loan = fri_loan_of_slot(*slot);
    if (loan->slot.used > loan->seat->slot_size)
        return fri_fail(FR_EMSGSIZE, "%llu bytes used of a slot of %llu",
                        (unsigned long long)loan->slot.used,
                        (unsigned long long)loan->seat->slot_size);
    *slot = NULL;
    return publish_loan(loan);
}

FR_API void fr_writer_abort(struct fr_slot **slot)
{
    if (!slot || !*slot)
        return;
    struct fri_loan *loan = fri_loan_of_slot(*slot);
    *slot = NULL;
    fri_writer_abort_loan(loan);
}

static void copy_in(struct fri_seat *seat, void *dst, const void *src, size_t size)
{
    if (fri_copy_is_large(size)) {
        struct fri_copying copying = fri_copy_begin(&seat->copier, size, fri_clock_now());
        fri_copy_piece(&copying, dst, src, size);
        fri_copy_end(&copying, fri_clock_now());
    } else if (size > 0) {
        memcpy(dst, src, size);
    }
}

FR_API int fr_writer_write(struct fr_writer *writer, const void *src, size_t size,
                           int64_t timeout_ns)
{
    struct fri_loan *loan;

    FR_CHECK(writer && (src || size == 0));
    if (size > writer->seat->slot_size)
        return fri_fail(FR_EMSGSIZE, "%zu bytes do not fit in slots of %llu", size,
                        (unsigned long long)writer->seat->slot_size);
    int error = fri_writer_lend(writer, timeout_ns, &loan);
    if (error < 0)
        return error;
    copy_in(loan->seat, loan->slot.data, src, size);
    loan->slot.used = size;
    return publish_loan(loan);
}
