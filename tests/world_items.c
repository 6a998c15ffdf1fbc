/* SPDX-License-Identifier: MIT */
/* The items of the crash tests, of which every word depends on all of it: see world_ops.h. */
#include "world_ops.h"

#include "world.h"

#define WORDS (WORLD_SIZE / 8)

const char *world_name;
enum fr_delivery world_delivery;
enum fr_overflow world_overflow;
bool world_observers;

struct fr_writer_opts world_ring_opts(void)
{
    return fr_writer_opts(.slot_size = WORLD_SIZE, .slots = WORLD_SLOTS, .delivery = world_delivery,
                          .overflow = world_overflow, .observers = world_observers);
}

static uint64_t mix(uint64_t writer_id, uint64_t number, uint64_t i)
{
    uint64_t x = writer_id * 0x9e3779b97f4a7c15u + number * 0xbf58476d1ce4e5b9u + i;

    x ^= x >> 31;
    return x * 0x94d049bb133111ebu;
}

void world_fill(struct fr_slot *slot, uint64_t writer_id, uint64_t number)
{
    uint64_t *word = slot->data;

    word[0] = writer_id;
    word[1] = number;
    for (uint64_t i = 2; i < WORDS; i++)
        word[i] = mix(writer_id, number, i);
    slot->used = WORLD_SIZE;
}

bool world_item_is_whole(const struct fr_slot *slot)
{
    const uint64_t *word = slot->data;

    if (slot->used != WORLD_SIZE)
        return false;
    for (uint64_t i = 2; i < WORDS; i++) {
        if (word[i] != mix(word[0], word[1], i))
            return false;
    }
    return true;
}

int world_write(struct fr_writer *to, uint64_t who, uint64_t number, int64_t timeout_ns)
{
    struct fr_slot *slot;
    int error = fr_writer_acquire(to, timeout_ns, &slot);

    if (error < 0)
        return error;
    world_fill(slot, who, number);
    return fr_writer_publish(&slot);
}
