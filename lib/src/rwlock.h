/* SPDX-License-Identifier: MIT */
#ifndef FRI_RWLOCK_H
#define FRI_RWLOCK_H

/*
 * Floor 3: the shared/exclusive lock of a region, on the words of struct fri_lock_words. Knows a
 * pointer to these words and a descriptor whose lock bytes tell who is alive; maps and names nothing.
 *
 *      writer     = state | news | owner << 8 | told << 16         readers[] = one bit per locker
 *
 *      state         who changes the data   leaves by                  a death of the owner leaves
 *      ------------  ---------------------  -------------------------  ---------------------------
 *      FREE          nobody                 X1 claim   -> CLAIMED(w)   (it has no owner)
 *      CLAIMED(w)    nobody; the readers    X2 own     -> HELD(w)      new lockers shut out until
 *                    inside leave, new      X3 give up -> FREE         R  -> FREE
 *                    ones stay out
 *      HELD(w)       w                      X4 unlock  -> FREE         data half changed; locked until
 *                                                                      R  -> FREE + PENDING
 *
 *      a reader's bit            leaves by                      a death there leaves
 *      ------------------------  -----------------------------  ------------------------------------
 *      0   outside               S1 enter -> 1                  nothing
 *      1   looking at writer     S2 it is FREE -> inside        a bit that keeps writers out until R
 *                                S3 it is not  -> 0
 *      1   inside                S4 unlock     -> 0             the same
 *
 *      news       of a death in HELD     leaves by                     a death there leaves
 *      ---------  ---------------------  ----------------------------  ---------------------------
 *      NONE       none                   R                -> PENDING
 *      PENDING    nobody knows           X2               -> NONE      PENDING again, by R of HELD
 *                                        N1 tell reader r -> TOLD(r)   see below
 *      TOLD(r)    r knows, is inside     N2 r unlocks     -> NONE      R -> PENDING: tell another
 *
 * X1 then X2's look at the readers, against S1 then S2's look at the writer, is a crossing of the
 * store-then-load kind: sequential consistency makes at least one side see the other. If both do,
 * the reader steps back.
 *
 * Order that others rely on: news goes before the bit, in S4 (N2 first) and in R. So a writer that
 * finds no bit set finds no TOLD either, and no reader lives that would still report.
 *
 * R, recovery from the death of locker d, is for whoever holds d's lock byte: nobody can become d
 * meanwhile. Each of its steps can be done twice, so that it may die too. A locker that finds
 * somebody in its way for a whole slice of waiting (event.h) asks the kernel whether he lives.
 *
 * Words are not trusted. What no sequence of the arrows leads to is FR_ECORRUPT; a bit that somebody
 * set for a living locker is waited for, as if that one were reading; all loops are bounded.
 */

#include <framering/framering.h>

#include "layout.h"

#define FRI_NO_LOCKER UINT32_MAX

/* One user of a lock; private to its handle. */
struct fri_rwlock {
    struct fri_lock_words *words;
    int probe_fd;   /* a descriptor of the object that holds no locks */
    uint32_t index; /* which locker we are; FRI_NO_LOCKER: all places are taken */
    bool is_claimed;
    bool is_exclusive;
    bool is_shared;
    bool is_told; /* N2 is due */
};

/*
 * Becomes a user of the lock: takes the first free lock byte through fd, for as long as the mapping
 * made through fd lives, and cleans up what a dead predecessor at that place left.
 */
void fri_rwlock_attach(struct fri_rwlock *lock, struct fri_lock_words *words, int fd, int probe_fd);

/* 0, FR_EOWNERDEAD (and locked), FR_ETIMEDOUT, FR_EBUSY no place, FR_EINVAL held, FR_ECORRUPT. */
int fri_rwlock_lock(struct fri_rwlock *lock, enum fr_lock kind, int64_t timeout_ns);

/* 0, FR_EINVAL nothing is held, FR_ECORRUPT (and no longer held). */
int fri_rwlock_unlock(struct fri_rwlock *lock);

#endif
