/* SPDX-License-Identifier: MIT */
/*
 * Years of coming and going in a short time: members, observers and second writers attach, exchange
 * an item and detach, and now and then the writer ends its ring and makes it anew, which a follower
 * notices by itself. At ten moments the process is looked at: as many descriptors and mappings as in
 * the beginning, no more memory, locked or not, and not a byte more in /dev/shm.
 *
 * usage: soak [attachments [restarts]]     2000 50
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environs.h"

#define SAMPLES 10
#define SLACK_KB 512 /* of the heap and the C library, once; a leak of 10 bytes each is more */

static char name[32];
static bool own_shm;

struct sample {
    int descriptors;
    int mappings;
    long resident_kb;
    long locked_kb;
    uint64_t shm;
};

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static int count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int count = 0;

    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, "/dev/shm") != NULL;
    if (maps)
        fclose(maps);
    return count;
}

static long status_kb(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = atol(line + strlen(key) + 1);
    }
    if (file)
        fclose(file);
    return value;
}

/* The private part of it: what is shared is counted as shared memory. */
static struct sample take_sample(void)
{
    return (struct sample){ .descriptors = count_descriptors(),
                            .mappings = count_mappings(),
                            .resident_kb = status_kb("RssAnon"),
                            .locked_kb = status_kb("VmLck"),
                            .shm = own_shm ? env_shm_used() : 0 };
}

static void compare(const struct sample *first, const struct sample *now, int number)
{
    printf("%2d: %d descriptors, %d mappings, %ld kB, %" PRIu64 " bytes in /dev/shm\n", number,
           now->descriptors, now->mappings, now->resident_kb, now->shm);
    env_expect(now->descriptors == first->descriptors, "descriptors: %d", now->descriptors);
    env_expect(now->mappings == first->mappings, "mappings: %d", now->mappings);
    env_expect(now->resident_kb <= first->resident_kb + SLACK_KB, "%ld kB", now->resident_kb);
    env_expect(now->locked_kb == first->locked_kb, "%ld kB locked", now->locked_kb);
    env_expect(now->shm == first->shm, "%" PRIu64 " bytes in /dev/shm", now->shm);
}

/* ---- What comes and goes ------------------------------------------------------------------------ */

static struct fr_writer *make_ring(void)
{
    struct fr_writer *writer = NULL;

    env_expect_code("create",
                    fr_writer_create(name,
                                     &fr_writer_opts(.slot_size = 1000, .slots = 6, .observers = 1,
                                                     .overflow = FR_DROP_OLDEST),
                                     &writer),
                    0);
    return writer;
}

/* Writes an item, and expects it. */
static void exchange(struct fr_writer *writer, struct fr_reader *reader, uint64_t number)
{
    const struct fr_slot *got;
    uint64_t found = 0;

    if (!env_expect_code("write", fr_writer_write(writer, &number, sizeof number, FR_NOWAIT), 0) ||
        !env_expect_code("read", fr_reader_acquire(reader, FR_LATEST, FR_S(5), &got), 0))
        return;
    memcpy(&found, got->data, sizeof found);
    env_expect(found == number, "item %" PRIu64 " instead of %" PRIu64, found, number);
    fr_reader_release(&got);
}

static void attach_and_detach(struct fr_writer *writer, uint64_t number)
{
    const struct fr_reader_opts opts =
        fr_reader_opts(.observe = number % 3 == 1, .lossy = number % 2 == 1);
    struct fr_writer *second = NULL;
    struct fr_reader *reader;

    if (number % 3 == 2 && !env_expect_code("join", fr_writer_open(name, FR_NOWAIT, &second), 0))
        return;
    if (env_expect_code("open", fr_reader_open(name, &opts, FR_NOWAIT, &reader), 0)) {
        exchange(second ? second : writer, reader, number);
        fr_reader_close(&reader);
    }
    fr_writer_close(&second);
}

/* A region too, since there is nothing of its own in a ring that could leak a lock. */
static void use_region(void)
{
    struct fr_region *region;

    if (!env_expect_code("region", fr_region_create("soak-region", 100, NULL, &region), 0))
        return;
    env_expect_code("lock", fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT), 0);
    fr_region_close(&region);
}

static void soak(uint64_t attachments, uint64_t restarts)
{
    const struct fr_reader_opts follow = fr_reader_opts(.lossy = 1, .follow = 1);
    struct fr_writer *writer = make_ring();
    struct fr_reader *follower = NULL;
    uint64_t each = attachments / (restarts + 1) + 1;
    uint64_t done = 0;
    struct sample first = { 0 };

    if (!writer ||
        !env_expect_code("follow", fr_reader_open(name, &follow, FR_NOWAIT, &follower), 0))
        return;
    for (uint64_t round = 0; round <= restarts; round++) {
        exchange(writer, follower, ++done);
        for (uint64_t i = 0; i < each; i++)
            attach_and_detach(writer, ++done);
        use_region();
        exchange(writer, follower, ++done);
        if (round * SAMPLES / (restarts + 1) != (round + 1) * SAMPLES / (restarts + 1)) {
            struct sample now = take_sample();

            first = first.descriptors ? first : now;
            compare(&first, &now, (int)((round + 1) * SAMPLES / (restarts + 1)));
        }
        fr_writer_close(&writer);
        writer = make_ring();
    }
    fr_reader_close(&follower);
    fr_writer_close(&writer);
}

int main(int argc, char **argv)
{
    uint64_t attachments = argc > 1 ? strtoull(argv[1], NULL, 0) : 2000;
    uint64_t restarts = argc > 2 ? strtoull(argv[2], NULL, 0) : 50;

    snprintf(name, sizeof name, "soak-%d", (int)getpid());
    own_shm = env_own_mounts() && env_mount_shm("size=16m,mode=1777");
    soak(attachments, restarts);
    env_expect(env_names(name) == 0, "a name is left");
    env_expect(!own_shm || env_shm_used() == 0, "%" PRIu64 " bytes are left", env_shm_used());
    printf("%" PRIu64 " attachments, %" PRIu64 " restarts, ", attachments, restarts);
    return env_end("soak");
}
