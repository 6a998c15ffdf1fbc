/* SPDX-License-Identifier: MIT */
#ifndef FRI_EVENT_H
#define FRI_EVENT_H

/*
 * Floor 3: waiting for a change that another process makes, on a futex word that both can see.
 *
 *      word = count << 1 | somebody_waits
 *
 *      who waits                               who makes the change
 *      W1  look: not there                     P1  make the change
 *      W2  set somebody_waits, remember word   P2  load word; if somebody_waits:
 *      W3  look again: not there               P3    word -> (count + 1) << 1   (one attempt each)
 *      W4  sleep while word is as remembered   P4    wake everybody
 *
 * No wake-up is lost: all of this is sequentially consistent, so either W3 comes after P1 and sees
 * the change, or W2 came before P2, and then P3 changes the word and W4 does not sleep, or P4 wakes
 * it. When nobody waits the cost of P2 is one load.
 *
 * The word holds no *number* of waiters: one that is killed in its sleep would be counted for ever
 * and cost a system call at each change. somebody_waits is cleared by the next P3 and heals itself.
 *
 * A death: of the waiter, harmless, see above. Of the other side between P1 and P4: nobody comes to
 * wake. Therefore nobody sleeps for longer than a slice without looking again, and looks then
 * whether its peers are alive. The slice grows from 20 ms to 80 ms while nothing happens: a wait that
 * goes on is one for a quiet stream, which should not cost a processor's sleep.
 *
 * A sleep and its wake-up cost both sides 10 to 50 us, so who waits in a busy stream looks on for
 * that long before W2. Busy means that the wait before this one was as short; a stream of frames,
 * with milliseconds in between, never is, and costs no processor. Between two looks the processor is
 * offered to others: the one that is waited for may need this very one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/* One wait, from its first look to its end. */
struct fri_wait {
    int64_t began_ns;
    int64_t deadline_ns;   /* INT64_MAX: none */
    int64_t seen_ns;       /* the clock, when it was last looked at */
    int64_t look_until_ns; /* do not sleep before; 0: nothing to look for any more */
    int64_t slice_ns;
    uint32_t ticket; /* the word as W2 left it */
    bool announced;  /* W2 is done, W3 was due */
    bool is_patient; /* timeout was not 0 */
    bool only_reads; /* W2 only remembers the word: others wake unasked */
    uint64_t sleeps;
    int64_t slept_ns;
};

/* The deadline is fixed here: neither retries nor signals stretch it. */
void fri_wait_begin(struct fri_wait *wait, int64_t timeout_ns);

/* For who waits for a change that its maker may not announce: slices are, and stay, 5 ms. */
void fri_wait_look_often(struct fri_wait *wait);

/*
 * The step after a look that found nothing: announces the wait, or sleeps one slice. Returns 0 to
 * look again, FR_ETIMEDOUT when the time is over (the last look is behind you then).
 */
int fri_wait_step(struct fri_wait *wait, fri_word32 *event);

/* The wait before was short: look on for as long before sleeping. */
void fri_wait_look_first(struct fri_wait *wait);

/* Whether a wait that found something was short. */
bool fri_wait_was_short(const struct fri_wait *wait);

/* What is left of the time, in nanoseconds; INT64_MAX without a limit. */
int64_t fri_wait_remaining(const struct fri_wait *wait);

/* P2 to P4. Call after every change that somebody may wait for. */
void fri_event_wake(fri_word32 *event);

/*
 * The same where somebody may wait who cannot set somebody_waits, because he may only read: P3 and
 * P4 without being asked, a system call at each change.
 */
void fri_event_wake_unasked(fri_word32 *event);

#endif
