/* SPDX-License-Identifier: MIT */
#ifndef CORRUPT_PEERS_H
#define CORRUPT_PEERS_H

/*
 * The processes under which corrupt.c pulls the ground away: a writer, a reader and a locker that
 * use everything there is, in random order, measure each call and judge its result.
 */

#include <framering/framering.h>
#include <stdatomic.h>

#define CORRUPT_SLOT_SIZE 16384

/* What all processes share. */
struct corrupt_world {
    char ring[65];
    char region[65];
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    int observers;
    _Atomic int stop_scribbling;
    _Atomic int stop;
    _Atomic uint64_t words;
    _Atomic uint64_t calls;
    _Atomic uint64_t longest_ns;
    _Atomic uint64_t failures;
    char why[256]; /* the first failure */
};

/* In memory that children share; NULL if there is none. There is one in a process. */
struct corrupt_world *corrupt_world_make(void);

/* Counts a failure, and keeps the sentence of the first. */
__attribute__((format(printf, 2, 3))) void corrupt_complain(struct corrupt_world *world,
                                                            const char *format, ...);

/* Random numbers of this process. */
void corrupt_seed(uint64_t seed);
uint64_t corrupt_random(void);

void corrupt_nap_us(int64_t us);

/* The peers: each goes on until it is told to stop, and returns 0. */
int corrupt_write(void);
int corrupt_read(void);
int corrupt_lock(void);

#endif
