/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

/*
 * What a ring does, said once more as simply as can be: one process, no atomics, no waiting. It
 * follows the public header, not the code; fuzz_calls.c compares the library with it. Which of
 * several slots a writer gets is the library's choice: the model only says which it may be.
 */

#include <framering/framering.h>
#include <stdbool.h>

#define MODEL_SLOTS 6
#define MODEL_SEATS 64
#define MODEL_NONE (-1)

enum model_state { MODEL_FREE, MODEL_WRITING, MODEL_PUBLISHED, MODEL_TAKEN };

struct model_item {
    uint64_t number; /* what the writer wrote */
    bool is_frame;
};

struct model_slot {
    enum model_state state;
    uint64_t sequence;
    unsigned pins;
    struct model_item item;
};

struct model_ring {
    uint32_t slots;
    uint32_t order_size;
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    bool closed;
    uint64_t tail;
    uint64_t dropped;
    uint64_t overwritten;
    uint64_t unreported;
    struct model_slot slot[MODEL_SLOTS];
};

/* A member of a ring: it stays for as long as its handle is open or a slot is in its hands. */
struct model_seat {
    struct model_ring *ring;
    bool is_writer;
    bool is_open;
    bool observes;
    bool gates;
    unsigned loans;
    uint64_t next;
    uint64_t guaranteed;
    uint64_t dropped;
    uint64_t published;
    uint64_t aborted;
};

/* The handle of a reader, which may move on to another ring. */
struct model_reader {
    int seat;
    bool lossy;
    bool follows;
    bool observes;
    struct fr_loss loss;
    struct fr_loss total;
    uint64_t delivered;
};

struct model {
    struct model_ring rings[MODEL_SEATS];
    unsigned ring_count;
    struct model_ring *named; /* the ring that has the name */
    struct model_seat seats[MODEL_SEATS];
    unsigned seat_count;
};

/* What a reader gets. */
struct model_delivery {
    uint32_t slot;
    int seat;
    struct fr_loss loss;
};

/* Room for what one more step can add. */
bool model_is_full(const struct model *model);

int model_create(struct model *model, uint32_t slots, enum fr_delivery delivery,
                 enum fr_overflow overflow);
int model_join(struct model *model);
void model_open_reader(struct model *model, struct model_reader *reader);

/* The handle closes, or a slot goes back. The last writer ends the ring. */
void model_close(struct model *model, int seat);

/* What acquiring comes to: 0 or an error, and with 0 which slots it may be: one bit for each. */
int model_acquire(struct model *model, int seat, unsigned *allowed);
void model_claim(struct model *model, int seat, uint32_t slot);
void model_publish(struct model *model, int seat, uint32_t slot, struct model_item item);
void model_abort(struct model *model, int seat, uint32_t slot);

int model_read(struct model *model, struct model_reader *reader, enum fr_which which,
               struct model_delivery *delivery);
void model_release(struct model *model, int seat, uint32_t slot);

/* What was read turned out to be no frame, so it is passed over. */
void model_pass_over(struct model *model, struct model_reader *reader,
                     const struct model_delivery *delivery);

/* Members of the ring that has the name, writers or readers. */
unsigned model_members(const struct model *model, bool writers);

#endif
