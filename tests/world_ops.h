/* SPDX-License-Identifier: MIT */
#ifndef WORLD_OPS_H
#define WORLD_OPS_H

/* The items of the crash tests, and what their victims know of the world they were forked from. */

#include <framering/framering.h>
#include <stdbool.h>

extern const char *world_name;
extern enum fr_delivery world_delivery;
extern enum fr_overflow world_overflow;
extern bool world_observers;

/* How the ring of the world is made. */
struct fr_writer_opts world_ring_opts(void);

enum { WRITER_SURVIVOR = 1, WRITER_VICTIM = 2, WRITER_DEAD = 3 };

/* Fills a slot with an item of which every word depends on all of it. */
void world_fill(struct fr_slot *slot, uint64_t writer, uint64_t number);
bool world_item_is_whole(const struct fr_slot *slot);

/* Acquires, fills in place and publishes. */
int world_write(struct fr_writer *writer, uint64_t who, uint64_t number, int64_t timeout_ns);

/* For a child: dies with SIGKILL while it holds the region's lock. Returns only on failure. */
int world_die_locking(void);

#endif
