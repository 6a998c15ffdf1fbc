/* SPDX-License-Identifier: MIT */
/* What the tests of rings share: see rings.h. */
#define _GNU_SOURCE
#include "rings.h"

#include <string.h>
#include <time.h>

#define MAX_WORDS 64

struct fr_writer *make_ring(const char *name, uint32_t slots, enum fr_delivery delivery,
                            enum fr_overflow overflow)
{
    struct fr_writer *writer;

    ck_assert_ok(fr_writer_create(name,
                                  &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = slots,
                                                  .delivery = delivery, .overflow = overflow),
                                  &writer));
    return writer;
}

struct fr_writer *join_ring(const char *name)
{
    struct fr_writer *writer;

    ck_assert_ok(fr_writer_open(name, FR_NOWAIT, &writer));
    return writer;
}

struct fr_reader *open_reader(const char *name)
{
    struct fr_reader *reader;

    ck_assert_ok(fr_reader_open(name, NULL, FR_NOWAIT, &reader));
    return reader;
}

struct fr_reader *open_lossy_reader(const char *name)
{
    struct fr_reader *reader;

    ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.lossy = 1), FR_NOWAIT, &reader));
    return reader;
}

static uint64_t word_of(uint64_t number, uint64_t index)
{
    return index == 0 ? number : (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + index;
}

static uint64_t words_of(uint64_t number)
{
    return 1 + number % MAX_WORDS;
}

void fill_item(struct fr_slot *slot, uint64_t number)
{
    uint64_t *words = slot->data;

    for (uint64_t i = 0; i < words_of(number); i++)
        words[i] = word_of(number, i);
    slot->used = 8 * words_of(number);
}

bool is_item(const struct fr_slot *slot, uint64_t number)
{
    const uint64_t *words = slot->data;

    for (uint64_t i = 0; i < words_of(number); i++) {
        if (words[i] != word_of(number, i))
            return false;
    }
    return slot->used == 8 * words_of(number);
}

uint64_t item_number(const struct fr_slot *slot)
{
    uint64_t number;

    memcpy(&number, slot->data, sizeof number);
    return number;
}

int put(struct fr_writer *writer, uint64_t number, int64_t timeout_ns)
{
    struct fr_slot *slot;
    int error = fr_writer_acquire(writer, timeout_ns, &slot);

    if (error < 0)
        return error;
    fill_item(slot, number);
    return fr_writer_publish(&slot);
}

int get_with_loss(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                  uint64_t *number, struct fr_loss *loss)
{
    const struct fr_slot *slot;
    int error = fr_reader_acquire(reader, which, timeout_ns, &slot);

    if (error < 0)
        return error;
    *number = item_number(slot);
    *loss = slot->loss;
    error = is_item(slot, *number) ? 0 : FR_ECORRUPT;
    fr_reader_release(&slot);
    return error;
}

int get(struct fr_reader *reader, int64_t timeout_ns, uint64_t *number)
{
    struct fr_loss loss;

    return get_with_loss(reader, FR_NEXT, timeout_ns, number, &loss);
}

void expect_item(struct fr_reader *reader, uint64_t number)
{
    uint64_t got = 0;

    ck_assert_ok(get(reader, FR_NOWAIT, &got));
    ck_assert_uint_eq(got, number);
}

void put_all(struct fr_writer *writer, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++)
        ck_assert_ok(put(writer, number, FR_NOWAIT));
}

int64_t ms_since(int64_t start_ns)
{
    return (fr_now_ns() - start_ns) / 1000000;
}

void nap_ms(long ms)
{
    const struct timespec nap = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&nap, NULL);
}
