/* SPDX-License-Identifier: MIT */
/*
 * Live corruption: a process scribbles over all control words of a ring and a region, identity and
 * frame headers included, while writers, readers and lockers in other processes go on. None of them
 * crashes, each call returns in time with a code that the header names, and afterwards the names can
 * be removed and made anew.
 *
 * usage: corrupt [seconds [seed]]     prints what was written and what failed; 1 if anything did
 */
#define _GNU_SOURCE
#include <fcntl.h>
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

#include "corrupt_peers.h"
#include "layout.h"
#include "order.h"
#include "slot.h"

#define ROUND_NS FR_MS(250)
#define AFTERMATH_NS FR_MS(50)
#define PEERS 6
#define SLOTS 4

static struct corrupt_world *world;
static const char *why_broken;

/* ---- The scribbler ------------------------------------------------------------------------- */

/* What it may write to: whole objects, writable, and their identities as they were. */
struct target {
    uint8_t *bytes;
    size_t size;
    struct fri_identity identity;
};

static bool map_target(const char *name, struct target *target)
{
    char path[FRI_PATH_SIZE];

    snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    void *bytes = size <= 0 ? MAP_FAILED
                            : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (bytes == MAP_FAILED)
        return false;
    target->bytes = bytes;
    target->size = (size_t)size;
    memcpy(&target->identity, bytes, sizeof target->identity);
    return true;
}

static fri_word *word_at(const struct target *target, uint64_t offset)
{
    return (fri_word *)(void *)(target->bytes + (offset & ~UINT64_C(7)));
}

/* An offset of something that means something; the identity only now and then. */
static uint64_t choose_place(const struct target *target)
{
    const struct fri_identity *identity = &target->identity;

    if (corrupt_random() % 64 == 0)
        return corrupt_random() % sizeof *identity;
    if (identity->kind != FR_KIND_RING)
        return 512 + corrupt_random() % 512;
    switch (corrupt_random() % 8) {
    case 0:
        return identity->members_offset + corrupt_random() % (FRI_MEMBERS * FRI_LINE);
    case 1:
    case 2:
        return identity->order_offset + corrupt_random() % (identity->order_size * 8);
    case 3:
    case 4:
        return identity->slots_offset + corrupt_random() % (SLOTS * sizeof(struct fri_slot));
    case 5:
        return identity->data_offset + corrupt_random() % SLOTS * identity->slot_stride +
               corrupt_random() % sizeof(struct fri_frame_header);
    default:
        return 512 + corrupt_random() % 6 * FRI_LINE + corrupt_random() % 32;
    }
}

/* Anything, and often something that could almost be true. */
static uint64_t choose_value(const struct target *target, uint64_t old)
{
    uint64_t near = word_load(word_at(target, offsetof(struct fri_ring_page, tail))) +
                    corrupt_random() % 16 - 8;

    switch (corrupt_random() % 8) {
    case 0:
        return corrupt_random();
    case 1:
        return old ^ fri_bit((unsigned)corrupt_random() % 64);
    case 2:
        return corrupt_random() % 4;
    case 3:
        return UINT64_MAX - corrupt_random() % 4;
    case 4:
        return near;
    case 5:
        return control_make(near, (enum fri_slot_state)(corrupt_random() % 5),
                            (unsigned)corrupt_random() % 8);
    case 6:
        return entry_make(near, (uint32_t)corrupt_random() % (SLOTS + 2));
    default:
        return word_load(word_at(target, choose_place(target)));
    }
}

static void scribble(const struct target *target)
{
    uint64_t offset = choose_place(target) & ~UINT64_C(7);
    uint64_t value = choose_value(target, word_load(word_at(target, offset)));

    if (corrupt_random() % 4 == 0) /* half of it */
        word32_store((fri_word32 *)(void *)(target->bytes + offset + corrupt_random() % 2 * 4),
                     (uint32_t)value);
    else
        word_store(word_at(target, offset), value);
    world->words++;
}

/* Without its identity nobody could open an object again, so that is put right in between. */
static void restore_identity(const struct target *target)
{
    memcpy(target->bytes, &target->identity, sizeof target->identity);
}

/* In bursts of all sizes: a word now and then, that the peers have time to believe, or a flood. */
static int scribble_for_ever(void)
{
    static const unsigned bursts[] = { 1, 4, 32, 1000 };
    struct target targets[2];

    if (!map_target(world->ring, &targets[0]) || !map_target(world->region, &targets[1]))
        return 1;
    while (!world->stop_scribbling) {
        const struct timespec nap = { .tv_nsec = (long)(corrupt_random() % 200000) };
        unsigned burst = bursts[corrupt_random() % 4];

        for (unsigned i = 0; i < burst; i++)
            scribble(&targets[corrupt_random() % 4 == 0]);
        if (corrupt_random() % 2 == 0)
            nanosleep(&nap, NULL);
        restore_identity(&targets[corrupt_random() % 2]);
    }
    restore_identity(&targets[0]);
    restore_identity(&targets[1]);
    return 0;
}

/* ---- Rounds -------------------------------------------------------------------------------- */

static pid_t start(int (*work)(void), uint64_t seed)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    corrupt_seed(seed);
    _exit(work());
}

/* Whether a child ends by itself within ten seconds, and in order. */
static void expect_end(pid_t child, const char *who)
{
    int status = 0;

    for (int i = 0; i < 1000; i++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                corrupt_complain(world, "%s ended with status %#x", who, (unsigned)status);
            return;
        }
        corrupt_nap_us(10000);
    }
    corrupt_complain(world, "%s hangs", who);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

/* What was spoilt is removed, and a new ring and region of these names work as ever. */
static bool works_anew(void)
{
    struct fr_writer *writer = NULL;
    struct fr_reader *reader = NULL;
    struct fr_region *region = NULL;
    const struct fr_slot *slot;

    why_broken = "cannot be made anew";
    bool works = fr_writer_create(world->ring, &fr_writer_opts(.slot_size = 64), &writer) == 0 &&
                 fr_region_create(world->region, 64, NULL, &region) == 0 &&
                 fr_reader_open(world->ring, NULL, FR_NOWAIT, &reader) == 0;
    for (uint64_t i = 1; i <= 20 && works; i++) {
        why_broken = "loses items when made anew";
        works = fr_writer_write(writer, &i, sizeof i, FR_NOWAIT) == 0 &&
                fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot) == 0;
        works = works && slot->sequence == i && memcmp(slot->data, &i, sizeof i) == 0;
        if (works)
            fr_reader_release(&slot);
    }
    if (works) {
        why_broken = "has no lock when made anew";
        works =
            fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT) == 0 && fr_region_unlock(region) == 0;
    }
    fr_region_close(&region);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    return works;
}

static void run_round(uint64_t seed)
{
    static int (*const peers[PEERS])(void) = { corrupt_write, corrupt_write, corrupt_read,
                                               corrupt_read,  corrupt_lock,  corrupt_lock };
    static const char *const names[PEERS] = { "a writer", "a writer", "a reader",
                                              "a reader", "a locker", "a locker" };
    struct fr_writer *writer = NULL;
    struct fr_region *region = NULL;
    pid_t children[PEERS];

    world->stop_scribbling = world->stop = 0;
    int error =
        fr_writer_create(world->ring,
                         &fr_writer_opts(.slot_size = CORRUPT_SLOT_SIZE, .slots = SLOTS,
                                         .delivery = world->delivery, .overflow = world->overflow,
                                         .observers = world->observers),
                         &writer);
    if (error == 0)
        error = fr_array_create(world->region, 512, 8, NULL, &region);
    if (error < 0) {
        corrupt_complain(world, "creating: %s", fr_error_detail(error));
        fr_writer_close(&writer);
        return;
    }
    for (unsigned i = 0; i < PEERS; i++)
        children[i] = start(peers[i], seed * 16 + i);
    pid_t scribbler = start(scribble_for_ever, seed * 16 + PEERS);
    corrupt_nap_us(ROUND_NS / 1000);
    world->stop_scribbling = 1;
    expect_end(scribbler, "the scribbler");
    corrupt_nap_us(AFTERMATH_NS / 1000);
    world->stop = 1;
    for (unsigned i = 0; i < PEERS; i++)
        expect_end(children[i], names[i]);
    fr_writer_close(&writer);
    fr_region_close(&region);
    (void)!fr_unlink(world->ring);
    (void)!fr_unlink(world->region);
    if (!works_anew())
        corrupt_complain(world, "the object %s", why_broken);
}

int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? atoll(argv[1]) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)fr_now_ns();
    int64_t end = fr_now_ns() + FR_S(seconds);
    unsigned rounds = 0;

    world = corrupt_world_make();
    if (!world) {
        fprintf(stderr, "corrupt: no memory: close other programs and try again\n");
        return 1;
    }
    snprintf(world->ring, sizeof world->ring, "corrupt-%d-ring", (int)getpid());
    snprintf(world->region, sizeof world->region, "corrupt-%d-region", (int)getpid());
    do {
        world->delivery = (enum fr_delivery)(rounds % 2);
        world->overflow = (enum fr_overflow)(rounds / 2 % 3);
        world->observers = world->delivery == FR_BROADCAST && rounds / 6 % 2;
        run_round(seed + rounds++);
    } while (fr_now_ns() < end && world->failures == 0);
    printf("corrupt: %u rounds, seed %" PRIu64 ": %" PRIu64 " words written, %" PRIu64
           " calls, longest %" PRIu64 " ms, %" PRIu64 " failures\n",
           rounds, seed, (uint64_t)world->words, (uint64_t)world->calls,
           (uint64_t)world->longest_ns / 1000000, (uint64_t)world->failures);
    if (world->failures)
        printf("corrupt: first failure: %s\n", world->why);
    return world->failures ? 1 : 0;
}
