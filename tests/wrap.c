/* SPDX-License-Identifier: MIT */
/*
 * Rings that begin at a number of one's choice, as if they had been running ever since 1. Linked into
 * a program of the crash tests with --wrap=fr_writer_create and --wrap=fr_reader_open, it makes each
 * ring of that program begin behind the number in FR_START of the environment; all else, and all
 * checks of the program, stay as they are.
 */
#include <framering/framering.h>
#include <stdlib.h>

#include "order.h"
#include "ring.h"

int __real_fr_writer_create(const char *name, const struct fr_writer_opts *opts,
                            struct fr_writer **out);
int __wrap_fr_writer_create(const char *name, const struct fr_writer_opts *opts,
                            struct fr_writer **out);
int __real_fr_reader_open(const char *name, const struct fr_reader_opts *opts, int64_t timeout_ns,
                          struct fr_reader **out);
int __wrap_fr_reader_open(const char *name, const struct fr_reader_opts *opts, int64_t timeout_ns,
                          struct fr_reader **out);

static uint64_t start_number(void)
{
    const char *text = getenv("FR_START");

    return text ? strtoull(text, NULL, 0) : 0;
}

/* A broadcast always has a newest item, so there is one: what was published as number 1. */
static int begin_broadcast(struct fr_writer *writer, uint64_t newest)
{
    struct fri_seat *seat = writer->seat;
    int error = fr_writer_write(writer, "", 1, FR_NOWAIT);

    if (error < 0)
        return error;
    uint64_t entry = word_load(order_entry(seat, 1));
    struct fri_slot *slot = entry_slot(seat, entry);
    word_store(order_entry(seat, 1), 0);
    word_store(&slot->control, control_make(newest, SLOT_PUBLISHED, 0));
    word_store(order_entry(seat, newest), entry_make(newest, (uint32_t)(slot - seat->slot)));
    return 0;
}

int __wrap_fr_writer_create(const char *name, const struct fr_writer_opts *opts,
                            struct fr_writer **out)
{
    uint64_t newest = start_number();
    int error = __real_fr_writer_create(name, opts, out);

    if (error < 0 || newest == 0)
        return error;
    struct fri_seat *seat = (*out)->seat;
    if (seat->delivery == FR_BROADCAST)
        error = begin_broadcast(*out, newest);
    word_store(&seat->page->tail, newest);
    word_store(&seat->page->head, newest + 1);
    if (error < 0)
        fr_writer_close(out);
    return error;
}

/* That one item is ours, not the program's: no reader gets to see it. */
int __wrap_fr_reader_open(const char *name, const struct fr_reader_opts *opts, int64_t timeout_ns,
                          struct fr_reader **out)
{
    uint64_t newest = start_number();
    int error = __real_fr_reader_open(name, opts, timeout_ns, out);
    const struct fr_slot *slot;

    if (error < 0 || newest == 0 || (*out)->next != newest)
        return error;
    if (fr_reader_acquire(*out, FR_NEXT, FR_NOWAIT, &slot) == 0)
        fr_reader_release(&slot);
    return 0;
}
