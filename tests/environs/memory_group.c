/* SPDX-License-Identifier: MIT */
/*
 * Inside a control group of 64 MiB of memory, as containers have them. The kernel counts shared
 * memory for the group of the process that makes it; what does not fit it refuses, or it kills the
 * process, and nobody can turn that into an error. Either way nothing may be left: no name, no byte.
 * Whoever only looks at a large ring that was made outside pays nothing for it.
 *
 * usage: environs_memory_group
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environs.h"

#define NAME "memory-group"
#define MEGABYTE (UINT64_C(1) << 20)
#define LIMIT "67108864"
#define ITEMS 16

static char group[128];

static bool write_text(const char *file, const char *text)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", group, file);
    FILE *stream = fopen(path, "w");
    if (!stream)
        return false;
    bool is_written = fputs(text, stream) >= 0;
    return fclose(stream) == 0 && is_written;
}

/* The group under a hierarchy's folder, limited by that file; false if that cannot be had here. */
static bool make_group(const char *folder, const char *limit_file)
{
    snprintf(group, sizeof group, "%s/framering-%d", folder, (int)getpid());
    if (mkdir(group, 0755) < 0)
        return false;
    if (write_text(limit_file, LIMIT))
        return true;
    rmdir(group);
    return false;
}

static bool join_group(void)
{
    char number[16];

    snprintf(number, sizeof number, "%d", (int)getpid());
    return env_expect(write_text("cgroup.procs", number), "cannot join the group");
}

static int make_ring(uint64_t size, struct fr_writer **writer)
{
    return fr_writer_create(NAME, &fr_writer_opts(.slot_size = size / 8, .slots = 8), writer);
}

static void put(struct fr_writer *writer, int number)
{
    struct fr_slot *slot;

    if (!env_expect_code("acquire", fr_writer_acquire(writer, FR_S(10), &slot), 0))
        return;
    memset(slot->data, number, slot->capacity);
    slot->used = slot->capacity;
    env_expect_code("publish", fr_writer_publish(&slot), 0);
}

static void take(struct fr_reader *reader, int number)
{
    const struct fr_slot *slot;

    if (!env_expect_code("read", fr_reader_acquire(reader, FR_NEXT, FR_S(10), &slot), 0))
        return;
    const uint8_t *bytes = slot->data;
    env_expect(bytes[0] == number && bytes[slot->used - 1] == number, "another item");
    fr_reader_release(&slot);
}

static int make_what_fits(void *unused)
{
    struct fr_writer *writer;
    struct fr_reader *reader;

    (void)unused;
    if (!join_group() || !env_expect_code("create", make_ring(32 * MEGABYTE, &writer), 0) ||
        !env_expect_code("open", fr_reader_open(NAME, NULL, FR_NOWAIT, &reader), 0))
        return 1;
    for (int i = 1; i <= ITEMS; i++) {
        put(writer, i);
        take(reader, i);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    return 0;
}

static int make_what_does_not_fit(void *unused)
{
    struct fr_writer *writer;

    (void)unused;
    if (!join_group())
        return 1;
    int error = make_ring(256 * MEGABYTE, &writer);
    return env_expect(error == FR_ENOMEM || error == FR_ENOSPC, "made four times what fits: %d",
                      error)
               ? 0
               : 1;
}

static int look_from_inside(void *unused)
{
    struct fr_reader *reader;

    (void)unused;
    if (!join_group() || !env_expect_code("open", fr_reader_open(NAME, NULL, FR_S(10), &reader), 0))
        return 1;
    for (int i = 1; i <= ITEMS; i++)
        take(reader, i);
    fr_reader_close(&reader);
    return 0;
}

/* Every slot of a ring of four times the limit goes through the hands of a reader in the group. */
static void write_from_outside(void)
{
    struct fr_writer *writer;

    if (!env_expect_code("create", make_ring(256 * MEGABYTE, &writer), 0))
        return;
    pid_t reader = env_start(look_from_inside, NULL);
    struct fr_info info = fr_info();
    while (fr_inspect(NAME, &info) == 0 && info.readers == 0)
        env_nap_us(1000);
    for (int i = 1; i <= ITEMS; i++)
        put(writer, i);
    int status = env_wait(reader);
    env_expect(status == 0, "the reader inside: status %d", status);
    fr_writer_close(&writer);
}

static void expect_nothing_left(const char *what, uint64_t used)
{
    env_expect(env_names(NAME) == 0, "%s: a name is left", what);
    env_expect(env_shm_used() == used, "%s: %llu bytes more in /dev/shm", what,
               (unsigned long long)(env_shm_used() - used));
}

int main(void)
{
    if (!env_own_mounts() || !env_mount_shm("size=600m,mode=1777"))
        env_skip("environs_memory_group", "may not mount (needs root, or user namespaces)");
    if (!make_group("/sys/fs/cgroup/memory", "memory.limit_in_bytes") &&
        !make_group("/sys/fs/cgroup", "memory.max"))
        env_skip("environs_memory_group", "may not make a control group of memory (needs root)");
    uint64_t used = env_shm_used();

    int status = env_wait(env_start(make_what_fits, NULL));
    env_expect(status == 0, "what fits: status %d", status);
    expect_nothing_left("what fits", used);
    status = env_wait(env_start(make_what_does_not_fit, NULL));
    env_expect(status == 0 || status == 128 + SIGKILL, "what does not fit: status %d", status);
    printf("what does not fit: %s\n", status == 0 ? "refused" : "killed by the kernel");
    expect_nothing_left("what does not fit", used);
    write_from_outside();
    expect_nothing_left("made outside", used);
    env_expect(rmdir(group) == 0, "the group is left");
    return env_end("environs_memory_group");
}
