/* SPDX-License-Identifier: MIT */
/*
 * Create, kill, create again under the same name, as fast as that goes. In turn the dead is buried
 * before the next one comes, which must then have the name at its first attempt; or the next one comes
 * while the last is still dying, and may find the name in use until it is dead. A reader follows from
 * ring to ring all the while. In the end there is not more than one object, and nothing in it.
 *
 * usage: restarts [count [seed]]     1000
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environs.h"

#define SLOT_SIZE 5000

static char name[32];
static uint64_t random_state;
static bool own_shm;

struct run {
    uint64_t number;
    bool first_time; /* the name must be free at once */
    _Atomic uint32_t *named;
};

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int create(bool first_time, struct fr_writer **writer)
{
    const struct fr_writer_opts opts = fr_writer_opts(.slot_size = SLOT_SIZE, .slots = 4);
    int64_t end = fr_now_ns() + FR_S(5);
    int error;

    do {
        error = fr_writer_create(name, &opts, writer);
    } while (!first_time && error == FR_EEXIST && fr_now_ns() < end);
    return error;
}

/* A lossy reader holds nobody back, so the writer goes on until it is killed. */
static int live(void *argument)
{
    const struct run *run = argument;
    struct fr_writer *writer;
    int error = create(run->first_time, &writer);

    env_expect(error == 0, "run %" PRIu64 ": %s", run->number, fr_error_detail(error));
    *run->named = 1;
    while (error == 0)
        error = fr_writer_write(writer, &run->number, sizeof run->number, FR_S(5));
    env_expect(false, "run %" PRIu64 ": %s", run->number, fr_error_detail(error));
    return 1;
}

/* Whatever comes, its number never goes back. Returns false if there was nothing new. */
static bool follow(struct fr_reader *reader, uint64_t *newest)
{
    const struct fr_slot *got;
    int error = fr_reader_acquire(reader, FR_LATEST, FR_NOWAIT, &got);
    uint64_t number;

    if (error < 0) {
        env_expect_code("following", error, FR_ETIMEDOUT);
        return false;
    }
    memcpy(&number, got->data, sizeof number);
    env_expect(number >= *newest && got->used == 8, "item of run %" PRIu64 " after %" PRIu64,
               number, *newest);
    *newest = number;
    fr_reader_release(&got);
    return true;
}

/* With the reader's old ring and the one whose owner is dying there are three at the most. */
static void expect_no_growth(uint64_t run)
{
    static uint64_t one;

    if (one == 0)
        one = env_shm_used();
    env_expect(env_names(name) <= 1, "run %" PRIu64 ": %d names", run, env_names(name));
    env_expect(!own_shm || env_shm_used() <= 4 * one, "run %" PRIu64 ": %" PRIu64 " bytes", run,
               env_shm_used());
}

static pid_t start(struct run *run, uint64_t number, bool first_time)
{
    run->number = number;
    run->first_time = first_time;
    *run->named = 0;
    return env_start(live, run);
}

/* Once in four it dies while it is making the ring; else when it has one, and wrote to it or not. */
static void let_live(const struct run *run)
{
    if (run->number == 1 || next_random() % 4 != 0)
        env_expect(env_await(run->named, 1), "run %" PRIu64 " makes no ring", run->number);
    env_nap_us((int64_t)(next_random() % 300));
}

static void restart(uint64_t count)
{
    struct fr_reader *reader = NULL;
    struct run run = { .named = env_flags() };
    uint64_t newest = 0;
    pid_t dying = 0;

    for (uint64_t number = 1; number <= count; number++) {
        pid_t owner = start(&run, number, dying == 0);

        if (dying)
            env_wait(dying);
        let_live(&run);
        if (!reader)
            env_expect_code("open",
                            fr_reader_open(name, &fr_reader_opts(.lossy = 1, .follow = 1), FR_S(5),
                                           &reader),
                            0);
        if (reader)
            follow(reader, &newest);
        kill(owner, SIGKILL);
        dying = next_random() % 2 ? owner : 0;
        if (!dying)
            env_wait(owner);
        if (number % 100 == 1)
            expect_no_growth(number);
    }
    if (dying)
        env_wait(dying);
    env_expect(newest + 50 > count || count < 100, "the reader came to run %" PRIu64 " only",
               newest);
    fr_reader_close(&reader);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    struct fr_writer *writer;

    random_state = seed ? seed : (uint64_t)fr_now_ns() | 1;
    seed = random_state;
    snprintf(name, sizeof name, "restarts-%d", (int)getpid());
    /* Where nobody else is, every byte is ours. */
    own_shm = env_own_mounts() && env_mount_shm("size=16m,mode=1777");
    restart(count);
    if (env_expect_code("create", create(true, &writer), 0))
        fr_writer_close(&writer);
    env_expect(env_names(name) == 0, "a name is left");
    env_expect(!own_shm || env_shm_used() == 0, "%" PRIu64 " bytes are left", env_shm_used());
    printf("seed %" PRIu64 ": %" PRIu64 " restarts, ", seed, count);
    return env_end("restarts");
}
