/* SPDX-License-Identifier: MIT */
/*
 * One of two peers, of which clock.sh gives the other a clock that jumps. Judges only what it sees
 * itself, by its own clock: waits that end too early, none that ends in time, peers that are taken for
 * dead, items out of order.
 *
 * usage: clock_peer NAME write|read|judge-reading|judge-writing MILLISECONDS
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environs.h"

#define ASKED_NS FR_MS(100)
#define SLOTS 4

static bool judges;
static int64_t shortest = INT64_MAX;
static unsigned waits;

/* A wait that timed out. The peer whose clock jumps has no say in this. */
static void note_wait(int64_t start_ns)
{
    int64_t took = fr_now_ns() - start_ns;

    waits++;
    shortest = took < shortest ? took : shortest;
    env_expect(!judges || took > ASKED_NS - FR_MS(50), "a wait took %" PRId64 " ms of 100",
               took / 1000000);
}

static void judge_waits(void)
{
    env_expect(!judges || waits > 2, "only %u waits", waits);
    env_expect(!judges || shortest < ASKED_NS + FR_MS(50), "waits take %" PRId64 " ms of 100",
               shortest / 1000000);
}

/* In bursts, so that readers come to wait. The time is that of the machine: naps are not faked. */
static void write_items(const char *name, int64_t milliseconds)
{
    struct fr_writer *writer;

    if (!env_expect_code("create",
                         fr_writer_create(name, &fr_writer_opts(.slot_size = 64, .slots = SLOTS),
                                          &writer),
                         0))
        return;
    for (uint64_t i = 1; i <= (uint64_t)milliseconds / 5; i++) {
        int64_t start = fr_now_ns();
        int error = fr_writer_write(writer, &i, sizeof i, ASKED_NS);

        if (error == FR_ETIMEDOUT)
            note_wait(start);
        else
            env_expect_code("write", error, 0);
        env_nap_us(i % 64 == 0 ? 250000 : 2000);
    }
    fr_writer_close(&writer);
}

/* Is slow now and then, so that a writer that must lose nothing comes to wait. */
static void read_items(const char *name)
{
    const struct fr_slot *got;
    struct fr_reader *reader;
    uint64_t last = 0;
    int error = fr_reader_open(name, NULL, FR_S(10), &reader);

    while (error == 0 || error == FR_ETIMEDOUT) {
        int64_t start = fr_now_ns();

        error = fr_reader_acquire(reader, FR_NEXT, ASKED_NS, &got);
        if (error == FR_ETIMEDOUT)
            note_wait(start);
        if (error < 0)
            continue;
        env_expect(last == 0 || got->sequence == last + 1, "item %" PRIu64 " after %" PRIu64,
                   got->sequence, last);
        last = got->sequence;
        fr_reader_release(&got);
        if (last % 80 == 0)
            env_nap_us(350000);
    }
    env_expect_code("the end", error, FR_ECLOSED);
    env_expect(last > 10, "only %" PRIu64 " items", last);
    fr_reader_close(&reader);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: clock_peer NAME write|read|judge-reading|judge-writing MS\n");
        return 2;
    }
    judges = strncmp(argv[2], "judge", 5) == 0;
    if (strcmp(argv[2], "write") == 0 || strcmp(argv[2], "judge-writing") == 0)
        write_items(argv[1], atoll(argv[3]));
    else
        read_items(argv[1]);
    judge_waits();
    return env_end("clock_peer");
}
