/* SPDX-License-Identifier: MIT */
/* A ring, as simply as can be: see model.h. */
#include "model.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint32_t order_size_for(uint32_t slots)
{
    return slots <= 2 ? 4 : slots <= 4 ? 8 : 16;
}

bool model_is_full(const struct model *model)
{
    return model->ring_count + 2 > MODEL_SEATS || model->seat_count + 2 > MODEL_SEATS;
}

/* ---- Coming and going ------------------------------------------------------------------------ */

static int add_seat(struct model *model, bool is_writer)
{
    struct model_seat *seat = &model->seats[model->seat_count];

    *seat = (struct model_seat){ .ring = model->named, .is_writer = is_writer, .is_open = true };
    return (int)model->seat_count++;
}

int model_create(struct model *model, uint32_t slots, enum fr_delivery delivery,
                 enum fr_overflow overflow)
{
    struct model_ring *ring = &model->rings[model->ring_count++];

    *ring = (struct model_ring){ .slots = slots,
                                 .order_size = order_size_for(slots),
                                 .delivery = delivery,
                                 .overflow = overflow };
    model->named = ring;
    return add_seat(model, true);
}

int model_join(struct model *model)
{
    return add_seat(model, true);
}

/* The newest frame is the first one wanted; what was published before we came is not ours to lose. */
void model_open_reader(struct model *model, struct model_reader *reader)
{
    reader->seat = add_seat(model, false);
    struct model_seat *seat = &model->seats[reader->seat];
    struct model_ring *ring = seat->ring;

    seat->observes = reader->observes;
    seat->dropped = ring->dropped;
    seat->next = larger(ring->tail, 1);
    seat->guaranteed = ring->tail + 1;
    seat->gates = ring->delivery == FR_BROADCAST && ring->overflow != FR_DROP_OLDEST &&
                  !reader->lossy && !reader->observes;
}

static bool is_there(const struct model_seat *seat)
{
    return seat->is_open || seat->loans > 0;
}

unsigned model_members(const struct model *model, bool writers)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->seat_count; i++) {
        const struct model_seat *seat = &model->seats[i];

        if (seat->ring == model->named && is_there(seat) && seat->is_writer == writers &&
            !seat->observes)
            count++;
    }
    return count;
}

/* After the last of a member: if no writer is left, that was the end of the ring. */
static void end_if_last(struct model *model, const struct model_seat *gone)
{
    if (is_there(gone) || !gone->is_writer)
        return;
    for (unsigned i = 0; i < model->seat_count; i++) {
        const struct model_seat *seat = &model->seats[i];

        if (seat->ring == gone->ring && seat->is_writer && is_there(seat))
            return;
    }
    gone->ring->closed = true;
    if (model->named == gone->ring)
        model->named = NULL;
}

void model_close(struct model *model, int index)
{
    struct model_seat *seat = &model->seats[index];

    seat->is_open = false;
    seat->gates = false;
    end_if_last(model, seat);
}

static void take_loan(struct model *model, int seat)
{
    model->seats[seat].loans++;
}

static void return_loan(struct model *model, int seat)
{
    model->seats[seat].loans--;
    end_if_last(model, &model->seats[seat]);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Numbers below it were read by everybody whom writers wait for. */
static uint64_t lowest_wanted(const struct model *model, const struct model_ring *ring)
{
    uint64_t lowest = ring->tail;

    for (unsigned i = 0; i < model->seat_count; i++) {
        const struct model_seat *seat = &model->seats[i];

        if (seat->ring == ring && seat->gates)
            lowest = smaller(lowest, seat->next);
    }
    return lowest;
}

static bool may_reuse(const struct model *model, const struct model_ring *ring,
                      const struct model_slot *slot)
{
    if (slot->state == MODEL_FREE)
        return true;
    return slot->state == MODEL_PUBLISHED && ring->delivery == FR_BROADCAST &&
           ring->overflow != FR_DROP_OLDEST && slot->pins == 0 &&
           slot->sequence < lowest_wanted(model, ring);
}

/* The oldest published slot that nobody holds, and in a broadcast not the newest of all. */
static unsigned oldest_of(const struct model_ring *ring)
{
    uint64_t limit = ring->delivery == FR_BROADCAST ? ring->tail : UINT64_MAX;
    unsigned found = 0;

    for (uint32_t i = 0; i < ring->slots; i++) {
        const struct model_slot *slot = &ring->slot[i];

        if (slot->state == MODEL_PUBLISHED && slot->pins == 0 && slot->sequence < limit) {
            limit = slot->sequence;
            found = 1u << i;
        }
    }
    return found;
}

int model_acquire(struct model *model, int index, unsigned *allowed)
{
    const struct model_seat *seat = &model->seats[index];
    struct model_ring *ring = seat->ring;

    *allowed = 0;
    for (uint32_t i = 0; i < ring->slots; i++) {
        if (may_reuse(model, ring, &ring->slot[i]))
            *allowed |= 1u << i;
    }
    if (*allowed == 0 && ring->overflow == FR_DROP_OLDEST)
        *allowed = oldest_of(ring);
    if (*allowed != 0)
        return 0;
    if (seat->loans == ring->slots)
        return FR_EBUSY;
    if (ring->overflow == FR_DROP_NEWEST)
        ring->dropped++;
    return FR_ETIMEDOUT;
}

void model_claim(struct model *model, int index, uint32_t number)
{
    struct model_ring *ring = model->seats[index].ring;
    struct model_slot *slot = &ring->slot[number];

    if (ring->delivery == FR_QUEUE && slot->state == MODEL_PUBLISHED) {
        ring->overwritten++;
        ring->unreported++;
    }
    slot->state = MODEL_WRITING;
    take_loan(model, index);
}

void model_publish(struct model *model, int index, uint32_t number, struct model_item item)
{
    struct model_ring *ring = model->seats[index].ring;
    struct model_slot *slot = &ring->slot[number];

    slot->state = MODEL_PUBLISHED;
    slot->sequence = ++ring->tail;
    slot->item = item;
    model->seats[index].published++;
    return_loan(model, index);
}

void model_abort(struct model *model, int index, uint32_t number)
{
    model->seats[index].ring->slot[number].state = MODEL_FREE;
    model->seats[index].aborted++;
    return_loan(model, index);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int find(const struct model_ring *ring, uint64_t sequence)
{
    for (uint32_t i = 0; i < ring->slots; i++) {
        if (ring->slot[i].state == MODEL_PUBLISHED && ring->slot[i].sequence == sequence)
            return (int)i;
    }
    return MODEL_NONE;
}

static int find_queued(const struct model_ring *ring)
{
    for (uint64_t sequence = 1; sequence <= ring->tail; sequence++) {
        int found = find(ring, sequence);

        if (found != MODEL_NONE)
            return found;
    }
    return MODEL_NONE;
}

/* The next from the reader's place on; what is not there any more was lost. */
static int find_next(const struct model_ring *ring, struct model_seat *seat, struct fr_loss *loss)
{
    while (seat->next <= ring->tail) {
        uint64_t sequence = seat->next++;
        bool is_listed = sequence + ring->order_size > ring->tail;
        int found = is_listed ? find(ring, sequence) : MODEL_NONE;

        if (found != MODEL_NONE)
            return found;
        loss->overwritten += sequence >= seat->guaranteed;
    }
    return MODEL_NONE;
}

static void skip(const struct model_ring *ring, struct model_seat *seat, struct fr_loss *loss)
{
    uint64_t from = larger(seat->next, seat->guaranteed);

    if (ring->tail <= seat->next)
        return;
    loss->skipped += ring->tail > from ? ring->tail - from : 0;
    seat->next = ring->tail;
}

static int try_read(struct model *model, struct model_reader *reader, enum fr_which which)
{
    struct model_seat *seat = &model->seats[reader->seat];
    struct model_ring *ring = seat->ring;
    int found;

    if (ring->delivery == FR_QUEUE) {
        found = find_queued(ring);
        if (found == MODEL_NONE)
            return found;
        ring->slot[found].state = MODEL_TAKEN;
        reader->loss.overwritten += ring->unreported;
        ring->unreported = 0;
        return found;
    }
    if (which == FR_LATEST)
        skip(ring, seat, &reader->loss);
    found = find_next(ring, seat, &reader->loss);
    if (found != MODEL_NONE)
        ring->slot[found].pins++;
    return found;
}

static void count_drops(struct model *model, struct model_reader *reader)
{
    struct model_seat *seat = &model->seats[reader->seat];

    reader->loss.dropped += seat->ring->dropped - seat->dropped;
    seat->dropped = seat->ring->dropped;
}

static void add_loss(struct fr_loss *to, const struct fr_loss *more)
{
    to->skipped += more->skipped;
    to->overwritten += more->overwritten;
    to->dropped += more->dropped;
}

static void account(struct model *model, struct model_reader *reader,
                    struct model_delivery *delivery)
{
    count_drops(model, reader);
    delivery->seat = reader->seat;
    delivery->loss = reader->loss;
    add_loss(&reader->total, &reader->loss);
    reader->loss = (struct fr_loss){ 0 };
    reader->delivered++;
    take_loan(model, reader->seat);
}

int model_read(struct model *model, struct model_reader *reader, enum fr_which which,
               struct model_delivery *delivery)
{
    const struct model_ring *ring = model->seats[reader->seat].ring;

    if (which == FR_LATEST && ring->delivery == FR_QUEUE)
        return FR_ENOTSUP;
    int found = try_read(model, reader, which);
    if (found == MODEL_NONE && ring->closed && model->named) {
        count_drops(model, reader);
        model_close(model, reader->seat);
        model_open_reader(model, reader);
        ring = model->named;
        found = try_read(model, reader, which);
    }
    if (found != MODEL_NONE) {
        delivery->slot = (uint32_t)found;
        account(model, reader, delivery);
        return 0;
    }
    if (ring->closed)
        return reader->follows ? FR_ETIMEDOUT : FR_ECLOSED;
    return model->seats[reader->seat].loans == ring->slots ? FR_EBUSY : FR_ETIMEDOUT;
}

void model_release(struct model *model, int index, uint32_t number)
{
    struct model_slot *slot = &model->seats[index].ring->slot[number];

    if (slot->state == MODEL_TAKEN)
        slot->state = MODEL_FREE;
    else
        slot->pins--;
    return_loan(model, index);
}

/* Its losses are told with the next item that is delivered. */
void model_pass_over(struct model *model, struct model_reader *reader,
                     const struct model_delivery *delivery)
{
    add_loss(&reader->loss, &delivery->loss);
    reader->total.skipped -= delivery->loss.skipped;
    reader->total.overwritten -= delivery->loss.overwritten;
    reader->total.dropped -= delivery->loss.dropped;
    reader->delivered--;
    model_release(model, delivery->seat, delivery->slot);
}
