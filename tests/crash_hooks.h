/* SPDX-License-Identifier: MIT */
#ifndef CRASH_HOOKS_H
#define CRASH_HOOKS_H

/*
 * Victims that die or stop at the n-th named point (FR_POINT) they pass: the hooks, the record that
 * they share with us, the count of how often each point was somebody's last, and dice. Shared by
 * crash_points and crash_matrix.
 */

#include <stdbool.h>
#include <stdint.h>

#define CRASH_VICTIMS 2
#define CRASH_PASSES 4096

/* Names are addresses of literals, the same in all processes that were forked from one. */
struct crash_record {
    int passes; /* points passed so far in the operation that is being run */
    const char *name[CRASH_PASSES];
};

/* In memory that the victims share with us: one for each victim. */
extern struct crash_record *crash_record;

/* What becomes of a victim: the number of a record, and the signal it raises at which pass. */
struct crash_fate {
    int victim;
    int pass;
    int signal;
};

/* False: there is no memory. */
bool crash_hooks_make(void);

/* For world_victim: context is a struct crash_fate. The first only writes the points down. */
void crash_write_down(void *context);
void crash_at_pass(void *context);

/* The point at which a victim met its fate; NULL if it did not come so far. */
const char *crash_point_of(const struct crash_fate *fate);

/* What a run is drawn with depends on the seed and its number only, so that it can be repeated. */
struct crash_dice {
    uint64_t state;
};

struct crash_dice crash_dice(uint64_t seed, uint64_t number);

/* 0 to sides - 1 */
unsigned crash_roll(struct crash_dice *dice, unsigned sides);

/* Counts a point that was somebody's last; role tells apart what is counted separately. */
void crash_count(int role, const char *point);

/* How often a point was counted. */
long crash_hits(int role, const char *point);

/* Prints the counts of so many roles, and what of a list was not hit. The number of those. */
int crash_report(int roles, const char *const *role_names, const char *list);

#endif
