/* SPDX-License-Identifier: MIT */
#ifndef WORLD_H
#define WORLD_H

/*
 * A small world for crash tests: a ring with a writer and a reader that survive, a victim that is
 * killed or frozen in the middle of one operation, and the checks that nothing was lost but the
 * victim. Shared by crash_step (any instruction), crash_points (any named point, also two at once)
 * and kept apart from check, because the victims are run hundreds of times a second.
 *
 * A failed check prints what, where and how to repeat it, and ends the program with 1.
 */

#include <framering/framering.h>
#include <stdbool.h>
#include <sys/types.h>

#define WORLD_SLOTS 5
#define WORLD_SIZE 64

struct world_mode {
    const char *name;
    enum fr_delivery delivery;
    enum fr_overflow overflow;
};

#define WORLD_MODES 6
extern const struct world_mode world_modes[WORLD_MODES];

/* One operation that a victim is in the middle of. */
struct world_op {
    const char *name;
    unsigned modes;         /* a bit for each of world_modes that it makes sense in */
    bool (*prepare)(void);  /* in the victim, before it is watched; false: cannot */
    int (*run)(void);       /* in the victim, watched; 0, or the exit status of a failure */
    bool needs_dead_member; /* before: somebody died holding a slot each way */
    bool needs_dead_owner;  /* before: the ring's only writer was killed */
    bool needs_no_object;   /* before: nothing; the victim makes the object itself */
    bool needs_region;      /* a region instead of a ring */
    bool needs_observers;   /* a ring that admits them */
    bool needs_dead_locker; /* before: somebody died holding the region's lock */
};

/* Called in a victim at each point before it may die there: makes the others be faster than it. */
extern void (*world_at_point)(const char *name);

extern const struct world_op world_ops[];
extern const unsigned world_op_count;

struct world {
    const struct world_mode *mode;
    const struct world_op *op;
    const char *name;
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_region *region;
    uint64_t written;
    uint64_t last; /* sequence number that the reader saw last */
    pid_t dead;
    char where[64]; /* what to print on failure: the instruction, the point */
};

/* Makes the world for an operation; full: the ring is filled to the brim before. */
void world_make(struct world *world, const struct world_mode *mode, const struct world_op *op,
                bool full);

/* Starts the victim. It stops itself (SIGSTOP) when prepared; watch, if given, runs just after. */
pid_t world_victim(struct world *world, void (*watch)(void *), void *context);

/* The others go on for some laps while the victim is frozen. */
void world_laps(struct world *world, int laps);

/* The victim is gone: nothing is lost, torn or out of order, and every slot comes back. */
void world_check(struct world *world);

/* The first slot that is still in somebody's hands, WRITING, TAKEN or pinned; -1 if none is. */
struct fri_seat;
int world_slot_in_hands(const struct fri_seat *seat);

/* Closes everything and checks that no name is left. */
void world_end(struct world *world);

/* Ends the program with a sentence. */
_Noreturn void world_fail(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
