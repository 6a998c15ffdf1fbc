/* SPDX-License-Identifier: MIT */
/*
 * Writers and readers as threads on one mapping: what ThreadSanitizer needs to see a payload that
 * is written while it is read (between two mappings of one object it sees nothing). Payloads are
 * plain memory here as everywhere. Without a sanitizer it is a stress test like any other.
 *
 * Each item that is read is whole, newer than the one before, and at once behind it where nothing may
 * be lost; in the end what was published is what was read: how many, and the sum of their numbers,
 * or the losses that were told. Parties mostly work in bursts without waiting, because two threads
 * that wake each other for each item do little else; now and then they wait all the same.
 *
 * usage: stress_threads [items for each writer [mode]]     mode 0-5 as in world.h; 6: all
 */
#include <framering/framering.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "share.h"
#include "world.h"
#include "world_ops.h"

#define MAX_PARTIES 4
#define PATIENCE FR_S(20)

/* How many there are, of what. Each mode is run with each of these, a part of the items each. */
struct cast {
    unsigned writers;
    unsigned readers;
    uint32_t slots;
};

static const struct cast casts[] = { { 1, 1, 512 }, { 2, 3, 128 }, { 1, 2, 16 }, { 3, 1, 64 } };
#define CASTS (sizeof casts / sizeof *casts)

/* One thread, and what it has seen; nobody else writes here while it runs. */
struct party {
    _Alignas(128) pthread_t thread;
    unsigned id; /* writers: from 1 */
    struct fr_reader *reader;
    uint64_t items;
    uint64_t sum;
    uint64_t lost;
    uint64_t last;
    uint64_t newest[MAX_PARTIES + 1]; /* number of the newest item of each writer */
};

static const char *ring_name;
static const struct world_mode *mode;
static const struct cast *cast;
static uint64_t items_each;
static _Atomic uint64_t failures;

static void complain(const char *why, int error)
{
    printf("FAILED: %s, %u writers, %u readers: %s (%s)\n", mode->name, cast->writers,
           cast->readers, why, fr_errname(error));
    failures++;
}

/* ---- Writers ----------------------------------------------------------------------------------- */

/* A writer that drops would else find the ring full, or overrun its readers, nearly all the time. */
static void let_readers_run(uint64_t number)
{
    if (mode->overflow != FR_BLOCK && number % (cast->slots / 2) == 0)
        sched_yield();
}

/* 0 or an error; FR_ETIMEDOUT: dropped, which is allowed. */
static int write_item(struct fr_writer *writer, unsigned id, uint64_t number)
{
    int error = world_write(writer, id, number, FR_NOWAIT);

    if (error != FR_ETIMEDOUT)
        return error;
    sched_yield();
    if (mode->overflow == FR_DROP_NEWEST)
        return error;
    return world_write(writer, id, number, PATIENCE);
}

static void *write_items(void *argument)
{
    struct party *self = argument;
    struct fr_writer *writer;
    int error = fr_writer_open(ring_name, FR_NOWAIT, &writer);

    if (error < 0) {
        complain("a writer cannot join", error);
        return NULL;
    }
    for (uint64_t number = 1; number <= items_each; number++) {
        error = write_item(writer, self->id, number);
        if (error == 0) {
            self->items++;
            self->sum += number;
        } else if (error != FR_ETIMEDOUT || mode->overflow != FR_DROP_NEWEST) {
            complain("a writer cannot write", error);
            break;
        }
        let_readers_run(number);
    }
    fr_writer_close(&writer);
    return NULL;
}

/* ---- Readers ----------------------------------------------------------------------------------- */

static void check_order(struct party *self, const struct fr_slot *slot)
{
    uint64_t gap = slot->sequence - self->last - 1;

    if (slot->sequence <= self->last)
        complain("numbers out of order", 0);
    else if (mode->delivery == FR_BROADCAST && self->last != 0 &&
             gap != slot->loss.overwritten + slot->loss.skipped)
        complain("a gap that is not accounted for", 0);
    else if (mode->delivery == FR_BROADCAST && mode->overflow != FR_DROP_OLDEST &&
             self->last != 0 && gap != 0)
        complain("a gap where nothing may be lost", 0);
    self->last = slot->sequence;
}

static void check(struct party *self, const struct fr_slot *slot)
{
    const uint64_t *word = slot->data;

    check_order(self, slot);
    self->lost += slot->loss.overwritten + slot->loss.skipped;
    if (!world_item_is_whole(slot) || word[0] < 1 || word[0] > cast->writers) {
        complain("torn item", 0);
        return;
    }
    if (word[1] <= self->newest[word[0]])
        complain("items of one writer out of order", 0);
    self->newest[word[0]] = word[1];
    self->items++;
    self->sum += word[1];
}

/* Mostly without waiting; when there is nothing for long enough, by sleeping like everybody. */
static int next_item(struct party *self, const struct fr_slot **slot)
{
    for (int i = 0; i < 4; i++) {
        int error = fr_reader_acquire(self->reader, FR_NEXT, FR_NOWAIT, slot);

        if (error != FR_ETIMEDOUT)
            return error;
        sched_yield();
    }
    return fr_reader_acquire(self->reader, FR_NEXT, PATIENCE, slot);
}

/* Two items are held at a time. Releases by another thread's hands would be the same call. */
static void *read_items(void *argument)
{
    struct party *self = argument;
    const struct fr_slot *held[2] = { NULL };
    int error = 0;

    for (uint64_t i = 0; error == 0 && failures == 0; i++) {
        fr_reader_release(&held[i % 2]);
        error = next_item(self, &held[i % 2]);
        if (error == 0)
            check(self, held[i % 2]);
    }
    if (error != FR_ECLOSED)
        complain("a reader did not see the orderly end", error);
    fr_reader_release(&held[0]);
    fr_reader_release(&held[1]);
    return NULL;
}

/* ---- A run ------------------------------------------------------------------------------------- */

static struct party add(const struct party *parties, unsigned count)
{
    struct party sum = { .items = 0 };

    for (unsigned i = 0; i < count; i++) {
        sum.items += parties[i].items;
        sum.sum += parties[i].sum;
    }
    return sum;
}

/* Nothing is missing and nothing came twice, but for the losses that were told. */
static void balance(const struct party *writers, const struct party *readers, uint64_t overwritten)
{
    struct party written = add(writers, cast->writers);
    struct party taken = add(readers, cast->readers);

    if (mode->delivery == FR_QUEUE && taken.items + overwritten != written.items)
        complain("items of the queue are missing, or came twice", 0);
    if (mode->delivery == FR_QUEUE && overwritten == 0 && taken.sum != written.sum)
        complain("items of the queue are not those that were written", 0);
    for (unsigned i = 0; i < cast->readers && mode->delivery == FR_BROADCAST; i++) {
        if (readers[i].items + readers[i].lost != written.items)
            complain("items are missing, or came twice", 0);
        if (readers[i].lost == 0 && readers[i].sum != written.sum)
            complain("items are not those that were written", 0);
    }
}

/* The ring of the run, and its readers, which are there before the first item is. */
static struct fr_writer *make_ring(struct party *readers)
{
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = WORLD_SIZE, .slots = cast->slots, .delivery = mode->delivery,
                       .overflow = mode->overflow);
    struct fr_writer *owner;
    int error = fr_writer_create(ring_name, &opts, &owner);

    for (unsigned i = 0; i < cast->readers && error == 0; i++)
        error = fr_reader_open(ring_name, NULL, FR_NOWAIT, &readers[i].reader);
    if (error == 0)
        return owner;
    fprintf(stderr, "stress_threads: %s\n", fr_error_detail(error));
    exit(2);
}

static uint64_t run(void)
{
    struct party writers[MAX_PARTIES] = { { .id = 1 } };
    struct party readers[MAX_PARTIES] = { { .id = 0 } };
    struct fr_writer *owner = make_ring(readers);
    struct fr_info info = fr_info();

    for (unsigned i = 0; i < cast->readers; i++)
        pthread_create(&readers[i].thread, NULL, read_items, &readers[i]);
    for (unsigned i = 0; i < cast->writers; i++) {
        writers[i].id = i + 1;
        pthread_create(&writers[i].thread, NULL, write_items, &writers[i]);
    }
    for (unsigned i = 0; i < cast->writers; i++)
        pthread_join(writers[i].thread, NULL);
    if (fr_inspect(ring_name, &info) < 0)
        complain("the ring cannot be inspected", 0);
    uint64_t overwritten = info.overwritten;
    fr_writer_close(&owner);
    for (unsigned i = 0; i < cast->readers; i++) {
        pthread_join(readers[i].thread, NULL);
        fr_reader_close(&readers[i].reader);
    }
    balance(writers, readers, overwritten);
    return add(readers, cast->readers).items;
}

static void run_mode(const struct world_mode *which, uint64_t items)
{
    int64_t start = fr_now_ns();
    uint64_t checked = 0;

    mode = which;
    items_each = items / CASTS;
    for (size_t i = 0; i < CASTS && failures == 0; i++) {
        cast = &casts[i];
        checked += run();
    }
    printf("%-22s %10" PRIu64 " items checked, %6.2f M/s\n", which->name, checked,
           (double)checked * 1e3 / (double)(fr_now_ns() - start));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char name[32];
    uint64_t items = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    int only = argc > 2 ? atoi(argv[2]) : WORLD_MODES;

    snprintf(name, sizeof name, "threads-%d", (int)getpid());
    ring_name = name;
    fri_share_mappings = true;
    for (int m = 0; m < WORLD_MODES; m++) {
        if (only == WORLD_MODES || only == m)
            run_mode(&world_modes[m], items);
    }
    printf("%" PRIu64 " failures\n", failures);
    return failures ? 1 : 0;
}
