/* SPDX-License-Identifier: MIT */
/*
 * A member truncates a named object, as any process that may write to it can: whoever then touches
 * what is gone gets SIGBUS, as the header says, in the middle of whatever it does. That is all: who
 * does not touch it goes on, its mappings can be given back, and the name can be removed and made
 * anew. Memory without a name cannot be truncated at all: see test_descriptor_hostile.
 *
 * usage: environs_truncation [rounds]     100
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environs.h"

#define NAME_SIZE 32
#define SLOT_SIZE 100000
#define SLOTS 3

struct scene {
    char ring[NAME_SIZE];
    char bystander[NAME_SIZE];
    _Atomic uint32_t *ready;
};

static int make_ring(const char *name, struct fr_writer **writer)
{
    return fr_writer_create(name,
                            &fr_writer_opts(.slot_size = SLOT_SIZE, .slots = SLOTS,
                                            .overflow = FR_DROP_OLDEST, .observers = 1),
                            writer);
}

/* Writes until it dies of it. */
static int own_and_write(void *argument)
{
    static uint8_t bytes[SLOT_SIZE];
    struct scene *scene = argument;
    struct fr_writer *writer;
    int error = make_ring(scene->ring, &writer);

    while (error == 0 || error == FR_ETIMEDOUT) { /* two readers may hold what there is */
        error = fr_writer_write(writer, bytes, sizeof bytes, FR_NOWAIT);
        *scene->ready |= 1;
        env_nap_us(100);
    }
    return 1;
}

static int read_for_ever(struct scene *scene, uint32_t bit, int observe)
{
    const struct fr_reader_opts opts = fr_reader_opts(.observe = observe);
    static uint8_t bytes[SLOT_SIZE];
    struct fr_reader *reader;
    size_t size;
    int error = fr_reader_open(scene->ring, &opts, FR_S(10), &reader);

    while (error == 0 || error == FR_ETIMEDOUT) {
        error = fr_reader_read(reader, FR_LATEST, bytes, sizeof bytes, FR_MS(20), &size);
        *scene->ready |= error == 0 ? bit : 0;
    }
    return 1;
}

static int read_as_member(void *argument)
{
    return read_for_ever(argument, 2, 0);
}

static int read_as_observer(void *argument)
{
    return read_for_ever(argument, 4, 1);
}

static bool truncate_ring(const char *name, off_t size)
{
    int fd = open(env_path(name), O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && ftruncate(fd, size) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

/* Nothing, or something whose identity is whole but which is too short: no ring, but removable. */
static void make_anew(const char *name, int expected)
{
    struct fr_writer *writer;
    struct fr_reader *reader;

    env_expect_code("open", fr_reader_open(name, NULL, FR_NOWAIT, &reader), expected);
    env_expect_code("create over it", make_ring(name, &writer), expected);
    env_expect_code("unlink", fr_unlink(name), 0);
    if (!env_expect_code("create", make_ring(name, &writer), 0))
        return;
    env_expect_code("write", fr_writer_write(writer, "new", 4, FR_NOWAIT), 0);
    fr_writer_close(&writer);
    env_expect(env_names(name) == 0, "a name is left");
}

/* Another ring of the same process goes on. */
static void stand_by(struct fr_writer *writer, struct fr_reader *reader)
{
    const struct fr_slot *got;

    for (int i = 0; i < 10; i++) {
        env_expect_code("bystander", fr_writer_write(writer, "item", 5, FR_NOWAIT), 0);
        if (env_expect_code("bystander", fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), 0))
            fr_reader_release(&got);
    }
}

static void truncate_under_all(uint64_t round)
{
    static int (*const work[])(void *) = { own_and_write, read_as_member, read_as_observer };
    static const char *const who[] = { "the writer", "the reader", "the observer" };
    struct scene scene = { .ready = env_flags() };
    const off_t size = round % 2 ? 4096 : 0;
    struct fr_writer *writer;
    struct fr_reader *reader;
    pid_t children[3];

    snprintf(scene.ring, NAME_SIZE, "cut-%d", (int)getpid());
    snprintf(scene.bystander, NAME_SIZE, "bystander-%d", (int)getpid());
    if (!env_expect_code("create", make_ring(scene.bystander, &writer), 0) ||
        !env_expect_code("open", fr_reader_open(scene.bystander, NULL, FR_NOWAIT, &reader), 0))
        return;
    for (int i = 0; i < 3; i++)
        children[i] = env_start(work[i], &scene);
    env_expect(env_await(scene.ready, 7), "not all are at work: %u", *scene.ready);
    env_nap_us((int64_t)(round * 37 % 500));
    env_expect(truncate_ring(scene.ring, size), "cannot truncate");
    stand_by(writer, reader);
    for (int i = 0; i < 3; i++) {
        int status = env_wait(children[i]);

        env_expect(status == 128 + SIGBUS, "%s: status %d", who[i], status);
    }
    make_anew(scene.ring, size == 0 ? FR_EFOREIGN : FR_ECORRUPT);
    stand_by(writer, reader);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 100;

    for (uint64_t i = 0; i < rounds; i++)
        truncate_under_all(i);
    return env_end("environs_truncation");
}
