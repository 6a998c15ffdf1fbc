/* SPDX-License-Identifier: MIT */
#ifndef RINGS_H
#define RINGS_H

/*
 * What the tests of rings share: rings made in one line, and items that know their number, so that
 * a torn, stale or mixed-up one is recognised.
 *
 * The functions that assert (make_ring, join_ring, open_reader, open_lossy_reader) are for the
 * test's own thread and process; the others may be called from anywhere.
 */

#include <framering/framering.h>

#include "support.h"

#define ITEM_SLOT_SIZE 4000

/* Rings with slots for items, made, joined and read. A failure fails the test. */
struct fr_writer *make_ring(const char *name, uint32_t slots, enum fr_delivery delivery,
                            enum fr_overflow overflow);
struct fr_writer *join_ring(const char *name);
struct fr_reader *open_reader(const char *name);
struct fr_reader *open_lossy_reader(const char *name);

/* Makes the slot item number: its length and all its bytes follow from the number. */
void fill_item(struct fr_slot *slot, uint64_t number);

/* Whether the slot is that item, whole; and which one it says it is. */
bool is_item(const struct fr_slot *slot, uint64_t number);
uint64_t item_number(const struct fr_slot *slot);

/* Acquires, fills and publishes; acquires the next, checks that it is whole, and releases. */
int put(struct fr_writer *writer, uint64_t number, int64_t timeout_ns);
int get(struct fr_reader *reader, int64_t timeout_ns, uint64_t *number);
int get_with_loss(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                  uint64_t *number, struct fr_loss *loss);

/* Asserts that the next item is that one, or puts items first to last without waiting. */
void expect_item(struct fr_reader *reader, uint64_t number);
void put_all(struct fr_writer *writer, uint64_t first, uint64_t last);

int64_t ms_since(int64_t start_ns);
void nap_ms(long ms);

#endif
