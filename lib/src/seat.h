/* SPDX-License-Identifier: MIT */
#ifndef FRI_SEAT_H
#define FRI_SEAT_H

/*
 * Floor 4: a seat, one handle's place at a ring. It holds the mapping, one of the FRI_MEMBERS
 * places, and the loans. It stays until the handle is closed and every loan was given back, so that a
 * frame outlives the handle it came from.
 *
 *      step                                                    a death after it leaves
 *      J1  lock the first free member byte p                   nothing
 *      J2  clean up what the former holder of p left           nothing
 *      J3  writer: lock its owner byte                         nothing
 *      J4  own member words: cursor 1, process                 nothing anybody reads
 *      J5  attached |= bit p; writers |= bit p                 the bits, for recovery to clear
 *      J6  reader that gates: gating |= bit p (cursor is 1,    a lower bound: writers wait until
 *          the lowest bound there is)                          recovery clears it
 *      J7  look for the newest; cursor = the first wanted;     as J6
 *          joined_ns: from now on others are told of it
 *      D1  what recovery does, on oneself                      the rest, for recovery
 *      D2  the last writer: closed = 1, wake, remove the name  as object.h, E1 and E2
 *      D3  unmap: the kernel drops the locks                   -
 *
 * An observer has a seat without a place: it maps everything read-only, changes no word, and holds a
 * slot by a lock of the kernel's (slot.h, O1 and O2). Nobody knows of it, and it leaves nothing.
 *
 * Threads: one seat's loans are given back from any thread; everything else is its handle's.
 */

#include <framering/framering.h>

#include "copy.h"
#include "layout.h"
#include "object.h"
#include "tally.h"

struct fri_seat;

enum fri_loan_state { LOAN_NONE, LOAN_WRITING, LOAN_READING };

/* A slot in the hands of the user: what is public of it, and what is ours. One for each slot. */
struct fri_loan {
    struct fr_slot slot;
    struct fr_frame frame; /* filled by frame.c */
    struct fri_seat *seat;
    uint32_t index;
    /* Only this process sees these. Whoever ends the loan writes them, while the slot is still his. */
    fri_word32 state; /* guards against giving back twice */
    fri_word published;
    fri_word aborted;
    int64_t since_ns;   /* frames: when it was lent; 0 otherwise */
    uint32_t meta_size; /* frames: bytes of metadata at meta */
    uint8_t *meta;      /* FRI_META_ROOM bytes of our own */
};

/*
 * What differed between the frames that were published last, for readers that skipped some. Who
 * publishes has it from taking is_busy to giving it back; who does not get it does without.
 */
struct fri_damage_past {
    fri_word32 is_busy;
    uint64_t sequence; /* of the last; 0 none */
    uint32_t format;
    uint32_t width;
    uint32_t height;
    uint32_t count;
    struct fri_rect past[FRI_DAMAGE_HISTORY]; /* i: around what differs between sequence - 1 - i and
                                                 sequence */
};

struct fri_seat {
    struct fri_object object;
    struct fri_ring_page *page;
    struct fri_member *members;
    fri_word *order;
    struct fri_slot *slot;

    /* our own copies of the geometry */
    uint32_t slots;
    uint64_t order_mask;
    uint64_t slot_size;
    uint64_t slot_stride;
    uint32_t delivery;
    uint32_t overflow;

    unsigned place; /* 0 to FRI_MEMBERS - 1 */
    bool is_writer;
    bool observes;         /* read-only: no place, no word changed */
    bool admits_observers; /* what the ring said when it was made */
    struct fri_loan *loans;
    int64_t probed_ns; /* when we last looked for dead members */

    /*
     * Who is the last one, without counting up: lent is what the handle lent out, its thread's alone;
     * balance is minus what came back, from any thread, until closing adds lent. Then whoever makes
     * it 0 takes the seat down.
     */
    uint64_t lent;
    fri_word balance;

    fri_word recovered; /* dead members cleaned up after, by any thread */

    struct fri_tally *tally; /* in the ring; an observer's is the next */
    struct fri_tally unseen;

    struct fri_damage_past damage; /* a writer's, see meta.c */
    struct fri_copier copier;      /* a writer's */
};

/* Makes a ring and takes place 0 as its first writer. Errors as fr_writer_create. */
int fri_seat_create(const char *name, const struct fr_writer_opts *opts, struct fri_seat **out);

/*
 * Takes a place at an existing ring, the one of that name or, for a name of NULL, the one behind fd.
 * Errors as fr_writer_open and fr_reader_open.
 */
enum fri_role { FRI_WRITER, FRI_READER, FRI_OBSERVER };
int fri_seat_open(const char *name, int fd, enum fri_role role, int64_t timeout_ns,
                  struct fri_seat **out);

/* Something was published, or the ring closed: readers look. A slot may be free: writers look. */
void fri_seat_wake_readers(struct fri_seat *seat);
void fri_seat_wake_writers(struct fri_seat *seat);

/* Whether any reader, member or observer, holds the slot or is about to find out that it may not. */
bool fri_seat_is_pinned(const struct fri_seat *seat, uint32_t index);

/* The handle needs the seat no more. Done now, or by the last loan: D1 to D3. */
void fri_seat_close(struct fri_seat *seat);

/*
 * Puts a slot into the user's hands; takes it back (false: it was not in those hands); and, when all
 * that belongs to giving back is done, needs the seat no more.
 */
struct fri_loan *fri_loan_begin(struct fri_seat *seat, uint32_t index, enum fri_loan_state state);
bool fri_loan_end(struct fri_loan *loan, enum fri_loan_state state);
void fri_loan_settle(struct fri_loan *loan);

/* True if the user has that slot; or every slot, so that waiting for one would never end. */
bool fri_loan_is_out(const struct fri_seat *seat, uint32_t index);
bool fri_loans_are_all_out(const struct fri_seat *seat);

/* The loan around a public slot or frame. */
struct fri_loan *fri_loan_of_slot(const struct fr_slot *slot);
struct fri_loan *fri_loan_of_frame(const struct fr_frame *frame);

/*
 * Recovery: looks for members that died, and cleans up after them. Returns how many there were.
 * With_pause it does nothing if we looked within the last slice.
 */
unsigned fri_seat_recover(struct fri_seat *seat);
unsigned fri_seat_recover_sometimes(struct fri_seat *seat);

/* Everything that place p holds becomes free. The caller is p, or holds the lock byte of dead p. */
void fri_seat_clear_place(struct fri_seat *seat, unsigned place);

#endif
