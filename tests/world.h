/* SPDX-License-Identifier: MIT */
#ifndef WORLD_H
#define WORLD_H

/*
 * A small world for crash tests: a ring with a writer and a reader that survive, a victim that is
 * killed or frozen in the middle of one operation, and the checks that nothing was lost but the
 * victim. Shared by crash_step (any instruction), crash_points (any named point, also one death
 * after the other), crash_matrix (two victims at once) and kept apart from check, because the
 * victims are run hundreds of times a second.
 *
 * A failed check prints what, where and how to repeat it, and ends the program with 1.
 */

#include <framering/framering.h>
#include <stdbool.h>
#include <stdint.h>
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

/*
 * How long operations wait that must succeed in the end. With two victims the one may wait for the
 * other, which is stopped: then it may time out.
 */
extern int64_t world_patience_ns;
extern bool world_may_time_out;

extern const struct world_op world_ops[];
extern const unsigned world_op_count;

/* The exit status of an operation whose object somebody else closed, or left dead, meanwhile. */
#define WORLD_GONE 20

/* How the world stands when its victims begin. */
struct world_start {
    int items; /* written and not read */
    int held;  /* by the survivors: 0 nothing, 1 an item, 2 an item and a slot half written */
};

extern const struct world_start world_usual_start;

struct world {
    const struct world_mode *mode;
    const struct world_op *op;
    const char *name;
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_region *region;
    const struct fr_slot *held_item;
    struct fr_slot *held_slot;
    uint64_t held_words[WORLD_SIZE / 8]; /* what the held item was */
    uint64_t written;
    uint64_t last;   /* sequence number that the reader saw last */
    bool is_patient; /* waits for what comes back as users do; else it asks as if it had waited */
    char where[128]; /* what to print on failure: the instruction, the point */
    char again[96];  /* and the command that repeats just this run */
};

/* Stays on the processor it is on: going to and fro between processes is faster then. */
void world_stay_here(void);

/* Makes the world for an operation. */
void world_make(struct world *world, const struct world_mode *mode, const struct world_op *op,
                struct world_start start);

/*
 * Starts a victim that will do an operation. It stops itself (SIGSTOP) when prepared; watch, if
 * given, runs just before that. world_try_victim returns -1 if the operation cannot be prepared in
 * this world, with world_victim that is a failure.
 */
pid_t world_victim(struct world *world, const struct world_op *op, void (*watch)(void *),
                   void *context);
pid_t world_try_victim(struct world *world, const struct world_op *op, void (*watch)(void *),
                       void *context);

/* Lets a stopped victim run until it dies, stops or ends: the status that waitpid tells. */
int world_go_on(const struct world *world, pid_t victim);

/* True if it ended by itself, and well. may_be_gone: also if it found the object gone. */
bool world_ended_well(int status, bool may_be_gone);

/* True if SIGKILL ended it, and nothing else did. */
bool world_was_killed(int status);

/* Kills a stopped victim and waits until it is gone. */
void world_kill(const struct world *world, pid_t victim);

/* The survivors go on for some laps while the victim is frozen, or just dead. */
void world_laps(struct world *world, int laps);

/* The survivors write an item, if there is room, and leave it to be read. */
void world_leave_item(struct world *world);

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
