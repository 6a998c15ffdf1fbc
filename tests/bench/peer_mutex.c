/* SPDX-License-Identifier: MIT */
/*
 * A ring in shared memory with a process-shared mutex and two condition variables, as people write
 * it themselves, and with care: nobody holds the mutex while an item is written or read, nobody is
 * woken who does not sleep, and waking happens when the mutex is free again. The mutex is not a
 * robust one: a process that dies in the middle stops all the others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "peer_support.h"
#include "transport.h"

/* An item has a position, counted from 1; it is in slot position % slots. */
struct slot {
    _Alignas(64) uint64_t position; /* of the item that is in it, once it is published */
    uint32_t users;                 /* who still write or read it, or will */
};

struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t data;
    pthread_cond_t room;
    uint32_t data_sleepers;
    uint32_t room_sleepers;
    uint32_t writers; /* that have not finished */
    uint32_t readers; /* that are still there */
    uint64_t claimed; /* the last position that a writer has taken */
    uint64_t taken;   /* the last one that a reader has, in a queue */
    struct slot slots[];
};

struct channel {
    const struct transport_spec *spec;
    struct ring *ring;
    uint8_t *items;
    size_t ring_size;
    size_t items_size;
};

struct side {
    const struct channel *channel;
    uint64_t position; /* of the item in its hands */
    bool holds;
};

static void dispose(void *user)
{
    struct channel *channel = user;

    peer_unmap(channel->ring, channel->ring_size);
    peer_unmap(channel->items, channel->items_size);
    free(channel);
}

static void init_ring(struct ring *ring, const struct transport_spec *spec)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;

    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&ring->mutex, &mutex);
    pthread_mutexattr_destroy(&mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&ring->data, &cond);
    pthread_cond_init(&ring->room, &cond);
    pthread_condattr_destroy(&cond);
    ring->writers = spec->writers;
    ring->readers = spec->readers;
}

static int prepare(const struct transport_spec *spec, void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);
    void *memory;

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = spec;
    channel->ring_size = sizeof *channel->ring + spec->slots * sizeof channel->ring->slots[0];
    channel->items_size = spec->slots * spec->item_size;
    int error = peer_map_shared(channel->ring_size, &memory);
    if (error == 0) {
        channel->ring = memory;
        error = peer_map_shared(channel->items_size, &memory);
    }
    if (error < 0) {
        dispose(channel);
        return error;
    }
    channel->items = memory;
    init_ring(channel->ring, spec);
    *out = channel;
    return 0;
}

static int open_side(void *user, uint32_t index, void **out)
{
    struct channel *channel = user;
    struct side *side = calloc(1, sizeof *side);

    (void)index;
    if (side == NULL)
        return -ENOMEM;
    side->channel = channel;
    peer_touch(channel->ring, channel->ring_size);
    peer_touch(channel->items, channel->items_size);
    *out = side;
    return 0;
}

static uint8_t *item_of(const struct channel *channel, uint64_t position)
{
    return channel->items + position % channel->spec->slots * channel->spec->item_size;
}

static struct slot *slot_of(const struct channel *channel, uint64_t position)
{
    return &channel->ring->slots[position % channel->spec->slots];
}

static void sleep_on(pthread_cond_t *cond, struct ring *ring, uint32_t *sleepers)
{
    (*sleepers)++;
    pthread_cond_wait(cond, &ring->mutex);
}

/* True if that many have to be woken, who then do not count as asleep any more: until they run,
 * which takes a while, nobody wakes them again. One who wakes by chance is counted once too often,
 * which costs a call. With the mutex. */
static bool must_wake(uint32_t *sleepers, uint32_t most)
{
    const bool some = *sleepers > 0;

    *sleepers -= *sleepers < most ? *sleepers : most;
    return some;
}

/* Writing -------------------------------------------------------------------------------------- */

static int acquire(void *user, void **data)
{
    struct side *side = user;
    const struct channel *channel = side->channel;
    struct ring *ring = channel->ring;

    pthread_mutex_lock(&ring->mutex);
    while (slot_of(channel, ring->claimed + 1)->users > 0)
        sleep_on(&ring->room, ring, &ring->room_sleepers);
    side->position = ++ring->claimed;
    slot_of(channel, side->position)->users = 1;
    pthread_mutex_unlock(&ring->mutex);
    *data = item_of(channel, side->position);
    return 0;
}

static int publish(void *user)
{
    const struct side *side = user;
    const struct channel *channel = side->channel;
    struct ring *ring = channel->ring;
    struct slot *slot = slot_of(channel, side->position);

    pthread_mutex_lock(&ring->mutex);
    slot->position = side->position;
    slot->users = channel->spec->delivery == TRANSPORT_QUEUE ? 1 : ring->readers;
    const bool wake = must_wake(&ring->data_sleepers, slot->users);
    const bool one = slot->users == 1;
    pthread_mutex_unlock(&ring->mutex);
    if (wake && one)
        pthread_cond_signal(&ring->data);
    else if (wake)
        pthread_cond_broadcast(&ring->data);
    return 0;
}

static int finish(void *user)
{
    const struct side *side = user;
    struct ring *ring = side->channel->ring;

    pthread_mutex_lock(&ring->mutex);
    ring->writers--;
    pthread_mutex_unlock(&ring->mutex);
    pthread_cond_broadcast(&ring->data);
    return 0;
}

/* Reading -------------------------------------------------------------------------------------- */

/* 1 with the next position for this reader taken; 0 at the end. With the mutex. */
static int take_next(struct side *side)
{
    const struct channel *channel = side->channel;
    struct ring *ring = channel->ring;
    uint64_t *last = channel->spec->delivery == TRANSPORT_QUEUE ? &ring->taken : &side->position;

    while (slot_of(channel, *last + 1)->position != *last + 1) {
        if (ring->writers == 0)
            return 0;
        sleep_on(&ring->data, ring, &ring->data_sleepers);
    }
    side->position = ++*last;
    return 1;
}

static int receive(void *user, const void **data)
{
    struct side *side = user;
    struct ring *ring = side->channel->ring;

    pthread_mutex_lock(&ring->mutex);
    side->holds = take_next(side) > 0;
    pthread_mutex_unlock(&ring->mutex);
    *data = item_of(side->channel, side->position);
    return side->holds ? 1 : 0;
}

static int release(void *user)
{
    struct side *side = user;
    struct ring *ring = side->channel->ring;
    struct slot *slot = slot_of(side->channel, side->position);

    pthread_mutex_lock(&ring->mutex);
    slot->users--;
    const bool wake = slot->users == 0 && must_wake(&ring->room_sleepers, 1);
    pthread_mutex_unlock(&ring->mutex);
    side->holds = false;
    if (wake)
        pthread_cond_signal(&ring->room);
    return 0;
}

static void close_writer(void *user)
{
    free(user);
}

/* Nobody waits for a reader that has left. In a queue the others take what is left. */
static void close_reader(void *user)
{
    struct side *side = user;
    const struct channel *channel = side->channel;
    struct ring *ring = channel->ring;

    if (side->holds)
        release(side);
    pthread_mutex_lock(&ring->mutex);
    ring->readers--;
    if (channel->spec->delivery == TRANSPORT_BROADCAST) {
        for (uint64_t i = side->position + 1; slot_of(channel, i)->position == i; i++)
            slot_of(channel, i)->users--;
    }
    ring->room_sleepers = 0;
    pthread_mutex_unlock(&ring->mutex);
    pthread_cond_broadcast(&ring->room);
    free(side);
}

const struct transport bench_peer_mutex = {
    .name = "mutex",
    .title = "mutex and condition variables in shared memory",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_CAN_QUEUE | TRANSPORT_MANY_WRITERS |
           TRANSPORT_MANY_READERS | TRANSPORT_THREADS,
    .prepare = prepare,
    .dispose = dispose,
    .open_writer = open_side,
    .open_reader = open_side,
    .acquire = acquire,
    .publish = publish,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
