/* SPDX-License-Identifier: MIT */
#ifndef PACE_H
#define PACE_H

/*
 * A metronome without drift: beat i comes i periods after the first one, however long the work in
 * between takes. After a stall it goes on with the beat that is due, and counts those that went by,
 * rather than making up for them in a burst.
 */

#include <framering/framering.h>
#include <signal.h>

struct pace {
    struct fr_rational rate; /* beats per second; 0/1 = no waiting */
    int64_t start_ns;
    uint64_t next; /* number of the next beat */
    uint64_t late; /* beats that went by unused */
};

void pace_start(struct pace *pace, struct fr_rational rate);

/* The beats from since_ns until now went by because there was nothing to do: they are not late. */
void pace_rested(struct pace *pace, int64_t since_ns);

/* Waits for the next beat, or until *stop is true. Returns the number of the beat. */
uint64_t pace_wait(struct pace *pace, const volatile sig_atomic_t *stop);

/* Sleeps until fr_now_ns says due_ns, or *stop is true, at which it looks ten times a second. */
void pace_sleep_until(int64_t due_ns, const volatile sig_atomic_t *stop);

#endif
