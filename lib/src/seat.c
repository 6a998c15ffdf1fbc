/* SPDX-License-Identifier: MIT */
/* Floor 4: see seat.h for the steps and what a death leaves. */
#include "seat.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "event.h"
#include "identity.h"
#include "order.h"
#include "point.h"

#define DEFAULT_SLOTS 8

/* ---- Loans ------------------------------------------------------------------------------- */

struct fri_loan *fri_loan_of_slot(const struct fr_slot *slot)
{
    /* Loans are ours and writable; the const on a reader's slot is for the user. */
    return (struct fri_loan *)((uintptr_t)slot - offsetof(struct fri_loan, slot));
}

struct fri_loan *fri_loan_of_frame(const struct fr_frame *frame)
{
    return (struct fri_loan *)((uintptr_t)frame - offsetof(struct fri_loan, frame));
}

bool fri_loan_is_out(const struct fri_seat *seat, uint32_t index)
{
    return word32_peek(&seat->loans[index].state) != LOAN_NONE;
}

bool fri_loans_are_all_out(const struct fri_seat *seat)
{
    return seat->lent + word_load(&seat->balance) >= seat->slots;
}

struct fri_loan *fri_loan_begin(struct fri_seat *seat, uint32_t index, enum fri_loan_state state)
{
    struct fri_loan *loan = &seat->loans[index];

    loan->slot = (struct fr_slot){ .data = seat->object.data + index * seat->slot_stride,
                                   .capacity = seat->slot_size,
                                   .session = seat->object.identity.session };
    loan->since_ns = 0;
    seat->lent++;
    word_poke(&seat->tally->lent, seat->lent);
    word32_poke(&loan->state, state);
    return loan;
}

/*
 * Relaxed, and not one change: who gives a loan back has it alone, and what he did with it comes
 * before the handle lends it again because the slot's control word is in between. It is there for
 * those who give back what they gave back before.
 */
bool fri_loan_end(struct fri_loan *loan, enum fri_loan_state state)
{
    if (word32_peek(&loan->state) != (uint32_t)state)
        return false;
    word32_poke(&loan->state, LOAN_NONE);
    return true;
}

/* ---- Others ------------------------------------------------------------------------------ */

void fri_seat_wake_readers(struct fri_seat *seat)
{
    if (seat->admits_observers)
        fri_event_wake_unasked(&seat->page->data_event);
    else
        fri_event_wake(&seat->page->data_event);
}

void fri_seat_wake_writers(struct fri_seat *seat)
{
    if (!seat->observes)
        fri_event_wake(&seat->page->space_event);
}

bool fri_seat_is_pinned(const struct fri_seat *seat, uint32_t index)
{
    return slot_is_pinned(&seat->slot[index]) ||
           (seat->admits_observers && fri_lock_is_held(seat->object.fd, FRI_LOCK_PIN + index, 1));
}

/* ---- Life -------------------------------------------------------------------------------- */

static struct fri_seat *seat_alloc(enum fri_role role)
{
    struct fri_seat *seat = calloc(1, sizeof *seat);

    if (!seat) {
        fri_fail(FR_ENOMEM, "out of memory");
        return NULL;
    }
    seat->is_writer = role == FRI_WRITER;
    seat->observes = role == FRI_OBSERVER;
    return seat;
}

/*
 * The metadata of all loans stand behind them, out of the way of those who never touch them. They are
 * not cleared: nobody reads past meta_size, and clearing was five sixths of attaching to a ring.
 */
static int alloc_loans(struct fri_seat *seat)
{
    seat->loans = malloc(seat->slots * (sizeof *seat->loans + FRI_META_ROOM));
    if (!seat->loans)
        return fri_fail(FR_ENOMEM, "out of memory");
    memset(seat->loans, 0, seat->slots * sizeof *seat->loans);
    uint8_t *meta = (uint8_t *)(seat->loans + seat->slots);
    for (uint32_t i = 0; i < seat->slots; i++) {
        seat->loans[i].seat = seat;
        seat->loans[i].index = i;
        seat->loans[i].meta = meta + (size_t)i * FRI_META_ROOM;
    }
    return 0;
}

static int adopt_geometry(struct fri_seat *seat)
{
    const struct fri_identity *identity = &seat->object.identity;
    uint8_t *base = seat->object.control;

    seat->page = (struct fri_ring_page *)(void *)base;
    seat->members = (struct fri_member *)(void *)(base + identity->members_offset);
    seat->order = (fri_word *)(void *)(base + identity->order_offset);
    seat->slot = (struct fri_slot *)(void *)(base + identity->slots_offset);
    seat->slots = identity->slots;
    seat->order_mask = identity->order_size - 1;
    seat->slot_size = identity->slot_size;
    seat->slot_stride = identity->slot_stride;
    seat->delivery = identity->delivery;
    seat->overflow = identity->overflow;
    seat->admits_observers = identity->required_features & FRI_FEATURE_OBSERVERS;
    return alloc_loans(seat);
}

/* J1 */
static bool lock_free_place(struct fri_seat *seat, int fd)
{
    for (seat->place = 0; seat->place < FRI_MEMBERS; seat->place++) {
        if (fri_lock_try(fd, FRI_LOCK_MEMBER + seat->place, 1))
            return true;
    }
    return false;
}

/* J2 to J5 */
static int take_place(struct fri_seat *seat, int fd)
{
    if (!lock_free_place(seat, fd))
        return fri_fail(FR_EBUSY, "all %d places of the ring are taken", FRI_MEMBERS);
    struct fri_member *member = &seat->members[seat->place];
    fri_seat_clear_place(seat, seat->place);
    FR_POINT("place cleared");
    if (seat->is_writer && !fri_lock_try(fd, FRI_LOCK_OWNER + seat->place, 1))
        return fri_fail(FR_EOWNERDEAD, "the writers died and the ring is being replaced");
    word_store(&member->cursor, 1);
    word_count(&member->incarnation, 1);
    word32_store(&member->process, fri_process());
    seat->tally = &member->tally;
    fri_tally_begin(seat->tally);
    word_set_bits(&seat->page->attached, fri_bit(seat->place));
    FR_POINT("attached");
    if (seat->is_writer) {
        word_set_bits(&seat->page->writers, fri_bit(seat->place));
        fri_tally_joined(seat->tally);
    }
    return 0;
}

static int on_create(struct fri_object *object, int fd, void *context)
{
    struct fri_seat *seat = context;
    int error = adopt_geometry(seat);

    (void)object;
    if (error < 0)
        return error;
    word_store(&seat->page->head, 1);
    /* Nobody else can have a place of an object without a name, so it is not taken. */
    if (take_place(seat, fd) < 0)
        return fri_fail(FR_ENOTSUP, "this kernel cannot lock bytes of an open file description");
    return 0;
}

/* The pins hang on object->fd, so that one must not live on in a child. */
static int take_no_place(struct fri_seat *seat, const struct fri_object *object)
{
    seat->place = FRI_MEMBERS;
    seat->tally = &seat->unseen;
    if (!seat->admits_observers)
        return fri_fail(FR_ENOTSUP, "the ring admits no observers: open it as a member, or create "
                                    "it with .observers");
    if (!fri_fork_closes(object->fd))
        return fri_fail(FR_ENOMEM, "this process observes too many rings");
    return 0;
}

static int on_open(struct fri_object *object, int fd, void *context)
{
    struct fri_seat *seat = context;
    int error = adopt_geometry(seat);

    if (error == 0 && seat->is_writer) {
        error = fri_owner_status(object->fd, &seat->page->closed);
        if (error < 0)
            fri_fail(error, "the ring's writers are gone: create it anew");
    }
    if (error < 0)
        return error;
    error = seat->observes ? take_no_place(seat, object) : take_place(seat, fd);
    /* All writers may have died after we asked, and a newcomer taken the name before we owned it. */
    if (error == 0 && seat->is_writer && fri_object_lost_name(object)) {
        fri_seat_clear_place(seat, seat->place);
        error = fri_fail(FR_EOWNERDEAD, "the writers died and the ring was replaced");
    }
    return error;
}

static int finish(struct fri_seat *seat, int error, struct fri_seat **out)
{
    if (error < 0) {
        free(seat->loans);
        free(seat);
        return error;
    }
    /* A reader may ask at once whether the writers live; a writer need not look for the dead yet. */
    seat->probed_ns = seat->is_writer ? fri_clock_now() : 0;
    *out = seat;
    return 0;
}

int fri_seat_create(const char *name, const struct fr_writer_opts *opts, struct fri_seat **out)
{
    struct fri_identity identity;
    int error = fri_identity_for_ring(opts->slots ? opts->slots : DEFAULT_SLOTS, opts->slot_size,
                                      opts->delivery, opts->overflow, &identity);

    if (error < 0)
        return error;
    if (opts->observers)
        identity.required_features |= FRI_FEATURE_OBSERVERS;
    struct fri_seat *seat = seat_alloc(FRI_WRITER);
    if (!seat)
        return FR_ENOMEM;
    const struct fri_object_plan plan = { .name = name,
                                          .identity = &identity,
                                          .mode = opts->mode,
                                          .sealed = opts->sealed,
                                          .on_attach = on_create,
                                          .context = seat };
    return finish(seat, fri_object_create(&plan, &seat->object), out);
}

int fri_seat_open(const char *name, int fd, enum fri_role role, int64_t timeout_ns,
                  struct fri_seat **out)
{
    struct fri_seat *seat = seat_alloc(role);

    if (!seat)
        return FR_ENOMEM;
    const struct fri_object_wish wish = { .name = name,
                                          .fd = fd,
                                          .kinds = 1u << FR_KIND_RING,
                                          .control_writable = role != FRI_OBSERVER,
                                          .data_writable = role == FRI_WRITER,
                                          .on_attach = on_open,
                                          .context = seat };
    return finish(seat, fri_object_await(&wish, timeout_ns, &seat->object), out);
}

/* D2. Whether we are the last is only known once the dead are not counted. */
static void leave_as_writer(struct fri_seat *seat)
{
    fri_seat_recover(seat);
    uint64_t before = word_clear_bits(&seat->page->writers, fri_bit(seat->place));
    if (before != fri_bit(seat->place))
        return;
    FR_POINT("last writer gone, not closed");
    word32_store(&seat->page->closed, 1);
    FR_POINT("closed, not woken");
    fri_object_remove_name(&seat->object);
}

static void leave_place(struct fri_seat *seat)
{
    if (seat->is_writer)
        leave_as_writer(seat);
    fri_seat_clear_place(seat, seat->place); /* D1 */
    FR_POINT("own place cleared");
    fri_seat_wake_readers(seat);
    fri_seat_wake_writers(seat);
}

static void leave(struct fri_seat *seat)
{
    if (fri_object_is_inherited(&seat->object)) {
        fri_object_forget(&seat->object, seat->observes);
    } else {
        if (seat->observes)
            fri_fork_closes_no_more(seat->object.fd);
        else
            leave_place(seat);
        fri_object_close(&seat->object); /* D3 */
    }
    free(seat->loans);
    free(seat);
}

void fri_seat_close(struct fri_seat *seat)
{
    if (word_add(&seat->balance, seat->lent) == 0)
        leave(seat);
}

void fri_loan_settle(struct fri_loan *loan)
{
    struct fri_seat *seat = loan->seat;

    if (word_add(&seat->balance, UINT64_MAX) == 0) /* one less */
        leave(seat);
}
