/* SPDX-License-Identifier: MIT */
/*
 * Writers and readers as threads on one mapping: what ThreadSanitizer needs to see a payload that
 * is written while it is read (between two mappings of one object it sees nothing). Payloads are
 * plain memory here as everywhere. Without a sanitizer it is a stress test like any other.
 *
 * usage: stress_threads [items for each writer [mode]]     mode 0-5 as in world.h
 */
#include <framering/framering.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "share.h"
#include "world.h"
#include "world_ops.h"

#define WRITERS 2
#define READERS 3

static const char *ring_name;
static const struct world_mode *mode;
static uint64_t items_each;
static _Atomic uint64_t checked;
static _Atomic uint64_t failures;

static void complain(const char *why, int error)
{
    printf("FAILED: %s: %s (%s)\n", mode->name, why, fr_errname(error));
    failures++;
}

static void *write_items(void *argument)
{
    uint64_t who = (uintptr_t)argument;
    struct fr_writer *writer;
    int error = fr_writer_open(ring_name, FR_NOWAIT, &writer);

    if (error < 0) {
        complain("a writer cannot join", error);
        return NULL;
    }
    for (uint64_t number = 1; number <= items_each; number++) {
        error = world_write(writer, who, number, FR_S(10));
        if (error < 0 && !(error == FR_ETIMEDOUT && mode->overflow == FR_DROP_NEWEST))
            complain("a writer cannot write", error);
    }
    fr_writer_close(&writer);
    return NULL;
}

static void check(const struct fr_slot *slot, uint64_t *last, uint64_t *newest)
{
    const uint64_t *word = slot->data;

    if (!world_item_is_whole(slot))
        complain("torn item", 0);
    if (slot->sequence <= *last)
        complain("numbers out of order", 0);
    if (word[0] <= WRITERS && word[1] <= newest[word[0]])
        complain("items of one writer out of order", 0);
    *last = slot->sequence;
    newest[word[0] <= WRITERS ? word[0] : 0] = word[1];
    checked++;
}

/* Releases through another thread's hands would be the same call; order is what varies here. */
static void *read_items(void *argument)
{
    struct fr_reader *reader = argument;
    const struct fr_slot *held[2] = { NULL };
    uint64_t newest[WRITERS + 1] = { 0 };
    uint64_t last = 0;
    int error = 0;

    for (uint64_t i = 0; error == 0; i++) {
        fr_reader_release(&held[i % 2]);
        error = fr_reader_acquire(reader, FR_NEXT, FR_S(10), &held[i % 2]);
        if (error == 0)
            check(held[i % 2], &last, newest);
    }
    if (error != FR_ECLOSED)
        complain("a reader did not see the orderly end", error);
    fr_reader_release(&held[0]);
    fr_reader_release(&held[1]);
    return NULL;
}

static void run(const struct world_mode *which)
{
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = WORLD_SIZE, .slots = 16, .delivery = which->delivery,
                       .overflow = which->overflow);
    pthread_t threads[WRITERS + READERS];
    struct fr_reader *readers[READERS];
    struct fr_writer *owner;
    int64_t start = fr_now_ns();

    mode = which;
    checked = 0;
    if (fr_writer_create(ring_name, &opts, &owner) < 0)
        abort();
    for (int i = 0; i < READERS; i++) {
        if (fr_reader_open(ring_name, NULL, FR_NOWAIT, &readers[i]) < 0)
            abort();
        pthread_create(&threads[WRITERS + i], NULL, read_items, readers[i]);
    }
    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_items, (void *)(i + 1));
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    fr_writer_close(&owner);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[WRITERS + i], NULL);
        fr_reader_close(&readers[i]);
    }
    /* Nothing may be lost where nothing may be lost. */
    uint64_t due = WRITERS * items_each * (which->delivery == FR_QUEUE ? 1 : READERS);
    if (which->overflow == FR_BLOCK && checked != due)
        complain("items are missing, or came twice", 0);
    printf("%-22s %10" PRIu64 " items checked, %6.2f M/s\n", which->name, checked,
           (double)checked * 1e3 / (double)(fr_now_ns() - start));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char name[32];
    int only = argc > 2 ? atoi(argv[2]) : -1;

    items_each = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    snprintf(name, sizeof name, "threads-%d", (int)getpid());
    ring_name = name;
    fri_share_mappings = true;
    for (int m = 0; m < WORLD_MODES; m++) {
        if (only < 0 || only == m)
            run(&world_modes[m]);
    }
    printf("%" PRIu64 " failures\n", failures);
    return failures ? 1 : 0;
}
