/* SPDX-License-Identifier: MIT */
#ifndef FRI_RING_H
#define FRI_RING_H

/*
 * Floor 4: writers and readers over seats. The public functions on slots are in ring_write.c and
 * ring_read.c; these are the ones that frame.c builds on.
 */

#include "event.h"
#include "name.h"
#include "seat.h"

struct fr_writer {
    struct fri_seat *seat;
    uint32_t next_slot; /* where the search for a slot begins: where the last one ended */
    uint64_t
        reclaimable; /* blocking broadcast: numbers below were read by everybody, see claim.c */
    bool is_busy;    /* the last wait was short, see event.h */
    struct fr_stats stats;
};

struct fr_reader {
    struct fri_seat *seat;
    char name[FRI_NAME_SIZE];
    enum fri_role role;
    bool is_lossy;
    bool follows;
    uint64_t next;       /* broadcast: the number wanted next */
    uint64_t guaranteed; /* numbers below were published before we came: not ours to lose */
    uint64_t dropped;    /* the ring's count of drops that we have told of */
    uint64_t session;
    bool is_busy;        /* the last wait was short, see event.h */
    struct fr_loss loss; /* since the frame before */
    struct fr_stats stats;
};

/* True if the writers wait for this reader's cursor; and telling them where it is. */
bool fri_gates(const struct fr_reader *reader);
void fri_publish_cursor(struct fr_reader *reader);

/* What an acquire that had to wait, and its end, come to in the handle's counters. */
void fri_count_wait(struct fr_stats *stats, struct fri_tally *tally, const struct fri_wait *wait,
                    int error);

/* Finds and holds an item for a reader: 0, FR_ETIMEDOUT there is none now, FR_ECORRUPT. */
int fri_take(struct fr_reader *reader, enum fr_which which, struct fri_loan **out);

/* Claims a slot for a seat and a writer: its index, or -1 if there is none now. */
int fri_claim(struct fr_writer *writer);

int fri_writer_lend(struct fr_writer *writer, int64_t timeout_ns, struct fri_loan **out);
/*
 * Publishing, in two steps: the loan is over and its slot still ours; it is announced and everybody
 * woken. fri_loan_settle follows, whatever the second came to.
 */
int fri_writer_end_loan(struct fri_loan *loan);
int fri_writer_announce(struct fri_loan *loan, uint64_t *sequence);
void fri_writer_abort_loan(struct fri_loan *loan);

int fri_reader_lend(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                    struct fri_loan **out);
/* Takes back what was told with an item that the user will not get, to be told with the next. */
void fri_reader_keep_loss(struct fr_reader *reader, const struct fri_loan *loan);
void fri_reader_release_loan(struct fri_loan *loan);

#endif
