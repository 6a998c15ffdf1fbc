/* SPDX-License-Identifier: MIT */
/*
 * Writers and readers that do not see each other's process ids, users or clocks: each in namespaces
 * of its own on one /dev/shm, as containers are. Whoever is killed is noticed by the others, nobody
 * else is taken for dead, and no wait is shorter or longer for it.
 *
 * usage: environs_namespaces
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "environs.h"

#define NAME "namespaces"
#define SLOTS 4

/* What the parties of one scene share. */
struct scene {
    _Atomic uint32_t *ready;
    _Atomic uint32_t *stop;
    _Atomic uint32_t *process; /* of a party, as it sees itself */
    enum fr_delivery delivery;
};

static struct scene make_scene(enum fr_delivery delivery)
{
    return (struct scene){ env_flags(), env_flags(), env_flags(), delivery };
}

static int make_ring(const struct scene *scene, struct fr_writer **writer)
{
    return fr_writer_create(NAME,
                            &fr_writer_opts(.slot_size = 64, .slots = SLOTS,
                                            .delivery = scene->delivery),
                            writer);
}

/* ---- Parties ----------------------------------------------------------------------------------- */

/* Makes the ring, publishes items 1 to 3, and lives on. */
static int own_ring(void *argument)
{
    struct scene *scene = argument;
    struct fr_writer *writer;
    int error = make_ring(scene, &writer);

    for (uint64_t i = 1; i <= 3 && error == 0; i++)
        error = fr_writer_write(writer, &i, sizeof i, FR_NOWAIT);
    *scene->process = (uint32_t)getpid();
    *scene->ready = error == 0 ? 1 : 2;
    while (!*scene->stop)
        env_nap_us(1000);
    fr_writer_close(&writer);
    return error == 0 ? 0 : 1;
}

/* Holds as many items as it gets. */
static int hold_items(void *argument)
{
    struct scene *scene = argument;
    const struct fr_slot *got;
    struct fr_reader *reader;
    int error = fr_reader_open(NAME, NULL, FR_S(5), &reader);
    uint32_t count = 0;

    *scene->process = (uint32_t)getpid();
    *scene->ready = 1;
    while (error == 0 || error == FR_ETIMEDOUT || error == FR_EBUSY) {
        error = fr_reader_acquire(reader, FR_NEXT, FR_MS(10), &got);
        count += error == 0;
        if (count > 0)
            *scene->ready = 1 + count;
    }
    return 1;
}

/* Reads until the ring is closed; each item in order, however far off its clock is. */
static int read_in_order(void *argument)
{
    struct scene *scene = argument;
    const struct fr_slot *got;
    struct fr_reader *reader;
    uint64_t last = 0;
    int error = fr_reader_open(NAME, NULL, FR_S(5), &reader);

    env_expect(error == 0, "cannot open: %s", fr_error_detail(error));
    *scene->ready = 1;
    while (error == 0) {
        error = fr_reader_acquire(reader, FR_NEXT, FR_S(5), &got);
        if (error < 0)
            break;
        env_expect(last == 0 || got->sequence == last + 1, "item %" PRIu64 " after %" PRIu64,
                   got->sequence, last);
        last = got->sequence;
        fr_reader_release(&got);
    }
    env_expect_code("the end", error, FR_ECLOSED);
    fr_reader_close(&reader);
    return 0;
}

/* ---- Process ids --------------------------------------------------------------------------------- */

/* A dead owner is seen from another namespace, and its name can be taken over from a third. */
static void kill_the_owner(enum fr_delivery delivery)
{
    struct scene scene = make_scene(delivery);
    const struct fr_slot *got;
    struct fr_reader *reader;
    uint64_t number = 0;
    int error;

    pid_t owner = env_start_in(CLONE_NEWPID, 0, own_ring, &scene);
    if (!env_expect(env_await(scene.ready, 1) && *scene.ready == 1, "the owner is not ready"))
        return;
    env_expect(*scene.process < 10, "not in a namespace: process %u", *scene.process);
    if (!env_expect_code("open", fr_reader_open(NAME, NULL, FR_NOWAIT, &reader), 0))
        return;
    env_nap_us(50000); /* for long enough that somebody might think the owner dead */
    while (fr_reader_acquire(reader, FR_NEXT, FR_MS(20), &got) == 0) {
        memcpy(&number, got->data, sizeof number);
        fr_reader_release(&got);
    }
    env_expect(number == 3, "the last item is %" PRIu64, number);
    env_kill(owner);
    int64_t start = fr_now_ns();
    do {
        error = fr_reader_acquire(reader, FR_NEXT, FR_MS(20), &got);
    } while (error == FR_ETIMEDOUT && fr_now_ns() - start < FR_S(2));
    env_expect_code("after the owner's death", error, FR_EOWNERDEAD);

    scene = make_scene(delivery);
    owner = env_start_in(CLONE_NEWPID, 0, own_ring, &scene);
    env_expect(env_await(scene.ready, 1) && *scene.ready == 1, "the name cannot be taken over");
    error = fr_reader_acquire(reader, FR_NEXT, FR_S(2), &got);
    env_expect_code("from the next owner", error, 0);
    fr_reader_release(&got);
    *scene.stop = 1;
    env_expect(env_wait(owner) == 0, "the next owner failed");
    fr_reader_close(&reader);
}

/* What a dead reader held comes back to a writer that cannot see its process. */
static int recover_slots(void *argument)
{
    struct scene *scene = argument;
    struct fr_slot *slots[SLOTS];
    struct fr_writer *writer;
    int error = make_ring(scene, &writer);
    int free_slots = 0;
    uint64_t i = 0;

    /* To the brim, and until the reader has some of it. */
    *scene->process = (uint32_t)getpid();
    while (error == 0 && !*scene->stop) {
        error = fr_writer_write(writer, &i, sizeof i, FR_MS(5));
        error = error == FR_ETIMEDOUT ? 0 : error;
    }
    env_expect_code("write", error, 0);
    int64_t start = fr_now_ns();
    while (free_slots < SLOTS - 1 && fr_now_ns() - start < FR_S(3))
        free_slots += fr_writer_acquire(writer, FR_MS(50), &slots[free_slots]) == 0;
    env_expect(free_slots == SLOTS - 1, "only %d slots came back", free_slots);
    while (free_slots > 0)
        fr_writer_abort(&slots[--free_slots]);
    fr_writer_close(&writer);
    return 0;
}

static void kill_the_reader(enum fr_delivery delivery)
{
    struct scene readers = make_scene(delivery);
    struct scene writers = make_scene(delivery);
    pid_t reader = env_start_in(CLONE_NEWPID, 0, hold_items, &readers);
    pid_t writer = env_start_in(CLONE_NEWPID, 0, recover_slots, &writers);

    env_expect(env_await(readers.ready, 3), "the reader holds nothing");
    env_expect(*readers.process == *writers.process, "they see each other: %u, %u",
               *readers.process, *writers.process);
    env_kill(reader);
    struct fr_reader *heir = NULL;
    const struct fr_slot *got;
    env_expect_code("open", fr_reader_open(NAME, NULL, FR_NOWAIT, &heir), 0);
    *writers.stop = 1;
    while (heir && fr_reader_acquire(heir, FR_NEXT, FR_S(5), &got) == 0)
        fr_reader_release(&got);
    fr_reader_close(&heir);
    env_expect(env_wait(writer) == 0, "the writer lost slots");
}

/* ---- Users --------------------------------------------------------------------------------------- */

static void read_as_the_same_user_elsewhere(void)
{
    struct scene scene = make_scene(FR_BROADCAST);
    struct fr_writer *writer;

    if (!env_expect_code("create", make_ring(&scene, &writer), 0))
        return;
    pid_t reader = env_start_in(CLONE_NEWUSER | CLONE_NEWPID, 0, read_in_order, &scene);
    if (env_await(scene.ready, 1)) {
        for (uint64_t i = 0; i < 1000; i++)
            env_expect_code("write", fr_writer_write(writer, &i, sizeof i, FR_S(5)), 0);
    }
    fr_writer_close(&writer);
    int status = env_wait(reader);
    if (status == 77)
        printf("not checked, because that is not allowed here: user namespaces\n");
    else
        env_expect(status == 0, "the reader: status %d", status);
}

/* ---- Clocks -------------------------------------------------------------------------------------- */

/* Several times, because on a busy machine any one wait may end late; none may end early. */
#define WAITS 4
#define ASKED_NS FR_MS(200)

/* Passes over what is there. */
static int open_and_drain(struct fr_reader **reader)
{
    const struct fr_slot *got;
    int error = fr_reader_open(NAME, NULL, FR_NOWAIT, reader);

    while (error == 0) {
        error = fr_reader_acquire(*reader, FR_NEXT, FR_NOWAIT, &got);
        if (error == 0)
            fr_reader_release(&got);
    }
    return error;
}

/* Here the clock is far off: what waits, waits as long as it is asked, as the others' clock shows. */
static int wait_with_that_clock(void *argument)
{
    struct scene *scene = argument;
    const struct fr_slot *got;
    struct fr_reader *reader;

    env_expect_code("drain", open_and_drain(&reader), FR_ETIMEDOUT);
    for (uint32_t i = 1; i <= WAITS; i++) {
        env_await(scene->stop, i);
        *scene->ready = 2 * i - 1;
        int error = fr_reader_acquire(reader, FR_NEXT, ASKED_NS, &got);
        *scene->ready = 2 * i;
        env_expect_code("wait", error, FR_ETIMEDOUT);
    }
    fr_reader_close(&reader);
    return 0;
}

/* What a wait took that began then, and the shortest one so far. */
static void note_wait(const char *where, int64_t start_ns, int64_t *shortest)
{
    int64_t took = fr_now_ns() - start_ns;

    env_expect(took > ASKED_NS - FR_MS(50), "a wait %s took %" PRId64 " ms of %" PRId64, where,
               took / 1000000, ASKED_NS / 1000000);
    *shortest = took < *shortest ? took : *shortest;
}

static void wait_here(struct fr_reader *reader)
{
    int64_t shortest = INT64_MAX;
    const struct fr_slot *got;

    for (int i = 0; i < WAITS; i++) {
        int64_t start = fr_now_ns();

        env_expect_code("wait", fr_reader_acquire(reader, FR_NEXT, ASKED_NS, &got), FR_ETIMEDOUT);
        note_wait("here", start, &shortest);
    }
    env_expect(shortest < ASKED_NS + FR_MS(50), "waits here take %" PRId64 " ms",
               shortest / 1000000);
}

static void wait_there(int64_t offset_s)
{
    struct scene scene = make_scene(FR_BROADCAST);
    int64_t shortest = INT64_MAX;
    pid_t waiter = env_start_in(CLONE_NEWTIME, offset_s, wait_with_that_clock, &scene);

    for (uint32_t i = 1; i <= WAITS; i++) {
        *scene.stop = i;
        env_expect(env_await(scene.ready, 2 * i - 1), "the waiter is not ready");
        int64_t start = fr_now_ns();
        env_expect(env_await(scene.ready, 2 * i), "the waiter does not end");
        note_wait("there", start, &shortest);
    }
    env_expect(shortest < ASKED_NS + FR_MS(50), "waits there take %" PRId64 " ms",
               shortest / 1000000);
    env_expect(env_wait(waiter) == 0, "the waiter failed");
}

static void wait_across_clocks(int64_t offset_s)
{
    struct scene scene = make_scene(FR_BROADCAST);
    struct fr_reader *reader;

    pid_t owner = env_start_in(CLONE_NEWTIME, offset_s, own_ring, &scene);
    if (!env_expect(env_await(scene.ready, 1) && *scene.ready == 1, "the owner is not ready") ||
        !env_expect_code("drain", open_and_drain(&reader), FR_ETIMEDOUT))
        return;
    wait_here(reader);
    wait_there(offset_s);
    fr_reader_close(&reader);
    *scene.stop = 1;
    env_expect(env_wait(owner) == 0, "the owner failed");
}

static void read_across_clocks(int64_t offset_s)
{
    struct scene scene = make_scene(FR_BROADCAST);
    struct fr_writer *writer;

    if (!env_expect_code("create", make_ring(&scene, &writer), 0))
        return;
    pid_t reader = env_start_in(CLONE_NEWTIME, offset_s, read_in_order, &scene);
    env_expect(env_await(scene.ready, 1), "the reader is not ready");
    for (uint64_t i = 0; i < 2000; i++)
        env_expect_code("write", fr_writer_write(writer, &i, sizeof i, FR_S(5)), 0);
    fr_writer_close(&writer);
    env_expect(env_wait(reader) == 0, "the reader failed");
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

int main(void)
{
    if (!env_own_mounts() || !env_mount_shm("size=4m,mode=1777") ||
        env_wait(env_start_in(CLONE_NEWPID, 0, nothing, NULL)) != 0)
        env_skip("environs_namespaces", "no namespaces here (needs root, or user namespaces)");
    for (int delivery = FR_BROADCAST; delivery <= FR_QUEUE; delivery++) {
        kill_the_owner((enum fr_delivery)delivery);
        kill_the_reader((enum fr_delivery)delivery);
    }
    read_as_the_same_user_elsewhere();
    if (env_wait(env_start_in(CLONE_NEWTIME, 1, nothing, NULL)) == 0) {
        wait_across_clocks(100000);
        read_across_clocks(100000);
    } else {
        printf("not checked, because that is not allowed here: time namespaces\n");
    }
    return env_end("environs_namespaces");
}
