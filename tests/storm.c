/* SPDX-License-Identifier: MIT */
/*
 * Traffic under random deaths: writers and readers as processes, of which one after the other is
 * killed at a random moment and replaced at once. Readers check every byte, the order and the count
 * of what they get; the parent checks that at the end nothing is left of anybody.
 *
 * usage: storm [seconds [seed [mode [kills]]]]     seed 0: another one each time; mode 0-5 as in
 *        world.h, 6: each in turn; so many kills for each mode, or seconds, whatever is over first
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "ring.h"
#include "world.h"
#include "world_ops.h"

#define WRITERS 2
#define READERS 2
#define CHILDREN (WRITERS + READERS)
#define SLOTS 9
#define MOST_DYING 3

/* What the children tell the parent; each writes its own line. */
struct tally {
    _Alignas(128) _Atomic uint64_t items;
    _Atomic uint64_t failures;
    char why[96];
};

static struct tally *tallies;
static const char *ring_name;
static const struct world_mode *mode;
static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void complain(struct tally *tally, const char *why, int error)
{
    snprintf(tally->why, sizeof tally->why, "%s (%s)", why, fr_errname(error));
    tally->failures++;
}

/* ---- Children ------------------------------------------------------------------------------ */

static int write_for_ever(struct tally *tally, uint64_t incarnation)
{
    struct fr_writer *writer;
    int error = fr_writer_open(ring_name, FR_NOWAIT, &writer);

    for (uint64_t number = 1; error >= 0 || error == FR_ETIMEDOUT; number++) {
        error = world_write(writer, incarnation, number, FR_MS(20));
        if (error == 0)
            tally->items++;
    }
    complain(tally, "writing failed", error);
    return 1;
}

static bool check_order(struct tally *tally, const struct fr_slot *slot, bool observes,
                        uint64_t *last)
{
    bool gapless = mode->delivery == FR_BROADCAST && mode->overflow != FR_DROP_OLDEST && !observes;

    if (!world_item_is_whole(slot))
        complain(tally, "torn item", 0);
    else if (slot->sequence <= *last)
        complain(tally, "item out of order", 0);
    else if (gapless && *last != 0 && slot->sequence != *last + 1)
        complain(tally, "gap in a lossless ring", 0);
    else if (!gapless && mode->delivery == FR_BROADCAST && *last != 0 &&
             slot->sequence - *last - 1 != slot->loss.overwritten + slot->loss.skipped)
        complain(tally, "gap that is not accounted for", 0);
    *last = slot->sequence;
    return tally->failures == 0;
}

/* Holds up to three items at a time, and gives them back in another order. */
static int read_for_ever(struct tally *tally, bool observes)
{
    const struct fr_reader_opts opts = fr_reader_opts(.observe = observes);
    const struct fr_slot *held[3] = { NULL };
    struct fr_reader *reader;
    uint64_t last = 0;
    int error = fr_reader_open(ring_name, &opts, FR_NOWAIT, &reader);

    for (uint64_t i = 0; error >= 0 || error == FR_ETIMEDOUT; i++) {
        const struct fr_slot **slot = &held[i * 2 % 3];

        if (*slot && !world_item_is_whole(*slot))
            complain(tally, "item changed while held", 0);
        fr_reader_release(slot);
        error = fr_reader_acquire(reader, FR_NEXT, FR_MS(20), slot);
        if (error == 0 && !check_order(tally, *slot, observes, &last))
            return 1;
        if (error == 0)
            tally->items++;
    }
    complain(tally, "reading failed", error);
    return 1;
}

static pid_t start(int index, uint64_t incarnation)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (index < WRITERS)
        _exit(write_for_ever(&tallies[index], incarnation));
    /* Of a broadcast's readers the last one may only read. */
    _exit(read_for_ever(&tallies[index], mode->delivery == FR_BROADCAST && index == CHILDREN - 1));
}

/* ---- Parent -------------------------------------------------------------------------------- */

static void bury(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static uint64_t failures(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < CHILDREN; i++)
        sum += tallies[i].failures;
    return sum;
}

/* The ring is ours alone again: no state, no pin, no member is anybody else's. */
static const char *find_leftover(struct fr_writer *writer)
{
    struct fri_seat *seat = writer->seat;

    fri_seat_recover(seat);
    if (world_slot_in_hands(seat) >= 0)
        return "a slot is still somebody's";
    return word_load(&seat->page->attached) == fri_bit(seat->place) ? NULL
                                                                    : "a member is still there";
}

/* Mostly as soon as the newcomer has begun; every fourth time later, when it is in full swing. */
static struct timespec next_nap(void)
{
    uint64_t random = next_random();
    uint64_t longest = random % 4 == 0 ? 4000000 : 500000;

    return (struct timespec){ .tv_nsec = (long)(random / 4 % longest) };
}

/* Those who were killed are buried when they are dead, but never are there many of them. */
static void bury_the_dead(int *dying, int allowed)
{
    while (*dying > 0 && waitpid(-1, NULL, *dying > allowed ? 0 : WNOHANG) > 0)
        --*dying;
}

/* The next one is there before the last is dead. */
static uint64_t rage(int64_t seconds, uint64_t most)
{
    pid_t children[CHILDREN];
    int64_t end = fr_now_ns() + FR_S(1) * seconds;
    uint64_t incarnation = 100;
    uint64_t kills = 0;
    int dying = 0;

    for (int i = 0; i < CHILDREN; i++)
        children[i] = start(i, incarnation++);
    for (; kills < most && fr_now_ns() < end && failures() == 0; kills++) {
        int i = (int)(next_random() % CHILDREN);
        struct timespec nap = next_nap();

        nanosleep(&nap, NULL);
        kill(children[i], SIGKILL);
        children[i] = start(i, incarnation++);
        dying++;
        bury_the_dead(&dying, MOST_DYING);
    }
    bury_the_dead(&dying, 0);
    for (int i = 0; i < CHILDREN; i++)
        bury(children[i]);
    return kills;
}

static int storm(const struct world_mode *which, int64_t seconds, uint64_t seed, uint64_t most)
{
    const struct fr_writer_opts opts =
        fr_writer_opts(.slot_size = WORLD_SIZE, .slots = SLOTS, .delivery = which->delivery,
                       .overflow = which->overflow, .observers = which->delivery == FR_BROADCAST);
    struct fr_writer *writer;
    uint64_t items = 0;

    mode = which;
    random_state = seed;
    memset(tallies, 0, CHILDREN * sizeof *tallies);
    if (fr_writer_create(ring_name, &opts, &writer) < 0) {
        printf("FAILED: %s\n", fr_error_detail(FR_ENOSPC));
        return 1;
    }
    uint64_t kills = rage(seconds, most);
    const char *leftover = failures() ? NULL : find_leftover(writer);
    fr_writer_close(&writer);
    for (int i = 0; i < CHILDREN; i++) {
        items += i < WRITERS ? 0 : tallies[i].items;
        if (tallies[i].failures)
            printf("FAILED: %s: %s\n", which->name, tallies[i].why);
    }
    if (leftover)
        printf("FAILED: %s: %s\n", which->name, leftover);
    printf("%-22s seed %" PRIu64 ": %" PRIu64 " kills, %" PRIu64 " items checked, %" PRIu64
           " failures\n",
           which->name, seed, kills, items, failures() + (leftover != NULL));
    fflush(stdout);
    return failures() || leftover ? 1 : 0;
}

int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? atoll(argv[1]) : 2;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    int only = argc > 3 ? atoi(argv[3]) : WORLD_MODES;
    uint64_t most = argc > 4 ? strtoull(argv[4], NULL, 0) : UINT64_MAX;
    char name[32];
    int failed = 0;

    snprintf(name, sizeof name, "storm-%d", (int)getpid());
    ring_name = name;
    tallies = mmap(NULL, CHILDREN * sizeof *tallies, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED)
        return 2;
    if (seed == 0)
        seed = (uint64_t)fr_now_ns() | 1;
    for (int m = 0; m < WORLD_MODES; m++) {
        if (only == WORLD_MODES || only == m)
            failed += storm(&world_modes[m], seconds, seed, most);
    }
    return failed ? 1 : 0;
}
