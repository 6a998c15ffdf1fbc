/* SPDX-License-Identifier: MIT */
/*
 * The least that a ring with one writer can be: a word that counts what was written, a word for each
 * reader that counts what it has read, and futexes under both. It does nothing that is not needed to
 * move items (no members, no deaths, no read-only readers, no queue): a reference, not a rival.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "peer_support.h"
#include "transport.h"

/* Words are on lines of their own: each is written by one side, but for its sleepers. */
struct word {
    _Alignas(128) _Atomic uint32_t count; /* twice the number of items; 1 more: that was all */
    _Alignas(128) _Atomic uint32_t has_sleepers;
};

struct channel {
    const struct transport_spec *spec;
    struct word *words; /* [0] what was written, [1 + i] what reader i has read */
    uint8_t *items;
    size_t words_size;
    size_t items_size;
};

struct side {
    const struct channel *channel;
    struct word *word;
    uint32_t count; /* as in the word, without the last bit */
};

static void dispose(void *user)
{
    struct channel *channel = user;

    peer_unmap(channel->words, channel->words_size);
    peer_unmap(channel->items, channel->items_size);
    free(channel);
}

static int prepare(const struct transport_spec *spec, void **out)
{
    struct channel *channel = calloc(1, sizeof *channel);
    void *memory;

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = spec;
    channel->words_size = (1 + spec->readers) * sizeof channel->words[0];
    channel->items_size = spec->slots * spec->item_size;
    int error = peer_map_shared(channel->words_size, &memory);
    if (error == 0) {
        channel->words = memory;
        error = peer_map_shared(channel->items_size, &memory);
    }
    if (error < 0) {
        dispose(channel);
        return error;
    }
    channel->items = memory;
    *out = channel;
    return 0;
}

static int open_side(struct channel *channel, struct word *word, void **out)
{
    struct side *side = calloc(1, sizeof *side);

    if (side == NULL)
        return -ENOMEM;
    side->channel = channel;
    side->word = word;
    peer_touch(channel->words, channel->words_size);
    peer_touch(channel->items, channel->items_size);
    *out = side;
    return 0;
}

static uint8_t *item_of(const struct side *side)
{
    const struct transport_spec *spec = side->channel->spec;

    return side->channel->items + side->count / 2 % spec->slots * spec->item_size;
}

static void set(struct word *word, uint32_t count)
{
    atomic_store(&word->count, count);
    /* Whoever is being woken is not woken again by the items that follow until it runs. */
    if (atomic_load(&word->has_sleepers) != 0 && atomic_exchange(&word->has_sleepers, 0) != 0)
        word_wake(&word->count, INT_MAX);
}

static void sleep_on(struct word *word, uint32_t count)
{
    atomic_store(&word->has_sleepers, 1);
    word_wait(&word->count, count);
}

/* Writing -------------------------------------------------------------------------------------- */

static int open_writer(void *user, uint32_t index, void **out)
{
    struct channel *channel = user;

    (void)index;
    return open_side(channel, &channel->words[0], out);
}

static int acquire(void *user, void **data)
{
    struct side *side = user;
    const struct transport_spec *spec = side->channel->spec;

    for (uint32_t i = 0; i < spec->readers; i++) {
        struct word *word = &side->channel->words[1 + i];
        uint32_t read = atomic_load(&word->count);

        while (side->count - read >= 2 * spec->slots && (read & 1) == 0) {
            sleep_on(word, read);
            read = atomic_load(&word->count);
        }
    }
    *data = item_of(side);
    return 0;
}

static int publish(void *user)
{
    struct side *side = user;

    side->count += 2;
    set(side->word, side->count);
    return 0;
}

/* Reading -------------------------------------------------------------------------------------- */

static int open_reader(void *user, uint32_t index, void **out)
{
    struct channel *channel = user;

    return open_side(channel, &channel->words[1 + index], out);
}

static int receive(void *user, const void **data)
{
    const struct side *side = user;
    struct word *word = &side->channel->words[0];
    uint32_t written = atomic_load(&word->count);

    while (written == side->count) {
        sleep_on(word, written);
        written = atomic_load(&word->count);
    }
    *data = item_of(side);
    return written - side->count > 1 ? 1 : 0;
}

/* Either side says that it has nothing more to say. */
static int finish(void *user)
{
    const struct side *side = user;

    set(side->word, side->count | 1);
    return 0;
}

static void close_writer(void *user)
{
    free(user);
}

static void close_reader(void *user)
{
    finish(user);
    free(user);
}

const struct transport bench_peer_futex = {
    .name = "futex",
    .title = "bare futex ring, for reference",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_READERS | TRANSPORT_THREADS | TRANSPORT_REFERENCE,
    .prepare = prepare,
    .dispose = dispose,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire,
    .publish = publish,
    .receive = receive,
    .release = publish, /* both have moved on by one item */
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
